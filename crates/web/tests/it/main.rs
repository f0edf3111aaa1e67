//! The Gate API as merchants meet it, by URL.
//!
//! Every test drives the real router with signed bodies against a whole platform in this process: engine, `SQLite` store and
//! vault in a directory of the test's own, and the real card connector talking to the acquirer simulator over a loopback
//! socket. Only two parts are replaced: the clock, which stands still until a test moves it, and the courier, which
//! collects callbacks instead of posting them. Every reply is held against the published contract, every callback against
//! its documented structure and signature, and at the end of a test the books are audited.
#![cfg(test)]
#![allow(clippy::similar_names, reason = "an answer and the operation it answers are often named alike")]

mod account_verification;
mod admission;
mod alerts;
mod answered_at_once;
mod attempts;
mod avs;
mod by_any_card;
mod callbacks;
mod capabilities;
mod card_ranges;
mod card_refund;
mod card_sale;
mod cascading;
mod clarification;
mod contract;
mod conversion;
mod crediting;
mod debt_repayment;
mod descriptor;
mod device_wallets;
mod documented_examples;
mod exemptions;
mod first_replies;
mod hold_limits;
mod identity;
mod inspector;
mod inspector_guard;
mod link_mails;
mod link_series;
mod links;
mod links_again;
mod links_by_token;
mod lookups;
mod mandates;
mod merchant_auth;
mod merchant_confirmation;
mod merchant_stored;
mod method_operations;
mod methods;
mod migration;
mod moto;
mod network_tokens;
mod other_amounts;
mod partial_approval;
mod paths;
mod payees;
mod payout_registration;
mod payout_rules;
mod payouts;
mod provider_words;
mod refund_cancellation;
mod result_mails;
mod retry_schedule;
mod risk_control;
mod saved_accounts;
mod saved_cards;
mod series;
mod series_schedule;
mod settlement;
mod signatures;
mod status;
mod status_request;
mod support;
mod test_cards;
mod three_ds;
mod three_ds_again;
mod three_ds_basic;
mod three_ds_forged;
mod three_ds_merchant;
mod three_ds_races;
mod three_ds_wrong_orders;
mod tokens;
mod transfers;
mod two_step;
mod waiting_codes;
mod wallet_agreements;
mod wallet_series;
