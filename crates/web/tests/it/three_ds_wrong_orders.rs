//! The platform's own pages of 3-D Secure when things come in another order than they should: forged, another payment's,
//! before their turn, twice, after the end, or in no form at all. Whatever comes, it changes nothing, asks nobody, is
//! answered with a calm page, and leaves a line in the log that says why.

use crate::support::{
    OTHER_PROJECT, PUBLIC_URL, World,
    bank::{Bank, CARD_CHALLENGE, CARD_FRICTIONLESS, Posted, result},
    on_card, sale, status,
    visit::Visit,
};
use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const RESULT: &str = "/v2/payment/card/3ds_result";
const CHECK: &str = "/v2/payment/card/3ds_check_iframe";
/// Where the merchant wants the customer back.
const TERM_URL: &str = "https://shop.example/back";
const FORM: &str = "application/x-www-form-urlencoded";

/// A payment whose customer the platform leads.
struct Led {
    id: String,
    pa_req: String,
    md: String,
}

impl Led {
    async fn started(world: &World, id: &str, card: &str) -> Self {
        Self::started_with(world, on_card(sale(id, 4_990, "EUR"), card)).await
    }

    async fn started_with(world: &World, body: Value) -> Self {
        let callback = world.told(SALE, &body).await;
        let text = |name: &str| callback["acs"][name].as_str().unwrap().to_owned();
        let id = body["general"]["payment_id"].as_str().unwrap().to_owned();
        Self { id, pa_req: text("pa_req"), md: text("md") }
    }

    async fn open(&self, world: &World) -> Visit {
        let fields = [("PaReq", self.pa_req.as_str()), ("MD", &self.md), ("TermUrl", TERM_URL)];
        world.bring("/3ds/acs", &fields).await
    }

    /// The page after the bank had the time to look at the browser.
    async fn challenge(&self, world: &World) -> (String, Visit) {
        let ticket = Posted::named(&self.open(world).await.page, "on").field("ticket").to_owned();
        let page = world.bring("/3ds/continue", &[("ticket", &ticket)]).await;
        (ticket, page)
    }
}

/// What the customer's answer at the bank has the browser post to the platform.
async fn answered(bank: &Bank, page: &Visit, code: &str) -> Posted {
    bank.confirm(&Posted::named(&page.page, "on").as_form(), code).await
}

fn path(url: &str) -> &str {
    url.strip_prefix(PUBLIC_URL).unwrap()
}

async fn bring(world: &World, posted: &Posted) -> Visit {
    let fields: Vec<_> = posted.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    world.bring(path(&posted.url), &fields).await
}

/// What all sides know: the payments, the bank's transactions, and how often the acquirer was asked.
async fn known(world: &World, bank: &Bank, payments: &[&str]) -> Value {
    let mut all = Vec::new();
    for payment in payments {
        all.push(world.now(payment).await);
    }
    json!([all, bank.authentications().await, world.acquirer.traffic().messages])
}

/// A page of the platform, whatever is on it: calm, in no cache, and able to run nothing it does not bring.
#[track_caller]
fn assert_calm(visit: &Visit, status: u16, name: &str) {
    assert_eq!(visit.status, status, "{name}: {visit:?}");
    let policy = visit.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
        "{name}: {policy}"
    );
    assert_eq!(visit.headers["cache-control"], "no-store", "{name}");
    assert_eq!(visit.headers["content-type"], "text/html; charset=utf-8", "{name}");
    assert!(visit.page.starts_with("<!doctype html>"), "{name}: {}", visit.page);
}

#[track_caller]
fn assert_logged(visit: &Visit, why: &str, name: &str) {
    assert!(visit.log.contains("WARN") && visit.log.contains(why), "{name}: logged {:?}", visit.log);
    assert!(!visit.log.contains("ERROR"), "{name}: {}", visit.log);
}

