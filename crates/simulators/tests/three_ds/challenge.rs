//! Method page and challenge, as a browser without scripts goes through them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

const CARD: &str = "4314220000000056";
const NOTIFICATION: &str = "https://shop.example/3ds?order=1&step=2";

#[tokio::test]
async fn the_method_page_reports_to_the_shop_by_a_form() {
    let world = World::start().await;
    let mut request = world.request(CARD);
    let id = request["threeDSServerTransID"].clone();
    let data = encode(&json!({
        "threeDSServerTransID": id,
        "threeDSMethodNotificationURL": "https://shop.example/method?a=1&b=2",
    }));
    let page = world.form("/3ds/acs/method?range=1", &[("threeDSMethodData", &data)]).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.action(), "https://shop.example/method?a=1&b=2");
    assert_eq!(decode(&page.field("threeDSMethodData")), json!({ "threeDSServerTransID": id }));
    assert!(page.says("<noscript><button") && page.says(">Continue<"), "works without scripts");
    request["threeDSServerTransID"] = id;
    world.directory(&request).await;
    assert_eq!(world.known(&request).await["device_data"], true);
}

#[tokio::test]
async fn a_method_page_can_stay_silent_and_refuses_what_it_cannot_read() {
    let world = World::start().await;
    let data = encode(&json!({
        "threeDSServerTransID": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
        "threeDSMethodNotificationURL": "https://shop.example/method",
    }));
    world.script(json!({ "method": "silent" })).await;
    let page = world.form("/3ds/acs/method", &[("threeDSMethodData", &data)]).await;
    assert_eq!((page.status, page.says("<form")), (200, false));
    let address = encode(&json!({
        "threeDSServerTransID": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
        "threeDSMethodNotificationURL": "javascript:alert(1)",
    }));
    for fields in [&[][..], &[("threeDSMethodData", "x")], &[("threeDSMethodData", address.as_str())]] {
        assert_eq!(world.form("/3ds/acs/method", fields).await.status, 400);
    }
}

// D-491, D-492
#[tokio::test]
async fn any_code_of_three_to_eight_digits_authenticates_and_the_result_comes_before_the_browser() {
    for (card, code, eci) in [(CARD, "123", "05"), ("5413330000000019", "1234 5678", "02")] {
        let world = World::start().await;
        let request = world.request(card);
        let (response, page) = world.challenge(&request).await;
        assert_eq!(page.status, 200);
        assert!(page.says("€49.90") && page.says("Cosmoshop &#60;&#38; Co&#62;") && page.says(">Simulator<"));
        assert!(!page.says(card), "the card number is masked");
        assert!(page.says("name=\"otp\"") && page.says(">Confirm payment<") && page.says(">Cancel<"));
        assert!(world.results().is_empty());

        let back = world.answer(&page, code, "confirm").await;
        let results = world.results();
        assert_eq!(results.len(), 1, "the result is there when the browser gets its form");
        let result = &results[0];
        for name in ["threeDSServerTransID", "acsTransID", "dsTransID", "messageVersion"] {
            assert_eq!(result[name], response[name], "{name}");
        }
        assert_eq!(result["messageType"], "RReq");
        assert_eq!((&result["transStatus"], &result["eci"]), (&json!("Y"), &json!(eci)));
        assert_eq!(result["authenticationValue"].as_str().unwrap().len(), 28);
        assert_eq!(result["interactionCounter"], "01");
        assert!(result.get("challengeCancel").is_none());

        assert_eq!(back.action(), NOTIFICATION);
        assert_eq!(back.field("threeDSSessionData"), SESSION);
        let cres = decode(&back.field("cres"));
        assert_eq!(cres["transStatus"], "Y");
        assert_eq!(cres["messageType"], "CRes");
        assert_eq!(cres["acsTransID"], response["acsTransID"]);
        assert_eq!(
            world.known(&request).await["results"],
            json!([{ "status": "Y", "forged": false, "answered": "RRes" }])
        );
    }
}

