//! Which cards take part: loaded at the start, renewed, and kept when the directory is away.

use crate::support::*;
use ferropay_domain::{card::Pan, project::Environment};
use ferropay_engine::authentication::Authenticator;
use ferropay_providers::three_ds::{Config, StartError, ThreeDsServer, directory::Problem};
use std::time::Duration;

fn pan(card: &str) -> Pan {
    Pan::parse(card).unwrap()
}

// D-491
#[tokio::test]
async fn test_cards_take_part_with_version_and_method_page_and_others_do_not() {
    let world = World::start().await;
    for (card, method) in
        [("4314220000000056", true), ("4477000000000006", true), ("5252000000000004", false)]
    {
        let range = world.server.range(&pan(card)).unwrap();
        assert_eq!(&*range.version, "2.2.0");
        assert_eq!(range.method_url.is_some(), method, "{card}");
    }
    assert_eq!(world.server.range(&pan("4000000000000077")), None);
    assert_eq!(world.server.environment(), Environment::Test);
}

#[tokio::test]
async fn a_renewal_brings_new_cards_and_withdraws_old_ones() {
    let world = World::start().await;
    world.control("PUT", "cards", &enrol("4000000000000077", true)).await;
    world.control("PUT", "cards", &enrol("5252000000000004", false)).await;
    assert!(world.server.range(&pan("4000000000000077")).is_none());
    assert_eq!(world.server.renew().await, Ok(5));
    assert!(world.server.range(&pan("4000000000000077")).is_some());
    assert!(world.server.range(&pan("5252000000000004")).is_none());
    assert_eq!(world.server.renew().await, Ok(5), "no news change nothing");
}

#[tokio::test]
async fn ranges_are_renewed_by_themselves() {
    let world = World::with(|config| config.renewal = Duration::from_millis(50)).await;
    world.control("PUT", "cards", &enrol("4000000000000077", true)).await;
    for _ in 0..200 {
        if world.server.range(&pan("4000000000000077")).is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the new card did not come");
}

#[tokio::test]
async fn a_directory_that_is_away_leaves_the_last_ranges_in_force_and_one_that_began_anew_is_asked_for_all() {
    let mut world = World::start().await;
    world.control("PUT", "cards", &enrol("4000000000000077", true)).await;
    assert_eq!(world.server.renew().await, Ok(6));
    world.stop_simulator().await;
    let problem = world.server.renew().await.unwrap_err();
    assert!(matches!(problem, Problem::Unreachable | Problem::Broken), "{problem:?}");
    assert!(world.server.range(&pan("4000000000000077")).is_some());
    // The new directory does not know the state the old one had come to.
    let (_, _simulator) = simulate(&world.address()).await;
    assert_eq!(world.server.renew().await, Ok(5));
    assert!(world.server.range(&pan("4000000000000077")).is_none());
    assert!(world.server.range(&pan("4314220000000056")).is_some());
}

#[tokio::test]
async fn a_3ds_server_starts_before_its_directory_does() {
    let (address, simulator) = simulate("127.0.0.1:0").await;
    simulator.abort();
    let _ = simulator.await;
    let url = format!("http://{address}/3ds/ds");
    let config = Config::new(Environment::Test, url, registration("http://127.0.0.1:1/3ds/result"));
    let server = ThreeDsServer::start(config).unwrap();
    assert!(!server.wait_until_loaded(Duration::from_millis(200)).await);
    assert!(server.range(&pan("4314220000000056")).is_none());
    let (_, _simulator) = simulate(&address.to_string()).await;
    assert!(server.wait_until_loaded(Duration::from_secs(10)).await);
    assert!(server.range(&pan("4314220000000056")).is_some());
}

#[tokio::test]
async fn what_networks_would_not_take_is_found_at_the_start() {
    let start = |environment, directory: &str, result: &str, requestor: &str| {
        let mut registration = registration(result);
        registration.requestor_id = requestor.to_owned();
        ThreeDsServer::start(Config::new(environment, directory, registration)).map(|_| ())
    };
    let (directory, result) = ("https://ds.example/", "https://pay.example/3ds/result");
    assert!(start(Environment::Production, directory, result, "1").is_ok());
    assert!(matches!(
        start(Environment::Production, "http://ds.example/", result, "1"),
        Err(StartError::Address { .. })
    ));
    assert!(matches!(
        start(Environment::Production, directory, "http://pay.example/", "1"),
        Err(StartError::Address { .. })
    ));
    let error = start(Environment::Production, "http://ds.example/", result, "1").unwrap_err().to_string();
    assert_eq!(error, "the directory server's address \"http://ds.example/\" is no https address");
    assert!(matches!(start(Environment::Test, "ds.example", result, "1"), Err(StartError::Address { .. })));
    assert!(matches!(start(Environment::Test, directory, result, ""), Err(StartError::Identifier(_))));
    let mut config = Config::new(Environment::Test, directory, registration(result));
    config.identity = Some(b"no certificate".to_vec());
    assert!(matches!(ThreeDsServer::start(config), Err(StartError::Tls(_))));
}
