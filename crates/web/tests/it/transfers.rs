//! Transfers by Mastercard `MoneySend` and Visa Direct: a purchase is the debit, a payout the credit.

use crate::{
    device_wallets::{APPLE, Shop},
    support::{CARD_MASTERCARD, CARD_OK, World, on_card, payout, pick, refund, sale},
};
use ferropay_domain::{card::Country, codes::Code};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
/// Takes credits.
const RECIPIENT: &str = "4242424242424242";
/// Refuses them.
const REFUSED_RECIPIENT: &str = "4314220000000072";

async fn world() -> World {
    World::with(|project| project.settings.card_transfers_allowed = true).await
}

/// The debit of a transfer to a card, with all that any network wants to know.
fn transfer(payment_id: &str, card: &str) -> Value {
    let mut body = on_card(sale(payment_id, 5_000, "EUR"), card);
    body["recipient"] = json!({
        "pan": RECIPIENT, "card_holder": "Fran Petrarca", "country": "IT", "address": "Via Certado 18",
        "city": "Florence", "state_code": "FI", "day_of_birth": "20-07-1990",
    });
    for (name, value) in [
        ("country", "GB"),
        ("address", "10 High Street"),
        ("city", "London"),
        ("state", "ENG"),
        ("account_id", "A-7"),
        ("first_name", "Ada"),
        ("last_name", "Byron"),
    ] {
        body["customer"][name] = value.into();
    }
    body
}

async fn outcome(world: &World, body: &Value) -> Value {
    pick(&world.told(SALE, body).await, &["payment.status", "operation.code"])
}

// G-488, G-489, G-490, G-269: to a wallet and to a card, alone and followed by the credit
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_names_its_recipient_is_the_debit_of_a_transfer() {
    let world = world().await;
    for (number, card) in [CARD_OK, CARD_MASTERCARD].into_iter().enumerate() {
        let debited = world.told(SALE, &transfer(&format!("to-card-{number}"), card)).await;
        assert_eq!(pick(&debited, &["payment.status", "operation.type"]), json!(["success", "sale"]));
        assert_eq!(world.at_acquirer(&debited["operation"]).transfer, Some('C'));
        let mut to_wallet = transfer(&format!("to-wallet-{number}"), card);
        to_wallet["recipient"] =
            json!({ "wallet_id": "WID20071304", "wallet_owner": "Fran Petrarca", "country": "IT" });
        let debited = world.told(SALE, &to_wallet).await;
        assert_eq!(debited["payment"]["status"], "success", "{debited}");
        assert_eq!(world.at_acquirer(&debited["operation"]).transfer, Some('W'));
        let mut credit = payout(&format!("credit-{number}"), RECIPIENT, 4_900);
        let debit = &debited["operation"]["provider"]["payment_id"];
        credit["sender"] = json!({ "funding_ips_id": debit, "day_of_birth": "10-12-1985" });
        credit["customer"]["first_name"] = "Fran".into();
        credit["customer"]["last_name"] = "Petrarca".into();
        assert_eq!(
            pick(&world.told("/v2/payment/card/payout", &credit).await, &["payment.status"]),
            json!(["success"])
        );
    }
    assert!(!world.files().contains(RECIPIENT), "the number of the recipient's card is kept nowhere");
    world.end().await;
}

