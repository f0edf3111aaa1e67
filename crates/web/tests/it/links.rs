//! Payment links by the Gate API, their pages, and what customers do at them.

use crate::support::{
    CALLBACK_URL, CARD_DECLINED, CARD_OK, OTHER_PROJECT, PROJECT, PUBLIC_URL, World,
    bank::{CARD_CHALLENGE, Posted},
    normalise::normalised,
    pick, refund,
    visit::Visit,
};
use axum::{body::Body, http::Request};
use ferropay_domain::{
    card::{Cvv, Expiry, Pan},
    payment::LinkState,
};
use ferropay_engine::links::{LinkCard, LinkNumber, LinkPaid};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

pub(crate) const CREATE: &str = "/v2/payment/invoice/create";
pub(crate) const CANCEL: &str = "/v2/payment/invoice/cancel";
const DAY: Duration = Duration::from_hours(24);

/// The least a link needs, and what it is for.
pub(crate) fn link(payment_id: &str) -> Value {
    json!({
        "general": { "project_id": PROJECT, "payment_id": payment_id },
        "customer": { "id": "reader-7", "email": "ada@example.com" },
        "payment": {
            "amount": 4_990,
            "currency": "EUR",
            "description": "Two books",
            "best_before": "2026-12-01T15:00:00+03:00",
        },
    })
}

pub(crate) fn cancel(payment_id: &str) -> Value {
    json!({ "general": { "project_id": PROJECT, "payment_id": payment_id } })
}

pub(crate) fn card(number: &str) -> LinkCard {
    LinkCard {
        number: Some(LinkNumber {
            pan: Pan::parse(number).unwrap(),
            expiry: Expiry { year: 2028, month: 3 },
            holder: Some("Ada Byron".to_owned()),
        }),
        cvv: Some(Cvv::parse("321").unwrap()),
        browser: BTreeMap::new(),
        given: BTreeMap::new(),
    }
}

pub(crate) fn outcome(callback: &Value) -> Value {
    pick(
        callback,
        &["payment.type", "payment.status", "operation.type", "operation.status", "operation.code"],
    )
}

/// The token of the link that a callback brings.
pub(crate) fn token(callback: &Value) -> String {
    let url = callback["payment_link"].as_str().unwrap();
    url.strip_prefix(&format!("{PUBLIC_URL}/link/")).unwrap().to_owned()
}

impl World {
    /// Makes a link; the callback about it, and its token.
    pub(crate) async fn linked(&self, body: &Value) -> (Value, String) {
        let callback = self.told(CREATE, body).await;
        let token = token(&callback);
        (callback, token)
    }

