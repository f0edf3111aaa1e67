//! Series of stored credentials: registered by a first payment, debited on demand, asked for, changed and cancelled.

use crate::support::{
    CARD_DECLINED, CARD_MASTERCARD, OTHER_PROJECT, PROJECT, World, on_card, pick, refund, sale, verification,
};
use ferropay_domain::{
    codes::{self, Code},
    project::{SeriesRegistration, TokenMode},
};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const VERIFY: &str = "/v2/payment/card/account_verification";
pub(crate) const DEBIT: &str = "/v2/payment/card/recurring";
pub(crate) const UPDATE: &str = "/v2/payment/card/recurring/update";
pub(crate) const CANCEL: &str = "/v2/payment/card/recurring/cancel";
const INFO: &str = "/v2/payment/recurring/info";
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// A sale of 10.00 EUR that registers a series with these terms.
pub(crate) fn registering(payment_id: &str, terms: Value) -> Value {
    let mut body = sale(payment_id, 1_000, "EUR");
    body["recurring"] = terms;
    body["recurring"]["register"] = true.into();
    body
}

/// A debit of 4.00 EUR by the customer who registers series in these tests.
pub(crate) fn debit(payment_id: &str, series: i64) -> Value {
    json!({
        "general": { "project_id": PROJECT, "payment_id": payment_id },
        "customer": { "id": "reader-7", "ip_address": "198.51.100.7" },
        "payment": { "amount": 400, "currency": "EUR" },
        "recurring": { "id": series },
    })
}

/// An update, or with nothing changed the cancellation of a series.
pub(crate) fn about(payment_id: &str, series: i64, mut changes: Value) -> Value {
    changes["id"] = series.into();
    json!({ "general": { "project_id": PROJECT, "payment_id": payment_id }, "recurring": changes })
}

fn query(series: i64) -> Value {
    json!({ "general": { "project_id": PROJECT }, "recurring": { "id": series } })
}

impl World {
    /// Registers a series with these terms; answers its number.
    pub(crate) async fn registered(&self, payment_id: &str, terms: Value) -> i64 {
        let callback = self.told(SALE, &registering(payment_id, terms)).await;
        assert_eq!(callback["payment"]["status"], "success", "{callback}");
        callback["recurring"]["id"].as_i64().unwrap_or_else(|| panic!("nothing registered: {callback}"))
    }

