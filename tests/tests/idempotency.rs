//! The same request again, and different requests at the same time.
#![cfg(test)]

use ferropay_tests::{Answer, Audit, Database, Received, World, cards, seconds};
use std::{collections::HashSet, sync::Arc};

/// Posts all bodies at the same time.
async fn at_once(world: &World, path: &str, bodies: Vec<String>) -> Vec<Answer> {
    let url: Arc<str> = format!("{}{path}", world.platform.base()).into();
    let barrier = Arc::new(tokio::sync::Barrier::new(bodies.len()));
    let mut running = Vec::new();
    for body in bodies {
        let (merchant, url, barrier) = (world.platform.merchant.clone(), url.clone(), barrier.clone());
        running.push(tokio::spawn(async move {
            barrier.wait().await;
            merchant.try_post(&url, &body, None).await.unwrap()
        }));
    }
    let mut answers = Vec::new();
    for task in running {
        answers.push(task.await.unwrap());
    }
    answers
}

const SALE: &str = "/v2/payment/card/sale";
const REFUND: &str = "/v2/payment/card/refund";

// G-020 G-022 G-055
#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_equal_sales_at_once_are_one_sale() {
    let world = World::start(&[]).await;
    let merchant = &world.platform.merchant;
    let body = merchant.signed(merchant.sale("equal", cards::APPROVED, 1000));
    let answers = at_once(&world, SALE, vec![body.clone(); 64]).await;
    let requests: HashSet<String> = answers.iter().map(Answer::request_id).collect();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let request = requests.into_iter().next().unwrap();
    for answer in &answers {
        assert_eq!(answer.json["status"], "success");
        assert_eq!(answer.json["project_id"], 1001);
        assert_eq!(answer.json["payment_id"], "equal");
    }
    let callback = world.receiver.final_of(&request, seconds(20)).await;
    assert_eq!(callback.operation(), ("sale", "success"));
    // Long after it has ended it is still the same request.
    let again = world.platform.post_raw(SALE, &body, None).await;
    assert_eq!(again.request_id(), request);
    let members: Vec<&String> = again.json.as_object().unwrap().keys().collect();
    assert_eq!(members, ["payment_id", "project_id", "request_id", "status"]);
    let asked = merchant.signed_at_root(serde_json::json!({ "project_id": 1001, "request_id": request }));
    let status = world.platform.post_raw("/v2/payment/status/request", &asked, None).await;
    assert_eq!(status.status, 200, "{}", status.text);
    assert!(status.text.contains(&request) && status.text.contains("\"equal\""), "{}", status.text);
    world.quiet(seconds(20)).await;
    assert_eq!(world.acquirer.book().counters.purchases_executed, 1);
    assert_eq!(world.receiver.count(), 1);
    assert_eq!(Audit::of(&world.platform).figure("payments"), 1);
    world.assert_sound();
}

// G-055: the answer never came because the platform died with the request already taken.
#[tokio::test(flavor = "multi_thread")]
async fn equal_sales_before_and_after_a_death_are_one_sale() {
    let acquirer = ferropay_tests::world::acquirer().await;
    let mut world = World::prepare(&[], None, acquirer).await;
    let again = world.start.clone();
    let mut dying = again.clone();
    dying.options.extend(["--crash-at".to_owned(), "accept.after-commit".to_owned()]);
    world.platform.start(&dying).await;
    let merchant = world.platform.merchant.clone();
    let body = merchant.signed(merchant.sale("across", cards::APPROVED, 1000));
    let url = format!("{}{SALE}", world.platform.base());
    assert!(merchant.try_post(&url, &body, None).await.is_err(), "it was to die before it answers");
    world.platform.wait_for_end(seconds(20)).await;
    world.platform.start(&again).await;
    let recorded = Database::of(&world.platform).number("SELECT count(*) FROM payments");
    assert_eq!(recorded, 1, "it was to die after it had taken the request");
    let answers = at_once(&world, SALE, vec![body; 64]).await;
    let requests: HashSet<String> = answers.iter().map(Answer::request_id).collect();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let request = requests.into_iter().next().unwrap();
    // The callback names the request that the answer nobody got would have named.
    let callback = world.receiver.final_of(&request, seconds(20)).await;
    assert_eq!(callback.operation(), ("sale", "success"));
    world.quiet(seconds(20)).await;
    assert_eq!(world.acquirer.book().counters.purchases_executed, 1);
    assert_eq!(Audit::of(&world.platform).figure("payments"), 1);
    world.assert_sound();
}

