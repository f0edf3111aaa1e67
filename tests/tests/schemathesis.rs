//! The served contract is kept: Schemathesis asks every path with bodies made from it, right and wrong ones.
//!
//! `schemathesis/hooks.py` signs the requests, makes some right by data the platform knows, and says which answers are
//! expected; here the platform is started and given something to refund, and what was accepted is followed to its
//! callback. `./test --all` tries far more, from a seed of its own.
#![cfg(test)]

use ferropay_tests::{Ran, World, cards, seconds, sign};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn is_long() -> bool {
    std::env::var_os("FERROPAY_TEST_LONG").is_some()
}

/// What is asked, as options of Schemathesis.
fn runs() -> Vec<Vec<&'static str>> {
    if is_long() {
        return vec![vec!["--phases", "coverage,fuzzing", "--max-examples", "30", "--max-time", "600"]];
    }
    let executed = ["--include-path-regex", "^/v2/payment/(status|status/request|card/refund)$"];
    vec![
        vec!["--phases", "fuzzing", "--max-examples", "8", "--seed", "1"],
        [&["--phases", "coverage", "--seed", "1"], executed.as_slice()].concat(),
    ]
}

/// What every answer is held to: three checks of Schemathesis, and that of the hooks.
const CHECKS: [&str; 4] = [
    "not_a_server_error",
    "content_type_conformance",
    "response_schema_conformance",
    "answers_are_those_of_the_contract",
];

/// Paths that have to be asked something right.
const RIGHT: [&str; 39] = [
    "/v2/payment/card/sale",
    "/v2/payment/card/auth",
    "/v2/payment/card/account_verification",
    "/v2/payment/card/capture",
    "/v2/payment/card/incremental",
    "/v2/payment/card/cancel",
    "/v2/payment/card/payout",
    "/v2/payment/individual/payout",
    "/v2/payment/invoice/create",
    "/v2/payment/card/refund",
    "/v2/payment/refund",
    "/v2/payment/status",
    "/v2/payment/status/request",
    "/v2/payment/card/sale/token",
    "/v2/customer/card/tokenize",
    "/v2/customer/saved_account/list",
    "/v2/payment/blik/sale",
    "/v2/payment/bancontact/sale",
    "/v2/payment/pix/sale",
    "/v2/payment/pix/payout",
    "/v2/payment/cup/union/sale",
    "/v2/payment/bnpl/humm/sale",
    "/v2/payment/skrill/sale",
    "/v2/payment/skrill/payout",
    "/v2/payment/wallet/{payment_method}/sale",
    "/v2/payment/wallet/{payment_method}/auth",
    "/v2/payment/wallet/{payment_method}/payout",
    "/v2/payment/banks/{payment_method}/sale",
    "/v2/payment/banks/{payment_method}/payout",
    "/v2/payment/bank-transfer/{payment_method}/sale",
    "/v2/payment/bank-transfer/{payment_method}/payout",
    "/v2/payment/online-banking/{payment_method}/sale",
    "/v2/payment/atm/{payment_method}/sale",
    "/v2/payment/atm/{payment_method}/payout",
    "/v2/payment/directdebit/{payment_method}/sale",
    "/v2/payment/directdebit/{payment_method}/contract/registration",
    "/v2/info/available-methods/{payment_direction}/list",
    "/v2/info/banks/{payment_method}/{operationType}/list",
    "/v2/info/banks/{parentMethod}/{childMethod}/{operationType}/list",
];

/// The program beside the interpreter that has the packages.
fn schemathesis() -> PathBuf {
    let python = std::env::var_os("FERROPAY_TEST_PYTHON").expect(
        "FERROPAY_TEST_PYTHON names no Python with tests/requirements.txt; run the tests with ./test",
    );
    Path::new(&python).with_file_name("schemathesis")
}

/// Payments that can be refunded, and the requests that made them.
async fn paid(world: &World) -> (Vec<String>, Vec<String>) {
    let mut payments = Vec::new();
    let mut requests = Vec::new();
    for number in 0..20 {
        let payment = format!("paid-{number}");
        let callback = world.paid(&payment).await;
        requests.push(callback.json["operation"]["request_id"].as_str().unwrap().to_owned());
        payments.push(payment);
    }
    (payments, requests)
}

