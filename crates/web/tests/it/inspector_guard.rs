//! Whom the inspector refuses, what it lets browsers do, and what it never tells.

use crate::{
    inspector::{Browser, HOST, quiet},
    support::{PROJECT, SECRET, World, sale, sign_at},
};
use axum::{
    body::Body,
    http::{Request, header},
};
use ferropay_web::server::Peer;
use ferropay_wire::signature::Place;
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::time::Duration;
use tower::ServiceExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn only_this_machine_by_its_own_name_is_answered() {
    let world = World::new().await;
    let mut browser = Browser::of(&world);
    let ask = |host: &'static str| {
        Request::get("/inspector").header(header::HOST, host).body(Body::empty()).unwrap()
    };
    assert_eq!(browser.request(ask("localhost:8080")).await.status, 200);
    for host in ["rebound.example", "rebound.example:8080", "127.0.0.1.nip.example"] {
        let page = browser.request(ask(host)).await;
        assert_eq!(page.status, 403, "{host}");
        assert!(page.headers.contains_key(header::CONTENT_SECURITY_POLICY));
    }
    for (target, status) in
        [("http://127.0.0.1:8080/inspector", 200), ("http://rebound.example/inspector", 403)]
    {
        let request = Request::get(target).header(header::HOST, HOST).body(Body::empty()).unwrap();
        assert_eq!(browser.request(request).await.status, status, "{target}");
    }
    let without_host = Request::get("/inspector").body(Body::empty()).unwrap();
    assert_eq!(browser.request(without_host).await.status, 403);
    for peer in ["192.0.2.7:50000", "[2001:db8::1]:50000"] {
        browser.peer = peer.parse().unwrap();
        assert_eq!(browser.request(ask(HOST)).await.status, 403, "{peer}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_has_forwarded_is_refused_unless_the_operator_allows_it() {
    let world = World::new().await;
    let (straight, behind_proxy) = (Browser::of(&world), Browser::before(&world, true));
    for name in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-real-ip",
        "via",
    ] {
        // Whatever it says, and also when it says nothing.
        for value in ["127.0.0.1", ""] {
            let ask = |path: &str| {
                let request = Request::get(path).header(header::HOST, HOST).header(name, value);
                request.body(Body::empty()).unwrap()
            };
            for path in ["/inspector", "/inspector/live", "/inspector/projects/1001"] {
                let page = straight.request(ask(path)).await;
                assert_eq!(page.status, 403, "{name} at {path}");
                assert!(page.text.contains("came through a proxy"), "{}", page.text);
                assert!(page.text.contains("--inspector-behind-proxy"), "it says what to do: {}", page.text);
            }
            assert_eq!(behind_proxy.request(ask("/inspector")).await.status, 200, "{name}");
        }
    }
    let mut elsewhere = behind_proxy;
    elsewhere.peer = "192.0.2.7:50000".parse().unwrap();
    assert_eq!(elsewhere.get("/inspector").await.status, 403, "a proxy on this machine, not on another");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inspector_signs_nothing_for_anybody() {
    let signed = sign_at(Place::General, &sale("order-1", 100, "EUR"), SECRET);
    let right: Value = serde_json::from_str(&signed).unwrap();
    let right = right["general"]["signature"].as_str().unwrap().to_owned();
    for wrong in ["", "nonsense"] {
        let world = World::new().await;
        let browser = Browser::of(&world);
        let mut body = sale("order-1", 100, "EUR");
        body["general"]["signature"] = wrong.into();
        world.post("/v2/payment/card/sale", body.to_string()).await;
        let explained = browser.explained().await;
        let record = browser.records("?kind=requests").await.remove(0);
        let compare = format!("{}/compare", record.split('?').next().unwrap());
        let token = browser.token().await;
        let pasted = [("token", token.as_str()), ("string", "general:payment_id:order-1;payment:amount:100")];
        let compared = browser.submit(&compare, &pasted).await;
        assert_eq!(compared.status, 200, "{}", compared.text);
        for page in [explained, compared.text] {
            let page = page.replace("&#43;", "+").replace("&#47;", "/");
            assert!(page.contains(&format!("{}…", &right[..12])), "its beginning is there: {page}");
            assert!(!page.contains(&right[..13]), "but no more: {page}");
            assert!(!page.contains(&right[right.len() - 10..]), "nor its end: {page}");
        }
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_allow_browsers_nothing_but_their_own_files() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    let page = browser.get("/inspector").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_token_or_from_elsewhere_changes_nothing() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    let token = browser.token().await;
    let path = "/inspector/projects/1001/faults";
    for wrong in ["", "0", &token[1..], &token.to_uppercase()] {
        assert_eq!(browser.submit(path, &[("token", wrong), ("plan", "drop")]).await.status, 403, "{wrong}");
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:9090", "http://localhost:8080"] {
        let page = browser.submit_from(origin, path, &[("token", &token), ("plan", "drop")]).await;
        assert_eq!(page.status, 403, "{origin}");
    }
    let known = world.engine.projects().get(ferropay_domain::ids::ProjectId::new(PROJECT)).unwrap();
    assert_eq!(known.project.settings.fault_plan, None);
    // A form leads back into the inspector, wherever it says it came from.
    for (back, expected) in [
        ("/inspector/records/7?q=a", "/inspector/records/7?q=a&said=fault"),
        ("https://evil.example/", "/inspector?said=fault"),
        ("//evil.example", "/inspector?said=fault"),
        ("/inspectorate", "/inspector?said=fault"),
        ("/inspector\r\nset-cookie: a=b", "/inspector?said=fault"),
    ] {
        let page = browser.submit(path, &[("token", &token), ("plan", "delay=1"), ("back", back)]).await;
        assert_eq!(
            (page.status, page.headers[header::LOCATION].to_str().unwrap()),
            (303, expected),
            "{back:?}"
        );
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_page_of_an_earlier_process_begins_anew_and_goes_on_from_the_newest() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    world.paid(&sale("before", 100, "EUR")).await;
    quiet(&world).await;
    let mut request = Request::get("/inspector/live?kind=requests&after=5000")
        .header(header::HOST, HOST)
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(Peer(browser.peer));
    let response = browser.router.clone().oneshot(request).await.unwrap();
    let mut body = response.into_body();
    let mut next = async || {
        let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.unwrap().unwrap();
        String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap()
    };
    assert!(next().await.contains("event: restarted"));
    world.paid(&sale("after", 100, "EUR")).await;
    let event = next().await;
    assert!(event.contains("event: row") && event.contains("after, accepted"), "{event}");
    assert!(!event.contains("before, accepted"), "what was there is in the new list: {event}");
    world.end().await;
}