// G-490, G-328: a credit that says which debit it follows is refused unless that was made, and stands
#[tokio::test(flavor = "multi_thread")]
async fn a_credit_follows_a_debit_that_was_made() {
    let world = world().await;
    let debited = world.told(SALE, &transfer("debit", CARD_OK)).await;
    let debit = &debited["operation"]["provider"]["payment_id"];
    let other = world.told(SALE, &transfer("other-debit", CARD_OK)).await;
    let other = &other["operation"]["provider"]["payment_id"];
    let credit = |payment_id: &str, named: &Value, minor: i64, currency: &str| {
        let mut body = payout(payment_id, RECIPIENT, minor);
        body["payment"]["currency"] = currency.into();
        body["sender"] = json!({ "day_of_birth": "10-12-1985" });
        if !named.is_null() {
            body["sender"]["funding_ips_id"] = named.clone();
        }
        body["customer"]["first_name"] = "Fran".into();
        body["customer"]["last_name"] = "Petrarca".into();
        body
    };
    let told = async |body: &Value| {
        let told = world.told("/v2/payment/card/payout", body).await;
        pick(&told, &["payment.status", "operation.code"])
    };
    let credited = async |payment_id: &str, named: &Value| told(&credit(payment_id, named, 500, "EUR")).await;
    assert_eq!(told(&credit("too-much", debit, 5_001, "EUR")).await, json!(["decline", "2606"]));
    assert_eq!(told(&credit("in-dollars", debit, 500, "USD")).await, json!(["decline", "2606"]));
    let mut refused = credit("refused", debit, 5_000, "EUR");
    refused["card"]["pan"] = REFUSED_RECIPIENT.into();
    assert_eq!(told(&refused).await, json!(["decline", "10000"]), "it can still be followed");
    assert_eq!(told(&credit("follows", debit, 5_000, "EUR")).await, json!(["success", "0"]));
    assert_eq!(credited("follows-too", debit).await, json!(["decline", "2606"]), "one credit for one debit");
    assert_eq!(credited("made-elsewhere", &json!("NOBODYSDEBIT")).await, json!(["success", "0"]));
    assert_eq!(credited("alone", &Value::Null).await, json!(["success", "0"]), "unless it has to");
    world.reconfigure(|project| project.settings.transfer_rules.debit_first = true).await;
    assert_eq!(credited("alone-again", &Value::Null).await, json!(["decline", "2606"]));
    assert_eq!(credited("invented", &json!("NOBODYSDEBIT")).await, json!(["decline", "2606"]));
    world
        .reconfigure(|project| {
            project.settings.transfer_rules.recipient_countries = vec![Country::parse("FR").unwrap()];
        })
        .await;
    assert_eq!(credited("elsewhere", other).await, json!(["decline", "3472"]));
    world.reconfigure(|project| project.settings.transfer_rules.debit_first = false).await;
    assert_eq!(credited("elsewhere-alone", &Value::Null).await, json!(["decline", "3472"]));
    world.reconfigure(|project| project.settings.transfer_rules.recipient_countries.clear()).await;
    let returned = world.refunded(&refund("debit", None)).await;
    assert_eq!(returned["operation"]["code"], "0", "whoever paid is not to suffer by the credit: {returned}");
    world.refunded(&refund("other-debit", None)).await;
    assert_eq!(credited("taken-back", other).await, json!(["decline", "2606"]));
    // Where no transfers are agreed, whatever stands there is kept and nothing more.
    world
        .reconfigure(|project| {
            project.settings.card_transfers_allowed = false;
            project.settings.transfer_rules.debit_first = false;
        })
        .await;
    assert_eq!(credited("no-transfers", &json!("NOBODYSDEBIT")).await, json!(["success", "0"]));
    world.end().await;
}

// G-490: whoever is quicker has the debit
#[tokio::test(flavor = "multi_thread")]
async fn of_credits_that_follow_one_debit_at_once_one_is_made() {
    let world = world().await;
    for round in 0..3 {
        let debited = world.told(SALE, &transfer(&format!("debit-{round}"), CARD_OK)).await;
        let debit = &debited["operation"]["provider"]["payment_id"];
        let credits: [Value; 4] = std::array::from_fn(|number| {
            let mut body = payout(&format!("credit-{round}-{number}"), RECIPIENT, 500);
            body["sender"] = json!({ "funding_ips_id": debit, "day_of_birth": "10-12-1985" });
            body["customer"]["first_name"] = "Fran".into();
            body["customer"]["last_name"] = "Petrarca".into();
            body
        });
        let path = "/v2/payment/card/payout";
        let [a, b, c, d] = &credits;
        tokio::join!(
            world.accept(path, a),
            world.accept(path, b),
            world.accept(path, c),
            world.accept(path, d)
        );
        let mut codes = Vec::new();
        for _ in &credits {
            codes.push(world.callback().await["operation"]["code"].as_str().unwrap().to_owned());
        }
        codes.sort();
        assert_eq!(codes, ["0", "2606", "2606", "2606"]);
    }
    world.end().await;
}

