//! Directory server and demo bank over real sockets: a 3DS server and a browser, both played here, meet them.

#![allow(missing_docs, reason = "a test binary has no interface")]

#[cfg(test)]
mod challenge;
#[cfg(test)]
mod control;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod support;