// D-491, D-492
#[tokio::test]
async fn no_code_authenticates_the_card_that_fails() {
    let world = World::start().await;
    let (_, page) = world.challenge(&world.request("5544330000000045")).await;
    let back = world.answer(&page, "123456", "confirm").await;
    let result = &world.results()[0];
    assert_eq!((&result["transStatus"], &result["transStatusReason"]), (&json!("N"), &json!("01")));
    assert!(result.get("authenticationValue").is_none() && result.get("eci").is_none());
    assert_eq!(decode(&back.field("cres"))["transStatus"], "N");
}

// D-492
#[tokio::test]
async fn cancelling_is_told_as_such() {
    let world = World::start().await;
    let (_, page) = world.challenge(&world.request(CARD)).await;
    let back = world.answer(&page, "", "cancel").await;
    let result = &world.results()[0];
    assert_eq!((&result["transStatus"], &result["challengeCancel"]), (&json!("N"), &json!("01")));
    assert_eq!(decode(&back.field("cres"))["transStatus"], "N");
}

// D-492
#[tokio::test]
async fn a_code_of_another_shape_may_be_corrected_twice() {
    let world = World::start().await;
    let (_, page) = world.challenge(&world.request(CARD)).await;
    let again = world.answer(&page, "12", "confirm").await;
    assert!(again.says("A code has 3 to 8 digits. 2 tries are left.") && again.says("aria-invalid"));
    let again = world.answer(&again, "123456789", "again").await;
    assert!(again.says("A new code is on its way."), "asking for a new code is no try");
    let again = world.answer(&again, "abc", "confirm").await;
    assert!(again.says("One try is left."));
    assert!(world.results().is_empty());
    world.answer(&again, "1", "confirm").await;
    let result = &world.results()[0];
    assert_eq!((&result["transStatus"], &result["interactionCounter"]), (&json!("N"), &json!("03")));
}

#[tokio::test]
async fn pressing_twice_gives_one_result_and_the_same_way_back() {
    let world = World::start().await;
    let (_, page) = world.challenge(&world.request(CARD)).await;
    let (first, second) =
        tokio::join!(world.answer(&page, "123", "confirm"), world.answer(&page, "123", "cancel"));
    assert_eq!(world.results().len(), 1);
    assert_eq!(first.field("cres"), second.field("cres"));
}

#[tokio::test]
async fn a_result_that_is_not_taken_is_sent_again() {
    let world = World::start().await;
    world.reply(&[Reply::Broken, Reply::Broken]);
    let request = world.request(CARD);
    let (_, page) = world.challenge(&request).await;
    world.answer(&page, "123", "confirm").await;
    let results = world.results();
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| *result == results[0]), "a repeat is the same message");
    let known = world.known(&request).await;
    let answers: Vec<&str> =
        known["results"].as_array().unwrap().iter().map(|one| one["answered"].as_str().unwrap()).collect();
    assert_eq!(answers, ["HTTP 502", "HTTP 502", "RRes"]);
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_a_server_that_never_takes_it_does_not_hold_the_browser_for_ever() {
    let world = World::start().await;
    world.reply(&[Reply::Refused]);
    let request = world.request(CARD);
    let (_, page) = world.challenge(&request).await;
    assert_eq!(decode(&world.answer(&page, "123", "confirm").await.field("cres"))["transStatus"], "Y");
    assert_eq!(world.known(&request).await["results"][0]["answered"], "Erro 301");
    assert_eq!(world.results().len(), 1);

    world.reply(&[Reply::Broken; 3]);
    let (_, page) = world.challenge(&world.request(CARD)).await;
    assert_eq!(world.answer(&page, "123", "confirm").await.action(), NOTIFICATION);
    assert_eq!(world.results().len(), 4);
}

