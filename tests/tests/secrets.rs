//! Card numbers and verification values are nowhere they should not be.
//!
//! The cards are the documented test cards, the verification values and the secret are distinctive. After a run that
//! takes all ways (approved, declined, lost, refunded, refused at the door, killed and started again) every file the
//! platform has written and everything it has said is searched.
#![cfg(test)]

use ferropay_tests::{Database, Engine, World, binary::SECRET, cards, seconds};
use std::{fs, path::Path};

const CARDS: [&str; 6] = [
    cards::APPROVED,
    cards::APPROVED_MASTERCARD,
    cards::DECLINED,
    "4477000000000006",
    "5252000000000004",
    "4314220000000056",
];

/// Every way in which a number may have been written: as it is, in groups, with its digits reversed in pairs (as
/// telephone exchanges and magnetic stripes do), packed two to a byte, in Base64 and in hexadecimal text.
fn forms(number: &str) -> Vec<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let groups = |separator: &str| {
        let groups: Vec<&str> = [0..4, 4..8, 8..12, 12..16].map(|range| &number[range]).to_vec();
        groups.join(separator).into_bytes()
    };
    let digit = |byte: u8| byte - b'0';
    let packed: Vec<u8> =
        number.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
    let hexadecimal = number.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let encoded = STANDARD.encode(number);
    // The last group of four characters depends on what follows.
    let encoded = encoded.as_bytes()[..20].to_vec();
    let integer = number.parse::<i64>().unwrap();
    vec![
        number.as_bytes().to_vec(),
        groups(" "),
        groups("-"),
        packed,
        hexadecimal,
        encoded,
        integer.to_be_bytes()[..].to_vec(),
        integer.to_le_bytes()[..].to_vec(),
    ]
}

fn holds(content: &[u8], form: &[u8]) -> bool {
    content.windows(form.len()).any(|window| window == form)
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

// G-008 D-472 D-474
#[tokio::test(flavor = "multi_thread")]
async fn no_card_number_and_no_verification_value_is_written_or_said() {
    let acquirer = ferropay_tests::world::acquirer().await;
    let options = ["--acquirer-timeout", "400", "-vv"];
    let mut world = World::start_with(&options, Some("trace"), acquirer).await;
    let merchant = world.platform.merchant.clone();
    let sale = |name: &str, number: &str| {
        let mut body = merchant.sale(name, number, 1000);
        // Four digits that come up nowhere by chance, with letters around them where a text is searched.
        body["card"]["cvv"] = "8317".into();
        body
    };
    let mut said: Vec<(String, String)> = Vec::new();
    for (round, number) in CARDS.into_iter().enumerate() {
        for plan in [
            None,
            Some("drop@purchase"),
            Some("late=600@purchase"),
            Some("garbage@purchase"),
            Some("nonsense"),
        ] {
            let name = format!("secret-{round}-{}", plan.unwrap_or("none").replace('@', "-"));
            let body = merchant.signed(sale(&name, number));
            let answer = world.platform.post_raw("/v2/payment/card/sale", &body, plan).await;
            let request = answer.request_id();
            world.receiver.final_of(&request, seconds(30)).await;
            said.push((format!("answer to {name}"), answer.text));
            let again = world.platform.post_raw("/v2/payment/card/sale", &body, plan).await;
            said.push((format!("second answer to {name}"), again.text));
            let mut other = sale(&name, number);
            other["payment"]["amount"] = 1001.into();
            let other = world.platform.sale(other).await;
            assert_eq!(other.code(), Some(3041));
            said.push((format!("refusal of {name}"), other.text));
        }
        // Refused at the door with the number in all the wrong places.
        for pointer in ["/customer/email", "/payment/currency", "/card/card_holder"] {
            let mut body = sale("wrong", number);
            *body.pointer_mut(pointer).unwrap() = format!("{number}\u{1}").into();
            let refused = world.platform.sale(body).await;
            assert_eq!(refused.status, 400, "{}", refused.text);
            said.push((format!("refusal for {pointer}"), refused.text));
        }
        for broken in [
            "{\"card\":{\"pan\":\"NUMBER\",}",
            "{\"NUMBER\":1,\"NUMBER\":2}",
            "NUMBER",
            "{\"card\":{\"NUMBER\":[\"NUMBER\"",
        ] {
            let body = broken.replace("NUMBER", number);
            let refused = world.platform.post_raw("/v2/payment/card/sale", &body, None).await;
            assert_eq!(refused.status, 422, "{}", refused.text);
            if !broken.contains("\"NUMBER\":1") {
                said.push((format!("refusal of {broken}"), refused.text));
            }
        }
        let mut body = sale("wrong-check-digit", number);
        let last = (number.as_bytes()[15] - b'0' + 1) % 10;
        body["card"]["pan"] = format!("{}{last}", &number[..15]).into();
        said.push(("refusal of a wrong check digit".to_owned(), world.platform.sale(body).await.text));
        said.push((
            format!("status {round}"),
            world.platform.status(&format!("secret-{round}-none")).await.text,
        ));
    }
    let refund = world.refund("secret-0-none", Some(300), None).await.request_id();
    world.receiver.final_of(&refund, seconds(20)).await;
    // A payout names the card it goes to and the one it comes from; its verification value is nobody's business.
    for (name, plan) in [("secret-payout", None), ("secret-payout-lost", Some("drop*1@payout"))] {
        let mut body = merchant.payout(name, CARDS[3], 1000);
        body["card"]["cvv"] = "8317".into();
        body["sender"] = serde_json::json!({ "pan": CARDS[1], "first_name": "Jack" });
        let body = merchant.signed(body);
        let answer = world.platform.post_raw("/v2/payment/individual/payout", &body, plan).await;
        world.receiver.final_of(&answer.request_id(), seconds(30)).await;
        said.push((format!("answer to {name}"), answer.text));
        said.push((format!("status of {name}"), world.platform.status(name).await.text));
    }
    world.platform.kill();
    world.restart().await;
    world.quiet(seconds(30)).await;
    world.assert_sound();
    for received in world.receiver.all() {
        said.push((format!("callback about {}", received.payment()), received.text));
    }
    for arguments in [
        &["callbacks", "list", "--bodies", "--limit", "1000"][..],
        &["project", "balances", "1001"],
        &["project", "show", "1001"],
        &["verify"],
    ] {
        said.push((arguments.join(" "), world.platform.command(arguments).good()));
    }
    let database = Database::of(&world.platform);
    assert_eq!(database.number("SELECT count(*) FROM cvv"), 0);

    let written = files(world.directory());
    let needed: &[&str] = match Engine::of_this_run() {
        Engine::File => &["ferropay.db", "ferropay.db-wal", "err.1", "out.1"],
        Engine::Server => &["err.1", "out.1"],
    };
    for needed in needed {
        assert!(
            written.iter().any(|(path, content)| path.ends_with(needed) && !content.is_empty()),
            "no {needed}"
        );
    }
    let logged: usize =
        written.iter().filter(|(path, _)| path.contains("err.")).map(|(_, log)| log.len()).sum();
    assert!(logged > 10_000, "the log has {logged} bytes only: is it on?");
    let mut leaks = Vec::new();
    let everything = written
        .iter()
        .cloned()
        .chain(said.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())));
    for (place, content) in everything {
        for number in CARDS {
            for (index, form) in forms(number).iter().enumerate() {
                if holds(&content, form) {
                    leaks.push(format!("{place}: {}… in form {index}", &number[..6]));
                }
            }
        }
        if holds(&content, SECRET.as_bytes()) && !place.contains("/out.") {
            leaks.push(format!("{place}: the project's secret"));
        }
        // What is said and logged is text, in which four digits can be told from parts of other numbers.
        if !place.contains("ferropay.db") && has_word(&content, b"8317") {
            leaks.push(format!("{place}: a verification value"));
        }
    }
    let mut cells = 0;
    database.each_cell(|column, content| {
        cells += 1;
        if has_word(content, b"8317") && !column.ends_with(".sealed") {
            leaks.push(format!("{column}: a verification value"));
        }
        for number in CARDS {
            if forms(number).iter().any(|form| holds(content, form)) {
                leaks.push(format!("{column}: {}…", &number[..6]));
            }
        }
        if holds(content, SECRET.as_bytes()) {
            leaks.push(format!("{column}: the project's secret"));
        }
    });
    assert!(cells > 500, "the database was looked through");
    assert!(leaks.is_empty(), "{leaks:#?}");
}

