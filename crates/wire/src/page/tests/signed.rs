//! Signatures of openings: what published clients made, and what was changed on the way.

use super::*;
use crate::page::NotSigned;
use serde_json::Value as Json;

fn file() -> Json {
    serde_json::from_str(include_str!("../../../tests/data/signature-vectors.json")).unwrap()
}

/// Every address with its query.
fn addresses(file: &Json) -> Vec<(&str, &str, &str)> {
    let urls = file["payment_page_urls"].as_array().unwrap();
    urls.iter().map(parts).collect()
}

fn parts(url: &Json) -> (&str, &str, &str) {
    let text = |key: &str| url[key].as_str().unwrap();
    (text("id"), text("url").split_once('?').unwrap().1, text("secret"))
}

fn verified(query: &str, secret: &str) -> Result<(), NotSigned> {
    let received = Received::from_form(query.as_bytes()).map_err(|_| NotSigned)?;
    received.verify(&[Secret::new(secret)]).map(|_| ())
}

// P-055, P-057, P-061, P-062
#[test]
fn every_address_made_by_a_published_client_opens() {
    let file = file();
    let addresses = addresses(&file);
    assert_eq!(addresses.len(), 32);
    for (id, query, secret) in addresses {
        let received = Received::from_form(query.as_bytes()).unwrap();
        assert!(received.project().is_some(), "{id}");
        let opening = received.verify(&[Secret::new(secret)]).expect(id).open().expect(id);
        let amount = opening.amount.map(|amount| amount.to_string());
        assert_eq!(amount.as_deref(), Some("10.00 EUR"), "{id}");
        assert_eq!(opening.text("customer_id"), Some("customer_112"), "{id}");
        assert!(opening.document("interface_type").is_some(), "{id}");
    }
}

// P-054, P-060
#[test]
fn an_address_that_was_changed_anywhere_is_refused_with_nothing_but_that() {
    let file = file();
    for (id, query, secret) in addresses(&file) {
        let pairs: Vec<&str> = query.split('&').collect();
        for (at, pair) in pairs.iter().enumerate() {
            let (name, value) = pair.split_once('=').unwrap();
            let put = |changed: &str| {
                let mut pairs = pairs.clone();
                pairs[at] = changed;
                pairs.retain(|pair| !pair.is_empty());
                pairs.join("&")
            };
            if name == "frame_mode" {
                assert_eq!(verified(&put(""), secret), Ok(()), "{id}: {name} is not signed");
                continue;
            }
            for changed in
                [format!("{name}={value}1"), format!("{name}x={value}"), format!("{name}="), String::new()]
            {
                assert_eq!(verified(&put(&changed), secret), Err(NotSigned), "{id}: {changed}");
            }
        }
        assert_eq!(verified(&format!("{query}&payment_description2=x"), secret), Err(NotSigned), "{id}");
        assert_eq!(verified(query, "another secret"), Err(NotSigned), "{id}");
        assert_eq!(
            verified(&query.replace("&payment_amount=1000", "&payment_amount=1"), secret),
            Err(NotSigned)
        );
    }
    assert_eq!(NotSigned.to_string(), "Signature is not valid");
}

// P-030, P-032, P-033, P-034, P-054
#[test]
fn a_missing_an_empty_and_a_wrong_signature_are_one_refusal() {
    for signature in ["", "&signature=", "&signature=x", "&signature[a]=x"] {
        assert_eq!(verified(&format!("{PURCHASE}{signature}"), "secret"), Err(NotSigned), "{signature}");
    }
    let (right, wrong) = (Secret::new("secret"), Secret::new("older"));
    let query = signed(PURCHASE);
    let received = Received::from_form(query.as_bytes()).unwrap();
    assert!(received.clone().verify(&[wrong.clone(), right]).is_ok());
    assert!(received.clone().verify(&[wrong]).is_err());
    assert!(received.verify(&[]).is_err());
}

// P-046
#[test]
fn names_with_an_underscore_in_front_may_be_signed_or_not_and_say_nothing() {
    let query = format!("{}&_plugin_version=1.2&_referrer=https%3A%2F%2Fshop.example", signed(PURCHASE));
    assert_eq!(verified(&query, "secret"), Ok(()));
    let query = signed(&format!("{PURCHASE}&_plugin_version=1.2"));
    assert_eq!(verified(&query, "secret"), Ok(()));
    let opening = opened(&format!("{PURCHASE}&_customer_email=a%40b.example&unheard_of=1")).unwrap();
    assert_eq!((opening.text("_customer_email"), opening.text("unheard_of")), (None, None));
    // Unknown names are signed all the same.
    let query = signed(&format!("{PURCHASE}&unheard_of=1"));
    assert_eq!(verified(&query, "secret"), Ok(()));
    assert_eq!(verified(&query.replace("unheard_of=1", "unheard_of=2"), "secret"), Err(NotSigned));
}

// P-017, P-057
#[test]
fn flags_are_signed_as_digits_or_as_the_words_they_are_sent_with() {
    let as_digits = signed(&format!("{PURCHASE}&redirect=1&close_on_missclick=0"));
    for (yes, no) in [("1", "0"), ("true", "false"), ("True", "False"), ("TRUE", "fAlSe")] {
        let query = as_digits
            .replace("redirect=1", &format!("redirect={yes}"))
            .replace("missclick=0", &format!("missclick={no}"));
        assert_eq!(verified(&query, "secret"), Ok(()), "{yes} {no}");
        let swapped = as_digits
            .replace("redirect=1", &format!("redirect={no}"))
            .replace("missclick=0", &format!("missclick={yes}"));
        assert_eq!(verified(&swapped, "secret"), Err(NotSigned), "{no} {yes}");
    }
    let as_words = signed(&format!("{PURCHASE}&redirect=true"));
    assert_eq!(verified(&as_words, "secret"), Ok(()));
}

