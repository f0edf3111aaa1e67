//! Questions that the platform answers from what it knows: in the reply, in full, and by nothing else.

use crate::{
    series::debit,
    support::{
        CARD_MASTERCARD, CARD_OK, PROJECT, SECRET, World, about_customer, about_token, on_card, sale, status,
    },
};
use ferropay_domain::method::MethodRef;
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place, Tolerance},
};
use serde_json::{Value, json};

const CUSTOMER: &str = "reader-7";

/// How a reply says that it is the platform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signed {
    AtTheRoot,
    InGeneral,
    Not,
}

fn signed(text: &str) -> Signed {
    let Ok(document) = Document::parse(text.as_bytes(), Limits::OUTGOING) else { return Signed::Not };
    let by = |place| {
        signature::verify(&document, place, &[signature::Secret::new(SECRET)], Tolerance::NONE).is_ok()
    };
    if by(Place::Root) {
        Signed::AtTheRoot
    } else if by(Place::General) {
        Signed::InGeneral
    } else {
        assert!(!text.contains("signature"), "{text}");
        Signed::Not
    }
}

// G-011, G-040: replies with data of payments, customers and instruments are signed; the others are not
#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_is_answered_in_full_by_its_reply_and_by_no_callback() {
    let (world, _provider) = World::with_provider(|project| project.settings.saved_cards = true).await;
    let token = world.token(CUSTOMER, CARD_OK).await;
    // Not the card of the token, which would end with it (G-409).
    let mut saving = on_card(sale("order-1", 100, "EUR"), CARD_MASTERCARD);
    saving["card"]["save"] = true.into();
    saving["customer"]["save"] = true.into();
    let paid = world.paid(&saving).await;
    let series = world.registered("order-2", json!({ "register": true, "type": "U" })).await;
    world.told("/v2/payment/card/recurring", &debit("order-3", series)).await;
    let general = json!({ "general": { "project_id": PROJECT } });
    let of_series = json!({ "general": { "project_id": PROJECT }, "recurring": { "id": series } });
    let listing = json!({
        "general": { "project_id": PROJECT, "payment_id": "order-1" },
        "customer": { "ip_address": "198.51.100.7" },
        "payment": { "amount": 1_000, "currency": "THB" },
    });
    let mut plan = general.clone();
    plan["interval_days"] = json!([1]);
    let request = paid["operation"]["request_id"].clone();
    let thailand = MethodRef::of_code("banks/thailand").unwrap();
    let (method, aggregator) = (thailand.number.unwrap(), thailand.aggregator.unwrap());
    let banks = |key: &str, value: Value| json!({ "project_id": PROJECT, key: value });
    let saved = json!({
        "customer": { "project_id": PROJECT, "id": CUSTOMER }, "saved_account_id": paid["account"]["id"],
    });
    for (path, body, expected) in [
        ("/v2/payment/status", status("order-1"), Signed::AtTheRoot),
        (
            "/v2/payment/status/request",
            json!({ "project_id": PROJECT, "request_id": request }),
            Signed::InGeneral,
        ),
        ("/v2/info/available-methods/payin/list", general.clone(), Signed::AtTheRoot),
        ("/v2/info/banks/banks/thailand/sale/list", listing, Signed::Not),
        ("/v2/info/banks/bycountry", banks("country", json!("THA")), Signed::Not),
        ("/v2/info/banks/bypaymentmethod", banks("payment_method_id", json!(method)), Signed::Not),
        ("/v2/info/banks/byprovider", banks("provider_id", json!(7)), Signed::Not),
        ("/v2/info/banks/byaggregator", banks("aggregator_id", json!(aggregator)), Signed::Not),
        ("/v2/customer/info", about_customer(CUSTOMER), Signed::AtTheRoot),
        ("/v2/customer/card/bytoken", about_token(CUSTOMER, &token), Signed::AtTheRoot),
        ("/v2/customer/saved_account/list", about_customer(CUSTOMER), Signed::AtTheRoot),
        ("/v2/customer/saved_account/delete", saved, Signed::Not),
        // The contract has no place for a signature there.
        ("/v2/payment/recurring/info", of_series, Signed::Not),
        ("/v2/recurring/retry-custom-schedule/save", plan, Signed::Not),
        ("/v2/recurring/retry-custom-schedule/info", general.clone(), Signed::Not),
        ("/v2/recurring/retry-custom-schedule/disable", general, Signed::Not),
    ] {
        let reply = world.send(path, &body).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        assert_eq!(signed(&reply.text), expected, "{path}: {}", reply.text);
    }
    world.assert_silence().await;
    world.end().await;
}
