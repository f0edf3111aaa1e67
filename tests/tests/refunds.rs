//! What support does with refunds, by the command line.
#![cfg(test)]

use ferropay_tests::{World, eventually, seconds};

// G-290 G-304 G-305 G-307: taken back by operation number, at the acquirer too, and the merchant gets no callback
#[tokio::test(flavor = "multi_thread")]
async fn support_takes_a_refund_back_by_its_number() {
    let world = World::start(&[]).await;
    let project = world.platform.merchant.project.to_string();
    world.platform.command(&["project", "set", &project, "reversals={\"visa\":\"never\"}"]).good();
    tokio::time::sleep(seconds(3)).await;
    let paid = world.paid("order").await;
    let request = world.refund("order", None, None).await.request_id();
    let refunded = world.receiver.final_of(&request, seconds(30)).await;
    assert_eq!(refunded.operation(), ("refund", "success"), "{}", refunded.text);
    assert!(world.net_at_acquirer().is_empty());
    let undo = |number: &str| world.platform.command(&["refund", "undo", number]);
    let of_sale = undo(&paid.json["operation"]["id"].to_string());
    assert!(!of_sale.ok && of_sale.err.contains("3060"), "{of_sale:?}");
    let nothing = undo("7");
    assert!(!nothing.ok && nothing.err.contains("there is no operation 7"), "{nothing:?}");
    let number = refunded.json["operation"]["id"].to_string();
    let said = undo(&number).good();
    assert!(said.contains("as soon as the provider has agreed"), "{said}");
    let whole = || async { world.platform.status("order").await.json["payment"]["status"] == "success" };
    eventually("the payment is whole again", seconds(30), whole).await;
    let again = undo(&number);
    assert!(!again.ok && again.err.contains("3060"), "{again:?}");
    world.quiet(seconds(20)).await;
    assert_eq!(world.net_at_acquirer()[&978], 1_000);
    assert_eq!(world.receiver.about("order").len(), 2, "nobody is told");
    world.assert_sound();
}
