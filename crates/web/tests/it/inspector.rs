//! The inspector: what it shows of requests, callbacks and provider messages, what its buttons do, and whom it refuses.

use crate::support::{CARD_OK, PROJECT, SECRET, World, refund, sale, sign_at};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
};
use ferropay_domain::project::Environment;
use ferropay_web::inspector::Options;
use ferropay_web::server::Peer;
use ferropay_wire::signature::Place;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tower::ServiceExt as _;

const SALE: &str = "/v2/payment/card/sale";
pub(crate) const HOST: &str = "127.0.0.1:8080";

/// A browser of a developer on the platform's machine.
pub(crate) struct Browser {
    pub(crate) router: Router,
    pub(crate) peer: SocketAddr,
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn of(world: &World) -> Self {
        Self::before(world, false)
    }

    /// A browser whose requests come as they do when the inspector knows of a proxy, or of none.
    pub(crate) fn before(world: &World, behind_proxy: bool) -> Self {
        Self::shown(world, Options { behind_proxy, ..Options::default() })
    }

    /// A browser before an inspector that is set up like this.
    fn shown(world: &World, options: Options) -> Self {
        let router = ferropay_web::inspector::router(world.engine.clone(), HOST.parse().unwrap(), options);
        Self { router, peer: SocketAddr::from(([127, 0, 0, 1], 50_000)) }
    }

    pub(crate) async fn request(&self, mut request: Request<Body>) -> Page {
        request.extensions_mut().insert(Peer(self.peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Page { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.request(Request::get(path).header(header::HOST, HOST).body(Body::empty()).unwrap()).await
    }

    /// The page, which exists.
    pub(crate) async fn open(&self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        page.text
    }

    /// Sends a form as a page of the inspector does.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.submit_from("http://127.0.0.1:8080", path, fields).await
    }

    pub(crate) async fn submit_from(&self, origin: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = Request::post(path)
            .header(header::HOST, HOST)
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.join("&")));
        self.request(request.unwrap()).await
    }

    /// The token of this process's forms.
    pub(crate) async fn token(&self) -> String {
        let page = self.open("/inspector/projects/1001").await;
        attribute(&page, "name=\"token\" value=\"").to_owned()
    }