    /// What the platform says of a series.
    pub(crate) async fn info(&self, series: i64) -> Value {
        let reply = self.send(INFO, &query(series)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body
    }
}

/// What a callback says of a request that came to nothing.
pub(crate) fn rejection(callback: &Value) -> Value {
    pick(callback, &["payment.status", "errors.0.code", "errors.0.field"])
}

pub(crate) fn error(code: Code, field: &str) -> Value {
    json!(["error", code.get(), field])
}

// G-342, G-086, G-067, G-093, G-505, G-128, G-138, G-346, G-347, G-352, G-357, G-359, G-364, G-388, G-100, G-106, R-206
#[tokio::test(flavor = "multi_thread")]
async fn each_first_payment_can_register_a_series() {
    let world = World::with(|project| {
        project.settings.account_verification_allowed = true;
        project.settings.scheme_id_in_callbacks = true;
    })
    .await;
    let mut numbers = Vec::new();
    for (path, mut body) in [
        (SALE, sale("order-1", 1_000, "EUR")),
        (AUTH, sale("order-2", 1_000, "EUR")),
        (VERIFY, verification("order-3")),
    ] {
        for (letter, name) in [("C", "c"), ("U", "u"), ("R", "r")] {
            let payment_id = format!("{name}-{}", path.replace('/', "-"));
            body["general"]["payment_id"] = payment_id.clone().into();
            body["recurring"] = json!({ "register": true, "type": letter });
            let callback = world.told(path, &body).await;
            let recurring = &callback["recurring"];
            assert_eq!(
                pick(recurring, &["currency", "valid_thru"]),
                json!(["EUR", "2028-03-31T00:00:00+0000"])
            );
            assert!(callback["scheme_id"].as_str().is_some_and(|id| !id.is_empty()), "{callback}");
            assert_eq!(world.now(&payment_id).await["recurring"], *recurring);
            let info = world.info(recurring["id"].as_i64().unwrap()).await;
            let known = pick(&info["recurring"], &["id", "type", "status", "currency", "payment_method"]);
            assert_eq!(known, json!([recurring["id"], letter, "active", "EUR", "card"]));
            assert_eq!(info["recurring"]["last_payment_at"], "0000-00-00 00:00:00", "G-388");
            numbers.push(recurring["id"].as_i64().unwrap());
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 9, "each has a number of its own");
    // The short form, and a card sale without any of it.
    let mut body = sale("short", 1_000, "EUR");
    body["recurring_register"] = true.into();
    let short = world.told(SALE, &body).await;
    assert_eq!(world.info(short["recurring"]["id"].as_i64().unwrap()).await["recurring"]["type"], "C");
    let plain = world.paid(&sale("plain", 1_000, "EUR")).await;
    assert_eq!((plain.get("recurring"), plain.get("scheme_id")), (None, None));
    world.end().await;
}

// G-353, G-354, G-355, G-358, G-359, G-060, D-32
#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_registered_by_terms_that_can_be_kept_or_not_at_all() {
    let world = World::with(|project| project.settings.account_verification_allowed = true).await;
    let refused = async |terms: Value| {
        let reply = world.send(SALE, &registering("wrong", terms)).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        json!([reply.body["code"], reply.body["message"].as_str().unwrap().rsplit(": ").next()])
    };
    let scheduled =
        || json!({ "type": "R", "period": "M", "start_date": "30-11-2026", "scheduled_payment_id": "rent" });
    for (member, value, expected) in [
        ("period", Value::Null, json!(["2004", "recurring.period"])),
        ("start_date", Value::Null, json!(["2004", "recurring.start_date"])),
        ("type", json!("U"), json!(["502", "recurring.type"])),
        ("start_date", json!("31-02-2027"), json!(["502", "recurring.start_date"])),
        ("scheduled_payment_id", json!(" rent"), json!(["502", "recurring.scheduled_payment_id"])),
    ] {
        let mut terms = scheduled();
        if value.is_null() {
            terms.as_object_mut().unwrap().remove(member);
        } else {
            terms[member] = value;
        }
        assert_eq!(refused(terms).await, expected, "{member}");
    }
    assert_eq!(refused(json!({ "type": "R", "interval": 2 })).await, json!(["2004", "recurring.period"]));
    assert_eq!(
        refused(json!({ "type": "R", "time": "10:00:00" })).await,
        json!(["2004", "recurring.period"])
    );

    let told = async |name: &str, terms: Value| rejection(&world.told(SALE, &registering(name, terms)).await);
    let mut past = scheduled();
    past["start_date"] = "20-11-2026".into();
    assert_eq!(told("a", past).await, error(codes::VALIDATION, "recurring.start_date"));
    let over = json!({ "type": "U", "expiry_year": 2026, "expiry_month": 10 });
    assert_eq!(told("b", over).await, error(codes::VALIDATION, "recurring.expiry_year"));
    let taken = error(codes::SCHEDULED_NAME_TAKEN, "recurring.scheduled_payment_id");
    assert_eq!(told("RENT", scheduled()).await, taken, "names are compared without regard to case");
    let mut nothing = verification("v-1");
    nothing["recurring"] = json!({ "register": true, "type": "R", "period": "D" });
    let callback = world.told(VERIFY, &nothing).await;
    assert_eq!(rejection(&callback), error(codes::AMOUNT_REQUIRED, "recurring.amount"));

    // A payment that is declined registers nothing and gives the name back.
    let declined = world.told(SALE, &on_card(registering("order-1", scheduled()), CARD_DECLINED)).await;
    assert_eq!((&declined["payment"]["status"], declined.get("recurring")), (&json!("decline"), None));
    let body = registering("order-2", scheduled());
    let first = world.told(SALE, &body).await;
    assert!(first["recurring"]["id"].is_i64(), "{first}");
    let again = world.send(SALE, &body).await;
    assert_eq!(
        again.body["request_id"], first["operation"]["request_id"],
        "the same request is the first one"
    );
    assert_eq!(told("order-3", scheduled()).await, taken);
    assert_eq!(told("order-4", scheduled()).await, taken);
    let by_name = world.send(SALE, &sale("rent", 100, "EUR")).await;
    assert_eq!(by_name.body["code"], "3041", "the name is a payment's, before there is one");
    for (terms, thru) in [
        (json!({ "type": "U", "expiry_year": 2027 }), "2027-03-31"),
        (json!({ "type": "U", "expiry_year": 2027, "expiry_month": 2, "expiry_day": 31 }), "2027-02-28"),
    ] {
        let series = world.registered(thru, terms).await;
        assert_eq!(world.info(series).await["recurring"]["valid_thru"], format!("{thru} 00:00:00"));
    }
    world.end().await;
}

// G-368, G-418: a debit is no first payment of its card, whatever the project makes tokens of.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_debited_where_every_payment_makes_a_token() {
    let world = World::with(|project| project.settings.tokens = TokenMode::Automatic).await;
    let series = world.registered("first", json!({ "type": "U" })).await;
    for payment_id in ["second", "third"] {
        let callback = world.told(DEBIT, &debit(payment_id, series)).await;
        assert_eq!(pick(&callback, &["payment.status", "recurring.id"]), json!(["success", series]));
    }
    world.end().await;
}