// G-196, G-197
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_form_of_a_page_is_refused_with_a_calm_page_and_a_reason() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let led = Led::started(&world, "order-1", CARD_CHALLENGE).await;
    let before = known(&world, &bank, &["order-1"]).await;
    let huge = vec![b'a'; 64 * 1_024 + 1];
    let no_text = [b"PaReq=".as_slice(), &[0xff, 0xfe, 0x00], b"&MD=%ff%fe"].concat();
    let twice = format!("PaReq={0}&PaReq={0}&MD={1}&ticket=x&ticket=y&cres=x&cres=y", led.pa_req, led.md);
    let incomplete = "is not what it takes";
    for page in ["/3ds/acs", "/3ds/continue", "/3ds/return"] {
        for (name, kind, body, status, why) in [
            ("empty", FORM, Vec::new(), 400, incomplete),
            ("empty without a type", "", Vec::new(), 400, "it is no form"),
            ("JSON", "application/json", b"{}".to_vec(), 400, "it is no form"),
            ("a form of files", "multipart/form-data; boundary=x", b"--x--".to_vec(), 400, "it is no form"),
            ("other fields", FORM, b"a=b".to_vec(), 400, "a field is missing"),
            ("each field twice", FORM, twice.clone().into_bytes(), 400, "comes twice"),
            ("too much", FORM, huge.clone(), 413, "could not be taken"),
        ] {
            let request = Request::post(page).header("content-type", kind).body(Body::from(body)).unwrap();
            let visit = world.visit(request).await;
            assert_calm(&visit, status, &format!("{name} at {page}"));
            assert!(visit.page.contains("This page needs a shop’s request"), "{}", visit.page);
            assert_logged(&visit, why, &format!("{name} at {page}"));
        }
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let visit = world.visit(Request::builder().method(method).uri(page).body(Body::empty()).unwrap());
            let visit = visit.await;
            if method == "HEAD" {
                assert_eq!((visit.status, visit.page.as_str()), (405, ""));
            } else {
                assert_calm(&visit, 405, &format!("{method} {page}"));
            }
            assert_eq!(visit.headers["allow"], "POST");
            assert_logged(&visit, "by a method that brings nothing", method);
        }
    }
    let request = Request::post("/3ds/acs").header("content-type", FORM).body(Body::from(no_text));
    let visit = world.visit(request.unwrap()).await;
    assert_calm(&visit, 410, "not UTF-8");
    assert_logged(&visit, "a ticket of no authentication", "not UTF-8");
    assert_eq!(known(&world, &bank, &["order-1"]).await, before);
    world.assert_silence().await;
    world.end().await;
}

