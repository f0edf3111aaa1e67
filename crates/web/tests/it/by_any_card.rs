//! What a request on a card may ask for it may ask for on every path of cards: with the card's own data, with a token of
//! the platform, with a saved card, and by a wallet where the contract has it there.

use crate::{
    device_wallets::{APPLE, GOOGLE, Shop, by_token as by_etoken, wish},
    support::{CARD_OK, World, by_token, clarification, on_card, payout, pick, sale, verification},
};
use ferropay_domain::project::{AvsMode, Settings};
use serde_json::{Value, json};

const VERIFICATION: &str = "/v2/payment/card/account_verification";
const CUSTOMER: &str = "reader-7";
/// Good up to 120 EUR (D-489).
const CARD_SHORT: &str = "5126160000356675";

fn all(settings: &mut Settings) {
    settings.payout_data_required = false;
    settings.saved_cards = true;
    settings.account_verification_allowed = true;
    settings.partial_approval_allowed = true;
    settings.name_verification_allowed = true;
    settings.descriptor_allowed = true;
}

/// A card that is known by its number, by a token and as the customer's saved one.
struct Known {
    number: &'static str,
    token: String,
    saved: Value,
}

impl Known {
    async fn to(world: &World, number: &'static str) -> Self {
        let mut saving = on_card(sale("known", 100, "EUR"), number);
        saving["card"]["save"] = true.into();
        let saved = world.paid(&saving).await["account"]["id"].clone();
        Self { number, token: world.token(CUSTOMER, number).await, saved }
    }

    /// A purchase on one of the paths of `kind`, named after the path.
    fn purchase(&self, path: &str, amount: i64) -> Value {
        let mut body = if path.ends_with("/token") {
            by_token(path, &self.token)
        } else if path.ends_with("/saved") {
            let mut body = by_token(path, "");
            body.as_object_mut().unwrap().remove("token");
            body["saved_account_id"] = self.saved.clone();
            body
        } else {
            on_card(sale(path, amount, "EUR"), self.number)
        };
        body["payment"]["amount"] = amount.into();
        body
    }

    fn verification(&self, path: &str) -> Value {
        if path.ends_with("/token") {
            let mut body = by_token(path, &self.token);
            body["payment"] = json!({ "amount": 0, "currency": "EUR" });
            return body;
        }
        let mut body = on_card(verification(path), self.number);
        body["general"]["payment_id"] = path.into();
        body
    }
}

/// The paths of purchases in one and in two steps.
fn purchases() -> [String; 6] {
    ["sale", "sale/saved", "sale/token", "auth", "auth/saved", "auth/token"]
        .map(|steps| format!("/v2/payment/card/{steps}"))
}

fn verifications() -> [String; 2] {
    [VERIFICATION.to_owned(), format!("{VERIFICATION}/token")]
}

// G-241: also with a token and with a saved card
#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_amount_may_be_approved_on_every_path_of_purchases() {
    let world = World::with(|project| all(&mut project.settings)).await;
    let card = Known::to(&world, CARD_SHORT).await;
    for path in purchases() {
        let mut body = card.purchase(&path, 20_000);
        body["payment"]["allow_partial_approval"] = true.into();
        let callback = world.told(&path, &body).await;
        let seen = pick(&callback, &["operation.status", "payment.sum.amount"]);
        assert_eq!(seen, json!(["success", 12_000]), "{path}");
    }
    world.end().await;
}

// G-253, G-345: purchases and verifications, with a token or a saved card too
#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_mail_is_told_to_the_acquirer_on_every_path() {
    let world = World::with(|project| all(&mut project.settings)).await;
    let card = Known::to(&world, CARD_OK).await;
    let bodies = purchases().map(|path| (card.purchase(&path, 100), path)).into_iter();
    for (mut body, path) in bodies.chain(verifications().map(|path| (card.verification(&path), path))) {
        body["payment"]["moto_type"] = 1.into();
        // The customer is not there to say it (G-154, G-254).
        body.as_object_mut().unwrap().remove("cvv");
        if let Some(card) = body.get_mut("card").and_then(Value::as_object_mut) {
            card.remove("cvv");
        }
        let callback = world.told(&path, &body).await;
        assert_eq!(callback["operation"]["status"], "success", "{path}: {callback}");
        assert_eq!(world.at_acquirer(&callback["operation"]).remote_order, Some('1'), "{path}");
    }
    world.end().await;
}

