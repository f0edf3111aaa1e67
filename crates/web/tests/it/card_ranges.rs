//! What is known of cards by their numbers: shown of saved cards and tokens, and looked at by rules.

use crate::support::{
    CARD_DECLINED, CARD_MASTERCARD, CARD_OK, World, about_customer, on_card, payout, pick, sale, tokenize,
};
use ferropay_domain::{
    card::{CardRange, Country, Region},
    ids::ProviderAccountId,
    project::{Environment, TransferRules},
};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const PAYOUT: &str = "/v2/payment/card/payout";
/// Takes credits.
const CREDITED: &str = "4242424242424242";

/// Gives the platform a table of rows with the columns `first`, `country`, `product`, `issuer`, `named` and `transfers`.
async fn know(world: &World, rows: &[[&str; 6]]) {
    let columns = ["first", "country", "product", "issuer", "named", "transfers"];
    let read = |cells: &[&str; 6]| {
        let place = |column: &str| columns.iter().position(|it| *it == column);
        CardRange::read(|column| place(column).map_or("", |at| cells[at])).unwrap()
    };
    world.store.set_card_ranges(Some(rows.iter().map(read).collect())).await.unwrap();
    world.engine.refresh_card_ranges().await.unwrap();
}

async fn outcome(world: &World, path: &str, body: &Value) -> Value {
    pick(&world.told(path, body).await, &["payment.status", "operation.code"])
}

// G-408: product and bank, by the table in force when the card was used last
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_card_is_listed_with_its_product_and_its_bank() {
    let world = World::with(|project| project.settings.saved_cards = true).await;
    let saving = |payment_id: &str| {
        let mut body = on_card(sale(payment_id, 1_370, "EUR"), CARD_MASTERCARD);
        body["card"]["save"] = true.into();
        body
    };
    let listed = async || {
        let reply = world.answered("/v2/customer/saved_account/list", &about_customer("reader-7")).await;
        reply["accounts"][0]["additional"]["card"].clone()
    };
    world.paid(&saving("built-in")).await;
    assert_eq!(
        listed().await,
        json!({
            "expiry": "03/28", "holder": "Ada Byron", "type": "mastercard", "country": "CA",
            "product_name": "WORLD ELITE", "bank_name": "EXAMPLE BANK OF CANADA",
        })
    );
    know(&world, &[["525200", "FR", "GOLD", "Banque", "", ""]]).await;
    world.paid(&saving("imported")).await;
    let about = listed().await;
    assert_eq!(pick(&about, &["country", "product_name", "bank_name"]), json!(["FR", "GOLD", "Banque"]));
    world.store.set_card_ranges(None).await.unwrap();
    world.engine.refresh_card_ranges().await.unwrap();
    world.paid(&saving("built-in-again")).await;
    assert_eq!(listed().await["product_name"], "WORLD ELITE");
    world.end().await;
}

// G-115
#[tokio::test(flavor = "multi_thread")]
async fn a_tokens_callback_names_the_issuer_of_its_card() {
    let world = World::new().await;
    world.accept("/v2/customer/card/tokenize", &tokenize("reader-7", CARD_MASTERCARD)).await;
    let callback = world.token_callback().await;
    assert_eq!(pick(&callback["card"], &["country", "issuer_name"]), json!(["CA", "EXAMPLE BANK OF CANADA"]));
    world.end().await;
}

// G-315, G-325: 3103 where nobody can say who is paid, 3341 where the issuer takes no credits
#[tokio::test(flavor = "multi_thread")]
async fn payouts_go_to_cards_with_a_name_that_take_credits() {
    let world = World::with(|project| project.settings.payout_data_required = false).await;
    let to = async |payment_id: &str| outcome(&world, PAYOUT, &payout(payment_id, CREDITED, 500)).await;
    assert_eq!(to("unknown").await, json!(["success", "0"]));
    know(&world, &[["424242", "US", "", "", "no", ""]]).await;
    assert_eq!(to("nameless").await, json!(["decline", "3103"]));
    know(&world, &[["424242", "US", "", "", "yes", "send"]]).await;
    assert_eq!(to("sends-only").await, json!(["decline", "3341"]));
    know(&world, &[["424242", "US", "", "", "yes", "both"]]).await;
    assert_eq!(to("takes-credits").await, json!(["success", "0"]));
    let mut placeholder = payout("placeholder", CREDITED, 500);
    placeholder["card"]["card_holder"] = "CARDHOLDER NAME".into();
    assert_eq!(outcome(&world, PAYOUT, &placeholder).await, json!(["decline", "3161"]));
    world.end().await;
}

