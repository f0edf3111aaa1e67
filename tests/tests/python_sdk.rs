//! The official Python client reads and verifies what the platform sends, and signs what the platform takes.
#![cfg(test)]

use ferropay_tests::{Ran, World, cards, seconds};
use std::{fs, process::Command};

/// Verifies each line of a file as a callback; prints `STATUS ID` for each. A changed body must be refused.
const VERIFY: &str = r#"
import json, sys
from payment_page_sdk.callback import Callback
from payment_page_sdk.process_exception import ProcessException
from payment_page_sdk.signature_handler import SignatureHandler

handler = SignatureHandler(sys.argv[1])
for line in open(sys.argv[2], encoding="utf-8"):
    callback = Callback(line, handler)
    print(callback.get_payment_status(), callback.get_payment_id())
    changed = json.loads(line)
    changed["payment"]["sum"]["amount"] += 1
    try:
        Callback(json.dumps(changed), handler)
    except ProcessException:
        continue
    sys.exit("a changed callback was taken for genuine")
"#;

/// Signs the document on standard input the way the client signs its requests.
const SIGN: &str = r#"
import json, sys
from payment_page_sdk.signature_handler import SignatureHandler
document = json.load(open(sys.argv[2], encoding="utf-8"))
document["general"]["signature"] = SignatureHandler(sys.argv[1]).sign(document)
print(json.dumps(document))
"#;

fn python(world: &World, script: &str, input: &str) -> String {
    let python = std::env::var_os("FERROPAY_TEST_PYTHON").expect(
        "FERROPAY_TEST_PYTHON names no Python with tests/requirements.txt; run the tests with ./test",
    );
    let file = world.directory().join("input.json");
    fs::write(&file, input).unwrap();
    Ran::of(Command::new(python).args(["-c", script, &world.platform.merchant.secret]).arg(file)).good()
}

// G-035 G-039 G-089
#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_verifies_every_kind_of_callback() {
    let world = World::start(&["--acquirer-timeout", "400"]).await;
    let merchant = &world.platform.merchant;
    world.paid("plain").await;
    world.paid("whole").await;
    // Text in which separators, quotes and other alphabets stand.
    let mut body = merchant.sale("Zażółć: \"gęślą\"; jaźń\\", cards::APPROVED, 1000);
    body["payment"]["description"] = "semi;colon:colon\nnew line / \u{1f600} <b>&amp;".into();
    body["merchant"]["data"] = "{\"order\": [1, 2, {\"a\": null}]}".into();
    let text = world.platform.sale(body).await.request_id();
    let declined = world.sale("declined", cards::DECLINED, None).await.request_id();
    let lost = world.sale("lost", cards::APPROVED, Some("drop@purchase")).await.request_id();
    let part = world.refund("plain", Some(300), None).await.request_id();
    let whole = world.refund("whole", None, None).await.request_id();
    for request in [text, declined, lost, part, whole] {
        world.receiver.final_of(&request, seconds(30)).await;
    }
    let again = world.refund("plain", Some(100), None).await.request_id();
    let again = world.receiver.final_of(&again, seconds(30)).await;
    assert_eq!((again.operation().1, again.code()), ("decline", "3285"), "with errors in a list");
    world.quiet(seconds(20)).await;
    let received = world.receiver.all();
    let lines: Vec<String> = received.iter().map(|it| it.text.clone()).collect();
    let said = python(&world, VERIFY, &lines.join("\n"));
    let expected: Vec<String> = received
        .iter()
        .map(|it| format!("{} {}", it.json["payment"]["status"].as_str().unwrap(), it.payment()))
        .collect();
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    assert_eq!(received.len(), 8);
    world.assert_sound();
}

// G-035 G-038 G-040
#[tokio::test(flavor = "multi_thread")]
async fn what_the_official_client_signs_is_taken_and_its_replies_verify() {
    let world = World::start(&[]).await;
    let body = world.platform.merchant.sale("from-python", cards::APPROVED, 1000).to_string();
    let signed = python(&world, SIGN, &body);
    let answer = world.platform.post_raw("/v2/payment/card/sale", signed.trim(), None).await;
    let request = answer.request_id();
    assert!(answer.json.get("signature").is_none(), "an acceptance is not signed");
    world.receiver.final_of(&request, seconds(20)).await;
    let status = world.platform.status("from-python").await;
    let said = python(&world, VERIFY, &status.text);
    assert_eq!(said.trim(), "success from-python");
    world.quiet(seconds(20)).await;
    world.assert_sound();
}
