//! Tokens of Mastercard and Visa that a merchant keeps, in the place of card numbers.

use crate::support::{CARD_MASTERCARD, CARD_OK, World, capture, pick, sale, verification};
use ferropay_domain::project::{CredentialStorage, Project, TokenMode};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const VERIFY: &str = "/v2/payment/card/account_verification";
/// A cryptogram: 20 bytes in Base64.
const CRYPTOGRAM: &str = "AAECAwQFBgcICQoLDA0ODxAREhM=";

fn agreed(project: &mut Project) {
    project.settings.network_tokens_allowed = true;
    project.settings.credential_storage = CredentialStorage::Merchant;
    project.settings.account_verification_allowed = true;
    project.settings.tokens = TokenMode::Automatic;
    project.settings.saved_cards = true;
}

/// The request with a token in place of the number, what proves it, and its part in a series.
fn by_token(mut body: Value, data: Value, kind: u8) -> Value {
    body["token_data"] = data;
    body["token_data"]["token_type"] = "network_token".into();
    body["card"]["stored_card_type"] = kind.into();
    body
}

fn proof() -> Value {
    json!({ "cryptogram": CRYPTOGRAM, "eci": "05", "trid": "12345678901" })
}

// G-150
// G-425, G-426, G-427, G-428, G-430: purchases in one step and two, and verifications; the proof reaches the acquirer, takes the
// place of 3-D Secure, and stays nowhere
#[tokio::test(flavor = "multi_thread")]
async fn a_token_pays_with_its_proof_wherever_it_may() {
    let world = World::with(agreed).await;
    let mut purchase = by_token(sale("order-1", 1_370, "EUR"), proof(), 0);
    purchase["card"]["save"] = true.into();
    let paid = world.told(SALE, &purchase).await;
    assert_eq!(
        pick(
            &paid,
            &["payment.status", "operation.type", "operation.code", "operation.eci", "account.token"]
        ),
        json!(["success", "sale", "0", "05", null]),
        "no token of the platform is made for a token"
    );
    let received = world.at_acquirer(&paid["operation"]).authentication.unwrap();
    assert_eq!((received.cryptogram.as_deref(), received.eci.as_deref()), (Some(CRYPTOGRAM), Some("05")));
    assert_eq!((received.wallet, received.cavv), (None, None));

    let held = world.told(AUTH, &by_token(sale("order-2", 1_370, "EUR"), proof(), 0)).await;
    assert_eq!(held["payment"]["status"], "awaiting capture");
    let captured = world.told("/v2/payment/card/capture", &capture("order-2", None)).await;
    assert_eq!(captured["payment"]["status"], "success");
    let verified = world.told(VERIFY, &by_token(verification("order-3"), proof(), 0)).await;
    assert_eq!(verified["payment"]["status"], "success");

    // Without a proof it is a number like others.
    let bare = world.told(SALE, &by_token(sale("order-4", 1_370, "EUR"), json!({}), 0)).await;
    assert_eq!(bare["payment"]["status"], "success");
    assert_eq!(world.at_acquirer(&bare["operation"]).authentication.and_then(|it| it.cryptogram), None);
    // An equal request is the first one, whatever its proof is kept as.
    assert_eq!(world.accept(SALE, &purchase).await, paid["operation"]["request_id"].as_str().unwrap());
    assert!(!world.files().contains(CRYPTOGRAM));
    world.end().await;
}

// G-427, G-428, G-429: a series is registered with the proof and debited without the customer
#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_registered_and_debited_by_a_token() {
    let world = World::with(agreed).await;
    for (kind, payment) in
        [(1, "purchase"), (3, "purchase"), (5, "purchase"), (2, "purchase"), (6, "recurring")]
    {
        let mut body = by_token(sale(&format!("order-{kind}"), 1_370, "EUR"), proof(), kind);
        if kind == 6 {
            body["card"].as_object_mut().unwrap().remove("cvv");
            body["token_data"] = json!({ "token_type": "network_token" });
        }
        let told = world.told(SALE, &body).await;
        assert_eq!(
            pick(&told["payment"], &["type", "status"]),
            json!([payment, "success"]),
            "{kind}: {told}"
        );
    }
    // A verification value is demanded of everybody who is there.
    let mut without = by_token(sale("order-7", 1_370, "EUR"), proof(), 2);
    without["card"].as_object_mut().unwrap().remove("cvv");
    let told = world.told(SALE, &without).await;
    assert_eq!(pick(&told["errors"][0], &["code", "field"]), json!([3141, "card.cvv"]));
    world.end().await;
}

// G-426, G-427, G-428: what a request has to say, and what the platform does not keep
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_of_a_token_is_said_at_once() {
    let world = World::with(agreed).await;
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut body = by_token(sale("order-1", 1_370, "EUR"), proof(), 3);
        change(&mut body);
        let reply = world.send(SALE, &body).await;
        let message = reply.body["message"].as_str().unwrap_or_default().to_owned();
        (reply.status, reply.body["code"].clone(), message.rsplit_once(": ").unwrap_or_default().1.to_owned())
    };
    let remove = |body: &mut Value, part: &str, key: &str| {
        body[part].as_object_mut().unwrap().remove(key);
    };
    for (part, key, code) in [
        ("card", "stored_card_type", "2004"),
        ("token_data", "token_type", "2004"),
        ("token_data", "cryptogram", "2004"),
        ("token_data", "eci", "2004"),
    ] {
        let told = refused(&|body| remove(body, part, key)).await;
        assert_eq!(told, (400, json!(code), format!("{part}.{key}")));
    }
    for (key, value) in [("cryptogram", "short"), ("eci", "08"), ("trid", "123")] {
        let told = refused(&|body| body["token_data"][key] = value.into()).await;
        assert_eq!(told, (400, json!("502"), format!("token_data.{key}")));
    }
    world.assert_silence().await;

    // The platform keeps no series by a token of others.
    let mut series = by_token(sale("order-2", 1_370, "EUR"), proof(), 0);
    series["recurring"] = json!({ "register": true, "type": "U" });
    let told = world.told(SALE, &series).await;
    assert_eq!(pick(&told["errors"][0], &["code", "field"]), json!([310, "recurring"]));
    world.end().await;
}

// G-425: tokens of Mastercard and Visa, and of nobody else; none where none is agreed upon
#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_of_two_networks() {
    let world = World::with(agreed).await;
    for (id, number, status) in
        [("a", CARD_OK, "success"), ("b", CARD_MASTERCARD, "success"), ("c", "378282246310005", "error")]
    {
        let mut body = by_token(sale(id, 1_370, "EUR"), proof(), 0);
        body["card"]["pan"] = number.into();
        let told = world.told(SALE, &body).await;
        assert_eq!(told["payment"]["status"], status, "{number}: {told}");
    }
    world.reconfigure(|project| project.settings.network_tokens_allowed = false).await;
    let told = world.told(SALE, &by_token(sale("d", 1_370, "EUR"), proof(), 0)).await;
    assert_eq!(pick(&told, &["payment.status", "operation.code"]), json!(["decline", "318"]));
    world.end().await;
}
