//! The bank behind the directory: what it says to an authentication request.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::book::{Phase, Transaction};
use super::cards;
use super::erro::{self, Fault};
use super::json::Elements;
use super::script::{Answer, Script, Word};
use super::server::Handle;

/// How the simulated parties are registered with their network.
const DIRECTORY: &str = "SIMULATED-DS-0001";
const ISSUER: &str = "SIMULATED-ACS-0001";

/// Decides a checked request and remembers the transaction. The script in force comes with the response, since some of
/// it is the directory's to carry out.
pub(super) fn decide(handle: &Handle, request: &Elements) -> (Script, Result<Value, Fault>) {
    let text = |name: &str| request.text(name).unwrap_or_default().to_owned();
    let (card_number, server_id_text) = (text("acctNumber"), text("threeDSServerTransID"));
    let server_id = Uuid::try_parse(&server_id_text).unwrap_or_default();
    let mut book = handle.0.book.lock();
    if book.of_server(server_id).is_some() {
        return (Script::default(), Err(Fault::new("305", "threeDSServerTransID: used before")));
    }
    let (device_data, script) = book.begin(server_id, &card_number);
    let script = script.unwrap_or_default();
    if script.answer == Answer::Error {
        let code = script.error_code.as_deref().unwrap_or("403");
        let fault = Fault::new(code, StatusCode::SERVICE_UNAVAILABLE.as_str());
        return (script.clone(), Err(fault));
    }
    let card = book.cards.get(&card_number);
    let usual = match card {
        None => Word::U,
        Some(card) if card.challenge => Word::C,
        Some(card) => card.result,
    };
    // Nobody is there to be asked.
    let usual = if usual == Word::C && request.text("deviceChannel") == Some("03") { Word::N } else { usual };
    let status = script.status.unwrap_or(usual);
    let challenge_status = script.challenge_status.unwrap_or(card.map_or(Word::Y, |card| card.result));
    // 13: the cardholder is not enrolled; 01: authentication failed.
    let reason = script.reason.clone().or_else(|| match status {
        Word::U if card.is_none() => Some("13".to_owned()),
        Word::N | Word::R | Word::U => Some("01".to_owned()),
        Word::Y | Word::A | Word::I | Word::C => None,
    });
    let transaction = Transaction {
        server_id,
        server_id_text,
        directory_id: Uuid::new_v4(),
        issuer_id: Uuid::new_v4(),
        version: text("messageVersion"),
        category: text("messageCategory"),
        channel: text("deviceChannel"),
        server_url: text("threeDSServerURL"),
        notification_url: text("notificationURL"),
        merchant: text("merchantName"),
        amount: request
            .text("purchaseAmount")
            .map(|minor| handle.0.currencies.show(minor, &text("purchaseCurrency"))),
        card: cards::masked(&card_number),
        network: cards::network(&card_number),
        created_at: handle.now(),
        status,
        challenge_status,
        reason,
        delivery: script.result,
        late_ms: script.late_ms,
        device_data,
        phase: if status == Word::C { Phase::Asking } else { Phase::Decided },
        tries: 0,
        cancelled: false,
        final_status: None,
        session: None,
        window: None,
        forged: false,
        released: watch::Sender::new(false),
        attempts: Vec::new(),
        result: None,
    };
    let mut response = response(&handle.0.config.base_url, &transaction);
    if let Some(words) = &script.cardholder_info {
        erro::set(&mut response, "cardholderInfo", words.as_str());
    }
    book.insert(transaction);
    (script, Ok(response))
}

/// The authentication response (`ARes`).
fn response(base: &str, transaction: &Transaction) -> Value {
    let mut response = json!({
        "acsOperatorID": ISSUER,
        "acsReferenceNumber": ISSUER,
        "acsTransID": transaction.issuer_id,
        "dsReferenceNumber": DIRECTORY,
        "dsTransID": transaction.directory_id,
        "messageType": "ARes",
        "messageVersion": transaction.version,
        "threeDSServerTransID": transaction.server_id_text,
        "transStatus": transaction.status.letter(),
    });
    if transaction.status == Word::C {
        erro::set(&mut response, "acsChallengeMandated", "Y");
        erro::set(&mut response, "acsURL", format!("{base}/3ds/acs/challenge"));
        // A code that is new every time.
        erro::set(&mut response, "authenticationType", "02");
    } else {
        prove(&mut response, transaction.network, transaction.status);
        if let Some(reason) = &transaction.reason {
            erro::set(&mut response, "transStatusReason", reason.as_str());
        }
    }
    response
}

/// Adds indicator and proof, where the status has them.
pub(super) fn prove(message: &mut Value, network: &str, status: Word) {
    if let Some(eci) = cards::eci(network, status) {
        erro::set(message, "eci", eci);
    }
    if status.has_proof() {
        erro::set(message, "authenticationValue", proof());
    }
}

/// A cryptogram as nobody can guess it: 20 bytes in Base64. Real ones are computed with a key that only issuer and
/// network have, so to everybody else they are as random as these.
fn proof() -> String {
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    let bytes: Vec<u8> = first.as_bytes().iter().chain(second.as_bytes()).copied().take(20).collect();
    STANDARD.encode(bytes)
}
