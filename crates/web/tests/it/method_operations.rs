//! Everything else payment methods can do: refunds, payouts, purchases in two steps, and each path of each method.

use crate::support::{
    PROJECT, World, capture, pick,
    provider::{Provider, purchase},
    refund,
};
use ferropay_domain::{
    method::{Family, MethodRef},
    money::Currency,
    payment::OperationKind,
};
use serde_json::{Value, json};
use std::time::Duration;

const MINUTES: Duration = Duration::from_mins(3);

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.type", "operation.status", "operation.code"])
}

/// A request that a method's path takes: everything any of them demands.
fn body(payment_id: &str, amount: i64, currency: &str) -> Value {
    let mut body = purchase(payment_id, amount, currency);
    body["customer"]["country"] = "BR".into();
    body["account"] = json!({ "number": "ada@wallet.example" });
    body
}

/// The same for paying somebody; of a method's banks the first is named.
fn payout(steps: &str, payment_id: &str, amount: i64, currency: &str) -> Value {
    let mut body = body(payment_id, amount, currency);
    body.as_object_mut().unwrap().remove("return_url");
    let bank = MethodRef::of_path(steps).and_then(|method| method.get().banks.first());
    let (bank_id, region) = bank.map_or((3, None), |bank| (bank.id, bank.region));
    body["account"] = if steps.starts_with("atm/") {
        json!({ "bank_id": bank_id, "region_id": region })
    } else {
        json!({ "number": "DE0123456789", "bank_id": bank_id })
    };
    body
}

/// The customer decides, wherever the payment asked them to.
async fn act(provider: &Provider, asked: &Value, button: &str) {
    let shown = asked["display_data"].as_array().into_iter().flatten();
    let code = shown.clone().find(|item| item["type"] == "qr_data").map(|item| &item["data"]);
    let url = code.unwrap_or(&asked["redirect_data"]["url"]).as_str().unwrap();
    provider.press(url, button).await;
}

/// A purchase that was paid.
async fn paid(world: &World, provider: &Provider, path: &str, body: &Value) -> Value {
    let asked = world.told(path, body).await;
    act(provider, &asked, "approve").await;
    let callback = world.callback().await;
    assert_eq!(callback["payment"]["status"], "success", "{callback}");
    callback
}

// G-150, G-470, G-479, G-483, G-487, G-484, G-471: every method that can be bought with, in the way of its family
#[tokio::test(flavor = "multi_thread")]
async fn every_method_sells_in_the_way_of_its_family() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let mut sold = 0;
    for method in MethodRef::all().filter(|method| method.family != Family::Contract) {
        if method.demands(OperationKind::Sale).is_none() {
            continue;
        }
        let steps = method.get().paths().next().unwrap();
        let currency = method.currencies.first().map_or("EUR", |currency| currency.code());
        let asked =
            world.told(&format!("/v2/payment/{steps}/sale"), &body(&method.code, 1_200, currency)).await;
        let waits = match method.family {
            Family::Redirect => "awaiting redirect result",
            _ => "awaiting customer action",
        };
        assert_eq!(asked["payment"]["status"], waits, "{steps}: {asked}");
        assert_eq!(asked["payment"]["method"], method.get().callback_name());
        act(&provider, &asked, "approve").await;
        let done = world.callback().await;
        assert_eq!(outcome(&done), json!(["success", "sale", "success", "0"]), "{steps}");
        sold += 1;
    }
    assert!(sold >= 60, "{sold}");
    world.end().await;
}

// G-311, G-310, G-479, G-480, G-483, G-484, G-487, D-504: every method that pays out
#[tokio::test(flavor = "multi_thread")]
async fn every_method_pays_out_that_can() {
    let (world, provider) = World::with_provider(|project| {
        let currencies = MethodRef::all().flat_map(|method| method.get().banks.iter().map(|it| it.currency));
        project.settings.credit = currencies.map(|it| (it.code().to_owned(), 100_000)).collect();
    })
    .await;
    let (mut paid, mut in_others) = (0, 0);
    for method in MethodRef::all().filter(|method| method.demands(OperationKind::Payout).is_some()) {
        let steps = method.get().paths().last().unwrap();
        let of_bank = method.get().banks.first().map(|bank| bank.currency.code());
        let own = method.currencies.first().map(Currency::code);
        let currency = of_bank.or(own).unwrap_or("EUR");
        if currency != "EUR" && of_bank.is_none() {
            continue;
        }
        let path = format!("/v2/payment/{steps}/payout");
        let done = world.told(&path, &payout(steps, &method.code, 1_000, currency)).await;
        assert_eq!(outcome(&done), json!(["success", "payout", "success", "0"]), "{steps}: {done}");
        *if currency == "EUR" { &mut paid } else { &mut in_others } += 1_000;
    }
    assert!(paid >= 10_000 && in_others >= 6_000, "{paid} {in_others}");
    let told = &provider.transactions().await[0]["data"];
    assert!(told["account.number"].is_string() && told["customer.id"] == "reader-7", "{told}");
    world.assert_gained(-paid).await;
    world.end().await;
}

