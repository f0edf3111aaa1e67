//! Addresses for some of a project's callbacks (G-082).

use super::faults::is_address;
use crate::{
    method::MethodRef,
    payment::{Payment, PaymentKind},
};
use serde::{Deserialize, Serialize};

/// What `method` says of cards, whatever wallet handed them out.
const CARD: &str = "card";

/// Callbacks about payments of some kind, by some method or with some result go to an address of their own; what is left
/// out is any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallbackRoute {
    /// As `payment.type` names it: `purchase`, `payout` …
    pub payment_type: Option<String>,
    /// The code of a payment method, or `card`.
    pub method: Option<String>,
    /// Whether the operation succeeded or was declined; callbacks that tell no result yet are of neither kind.
    pub success: Option<bool>,
    /// Where they go.
    pub url: String,
}

impl CallbackRoute {
    /// Whether it is for callbacks about this payment that tell this result.
    pub fn takes(&self, payment: &Payment, success: Option<bool>) -> bool {
        let code = payment.method().map_or(CARD, |method| method.get().code.as_str());
        self.payment_type.as_deref().is_none_or(|kind| kind == payment.kind.text())
            && self.method.as_deref().is_none_or(|method| method == code)
            && self.success.is_none_or(|wanted| success == Some(wanted))
    }

    /// What of it means nothing.
    pub(super) fn fault(&self) -> Option<String> {
        const KINDS: [PaymentKind; 5] = [
            PaymentKind::Purchase,
            PaymentKind::Recurring,
            PaymentKind::Invoice,
            PaymentKind::Payout,
            PaymentKind::AccountVerification,
        ];
        let is_kind = |text: &String| KINDS.iter().any(|kind| kind.text() == text);
        let is_method = |code: &String| code == CARD || MethodRef::of_code(code).is_some();
        if let Some(kind) = self.payment_type.as_ref().filter(|kind| !is_kind(kind)) {
            return Some(format!("there are no payments of the type {kind:?}"));
        }
        if let Some(code) = self.method.as_ref().filter(|code| !is_method(code)) {
            return Some(format!("there is no payment method {code:?}"));
        }
        (!is_address(&self.url)).then(|| "its url is no address".to_owned())
    }
}