// G-361
#[tokio::test(flavor = "multi_thread")]
async fn registration_may_be_blocked_or_passed_over() {
    let world = World::with(|project| {
        project.settings.series_registration = SeriesRegistration::Declined;
    })
    .await;
    let callback = world.told(SALE, &registering("order-1", json!({ "type": "C" }))).await;
    assert_eq!(pick(&callback, &["payment.status", "operation.code"]), json!(["decline", "10109"]));
    world.reconfigure(|project| project.settings.series_registration = SeriesRegistration::Ignored).await;
    let callback = world.told(SALE, &registering("order-2", json!({ "type": "C" }))).await;
    assert_eq!((&callback["payment"]["status"], callback.get("recurring")), (&json!("success"), None));
    world.end().await;
}

// G-095, G-368, G-373, G-374, G-375, G-377, G-139, M-026, M-027, P-161 to P-167, T-087, T-090, T-091
#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_debited_on_demand_and_the_debit_returned() {
    let world = World::with(|project| project.settings.scheme_id_in_callbacks = true).await;
    for kind in ["C", "U", "R"] {
        let series = world.registered(&format!("first-{kind}"), json!({ "type": kind })).await;
        let payment_id = format!("taxi-{kind}");
        let callback = world.told(DEBIT, &debit(&payment_id, series)).await;
        let members = [
            "payment.type",
            "payment.status",
            "payment.sum.amount",
            "operation.type",
            "operation.status",
            "operation.code",
            "recurring.id",
            "account.number",
        ];
        let expected =
            json!(["recurring", "success", 400, "recurring", "success", "0", series, "400000******0077"]);
        assert_eq!(pick(&callback, &members), expected);
        assert!(callback["scheme_id"].is_string());
        assert_eq!(callback.get("recurring_retry"), None);
        let now = world.now(&payment_id).await;
        assert_eq!(now["payment"], callback["payment"]);
        assert_eq!(now["recurring"], callback["recurring"]);
        assert_eq!(world.info(series).await["recurring"]["last_payment_at"], "2026-11-21 12:00:00");
    }
    let series = world.registered("first", json!({ "type": "U" })).await;
    let declined = world.told_with_fault(DEBIT, &debit("no-money", series), "decline=51").await;
    assert_eq!(pick(&declined, &["payment.status", "operation.status"]), json!(["decline", "decline"]));
    assert_eq!(declined["recurring"]["id"], series);
    // By number beside the object, as older integrations name it.
    let mut body = debit("older", series);
    body["recurring_id"] = body["recurring"]["id"].take();
    body.as_object_mut().unwrap().remove("recurring");
    assert_eq!(world.told(DEBIT, &body).await["payment"]["status"], "success");
    let back = world.refunded(&refund("older", None)).await;
    assert_eq!(pick(&back, &["payment.status", "payment.sum.amount"]), json!(["reversed", 0]));
    world.clock.advance(DAY);
    let part = world.refunded(&refund("taxi-C", Some((100, "EUR")))).await;
    assert_eq!(pick(&part, &["payment.status", "payment.sum.amount"]), json!(["partially refunded", 300]));
    world.clock.advance(DAY);
    let rest = world.refunded(&refund("taxi-C", None)).await;
    assert_eq!(pick(&rest, &["payment.status", "payment.sum.amount"]), json!(["refunded", 0]));
    world.end().await;
}

