//! The 3DS server against the simulated directory server and bank, over real sockets.

#![allow(missing_docs, reason = "a test binary has no interface")]

#[cfg(test)]
mod authentication;
#[cfg(test)]
mod challenge;
#[cfg(test)]
mod ranges;
#[cfg(test)]
mod support;
