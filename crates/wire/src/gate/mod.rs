//! The Gate API: bodies that come in and go out.

mod accounts;
mod lookups;
mod refusal;
mod reply;
mod request;
mod status;
#[cfg(test)]
mod tests;

pub use accounts::{Holdings, account_of_token, customer_info, saved_account_deleted, saved_accounts};
pub use lookups::{available_methods, banks};
pub use refusal::{Refusal, refusal_of};
pub use reply::{accepted, done, error, error_list, merchant_session, retry_schedule, series_info};
pub use request::{
    AboutCustomer, AboutToken, ApplePaySession, AvailableMethods, CancelLink, CardPayment, CardPayout,
    Clarification, CreateLink, DeleteSaved, MerchantAuth, MerchantAuthRequest, MethodRequest, PaidWith,
    PayeeResult, RecurringDebit, Refund, RegisterPayout, RetryDays, SecondStep, SeriesChange, SeriesQuery,
    SeriesTerms, StatusByPayment, StatusByRequest, ThreeDsCheck, ThreeDsProof, ThreeDsResult, Tokenize,
    VerifyPayee, WalletPayment, card_operation, customer_members, keeps_customer, member, three_ds_data,
    unknown_series, wallet_operation, wanted_banks,
};
pub use status::{StatusFacts, request_status, status, untold_payment};