// G-197, G-203, G-205
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_forged_or_another_payments_opens_nothing() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let mine = Led::started(&world, "mine", CARD_CHALLENGE).await;
    let other = Led::started(&world, "other", CARD_CHALLENGE).await;
    let mut body = on_card(sale("mine", 4_990, "EUR"), CARD_CHALLENGE);
    body["general"]["project_id"] = OTHER_PROJECT.into();
    let strange = Led::started_with(&world, body).await;
    let (mine_ticket, _) = mine.challenge(&world).await;
    let (_, asked) = other.challenge(&world).await;
    let brought = answered(&bank, &asked, "1234").await;
    let before = known(&world, &bank, &["mine", "other"]).await;
    let last = |text: &str| format!("{}{}", &text[..63], if text.ends_with('0') { '1' } else { '0' });
    let upper = mine.pa_req.to_uppercase();
    let (forged, forged_ticket) = (last(&mine.pa_req), last(&mine_ticket));
    let nobody = "0".repeat(64);
    for (name, pa_req, md, why) in [
        ("a forged ticket", forged.as_str(), mine.md.as_str(), "a forged ticket"),
        ("a ticket in capitals", &upper, &mine.md, "a forged ticket"),
        ("nobody's ticket", &nobody, &mine.md, "a ticket of no authentication"),
        ("a short ticket", "eJx", &mine.md, "a ticket of no authentication"),
        ("no ticket", "", &mine.md, "a ticket of no authentication"),
        ("the ticket to go on", &mine_ticket, &mine.md, "a forged ticket"),
        ("another payment's md", &mine.pa_req, &other.md, "a foreign md"),
        ("no md", &mine.pa_req, "", "a foreign md"),
        ("another payment's ticket", &other.pa_req, &mine.md, "a foreign md"),
        ("another project's ticket", &strange.pa_req, &mine.md, "a foreign md"),
        ("another project's md", &mine.pa_req, &strange.md, "a foreign md"),
    ] {
        let fields = [("PaReq", pa_req), ("MD", md), ("TermUrl", TERM_URL)];
        let visit = world.bring("/3ds/acs", &fields).await;
        assert_calm(&visit, 410, name);
        assert!(!visit.page.contains("PaRes") && !visit.page.contains("4990"), "{name}: {}", visit.page);
        assert_logged(&visit, why, name);
    }
    for (name, ticket) in [("forged", forged_ticket.as_str()), ("the first one", &mine.pa_req), ("none", "")]
    {
        let visit = world.bring("/3ds/continue", &[("ticket", ticket)]).await;
        assert_calm(&visit, 410, name);
        assert_logged(&visit, "ticket", name);
    }
    for url in ["javascript:alert(1)", "https://a:b@shop.example/", "//shop.example/", "data:text/html,x"] {
        let fields = [("PaReq", mine.pa_req.as_str()), ("MD", &mine.md), ("TermUrl", url)];
        let visit = world.bring("/3ds/acs", &fields).await;
        assert_calm(&visit, 400, url);
        assert_logged(&visit, "no plain web address", url);
    }
    // What the bank gave one customer to bring back serves no other.
    let cres: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(brought.field("cres")).unwrap()).unwrap();
    let mut of_mine = cres.clone();
    let mine_at_bank = bank.authentications().await;
    let first = &mine_at_bank.iter().find(|it| it["phase"] != "decided").unwrap()["three_ds_server_trans_id"];
    of_mine["threeDSServerTransID"] = first.clone();
    let of_mine = URL_SAFE_NO_PAD.encode(of_mine.to_string());
    for (name, cres, session, why) in [
        ("another's session", brought.field("cres"), mine.md.as_str(), "another payment's answer"),
        ("another's number", &of_mine, &mine.md, "another payment's answer"),
        ("no session", brought.field("cres"), "", "another payment's answer"),
        ("no answer", "bm90IGpzb24", &other.md, "no answer of an issuer"),
        ("nothing", "", &other.md, "no answer of an issuer"),
    ] {
        let visit = world.bring("/3ds/return", &[("cres", cres), ("threeDSSessionData", session)]).await;
        assert_calm(&visit, 410, name);
        assert_logged(&visit, why, name);
    }
    assert_eq!(known(&world, &bank, &["mine", "other"]).await, before);
    world.assert_silence().await;
    let page = bring(&world, &brought).await;
    let paid = world.told(RESULT, &result("other", &Posted::named(&page.page, "on"))).await;
    assert_eq!(paid["payment"]["status"], "success", "what was meant for it still works");
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-196, G-205: no page can be had before the one that leads to it
#[tokio::test(flavor = "multi_thread")]
async fn a_step_before_its_turn_changes_nothing_and_asks_nobody() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let led = Led::started(&world, "order-1", CARD_CHALLENGE).await;
    let before = known(&world, &bank, &["order-1"]).await;
    let id = &led.pa_req[..32];
    let cres = json!({
        "messageType": "CRes", "messageVersion": "2.2.0", "threeDSServerTransID": id,
        "acsTransID": "d7c1ee99-9478-44a6-b1f2-391e29c6b340",
    });
    let cres = URL_SAFE_NO_PAD.encode(cres.to_string());
    let early = world.bring("/3ds/continue", &[("ticket", &led.pa_req)]).await;
    assert_calm(&early, 410, "going on before the page was opened");
    assert_logged(&early, "a forged ticket", "going on");
    let early = world.bring("/3ds/return", &[("cres", &cres), ("threeDSSessionData", &led.md)]).await;
    assert_calm(&early, 410, "coming back before the bank has asked");
    assert_logged(&early, "another payment's answer", "coming back");
    let mut by_merchant = status("order-1");
    by_merchant["pares"] = led.pa_req.as_str().into();
    let reply = world.send(RESULT, &by_merchant).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2466")));
    let notice = json!({
        "messageType": "RReq", "messageVersion": "2.2.0", "threeDSServerTransID": id,
        "acsTransID": "d7c1ee99-9478-44a6-b1f2-391e29c6b340", "dsTransID": "d7c1ee99-9478-44a6-b1f2-391e29c6b341",
        "messageCategory": "01", "transStatus": "Y", "eci": "05",
        "authenticationValue": "AAECAwQFBgcICQoLDA0ODxAREhM=", "interactionCounter": "01",
    });
    let visit = world.visit(Request::post("/3ds/result").body(Body::from(notice.to_string())).unwrap()).await;
    assert!(visit.status == 200 && visit.page.contains("\"Erro\""), "{visit:?}");
    assert_logged(&visit, "is refused", "a result before anything was asked");
    assert_eq!(known(&world, &bank, &["order-1"]).await, before);
    world.assert_silence().await;
    world.end().await;
}

