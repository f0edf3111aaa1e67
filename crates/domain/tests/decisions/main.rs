//! The decisions, driven as the engine drives them, against a model that keeps its own books.
//!
//! [`world`] applies change sets as a store would, and checks after each that nothing but the documented has
//! happened. The other modules tell stories in it: the exhaustive walk over the machines' tables, named rules
//! with their requirement ids, and random histories.

#[cfg(test)]
mod attempts;
#[cfg(test)]
mod card_kinds;
#[cfg(test)]
mod cascading;
#[cfg(test)]
mod clarification;
#[cfg(test)]
mod confirmations;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod conversion;
#[cfg(test)]
mod crediting;
#[cfg(test)]
mod exemptions;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod links;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod methods;
#[cfg(test)]
mod minimised;
#[cfg(test)]
mod other_amounts;
#[cfg(test)]
mod particulars;
#[cfg(test)]
mod payout_journeys;
#[cfg(test)]
mod payouts;
#[cfg(test)]
mod registrations;
#[cfg(test)]
mod returns;
#[cfg(test)]
mod risk;
#[cfg(test)]
mod sales;
#[cfg(test)]
mod second_authentication;
#[cfg(test)]
mod series;
#[cfg(test)]
mod three_ds;
#[cfg(test)]
mod two_step;
#[cfg(test)]
mod undone_payouts;
#[cfg(test)]
mod undone_refunds;
#[cfg(test)]
mod unknown_outcomes;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod wallets;
#[cfg(test)]
mod world;