// G-451: what a customer was shown elsewhere, and chose, is handed on to the provider
#[tokio::test(flavor = "multi_thread")]
async fn the_customers_choice_of_a_currency_made_elsewhere_reaches_the_provider() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let mut body = payout("skrill", "skrill", 1_000, "EUR");
    body["payment"]["customer_amount"] = 51_941.into();
    body["payment"]["local_conversion_currency"] = "PHP".into();
    let done = world.told("/v2/payment/skrill/payout", &body).await;
    assert_eq!(outcome(&done), json!(["success", "payout", "success", "0"]), "{done}");
    let told = &provider.transactions().await[0]["data"];
    assert_eq!(told["payment.customer_amount"], "51941", "{told}");
    assert_eq!(told["payment.local_conversion_currency"], "PHP", "{told}");
    world.assert_gained(-1_000).await;
    world.end().await;
}

// G-471, G-473, G-480, G-484: what each path demands beyond the common minimum
#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_is_asked_without_a_mandatory_member_refuses_with_2004() {
    const SALE: &[&str] =
        &["general.payment_id", "customer.ip_address", "payment.amount", "payment.currency"];
    let (world, _) = World::with_provider(|_| {}).await;
    let mut asked = 0;
    for (path, more) in [
        ("blik/sale", &[][..]),
        ("pix/sale", &[]),
        ("bancontact/sale", &[]),
        ("cup/union/sale", &["return_url.success"]),
        ("bnpl/humm/sale", &["customer.id"]),
        ("wallet/alipay/sale", &[]),
        ("wallet/alipay/auth", &["return_url"]),
        ("skrill/sale", &["return_url"]),
        ("skrill/payout", &["customer.id", "account.number"]),
    ] {
        for member in SALE.iter().chain(more) {
            let (holder, name) = member.split_once('.').unwrap_or(("", member));
            let mut body = body("order-1", 1_200, "EUR");
            let place = if holder.is_empty() { &mut body } else { &mut body[holder] };
            place.as_object_mut().unwrap().remove(name).unwrap_or_else(|| panic!("{member} is not there"));
            let reply = world.send(&format!("/v2/payment/{path}"), &body).await;
            let expected = json!({
                "status": "error", "code": "2004", "message": format!("Required field not provided: {member}"),
            });
            assert_eq!((reply.status, &reply.body), (400, &expected), "{path}");
            asked += 1;
        }
    }
    assert_eq!(asked, 9 * 4 + 6);
    world.assert_silence().await;
    world.end().await;
}

// G-159, G-271, G-470, G-478, G-479, G-483, D-505: every method that returns money, by its own path
#[tokio::test(flavor = "multi_thread")]
async fn every_method_refunds_that_can() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let mut returned = 0;
    for method in MethodRef::all().filter(|method| method.family != Family::Contract) {
        if method.demands(OperationKind::Refund).is_none() || !method.takes(euros()) {
            continue;
        }
        let (first, last) = (method.get().paths().next().unwrap(), method.get().paths().last().unwrap());
        let bought = body(&method.code, 1_200, "EUR");
        paid(&world, &provider, &format!("/v2/payment/{first}/sale"), &bought).await;
        let mut asked = refund(&method.code, None);
        asked["customer"] = json!({ "id": "reader-7", "ip_address": "198.51.100.7" });
        if last == "skrill" {
            asked["payment"] = json!({ "amount": 1_200, "currency": "EUR" });
            asked["account"] = json!({ "number": "ada@wallet.example" });
        }
        let told = world.told(&format!("/v2/payment/{last}/refund"), &asked).await;
        assert_eq!(outcome(&told), json!(["refunded", "refund", "success", "0"]), "{last}");
        returned += 1;
    }
    assert!(returned >= 40, "{returned}");
    world.assert_gained(0).await;
    world.end().await;
}

fn euros() -> Currency {
    Currency::parse("EUR").unwrap()
}