// G-196, G-197: reload, back, and a second window
#[tokio::test(flavor = "multi_thread")]
async fn a_page_shown_again_is_the_same_page_and_nobody_is_asked_twice() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let led = Led::started(&world, "order-1", CARD_CHALLENGE).await;
    let opened = led.open(&world).await;
    assert_calm(&opened, 200, "opened");
    assert_eq!(led.open(&world).await.page, opened.page, "reloaded before the bank has looked");
    let ticket = Posted::named(&opened.page, "on").field("ticket").to_owned();
    let fields = [("ticket", ticket.as_str())];
    let (first, second) =
        tokio::join!(world.bring("/3ds/continue", &fields), world.bring("/3ds/continue", &fields));
    assert_calm(&first, 200, "two windows");
    assert_eq!(first.page, second.page, "both windows lead to the bank");
    assert!(first.page.contains("Go to your bank"), "{}", first.page);
    assert_eq!(led.open(&world).await.page, first.page, "opened again");
    assert_eq!(bank.authentications().await.len(), 1, "one question, however often it is looked at");
    let brought = answered(&bank, &first, "1234").await;
    let back = bring(&world, &brought).await;
    assert_calm(&back, 200, "back");
    assert!(back.page.contains("Return to Books"), "{}", back.page);
    for (name, again) in [
        ("back again", bring(&world, &brought).await),
        ("opened once more", led.open(&world).await),
        ("gone on once more", world.bring("/3ds/continue", &[("ticket", &ticket)]).await),
    ] {
        assert_calm(&again, 200, name);
        assert_eq!(again.page, back.page, "{name}");
    }
    assert_eq!(bank.authentications().await.len(), 1);
    world.assert_moved("EUR", 0, 0).await;
    let returned = Posted::named(&back.page, "on");
    world.told(RESULT, &result("order-1", &returned)).await;
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-189, G-197, G-205
#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_every_page_leads_back_to_the_merchant_and_changes_nothing() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let ends = [("paid", "1234", "success"), ("given-up", "", "decline"), ("late", "1234", "decline")];
    for (id, code, ending) in ends {
        let led = Led::started(&world, id, CARD_CHALLENGE).await;
        let opened = led.open(&world).await;
        let look = Posted::named(&opened.page, "look");
        let seen = bank.post(&look.url, &look.fields).await;
        let (ticket, page) = led.challenge(&world).await;
        let form = Posted::named(&page.page, "on").as_form();
        let brought =
            if code.is_empty() { bank.cancel(&form).await } else { bank.confirm(&form, code).await };
        let back = bring(&world, &brought).await;
        let returned = result(id, &Posted::named(&back.page, "on"));
        let told = if id == "late" {
            world.clock.advance(Duration::from_mins(30));
            world.callback().await
        } else {
            world.told(RESULT, &returned).await
        };
        assert_eq!(told["payment"]["status"], ending, "{id}");
        world.quiet().await;
        let before = known(&world, &bank, &[id]).await;
        for (name, visit) in [("opened", led.open(&world).await), ("back", bring(&world, &brought).await)] {
            assert_calm(&visit, 410, name);
            assert!(visit.page.contains("Nothing is left to confirm"), "{name}: {}", visit.page);
            assert_eq!(Posted::named(&visit.page, "on").url, TERM_URL, "{name}");
            assert_logged(&visit, "an authentication that is over", name);
        }
        let on = world.bring("/3ds/continue", &[("ticket", &ticket)]).await;
        assert_calm(&on, 200, "a page left open goes on to the merchant");
        assert_eq!(Posted::named(&on.page, "on").url, TERM_URL);
        let seen = bring(&world, &seen).await;
        assert_calm(&seen, 410, "the hidden frame");
        assert_logged(&seen, "a browser that nobody asked about", "the hidden frame");
        let mut late = returned.clone();
        late["note"] = "once more".into();
        let mut check = status(id);
        check["threeds_completion_indicator"] = true.into();
        for (path, body) in [(RESULT, &late), (CHECK, &check)] {
            let reply = world.send(path, body).await;
            assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3060")), "{id} {path}");
        }
        let (genuine, _) = bank.notices.lock().last().cloned().unwrap();
        let repeated = bank.tell(&serde_json::from_str(&genuine).unwrap()).await;
        assert_eq!(repeated["messageType"], "RRes", "{id}: a result is acknowledged as often as it comes");
        assert_eq!(known(&world, &bank, &[id]).await, before, "{id}");
    }
    world.assert_silence().await;
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-196, G-201
#[tokio::test(flavor = "multi_thread")]
async fn what_a_hidden_frame_says_of_another_browser_counts_for_nobody() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let mine = Led::started(&world, "mine", CARD_FRICTIONLESS).await;
    let other = Led::started(&world, "other", CARD_CHALLENGE).await;
    let (mine_id, other_id) = (&mine.pa_req[..32], &other.pa_req[..32]);
    let data = |id: &str| URL_SAFE_NO_PAD.encode(json!({ "threeDSServerTransID": id }).to_string());
    let nobody = "0".repeat(32);
    let before = known(&world, &bank, &["mine", "other"]).await;
    for (name, at, says, why) in [
        ("another's browser", mine_id, data(other_id), "not about this browser"),
        ("nobody's browser", &nobody, data(&nobody), "nobody asked about"),
        ("no data", mine_id, String::new(), "not about this browser"),
        ("no JSON", mine_id, "bm90IGpzb24".to_owned(), "not about this browser"),
        ("too much", mine_id, "a".repeat(60_000), "not about this browser"),
        ("no address", "not-an-id", data(mine_id), "names no browser"),
    ] {
        let visit = world.bring(&format!("/3ds/device/{at}"), &[("threeDSMethodData", &says)]).await;
        assert_calm(&visit, 410, name);
        assert!(!visit.page.contains("<script"), "the page around it is told nothing: {}", visit.page);
        assert_logged(&visit, why, name);
    }
    let visit = world.bring(&format!("/3ds/device/{mine_id}"), &[("other", "x")]).await;
    assert_calm(&visit, 410, "another field");
    let visit =
        world.visit(Request::get(format!("/3ds/device/{mine_id}")).body(Body::empty()).unwrap()).await;
    assert_calm(&visit, 405, "GET");
    assert_eq!(known(&world, &bank, &["mine", "other"]).await, before);
    world.assert_silence().await;
    let ticket = Posted::named(&mine.open(&world).await.page, "on").field("ticket").to_owned();
    world.bring("/3ds/continue", &[("ticket", &ticket)]).await;
    assert_eq!(world.callback().await["payment"]["status"], "success");
    let told = bank.authentications().await.remove(0);
    assert_eq!(told["device_data"], false, "what others said was not taken for this browser's");
    world.end().await;
}