#[tokio::test]
async fn results_can_be_withheld_doubled_late_and_forged() {
    let world = World::start().await;
    world.script(json!({ "result": "withheld" })).await;
    let (_, page) = world.challenge(&world.request(CARD)).await;
    let back = world.answer(&page, "123", "confirm").await;
    assert_eq!(decode(&back.field("cres"))["transStatus"], "Y", "the browser says yes");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(world.results().is_empty());

    world.script(json!({ "result": "twice" })).await;
    let (_, page) = world.challenge(&world.request(CARD)).await;
    world.answer(&page, "123", "confirm").await;
    let results = world.results();
    assert_eq!((results.len(), &results[0]), (2, &results[1]));

    world.script(json!({ "result": "late", "late_ms": 300 })).await;
    let (_, page) = world.challenge(&world.request(CARD)).await;
    world.answer(&page, "123", "confirm").await;
    assert_eq!(world.results().len(), 2, "the browser is back first");
    until(|| world.results().len() == 3).await;

    world.script(json!({ "result": "forged" })).await;
    let (response, page) = world.challenge(&world.request("5544330000000045")).await;
    until(|| world.results().len() == 4).await;
    let forged = &world.results()[3];
    assert_eq!((&forged["transStatus"], &forged["acsTransID"]), (&json!("Y"), &response["acsTransID"]));
    assert_ne!(forged["dsTransID"], response["dsTransID"]);
    world.answer(&page, "123", "confirm").await;
    assert_eq!(world.results()[4]["transStatus"], "N");
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not happen");
}

#[tokio::test]
async fn what_is_unknown_over_or_misread_shows_a_page_and_reports_nothing() {
    let world = World::start().await;
    let request = world.request(CARD);
    let response = world.directory(&request).await;
    let open = async |creq: &str| world.form("/3ds/acs/challenge", &[("creq", creq)]).await.status;
    let changed = |name: &str, value: Value| {
        let mut changed = response.clone();
        changed[name] = value;
        creq(&changed)
    };
    assert_eq!(open("nonsense").await, 400);
    assert_eq!(open(&encode(&json!({ "messageType": "CRes" }))).await, 400);
    assert_eq!(world.form("/3ds/acs/challenge", &[]).await.status, 400);
    let session = "x".repeat(1_025);
    let fields = [("creq", creq(&response)), ("threeDSSessionData", session)];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(world.form("/3ds/acs/challenge", &fields).await.status, 400);
    let other = json!("d7c1ee99-9478-44a6-b1f2-391e29c6b340");
    assert_eq!(open(&changed("acsTransID", other.clone())).await, 404);
    assert_eq!(open(&changed("threeDSServerTransID", other)).await, 404);
    assert_eq!(open(&changed("messageVersion", json!("2.1.0"))).await, 404);

    let good = creq(&response);
    assert_eq!(open(&good).await, 200);
    assert_eq!(open(&good).await, 200, "a page may be loaded again");
    let page = world.form("/3ds/acs/challenge", &[("creq", &good)]).await;
    world.pass(30 * 60);
    assert_eq!(open(&good).await, 200, "thirty minutes are not over yet");
    world.pass(1);
    assert_eq!(open(&good).await, 410);
    assert_eq!(world.answer(&page, "123", "confirm").await.status, 410);
    assert!(world.results().is_empty());

    let frictionless = world.directory(&world.request("4477000000000006")).await;
    assert_eq!(open(&creq(&frictionless)).await, 410, "there is nothing to ask");
}

#[tokio::test]
async fn pages_allow_no_inline_script_and_shrink_to_the_window_inside_a_frame() {
    let world = World::start().await;
    let response = world.directory(&world.request(CARD)).await;
    let post = async |framed: bool| {
        let body = format!("creq={}", creq(&response));
        let mut request = world.client.post(format!("{}/3ds/acs/challenge", world.base)).body(body);
        request = request.header("content-type", "application/x-www-form-urlencoded");
        if framed {
            request = request.header("sec-fetch-dest", "iframe");
        }
        request.send().await.unwrap()
    };
    let whole = post(false).await;
    let policy = whole.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"));
    let whole = whole.text().await.unwrap();
    assert!(whole.contains("What each action does") && !whole.contains("<script"));
    let framed = post(true).await.text().await.unwrap();
    assert!(!framed.contains("What each action does") && framed.contains("Simulator"));
    for (asset, kind) in [("style.css", "text/css"), ("submit.js", "text/javascript")] {
        let url = format!("{}/3ds/acs/{asset}", world.base);
        let got = world.client.get(url).send().await.unwrap();
        assert!(got.headers()["content-type"].to_str().unwrap().starts_with(kind));
    }
}
