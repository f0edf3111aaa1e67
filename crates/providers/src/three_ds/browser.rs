//! What goes through the customer's browser: the forms of method page and challenge, and what comes back.
//!
//! Everything travels as base64url without padding. What a browser brings back is a claim: it names a transaction and
//! proves nothing about it.

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ferropay_domain::{ids::AuthenticationId, payment::Form};
use ferropay_engine::authentication::ChallengeReturn;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// Longest field that is looked at, bytes.
const LONGEST_FIELD: usize = 8_192;

/// Some banks pad what they send; nothing is ambiguous about it.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Writes a message as a form carries it.
fn encode(message: &impl Serialize) -> String {
    // These structs consist of texts only, which always can be written.
    BASE64URL.encode(serde_json::to_vec(message).unwrap_or_default())
}

#[derive(Serialize)]
struct MethodData<'a> {
    #[serde(rename = "threeDSServerTransID")]
    id: Uuid,
    #[serde(rename = "threeDSMethodNotificationURL")]
    notification_url: &'a str,
}

/// The form that shows the browser to the issuer. The value stands twice, since older issuers read it under the
/// protocol's first name for it.
pub fn method_form(id: AuthenticationId, method_url: &str, notification_url: &str) -> Form {
    let data = encode(&MethodData { id: id.get(), notification_url });
    Form {
        url: method_url.to_owned(),
        fields: vec![("3DSMethodData".to_owned(), data.clone()), ("threeDSMethodData".to_owned(), data)],
    }
}

#[derive(Deserialize)]
struct MethodSeen {
    #[serde(rename = "threeDSServerTransID")]
    id: String,
}

/// Reads what the issuer's page posts once it has seen the browser; none when it names no transaction.
pub fn read_seen(data: &str) -> Option<AuthenticationId> {
    let seen: MethodSeen = read(data)?;
    AuthenticationId::parse(&seen.id)
}

/// Reads a message as a form carries it.
fn read<T: DeserializeOwned>(field: &str) -> Option<T> {
    if field.len() > LONGEST_FIELD {
        return None;
    }
    let bytes = BASE64URL.decode(field.trim()).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A challenge request (`CReq`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChallengeRequest<'a> {
    #[serde(rename = "threeDSServerTransID")]
    id: Uuid,
    #[serde(rename = "acsTransID")]
    issuer_id: &'a str,
    message_type: &'static str,
    message_version: &'a str,
    challenge_window_size: &'a str,
}

/// What a challenge form is made of.
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// The transaction.
    pub id: AuthenticationId,
    /// The issuer's identifier.
    pub issuer_id: &'a str,
    /// Version of the protocol.
    pub version: &'a str,
    /// 01 to 05.
    pub window: &'a str,
    /// What the browser brings back unchanged.
    pub session_data: &'a str,
}

/// The form that brings the browser to the issuer's challenge at `issuer_url`.
pub fn challenge_form(issuer_url: &str, challenge: Challenge<'_>) -> Form {
    let request = ChallengeRequest {
        id: challenge.id.get(),
        issuer_id: challenge.issuer_id,
        message_type: "CReq",
        message_version: challenge.version,
        challenge_window_size: challenge.window,
    };
    Form {
        url: issuer_url.to_owned(),
        fields: vec![
            ("creq".to_owned(), encode(&request)),
            ("threeDSSessionData".to_owned(), challenge.session_data.to_owned()),
        ],
    }
}

#[derive(Deserialize)]
struct ChallengeResponse {
    #[serde(rename = "messageType")]
    message_type: String,
    #[serde(rename = "threeDSServerTransID")]
    id: String,
    #[serde(rename = "acsTransID")]
    issuer_id: Uuid,
}

