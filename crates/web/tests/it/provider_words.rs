//! What a provider says in words of its own, and hands on to the merchant.

use crate::support::{World, pick, provider::purchase};
use serde_json::json;

const BLIK: &str = "/v2/payment/blik/sale";

// G-102: text beside the provider's code, and a longer one of a refusal
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_in_the_providers_words_why() {
    let (world, _) = World::with_provider(|_| {}).await;
    for (word, code, message, longer) in [
        ("insufficient", "20504", "Insufficient funds", "The account has less than what was asked for."),
        ("cancel", "20301", "Cancelled", "The customer cancelled on the page."),
    ] {
        let mut body = purchase(word, 1_200, "EUR");
        body["payment"]["description"] = format!("Two books [{word}]").into();
        world.told(BLIK, &body).await;
        let told = world.callback().await;
        let names = ["operation.code", "operation.provider.result_message", "operation.description"];
        assert_eq!(pick(&told, &names), json!([code, message, longer]));
        let listed = &world.now(word).await["operations"][0];
        assert_eq!(listed["provider"]["result_message"], message);
    }
    world.end().await;
}

// G-128, G-098: in final callbacks of successes, and nowhere where the provider has nothing to hand on
#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_hands_on_stands_in_the_final_callback() {
    let (world, _) = World::with_provider(|_| {}).await;
    for (payment_id, words, hands_on) in
        [("order-1", "[success] [account]", true), ("order-2", "[success]", false)]
    {
        let mut body = purchase(payment_id, 1_200, "EUR");
        body["payment"]["description"] = words.into();
        let asked = world.told(BLIK, &body).await;
        assert!(asked["provider_extra_fields"].is_null());
        let done = world.callback().await;
        let account = done["provider_extra_fields"]["account_id"].as_str();
        assert_eq!(
            (account.map(str::len), done["payment"]["status"].as_str()),
            (hands_on.then_some(12), Some("success"))
        );
    }
    world.end().await;
}
