//! Authentication requests and their answers.

use crate::support::*;
use ferropay_domain::payment::{AuthenticationResult, TransStatus};
use ferropay_engine::authentication::{AuthenticationOrder, AuthenticationOutcome, Authenticator};
use serde_json::json;
use std::time::{Duration, Instant};

const FRICTIONLESS: &str = "4477000000000006";

fn decided(answer: AuthenticationOutcome) -> AuthenticationResult {
    match answer {
        AuthenticationOutcome::Decided { result, ds_transaction, acs_transaction, .. } => {
            assert_eq!((ds_transaction.len(), acs_transaction.len()), (36, 36));
            result
        }
        other => panic!("{other:?}"),
    }
}

fn unavailable(answer: AuthenticationOutcome) -> String {
    match answer {
        AuthenticationOutcome::Unavailable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

// D-491, G-194
#[tokio::test]
async fn a_frictionless_card_is_authenticated_with_indicator_and_proof() {
    let world = World::start().await;
    for (card, eci) in [(FRICTIONLESS, "05"), ("5252000000000004", "02")] {
        let result = decided(world.ask(card).await);
        assert_eq!((result.status, result.eci.as_deref()), (TransStatus::Y, Some(eci)));
        assert_eq!(result.value.unwrap().len(), 28);
        assert_eq!((result.reason, result.cancelled), (None, None));
    }
}

// G-193
#[tokio::test]
async fn a_directory_that_checks_every_element_takes_the_request_in_both_versions_with_and_without_data() {
    let world = World::start().await;
    for version in ["2.1.0", "2.2.0"] {
        for bare in [false, true] {
            for is_payment in [false, true] {
                let mut order = AuthenticationOrder {
                    version: version.to_owned(),
                    is_payment,
                    ..world.order(FRICTIONLESS)
                };
                if bare {
                    order.data.clear();
                    order.holder = None;
                }
                let result = decided(world.server.authenticate(order).await);
                assert_eq!(result.status, TransStatus::Y, "{version} {bare} {is_payment}");
            }
        }
    }
}

// G-194
#[tokio::test]
async fn every_status_is_told_as_the_issuer_said_it() {
    let world = World::start().await;
    for (letter, status, eci) in [
        ("Y", TransStatus::Y, Some("05")),
        ("A", TransStatus::A, Some("06")),
        ("N", TransStatus::N, None),
        ("U", TransStatus::U, Some("07")),
        ("R", TransStatus::R, None),
        ("I", TransStatus::I, Some("07")),
    ] {
        world.script(json!({ "status": letter, "reason": "11" })).await;
        let result = decided(world.ask(FRICTIONLESS).await);
        assert_eq!((result.status, result.eci.as_deref()), (status, eci));
        assert_eq!(result.reason.as_deref(), Some("11"));
        assert_eq!(result.value.is_some(), matches!(letter, "Y" | "A"));
    }
    // Somebody asked for a card that does not take part after all.
    let result = decided(world.ask("4000000000000077").await);
    assert_eq!((result.status, result.reason.as_deref()), (TransStatus::U, Some("13")));
}

#[tokio::test]
async fn an_error_message_is_unavailable_with_its_code() {
    let world = World::start().await;
    world.script(json!({ "answer": "error", "error_code": "404" })).await;
    let reason = unavailable(world.ask(FRICTIONLESS).await);
    assert!(reason.starts_with("the directory server answered with error 404 of component D"), "{reason}");
}

#[tokio::test]
async fn a_merchant_whose_country_is_not_known_has_that_of_the_registration() {
    let world = World::start().await;
    for country in ["", "QQ"] {
        let mut order = world.order(FRICTIONLESS);
        order.merchant.country = country.to_owned();
        let answer = world.server.authenticate(order).await;
        assert!(matches!(answer, AuthenticationOutcome::Decided { .. }), "{country:?}: {answer:?}");
    }
}

#[tokio::test]
async fn answers_that_break_the_protocol_are_unavailable_and_say_how() {
    let world = World::start().await;
    for (answer, part) in [
        ("html", "something other than JSON"),
        ("oversized", "too long"),
        ("garbage", "breaks the protocol"),
        ("foreign", "breaks the protocol: threeDSServerTransID"),
        ("unavailable", "HTTP status 503"),
    ] {
        world.script(json!({ "answer": answer })).await;
        let reason = unavailable(world.ask(FRICTIONLESS).await);
        assert!(reason.contains(part), "{answer}: {reason}");
    }
    assert_eq!(decided(world.ask(FRICTIONLESS).await).status, TransStatus::Y, "and the next is as ever");
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_a_missing_one_given_up() {
    let world = World::with(|config| config.time_out = Duration::from_millis(800)).await;
    world.script(json!({ "delay_ms": 300 })).await;
    let begun = Instant::now();
    assert_eq!(decided(world.ask(FRICTIONLESS).await).status, TransStatus::Y);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    for script in [json!({ "answer": "none" }), json!({ "delay_ms": 60_000 })] {
        world.script(script).await;
        let begun = Instant::now();
        let reason = unavailable(world.ask(FRICTIONLESS).await);
        assert_eq!(reason, "the directory server did not answer in time");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_directory_that_is_away_is_unavailable() {
    let mut world = World::start().await;
    world.stop_simulator().await;
    let reason = unavailable(world.ask(FRICTIONLESS).await);
    assert!(reason.contains("cannot be reached") || reason.contains("broke"), "{reason}");
}

#[tokio::test]
async fn an_identifier_is_used_once() {
    let world = World::start().await;
    let order = world.order(FRICTIONLESS);
    decided(world.server.authenticate(order.clone()).await);
    assert!(unavailable(world.server.authenticate(order).await).contains("error 305"));
}