// G-229, G-230: saved cards bring the address with the request; for tokens the contract has no place, so it is asked for
#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_token_is_asked_for_and_that_of_a_saved_card_is_sent() {
    let world = World::with(|project| all(&mut project.settings)).await;
    let card = Known::to(&world, CARD_OK).await;
    world.reconfigure(|project| project.settings.avs = AvsMode::Clarification).await;
    let address = json!({ "avs_post_code": "99540", "avs_street_address": "1 Long Street" });
    for path in purchases() {
        let mut body = card.purchase(&path, 100);
        if !path.ends_with("/token") {
            body["avs_data"] = address.clone();
        }
        let mut callback = world.told(&path, &body).await;
        if path.ends_with("/token") {
            assert_eq!(
                callback["clarification_fields"]["avs_data"].as_array().map(Vec::len),
                Some(2),
                "{path}"
            );
            let data = json!({ "avs_data": address });
            callback = world.told("/v2/payment/clarification", &clarification(&path, data)).await;
        }
        assert_eq!(pick(&callback, &["operation.status", "avs_result"]), json!(["success", "Y"]), "{path}");
    }
    world.end().await;
}

// G-338, G-234, G-235, G-237, G-345: on all four paths of verifications
#[tokio::test(flavor = "multi_thread")]
async fn the_name_on_the_card_is_checked_on_every_path_of_verifications() {
    let shop = Shop::new().await;
    let world = &shop.world;
    world.reconfigure(|project| all(&mut project.settings)).await;
    let card = Known::to(world, CARD_OK).await;
    let by_wallet = |wallet: &str| {
        let path = format!("{wallet}/account_verification");
        let mut body = by_etoken(&path, 0, &shop.token(wallet, &wish(0)));
        body["payment"]["description"] = "A card to keep".into();
        (body, path)
    };
    let bodies = verifications().map(|path| (card.verification(&path), path));
    for (mut body, path) in bodies.into_iter().chain([by_wallet(APPLE), by_wallet(GOOGLE)]) {
        body["customer"]["name_validation"] = true.into();
        let nameless = world.send(&path, &body).await;
        assert_eq!((nameless.status, &nameless.body["code"]), (400, &json!("2004")), "{path}");
        body["customer"]["first_name"] = "Ada".into();
        body["customer"]["last_name"] = "Byron".into();
        let callback = world.told(&path, &body).await;
        let seen = pick(&callback, &["payment.status", "operation.name_validation_result"]);
        assert_eq!(seen[0], "success", "{path}: {callback}");
        assert!(matches!(seen[1].as_str(), Some("A" | "B" | "C" | "U")), "{path}: {callback}");
        assert!(world.at_acquirer(&callback["operation"]).shop.starts_with("BOOKS"), "{path}");
    }
    shop.world.end().await;
}

// G-257, G-258: on all thirteen paths that take a wording; of two the sender's stands for payouts
#[tokio::test(flavor = "multi_thread")]
async fn the_wording_of_the_statement_is_taken_on_all_thirteen_paths() {
    let shop = Shop::new().await;
    let world = &shop.world;
    world.reconfigure(|project| all(&mut project.settings)).await;
    let card = Known::to(world, CARD_OK).await;
    let paid_out = "4242424242424242";
    let other = world.token(CUSTOMER, paid_out).await;
    let mut first = sale("first", 100, "EUR");
    first["recurring"] = json!({ "register": true, "type": "U" });
    let series = world.paid(&first).await["recurring"]["id"].clone();
    let mut debit = sale("debit", 100, "EUR");
    debit.as_object_mut().unwrap().remove("card");
    debit["recurring"] = json!({ "id": series });
    let mut payout_by_token = payout("payout by token", paid_out, 100);
    payout_by_token.as_object_mut().unwrap().remove("card");
    payout_by_token["token"] = other.into();
    let mut bodies = vec![
        (debit, "/v2/payment/card/recurring".to_owned()),
        (payout("payout", paid_out, 100), "/v2/payment/card/payout".to_owned()),
        (payout_by_token, "/v2/payment/card/payout/token".to_owned()),
    ];
    for path in purchases().into_iter().filter(|path| !path.ends_with("/saved")) {
        bodies.push((card.purchase(&path, 100), path));
    }
    bodies.extend(verifications().map(|path| (card.verification(&path), path)));
    for wallet in [APPLE, GOOGLE] {
        for step in ["sale", "auth"] {
            let path = format!("{wallet}/{step}");
            bodies.push((shop.body(wallet, &path, 100), path));
        }
    }
    assert_eq!(bodies.len(), 13);
    for (mut body, path) in bodies {
        body["merchant"]["descriptor"] = "BOOKS* order".into();
        body["sender"]["descriptor"] = "SENDER* order".into();
        let callback = world.told(&path, &body).await;
        assert_eq!(callback["operation"]["status"], "success", "{path}: {callback}");
        let expected = if path.contains("/payout") { "SENDER* order" } else { "BOOKS* order" };
        assert_eq!(world.at_acquirer(&callback["operation"]).shop, expected, "{path}");
    }
    shop.world.end().await;
}