// G-052 G-053 G-056
#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_different_sales_with_one_name_one_is_accepted() {
    let world = World::start(&[]).await;
    let merchant = &world.platform.merchant;
    let body = |n: i64| merchant.signed(merchant.sale("one-name", cards::APPROVED, 1000 + n));
    let answers = at_once(&world, SALE, (0..64).map(body).collect()).await;
    let accepted: Vec<&Answer> = answers.iter().filter(|it| it.status == 200).collect();
    assert_eq!(accepted.len(), 1);
    for refused in answers.iter().filter(|it| it.status != 200) {
        assert_eq!((refused.status, refused.code()), (400, Some(3041)), "{}", refused.text);
        assert_eq!(refused.json["status"], "error");
    }
    world.receiver.final_of(&accepted[0].request_id(), seconds(20)).await;
    world.quiet(seconds(20)).await;
    assert_eq!(world.receiver.count(), 1, "only the accepted one is heard of again");
    assert_eq!(Audit::of(&world.platform).figure("payments"), 1);
    world.assert_sound();
}

// G-052: case-insensitively, by the rules of Unicode and not of ASCII; and 3024 for what no name may begin with.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_differ_only_in_case_are_one_name() {
    let world = World::start(&[]).await;
    let merchant = &world.platform.merchant;
    let pairs = [("Order-A1", "oRDER-a1"), ("STRASSE-1", "straße-1"), ("ΟΔΟΣ-1", "οδος-1"), ("Ёлка", "ёЛКА")];
    for (first, second) in pairs {
        let taken = world.platform.sale(merchant.sale(first, cards::APPROVED, 1000)).await;
        assert_eq!(taken.json["payment_id"], first, "the name is told as it was given");
        let refused = world.platform.sale(merchant.sale(second, cards::APPROVED, 1001)).await;
        assert_eq!((refused.status, refused.code()), (400, Some(3041)), "{second}: {}", refused.text);
        let callback = world.receiver.final_of(&taken.request_id(), seconds(20)).await;
        assert_eq!(callback.payment(), first);
        let status = world.platform.status(second).await;
        assert_eq!(status.json["payment"]["id"], first, "{}", status.text);
    }
    // Close to each other, but different.
    for name in ["Order-A2", "Order-A1 1", "strasse-2", "order-a1\u{301}"] {
        world.platform.sale(merchant.sale(name, cards::APPROVED, 1000)).await.request_id();
    }
    let longest = "x".repeat(255);
    world.platform.sale(merchant.sale(&longest, cards::APPROVED, 1000)).await.request_id();
    let counted = Audit::of(&world.platform).figure("payments");
    for name in [" a", "a ", "\ta", "a\n", "\u{b}a", "a\r", &"x".repeat(256)] {
        let refused = world.platform.sale(merchant.sale(name, cards::APPROVED, 1000)).await;
        assert_eq!((refused.status, refused.code()), (400, Some(3024)), "{name:?}: {}", refused.text);
    }
    world.quiet(seconds(20)).await;
    assert_eq!(Audit::of(&world.platform).figure("payments"), counted);
    world.assert_sound();
}

