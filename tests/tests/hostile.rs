//! Requests nobody sensible sends. Each gets the documented answer, and nothing comes of it.
#![cfg(test)]

use ferropay_tests::{Audit, Database, World, cards, seconds, sign};
use serde_json::{Value, json};
use std::{process::Command, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

const SALE: &str = "/v2/payment/card/sale";

/// An answer read off the wire.
#[derive(Debug)]
struct Raw {
    status: u16,
    head: String,
    body: String,
}

impl Raw {
    fn code(&self) -> String {
        let json: Value = serde_json::from_str(&self.body).unwrap_or_default();
        json["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Reads one answer; none when the connection ends before there is a whole one.
async fn read_answer(stream: &mut TcpStream) -> Option<Raw> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let mut byte = [0];
        match timeout(seconds(40), stream.read(&mut byte)).await.expect("no answer for 40 seconds") {
            Ok(1..) => bytes.push(byte[0]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(Raw { status, head, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Sends bytes on a connection of their own and reads one answer.
async fn exchange(world: &World, bytes: &[u8]) -> Option<Raw> {
    let mut stream = TcpStream::connect(world.platform.address()).await.unwrap();
    // The platform may answer and close before it has taken everything.
    drop(stream.write_all(bytes).await);
    read_answer(&mut stream).await
}

fn head(method: &str, path: &str, version: &str, length: usize) -> String {
    format!(
        "{method} {path} {version}\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

async fn post(world: &World, path: &str, body: &[u8]) -> Raw {
    let mut bytes = head("POST", path, "HTTP/1.1", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    exchange(world, &bytes).await.expect("no answer")
}

/// Rows a request would leave behind.
fn traces(world: &World) -> Vec<i64> {
    let database = Database::of(&world.platform);
    let tables = [
        "payments",
        "operations",
        "attempts",
        "requests",
        "fingerprints",
        "names",
        "tasks",
        "callbacks",
        "cards",
    ];
    tables.map(|table| database.number(&format!("SELECT count(*) FROM {table}"))).to_vec()
}

/// A sale with a member changed to a JSON literal, signed as clients do: over the literal's text.
fn with_literal(world: &World, pointer: &str, literal: &str) -> Vec<u8> {
    let merchant = &world.platform.merchant;
    let mut body = merchant.sale("hostile", cards::APPROVED, 1000);
    *body.pointer_mut(pointer).unwrap() = literal.into();
    merchant.signed(body).replace(&json!(literal).to_string(), literal).into_bytes()
}

/// A sale with a member changed, signed.
fn with(world: &World, pointer: &str, value: Value) -> Vec<u8> {
    let merchant = &world.platform.merchant;
    let mut body = merchant.sale("hostile", cards::APPROVED, 1000);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    merchant.signed(body).into_bytes()
}

/// A sale whose `general` is changed after signing.
fn tampered(world: &World, name: &str, value: Option<Value>) -> Vec<u8> {
    let merchant = &world.platform.merchant;
    let signed = merchant.signed(merchant.sale("hostile", cards::APPROVED, 1000));
    let mut body: Value = serde_json::from_str(&signed).unwrap();
    match value {
        Some(value) => body["general"][name] = value,
        None => drop(body["general"].as_object_mut().unwrap().remove(name)),
    }
    body.to_string().into_bytes()
}

async fn assert_refused(world: &World, cases: Vec<(&str, Vec<u8>, u16, &str)>) {
    let before = traces(world);
    let mut wrong = Vec::new();
    for (name, body, status, code) in cases {
        let answer = post(world, SALE, &body).await;
        let shape: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        // G-044
        let members: Vec<&String> = shape.as_object().map(|it| it.keys().collect()).unwrap_or_default();
        if (answer.status, answer.code().as_str()) != (status, code)
            || members != ["code", "message", "status"]
            || shape["status"] != "error"
        {
            wrong.push(format!("{name}: {} {} instead of {status} {code}", answer.status, answer.body));
        }
        assert!(!answer.body.contains(cards::APPROVED), "{name}: {}", answer.body);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(traces(world), before, "a refused request left something behind");
    let status = world.platform.status("hostile").await;
    // G-507
    assert_eq!((status.status, status.json["payment"]["status"].as_str()), (200, Some("error")));
    assert!(status.text.contains("3061"), "{}", status.text);
    assert!(Audit::of(&world.platform).sound);
}

// G-002 G-014 G-043 G-044 G-047
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_document_is_answered_with_422() {
    let world = World::start(&[]).await;
    let merchant = &world.platform.merchant;
    let good = merchant.signed(merchant.sale("hostile", cards::APPROVED, 1000));
    let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)).into_bytes();
    let many = format!("{{\"a\":[{}1]}}", "1,".repeat(30_000)).into_bytes();
    let mut not_utf8 = good.clone().into_bytes();
    let at = good.find("JUDY").unwrap();
    not_utf8[at] = 0xff;
    let twice = good.replacen("\"amount\":", "\"amount\":1,\"amount\":", 1).into_bytes();
    assert_refused(
        &world,
        vec![
            ("empty", Vec::new(), 422, "2003"),
            ("white space", b" \n".to_vec(), 422, "2003"),
            ("truncated", good.as_bytes()[..good.len() - 7].to_vec(), 422, "2003"),
            ("two documents", [good.as_bytes(), good.as_bytes()].concat(), 422, "2003"),
            ("a form", b"project_id=1001&amount=1".to_vec(), 422, "2003"),
            ("not UTF-8", not_utf8, 422, "2003"),
            ("half of a pair", br#"{"a":"\ud800"}"#.to_vec(), 422, "2003"),
            ("a leading zero", br#"{"a":007}"#.to_vec(), 422, "2003"),
            ("a comment", br#"{"a":1 /* one */}"#.to_vec(), 422, "2003"),
            ("not a number", br#"{"a":NaN}"#.to_vec(), 422, "2003"),
            ("a list", b"[1]".to_vec(), 422, "702"),
            ("a text", b"\"text\"".to_vec(), 422, "702"),
            ("null", b"null".to_vec(), 422, "702"),
            ("33 levels", deep(33), 422, "702"),
            ("100,000 levels", deep(100_000), 422, "702"),
            ("30,000 values", many, 422, "702"),
            ("a member twice", twice, 422, "702"),
            ("U+0000 in a text", br#"{"general":{"payment_id":"a\u0000"}}"#.to_vec(), 422, "702"),
            ("U+0000 in a name", br#"{"a\u0000":1}"#.to_vec(), 422, "702"),
        ],
    )
    .await;
}

// G-014 G-033 G-041 G-042 G-047
#[tokio::test(flavor = "multi_thread")]
async fn project_and_signature_are_checked_before_anything_else() {
    let world = World::start(&[]).await;
    let merchant = &world.platform.merchant;
    let forged = |secret: &str| {
        let mut body = merchant.sale("hostile", cards::APPROVED, 1000);
        body["general"]["signature"] = sign::signature(&body, secret).into();
        body.to_string().into_bytes()
    };
    let mut other = merchant.sale("hostile", cards::APPROVED, 1000);
    other["general"]["signature"] =
        sign::signature(&merchant.sale("hostile", cards::APPROVED, 1), &merchant.secret).into();
    let mut swapped = merchant.sale("hostile", cards::APPROVED, 1000);
    swapped["general"]["signature"] = sign::signature(&swapped, &merchant.secret).into();
    swapped["extra"] = "not signed".into();
    let no_general = json!({ "payment": { "amount": 1 } }).to_string().into_bytes();
    let project = |value: Value| with(&world, "/general/project_id", value);
    assert_refused(
        &world,
        vec![
            ("no general", no_general, 400, "2004"),
            ("no project", tampered(&world, "project_id", None), 400, "2004"),
            ("unknown project", project(999_999.into()), 400, "2442"),
            ("project as text", project("1001".into()), 400, "2442"),
            ("project beyond all", with_literal(&world, "/general/project_id", "1e400"), 400, "2442"),
            ("negative project", project((-1).into()), 400, "2442"),
            ("no signature", tampered(&world, "signature", None), 400, "3262"),
            ("empty signature", tampered(&world, "signature", Some("".into())), 400, "3262"),
            ("signature as number", tampered(&world, "signature", Some(12.into())), 400, "3261"),
            ("not Base64", tampered(&world, "signature", Some("§§§".into())), 400, "3261"),
            ("another secret", forged("another secret"), 400, "3261"),
            ("empty secret", forged(""), 400, "3261"),
            ("signature of another content", other.to_string().into_bytes(), 400, "3261"),
            ("content added after signing", swapped.to_string().into_bytes(), 400, "3261"),
            ("renamed after signing", tampered(&world, "payment_id", Some("b".into())), 400, "3261"),
        ],
    )
    .await;
}

// G-014 G-043 G-047 G-064 G-066 G-069 G-070
#[tokio::test(flavor = "multi_thread")]
async fn signed_values_that_break_the_contract_are_refused() {
    let world = World::start(&[]).await;
    let set = |pointer: &str, value: Value| with(&world, pointer, value);
    let literal = |pointer: &str, text: &str| with_literal(&world, pointer, text);
    let amount = "/payment/amount";
    assert_refused(
        &world,
        vec![
            ("amount 0", set(amount, 0.into()), 400, "502"),
            ("amount -1", set(amount, (-1).into()), 400, "502"),
            ("amount above the highest", set(amount, 10_000_000_000_001_i64.into()), 400, "502"),
            ("amount beyond 2^53", literal(amount, "9007199254740993"), 400, "502"),
            ("amount beyond 2^64", literal(amount, "18446744073709551617"), 400, "502"),
            ("amount 1e400", literal(amount, "1e400"), 400, "502"),
            ("amount with a fraction", literal(amount, "10.5"), 400, "502"),
            ("amount as text", set(amount, "1000".into()), 400, "502"),
            ("amount as list", set(amount, json!([1000])), 422, "702"),
            ("amount null", set(amount, Value::Null), 400, "2004"),
            ("payment as text", set("/payment", "1000".into()), 422, "702"),
            ("customer as list", set("/customer", json!([{ "id": "1" }])), 422, "702"),
            ("unknown currency", set("/payment/currency", "XYZ".into()), 400, "3121"),
            ("small letters", set("/payment/currency", "eur".into()), 400, "3121"),
            ("currency as number", set("/payment/currency", 978.into()), 400, "3121"),
            ("number that fails its check", set("/card/pan", "4000000000000078".into()), 400, "502"),
            ("number with blanks", set("/card/pan", "4000 0000 0000 0077".into()), 400, "502"),
            ("month 13", set("/card/month", 13.into()), 400, "502"),
            ("month as text", set("/card/month", "12".into()), 400, "502"),
            ("year of two digits", set("/card/year", 35.into()), 400, "502"),
            ("letters as verification value", set("/card/cvv", "12a".into()), 400, "502"),
            ("holder in Greek", set("/card/card_holder", "ΙΟΥΔΗ".into()), 400, "502"),
            ("e-mail without host", set("/customer/email", "judy@".into()), 400, "2426"),
            ("address of no network", set("/customer/ip_address", "300.1.2.3".into()), 400, "502"),
            ("phone with a plus", set("/customer/phone", "+442079460000".into()), 400, "502"),
            ("payment_id as number", set("/general/payment_id", 12.into()), 400, "3024"),
            ("payment_id too long", set("/general/payment_id", "x".repeat(256).into()), 400, "3024"),
            ("payment_id empty", set("/general/payment_id", "".into()), 400, "3024"),
        ],
    )
    .await;
}

// G-002 G-004 G-009
#[tokio::test(flavor = "multi_thread")]
async fn other_methods_and_paths_create_nothing() {
    let world = World::start(&[]).await;
    let merchant = &world.platform.merchant;
    let body = merchant.signed(merchant.sale("hostile", cards::APPROVED, 1000));
    let before = traces(&world);
    for (method, path, status) in [
        ("GET", SALE, 405),
        ("PUT", SALE, 405),
        ("DELETE", SALE, 405),
        ("PATCH", SALE, 405),
        ("BREW", SALE, 405),
        ("OPTIONS", SALE, 204),
        ("POST", "/v2/payment/card/sell", 404),
        ("POST", "/v2/payment/card/sale/", 404),
        ("POST", "/v2/payment/card/../card/sale", 404),
        ("POST", "/V2/payment/card/sale", 404),
        ("POST", "/v2/", 404),
        ("POST", "/v2", 404),
        ("POST", "/", 404),
    ] {
        let request = head(method, path, "HTTP/1.1", body.len()) + &body;
        let answer = exchange(&world, request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        if status == 405 {
            assert!(answer.head.contains("\r\nallow: post, options\r\n"), "{answer:?}");
        }
        if path == SALE {
            assert!(answer.head.contains("\r\naccess-control-allow-origin: *\r\n"), "{answer:?}");
        }
    }
    // G-009, on a good answer and on a refusal
    for sent in [world.platform.status("hostile").await, world.platform.post_raw(SALE, "", None).await] {
        assert_eq!(sent.header("content-type"), Some("application/json; charset=UTF-8"));
        assert_eq!(sent.header("cache-control"), Some("no-cache"));
        assert_eq!(sent.header("keep-alive"), Some("timeout=60"));
        assert_eq!(sent.header("access-control-allow-origin"), Some("*"));
        assert_eq!(sent.header("access-control-allow-methods"), Some("GET, POST, OPTIONS"));
    }
    assert_eq!(traces(&world), before);
}

// G-003: the protocol's own corners.
#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_kept_at_its_edges() {
    let world = World::start(&[]).await;
    let merchant = world.platform.merchant.clone();
    let sale = |name: &str| merchant.signed(merchant.sale(name, cards::APPROVED, 1000));
    let status = |name: &str| merchant.signed(merchant.status(name));

    // Two requests in one write are answered in their order.
    let (first, second) = (sale("pipelined-1"), status("pipelined-0"));
    let both = head("POST", SALE, "HTTP/1.1", first.len())
        + &first
        + &head("POST", "/v2/payment/status", "HTTP/1.1", second.len())
        + &second;
    let mut stream = TcpStream::connect(world.platform.address()).await.unwrap();
    stream.write_all(both.as_bytes()).await.unwrap();
    let answers = [read_answer(&mut stream).await.unwrap(), read_answer(&mut stream).await.unwrap()];
    assert!(answers[0].body.contains("\"request_id\""), "{answers:?}");
    assert!(answers[1].body.contains("3061"), "{answers:?}");

    // An old client is answered, too.
    let body = status("nobody");
    let request = head("POST", "/v2/payment/status", "HTTP/1.0", body.len()) + &body;
    assert_eq!(exchange(&world, request.as_bytes()).await.unwrap().status, 200);

    // A body in chunks.
    let body = sale("chunked");
    let (left, right) = body.split_at(100);
    let chunks = format!("{:x}\r\n{left}\r\n{:x}\r\n{right}\r\n0\r\n\r\n", left.len(), right.len());
    let request =
        format!("POST {SALE} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    assert_eq!(exchange(&world, request.as_bytes()).await.unwrap().status, 200);

    world.quiet(seconds(20)).await;
    // What must not be guessed at: two lengths, a length and chunks, no host, no HTTP.
    let before = traces(&world);
    let body = sale("smuggled");
    for head in [
        format!(
            "POST {SALE} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ),
        format!("POST {SALE} HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n"),
        format!("POST {SALE} HTTP/7.3\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len()),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}".to_owned(),
    ] {
        let answer = exchange(&world, (head.clone() + &body).as_bytes()).await;
        assert!(answer.as_ref().is_none_or(|it| it.status == 400), "{head}: {answer:?}");
    }
    // Heads without measure.
    for headers in [format!("x: {}\r\n", "y".repeat(100_000)), "x: y\r\n".repeat(500)] {
        let request = format!("POST {SALE} HTTP/1.1\r\nhost: a\r\n{headers}content-length: 2\r\n\r\n{{}}");
        let answer = exchange(&world, request.as_bytes()).await;
        assert!(answer.as_ref().is_none_or(|it| it.status == 431 || it.status == 400), "{answer:?}");
    }
    let long = format!("POST /v2/{} HTTP/1.1\r\nhost: a\r\n\r\n", "p".repeat(100_000));
    let answer = exchange(&world, long.as_bytes()).await;
    assert!(answer.as_ref().is_none_or(|it| (400..=431).contains(&it.status)), "{answer:?}");
    // A length that is not kept: the client hangs up half-way.
    let mut stream = TcpStream::connect(world.platform.address()).await.unwrap();
    stream.write_all(head("POST", SALE, "HTTP/1.1", body.len()).as_bytes()).await.unwrap();
    stream.write_all(&body.as_bytes()[..100]).await.unwrap();
    drop(stream);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(traces(&world), before);
    world.paid("still-there").await;
    world.quiet(seconds(20)).await;
    world.assert_sound();
}

/// Resident memory of the platform, kilobytes.
fn memory(world: &World) -> u64 {
    let shown = Command::new("ps").args(["-o", "rss=", "-p", &world.platform.process().to_string()]).output();
    String::from_utf8(shown.unwrap().stdout).unwrap().trim().parse().unwrap()
}

// G-043: bodies beyond the limit are refused without being kept, however many come.
#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_do_not_fill_the_memory() {
    let world = World::start(&[]).await;
    world.paid("warm").await;
    let merchant = world.platform.merchant.clone();
    let mut body = merchant.sale("huge", cards::APPROVED, 1000);
    body["merchant"]["data"] = "x".repeat(2_000_000).into();
    let huge = merchant.signed(body);
    let mut body = merchant.sale("fits", cards::APPROVED, 1000);
    body["merchant"]["data"] = "x".repeat(1_000_000).into();
    let fits = merchant.signed(body);
    assert_eq!(post(&world, SALE, fits.as_bytes()).await.status, 200, "a megabyte is allowed");
    let refused = post(&world, SALE, huge.as_bytes()).await;
    assert_eq!(refused.status, 413, "{refused:?}");
    world.quiet(seconds(20)).await;

    let before = memory(&world);
    let mut running = tokio::task::JoinSet::new();
    for n in 0..400 {
        let (url, merchant) = (format!("{}{SALE}", world.platform.base()), merchant.clone());
        // Half of them are too large, half would be read and then fail their signature.
        let body = if n % 2 == 0 { huge.clone() } else { fits.replace("JUDY", "JUDI") };
        running.spawn(async move { merchant.try_post(&url, &body, None).await.map_or(0, |it| it.status) });
        if running.len() >= 32 {
            let status = running.join_next().await.unwrap().unwrap();
            // A client that is still sending when it is refused may see the connection end instead.
            assert!(matches!(status, 0 | 400 | 413), "{status}");
        }
    }
    while running.join_next().await.is_some() {}
    let grown = memory(&world).saturating_sub(before);
    assert!(grown < 150_000, "400 bodies of a megabyte and more took {grown} kB of memory");
    world.paid("afterwards").await;
    world.quiet(seconds(20)).await;
    assert_eq!(Audit::of(&world.platform).figure("payments"), 3);
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_hold_up_nobody_and_are_not_waited_for_for_ever() {
    let world = World::start(&[]).await;
    let before = memory(&world);
    let merchant = world.platform.merchant.clone();
    let body = merchant.signed(merchant.sale("slow", cards::APPROVED, 1000));
    let mut half_heads = Vec::new();
    let mut half_bodies = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(world.platform.address()).await.unwrap();
        stream.write_all(b"POST /v2/payment/card/sale HTTP/1.1\r\nhost: lo").await.unwrap();
        half_heads.push(stream);
        let mut stream = TcpStream::connect(world.platform.address()).await.unwrap();
        stream.write_all(head("POST", SALE, "HTTP/1.1", body.len()).as_bytes()).await.unwrap();
        stream.write_all(&body.as_bytes()[..50]).await.unwrap();
        half_bodies.push(stream);
    }
    let started = Instant::now();
    world.paid("quick").await;
    assert!(started.elapsed() < seconds(5), "{:?}", started.elapsed());
    // One byte now and then does not buy more time.
    let dribbling = started;
    let mut answer = None;
    let mut sent = 50;
    let mut dribbler = half_bodies.pop().unwrap();
    while answer.is_none() && dribbling.elapsed() < seconds(40) {
        drop(dribbler.write_all(&body.as_bytes()[sent..=sent]).await);
        sent += 1;
        if let Ok(read) = timeout(Duration::from_millis(500), read_answer(&mut dribbler)).await {
            answer = Some(read);
        }
    }
    let answer = answer.expect("the dribbling client is still waited for").expect("it is told");
    assert_eq!(answer.status, 408, "{answer:?}");
    for stream in half_bodies.iter_mut().take(20) {
        assert_eq!(read_answer(stream).await.expect("it is told").status, 408);
    }
    let grown = memory(&world).saturating_sub(before);
    assert!(grown < 100_000, "600 slow clients took {grown} kB of memory");
    assert_eq!(Audit::of(&world.platform).figure("payments"), 1);
}
