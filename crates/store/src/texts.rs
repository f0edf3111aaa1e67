//! U+0000, which no text that is stored may have: `PostgreSQL` keeps none, and reads none in JSON, where one in one row would fail
//! every question that looks into such rows. Whoever reads texts from outside refuses or replaces it; a commit that has one all the
//! same is refused on every database alike.

use crate::Commit;

/// Whether a commit's texts can be stored; `json` is what is written of it as JSON. Errors: says which has U+0000.
pub(crate) fn check<'j>(commit: &Commit, json: impl Iterator<Item = &'j str>) -> Result<(), String> {
    let changes = &commit.changes;
    let names = changes.names.iter().chain(&changes.released).map(|name| ("a name", name.folded.as_str()));
    let request =
        changes.request.iter().map(|it| ("the payment's name in a request", it.payment_id.as_str()));
    let instrument =
        changes.instrument.iter().map(|it| ("a customer's identifier", it.instrument.customer.as_str()));
    let customer = changes.customer.iter().map(|it| ("a customer's identifier", it.1.id.as_str()));
    let notification = commit.notification.iter().flat_map(|it| {
        [("a notification's identifier", it.id.as_str()), ("a notification", it.body.as_str())]
    });
    let callbacks = commit.callbacks.iter().flat_map(|it| {
        let addresses = it.addresses.iter().map(|address| ("a callback's address", address.as_str()));
        addresses.chain([("a callback", it.body.as_str())])
    });
    let mut texts =
        names.chain(request).chain(instrument).chain(customer).chain(notification).chain(callbacks);
    let found = texts.find(|(_, text)| text.contains('\0')).map(|(what, _)| what);
    let found =
        found.or_else(|| json.into_iter().find(|it| has_escaped(it)).map(|_| "what is written as JSON"));
    found.map_or(Ok(()), |what| Err(format!("{what} has U+0000")))
}

/// Whether JSON has the escape of U+0000. A backslash that is itself escaped begins none.
fn has_escaped(json: &str) -> bool {
    const ESCAPE: &str = "\\u0000";
    json.match_indices(ESCAPE).any(|(place, _)| {
        let before = json.get(..place).unwrap_or_default();
        let backslashes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
        backslashes.is_multiple_of(2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_escape_is_told_from_text_that_looks_like_it() {
        for text in ["a\0", "\0", "\\\0", "\\u0000\0"] {
            assert!(has_escaped(&serde_json::to_string(text).unwrap()), "{text:?}");
        }
        for text in ["", "a\u{1}", "\\u0000", "\\\\u0000", "u0000"] {
            assert!(!has_escaped(&serde_json::to_string(text).unwrap()), "{text:?}");
        }
    }
}
