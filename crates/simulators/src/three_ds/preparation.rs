//! Preparation requests (PReq): which cards take part, in which versions, and where their issuer's method page is.

use serde_json::{Value, json};
use uuid::Uuid;

use super::cards::Card;
use super::directory::VERSIONS;
use super::erro::{self, Fault};
use super::json::Elements;
use super::server::Handle;

/// The response (PRes): all ranges, or the changes since the serial number the 3DS server names.
///
/// # Errors
/// 204, 201 or 203 for the request's elements, 307 for a serial number that never was.
pub(super) fn answer(handle: &Handle, request: &Elements) -> Result<Value, Fault> {
    if !request.repeated.is_empty() {
        return Err(Fault::new("204", request.repeated.join(",")));
    }
    let id = request.get("threeDSServerTransID").ok_or_else(|| Fault::new("201", "threeDSServerTransID"))?;
    let id = id.as_str().filter(|id| Uuid::try_parse(id).is_ok());
    let id = id.ok_or_else(|| Fault::new("203", "threeDSServerTransID"))?;
    let serial = match request.get("serialNum") {
        None => None,
        Some(serial) => {
            let text = serial.as_str().filter(|text| (1..=20).contains(&text.len()));
            let text = text.ok_or_else(|| Fault::new("203", "serialNum"))?;
            Some(text.parse::<usize>().map_err(|_| Fault::new("307", "serialNum"))?)
        }
    };
    let book = handle.0.book.lock();
    let base = &handle.0.config.base_url;
    let ranges: Vec<Value> = match serial {
        None => book.cards.all().map(|(number, card)| range(base, number, Some(card))).collect(),
        Some(serial) => {
            let changes = book.cards.since(serial).ok_or_else(|| Fault::new("307", "serialNum"))?;
            changes.iter().map(|change| range(base, &change.card_number, change.card)).collect()
        }
    };
    let mut response = json!({
        "dsEndProtocolVersion": VERSIONS[1],
        "dsStartProtocolVersion": VERSIONS[0],
        "dsTransID": Uuid::new_v4(),
        "messageType": "PRes",
        "messageVersion": request.text("messageVersion"),
        "serialNum": book.cards.serial().to_string(),
        "threeDSServerTransID": id,
    });
    // Nothing new: no list.
    if !ranges.is_empty() {
        erro::set(&mut response, "cardRangeData", ranges);
    }
    Ok(response)
}

fn range(base: &str, card_number: &str, card: Option<Card>) -> Value {
    let mut range = json!({
        "acsEndProtocolVersion": VERSIONS[1],
        "acsStartProtocolVersion": VERSIONS[0],
        "actionInd": if card.is_some() { "A" } else { "D" },
        "dsEndProtocolVersion": VERSIONS[1],
        "dsStartProtocolVersion": VERSIONS[0],
        "endRange": card_number,
        "startRange": card_number,
    });
    if let Some(Card { method: true, number, .. }) = card {
        erro::set(&mut range, "threeDSMethodURL", format!("{base}/3ds/acs/method?range={number}"));
    }
    range
}
