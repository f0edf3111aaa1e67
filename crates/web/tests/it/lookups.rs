//! `/v2/info/…`: which methods a project can use, and the banks its customers choose from.

use crate::support::{PROJECT, Reply, SECRET, World, provider::purchase};
use ferropay_domain::{card::DeviceWallet, method::MethodRef};
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place, Tolerance},
};
use serde_json::{Value, json};

const METHODS: &str = "/v2/info/available-methods";
const BANKS: &str = "/v2/info/banks";

/// What is said of each method; the reply is signed at its root.
async fn available(world: &World, direction: &str, asked: Option<&[&str]>) -> Vec<(String, bool)> {
    let mut body = json!({ "general": { "project_id": PROJECT } });
    if let Some(codes) = asked {
        body["payment_method_list"] = codes.iter().map(|code| json!({ "payment_method": code })).collect();
    }
    let reply = world.send(&format!("{METHODS}/{direction}/list"), &body).await;
    assert_eq!((reply.status, &reply.body["project_id"]), (200, &json!(PROJECT)), "{}", reply.text);
    let document = Document::parse(reply.text.as_bytes(), Limits::INCOMING).unwrap();
    let secrets = [signature::Secret::new(SECRET)];
    signature::verify(&document, Place::Root, &secrets, Tolerance::NONE).unwrap();
    let items = reply.body["available_methods"].as_array().unwrap();
    let item = |item: &Value| {
        (item["payment_method"].as_str().unwrap().to_owned(), item["is_available"].as_bool().unwrap())
    };
    items.iter().map(item).collect()
}

/// Those of the methods that can be used.
fn usable(methods: &[(String, bool)]) -> Vec<&str> {
    methods.iter().filter(|(_, available)| *available).map(|(code, _)| code.as_str()).collect()
}

async fn banks(world: &World, steps: &str, body: Value) -> Reply {
    world.send(&format!("{BANKS}/{steps}"), &body).await
}

fn ids(reply: &Reply) -> Vec<u64> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body.as_array().unwrap().iter().map(|bank| bank["id"].as_u64().unwrap()).collect()
}

/// The request of a list for a method and a kind of operation.
fn about(currency: &str) -> Value {
    json!({
        "general": { "project_id": PROJECT, "payment_id": "order-1" },
        "customer": { "ip_address": "198.51.100.7" },
        "payment": { "amount": 1_000, "currency": currency },
    })
}

fn own_banks(code: &str) -> Vec<u64> {
    MethodRef::of_code(code).unwrap().get().banks.iter().map(|bank| u64::from(bank.id)).collect()
}

fn number(code: &str) -> u32 {
    MethodRef::of_code(code).unwrap().number.unwrap()
}

// G-453, G-454, G-455, G-456, D-40, D-471
#[tokio::test(flavor = "multi_thread")]
async fn each_method_is_said_to_be_usable_while_it_is() {
    let (world, _provider) = World::with_provider(|project| {
        project.settings.methods_off = vec!["wallet/alipay".to_owned()];
    })
    .await;
    let asked = ["card", "blik", "wallet/alipay", "etoken", "wallet/nobody", "banks/hk"];
    let found = available(&world, "payin", Some(&asked)).await;
    let codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, asked, "each is answered, in the order it was asked");
    assert_eq!(usable(&found), ["card", "blik"]);
    let found = available(&world, "payout", Some(&asked)).await;
    assert_eq!(usable(&found), ["card", "banks/hk"]);

    let all = available(&world, "payin", None).await;
    assert!(all.len() > 70 && usable(&all).contains(&"pix") && !usable(&all).contains(&"wallet/alipay"));
    world.keep_wallet_keys(DeviceWallet::GooglePay, b"{}").await;
    assert_eq!(usable(&available(&world, "payin", Some(&["google-pay"])).await), ["google-pay"]);
    assert!(usable(&available(&world, "payout", Some(&["google-pay"])).await).is_empty());

    // Nobody takes methods any longer: none is integrated, and the ways of paying by card remain.
    world.reconfigure(|project| project.settings.method_accounts.clear()).await;
    let rest = available(&world, "payin", None).await;
    let codes: Vec<&str> = rest.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["card", "card-token", "etoken", "google-pay"]);
    assert!(available(&world, "payin", Some(&[])).await.is_empty(), "nothing is asked about");
    world.reconfigure(|project| project.active = false).await;
    assert!(usable(&available(&world, "payin", None).await).is_empty());
    world.end().await;
}