// P-057
#[test]
fn objects_are_signed_as_text_or_by_their_members() {
    let objects =
        r#"{"recurring":{"register":true,"type":"C"},"interface_type":{"id":5},"merchant_data":{"a":"b"}}"#;
    let Json::Object(objects) = serde_json::from_str(objects).unwrap() else { panic!("an object") };
    for opened in 0..8_u8 {
        // Each is signed by its members or as its text.
        let mut members =
            vec![("payment_id".to_owned(), Json::from("a")), ("project_id".to_owned(), Json::from("1"))];
        for (at, (name, object)) in objects.iter().enumerate() {
            let as_object = opened & (1 << at) != 0;
            members.push((name.clone(), if as_object { object.clone() } else { object.to_string().into() }));
        }
        let message = Json::Object(members.into_iter().collect()).to_string();
        let document =
            crate::json::Document::parse(message.as_bytes(), crate::json::Limits::INCOMING).unwrap();
        let signature = sign(&Secret::new("secret"), &canonical(document.root(), Order::Natural));
        let texts: Vec<String> = objects
            .iter()
            .map(|(name, object)| format!("&{name}={}", escaped(&object.to_string())))
            .collect();
        let texts = texts.concat();
        let query = format!("payment_id=a&project_id=1{texts}&signature={}", escaped(&signature));
        assert_eq!(verified(&query, "secret"), Ok(()), "{opened:03b}");
        let changed = query.replace("register", "registex");
        assert_eq!(verified(&changed, "secret"), Err(NotSigned), "{opened:03b}");
    }
}

// P-055
#[test]
fn a_signature_whose_plus_was_not_encoded_is_read_all_the_same() {
    let mut tried = 0;
    for number in 0..64 {
        let query = signed(&with("payment_id", &number.to_string()));
        if let Some((parameters, signature)) =
            query.split_once("&signature=").filter(|it| it.1.contains("%2B"))
        {
            let raw = signature.replace("%2B", "+");
            assert_eq!(verified(&format!("{parameters}&signature={raw}"), "secret"), Ok(()));
            tried += 1;
        }
    }
    assert!(tried > 10);
}

// P-055, P-056
#[test]
fn the_documented_vector_of_the_widget_is_reproduced_without_its_frame_mode() {
    let message = br#"{"customer":{"project_id":0,"id":"sutm_id"},"card":{"pan":"4242424242424242","year":2020,"month":8,
        "card_holder":"John Smith","cvv":"123","save":true},"frame_mode":"popup",
        "signature":"lY0LTSAzpR7zGce5qfYGacOuYlHGWqkMcQlqmjlsDDZI2gVcE1qVeWANnkIR7mdOqRXJnL1kO0lUmkQ0YYLWRg=="}"#;
    let received = Received::from_json(message).unwrap();
    assert!(received.verify(&secrets()).is_ok());
}

// P-054
#[test]
fn a_parameter_cannot_be_hidden_in_the_text_before_it() {
    let query = signed(&format!("{PURCHASE}&hide=card"));
    assert_eq!(verified(&query, "secret"), Ok(()));
    // The same is signed, since a `;` in a text is no other than the one between parameters.
    let (rest, signature) = query.split_once("&signature=").unwrap();
    let merged = rest.replace("&hide=card", "").replace("customer_id=c-9", "customer_id=c-9%3Bhide%3Acard");
    assert_eq!(verified(&format!("{merged}&signature={signature}"), "secret"), Err(NotSigned));
    // Other texts may have a semicolon.
    let query = signed(&with("payment_description", "Tea; cups: two;mode;hide"));
    assert_eq!(verified(&query, "secret"), Ok(()));
}

// P-054
#[test]
fn a_parameter_cannot_be_made_one_that_nobody_knows() {
    let query = signed(&with("best_before", "2031-04-12T10:15:30+03"));
    assert_eq!(verified(&query, "secret"), Ok(()));
    let (rest, signature) = query.split_once("&signature=").unwrap();
    let split = rest.replace("best_before=2031%2D04%2D12T10%3A", "best_before%3A2031%2D04%2D12T10=");
    assert_ne!(split, rest);
    assert_eq!(verified(&format!("{split}&signature={signature}"), "secret"), Err(NotSigned));
}

// P-054, P-057
#[test]
fn nothing_that_says_something_can_be_put_where_objects_are_not_signed() {
    let query = signed(PURCHASE);
    for added in [r#"{"frame_mode":"x"}"#, r#"{"a":{"signature":"x"}}"#, r#"{"a":[]}"#, "{}"] {
        let query = format!("{query}&merchant_data={}", escaped(added));
        assert_eq!(verified(&query, "secret"), Err(NotSigned), "{added}");
    }
    for added in ["recurring", "payment_methods_options"] {
        let query = format!("{query}&{added}={}", escaped(r#"{"frame_mode":{"register":true}}"#));
        assert_eq!(verified(&query, "secret"), Err(NotSigned), "{added}");
    }
    // An empty object that a client had is signed as nothing, and means nothing.
    let query = format!("{query}&recurring=%7B%7D");
    let received = Received::from_form(query.as_bytes()).unwrap();
    assert_eq!(received.verify(&secrets()).unwrap().open().unwrap().series, None);
}
