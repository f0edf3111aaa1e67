//! The error message (`Erro`) of the directory server: which code for which fault.

use serde_json::{Value, json};
use uuid::Uuid;

use super::json::Elements;

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Three digits.
    pub(super) code: String,
    /// Names of the elements, or what else helps to find the cause. Never an element's value.
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// The sentence that stands beside a code.
fn description(code: &str) -> &'static str {
    match code {
        "101" => "Message is not recognised",
        "102" => "Message version is not supported",
        "201" => "Required element is missing",
        "203" => "Format of one or more elements is invalid",
        "204" => "Element is present more than once",
        "301" => "Transaction is not known",
        "302" => "Data could not be decrypted",
        "303" => "Access is denied",
        "304" => "ISO code is not valid",
        "305" => "Data is not valid for this transaction",
        "307" => "Serial number is not valid",
        "402" => "Transaction timed out",
        "403" => "Transient system failure",
        "404" => "Permanent system failure",
        "405" => "System connection failure",
        _ => "Error",
    }
}

/// The error message in answer to `about`.
pub(super) fn message(about: &Elements, fault: &Fault) -> Value {
    let mut erro = json!({
        "dsTransID": Uuid::new_v4(),
        "errorCode": fault.code,
        "errorComponent": "D",
        "errorDescription": description(&fault.code),
        "errorDetail": fault.detail,
        "messageType": "Erro",
        "messageVersion": about.text("messageVersion").filter(|version| version.len() <= 8).unwrap_or("2.2.0"),
    });
    // What the sender wrote is repeated only where it is an identifier of the right form.
    for name in ["threeDSServerTransID", "acsTransID"] {
        if let Some(id) = about.text(name).filter(|id| Uuid::try_parse(id).is_ok()) {
            set(&mut erro, name, id);
        }
    }
    if let Some(kind) = about.text("messageType").filter(|kind| kind.len() == 4 && kind.is_ascii()) {
        set(&mut erro, "errorMessageType", kind);
    }
    erro
}

/// Sets a member of an object.
pub(super) fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}