// G-045, G-455: the address knows two directions, and errors come as a list
#[tokio::test(flavor = "multi_thread")]
async fn a_direction_that_there_is_not_is_refused() {
    let world = World::new().await;
    let body = json!({ "general": { "project_id": PROJECT } });
    for direction in ["sale", "PAYIN", "payin%20"] {
        let reply = world.send(&format!("{METHODS}/{direction}/list"), &body).await;
        let problem = &reply.body["errors"][0];
        assert_eq!((reply.status, &problem["code"]), (400, &json!(502)), "{}", reply.text);
    }
    world.end().await;
}

// G-068, G-457, G-458, D-41
#[tokio::test(flavor = "multi_thread")]
async fn banks_are_listed_by_each_of_the_six_paths() {
    let (world, _provider) = World::with_provider(|_| {}).await;
    let thai = own_banks("banks/thailand");
    let root = |member: &str, value: Value| json!({ "project_id": PROJECT, member: value });

    let found = banks(&world, "bycountry", root("country", json!("THA"))).await;
    assert_eq!(ids(&found), thai);
    assert_eq!(
        found.body[0],
        json!({ "id": thai[0], "name": "Bangkok Bank", "country": "TH", "currency": "THB",
            "payment_method": "banks/thailand" })
    );
    let of_method = root("payment_method_id", number("banks/thailand").into());
    assert_eq!(ids(&banks(&world, "bypaymentmethod", of_method.clone()).await), thai);
    for (member, value, expected) in [
        ("currency", "THB", thai.clone()),
        ("currency", "EUR", Vec::new()),
        ("type", "payout", thai.clone()),
        ("type", "sale", thai.clone()),
    ] {
        let mut body = of_method.clone();
        body[member] = value.into();
        assert_eq!(ids(&banks(&world, "bypaymentmethod", body).await), expected, "{member} {value}");
    }
    let aggregator = MethodRef::of_code("banks/thailand").unwrap().aggregator.unwrap();
    let group = ids(&banks(&world, "byaggregator", root("aggregator_id", aggregator.into())).await);
    assert!(group.len() > thai.len() && thai.iter().all(|id| group.contains(id)));
    let all = ids(&banks(&world, "byprovider", root("provider_id", json!(7))).await);
    assert!(all.len() > group.len());
    let mut of_provider = root("provider_id", json!(7));
    of_provider["currency"] = "PHP".into();
    let in_pesos = ids(&banks(&world, "byprovider", of_provider).await);
    assert_eq!(in_pesos, [own_banks("atm/philippines"), own_banks("banks/philippines")].concat());

    assert_eq!(ids(&banks(&world, "banks/thailand/sale/list", about("THB")).await), thai);
    let cash = banks(&world, "atm/philippines/payout/list", about("PHP")).await;
    assert_eq!(ids(&cash), own_banks("atm/philippines"));
    assert_eq!(cash.body[0]["region_id"], 1);
    let grouped = ids(&banks(&world, "banks/payout/list", about("THB")).await);
    assert_eq!(grouped, thai, "a group of methods, and those of its banks that take the currency");

    world.reconfigure(|project| project.settings.methods_off = vec!["banks/thailand".to_owned()]).await;
    assert!(ids(&banks(&world, "bypaymentmethod", of_method).await).is_empty(), "it is switched off");
    world.end().await;
}

