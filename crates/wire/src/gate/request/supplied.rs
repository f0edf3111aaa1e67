//! Authentication that the merchant has done (G-207 to G-210).

use super::{Part, Refusal};
use crate::json::Value;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ferropay_domain::{
    decide::SuppliedAuthentication,
    payment::{AuthenticationResult, TransStatus},
};

/// Bytes of an authentication value and of the older protocol's transaction identifier (G-208).
const VALUE_BYTES: usize = 20;

/// Reads `authentication_data`; none when the request has none.
///
/// # Errors
/// A member that the others make necessary is missing (2004), or a value is not Base64 of 20 bytes (502).
pub(super) fn read(body: &Value<'_>) -> Result<Option<SuppliedAuthentication>, Refusal> {
    if body.get("authentication_data").is_none_or(Value::is_null) {
        return Ok(None);
    }
    let data = Part::of(body, "authentication_data");
    let needed = |key: &str, needed: bool| match data.filled(key) {
        None if needed => Err(data.missing(key)),
        value => Ok(value.map(str::to_owned)),
    };
    let xid = needed("xid", true)?.unwrap_or_default();
    let not_enrolled = matches!(data.text("enrollement_status"), Some("N" | "U"));
    let status = needed("authentication_status", !not_enrolled)?;
    let status = status.and_then(|letter| TransStatus::from_letter(letter.chars().next()?));
    let proven = matches!(status, Some(TransStatus::Y | TransStatus::A));
    let value = needed("cavv", proven)?;
    let eci = needed("eci", proven)?;
    let version = data.text("threeds_version");
    let ds_transaction = needed("ds_operation_id", version == Some("3ds_2"))?;
    for (key, text) in [("xid", Some(&xid)), ("cavv", value.as_ref())] {
        if text.is_some_and(|text| STANDARD.decode(text).map(|bytes| bytes.len()) != Ok(VALUE_BYTES)) {
            return Err(data.invalid(key));
        }
    }
    // Where the merchant does not name the version, the identifier that only the newer protocol has tells it.
    let protocol = match version {
        Some("3ds_2") => "2",
        None if ds_transaction.is_some() => "2",
        Some("3ds_1") | None => "1",
        Some(_) => "",
    };
    let version = data.filled("threeds_full_version").unwrap_or(protocol).to_owned();
    Ok(Some(SuppliedAuthentication {
        result: AuthenticationResult {
            // A card that is not enrolled, or whose enrolment is not known, could not be authenticated.
            status: status.unwrap_or(TransStatus::U),
            eci,
            value,
            reason: data.filled("authentication_status_reason_code").map(str::to_owned),
            cancelled: None,
        },
        xid,
        ds_transaction,
        version,
    }))
}