// G-242, G-377, D-489: an issuer that approves in part is not asked to
#[tokio::test(flavor = "multi_thread")]
async fn a_debit_is_never_approved_in_part() {
    let world = World::with(|project| project.settings.partial_approval_allowed = true).await;
    let body = on_card(registering("order-1", json!({ "type": "U" })), "5126160000356675");
    let series = world.told(SALE, &body).await["recurring"]["id"].as_i64().unwrap();
    let mut whole = debit("covered", series);
    whole["payment"]["amount"] = 12_000.into();
    assert_eq!(world.told(DEBIT, &whole).await["payment"]["sum"]["amount"], 12_000);
    let mut beyond = debit("beyond", series);
    beyond["payment"]["amount"] = 20_000.into();
    let declined = world.told(DEBIT, &beyond).await;
    assert_eq!(pick(&declined, &["payment.status", "operation.status"]), json!(["decline", "decline"]));
    assert!(!world.at_acquirer(&declined["operation"]).may_be_partial);
    world.assert_moved("EUR", 13_000, 0).await;
    world.end().await;
}

// G-405: only debits of a schedule are tried again
#[tokio::test(flavor = "multi_thread")]
async fn a_declined_debit_on_demand_is_not_tried_again() {
    let world = World::with(|project| project.settings.debit_retries_allowed = true).await;
    let series = world.registered("order-1", json!({ "type": "U" })).await;
    let declined = world.told_with_fault(DEBIT, &debit("no-money", series), "decline=51").await;
    assert_eq!(declined["payment"]["status"], "decline");
    assert_eq!(declined.get("recurring_retry"), None);
    assert_eq!(world.info(series).await.get("retry_info"), None);
    world.clock.advance(30 * DAY);
    world.assert_silence().await;
    assert_eq!(world.operations("no-money").await.as_array().unwrap().len(), 1);
    world.end().await;
}

