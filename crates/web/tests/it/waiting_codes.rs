//! Operations under way whose provider says how long to wait, and what methods need to know of the customer's account.

use crate::support::{World, pick, provider::purchase};
use ferropay_domain::project::OtherAmount;
use serde_json::{Value, json};

const BLIK: &str = "/v2/payment/blik/sale";
const BANKS: &str = "/v2/payment/banks/germany/sale";

fn told(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.status", "operation.code", "operation.message"])
}

// G-486, G-050: what is under way tells to wait where the provider says so, and 9999 where it says nothing
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_takes_days_says_so_while_it_is_waited_for() {
    let days = "The payment is processed on the provider side. It can take up to several days. \
                Inform customer if needed";
    let unsure = "The payment provider did not confirm neither successful nor negative status of the payment \
                  transaction";
    let waiting = "awaiting customer action";
    for (word, code, message) in
        [("[days]", "20899", days), ("[no-status]", "20802", unsure), ("", "9999", "Awaiting processing")]
    {
        let (world, provider) = World::with_provider(|_| {}).await;
        let mut body = purchase("order-1", 1_200, "EUR");
        body["payment"]["description"] = format!("Two books {word}").into();
        let asked = world.told(BLIK, &body).await;
        assert_eq!(told(&asked), json!([waiting, waiting, code, message]));
        let now = world.now("order-1").await;
        assert_eq!(
            pick(&now, &["payment.status", "operations.0.code", "operations.0.message"]),
            json!([waiting, code, message])
        );
        let reference = provider.transactions().await[0]["reference"].as_str().unwrap().to_owned();
        provider.act(&reference, "approve").await;
        assert_eq!(told(&world.callback().await), json!(["success", "success", "0", "Success"]));
        world.end().await;
    }
}

// G-484: the customer of a bank says how much it is, where the project takes what is paid
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_of_nothing_at_a_bank_is_worth_what_its_customer_pays() {
    let (world, _provider) =
        World::with_provider(|project| project.settings.other_amount = OtherAmount::Accept).await;
    let mut body = purchase("order-1", 0, "EUR");
    body["payment"]["description"] = "A gift [success] [paid=900]".into();
    let asked = world.told(BANKS, &body).await;
    assert_eq!(asked["payment"]["sum"], json!({ "amount": 0, "currency": "EUR" }));
    let paid = world.callback().await;
    assert_eq!(
        pick(&paid, &["payment.status", "payment.sum.amount", "operation.sum_initial.amount"]),
        json!(["success", 900, 900])
    );
    world.assert_gained(900).await;
    // Elsewhere nobody knows what to do with it.
    world.reconfigure(|project| project.settings.other_amount = OtherAmount::Decline).await;
    let refused = world.told(BANKS, &purchase("order-2", 0, "EUR")).await;
    assert_eq!(pick(&refused, &["payment.status", "errors.0.code"]), json!(["error", 3358]));
    world.end().await;
}

// G-412, G-218: an account that the channel demands is asked for, or missed where the project asks for nothing
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_demanded_and_missing_is_asked_for_or_3242() {
    let (world, _provider) = World::with_provider(|project| {
        let demanded = vec!["account.number".to_owned()];
        project.settings.required_data.insert("sale".to_owned(), demanded);
    })
    .await;
    let asked = world.told(BLIK, &purchase("order-1", 1_200, "EUR")).await;
    assert_eq!(asked["payment"]["status"], "awaiting clarification", "{asked}");
    let more = json!({ "general": { "project_id": 1001, "payment_id": "order-1" },
        "additional_data": { "account": { "number": "ada@wallet.example" } } });
    let going_on = world.told("/v2/payment/clarification", &more).await;
    assert_eq!(going_on["payment"]["status"], "awaiting customer action", "{going_on}");
    world.reconfigure(|project| project.settings.clarification_allowed = false).await;
    let refused = world.told(BLIK, &purchase("order-2", 1_200, "EUR")).await;
    assert_eq!(
        pick(&refused, &["payment.status", "errors.0.code", "errors.0.field"]),
        json!(["error", 3242, "account.number"])
    );
    world.end().await;
}

// G-263: what was agreed is between merchant and provider, to whom it is handed as it came
#[tokio::test(flavor = "multi_thread")]
async fn an_extra_parameter_reaches_the_provider_it_was_agreed_with() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let mut body = purchase("order-1", 1_200, "EUR");
    body["payment"]["extra_param"] = "paylater".into();
    world.told(BLIK, &body).await;
    assert_eq!(provider.transactions().await[0]["data"]["payment.extra_param"], "paylater");
    world.end().await;
}