    async fn page(&self, token: &str) -> Visit {
        self.visit(Request::get(format!("/link/{token}")).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn pay(&self, token: &str, number: &str) -> LinkPaid {
        self.engine.pay_link(token, card(number)).await.unwrap().unwrap()
    }
}

// G-067, G-029, G-095, G-143, G-431, G-435, G-436, G-437, D-38, M-039
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_and_told_to_the_merchant() {
    let world = World::new().await;
    let (callback, token) = world.linked(&link("order-1")).await;
    let mut shown = callback.clone();
    shown["payment_link"] = "[link]".into();
    insta::assert_snapshot!("link_made", normalised(&shown));
    assert!(token.len() == 54 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
    let (_, other) = world.linked(&link("order-2")).await;
    assert_ne!(token[14..], other[14..], "nothing of one tells of another");
    let now = world.now("order-1").await;
    assert_eq!(now["payment"], callback["payment"]);
    assert_eq!(now["operations"], json!([callback["operation"]]));
    // G-055
    let request = world.accept(CREATE, &link("order-1")).await;
    assert_eq!(request, callback["operation"]["request_id"].as_str().unwrap());
    world.assert_silence().await;
    world.end().await;
}

// D-38: the name of the member is the project's own, but no other member is lost for it
#[tokio::test(flavor = "multi_thread")]
async fn the_member_with_the_link_may_have_another_name() {
    for (name, expected) in
        [("redirect_url", "redirect_url"), ("payment", "payment_link"), ("", "payment_link")]
    {
        let world = World::with(|project| project.settings.payment_link_member = name.to_owned()).await;
        world.accept(CREATE, &link("order-1")).await;
        let letter = world.mailbox.next().await;
        assert_eq!(letter.url, CALLBACK_URL);
        let body: Value = serde_json::from_str(&letter.body).unwrap();
        assert!(body[expected].as_str().unwrap().starts_with(PUBLIC_URL), "{body}");
        assert_eq!(body["payment"]["id"], "order-1");
        world.end().await;
    }
}

// G-432, G-434, G-062
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_link_is_said_at_once() {
    let world = World::new().await;
    let wrong = async |change: &dyn Fn(&mut Value)| {
        let mut body = link("order-1");
        change(&mut body);
        let reply = world.send(CREATE, &body).await;
        let message = reply.body["message"].as_str().unwrap_or_default().to_owned();
        (reply.status, reply.body["code"].clone(), message.rsplit_once(": ").unwrap_or_default().1.to_owned())
    };
    for moment in [
        // Past, now, a second beyond 30 days, without offset, no moment.
        "2026-11-20T12:00:00Z",
        "2026-11-21T12:00:00+00:00",
        "2026-12-21T12:00:01Z",
        "2026-12-01T15:00:00",
        "tomorrow",
    ] {
        let told = wrong(&|body| body["payment"]["best_before"] = moment.into()).await;
        assert_eq!(told, (400, json!("502"), "payment.best_before".to_owned()), "{moment}");
    }
    let told = wrong(&|body| drop(body["payment"].as_object_mut().unwrap().remove("best_before"))).await;
    assert_eq!((told.0, told.1), (400, json!("2004")));
    let told = wrong(&|body| {
        body["send_email"] = true.into();
        body["customer"].as_object_mut().unwrap().remove("email");
    })
    .await;
    assert_eq!(told, (400, json!("2004"), "customer.email".to_owned()));
    let told = wrong(&|body| body["operation_type"] = "payout".into()).await;
    assert_eq!((told.0, told.2.as_str()), (400, "operation_type"));
    let told = wrong(&|body| body["customer"]["id"] = "".into()).await;
    assert_eq!(told, (400, json!("2124"), "customer.id".to_owned()));
    // The last second of the thirtieth day.
    let mut body = link("order-1");
    body["payment"]["best_before"] = "2026-12-21T14:00:00+02:00".into();
    world.linked(&body).await;
    world.assert_silence().await;
    world.end().await;
}

// G-034, G-120, M-044, P-176
#[tokio::test(flavor = "multi_thread")]
async fn rules_of_the_project_are_told_by_callback() {
    let world = World::with(|project| project.settings.payment_links_allowed = false).await;
    let refused = world.told(CREATE, &link("order-1")).await;
    assert_eq!(refused["payment"], json!({ "id": "order-1", "status": "error" }));
    assert_eq!(refused["errors"][0]["code"], 310);
    // G-054
    world.reconfigure(|project| project.settings.payment_links_allowed = true).await;
    world.linked(&link("order-1")).await;
    world.end().await;
}

// G-016, G-144, G-436, G-440, G-442, M-001, M-002, T-137
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_pays_by_a_link_once_and_may_be_refunded() {
    let world = World::new().await;
    let (made, token) = world.linked(&link("order-1")).await;
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Begun);
    let paid = world.callback().await;
    assert_eq!(outcome(&paid), json!(["invoice", "success", "sale", "success", "0"]));
    assert_eq!(
        paid["operation"]["request_id"], made["operation"]["request_id"],
        "the merchant's own request"
    );
    assert_eq!(paid["account"]["number"], "400000******0077");
    assert_eq!(paid["payment"].get("best_before"), None);
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Unpayable(LinkState::Paid));
    let reply = world.send(CANCEL, &cancel("order-1")).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3060")), "G-438");
    let operations = json!([["invoice", "awaiting payment", 4_990], ["sale", "success", 4_990]]);
    assert_eq!(world.operations("order-1").await, operations);
    world.assert_moved("EUR", 4_990, 0).await;
    let returned = world.refunded(&refund("order-1", None)).await;
    assert_eq!(returned["payment"]["type"], "invoice");
    assert_eq!(returned["payment"]["status"], "reversed");
    // The status by the request that made the link tells of the payment.
    let by_request = json!({ "project_id": PROJECT, "request_id": made["operation"]["request_id"] });
    let reply = world.send("/v2/payment/status/request", &by_request).await;
    assert_eq!(reply.body["payment"]["result_code"], "0", "{}", reply.text);

    let (_, token) = world.linked(&link("order-2")).await;
    assert_eq!(world.pay(&token, CARD_DECLINED).await, LinkPaid::Begun);
    assert_eq!(world.callback().await["payment"]["status"], "decline");
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Unpayable(LinkState::Declined));
    world.end().await;
}

