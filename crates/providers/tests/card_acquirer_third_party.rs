//! The codec and the messages against `pyiso8583`, which knows nothing of this project.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use ferropay_providers::card_acquirer::iso8583::spec::{Length, spec};
use ferropay_providers::card_acquirer::message::{
    Address, Attempt, Authentication, Class, Credit, CvvResult, Debit, DebitKind, Expiry, FollowUp,
    FollowUpKind, Identity, Incoming, Management, Partial, PersonName, Processing, RemoteOrder, Request,
    ResponseCode, ReversalAdvice, ShopName, Stamp, Undoes, Void,
};
use ferropay_providers::card_acquirer::reference::Reference;
use ferropay_providers::card_acquirer::secret::{Cvv, Pan};
use ferropay_providers::card_acquirer::text::Text;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The interpreter of the virtual environment that has the package.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let environment = std::env::var_os("FERROPAY_TEST_PYTHON").map(PathBuf::from);
    let found = environment.map_or_else(
        || root.join(".venv/bin/python"),
        |path| if path.is_dir() { path.join("bin/python") } else { path },
    );
    assert!(found.exists(), "no Python environment at {}; run ./test, which makes one", found.display());
    found
}

fn ask(question: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pyiso8583_check.py");
    let mut child = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run ./test to set up its Python environment: {complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn attempt(operation: u64, amount: u64) -> Attempt {
    Attempt {
        reference: Reference::new(operation, 1).unwrap(),
        pan: Pan::new("5413330000000019").unwrap(),
        amount,
        currency: 978,
        category: 5999,
        made_at: "2026-11-21T23:59:58Z".parse().unwrap(),
        shop: ShopName::new("Caf\u{e9} & Sons", "Bra\u{ef}la", "RO"),
        remote_order: None,
        fault_plan: None,
        repeat: false,
    }
}

fn debit(kind: DebitKind, attempt: Attempt, year: u16, month: u8) -> Debit {
    Debit::plain(kind, attempt, Expiry { year, month })
}

fn proof(eci: &str, version: &str) -> Authentication {
    Authentication::new(Some(eci), Some("AAECAwQFBgcICQoLDA0ODxAREhM="), None, version, None).unwrap()
}

const STAMP: &str = "2026-11-22T00:00:01Z";

/// Every kind of request with what a reader should find in it.
fn requests() -> Vec<(&'static str, Request, Value)> {
    let common = |mti: &str, operation: u64, amount: &str, processing: &str| {
        json!({
            "t": mti, "2": "5413330000000019", "3": processing, "4": amount, "7": "1122000001", "11": "000042",
            "12": "235958", "13": "1121", "18": "5999", "22": "812", "25": "59", "32": "400000",
            "37": Reference::new(operation, 1).unwrap().to_string(), "41": "T1      ", "42": "M1             ",
            "43": "Caf? & Sons              Bra?la       RO", "49": "978",
        })
    };
    let with = |mut fields: Value, more: Value| {
        for (key, value) in more.as_object().unwrap() {
            fields[key] = value.clone();
        }
        fields
    };
    let original = Some(Stamp { trace: 41, sent_at: "2026-11-21T23:59:59Z".parse().unwrap() });
    let first = Reference::new(10, 1).unwrap();
    let follow_up = |kind, operation, amount| {
        Request::FollowUp(FollowUp { attempt: attempt(operation, amount), kind, original: first })
    };
    let void = |attempt, undoes, partial| Void { attempt, undoes, original: first, stamp: original, partial };
    let mut telephone = attempt(13, 400);
    telephone.remote_order = Some(RemoteOrder::Telephone);
    telephone.shop = telephone.shop.named("SHOP* TEA");
    let de90 = "020000004111212359590000040000000000000000";
    let mut repeat = attempt(10, 1);
    repeat.repeat = true;
    vec![
        (
            "purchase",
            Request::Debit(Debit {
                cvv: Some(Cvv::new("0123").unwrap()),
                authentication: Some(Box::new(proof("02", ""))),
                holder: Some(Text::lossy("A B")),
                ..debit(DebitKind::Purchase, attempt(10, 999_999_999_999), 2031, 1)
            }),
            with(
                common("0200", 10, "999999999999", "000000"),
                json!({"14": "3101", "48": "020020203028AAECAwQFBgcICQoLDA0ODxAREhM=07004012309003A B"}),
            ),
        ),
        (
            "purchase without private data, sent again",
            Request::Debit(debit(DebitKind::Purchase, repeat, 2029, 12)),
            with(common("0201", 10, "000000000001", "000000"), json!({"14": "2912"})),
        ),
        (
            "refund",
            follow_up(FollowUpKind::Refund, 11, 250),
            with(common("0200", 11, "000000000250", "200000"), json!({"48": format!("05012{first}")})),
        ),
        (
            "whole void",
            Request::Void(void(attempt(12, 900), Undoes::Debit, None)),
            with(
                common("0400", 12, "000000000900", "000000"),
                json!({"48": format!("05012{first}"), "90": de90}),
            ),
        ),
        (
            "partial void",
            Request::Void(void(
                attempt(12, 900),
                Undoes::Debit,
                Some(Partial { amount: 300, remaining: 600 }),
            )),
            with(
                common("0400", 12, "000000000900", "000000"),
                json!({
                    "48": format!("05012{first}11012000000000300"), "90": de90,
                    "95": "000000000600000000000000000000000000000000",
                }),
            ),
        ),
        (
            "reversal advice of a refund",
            Request::ReversalAdvice(ReversalAdvice {
                attempt: attempt(11, 250),
                class: Class::Financial,
                processing: Processing::Refund,
                original,
            }),
            with(common("0420", 11, "000000000250", "200000"), json!({"90": de90})),
        ),
        (
            "authorisation by telephone with all particulars",
            Request::Debit(Debit {
                authentication: Some(Box::new(proof("05", "2.2.0"))),
                address: Some(Box::new(Address {
                    post_code: Text::lossy("EC1A 1BB"),
                    street: Text::lossy("1 Long Lane"),
                    must_match: true,
                })),
                partial_allowed: true,
                confirmation: Some(Text::lossy("654321")),
                ..debit(DebitKind::Authorisation, telephone, 2031, 1)
            }),
            with(
                common("0100", 13, "000000000400", "000000"),
                json!({
                    "14": "3101", "22": "012", "25": "08", "43": "SHOP* TEA                Bra?la       RO",
                    "48": "020020503028AAECAwQFBgcICQoLDA0ODxAREhM=120111 Long Lane14001115008EC1A 1BB160011170012\
                           180052.2.019006654321",
                }),
            ),
        ),
        (
            "verification with a name",
            Request::Debit(Debit {
                name: Some(Box::new(PersonName {
                    first: Text::lossy("Ana"),
                    middle: Text::lossy("M"),
                    last: Text::lossy("Popescu"),
                })),
                ..debit(DebitKind::Verification, attempt(14, 0), 2031, 1)
            }),
            with(
                common("0100", 14, "000000000000", "330000"),
                json!({"14": "3101", "48": "22003Ana23001M24007Popescu"}),
            ),
        ),
        (
            "increment",
            follow_up(FollowUpKind::Increment, 15, 70),
            with(common("0100", 15, "000000000070", "000000"), json!({"48": format!("05012{first}21001I")})),
        ),
        (
            "capture",
            follow_up(FollowUpKind::Capture, 16, 350),
            with(common("0220", 16, "000000000350", "000000"), json!({"48": format!("05012{first}")})),
        ),
        (
            "request to place a code",
            follow_up(FollowUpKind::CodeRequest, 17, 400),
            with(common("0100", 17, "000000000400", "390000"), json!({"48": format!("05012{first}")})),
        ),
        (
            "whole release",
            Request::Void(void(attempt(18, 470), Undoes::Hold, None)),
            with(
                common("0400", 18, "000000000470", "000000"),
                json!({"48": format!("05012{first}"), "90": de90.replacen("0200", "0100", 1)}),
            ),
        ),
        (
            "cancelled refund",
            Request::Void(void(attempt(19, 250), Undoes::Refund, None)),
            with(
                common("0400", 19, "000000000250", "200000"),
                json!({"48": format!("05012{first}"), "90": de90}),
            ),
        ),
        (
            "credit to a card without an expiry, sent again",
            Request::Credit(Credit {
                attempt: Attempt { repeat: true, ..attempt(20, 5000) },
                expiry: None,
                holder: None,
                chosen: None,
            }),
            common("0201", 20, "000000005000", "260000"),
        ),
        (
            "credit to a card with expiry and holder",
            Request::Credit(Credit {
                attempt: attempt(20, 5000),
                expiry: Some(Expiry { year: 2031, month: 1 }),
                holder: Some(Text::lossy("A B")),
                chosen: Some(Box::new(Text::lossy("608000000051941"))),
            }),
            with(
                common("0200", 20, "000000005000", "260000"),
                json!({"14": "3101", "48": "09003A B30015608000000051941"}),
            ),
        ),
        (
            "credit taken back",
            Request::Void(void(attempt(21, 5000), Undoes::Credit, None)),
            with(
                common("0400", 21, "000000005000", "260000"),
                json!({"48": format!("05012{first}"), "90": de90}),
            ),
        ),
        (
            "reversal advice of a verification",
            Request::ReversalAdvice(ReversalAdvice {
                attempt: attempt(14, 0),
                class: Class::Authorisation,
                processing: Processing::Verification,
                original,
            }),
            with(
                common("0420", 14, "000000000000", "330000"),
                json!({"90": de90.replacen("0200", "0100", 1)}),
            ),
        ),
    ]
}

#[test]
fn an_independent_reader_finds_in_our_messages_what_we_meant() {
    let identity = Identity::new("400000", "T1", "M1").unwrap();
    let stamp = Stamp { trace: 42, sent_at: STAMP.parse().unwrap() };
    let mut ours = Vec::new();
    let mut meant = Vec::new();
    for (name, request, fields) in requests() {
        let mut raw = Vec::new();
        request.encode(&mut raw, stamp, &identity).unwrap();
        ours.push(json!({"name": name, "raw": String::from_utf8(raw).unwrap()}));
        meant.push(json!({"name": name, "fields": fields}));
    }
    for (name, what, code) in [
        ("sign-on", Management::SignOn, "001"),
        ("sign-off", Management::SignOff, "002"),
        ("echo", Management::Echo, "301"),
    ] {
        let mut raw = Vec::new();
        what.encode(&mut raw, stamp, &identity).unwrap();
        ours.push(json!({"name": name, "raw": String::from_utf8(raw).unwrap()}));
        meant.push(json!({
            "name": name,
            "fields": {"t": "0800", "7": "1122000001", "11": "000042", "32": "400000", "70": code},
        }));
    }
    let answer = ask(&json!({"ours": ours, "theirs": [], "lengths": {}}));
    assert_eq!(answer["decoded"].as_array().unwrap().len(), 20);
    for (decoded, meant) in answer["decoded"].as_array().unwrap().iter().zip(&meant) {
        assert_eq!(decoded, meant);
    }
}

#[test]
fn answers_written_by_an_independent_writer_are_read_as_what_they_say() {
    let reference = Reference::new(10, 1).unwrap();
    let fields = |mti: &str, more: Value| {
        let mut fields = json!({
            "t": mti, "3": "000000", "4": "000000002000", "7": "1122000001", "11": "000042", "32": "400000",
            "37": reference.to_string(), "39": "00", "41": "T1      ", "42": "M1             ", "49": "978",
        });
        for (key, value) in more.as_object().unwrap() {
            fields[key] = value.clone();
        }
        fields
    };
    let theirs = [
        (
            "approved",
            fields("0210", json!({"12": "235958", "13": "1121", "38": "Ab12Cd", "48": "01001N08004x-yz"})),
        ),
        ("declined", fields("0210", json!({"12": "235958", "13": "1121", "39": "1A"}))),
        (
            "with elements this side has no use for",
            fields(
                "0210",
                json!({
                    "6": "000000000001", "35": "0000=00", "54": "0000978C000000000000", "60": "", "100": "12345", "128": "0123456789ABCDEF",
                }),
            ),
        ),
        ("void", fields("0410", json!({"38": "000001"}))),
        ("advice", fields("0430", json!({}))),
        (
            "sign-on",
            json!({"t": "0810", "7": "1122000001", "11": "000042", "32": "400000", "39": "58", "70": "001"}),
        ),
        ("echo", json!({"t": "0800", "7": "1122000001", "11": "000043", "32": "400000", "70": "301"})),
        (
            "verified",
            fields("0110", json!({"3": "330000", "4": "000000000000", "38": "000001", "48": "13001W25001B"})),
        ),
        ("captured", fields("0230", json!({"12": "235958", "13": "1121", "38": "000001"}))),
        (
            "credited",
            fields(
                "0210",
                json!({"3": "260000", "12": "235958", "13": "1121", "38": "000001", "48": "08004x-yz"}),
            ),
        ),
        ("credit taken back", fields("0410", json!({"3": "260000", "38": "000001"}))),
    ];
    let asked: Vec<Value> =
        theirs.iter().map(|(name, fields)| json!({"name": name, "fields": fields})).collect();
    let encoded = ask(&json!({"ours": [], "theirs": asked, "lengths": {}}));
    let read = |index: usize| {
        let raw = encoded["encoded"][index]["raw"].as_str().expect(theirs[index].0);
        Incoming::read(raw.as_bytes()).expect(theirs[index].0)
    };
    let answer = |index: usize| match read(index) {
        Incoming::Answer(answer) => answer,
        other => panic!("{other:?}"),
    };
    let approved = answer(0);
    assert_eq!((approved.key.class, approved.key.reference), (Class::Financial, reference));
    assert_eq!((approved.amount, approved.currency, approved.trace), (2000, 978, 42));
    assert_eq!(approved.approval_code.unwrap().as_str(), "Ab12Cd");
    assert_eq!(approved.cvv_result, Some(CvvResult::NoMatch));
    assert_eq!(approved.network_transaction.unwrap().as_str(), "x-yz");
    assert_eq!((approved.terminal_id.as_str(), approved.merchant_id.as_str()), ("T1", "M1"));
    assert_eq!((answer(1).code, answer(1).approval_code), (ResponseCode(*b"1A"), None));
    assert_eq!(answer(2).code, ResponseCode::APPROVED);
    assert_eq!(answer(3).key.class, Class::Void);
    assert_eq!(answer(4).key.class, Class::Advice);
    assert_eq!(read(5), Incoming::Management { trace: 42, code: ResponseCode(*b"58") });
    assert_eq!(read(6), Incoming::Echo { trace: 43, sent: *b"1122000001" });
    let verified = answer(7);
    assert_eq!(
        (verified.key.class, verified.processing, verified.amount),
        (Class::Authorisation, 330_000, 0)
    );
    assert_eq!(verified.address_check.unwrap().as_str(), "W");
    assert_eq!(verified.name_check.unwrap().as_str(), "B");
    assert_eq!(answer(8).key.class, Class::Capture);
    let credited = answer(9);
    assert_eq!((credited.key.class, credited.processing), (Class::Financial, 260_000));
    assert_eq!(credited.network_transaction.unwrap().as_str(), "x-yz");
    assert_eq!((answer(10).key.class, answer(10).processing), (Class::Void, 260_000));
}

#[test]
fn every_element_is_as_long_here_as_in_the_independent_specification() {
    let mut lengths = serde_json::Map::new();
    for field in 2..=128_u8 {
        let length = match spec(field).unwrap().length {
            Length::Fixed(length) => json!([0, length]),
            Length::Ll(most) => json!([2, most]),
            Length::Lll(most) => json!([3, most]),
        };
        lengths.insert(field.to_string(), length);
    }
    assert_eq!(lengths.len(), 127);
    let answer = ask(&json!({"ours": [], "theirs": [], "lengths": lengths}));
    assert_eq!(answer["differences"], json!([]));
}
