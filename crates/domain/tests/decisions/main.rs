//! The decisions, driven as the engine drives them, against a model that keeps its own books.
//!
//! [`world`] applies change sets as a store would, and checks after each that nothing but the documented has
//! happened. The other modules tell stories in it: the exhaustive walk over the machines' tables, named rules
//! with their requirement ids, and random histories.

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod returns;
#[cfg(test)]
mod sales;
#[cfg(test)]
mod unknown_outcomes;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod world;