// G-165, G-433, G-440, M-005
#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_lead_to_a_hold() {
    let world = World::new().await;
    let mut body = link("order-1");
    body["operation_type"] = "auth".into();
    body["payment"]["force_method"] = "card".into();
    let (made, token) = world.linked(&body).await;
    assert_eq!(made["payment"]["method"], "card");
    world.pay(&token, CARD_OK).await;
    let held = world.callback().await;
    assert_eq!(outcome(&held), json!(["invoice", "awaiting capture", "auth", "success", "0"]));
    let captured = world.told("/v2/payment/card/capture", &crate::support::capture("order-1", None)).await;
    assert_eq!(outcome(&captured), json!(["invoice", "success", "capture", "success", "0"]));
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// Whoever pays twice at once pays once
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_pay_at_once_one_does() {
    let world = World::new().await;
    let (_, token) = world.linked(&link("order-1")).await;
    let tries = (0..16).map(|_| world.pay(&token, CARD_OK));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|it| **it == LinkPaid::Begun).count(), 1, "{answers:?}");
    world.callback().await;
    world.assert_silence().await;
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-117, G-438, M-041, P-009
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_link_says_so_and_takes_no_payment() {
    let world = World::new().await;
    let (made, token) = world.linked(&link("order-1")).await;
    let canceled = world.told(CANCEL, &cancel("order-1")).await;
    assert_eq!(
        outcome(&canceled),
        json!(["invoice", "invoice canceled", "invoice", "invoice canceled", "301"])
    );
    assert_eq!(canceled["operation"]["id"], made["operation"]["id"]);
    assert_eq!(canceled.get("payment_link"), None);
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Unpayable(LinkState::Canceled));
    let page = world.page(&token).await;
    assert!(page.status == 410 && page.page.contains("Books has withdrawn it"), "{}", page.page);
    // The same request again is the same one; another one comes too late.
    world.accept(CANCEL, &cancel("order-1")).await;
    let mut again = cancel("order-1");
    again["interface_type"] = json!({ "id": 7, "user": "judy@shop.example" });
    let reply = world.send(CANCEL, &again).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3060")));
    for (payment_id, code) in [("order-9", "3061")] {
        let reply = world.send(CANCEL, &cancel(payment_id)).await;
        assert_eq!((reply.status, reply.body["code"].as_str().unwrap()), (400, code));
    }
    world.paid(&crate::support::sale("order-2", 100, "EUR")).await;
    let reply = world.send(CANCEL, &cancel("order-2")).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3060")), "a purchase is no link");
    world.end().await;
}

// G-117, G-439, M-042, P-009, W-295
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_nobody_pays_by_expires() {
    let world = World::new().await;
    let (_, token) = world.linked(&link("order-1")).await;
    world.clock.set("2026-12-01T11:59:59Z");
    assert_eq!(world.page(&token).await.status, 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Unpayable(LinkState::Expired));
    let expired = world.callback().await;
    assert_eq!(outcome(&expired), json!(["invoice", "expired", "invoice", "expired", "603"]));
    let page = world.page(&token).await;
    assert!(page.status == 410 && page.page.contains("1 December 2026, 12:00 UTC"), "{}", page.page);
    let reply = world.send(CANCEL, &cancel("order-1")).await;
    assert_eq!(reply.body["code"], "3060");
    world.clock.advance(30 * DAY);
    world.assert_silence().await;
    world.end().await;
}

