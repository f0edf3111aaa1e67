//! Result notices: what is read, what is refused with which code, what is answered.

use super::*;
use serde_json::json;

const SERVER: &str = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e";
const ISSUER: &str = "d7c1ee99-9478-44a6-b1f2-391e29c6b340";
const DIRECTORY: &str = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b";
const PROOF: &str = "AAECAwQFBgcICQoLDA0ODxAREhM=";

fn message() -> Value {
    json!({
        "messageType": "RReq",
        "messageVersion": "2.2.0",
        "messageCategory": "01",
        "threeDSServerTransID": SERVER,
        "acsTransID": ISSUER,
        "dsTransID": DIRECTORY,
        "transStatus": "Y",
        "eci": "05",
        "authenticationValue": PROOF,
        "authenticationType": "02",
        "interactionCounter": "01",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut message = message();
    message[name] = value;
    message
}

fn notice(message: &Value) -> ResultNotice {
    read(message.to_string().as_bytes()).unwrap()
}

fn refused(body: &[u8]) -> (String, String) {
    let erro: Value = serde_json::from_str(&read(body).unwrap_err()).unwrap();
    assert_eq!((&erro["messageType"], &erro["errorComponent"]), (&json!("Erro"), &json!("S")));
    assert_eq!(erro["errorMessageType"], "RReq");
    (erro["errorCode"].as_str().unwrap().to_owned(), erro["errorDetail"].as_str().unwrap().to_owned())
}

#[test]
fn an_authenticated_customer_comes_with_indicator_and_proof() {
    let notice = notice(&message());
    assert_eq!(notice.id, AuthenticationId::parse(SERVER).unwrap());
    assert_eq!((notice.acs_transaction.as_str(), notice.ds_transaction.as_str()), (ISSUER, DIRECTORY));
    assert_eq!(
        notice.result,
        AuthenticationResult {
            status: TransStatus::Y,
            eci: Some("05".to_owned()),
            value: Some(PROOF.to_owned()),
            reason: None,
            cancelled: None,
        }
    );
}

#[test]
fn a_cancelled_challenge_says_so() {
    let mut message = with("transStatus", json!("N"));
    message["challengeCancel"] = json!("01");
    message["transStatusReason"] = json!("01");
    for name in ["eci", "authenticationValue"] {
        message.as_object_mut().unwrap().remove(name);
    }
    let result = notice(&message).result;
    assert_eq!((result.status, result.cancelled.as_deref()), (TransStatus::N, Some("01")));
    assert_eq!((result.reason.as_deref(), result.eci, result.value), (Some("01"), None, None));
}

#[test]
fn identifiers_are_known_in_any_case() {
    let notice = notice(&with("acsTransID", json!(ISSUER.to_uppercase())));
    assert_eq!(notice.acs_transaction, ISSUER);
}

#[test]
fn what_keeps_the_protocol_not_is_refused_with_the_code_of_its_fault() {
    for (name, value, code) in [
        ("messageType", json!("CRes"), "101"),
        ("messageVersion", json!("2.3.1"), "102"),
        ("threeDSServerTransID", json!("x"), "203"),
        ("acsTransID", json!(5), "203"),
        ("dsTransID", json!(null), "201"),
        ("transStatus", json!("C"), "203"),
        ("transStatus", json!("I"), "203"),
        ("transStatus", json!("YN"), "203"),
        ("transStatus", json!(""), "203"),
        ("eci", json!("5"), "203"),
        ("eci", json!(5), "203"),
        ("authenticationValue", json!("AAECAwQFBgcICQoLDA0ODxAREg=="), "203"),
        ("authenticationValue", json!("not base64 of twenty bytes.."), "203"),
        ("challengeCancel", json!("1"), "203"),
        ("transStatusReason", json!("abc"), "203"),
    ] {
        let (found, detail) = refused(with(name, value.clone()).to_string().as_bytes());
        assert_eq!(found, code, "{name} {value}");
        assert!(code == "102" || detail == name, "{detail}");
    }
    for name in [
        "messageVersion",
        "threeDSServerTransID",
        "acsTransID",
        "dsTransID",
        "transStatus",
        "eci",
        "authenticationValue",
    ] {
        let mut message = message();
        message.as_object_mut().unwrap().remove(name);
        assert_eq!(refused(message.to_string().as_bytes()), ("201".to_owned(), name.to_owned()));
    }
}

#[test]
fn what_is_no_message_at_all_is_refused_too() {
    for body in ["", "[]", "\"RReq\"", "{", "{\"messageType\":"] {
        assert_eq!(refused(body.as_bytes()).0, "101", "{body}");
    }
    let twice = message().to_string().replacen('{', "{\"transStatus\":\"N\",", 1);
    assert_eq!(refused(twice.as_bytes()).0, "204");
    let mut long = message().to_string();
    long.push_str(&" ".repeat(LONGEST));
    assert_eq!(refused(long.as_bytes()).0, "101");
}

#[test]
fn a_refusal_repeats_identifiers_and_nothing_else() {
    let mut message = with("transStatus", json!("4314220000000056"));
    message["acsTransID"] = json!("4314220000000056");
    let erro = read(message.to_string().as_bytes()).unwrap_err();
    assert!(erro.contains(SERVER) && !erro.contains("4314220000000056"), "{erro}");
}

#[test]
fn a_verification_may_succeed_without_a_proof() {
    let mut message = with("messageCategory", json!("02"));
    message.as_object_mut().unwrap().remove("authenticationValue");
    assert_eq!(notice(&message).result.value, None);
}

#[test]
fn answers_name_the_transaction_as_all_three_know_it() {
    let notice = notice(&message());
    let ids = json!({ "threeDSServerTransID": SERVER, "acsTransID": ISSUER, "dsTransID": DIRECTORY });
    let taken: Value = serde_json::from_str(&acknowledge(&notice)).unwrap();
    assert_eq!((&taken["messageType"], &taken["resultsStatus"]), (&json!("RRes"), &json!("01")));
    assert_eq!(taken["messageVersion"], "2.2.0");
    for (why, code) in [
        (NoticeRefused::Unknown, "301"),
        (NoticeRefused::Contradicts, "305"),
        (NoticeRefused::Unavailable, "403"),
    ] {
        let erro: Value = serde_json::from_str(&refuse(&notice, why)).unwrap();
        assert_eq!((&erro["messageType"], &erro["errorCode"]), (&json!("Erro"), &json!(code)));
        for answer in [&taken, &erro] {
            for (name, id) in ids.as_object().unwrap() {
                assert_eq!(&answer[name], id);
            }
        }
    }
}
