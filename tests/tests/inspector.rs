//! The inspector in a real browser: what developers see while they integrate, on a desk and on a telephone.
#![cfg(test)]

use ferropay_tests::{
    World,
    browser::{Browser, Screen},
    cards,
    receiver::Reply,
    seconds,
};
use serde_json::{Value, json};

/// A request whose description was put in after it was signed.
fn changed_after_signing(world: &World, payment_id: &str) -> String {
    let merchant = &world.platform.merchant;
    let mut body = merchant.sale(payment_id, cards::APPROVED, 4_990);
    let description = body["payment"].as_object_mut().unwrap().remove("description").unwrap();
    let mut signed: Value = serde_json::from_str(&merchant.signed(body)).unwrap();
    signed["payment"]["description"] = description;
    signed.to_string()
}

/// Waits until a script answers true.
async fn until(browser: &Browser, script: &str) {
    for _ in 0..300 {
        if browser.script(&format!("return Boolean({script})")).await == json!(true) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("not within 15 s: {script}\n{}", browser.script("return document.body.innerText").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_watches_traffic_and_learns_why_a_signature_is_refused() {
    let world = World::start(&[]).await;
    let base = world.platform.base().to_owned();
    world.paid("atlas-1").await;
    let browser = Browser::start(Screen::DESKTOP).await;
    browser.open(&format!("{base}/inspector")).await;
    until(&browser, "document.querySelectorAll('.row').length >= 4").await;

    // What happens now appears without a reload, on top, and nothing jumps: the row looked at stays selected.
    browser.press_first(".row:last-child").await;
    until(&browser, "document.querySelector('#detail h1').innerText.includes('/v2/payment/card/sale')").await;
    world.platform.post_raw("/v2/payment/card/sale", &changed_after_signing(&world, "atlas-2"), None).await;
    until(&browser, "document.querySelector('.row').innerText.includes('atlas-2')").await;
    assert_eq!(browser.script("return document.querySelectorAll('.row[aria-current]').length").await, 1);

    // One click away: the cause, and the first difference.
    browser.press_first(".row").await;
    until(&browser, "document.querySelector('#detail .diff')").await;
    let cause = browser.script("return document.querySelector('#detail .note h2').innerText").await;
    assert_eq!(cause, "payment.description was added after signing");
    let first = "return document.querySelector('.diff .first').innerText.replace(/\\s+/g, ' ').trim()";
    assert_eq!(browser.script(first).await, "+ payment:description:Two coffees left out");
    browser.screenshot("inspector-signature").await;

    for (screen, name) in [(Screen::PHONE, "phone"), (Screen::NARROW, "narrow")] {
        browser.show_on(screen).await;
        for (path, what) in [
            ("/inspector", "list"),
            ("/inspector/projects/1001", "project"),
            ("/inspector/payment?project=1001&id=atlas-1", "payment"),
        ] {
            browser.open(&format!("{base}{path}")).await;
            let width = u64::from(screen.width);
            assert_eq!(browser.widths().await, (width, width), "{what} on {name}");
            // One pane at a time.
            let panes =
                "return ['.log', '.detail'].filter(it => document.querySelector(it).offsetHeight > 0).length";
            assert_eq!(browser.script(panes).await, 1, "{what} on {name}");
            let small = "return [...document.querySelectorAll('.btn, .row, .to-list')]
                .filter(it => it.offsetHeight > 0 && it.offsetHeight < 44).map(it => it.outerHTML)";
            assert_eq!(browser.script(small).await, json!([]), "targets of {what} on {name}");
            browser.screenshot(&format!("inspector-{what}-{name}")).await;
        }
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buttons_set_faults_move_the_clock_and_send_callbacks_again() {
    let world = World::start(&[]).await;
    let base = world.platform.base().to_owned();
    let browser = Browser::start(Screen::DESKTOP).await;
    let said = "document.querySelector('.toast')?.innerText";
    browser.open(&format!("{base}/inspector/projects/1001")).await;
    browser.type_into("#plan", "decline=51").await;
    browser.press_first("form.inline:has(#plan) button").await;
    until(&browser, &format!("{said}?.includes('fault plan is set')")).await;
    let request = world.sale("atlas-1", cards::APPROVED, None).await.request_id();
    assert_eq!(world.receiver.final_of(&request, seconds(30)).await.operation(), ("sale", "decline"));
    browser.press_first("form:has([name=clear]) button").await;
    until(&browser, &format!("{said}?.includes('cleared')")).await;

    // A shop that does not take a callback gets it again when the clock comes to the next try.
    world.receiver.behave(|received| Reply::Status(if received.earlier == 0 { 500 } else { 200 }));
    world.sale("atlas-2", cards::APPROVED, None).await.request_id();
    while world.receiver.about("atlas-2").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    browser.open(&format!("{base}/inspector/projects/1001")).await;
    until(&browser, "!document.querySelector('[value=next]').disabled").await;
    browser.press_first("[value=next]").await;
    until(&browser, &format!("{said}?.includes('arrived')")).await;
    assert_eq!(world.receiver.about("atlas-2").len(), 2);

    browser.open(&format!("{base}/inspector/payment?project=1001&id=atlas-2")).await;
    browser.screenshot("inspector-payment").await;
    browser.press_first(".resend button").await;
    until(&browser, &format!("{said}?.includes('sent again')")).await;
    while world.receiver.about("atlas-2").len() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let all = world.receiver.about("atlas-2");
    assert!(all.iter().all(|one| one.text == all[0].text), "the same body each time");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    world.quiet(seconds(30)).await;
    world.assert_sound();
}