// G-438, G-439, P-009
#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_link_tells_what_is_paid_and_changes_nothing() {
    let world = World::new().await;
    let mut body = link("order-1");
    body["return_url"] = json!({
        "success": "https://shop.example/thanks",
        "decline": "javascript:alert(1)",
        "return": "https://shop.example/cart",
    });
    let (_, token) = world.linked(&body).await;
    let page = world.page(&token).await;
    assert_eq!(page.status, 200);
    for text in [
        "Books asks you to pay",
        "€49.90",
        "Two books",
        "order-1",
        "1 December 2026, 12:00 UTC",
        "shop.example/cart",
    ] {
        assert!(page.page.contains(text), "{text} on {}", page.page);
    }
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.ends_with("frame-ancestors 'self'"), "{policy}");
    world.pay(&token, CARD_OK).await;
    world.callback().await;
    let page = world.page(&token).await;
    assert!(page.status == 200 && page.page.contains("<h1>Paid</h1>"), "{}", page.page);
    assert!(page.page.contains("shop.example/thanks"));
    world.end().await;
}

// Nobody finds a link without its whole token
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_found_by_its_whole_token_only() {
    let world = World::new().await;
    let (_, token) = world.linked(&link("order-1")).await;
    let (_, other) = world.linked(&link("order-2")).await;
    let crossed = format!("{}{}", &token[..14], &other[14..]);
    let longer = format!("{token}0");
    for wrong in
        [&token[..14], &token[..53], &crossed, &longer, "", "ä", "00000000000000", "%00", "..", "return"]
    {
        let page = world.page(&wrong.replace('ä', "%C3%A4")).await;
        assert!(matches!(page.status, 404 | 400), "{wrong}: {}", page.status);
        assert!(world.engine.pay_link(wrong, card(CARD_OK)).await.unwrap().is_none(), "{wrong}");
    }
    assert_eq!(world.page(&token).await.status, 200);
    // G-052: another project's merchant does not withdraw it
    let mut stranger = cancel("order-1");
    stranger["general"]["project_id"] = OTHER_PROJECT.into();
    assert_eq!(world.send(CANCEL, &stranger).await.body["code"], "3061");
    world.end().await;
}

// G-443, P-182: the platform leads the customer to the bank and back, and the merchant hears of the result only
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_authenticated_without_the_merchant() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let (_, token) = world.linked(&link("order-1")).await;
    assert_eq!(world.pay(&token, CARD_CHALLENGE).await, LinkPaid::Begun);
    world.quiet().await;
    let confirm = Posted::named(&world.page(&token).await.page, "on");
    let page = world.browse(&confirm.url, &confirm.fields).await;
    let look = Posted::named(&page, "look");
    let seen = bank.post(&look.url, &look.fields).await;
    world.browse(&seen.url, &seen.fields).await;
    let on = Posted::named(&page, "on");
    let page = world.browse(&format!("{PUBLIC_URL}{}", on.url), &on.fields).await;
    let form = Posted::named(&page, "on").as_form();
    let brought = bank.confirm(&form, "123456").await;
    let page = world.browse(&brought.url, &brought.fields).await;
    let back = Posted::named(&page, "on");
    assert_eq!(back.url, format!("{PUBLIC_URL}/link/{token}/return"));
    let path = format!("/link/{token}/return");
    let forged = world.bring(&path, &[("PaRes", "forged"), ("MD", back.field("MD"))]).await;
    assert_eq!(forged.status, 303);
    world.assert_silence().await;
    let fields = [("PaRes", back.field("PaRes")), ("MD", back.field("MD"))];
    let visit = world.bring(&path, &fields).await;
    assert_eq!(
        (visit.status, visit.headers["location"].to_str().unwrap()),
        (303, &*format!("/link/{token}"))
    );
    let paid = world.callback().await;
    assert_eq!(outcome(&paid), json!(["invoice", "success", "sale", "success", "0"]));
    assert_eq!(paid["operation"]["eci"], "05");
    assert_eq!(world.bring(&path, &fields).await.status, 303);
    world.assert_silence().await;
    world.end().await;
}
