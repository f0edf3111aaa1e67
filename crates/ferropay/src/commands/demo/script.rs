//! What the demonstration shows, in order.

use super::{show, stage::Stage};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// Plays every scene; the first that does not go as expected ends it.
pub(super) async fn play(stage: &Stage) -> Result<()> {
    let before = stage.balances().await?;
    show::scene("A card sale of 13.70 EUR", "the acquirer approves it; the result comes by signed callback");
    stage.sale("demo-1", "4000000000000077", 1370, None).await?;
    stage.callback("success", "success").await?;

    show::scene("A declined sale", "this test card is always declined");
    stage.sale("demo-2", "4111111111111111", 2500, None).await?;
    let declined = stage.callback("decline", "decline").await?;
    expect(&declined, "/operation/code", "10000")?;

    show::scene("A partial refund of 10.00 EUR", "3.70 EUR are left of the first sale");
    stage.refund("demo-1", Some(1000)).await?;
    let partial = stage.callback("partially refunded", "success").await?;
    ensure!(partial.pointer("/payment/sum/amount") == Some(&Value::from(370)), "3.70 EUR should be left");

    show::scene(
        "A challenge by 3-D Secure",
        "the issuer wants to see the browser and then asks the customer; what it found out comes from server to \
         server, the browser only brings back that the customer has returned",
    );
    stage.authenticated_sale("demo-5", "4314220000000056", 4990).await?;
    let waits = stage.callback("awaiting 3ds result", "awaiting 3ds result").await?;
    stage.show_browser(&waits).await?;
    let seen = json!({ "threeds_completion_indicator": true });
    stage.follow("/v2/payment/card/3ds_check_iframe", "demo-5", seen).await?;
    let asked = stage.callback("awaiting 3ds result", "awaiting 3ds result").await?;
    let cres = stage.type_code(&asked, "123456").await?;
    stage.follow("/v2/payment/card/3ds_result", "demo-5", json!({ "cres": cres })).await?;
    let paid = stage.callback("success", "success").await?;
    expect(&paid, "/operation/eci", "05")?;

    show::scene("A purchase in two steps", "45.00 EUR are held, then 40.00 EUR of them captured");
    stage.hold("demo-6", "4000000000000077", 4500).await?;
    stage.callback("awaiting capture", "success").await?;
    let amount = json!({ "payment": { "amount": 4000, "currency": "EUR" } });
    stage.follow("/v2/payment/card/capture", "demo-6", amount).await?;
    let captured = stage.callback("success", "success").await?;
    expect(&captured, "/operation/type", "capture")?;

    show::scene("A full refund on the day of the sale", "nothing has been cleared yet, so it is a reversal");
    stage.sale("demo-3", "4000000000000077", 4200, None).await?;
    stage.callback("success", "success").await?;
    stage.refund("demo-3", None).await?;
    let full = stage.callback("reversed", "success").await?;
    expect(&full, "/operation/type", "reversal")?;

    show::scene(
        "A lost answer",
        "the acquirer takes the money and the connection breaks before its answer: the outcome is unknown, so it \
         is reversed until the acquirer acknowledges, and only then declined",
    );
    stage.sale("demo-4", "4000000000000077", 9900, Some("reset@purchase")).await?;
    let lost = stage.callback("decline", "decline").await?;
    expect(&lost, "/operation/code", "10602")?;

    show::scene("The status of the first payment", "straight from the platform, signed like a callback");
    stage.status("demo-1").await?;

    show::scene("The books", "what moved since the start, and an audit of the whole database");
    let after = stage.balances().await?;
    show::balances(&before, &after);
    let findings = stage.findings().await?;
    ensure!(findings.is_empty(), "the audit finds: {}", findings.join("; "));
    let owed = |name: &str| {
        let minor = |list: &[(&str, ferropay_domain::money::Money, _)]| {
            list.iter().filter(|(of, ..)| *of == name).map(|(_, money, _)| money.minor).sum::<i64>()
        };
        minor(&after) - minor(&before)
    };
    ensure!(owed("owed to the merchant") == 9_360, "the merchant should be owed 93.60 EUR more");
    ensure!(owed("owed by the acquirer") == 9_360, "the acquirer should owe 93.60 EUR more");
    Ok(())
}

fn expect(callback: &Value, pointer: &str, wanted: &str) -> Result<()> {
    let said = callback.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    ensure!(said == wanted, "{pointer} should be {wanted:?}, it is {said:?}");
    Ok(())
}