// G-129, G-141, G-372, G-376, G-391, G-395, D-30
#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_no_series_allows_creates_nothing() {
    let world = World::new().await;
    let told = async |body: &Value| rejection(&world.told(DEBIT, body).await);
    let unknown = error(codes::SERIES_UNKNOWN, "recurring.id");
    assert_eq!(told(&debit("d-1", 1_079)).await, unknown);
    let series = world.registered("order-1", json!({ "type": "U" })).await;
    let mut stranger = debit("d-2", series);
    stranger["customer"]["id"] = "somebody".into();
    assert_eq!(told(&stranger).await, error(codes::INVALID_CUSTOMER_ID, "customer.id"));
    let mut dollars = debit("d-3", series);
    dollars["payment"]["currency"] = "USD".into();
    assert_eq!(told(&dollars).await, error(codes::CURRENCY_DISABLED, "payment.currency"));
    let mut elsewhere = debit("d-4", series);
    elsewhere["general"]["project_id"] = OTHER_PROJECT.into();
    assert_eq!(world.send(DEBIT, &elsewhere).await.status, 200);
    assert_eq!(rejection(&world.callback().await), unknown, "another project's series is nobody's");

    let canceled = world.told(CANCEL, &about("c-1", series, json!({}))).await;
    assert_eq!(canceled["recurring"]["status"], "canceled");
    let over = error(codes::SERIES_CANCELED, "recurring.id");
    assert_eq!(told(&debit("d-5", series)).await, over);
    assert_eq!(rejection(&world.told(CANCEL, &about("c-2", series, json!({}))).await), over, "G-391");
    assert_eq!(rejection(&world.told(UPDATE, &about("u-1", series, json!({ "amount": 5 }))).await), over);
    assert_eq!(rejection(&world.told(CANCEL, &about("c-3", 1, json!({}))).await), unknown);
    for id in ["d-1", "d-2", "d-3", "d-5", "c-1"] {
        assert_eq!(world.now(id).await["payment"]["status"], "error", "{id} is nobody's name");
    }
    let reply = world.send(INFO, &query(1)).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3181")));
    world.end().await;
}

// G-117, G-362, G-376, G-142, G-363, R-210, R-211, W-303, D-30
#[tokio::test(flavor = "multi_thread")]
async fn a_series_ends_with_its_term_or_with_its_card() {
    let world = World::new().await;
    let short = world
        .registered("a", json!({ "type": "U", "expiry_year": 2026, "expiry_month": 11, "expiry_day": 23 }))
        .await;
    let long = world.registered("b", json!({ "type": "U", "expiry_year": 2029 })).await;
    world.clock.set("2026-11-23T23:59:00Z");
    assert_eq!(world.told(DEBIT, &debit("d-1", short)).await["payment"]["status"], "success", "the last day");
    world.clock.advance(Duration::from_mins(2));
    let expired = world.callback().await;
    let expected = json!([short, "expired", "U", "11", "2026"]);
    let members = ["id", "status", "type", "expiry_month", "expiry_year"];
    assert_eq!(pick(&expired["recurring"], &members), expected);
    let refused = rejection(&world.told(DEBIT, &debit("d-2", short)).await);
    assert_eq!(refused, error(codes::SERIES_EXPIRED, "recurring.id"));
    world.clock.set("2028-04-01T00:00:10Z");
    let ended = world.callback().await;
    assert_eq!(pick(&ended["recurring"], &["id", "status"]), json!([long, "invalidated"]));
    let refused = rejection(&world.told(DEBIT, &debit("d-3", long)).await);
    assert_eq!(refused, error(codes::SERIES_INVALIDATED, "recurring.id"));
    world.end().await;
}

// G-073, G-363: with the project's agreement a series that was to run as long as its card is debited on
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_has_expired_may_be_debited_on_by_agreement() {
    let world = World::with(|project| project.settings.expired_cards_debited = true).await;
    let own = world.registered("a", json!({ "type": "U" })).await;
    let other = world
        .registered("b", json!({ "type": "U", "expiry_year": 2028, "expiry_month": 3, "expiry_day": 30 }))
        .await;
    world.clock.set("2028-05-01T00:00:00Z");
    assert_eq!(world.callback().await["recurring"]["id"], other, "its end is another day than the card's");
    assert_eq!(world.told(DEBIT, &debit("d-1", own)).await["payment"]["status"], "success");
    // G-073: an account that takes no expired cards
    world.reconfigure(|project| project.settings.expired_cards_refused_by = vec![project.card_account]).await;
    let refused = world.told(DEBIT, &debit("d-2", own)).await;
    let seen = pick(&refused, &["payment.status", "operation.status", "operation.code"]);
    assert_eq!(seen, json!(["decline", "decline", "3029"]));
    world.end().await;
}