// D-504, G-310, G-327, T-103, T-110, T-111, M-033, M-034
#[tokio::test(flavor = "multi_thread")]
async fn words_in_the_description_decide_about_a_payout() {
    const PATH: &str = "/v2/payment/skrill/payout";
    let (world, provider) = World::with_provider(|_| {}).await;
    for (word, code) in [("[decline]", "20000"), ("[insufficient]", "20504")] {
        let mut body = payout("skrill", word, 1_000, "EUR");
        body["payment"]["description"] = format!("Wages {word}").into();
        let declined = world.told(PATH, &body).await;
        assert_eq!(outcome(&declined), json!(["decline", "payout", "decline", code]));
        assert_eq!(world.balance("EUR").await.1, 0, "nothing stays held");
    }
    let mut body = payout("skrill", "order-3", 1_000, "EUR");
    body["payment"]["description"] = "Wages [pending]".into();
    world.accept(PATH, &body).await;
    world.assert_silence().await;
    world.clock.advance(Duration::from_hours(12));
    world.assert_silence().await;
    assert_eq!(world.now("order-3").await["payment"]["status"], "processing");
    assert_eq!(world.balance("EUR").await.1, 1_000, "held as long as it takes");
    world.clock.advance(Duration::from_hours(13));
    assert_eq!(outcome(&world.callback().await), json!(["decline", "payout", "decline", "20602"]));
    let mut lost = payout("skrill", "order-4", 1_000, "EUR");
    lost["payment"]["description"] = "Wages".into();
    world.send_with_fault(PATH, &lost, "lost*3 silent").await;
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(outcome(&world.callback().await), json!(["success", "payout", "success", "0"]));
    assert_eq!(provider.transactions().await[0]["approvals"], 1);
    world.assert_gained(-1_000).await;
    world.end().await;
}

// G-272, G-288, G-292, G-271, G-273, G-274, G-275, D-505, G-289, M-019, M-020:
// whole and part, by the method's path and by the general one
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_refunded_by_its_methods_path_or_by_the_general_one() {
    const ALIPAY: &str = "/v2/payment/wallet/alipay";
    let (world, provider) = World::with_provider(|_| {}).await;
    paid(&world, &provider, &format!("{ALIPAY}/sale"), &body("order-1", 1_000, "EUR")).await;
    let mut part = refund("order-1", Some((400, "EUR")));
    part["customer"] = json!({ "ip_address": "198.51.100.7" });
    let returned = world.told(&format!("{ALIPAY}/refund"), &part).await;
    assert_eq!(outcome(&returned), json!(["partially refunded", "refund", "success", "0"]));
    assert_eq!(
        (&returned["payment"]["method"], &returned["payment"]["sum"]["amount"]),
        (&json!("alipay"), &json!(600))
    );
    world.clock.advance(MINUTES);
    let mut refused = refund("order-1", None);
    refused["payment"]["description"] = "[decline]".into();
    let refused = world.told("/v2/payment/refund", &refused).await;
    assert_eq!(outcome(&refused), json!(["partially refunded", "refund", "decline", "20000"]));
    world.clock.advance(MINUTES);
    let rest = world.told("/v2/payment/refund", &refund("order-1", None)).await;
    assert_eq!(outcome(&rest), json!(["refunded", "refund", "success", "0"]));

    let mut skrill = body("order-2", 1_000, "EUR");
    paid(&world, &provider, "/v2/payment/skrill/sale", &skrill).await;
    skrill["payment"].as_object_mut().unwrap().remove("description");
    skrill.as_object_mut().unwrap().remove("return_url");
    let returned = world.told("/v2/payment/skrill/refund", &skrill).await;
    assert_eq!(outcome(&returned), json!(["refunded", "refund", "success", "0"]));

    // A method's path is for its own purchases, and a reason is demanded.
    paid(&world, &provider, "/v2/payment/blik/sale", &body("order-3", 1_000, "EUR")).await;
    for path in [&format!("{ALIPAY}/refund"), "/v2/payment/card/refund"] {
        let mut foreign = refund("order-3", None);
        foreign["customer"] = json!({ "ip_address": "198.51.100.7" });
        let reply = world.send(path, &foreign).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3061")), "{path}");
    }
    let silent = json!({ "general": { "project_id": PROJECT, "payment_id": "order-3" } });
    let reply = world.send("/v2/payment/blik/refund", &silent).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2004")));
    // D-505
    paid(&world, &provider, "/v2/payment/wallet/doku/sale", &body("order-4", 1_000, "EUR")).await;
    let unsupported = world.told("/v2/payment/refund", &refund("order-4", None)).await;
    assert_eq!(outcome(&unsupported), json!(["success", "refund", "decline", "20706"]));
    world.assert_gained(2_000).await;
    world.end().await;
}