/// Payments of 10.00 EUR on hold.
async fn held(world: &World) -> Vec<String> {
    let mut payments = Vec::new();
    let merchant = &world.platform.merchant;
    for number in 0..20 {
        let payment = format!("held-{number}");
        let body = merchant.signed(merchant.sale(&payment, cards::APPROVED, 1000));
        let answer = world.platform.post_raw("/v2/payment/card/auth", &body, None).await;
        let callback = world.receiver.final_of(&answer.request_id(), seconds(30)).await;
        assert_eq!(callback.json["payment"]["status"], "awaiting capture", "{}", callback.text);
        payments.push(payment);
    }
    payments
}

/// A token of customer-7's card.
async fn token(world: &World) -> String {
    let merchant = &world.platform.merchant;
    let mut body = json!({
        "customer": { "project_id": merchant.project, "id": "customer-7" },
        "card": { "pan": cards::APPROVED, "year": 2035, "month": 12, "card_holder": "JUDY DOE" },
    });
    body["customer"]["signature"] = sign::signature(&body, &merchant.secret).into();
    let answer = world.platform.post_raw("/v2/customer/card/tokenize", &body.to_string(), None).await;
    let request = answer.request_id();
    for _ in 0..600 {
        let told = world.receiver.all().into_iter().find(|it| it.json["request"]["id"] == request.as_str());
        if let Some(told) = told {
            return told.json["token"]
                .as_str()
                .unwrap_or_else(|| panic!("no token: {}", told.text))
                .to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no token within 30 s");
}

// G-001, G-013, G-014, G-043, G-044, G-045, G-047
#[tokio::test(flavor = "multi_thread")]
async fn every_path_keeps_the_served_contract_whatever_it_is_asked() {
    let world = World::start(&[]).await;
    let (payments, requests) = paid(&world).await;
    let held = held(&world).await;
    let token = token(&world).await;
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis");
    let contract = format!("{}/openapi/gate.json", world.platform.base());
    for (number, options) in runs().into_iter().enumerate() {
        let summary = world.directory().join(format!("summary.{number}.json"));
        let mut command = Command::new(schemathesis());
        command
            // One worker: with more, Python 3.11 miscounts the depth of its own syntax trees now and then.
            .args(["run", &contract, "--no-color", "--workers", "1", "--warnings", "off"])
            .args(["--checks", &CHECKS.join(",")])
            .args(&options)
            .current_dir(world.directory())
            .env("PYTHONPATH", &hooks)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("FERROPAY_SECRET", &world.platform.merchant.secret)
            .env("FERROPAY_PROJECT", world.platform.merchant.project.to_string())
            .env("FERROPAY_PAID", payments.join(" "))
            .env("FERROPAY_HELD", if number == 0 { held.join(" ") } else { String::new() })
            .env("FERROPAY_TOKEN", &token)
            .env("FERROPAY_REQUESTS", requests.join(" "))
            .env("FERROPAY_SUMMARY", &summary);
        let ran = Ran::of(&mut command);
        assert!(ran.ok, "schemathesis {}\n{}{}", options.join(" "), ran.out, ran.err);
        check(&world, &serde_json::from_str(&std::fs::read_to_string(summary).unwrap()).unwrap()).await;
    }
    if is_long() {
        // Among so many requests some ask for a late callback, or for one to an address where nobody is.
        world.platform.command(&["clock", "advance", "1001", "12d", "--no-wait"]).good();
    }
    world.quiet_but_for_the_calendar(seconds(120)).await;
    world.assert_agreed();
}

/// Whether what had to be tried was tried, and what was accepted came to its end.
async fn check(world: &World, summary: &Value) {
    let asked = summary["statuses"].as_object().unwrap();
    for (path, statuses) in asked {
        let refused = ["400", "422"].iter().filter_map(|status| statuses[status].as_u64()).sum::<u64>();
        assert!(refused > 0, "{path} was asked nothing wrong: {statuses}");
    }
    assert!(asked.len() == 107 || asked.len() == 3, "{} paths were asked", asked.len());
    for path in RIGHT.iter().filter(|path| asked.contains_key(**path)) {
        assert!(summary["right"][*path].is_u64(), "{path} was asked nothing right");
    }
    let accepted = summary["accepted"].as_array().unwrap();
    assert!(!accepted.is_empty());
    for request in accepted {
        let request = request.as_str().unwrap();
        let callback = world.receiver.final_of(request, seconds(60)).await;
        let (_, status) = callback.operation();
        assert!(["success", "decline"].contains(&status), "{}", callback.text);
    }
}
