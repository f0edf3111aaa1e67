//! `mpi_result`: the identifiers of an authentication, for merchants who tell them in the next one (G-193, G-195).

use super::moment;
use ferropay_domain::payment::{Authentication, AuthenticationFlow, Operation};
use serde::Serialize;

/// The identifiers.
#[derive(Debug, Serialize)]
pub struct MpiView<'a> {
    mpi_operation_id: String,
    ds_operation_id: &'a str,
    acs_operation_id: &'a str,
    mpi_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cardholder_info: Option<&'a str>,
    authentication_flow: &'static str,
}

impl<'a> MpiView<'a> {
    /// Of an operation that has ended and whose customer the platform's own 3DS server had authenticated, with whatever
    /// result.
    pub fn of(operation: &'a Operation) -> Option<Self> {
        let known = operation.detail.authentication.as_deref().filter(|_| operation.status.is_final())?;
        let Authentication { flow, ds_transaction, acs_transaction, decided_at, .. } = known;
        if *flow == AuthenticationFlow::Merchant {
            return None;
        }
        Some(Self {
            mpi_operation_id: known.id.get().hyphenated().to_string(),
            ds_operation_id: ds_transaction.as_deref()?,
            acs_operation_id: acs_transaction.as_deref()?,
            mpi_timestamp: moment((*decided_at)?),
            cardholder_info: known.cardholder_info.as_deref(),
            authentication_flow: if known.challenged { "02" } else { "01" },
        })
    }
}
