//! 3-D Secure when everything comes at once: results of the merchant, notices of the bank, the browser, and the end of
//! the time. The payment ends once, and one way.

use crate::support::{
    World,
    bank::{CARD_CHALLENGE, Posted, check, extended, result},
    on_card, sale,
};
use axum::{body::Body, http::Request};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const CHECK: &str = "/v2/payment/card/3ds_check_iframe";
const RESULT: &str = "/v2/payment/card/3ds_result";

/// The same result as another request.
fn noted(body: &Value, number: usize) -> Value {
    let mut body = body.clone();
    body["note"] = number.into();
    body
}

// G-189, G-203, G-205
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn results_that_race_with_the_end_of_the_time_end_a_payment_once() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let mut paid = 0;
    for round in 0..12 {
        let id = format!("order-{round}");
        world.told(SALE, &extended(on_card(sale(&id, 100, "EUR"), CARD_CHALLENGE))).await;
        let form = world.told(CHECK, &check(&id, true)).await["threeds2"]["redirect"].clone();
        let brought = bank.confirm(&form, "1234").await;
        let notice: Value = serde_json::from_str(&bank.notices.lock().last().unwrap().0).unwrap();
        let body = result(&id, &brought);
        let results = (0..4).map(|number| noted(&body, number)).collect::<Vec<_>>();
        let end_of_time = async {
            // Now before the results, now after them.
            tokio::time::sleep(Duration::from_millis(round % 4 * 2)).await;
            world.clock.advance(Duration::from_mins(30));
        };
        let (a, b, c, d, again, ()) = tokio::join!(
            world.send(RESULT, &results[0]),
            world.send(RESULT, &results[1]),
            world.send(RESULT, &results[2]),
            world.send(RESULT, &results[3]),
            bank.tell(&notice),
            end_of_time
        );
        assert_eq!(again["messageType"], "RRes", "a result is acknowledged as often as it comes");
        let replies = [a, b, c, d];
        let accepted = replies.iter().filter(|reply| reply.status == 200).count();
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3060")), "{}", reply.text);
        }
        let callback = world.callback().await;
        let status = callback["payment"]["status"].as_str().unwrap().to_owned();
        match status.as_str() {
            "success" => {
                assert_eq!(accepted, 1, "one result, one payment");
                paid += 100;
            }
            "decline" => assert_eq!(callback["operation"]["code"], "108", "{callback}"),
            other => panic!("{other}"),
        }
        world.quiet().await;
        assert_eq!(world.now(&id).await["payment"]["status"], *status, "and nothing changes it any more");
        world.assert_silence().await;
    }
    world.assert_moved("EUR", paid, 0).await;
    world.end().await;
}

// G-196, G-203: browser, hidden frame, merchant and bank come at the same time
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_at_the_platforms_page_at_once_asks_the_bank_once() {
    let (world, bank) = World::with_bank(|_| {}).await;
    for round in 0..6 {
        let id = format!("order-{round}");
        let callback = world.told(SALE, &on_card(sale(&id, 100, "EUR"), CARD_CHALLENGE)).await;
        let acs = |name: &str| callback["acs"][name].as_str().unwrap().to_owned();
        let (pa_req, md) = (acs("pa_req"), acs("md"));
        let fields =
            [("PaReq", pa_req.as_str()), ("MD", md.as_str()), ("TermUrl", "https://shop.example/back")];
        let opened = world.bring("/3ds/acs", &fields).await;
        let look = Posted::named(&opened.page, "look");
        let seen = bank.post(&look.url, &look.fields).await;
        let seen_fields: Vec<_> =
            seen.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let device = format!("/3ds/device/{}", &pa_req[..32]);
        let ticket = Posted::named(&opened.page, "on").field("ticket").to_owned();
        let on = [("ticket", ticket.as_str())];
        let garbage = Request::post("/3ds/result").body(Body::from("{}")).unwrap();
        let (first, shown, second, reopened, third, refused) = tokio::join!(
            world.bring("/3ds/continue", &on),
            world.bring(&device, &seen_fields),
            world.bring("/3ds/continue", &on),
            world.bring("/3ds/acs", &fields),
            world.bring("/3ds/continue", &on),
            world.visit(garbage)
        );
        for visit in [first, shown, second, reopened, third, refused] {
            assert!(visit.status < 500, "{visit:?}");
            assert!(!visit.log.contains("ERROR"), "{visit:?}");
        }
        let page = world.bring("/3ds/continue", &on).await;
        assert!(page.page.contains("Go to your bank"), "{}", page.page);
        assert_eq!(bank.authentications().await.len(), round + 1, "one question for each payment");
        let brought = bank.confirm(&Posted::named(&page.page, "on").as_form(), "1234").await;
        let back = world.browse(&brought.url, &brought.fields).await;
        let body = result(&id, &Posted::named(&back, "on"));
        let (one, two) = (noted(&body, 1), noted(&body, 2));
        let (one, two) = tokio::join!(world.send(RESULT, &one), world.send(RESULT, &two));
        let statuses = [one.status.min(two.status), one.status.max(two.status)];
        assert_eq!(statuses, [200, 400], "{} {}", one.text, two.text);
        assert_eq!(world.callback().await["payment"]["status"], "success");
        world.quiet().await;
        world.assert_silence().await;
    }
    world.assert_moved("EUR", 600, 0).await;
    world.end().await;
}