// G-010, G-114, G-141, G-387, G-389, G-390, G-393, D-33, R-207, M-031
#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_it_names_and_tells_the_terms() {
    let world = World::new().await;
    let terms = json!({ "type": "R", "period": "W", "interval": 3, "time": "10:00:00", "amount": 100 });
    let series = world.registered("order-1", terms).await;
    let info = world.info(series).await;
    assert_eq!(info["project_id"], PROJECT);
    let members = ["type", "period", "period_interval", "start_time", "amount", "valid_thru", "status"];
    let known = json!(["R", "W", "3", "10:00:00", "100", "2028-03-31 00:00:00", "active"]);
    assert_eq!(pick(&info["recurring"], &members), known);
    let changes = json!({ "interval": 2, "period": "M", "time": "12:00:00", "amount": 250 });
    let callback = world.told(UPDATE, &about("u-1", series, changes)).await;
    let expected = json!({
        "id": series, "currency": "EUR", "status": "active", "type": "R", "expiry_month": "3",
        "expiry_year": "2028", "period": "M", "period_interval": 2, "time": "12:00:00",
    });
    assert_eq!(callback["recurring"], expected);
    assert_eq!(callback["project_id"], PROJECT);
    assert_eq!(callback.as_object().unwrap().len(), 3, "nothing but project, series and signature");
    assert_eq!(world.info(series).await["recurring"]["amount"], "250");
    let callback = world.told(UPDATE, &about("u-2", series, json!({ "expiry_month": 1 }))).await;
    assert_eq!(pick(&callback["recurring"], &["expiry_month", "expiry_year"]), json!(["1", "2028"]));
    let one_click = world.registered("order-2", json!({ "type": "C" })).await;
    let wrong = world.told(UPDATE, &about("u-3", one_click, json!({ "period": "D" }))).await;
    assert_eq!(rejection(&wrong), error(codes::VALIDATION, "recurring.period"));
    let callback = world.told(UPDATE, &about("u-4", one_click, json!({ "expiry_year": 2027 }))).await;
    assert_eq!(pick(&callback["recurring"], &["type", "expiry_year", "period"]), json!(["C", "2027", null]));
    let early = world.told(UPDATE, &about("u-5", one_click, json!({ "expiry_year": 2025 }))).await;
    assert_eq!(rejection(&early), error(codes::VALIDATION, "recurring.expiry_year"));
    world.end().await;
}

// DESIGN: one open debit for each series; G-055: an equal request is the first one
#[tokio::test(flavor = "multi_thread")]
async fn of_debits_at_the_same_time_one_is_made() {
    let world = World::new().await;
    let series = world.registered("order-1", json!({ "type": "U" })).await;
    let bodies: Vec<Value> = (0..8).map(|number| debit(&format!("d-{number}"), series)).collect();
    for body in &bodies {
        let reply = world.send_with_fault(DEBIT, body, "delay=150").await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let mut outcomes = Vec::new();
    for _ in &bodies {
        outcomes.push(world.callback().await["payment"]["status"].as_str().unwrap().to_owned());
    }
    let made = outcomes.iter().filter(|status| *status == "success").count();
    assert_eq!((made, outcomes.len() - made), (1, outcomes.iter().filter(|it| *it == "error").count()));
    let reply = world.send(DEBIT, &bodies[0]).await;
    assert_eq!(reply.status, 200);
    world.assert_silence().await;
    world.end().await;
}

// G-290: the series of another network is as good
#[tokio::test(flavor = "multi_thread")]
async fn a_mastercard_is_debited_like_any_other() {
    let world = World::new().await;
    let body = on_card(registering("order-1", json!({ "type": "U" })), CARD_MASTERCARD);
    let series = world.told(SALE, &body).await["recurring"]["id"].as_i64().unwrap();
    let callback = world.told(DEBIT, &debit("d-1", series)).await;
    assert_eq!(pick(&callback, &["payment.status", "account.type"]), json!(["success", "mastercard"]));
    world.end().await;
}