/// Reads what a browser brought back (`cres`); none when it is no challenge response.
pub fn read_return(cres: &str) -> Option<ChallengeReturn> {
    let response: ChallengeResponse = read(cres)?;
    if response.message_type != "CRes" {
        return None;
    }
    Some(ChallengeReturn {
        id: AuthenticationId::parse(&response.id)?,
        acs_transaction: response.issuer_id.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The worked example of the protocol description: one transaction, its forms and its return.
    const SERVER: &str = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e";
    const ISSUER: &str = "d7c1ee99-9478-44a6-b1f2-391e29c6b340";

    fn id() -> AuthenticationId {
        AuthenticationId::parse(SERVER).unwrap()
    }

    // G-200
    #[test]
    fn the_method_form_carries_the_documented_value_under_both_names() {
        let form =
            method_form(id(), "https://acs.example/method", "https://gate.example.test/3ds/method/7f3c");
        let data = "eyJ0aHJlZURTU2VydmVyVHJhbnNJRCI6IjhhODgwZGMwLWQyZDItNDA2Ny1iY2IxLWIwOGQxNjkwYjI2ZSIsInRocmVlRFNN\
                    ZXRob2ROb3RpZmljYXRpb25VUkwiOiJodHRwczovL2dhdGUuZXhhbXBsZS50ZXN0LzNkcy9tZXRob2QvN2YzYyJ9";
        assert_eq!(form.url, "https://acs.example/method");
        assert_eq!(
            form.fields,
            [
                ("3DSMethodData".to_owned(), data.to_owned()),
                ("threeDSMethodData".to_owned(), data.to_owned())
            ]
        );
    }

    // G-200
    #[test]
    fn the_end_of_the_method_page_names_its_transaction() {
        let encoded = |text: &str| BASE64URL.encode(text);
        let seen = encoded(&format!(r#"{{"threeDSServerTransID":"{SERVER}"}}"#));
        assert_eq!(read_seen(&seen), Some(id()));
        assert_eq!(read_seen(&format!(" {seen}\r\n")), Some(id()), "ends of lines");
        for wrong in ["", "%%%", &encoded("[]"), &encoded("{}"), &encoded(r#"{"threeDSServerTransID":"x"}"#)]
        {
            assert_eq!(read_seen(wrong), None, "{wrong}");
        }
        let long = format!(r#"{{"threeDSServerTransID":"{SERVER}","x":"{}"}}"#, "x".repeat(LONGEST_FIELD));
        assert_eq!(read_seen(&encoded(&long)), None);
    }

    // G-202
    #[test]
    fn the_challenge_form_carries_the_documented_values() {
        let challenge = Challenge {
            id: id(),
            issuer_id: ISSUER,
            version: "2.2.0",
            window: "03",
            session_data: "b3AtMTAwMDAwMQ",
        };
        let form = challenge_form("https://acs.example/challenge", challenge);
        let creq = "eyJ0aHJlZURTU2VydmVyVHJhbnNJRCI6IjhhODgwZGMwLWQyZDItNDA2Ny1iY2IxLWIwOGQxNjkwYjI2ZSIsImFjc1RyYW5z\
                    SUQiOiJkN2MxZWU5OS05NDc4LTQ0YTYtYjFmMi0zOTFlMjljNmIzNDAiLCJtZXNzYWdlVHlwZSI6IkNSZXEiLCJtZXNzYWdl\
                    VmVyc2lvbiI6IjIuMi4wIiwiY2hhbGxlbmdlV2luZG93U2l6ZSI6IjAzIn0";
        assert_eq!(
            form.fields,
            [
                ("creq".to_owned(), creq.to_owned()),
                ("threeDSSessionData".to_owned(), "b3AtMTAwMDAwMQ".to_owned())
            ]
        );
    }

    // G-203
    #[test]
    fn the_documented_return_names_its_transaction() {
        let cres = "eyJ0aHJlZURTU2VydmVyVHJhbnNJRCI6IjhhODgwZGMwLWQyZDItNDA2Ny1iY2IxLWIwOGQxNjkwYjI2ZSIsImFjc1RyYW5z\
                    SUQiOiJkN2MxZWU5OS05NDc4LTQ0YTYtYjFmMi0zOTFlMjljNmIzNDAiLCJtZXNzYWdlVHlwZSI6IkNSZXMiLCJtZXNzYWdl\
                    VmVyc2lvbiI6IjIuMi4wIiwidHJhbnNTdGF0dXMiOiJZIn0";
        let back = ChallengeReturn { id: id(), acs_transaction: ISSUER.to_owned() };
        assert_eq!(read_return(cres).as_ref(), Some(&back));
        assert_eq!(read_return(&format!(" {cres}=\r\n")).as_ref(), Some(&back), "padding and ends of lines");
    }

    #[test]
    fn what_is_no_challenge_response_is_none() {
        let encoded = |text: &str| BASE64URL.encode(text);
        for wrong in [
            String::new(),
            "%%%".to_owned(),
            encoded("[]"),
            encoded("{}"),
            encoded(&format!(
                r#"{{"messageType":"CReq","threeDSServerTransID":"{SERVER}","acsTransID":"{ISSUER}"}}"#
            )),
            encoded(&format!(
                r#"{{"messageType":"CRes","threeDSServerTransID":"x","acsTransID":"{ISSUER}"}}"#
            )),
            encoded(&format!(r#"{{"messageType":"CRes","threeDSServerTransID":"{SERVER}"}}"#)),
            "A".repeat(LONGEST_FIELD + 1),
        ] {
            assert_eq!(read_return(&wrong), None, "{wrong}");
        }
    }
}
