//! What the issuer says of a challenge (`RReq`), and how it is answered.
//!
//! This message alone says how a challenge ended; what the browser brings back does not count. Reading it checks form
//! only: whether an authentication with these identifiers waits is the engine's to know, and the answer follows it.

use super::message::{ErrorMessage, ResultResponse, VERSIONS};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ferropay_domain::{
    ids::AuthenticationId,
    payment::{AuthenticationResult, TransStatus},
};
use ferropay_engine::authentication::{NoticeRefused, ResultNotice};
use serde::{Deserialize, Serialize};
use serde_json::{Value, error::Category};
use uuid::Uuid;

/// Longest notice, bytes.
pub const LONGEST: usize = 64 * 1_024;

/// Elements of any type, so that a wrong type is told from a missing element.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResultRequest {
    message_type: Option<Value>,
    message_version: Option<Value>,
    #[serde(rename = "threeDSServerTransID")]
    id: Option<Value>,
    #[serde(rename = "acsTransID")]
    issuer_id: Option<Value>,
    #[serde(rename = "dsTransID")]
    directory_id: Option<Value>,
    message_category: Option<Value>,
    trans_status: Option<Value>,
    trans_status_reason: Option<Value>,
    eci: Option<Value>,
    authentication_value: Option<Value>,
    challenge_cancel: Option<Value>,
}

/// What is wrong: code and elements.
struct Fault(&'static str, String);

/// Reads a notice.
///
/// # Errors
/// The error message to answer with, as JSON.
pub fn read(body: &[u8]) -> Result<ResultNotice, String> {
    let request = match parse(body) {
        Ok(request) => request,
        Err(Fault(code, detail)) => return Err(refusal(&ResultRequest::default(), code, &detail)),
    };
    check(&request).map_err(|Fault(code, detail)| refusal(&request, code, &detail))
}

fn parse(body: &[u8]) -> Result<ResultRequest, Fault> {
    if body.len() > LONGEST {
        return Err(Fault("101", "The message is too long".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| {
        // Elements may have any type, so the one thing left that data can break is to come twice.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        if error.classify() == Category::Data && is_object {
            Fault("204", "An element is there twice".to_owned())
        } else {
            Fault("101", "The message is no JSON object".to_owned())
        }
    })
}

fn check(request: &ResultRequest) -> Result<ResultNotice, Fault> {
    if request.message_type.as_ref().and_then(Value::as_str) != Some("RReq") {
        return Err(Fault("101", "messageType".to_owned()));
    }
    let version = needed("messageVersion", request.message_version.as_ref())?;
    if !VERSIONS.contains(&version) {
        return Err(Fault("102", VERSIONS.join(",")));
    }
    let id = uuid("threeDSServerTransID", request.id.as_ref())?;
    let issuer_id = uuid("acsTransID", request.issuer_id.as_ref())?;
    let directory_id = uuid("dsTransID", request.directory_id.as_ref())?;
    let letter = needed("transStatus", request.trans_status.as_ref())?;
    let status = match (letter.chars().next().and_then(TransStatus::from_letter), letter.len()) {
        // A challenge never ends with information.
        (Some(status), 1) if status != TransStatus::I => status,
        _ => return Err(Fault("203", "transStatus".to_owned())),
    };
    let eci = digits("eci", request.eci.as_ref())?;
    let value =
        request.authentication_value.as_ref().map(|value| proof(value).map(str::to_owned)).transpose()?;
    let is_payment = request.message_category.as_ref().and_then(Value::as_str) != Some("02");
    if is_payment && matches!(status, TransStatus::Y | TransStatus::A) {
        for (name, missing) in [("eci", eci.is_none()), ("authenticationValue", value.is_none())] {
            if missing {
                return Err(Fault("201", name.to_owned()));
            }
        }
    }
    Ok(ResultNotice {
        id: AuthenticationId::new(id),
        ds_transaction: directory_id.to_string(),
        acs_transaction: issuer_id.to_string(),
        version: version.to_owned(),
        result: AuthenticationResult {
            status,
            eci,
            value,
            reason: digits("transStatusReason", request.trans_status_reason.as_ref())?,
            cancelled: digits("challengeCancel", request.challenge_cancel.as_ref())?,
        },
    })
}

fn needed<'a>(name: &str, value: Option<&'a Value>) -> Result<&'a str, Fault> {
    let value = value.ok_or_else(|| Fault("201", name.to_owned()))?;
    value.as_str().ok_or_else(|| Fault("203", name.to_owned()))
}