// D-482: what a number of the examples is in earnest is not known
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_say_nothing_of_cards_of_production_projects() {
    let world = World::new().await;
    world.connect_account_for(Environment::Production, 2, "GATELIVE");
    world
        .reconfigure(|project| {
            project.environment = Environment::Production;
            project.card_account = ProviderAccountId::new(2);
        })
        .await;
    let country = async |card: &str| {
        world.accept("/v2/customer/card/tokenize", &tokenize("reader-7", card)).await;
        world.token_callback().await["card"]["country"].clone()
    };
    assert_eq!(country(CARD_MASTERCARD).await, Value::Null);
    know(&world, &[["400000", "FR", "", "", "", ""]]).await;
    assert_eq!(country(CARD_OK).await, "FR");
    world.end().await;
}

// G-522: 1412 and 1461
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_held_to_the_customers_country_and_to_products() {
    let world = World::with(|project| {
        project.settings.risk_screening.country_is_customers = true;
        project.settings.risk_screening.forbidden_products = vec!["GIFT".to_owned()];
    })
    .await;
    let mut abroad = sale("abroad", 1_000, "EUR");
    abroad["customer"]["country"] = "GB".into();
    assert_eq!(outcome(&world, SALE, &abroad).await, json!(["decline", "1412"]));
    let mut billed_abroad = sale("billed-abroad", 1_000, "EUR");
    billed_abroad["customer"]["billing"] = json!({ "country": "GB" });
    assert_eq!(outcome(&world, SALE, &billed_abroad).await, json!(["decline", "1412"]));
    let mut at_home = sale("at-home", 1_000, "EUR");
    at_home["customer"]["country"] = "US".into();
    assert_eq!(outcome(&world, SALE, &at_home).await, json!(["success", "0"]));
    know(&world, &[["400000", "US", "Gift", "", "", ""]]).await;
    assert_eq!(outcome(&world, SALE, &sale("gift", 1_000, "EUR")).await, json!(["decline", "1461"]));
    world.end().await;
}

// G-493: 3400, 3411, 3472 and 3480
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_made_between_cards_of_agreed_kinds_and_places_only() {
    let world = World::with(|project| project.settings.card_transfers_allowed = true).await;
    let by = async |payment_id: &str, card: &str, rules: TransferRules| {
        world.reconfigure(|project| project.settings.transfer_rules = rules).await;
        let mut body = on_card(sale(payment_id, 1_000, "EUR"), card);
        body["recipient"] = json!({ "pan": CREDITED, "card_holder": "Fran Petrarca",
            "country": "US", "day_of_birth": "20-07-1990" });
        for (name, value) in
            [("country", "US"), ("address", "10 High Street"), ("city", "Boston"), ("state", "MA")]
        {
            body["customer"][name] = value.into();
        }
        outcome(&world, SALE, &body).await
    };
    let any = TransferRules::default();
    assert_eq!(by("any", CARD_OK, any.clone()).await, json!(["success", "0"]));
    let private = TransferRules { no_commercial_senders: true, ..any.clone() };
    assert_eq!(by("private", CARD_OK, private.clone()).await, json!(["success", "0"]));
    assert_eq!(by("commercial", CARD_DECLINED, private).await, json!(["decline", "3400"]));
    for (region, code) in [(Region::Europe, "3411"), (Region::Eea, "3480")] {
        let rules = TransferRules { sender_region: Some(region), ..any.clone() };
        assert_eq!(by(code, CARD_OK, rules).await, json!(["decline", code]));
    }
    for (country, expected) in [("US", json!(["success", "0"])), ("FR", json!(["decline", "3472"]))] {
        let recipient_countries = vec![Country::parse(country).unwrap()];
        assert_eq!(
            by(country, CARD_OK, TransferRules { recipient_countries, ..any.clone() }).await,
            expected
        );
    }
    world.end().await;
}