// G-269: where no transfers are agreed, a recipient is noted and nothing more is asked
#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_transfers_makes_an_ordinary_purchase_of_it() {
    let world = World::new().await;
    let mut body = sale("order-1", 5_000, "EUR");
    body["recipient"] = json!({ "pan": RECIPIENT, "card_holder": "Fran Petrarca" });
    let paid = world.paid(&body).await;
    assert_eq!(world.at_acquirer(&paid["operation"]).transfer, None);
    world.end().await;
}

// G-489: what each network wants to know, one thing after the other left out
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_lacks_data_of_its_parties_is_declined_with_3612() {
    let world = world().await;
    for (card, needed, rest) in [
        (
            CARD_OK,
            &[
                "customer.country",
                "customer.address",
                "customer.city",
                "customer.state",
                "recipient.day_of_birth",
            ][..],
            "customer.account_id",
        ),
        (
            CARD_MASTERCARD,
            &["customer.country", "customer.account_id", "recipient.day_of_birth"],
            "customer.address",
        ),
    ] {
        for path in needed.iter().copied().chain([rest]) {
            let mut body = transfer(&format!("{path}-{card}"), card);
            let (holder, name) = path.split_once('.').unwrap();
            body[holder].as_object_mut().unwrap().remove(name).unwrap();
            let expected = if path == rest { json!(["success", "0"]) } else { json!(["decline", "3612"]) };
            assert_eq!(outcome(&world, &body).await, expected, "{path}");
        }
    }
    // A Visa card in Canada is sent to with its holder's address, a wallet by Mastercard with a country.
    let mut canada = transfer("canada", CARD_OK);
    canada["recipient"]["country"] = "CA".into();
    assert_eq!(outcome(&world, &canada).await, json!(["success", "0"]));
    canada["general"]["payment_id"] = "canada-2".into();
    canada["recipient"].as_object_mut().unwrap().remove("state_code");
    assert_eq!(outcome(&world, &canada).await, json!(["decline", "3612"]));
    for (card, expected) in
        [(CARD_OK, json!(["success", "0"])), (CARD_MASTERCARD, json!(["decline", "3612"]))]
    {
        let mut wallet = transfer(&format!("wallet-{card}"), card);
        wallet["recipient"] = json!({ "wallet_id": "WID20071304", "wallet_owner": "Fran Petrarca" });
        assert_eq!(outcome(&world, &wallet).await, expected);
    }
    world.end().await;
}

// G-488, G-489: by a device's wallet the customer is named, since the token does not
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_by_a_devices_wallet_names_who_pays() {
    let shop = Shop::new().await;
    let world = &shop.world;
    world.reconfigure(|project| project.settings.card_transfers_allowed = true).await;
    for (payment_id, named, expected) in
        [("named", true, json!(["success", "0"])), ("unnamed", false, json!(["decline", "3612"]))]
    {
        let mut body = shop.body(APPLE, payment_id, 5_000);
        let wanted = transfer(payment_id, CARD_OK);
        body["recipient"] = wanted["recipient"].clone();
        body["customer"] = wanted["customer"].clone();
        if !named {
            body["customer"].as_object_mut().unwrap().remove("last_name");
        }
        let told = world.told(&format!("{APPLE}/sale"), &body).await;
        assert_eq!(pick(&told, &["payment.status", "operation.code"]), expected, "{told}");
    }
    shop.world.end().await;
}