fn uuid(name: &str, value: Option<&Value>) -> Result<Uuid, Fault> {
    Uuid::try_parse(needed(name, value)?).map_err(|_| Fault("203", name.to_owned()))
}

/// Two digits, when the element is there.
fn digits(name: &str, value: Option<&Value>) -> Result<Option<String>, Fault> {
    let Some(value) = value else { return Ok(None) };
    let text = value.as_str().filter(|text| is_two_digits(text));
    text.map(|text| Some(text.to_owned())).ok_or_else(|| Fault("203", name.to_owned()))
}

fn proof(value: &Value) -> Result<&str, Fault> {
    let text = value.as_str().filter(|text| is_proof(text));
    text.ok_or_else(|| Fault("203", "authenticationValue".to_owned()))
}

/// Two digits.
pub(super) fn is_two_digits(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Base64 of 20 bytes.
pub(super) fn is_proof(text: &str) -> bool {
    text.len() == 28 && STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 20)
}

fn refusal(request: &ResultRequest, code: &'static str, detail: &str) -> String {
    // Only what has the form of an identifier is repeated.
    let id = |value: &Option<Value>| {
        let text = value.as_ref()?.as_str()?;
        Uuid::try_parse(text).ok().map(|id| id.to_string())
    };
    let (id, issuer, directory) = (id(&request.id), id(&request.issuer_id), id(&request.directory_id));
    let version = request.message_version.as_ref().and_then(Value::as_str);
    write(&ErrorMessage {
        message_version: version.filter(|version| VERSIONS.contains(version)).unwrap_or("2.2.0"),
        id: id.as_deref(),
        issuer_id: issuer.as_deref(),
        directory_id: directory.as_deref(),
        ..error(code, detail)
    })
}

/// The answer to a notice that was taken (`RRes`).
pub fn acknowledge(notice: &ResultNotice) -> String {
    write(&ResultResponse {
        message_type: "RRes",
        message_version: &notice.version,
        id: notice.id.get(),
        issuer_id: &notice.acs_transaction,
        directory_id: &notice.ds_transaction,
        results_status: "01",
    })
}

/// The answer to a notice that was not (`Erro`).
pub fn refuse(notice: &ResultNotice, why: NoticeRefused) -> String {
    let (code, detail) = match why {
        NoticeRefused::Unknown => ("301", "threeDSServerTransID,acsTransID,dsTransID"),
        NoticeRefused::Contradicts => ("305", "transStatus"),
        NoticeRefused::Unavailable => ("403", "Send the message again"),
    };
    let id = notice.id.get().to_string();
    write(&ErrorMessage {
        message_version: &notice.version,
        id: Some(&id),
        issuer_id: Some(&notice.acs_transaction),
        directory_id: Some(&notice.ds_transaction),
        ..error(code, detail)
    })
}

fn error<'a>(code: &'static str, detail: &'a str) -> ErrorMessage<'a> {
    ErrorMessage {
        message_type: "Erro",
        error_code: code,
        error_component: "S",
        error_description: match code {
            "101" => "Message is not recognised",
            "102" => "Message version is not supported",
            "201" => "Required element is missing",
            "203" => "Format of an element is invalid",
            "204" => "Element is present more than once",
            "301" => "Transaction is not known",
            "305" => "Data is not valid for this transaction",
            _ => "Transient system failure",
        },
        error_detail: detail,
        error_message_type: "RReq",
        ..ErrorMessage::default()
    }
}

fn write(message: &impl Serialize) -> String {
    // These structs consist of texts only, which always can be written.
    serde_json::to_string(message).unwrap_or_default()
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