// G-281 G-280 G-056 G-297
#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_refunds_at_once_one_returns_money() {
    let world = World::start(&[]).await;
    world.paid("refunds").await;
    let merchant = &world.platform.merchant;
    // The bodies differ, so none is a resend of another.
    let body = |n: i64| merchant.signed(merchant.refund("refunds", Some(100 + n)));
    let answers = at_once(&world, REFUND, (0..64).map(body).collect()).await;
    let requests: HashSet<String> = answers.iter().map(Answer::request_id).collect();
    assert_eq!(requests.len(), 64, "each is a request of its own");
    let mut returned = Vec::new();
    for request in &requests {
        let callback = world.receiver.final_of(request, seconds(30)).await;
        if callback.operation().1 == "success" {
            returned.push(callback);
        } else {
            assert_eq!(callback.code(), "3285", "{}", callback.text);
            assert_eq!(callback.json["errors"][0]["code"], 3285, "{}", callback.text);
        }
    }
    assert_eq!(returned.len(), 1);
    let amount = returned[0].json["operation"]["sum_initial"]["amount"].as_i64().unwrap();
    assert_eq!(returned[0].sum(), 1000 - amount);
    world.quiet(seconds(20)).await;
    let counters = world.acquirer.book().counters;
    assert_eq!(counters.refunds_executed + counters.voids_executed, 1);
    assert_eq!(world.net_at_acquirer()[&978], 1000 - amount);
    let status = world.platform.status("refunds").await;
    assert_eq!(status.json["payment"]["sum"]["amount"], 1000 - amount, "{}", status.text);
    world.assert_sound();
}

// G-055 G-272
#[tokio::test(flavor = "multi_thread")]
async fn equal_refunds_are_one_refund() {
    let mut world = World::start(&[]).await;
    world.paid("again").await;
    let merchant = world.platform.merchant.clone();
    let body = merchant.signed(merchant.refund("again", Some(300)));
    let answers = at_once(&world, REFUND, vec![body.clone(); 64]).await;
    let requests: HashSet<String> = answers.iter().map(Answer::request_id).collect();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let request = requests.into_iter().next().unwrap();
    let callback = world.receiver.final_of(&request, seconds(20)).await;
    assert_eq!((callback.operation().1, callback.sum()), ("success", 700), "{}", callback.text);
    world.quiet(seconds(20)).await;
    world.platform.kill();
    world.restart().await;
    assert_eq!(world.platform.post_raw(REFUND, &body, None).await.request_id(), request);
    world.quiet(seconds(20)).await;
    assert_eq!(world.net_at_acquirer()[&978], 700);
    assert_eq!(world.receiver.distinct("again").len(), 2);
    world.assert_sound();
}

// G-061
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_identifier_is_taken_once_in_a_project() {
    let world = World::start(&[]).await;
    world.paid("first").await;
    world.paid("second").await;
    let refund = |payment: &str| {
        let mut body = world.platform.merchant.refund(payment, Some(200));
        body["payment"]["merchant_refund_id"] = "return-1".into();
        body
    };
    let taken = world.platform.refund(refund("first")).await.request_id();
    let callback = world.receiver.final_of(&taken, seconds(20)).await;
    assert_eq!(callback.operation().1, "success", "{}", callback.text);
    assert_eq!(callback.json["merchant_refund_id"], "return-1");
    let repeated = world.platform.refund(refund("second")).await.request_id();
    let callback = world.receiver.final_of(&repeated, seconds(20)).await;
    assert_eq!((callback.operation().1, callback.code()), ("decline", "3230"), "{}", callback.text);
    assert_eq!((callback.json["payment"]["status"].as_str(), callback.sum()), (Some("success"), 1000));
    world.quiet(seconds(20)).await;
    assert_eq!(world.net_at_acquirer()[&978], 1800);
    world.assert_sound();
}

// G-057
#[tokio::test(flavor = "multi_thread")]
async fn operation_numbers_are_never_used_twice_not_even_after_a_restart() {
    let mut world = World::start(&[]).await;
    for round in 0..3 {
        for n in 0..5 {
            world.paid(&format!("numbers-{round}-{n}")).await;
        }
        world.quiet(seconds(20)).await;
        world.platform.kill();
        world.restart().await;
    }
    let callbacks = world.receiver.all();
    let number = |it: &Received| it.json["operation"]["id"].as_u64().unwrap();
    let numbers: HashSet<u64> = callbacks.iter().map(number).collect();
    assert_eq!(numbers.len(), 15);
    assert!(numbers.iter().all(|number| *number < 1 << 53), "every client can read them: {numbers:?}");
    world.assert_sound();
}