// G-493: between which cards no transfer is made
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_made_between_two_cards_of_its_networks() {
    let world = world().await;
    for (payment_id, recipient, code) in
        [("same", CARD_OK, "3431"), ("none", "4242424242424241", "3437"), ("amex", "378282246310005", "3471")]
    {
        let mut body = transfer(payment_id, CARD_OK);
        body["recipient"]["pan"] = recipient.into();
        assert_eq!(outcome(&world, &body).await, json!(["decline", code]));
    }
    let token = world.token("reader-7", CARD_OK).await;
    for (payment_id, recipient, code) in [("named", RECIPIENT, "0"), ("same-named", CARD_OK, "3431")] {
        let mut body = transfer(payment_id, CARD_OK);
        body.as_object_mut().unwrap().remove("card");
        body["token"] = token.clone().into();
        body["cvv"] = "321".into();
        body["customer"]["id"] = "reader-7".into();
        body["recipient"]["pan"] = recipient.into();
        let told = world.told("/v2/payment/card/sale/token", &body).await;
        assert_eq!(told["operation"]["code"], code, "by its token: {told}");
    }
    assert_eq!(outcome(&world, &transfer("by-amex", "378282246310005")).await, json!(["decline", "3470"]));
    world.assert_moved("EUR", 5_000, 0).await;
    world.end().await;
}

// G-491: whole, by Visa as a reversal within a day, by Mastercard within three working days
#[tokio::test(flavor = "multi_thread")]
async fn the_debit_of_a_transfer_is_returned_whole_and_soon_or_not_at_all() {
    let world = world().await;
    let returned = async |id: &str, amount| {
        let told = world.refunded(&refund(id, amount)).await;
        pick(&told, &["payment.status", "operation.type", "operation.code"])
    };
    // Saturday noon: the operation day ends long before the 24 hours.
    for (id, card) in [("v-1", CARD_OK), ("v-2", CARD_OK), ("m-1", CARD_MASTERCARD), ("m-2", CARD_MASTERCARD)]
    {
        world.told(SALE, &transfer(id, card)).await;
    }
    for id in ["v-1", "m-1"] {
        assert_eq!(returned(id, Some((1_000, "EUR"))).await[2], "3609", "{id}");
    }
    world.clock.advance(Duration::from_hours(23));
    assert_eq!(returned("v-1", None).await, json!(["reversed", "reversal", "0"]));
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(returned("v-2", None).await[2], "3611");
    // Monday, Tuesday and Wednesday are the working days after a Saturday.
    world.clock.advance(Duration::from_hours(3 * 24));
    assert_eq!(returned("m-1", None).await, json!(["refunded", "refund", "0"]));
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(returned("m-2", None).await[2], "3610");
    world.assert_moved("EUR", 10_000, 0).await;
    world.end().await;
}

// G-326: the debit of a transfer is held to the limits of its network; an ordinary purchase is not
#[tokio::test(flavor = "multi_thread")]
async fn the_debit_of_a_transfer_keeps_to_the_limits_of_its_network() {
    let world = World::with(|project| {
        project.settings.card_transfers_allowed = true;
        project.settings.transfer_limits.codes = vec![Code::new(3409), Code::new(3410)];
    })
    .await;
    let in_dollars = |mut body: Value, minor: i64| {
        body["payment"] = json!({ "amount": minor, "currency": "USD" });
        body
    };
    let debit = |name, minor| in_dollars(transfer(name, CARD_MASTERCARD), minor);
    assert_eq!(outcome(&world, &debit("a", 250_000)).await, json!(["success", "0"]));
    assert_eq!(outcome(&world, &debit("b", 250_001)).await, json!(["decline", "3409"]));
    let by_visa = in_dollars(transfer("c", CARD_OK), 250_001);
    assert_eq!(outcome(&world, &by_visa).await, json!(["success", "0"]));
    let ordinary = in_dollars(on_card(sale("d", 100, "USD"), CARD_MASTERCARD), 250_001);
    assert_eq!(outcome(&world, &ordinary).await, json!(["success", "0"]));
    world.end().await;
}
