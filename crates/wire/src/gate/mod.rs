//! The Gate API: bodies that come in and go out.

mod refusal;
mod reply;
mod request;
mod status;
#[cfg(test)]
mod tests;

pub use refusal::{Refusal, refusal_of};
pub use reply::{accepted, done, error, error_list, retry_schedule};
pub use request::{
    CardPayment, CardPayout, Clarification, MerchantAuth, MerchantAuthRequest, Refund, RetryDays, SecondStep,
    StatusByPayment, StatusByRequest, ThreeDsCheck, ThreeDsProof, ThreeDsResult, card_operation, member,
    three_ds_data,
};
pub use status::{StatusFacts, request_status, status, unknown_payment};