    /// The addresses of all records in the list, newest first.
    pub(crate) async fn records(&self, query: &str) -> Vec<String> {
        let page = self.open(&format!("/inspector{query}")).await;
        page.split("class=\"row\" href=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    }

    /// The detail of the newest record of a list.
    pub(crate) async fn newest(&self, query: &str) -> String {
        let records = self.records(query).await;
        self.open(records.first().expect("a record").split('?').next().unwrap()).await
    }

    /// The same once its signature is explained, which happens beside the path of requests.
    pub(crate) async fn explained(&self) -> String {
        for _ in 0..1_500 {
            let page = self.newest("?kind=requests").await;
            if page.contains("Causes tried") {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the signature is not explained");
    }
}

/// Text as it may stand in an address or a form, whatever is in it.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02x}"))
}

/// What follows `before` up to the next quote.
fn attribute<'p>(page: &'p str, before: &str) -> &'p str {
    let at = page.find(before).unwrap_or_else(|| panic!("no {before} in {page}")) + before.len();
    page[at..].split('"').next().unwrap()
}

/// Waits until no work is in hand, so that everything is recorded.
pub(crate) async fn quiet(world: &World) {
    for _ in 0..500 {
        if world.engine.in_hand() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the platform does not come to rest");
}

async fn every_page(browser: &Browser, payment: &str) -> Vec<String> {
    let mut addresses: Vec<String> =
        ["/inspector", "/inspector?kind=steps", payment, "/inspector/projects/1001/callbacks"]
            .map(str::to_owned)
            .into();
    let callbacks = browser.open("/inspector/projects/1001/callbacks").await;
    addresses.push(attribute(&callbacks, "<li><a href=\"").to_owned());
    addresses.extend(browser.records("").await);
    addresses.extend(browser.records("?kind=steps").await);
    let mut pages = Vec::new();
    for address in addresses {
        pages.push(browser.open(&address).await);
    }
    pages
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_a_sequence_of_request_provider_messages_and_callback() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    world.paid(&sale("order-1", 1_370, "USD")).await;
    quiet(&world).await;
    let page = browser.open("/inspector").await;
    let mut arrows: Vec<&str> = page
        .split("class=\"lines\"><i class=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    // The platform's clock stands still here, and what happens at one moment is listed as it was written down.
    arrows.sort_unstable();
    assert_eq!(arrows, ["in", "out", "pb", "pr"]);
    for shown in
        ["Callback: sale success", "0210 purchase answer", "0200 purchase request", SALE, "00 approved"]
    {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let request = browser.newest("?kind=requests").await;
    for shown in ["order-1", "&quot;currency&quot;", "Two books", "answered 200", "&quot;status&quot;"] {
        assert!(request.contains(shown), "{shown} in {request}");
    }
    let message = browser.open(&browser.records("?kind=provider").await[1]).await;
    for shown in ["DE37", "000000001370 (13.70 USD)", "400000******0077"] {
        assert!(message.contains(shown), "{shown} in {message}");
    }
    let callback = browser.newest("?kind=callbacks").await;
    assert!(
        callback.contains("delivered") && callback.contains("https://shop.example/callbacks"),
        "{callback}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payments_course_gives_the_reason_of_every_step() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.refunded(&refund("order-1", Some((9_900, "USD")))).await;
    quiet(&world).await;
    let address = "/inspector/payment?project=1001&id=ORDER-1";
    let told = [
        "sale: processing → success",
        "The provider answered that it did it, result 00, approval code",
        "T-065",
        "refund: decline",
        "a condition of the operation is not met: 3283",
        "Callback: refund decline",
    ];
    let page = browser.open(address).await;
    for shown in told {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    assert!(
        page.contains("0210 purchase answer") && page.contains("/inspector/records/"),
        "from the recorder"
    );
    // When the recorder has forgotten, the store still tells.
    for number in 0..5_100 {
        // Of one second only a thousand records are kept.
        if number % 900 == 0 {
            world.clock.advance(Duration::from_secs(1));
        }
        world.post(SALE, "no JSON").await;
    }
    let page = browser.open(address).await;
    for shown in told.into_iter().chain(["Provider, attempt 1", "Accepted as"]) {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    assert!(!page.contains("0210 purchase answer"), "the messages are forgotten");
    world.end().await;
}

// G-037
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_signature_is_explained_with_the_first_difference() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    let mut body = sale("order-1", 1_370, "USD");
    body["payment"].as_object_mut().unwrap().remove("description");
    let mut signed: Value = serde_json::from_str(&sign_at(Place::General, &body, SECRET)).unwrap();
    signed["payment"]["description"] = "Two books".into();
    assert_eq!(world.post(SALE, signed.to_string()).await.status, 400);
    let page = browser.explained().await;
    assert!(page.contains("<code>payment.description</code> was added after signing"), "{page}");
    assert_eq!(page.matches("class=\"differs first\"").count(), 1);
    let first = attribute(&page, "class=\"differs first\"><td class=\"sign");
    assert!(first.is_empty());
    assert!(page.contains("<ins>payment:description:Two books</ins>") && page.contains("left out"), "{page}");
    assert!(page.contains("One member added after signing: match"));
    assert!(page.contains("card:pan:400000******0077") && page.contains("card:cvv:***"));

    world.clock.advance(Duration::from_secs(1));
    let body = sale("order-2", 100, "EUR");
    assert_eq!(world.post(SALE, sign_at(Place::General, &body, "another secret")).await.status, 400);
    let page = browser.explained().await;
    assert!(page.contains("None of the usual causes gives your signature"), "{page}");
    let record = browser.records("?kind=requests").await[0].split('?').next().unwrap().to_owned();
    let string =
        "general:payment_id:order-2;general:project_id:1001;payment:amount:1000;payment:currency:EUR";
    let token = browser.token().await;
    let page =
        browser.submit(&format!("{record}/compare"), &[("token", &token), ("string", string)]).await.text;
    assert!(
        page.contains("payment:amount:100<ins></ins>") && page.contains("payment:amount:100<ins>0</ins>"),
        "{page}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_no_longer_valid_is_told_from_a_wrong_one() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    world.set_secrets(&[("the new one", None), (SECRET, Some(Duration::from_mins(1)))]).await;
    world.clock.advance(Duration::from_mins(2));
    assert_eq!(world.send(SALE, &sale("order-1", 100, "EUR")).await.status, 400);
    assert!(browser.explained().await.contains("Signed with a secret that is no longer valid"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_member_is_marked_in_the_body() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    assert_eq!(world.send(SALE, &sale("order-1", -5, "EUR")).await.status, 400);
    let page = browser.newest("?failed=1").await;
    assert!(page.contains("<mark><span class=\"k\">&quot;amount&quot;</span>"), "{page}");
    assert!(page.contains("It is about payment.amount"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_cannot_leave_its_place_in_any_page() {
    const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let world = World::new().await;
    let browser = Browser::of(&world);
    let mut body = sale(HOSTILE, 1_370, "USD");
    body["payment"]["description"] = HOSTILE.into();
    body["customer"]["id"] = HOSTILE.into();
    world.accept(SALE, &body).await;
    world.callback().await;
    world.clock.advance(Duration::from_secs(1));
    let mut wrong = sale(HOSTILE, 100, "USD");
    wrong["payment"]["description"] = HOSTILE.into();
    wrong[HOSTILE] = HOSTILE.into();
    world.post(SALE, sign_at(Place::General, &wrong, HOSTILE)).await;
    browser.explained().await;
    quiet(&world).await;
    let encoded = encoded(HOSTILE);
    let payment = format!("/inspector/payment?project=1001&id={encoded}");
    let mut pages = every_page(&browser, &payment).await;
    pages.push(
        browser
            .open(&format!("/inspector?q={encoded}&payment={encoded}&kind={encoded}&said={encoded}"))
            .await,
    );
    assert!(pages.len() > 9, "{}", pages.len());
    for page in pages {
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
        assert!(!page.contains("\"'>"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "the script file only");
        assert!(!page.contains(" style=") && !page.contains(" onclick="), "nothing inline");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_shows_a_card_number_or_a_verification_value() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    let mut body = sale("order-1", 1_370, "USD");
    body["card"]["cvv"] = "9173".into();
    body["payment"]["description"] = format!("card {CARD_OK}").into();
    body["customer"]["cvv"] = "9173".into();
    world.accept(SALE, &body).await;
    world.callback().await;
    world.clock.advance(Duration::from_secs(1));
    // Refused with the card in places nobody expects.
    let stray = json!({
        "general": { "project_id": PROJECT, "payment_id": CARD_OK },
        "card": { "pan": CARD_OK, "CVV": "9173" },
        "note": format!("4000 0000 0000 0077 cvv {}", 0),
        "list": [{ "pan": 4_000_000_000_000_077_i64, "cvc": 9173 }],
    });
    world.post(SALE, sign_at(Place::General, &stray, "another")).await;
    browser.explained().await;
    world.post(SALE, format!("{{ broken {CARD_OK}")).await;
    quiet(&world).await;
    let pages = every_page(&browser, "/inspector/payment?project=1001&id=order-1").await;
    for page in &pages {
        for number in [CARD_OK, "4000 0000 0000 0077"] {
            assert!(!page.contains(number), "{page}");
        }
        for value in ["&quot;9173", ">9173", ":9173", " 9173", "&#34;9173"] {
            assert!(!page.contains(value), "{value} in {page}");
        }
    }
    assert!(pages.iter().any(|page| page.contains("400000******0077")), "the masked number is shown");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_production_project_is_recorded_or_shown() {
    let world = World::with(|project| project.environment = Environment::Production).await;
    let browser = Browser::of(&world);
    world.send(SALE, &sale("order-1", 100, "EUR")).await;
    world.post(SALE, sign_at(Place::General, &sale("order-2", 100, "EUR"), "wrong")).await;
    world.post(SALE, "no JSON: it may be meant for the production project").await;
    quiet(&world).await;
    assert_eq!(world.engine.recorder().newest(), 0);
    for address in
        ["/inspector/projects/1001", "/inspector/payment?project=1001&id=order-1", "/inspector/records/1"]
    {
        let page = browser.get(address).await;
        assert_eq!(page.status, 404, "{address}");
        assert!(!page.text.contains("order-1"), "{address}");
    }
    let token =
        attribute(&browser.open("/inspector/projects/1002").await, "name=\"token\" value=\"").to_owned();
    for path in ["faults", "clock", "callbacks"] {
        let page = browser
            .submit(&format!("/inspector/projects/1001/{path}"), &[("token", &token), ("by", "1h")])
            .await;
        assert_eq!(page.status, 404, "{path}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_plan_holds_until_it_is_cleared() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    let token = browser.token().await;
    let path = "/inspector/projects/1001/faults";
    assert_eq!(browser.submit(path, &[("token", &token), ("plan", " decline=51 ")]).await.status, 303);
    world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    assert_eq!(world.callback().await["payment"]["status"], "decline");
    assert!(browser.open("/inspector?project=1001").await.contains("Faults on"));
    assert!(browser.open("/inspector/projects/1001").await.contains("<code>decline=51</code>"));
    assert_eq!(browser.submit(path, &[("token", &token), ("clear", "1")]).await.status, 303);
    world.paid(&sale("order-2", 100, "EUR")).await;
    let too_long = "x".repeat(201);
    let page = browser.submit(path, &[("token", &token), ("plan", &too_long)]).await;
    assert_eq!(page.headers[header::LOCATION], "/inspector?said=bad-fault");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_would_leave_the_calendar_stands_where_it_was() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    let token = browser.token().await;
    let clock = "/inspector/projects/1001/clock";
    let form = [("token", token.as_str()), ("by", "own"), ("span", "3650d")];
    for _ in 0..10 {
        assert_eq!(browser.submit(clock, &form).await.headers[header::LOCATION], "/inspector?said=moved");
    }
    let page = browser.submit(clock, &form).await;
    assert_eq!(page.headers[header::LOCATION], "/inspector?said=too-far");
    assert!(browser.open("/inspector?said=too-far").await.contains("a hundred years"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_sent_again_and_the_clock_goes_to_the_next_timer() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    let token = browser.token().await;
    world.mailbox.answer_with(&[500]);
    world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    let first = world.callback().await;
    quiet(&world).await;
    let page = browser.newest("?kind=callbacks").await;
    assert!(page.contains("The shop answered 500") && page.contains("try 1"), "{page}");
    // The next try is a timer: going there brings it about.
    let clock = "/inspector/projects/1001/clock";
    let page = browser.submit(clock, &[("token", &token), ("by", "next")]).await;
    assert_eq!(page.headers[header::LOCATION], "/inspector?said=moved");
    assert_eq!(world.callback().await, first);
    quiet(&world).await;
    assert_eq!(
        browser.submit(clock, &[("token", &token), ("by", "next")]).await.headers[header::LOCATION],
        "/inspector?said=no-timer"
    );
    assert_eq!(
        browser.submit(clock, &[("token", &token), ("by", "own"), ("span", "soon")]).await.headers
            [header::LOCATION],
        "/inspector?said=bad-span"
    );
    assert_eq!(browser.submit(clock, &[("token", &token), ("by", "1d")]).await.status, 303);
    assert!(browser.open("/inspector/projects/1001").await.contains("24 h ahead of real time"));

    let page = browser.open("/inspector/payment?project=1001&id=order-1").await;
    let (callback, address) =
        (attribute(&page, "name=\"callback\" value=\""), attribute(&page, "name=\"address\" value=\""));
    assert_eq!(page.matches("Send again").count(), 1, "offered once, whatever the tries");
    let form = [("token", token.as_str()), ("callback", callback), ("address", address)];
    let page = browser.submit("/inspector/projects/1001/callbacks", &form).await;
    assert_eq!(page.headers[header::LOCATION], "/inspector?said=sent");
    assert_eq!(world.callback().await, first, "the same body, not made anew");
    let elsewhere = browser.submit("/inspector/projects/1002/callbacks", &form).await;
    assert_eq!(elsewhere.status, 404, "another project's callback");
    quiet(&world).await;
    world.end().await;
}

// D-508
#[tokio::test(flavor = "multi_thread")]
async fn the_last_hundred_callbacks_of_a_project_are_kept_with_body_answer_and_time() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    for number in 1..=105 {
        if number == 105 {
            quiet(&world).await;
            world.mailbox.answer_with(&[503]);
        }
        world.accept(SALE, &sale(&format!("order-{number}"), 100 + number, "EUR")).await;
        world.callback().await;
    }
    quiet(&world).await;
    let list = browser.open("/inspector/projects/1001/callbacks").await;
    let detail = list.split("<main").nth(1).unwrap();
    assert_eq!(detail.matches("Callback: sale success").count(), 100);
    assert!(detail.contains("order-105") && !detail.contains("order-5<"), "the newest");
    assert!(detail.contains("answered 503, tries 1") && detail.contains("answered 200, tries 1"), "{detail}");
    assert!(detail.contains("2026-11-21 12:00:00.000"), "{detail}");
    let one = attribute(detail, "<li><a href=\"");
    let page = browser.open(one).await;
    for shown in ["order-105", "&quot;amount&quot;", "205", "https://shop.example/callbacks", "Send again"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let elsewhere = browser.get(&one.replace("/1001/", "/1002/")).await;
    assert_eq!(elsewhere.status, 404, "another project's callback");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_narrowed_by_kind_payment_text_and_failure() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    world.paid(&sale("order-1", 100, "EUR")).await;
    world.paid(&sale("order-2", 100, "EUR")).await;
    world.send(SALE, &sale("order-3", -1, "EUR")).await;
    world.post(SALE, "no JSON").await;
    quiet(&world).await;
    let count = async |query: &str| browser.records(query).await.len();
    assert_eq!(count("").await, 10);
    assert_eq!(count("?kind=requests").await, 4);
    assert_eq!(count("?kind=callbacks").await, 2);
    assert_eq!(count("?kind=provider").await, 4);
    assert_eq!(count("?payment=Order-1").await, 4);
    assert_eq!(count("?failed=1").await, 2);
    assert_eq!(count("?q=validation").await, 1);
    assert_eq!(count("?project=1002").await, 0);
    assert_eq!(count("?project=1001").await, 9, "the body without a project belongs to none");
    let page = browser.open("/inspector?q=nowhere").await;
    assert!(page.contains("Nothing recorded matches"), "{page}");
    for number in 0..60 {
        world.post(SALE, format!("no JSON {number}")).await;
    }
    let first = browser.open("/inspector?kind=requests").await;
    assert_eq!(browser.records("?kind=requests").await.len(), 50);
    let older = attribute(&first, "class=\"older\" href=\"").replace("&#38;", "&").replace("&amp;", "&");
    let page = browser.open(&older).await;
    assert_eq!(page.matches("class=\"row\"").count(), 14);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_are_sent_to_a_live_page_that_shows_them() {
    let world = World::new().await;
    let browser = Browser::of(&world);
    let mut request = Request::get("/inspector/live?kind=requests&after=0")
        .header(header::HOST, HOST)
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(Peer(browser.peer));
    let response = browser.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = response.into_body();
    world.paid(&sale("order-1", 100, "EUR")).await;
    let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.unwrap().unwrap();
    let event = String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap();
    assert!(event.contains("event: row") && event.contains("order-1, accepted"), "{event}");
    assert_eq!(event.matches("data:").count(), 1, "one line per row");
    world.engine.drain(Duration::from_secs(5)).await;
    let rest = tokio::time::timeout(Duration::from_secs(5), body.collect()).await;
    let rest = rest.unwrap().unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&rest).contains("Callback"), "requests only");
    world.end().await;
}

// G-087
#[tokio::test(flavor = "multi_thread")]
async fn merchants_are_shown_where_callbacks_come_from() {
    let world = World::new().await;
    let path = "/inspector/projects/1001";
    assert!(!Browser::of(&world).open(path).await.contains("Callbacks come from"));
    let sources = ["192.0.2.7", "2001:db8::/64"].map(str::to_owned);
    let options = Options { callback_sources: sources.into(), ..Options::default() };
    let page = Browser::shown(&world, options).open(path).await;
    for part in ["Callbacks come from", ">192.0.2.7</bdi>", ">2001:db8::/64</bdi>"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    world.end().await;
}