// G-196: what the merchant and the customer's browser wrote is text on the pages
#[tokio::test(flavor = "multi_thread")]
async fn html_in_whatever_a_page_repeats_is_text() {
    const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>";
    let (world, _bank) = World::with_bank(|_| {}).await;
    let mut body = on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE);
    body["payment"]["description"] = HOSTILE.into();
    let led = Led::started_with(&world, body).await;
    let url = format!("https://shop.example/?{}", HOSTILE.replace(' ', "/"));
    let fields = [("PaReq", led.pa_req.as_str()), ("MD", &led.md), ("TermUrl", &url)];
    let opened = world.bring("/3ds/acs", &fields).await;
    assert_calm(&opened, 200, "opened");
    let ticket = Posted::named(&opened.page, "on").field("ticket").to_owned();
    let on = world.bring("/3ds/continue", &[("ticket", &ticket)]).await;
    assert!(opened.page.contains("&#60;script&#62;"), "the description is there, as text: {}", opened.page);
    world.clock.advance(Duration::from_mins(30));
    assert_eq!(world.callback().await["operation"]["code"], "108");
    let over = led.open(&world).await;
    assert_eq!(Posted::named(&over.page, "on").url, url, "the address is kept as it is, and is text");
    let fields = [("PaReq", HOSTILE), ("MD", HOSTILE), ("TermUrl", TERM_URL)];
    let unknown = world.bring("/3ds/acs", &fields).await;
    for visit in [opened, on, over, unknown] {
        assert!(!visit.page.contains("<script>") && !visit.page.contains("<img"), "{}", visit.page);
        assert!(!visit.log.contains("<script>"), "{}", visit.log);
    }
    world.end().await;
}

