//! The requests of an authentication by 3-D Secure, and what a payment request says for it.

use super::{Part, Refusal, member::scalar, payment_id};
use crate::{address, json::Value};
use ferropay_domain::{codes, decide::ThreeDsRequest, ids::PaymentId, payment::OperationKind};
use std::{collections::BTreeMap, fmt};

/// Longest address of the merchant's apps, bytes.
const LONGEST_RETURN: usize = 2_048;

/// Members for the directory server by the object that has them (G-152, G-191 to G-193). All are scalars.
const OBJECTS: &[(&[&str], &[&str])] = &[
    (
        &["customer"],
        &[
            "ip_address",
            "browser",
            "accept_header",
            "accept_language_header",
            "color_depth",
            "java_enabled",
            "js_enabled",
            "screen_res",
            "language",
            "timezone_offset",
            "timezone_name",
            "email",
            "phone",
            "home_phone",
            "work_phone",
            "address_match",
        ],
    ),
    (&["customer", "billing"], &["country", "region_code", "city", "address", "postal"]),
    (
        &["customer", "shipping"],
        &[
            "type",
            "delivery_time",
            "delivery_email",
            "address_usage",
            "address_usage_indicator",
            "name_indicator",
            "country",
            "region_code",
            "city",
            "address",
            "postal",
        ],
    ),
    (
        &["customer", "account"],
        &[
            "additional",
            "date",
            "age_indicator",
            "change_date",
            "change_indicator",
            "pass_change_date",
            "pass_change_indicator",
            "purchase_number",
            "provision_attempts",
            "activity_day",
            "activity_year",
            "payment_age",
            "payment_age_indicator",
            "suspicious_activity",
            "auth_method",
            "auth_time",
            "auth_data",
        ],
    ),
    (&["customer", "mpi_result"], &["acs_operation_id", "authentication_flow", "authentication_timestamp"]),
    // From here on the contract of a verification has nothing.
    (
        &["payment"],
        &[
            "challenge_indicator",
            "challenge_window",
            "device_channel",
            "reorder",
            "preorder_purchase",
            "preorder_date",
        ],
    ),
    (&["payment", "gift_card"], &["amount", "currency", "count"]),
];

/// Everything a payment request says that the directory server may be told, by dotted path (G-191 to G-193). Meant for
/// payments whose card takes part in 3-D Secure; others need not pay for it.
pub fn three_ds_data(kind: OperationKind, body: &Value<'_>) -> BTreeMap<String, String> {
    let verification = kind == OperationKind::AccountVerification;
    let mut found = BTreeMap::new();
    for (object, wanted) in OBJECTS {
        if verification && object.first() == Some(&"payment") {
            continue;
        }
        for (name, value) in body.path(object).and_then(Value::members).into_iter().flatten() {
            if wanted.contains(&name.as_ref())
                && let Some(text) = scalar(value)
            {
                found.insert(format!("{}.{name}", object.join(".")), text);
            }
        }
    }
    found
}

/// How the customer may be authenticated, but for the members of [`three_ds_data`] that always have a default.
///
/// # Errors
/// An address that is no address of a page (502).
pub(super) fn request(
    kind: OperationKind,
    body: &Value<'_>,
    payment: Part<'_, '_>,
) -> Result<ThreeDsRequest, Refusal> {
    check_returns(body)?;
    let mut request = ThreeDsRequest::default();
    let addresses = Part::of(body, "acs_return_url");
    if addresses.object.is_some() {
        request.return_url = page(addresses, "return_url")?;
        request.notification_url = page(addresses, "3ds_notification_url")?;
    }
    // The browser's channel is the default; the two others are only for those who agreed on them (G-192).
    if kind != OperationKind::AccountVerification
        && let Some(channel @ ("01" | "03")) = payment.text("device_channel")
    {
        request.data.insert("payment.device_channel".to_owned(), channel.to_owned());
    }
    Ok(request)
}

/// The address of a page that a browser is sent to: nothing that a browser would run as a script or read differently from
/// a person.
fn page(addresses: Part<'_, '_>, key: &str) -> Result<Option<String>, Refusal> {
    match addresses.filled(key) {
        Some(url) if !address::is_page(url) => Err(addresses.invalid(key)),
        url => Ok(url.map(str::to_owned)),
    }
}

/// Looks at where the customer is to return to after the payment (G-153). Addresses of apps may have schemes of their own;
/// those of the web have to be such that a page may lead there.
fn check_returns(body: &Value<'_>) -> Result<(), Refusal> {
    let addresses = Part::of(body, "return_url");
    let wrong = ["success", "decline", "return"].into_iter().find(|key| {
        let url = addresses.filled(key);
        url.is_some_and(|url| {
            url.len() > LONGEST_RETURN || address::is_of_the_web(url) && !address::is_page(url)
        })
    });
    wrong.map_or(Ok(()), |key| Err(addresses.invalid(key)))
}

/// `/v2/payment/card/3ds_check_iframe` (G-201).
#[derive(Debug)]
pub struct ThreeDsCheck {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// Whether the issuer said in time that it has seen the browser; a request that does not say so means no.
    pub seen: bool,
    /// What the merchant was given to return unchanged.
    pub md: Option<String>,
}

impl ThreeDsCheck {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// The payment identifier breaks its rules.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            payment_id: payment_id(body)?,
            seen: body.get("threeds_completion_indicator").and_then(Value::as_bool) == Some(true),
            md: top_level(body, "md")?,
        })
    }
}

/// `/v2/payment/card/3ds_result` (G-197, G-203).
#[derive(Debug)]
pub struct ThreeDsResult {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// What the browser brought back.
    pub proof: ThreeDsProof,
    /// What the merchant was given to return unchanged.
    pub md: Option<String>,
}

/// What the browser brought back from the issuer. `Debug` shows its kind and length only: it names the customer's card.
#[derive(PartialEq, Eq)]
pub enum ThreeDsProof {
    /// The newer protocol's final message.
    Cres(String),
    /// The older protocol's, or what stands for it in the basic flow.
    Pares(String),
}

impl fmt::Debug for ThreeDsProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, text) = match self {
            Self::Cres(text) => ("cres", text),
            Self::Pares(text) => ("pares", text),
        };
        write!(f, "{kind} of {} bytes", text.len())
    }
}

impl ThreeDsResult {
    /// Reads a body that keeps the contract of the path, which wants exactly one of `cres` and `pares` itself.
    ///
    /// # Errors
    /// Neither `cres` nor `pares` (2004, D-16); both, which contradict each other, or a value that is no text (502).
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let proof = match (top_level(body, "cres")?, top_level(body, "pares")?) {
            (Some(cres), None) => ThreeDsProof::Cres(cres),
            (None, Some(pares)) => ThreeDsProof::Pares(pares),
            (None, None) => return Err(Refusal::bad_request(codes::REQUIRED_MISSING).at("cres")),
            (Some(_), Some(_)) => return Err(Refusal::bad_request(codes::VALIDATION).at("pares")),
        };
        Ok(Self { payment_id: payment_id(body)?, proof, md: top_level(body, "md")? })
    }
}

/// A text of the root that says something.
fn top_level(body: &Value<'_>, key: &str) -> Result<Option<String>, Refusal> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_ref().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => Err(Refusal::bad_request(codes::VALIDATION).at(key)),
    }
}
