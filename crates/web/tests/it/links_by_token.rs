//! `/v2/payment/invoice/card/token/create`: links that are paid with a card stored under a token.

use crate::{
    links::{link, outcome, token},
    support::{CARD_DECLINED, CARD_OK, World, about_token, pick},
};
use ferropay_domain::{
    card::{Cvv, Expiry, Pan},
    codes,
    payment::LinkState,
};
use ferropay_engine::links::{LinkCard, LinkNumber, LinkPaid};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CREATE: &str = "/v2/payment/invoice/card/token/create";
const REVOKE: &str = "/v2/customer/card/token/revoke";

fn link_for(payment_id: &str, card: &str) -> Value {
    let mut body = link(payment_id);
    body["token"] = card.into();
    body
}

/// Nothing but the verification value: the card is known.
fn confirmed() -> LinkCard {
    LinkCard {
        number: None,
        cvv: Some(Cvv::parse("321").unwrap()),
        browser: BTreeMap::new(),
        given: BTreeMap::new(),
    }
}

async fn pay(world: &World, link: &str, with: LinkCard) -> LinkPaid {
    world.engine.pay_link(link, with).await.unwrap().unwrap()
}

// G-419, G-431, G-433, G-440: a sale or a hold with the stored card, whose number nobody types
#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_stored_card_is_paid_with_it() {
    let world = World::new().await;
    let card = world.token("reader-7", CARD_OK).await;
    let made = world.told(CREATE, &link_for("order-1", &card)).await;
    assert_eq!(outcome(&made), json!(["invoice", "awaiting payment", "invoice", "awaiting payment", "9999"]));
    let secret = token(&made);
    assert_eq!(pay(&world, &secret, confirmed()).await, LinkPaid::Begun);
    let paid = world.callback().await;
    assert_eq!(outcome(&paid), json!(["invoice", "success", "sale", "success", "0"]));
    assert_eq!(pick(&paid["account"], &["number", "token"]), json!(["400000******0077", card]));
    assert_eq!(pay(&world, &secret, confirmed()).await, LinkPaid::Unpayable(LinkState::Paid));

    world.assert_moved("EUR", 4_990, 0).await;
    let mut hold = link_for("order-2", &card);
    hold["operation_type"] = "auth".into();
    let held = token(&world.told(CREATE, &hold).await);
    assert_eq!(pay(&world, &held, confirmed()).await, LinkPaid::Begun);
    assert_eq!(world.callback().await["payment"]["status"], "awaiting capture");
    world.end().await;
}

// G-419: a verification value is needed, and no other card will do
#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_stored_card_takes_no_other() {
    let world = World::new().await;
    let card = world.token("reader-7", CARD_OK).await;
    let secret = token(&world.told(CREATE, &link_for("order-1", &card)).await);
    let refused = |paid: LinkPaid| match paid {
        LinkPaid::Refused(problems) => problems[0].code,
        other => panic!("{other:?}"),
    };
    let typed = LinkNumber {
        pan: Pan::parse(CARD_DECLINED).unwrap(),
        expiry: Expiry { year: 2028, month: 3 },
        holder: None,
    };
    let other = LinkCard { number: Some(typed), ..confirmed() };
    assert_eq!(refused(pay(&world, &secret, other).await), codes::NOT_ALLOWED);
    let silent = LinkCard { cvv: None, ..confirmed() };
    assert_eq!(refused(pay(&world, &secret, silent).await), codes::CVV_REQUIRED);
    let plain = token(&world.told("/v2/payment/invoice/create", &link("order-2")).await);
    assert_eq!(refused(pay(&world, &plain, confirmed()).await), codes::NOT_ALLOWED, "it is for any card");

    // Revoked between the link and the payment.
    world.accept(REVOKE, &about_token("reader-7", &card)).await;
    world.token_callback().await;
    assert_eq!(refused(pay(&world, &secret, confirmed()).await), codes::INVALID_TOKEN);
    world.assert_silence().await;
    world.end().await;
}

// G-423, G-431: no link is made for what cannot be paid with
#[tokio::test(flavor = "multi_thread")]
async fn no_link_is_made_for_a_token_that_is_none() {
    let world = World::new().await;
    let card = world.token("reader-7", CARD_OK).await;
    let mut foreign = link_for("b", &card);
    foreign["customer"]["id"] = "somebody".into();
    for (body, code, field) in
        [(link_for("a", &"0".repeat(64)), 3221, "token"), (foreign, 3241, "customer.id")]
    {
        let told = world.told(CREATE, &body).await;
        assert_eq!(told["payment"]["status"], "error");
        assert_eq!(pick(&told["errors"][0], &["code", "field"]), json!([code, field]));
    }
    let mut registers = link_for("c", &card);
    registers["operation_type"] = "contract registration".into();
    let reply = world.send(CREATE, &registers).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("502")), "{}", reply.text);
    let mut without = link_for("d", &card);
    without.as_object_mut().unwrap().remove("token");
    assert_eq!(world.send(CREATE, &without).await.body["code"], "2004");
    world.end().await;
}