// G-203, G-205
#[tokio::test(flavor = "multi_thread")]
async fn another_projects_request_under_the_same_name_is_about_its_own_payment() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let led = Led::started(&world, "order-1", CARD_CHALLENGE).await;
    let (_, page) = led.challenge(&world).await;
    let back = bring(&world, &answered(&bank, &page, "1234").await).await;
    let returned = result(&led.id, &Posted::named(&back.page, "on"));
    let before = known(&world, &bank, &["order-1"]).await;
    let mut foreign = returned.clone();
    foreign["general"]["project_id"] = OTHER_PROJECT.into();
    let reply = world.send(RESULT, &foreign).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3061")), "it has no such payment");
    let mut body = on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE);
    body["general"]["project_id"] = OTHER_PROJECT.into();
    Led::started_with(&world, body).await;
    let reply = world.send(RESULT, &foreign).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2466")), "nor is it its own payment's");
    let mut asked = known(&world, &bank, &["order-1"]).await;
    asked[1] = before[1].clone();
    assert_eq!(asked, before);
    world.told(RESULT, &returned).await;
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-203: what is no result is answered in the protocol's own words, or not taken at all
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_result_of_an_issuer_is_answered_with_an_error_message() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let led = Led::started(&world, "order-1", CARD_CHALLENGE).await;
    led.challenge(&world).await;
    let before = known(&world, &bank, &["order-1"]).await;
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let markup = json!({ "messageType": "<script>alert(1)</script>", "threeDSServerTransID": "<img src=x>" });
    for (name, body) in [
        ("nothing", Vec::new()),
        ("no JSON", b"cres=x".to_vec()),
        ("not UTF-8", b"{\"messageType\":\"\xff\xfe\"}".to_vec()),
        ("a list", b"[]".to_vec()),
        ("depth", deep.into_bytes()),
        ("an element twice", b"{\"eci\":\"05\",\"eci\":\"07\"}".to_vec()),
        ("markup", markup.to_string().into_bytes()),
    ] {
        let visit = world.visit(Request::post("/3ds/result").body(Body::from(body)).unwrap()).await;
        assert_eq!(
            (visit.status, &visit.headers["content-type"]),
            (200, &"application/json; charset=utf-8".parse().unwrap())
        );
        let answer: Value = serde_json::from_str(&visit.page).unwrap();
        assert_eq!(answer["messageType"], "Erro", "{name}: {answer}");
        assert!(!visit.page.contains("<script>"), "{name}: {answer}");
        assert_logged(&visit, "breaks the protocol", name);
    }
    let huge = vec![b' '; 64 * 1_024 + 1];
    let visit = world.visit(Request::post("/3ds/result").body(Body::from(huge)).unwrap()).await;
    assert_eq!((visit.status, visit.page.as_str()), (413, ""), "no page for a server");
    assert_logged(&visit, "could not be taken", "too much");
    let visit = world.visit(Request::get("/3ds/result").body(Body::empty()).unwrap()).await;
    assert_eq!((visit.status, visit.page.as_str()), (405, ""));
    assert_eq!(known(&world, &bank, &["order-1"]).await, before);
    world.assert_silence().await;
    world.end().await;
}