/// Whether the digits stand for themselves, not within a longer number or word.
fn has_word(content: &[u8], word: &[u8]) -> bool {
    let part = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/=._-:".contains(byte))
    };
    content.windows(word.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|before| content.get(before));
        window == word && !part(before) && !part(content.get(at + word.len()))
    })
}

// While the answer of the acquirer is outstanding the value is kept, sealed, and the key is not in the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_verification_value_is_kept_sealed_until_the_answer_and_no_longer() {
    let mut world = World::start(&["--acquirer-timeout", "20000"]).await;
    let merchant = world.platform.merchant.clone();
    let mut body = merchant.sale("kept", cards::APPROVED, 1000);
    body["card"]["cvv"] = "8317".into();
    let body = merchant.signed(body);
    let answer = world.platform.post_raw("/v2/payment/card/sale", &body, Some("delay=3000")).await;
    let request = answer.request_id();
    world.platform.kill();
    {
        let database = Database::of(&world.platform);
        assert_eq!(database.number("SELECT count(*) FROM cvv"), 1);
        database.each_cell(|column, content| assert!(!has_word(content, b"8317"), "{column}"));
    }
    world.restart().await;
    let callback = world.receiver.final_of(&request, seconds(30)).await;
    assert_eq!(callback.operation(), ("sale", "success"), "{}", callback.text);
    assert_eq!(Database::of(&world.platform).number("SELECT count(*) FROM cvv"), 0);
    world.quiet(seconds(20)).await;
    world.assert_sound();
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let forms = forms(cards::APPROVED);
    for text in ["pan=4000000000000077,", "4000 0000 0000 0077", "34303030303030303030303030303737"] {
        assert!(forms.iter().any(|form| holds(text.as_bytes(), form)), "{text}");
    }
    assert!(has_word(b"\"cvv\":\"8317\"", b"8317") && has_word(b"cvv 8317", b"8317"));
    assert!(!has_word(b"10:00:00.083171Z", b"8317"));
}
