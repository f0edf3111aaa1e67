//! The conversation with directory servers and issuers as people look at it.
//!
//! The messages themselves are the 3DS server's; what is kept here are the facts that went in and came out, under the
//! protocol's names. Card number and authentication value are not among them.

use super::{Content, Field};
use crate::authentication::{AuthenticationOrder, AuthenticationOutcome, DeviceData};
use ferropay_domain::{ids::AuthenticationId, money::Money, payment::AuthenticationResult};
use std::borrow::Cow;

/// The request for an authentication.
#[derive(Debug)]
pub(crate) struct Asked {
    id: AuthenticationId,
    version: Box<str>,
    amount: Money,
    is_payment: bool,
    device_data: DeviceData,
}

impl Asked {
    pub(crate) fn of(order: &AuthenticationOrder) -> Self {
        let AuthenticationOrder { id, version, amount, is_payment, device_data, .. } = order;
        Self {
            id: *id,
            version: version.as_str().into(),
            amount: *amount,
            is_payment: *is_payment,
            device_data: *device_data,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Said {
    /// The directory server's answer decides.
    Decided(AuthenticationResult),
    /// The customer is to be asked.
    Challenge,
    /// There was no usable answer.
    Unavailable(Box<str>),
    /// The issuer's notice after a challenge.
    Noticed(AuthenticationResult),
}

impl Said {
    pub(crate) fn of(answer: &AuthenticationOutcome) -> Self {
        match answer {
            AuthenticationOutcome::Decided { result, .. } => Self::Decided(result.clone()),
            AuthenticationOutcome::Challenge { .. } => Self::Challenge,
            AuthenticationOutcome::Unavailable { reason } => Self::Unavailable(reason.as_str().into()),
        }
    }
}

fn field(name: &'static str, meaning: &'static str, value: impl Into<String>) -> Field {
    Field { name: name.into(), meaning, value: value.into() }
}

impl Content for Asked {
    fn name(&self) -> Cow<'_, str> {
        "AReq to the directory server".into()
    }

    fn result(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn succeeded(&self) -> Option<bool> {
        None
    }

    fn fields(&self) -> Vec<Field> {
        let seen = match self.device_data {
            DeviceData::Seen => "Y, the issuer has seen the browser",
            DeviceData::NotSeen => "N, it did not say so in time",
            DeviceData::NotWanted => "U, it does not want to",
        };
        let category = if self.is_payment { "01, payment" } else { "02, no payment" };
        vec![
            field("threeDSServerTransID", "authentication", self.id.to_string()),
            field("messageVersion", "version of the protocol", &*self.version),
            field("messageCategory", "what it is for", category),
            field("purchaseAmount", "amount", self.amount.to_string()),
            field("threeDSCompInd", "whether the browser was seen", seen),
        ]
    }
}

impl Content for Said {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Decided(_) => "ARes, decided without asking",
            Self::Challenge => "ARes, challenge required",
            Self::Unavailable(_) => "no usable ARes",
            Self::Noticed(_) => "RReq, result of the challenge",
        }
        .into()
    }

    fn result(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Decided(result) | Self::Noticed(result) => {
                let eci = result.eci.as_ref().map(|eci| format!(", ECI {eci}")).unwrap_or_default();
                format!("transStatus {}{eci}", result.status.letter()).into()
            }
            Self::Challenge => "transStatus C".into(),
            Self::Unavailable(reason) => Cow::Borrowed(reason),
        })
    }

    fn succeeded(&self) -> Option<bool> {
        Some(match self {
            Self::Decided(result) | Self::Noticed(result) => result.status.vouches(),
            Self::Challenge => true,
            Self::Unavailable(_) => false,
        })
    }

    fn fields(&self) -> Vec<Field> {
        let result = match self {
            Self::Decided(result) | Self::Noticed(result) => result,
            Self::Challenge => {
                return vec![field("transStatus", "decision", "C, the customer is to be asked")];
            }
            Self::Unavailable(reason) => return vec![field("", "why", &**reason)],
        };
        let mut fields = vec![field("transStatus", "decision", result.status.letter())];
        let more = [
            ("eci", "electronic commerce indicator", &result.eci),
            ("transStatusReason", "reason", &result.reason),
            ("challengeCancel", "who ended the challenge", &result.cancelled),
        ];
        fields.extend(
            more.into_iter().filter_map(|(name, meaning, value)| Some(field(name, meaning, value.clone()?))),
        );
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_domain::payment::TransStatus;

    #[test]
    fn decisions_are_told_by_the_protocols_letters_and_without_the_authentication_value() {
        let result = AuthenticationResult {
            status: TransStatus::Y,
            eci: Some("05".to_owned()),
            value: Some("AAABBBCCCDDDEEEFFFGGGHHHIII=".to_owned()),
            reason: None,
            cancelled: None,
        };
        let said = Said::Noticed(result.clone());
        assert_eq!(said.result().unwrap(), "transStatus Y, ECI 05");
        assert_eq!(said.succeeded(), Some(true));
        assert!(said.fields().iter().all(|field| !field.value.contains("AAAB")), "{:?}", said.fields());
        let refused = Said::Decided(AuthenticationResult { status: TransStatus::N, eci: None, ..result });
        assert_eq!((refused.result().unwrap().as_ref(), refused.succeeded()), ("transStatus N", Some(false)));
        assert_eq!(Said::Challenge.result().unwrap(), "transStatus C");
        assert_eq!(Said::Unavailable("no answer in time".into()).succeeded(), Some(false));
    }
}