// G-168, G-179, G-479, G-480, G-482, D-11, M-005, M-010, M-012
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_pays_in_two_steps() {
    const WALLET: &str = "/v2/payment/wallet/alipay";
    let (world, provider) = World::with_provider(|_| {}).await;
    let hold = async |payment_id: &str| {
        let asked = world.told(&format!("{WALLET}/auth"), &body(payment_id, 1_000, "EUR")).await;
        act(&provider, &asked, "approve").await;
        let held = world.callback().await;
        assert_eq!(outcome(&held), json!(["awaiting capture", "auth", "success", "0"]));
    };
    hold("order-1").await;
    let captured = world.told(&format!("{WALLET}/capture"), &capture("order-1", Some((700, "EUR")))).await;
    assert_eq!(outcome(&captured), json!(["success", "capture", "success", "0"]));
    assert_eq!(captured["payment"]["sum"]["amount"], 700);
    let returned = world.told("/v2/payment/refund", &refund("order-1", None)).await;
    assert_eq!(outcome(&returned), json!(["refunded", "refund", "success", "0"]));
    hold("order-2").await;
    let released = world.told(&format!("{WALLET}/cancel"), &capture("order-2", None)).await;
    assert_eq!(outcome(&released), json!(["canceled", "cancel", "success", "0"]));
    hold("order-3").await;
    let by_card = world.send("/v2/payment/card/capture", &capture("order-3", None)).await;
    assert_eq!(by_card.body["code"], "3061", "not by the path of cards");
    // Half an hour before the method lets it go.
    world.clock.advance(Duration::from_hours(7 * 24) - Duration::from_mins(30));
    let ended = world.callback().await;
    assert_eq!(outcome(&ended), json!(["canceled", "cancel", "success", "0"]));
    world.assert_gained(0).await;
    world.end().await;
}

// G-159: What a method does not have is told by callback, as what a project does not.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_a_method_does_not_have_is_refused() {
    let (world, _provider) = World::with_provider(|_| {}).await;
    for (path, body) in [
        ("/v2/payment/wallet/alipay/payout", payout("wallet/alipay", "order-1", 100, "EUR")),
        ("/v2/payment/banks/hk/sale", body("order-2", 100, "EUR")),
    ] {
        let told = world.told(path, &body).await;
        assert_eq!(
            (&told["payment"]["status"], &told["errors"][0]["code"]),
            (&json!("error"), &json!(310)),
            "{path}"
        );
    }
    world.end().await;
}

// G-047
// G-063, G-064, G-079, G-321: what the contract leaves open for a method may be demanded by the project or the method
#[tokio::test(flavor = "multi_thread")]
async fn what_methods_leave_open_is_decided_by_project_and_method() {
    let (world, _provider) = World::with_provider(|project| {
        project.settings.customer_id_required = true;
        project.settings.payout_data_required = true;
    })
    .await;
    let error = |code: u32, field: &str| json!(["error", code, field]);
    let told = async |path: &str, body: &Value| {
        pick(&world.told(path, body).await, &["payment.status", "errors.0.code", "errors.0.field"])
    };
    let mut nameless = body("order-1", 1_000, "EUR");
    nameless["customer"].as_object_mut().unwrap().remove("id");
    assert_eq!(told("/v2/payment/wallet/alipay/sale", &nameless).await, error(2154, "customer.id"));
    // Nothing is an amount there by contract, and no purchase.
    let nothing = body("order-2", 0, "THB");
    let path = "/v2/payment/banks/thailand/sale";
    let mut of_bank = nothing.clone();
    of_bank["account"]["bank_id"] = MethodRef::of_path("banks/thailand").unwrap().get().banks[0].id.into();
    assert_eq!(told(path, &of_bank).await, error(3358, "payment.amount"));
    assert_eq!(world.send("/v2/payment/wallet/alipay/sale", &nothing).await.body["code"], "502");
    let mut without = body("order-3", 1_000, "EUR");
    without["return_url"] = json!({ "decline": "https://shop.example/failed" });
    let reply = world.send("/v2/payment/cup/union/sale", &without).await;
    let message = "Required field not provided: return_url.success";
    assert_eq!((reply.status, &reply.body["message"]), (400, &json!(message)), "{}", reply.text);
    // Nothing on sender and recipient is asked for where no card is paid to.
    let paid = world.told("/v2/payment/skrill/payout", &payout("skrill", "order-4", 100, "EUR")).await;
    assert_eq!(outcome(&paid), json!(["success", "payout", "success", "0"]));
    world.end().await;
}
