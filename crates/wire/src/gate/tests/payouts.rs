//! Payouts to cards.

use super::*;

const PATHS: [&str; 2] = ["/v2/payment/card/payout", "/v2/payment/individual/payout"];

/// The least a payout needs, by G-311.
fn payout() -> Json {
    json!({
        "general": { "project_id": 7, "payment_id": "P-1", "signature": "x" },
        "card": { "pan": "4242424242424242" },
        "customer": { "id": "c-1", "ip_address": "198.51.100.7" },
        "payment": { "amount": 15_000, "currency": "EUR" },
    })
}

fn read(path: &str, body: &Json) -> Result<CardPayout, Refusal> {
    with(body, |body| CardPayout::read(path, body))
}

// G-070, G-310, G-311, G-312
#[test]
fn a_payout_needs_no_more_than_a_card_number_a_customer_and_an_amount() {
    for path in PATHS {
        let body = payout();
        assert_eq!(with(&body, |root| Contract::gate().request(path, root)).unwrap(), []);
        let read = read(path, &body).unwrap();
        assert_eq!((read.amount.minor, read.amount.currency.code()), (15_000, "EUR"));
        let PaidWith::Card { pan, expiry } = read.card else { panic!("a card") };
        assert_eq!((pan.masked().as_str(), expiry, read.holder), ("424242******4242", None, None));
        assert_eq!(read.from_person, path.contains("individual"));
        assert_eq!(card_operation(path), Some(OperationKind::Payout));
    }
}

// G-311
#[test]
fn each_member_a_payout_needs_is_missed_by_name() {
    for path in PATHS {
        for (object, member) in [
            ("card", "pan"),
            ("customer", "id"),
            ("customer", "ip_address"),
            ("payment", "amount"),
            ("payment", "currency"),
        ] {
            let mut body = payout();
            body[object].as_object_mut().unwrap().remove(member).unwrap();
            let found = with(&body, |root| Contract::gate().request(path, root)).unwrap();
            let fields: Vec<_> = found.iter().map(|it| (it.field.clone(), it.rule)).collect();
            assert_eq!(fields, [(format!("{object}.{member}"), Rule::Required)], "{path}");
        }
    }
}

// G-312: year and month are given both or not at all
#[test]
fn an_expiry_is_a_year_and_a_month() {
    let mut body = payout();
    body["card"]["year"] = 2030.into();
    assert_eq!(told(read(PATHS[0], &body)), (400, 2004, "card.month".to_owned()));
    body["card"]["month"] = 11.into();
    let PaidWith::Card { expiry: Some(expiry), .. } = read(PATHS[0], &body).unwrap().card else {
        panic!("a card with its expiry")
    };
    assert_eq!((expiry.year, expiry.month), (2030, 11));
    body["card"]["year"] = Json::Null;
    assert_eq!(told(read(PATHS[0], &body)), (400, 2004, "card.year".to_owned()));
}

// G-319, G-081, G-085, G-318
#[test]
fn what_a_payout_says_beyond_the_least_is_read() {
    let mut body = payout();
    body["customer"]["first_name"] = "Judy".into();
    body["payment"]["description"] = "Winnings".into();
    body["card"]["card_holder"] = "Judy Doe".into();
    body["callback"] = json!({ "delay": 60, "force_disable": true });
    let read = read(PATHS[0], &body).unwrap();
    assert_eq!(read.customer.first_name.as_deref(), Some("Judy"));
    assert_eq!((read.description.as_str(), read.holder.as_deref()), ("Winnings", Some("Judy Doe")));
    assert_eq!((read.callback.delay_seconds, read.callback.disabled), (60, true));
    assert!(!read.has_sender_card);
    body["sender"] = json!({ "pan": "5413330000000019", "city": "Riga" });
    let read = super::payouts::read(PATHS[1], &body).unwrap();
    assert!(read.has_sender_card && !format!("{read:?}").contains("5413330000000019"));
    let known = |path| with(&body, |body| member(body, path));
    assert_eq!((known("sender.city").as_deref(), known("sender.pan")), (Some("Riga"), None));
}
