//! Payment links and registered payouts.

use super::*;
use ferropay_domain::{payment::LinkPays, time::Timestamp};

const PATH: &str = "/v2/payment/invoice/create";

fn now() -> Timestamp {
    let moment: jiff::Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    Timestamp::from_micros(moment.as_microsecond())
}

fn link() -> Json {
    json!({
        "general": { "project_id": 7, "payment_id": "L-1", "signature": "x" },
        "customer": { "id": "c-1" },
        "payment": { "amount": 4_990, "currency": "EUR", "best_before": "2026-12-21T12:00:00Z" },
    })
}

fn read(body: &Json) -> Result<CreateLink, Refusal> {
    with(body, |body| CreateLink::read("/v2/payment/invoice/create", body, now()))
}

// G-431, G-433
#[test]
fn a_link_needs_no_more_than_a_customer_an_amount_and_a_moment() {
    let body = link();
    assert_eq!(with(&body, |root| Contract::gate().request(PATH, root)).unwrap(), []);
    let read = read(&body).unwrap();
    assert_eq!((read.pays, read.send_email, read.method), (LinkPays::Sale, false, None));
    assert_eq!(read.best_before, now().plus(std::time::Duration::from_hours(30 * 24)));
    let kinds = [
        ("sale", LinkPays::Sale),
        ("auth", LinkPays::Auth),
        ("contract registration", LinkPays::ContractRegistration),
    ];
    for (text, pays) in kinds {
        let mut body = link();
        body["operation_type"] = text.into();
        assert_eq!(super::links::read(&body).unwrap().pays, pays);
    }
}

// G-432: any offset, never none, never beyond the end of the thirtieth day
#[test]
fn a_moment_is_understood_in_any_offset_and_bounded() {
    for (text, right) in [
        ("2026-12-21T15:00:00+03:00", true),
        ("2026-12-21T15:00:00+0300", true),
        ("2026-12-21T12:00:00.000Z", true),
        ("2026-11-21T12:00:00.001Z", true),
        ("2026-12-21T12:00:00.001Z", false),
        ("2026-11-21T12:00:00Z", false),
        ("2026-12-21T12:00:00", false),
        ("2026-12-21", false),
        ("", false),
    ] {
        let mut body = link();
        body["payment"]["best_before"] = text.into();
        assert_eq!(read(&body).is_ok(), right, "{text}");
    }
}

// G-434
#[test]
fn a_mail_needs_an_address() {
    let mut body = link();
    body["send_email"] = true.into();
    assert_eq!(told(read(&body)), (400, 2004, "customer.email".to_owned()));
    body["customer"]["email"] = "judy@example.com".into();
    assert!(read(&body).unwrap().send_email);
}

// G-329, G-066
#[test]
fn a_registration_takes_currencies_that_exist() {
    let mut body = json!({
        "general": { "project_id": 7, "payment_id": "R-1", "signature": "x" },
        "customer": { "id": "c-1", "email": "p@example.com", "ip_address": "198.51.100.7" },
        "payment": { "amount": 7_000, "currency": "EUR" },
    });
    let path = "/v2/payment/payout/registration";
    assert_eq!(with(&body, |root| Contract::gate().request(path, root)).unwrap(), []);
    assert_eq!(with(&body, RegisterPayout::read).unwrap().amount.minor, 7_000);
    body["payment"]["currency"] = "BTC_TEST:1".into();
    assert_eq!(with(&body, |root| Contract::gate().request(path, root)).unwrap(), []);
    let refused = with(&body, RegisterPayout::read).unwrap_err();
    assert_eq!((refused.status, refused.code.get()), (400, 3121));
}