// G-068, G-047, G-459, G-481
#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_not_has_no_banks() {
    let (world, _provider) = World::with_provider(|_| {}).await;
    let root = |member: &str, value: Value| json!({ "project_id": PROJECT, member: value });
    let mut of_type = root("provider_id", json!(7));
    of_type["type"] = "loan".into();
    for (steps, body, code, field) in [
        ("bycountry", root("country", json!("XXX")), "2261", "country"),
        ("bycountry", root("country", json!("th")), "2610", "country"),
        ("bypaymentmethod", root("payment_method_id", json!(5)), "2541", "payment_method_id"),
        ("byprovider", of_type, "502", "type"),
        ("banks/nowhere/sale/list", about("THB"), "2541", "payment_method"),
        ("banks/thailand/refund/list", about("THB"), "502", "operationType"),
        ("nobody/sale/list", about("THB"), "2541", "payment_method"),
    ] {
        let reply = banks(&world, steps, body).await;
        let message = reply.body["message"].as_str().unwrap();
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!(code)), "{steps}: {}", reply.text);
        assert!(message.ends_with(field), "{message}");
    }
    for (steps, body) in [
        ("byaggregator", root("aggregator_id", json!(99))),
        ("byprovider", root("provider_id", json!(1))),
        ("bycountry", root("country", json!("ATA"))),
    ] {
        assert!(ids(&banks(&world, steps, body).await).is_empty(), "{steps}");
    }
    world.end().await;
}

// G-412, G-458, G-459: 3244 where a bank is needed, 2801 where it is none of the method's, 2641 in another currency or region
#[tokio::test(flavor = "multi_thread")]
async fn the_bank_a_request_names_is_one_of_the_methods() {
    let (world, _provider) = World::with_provider(|project| {
        project.settings.credit = [("PHP".to_owned(), 1_000_000), ("THB".to_owned(), 1_000_000)].into();
    })
    .await;
    let payout = |name: &str, currency: &str, account: Value| {
        let mut body = purchase(name, 1_000, currency);
        body.as_object_mut().unwrap().remove("return_url");
        body["account"] = account;
        body
    };
    let bank = own_banks("banks/thailand")[0];
    let cash = own_banks("atm/philippines")[0];
    let (thai, pesos) = ("/v2/payment/banks/thailand/payout", "/v2/payment/atm/philippines/payout");
    for (number, (path, body, code)) in [
        (thai, payout("o-0", "THB", json!({ "number": "1234567890" })), 3244),
        (thai, payout("o-1", "THB", json!({ "number": "1234567890", "bank_id": cash })), 2801),
        (thai, payout("o-2", "EUR", json!({ "number": "1234567890", "bank_id": bank })), 2641),
        (pesos, payout("o-3", "PHP", json!({ "bank_id": cash, "region_id": 77 })), 2641),
    ]
    .into_iter()
    .enumerate()
    {
        let told = world.told(path, &body).await;
        assert_eq!(told["errors"][0]["code"], code, "{number}: {told}");
        assert_eq!(told["errors"][0]["field"], "account.bank_id");
    }
    let done = payout("o-4", "PHP", json!({ "bank_id": cash, "region_id": 1 }));
    assert_eq!(world.told(pesos, &done).await["payment"]["status"], "success");
    world.end().await;
}

// G-453, G-525: what would be refused with 310 is not said to be usable
#[tokio::test(flavor = "multi_thread")]
async fn cards_are_not_usable_once_the_attestation_has_ended() {
    let world = World::with(|project| {
        project.settings.card_data_until = "2020-01-01".parse().ok();
    })
    .await;
    for direction in ["payin", "payout"] {
        let found = available(&world, direction, Some(&["card", "card-token"])).await;
        assert!(usable(&found).is_empty(), "{found:?}");
    }
    world.end().await;
}
