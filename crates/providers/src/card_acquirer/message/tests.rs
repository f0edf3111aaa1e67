use super::*;
use crate::card_acquirer::iso8583::{EncodeError, FieldError, decode};
use crate::card_acquirer::secret::{Cvv, Pan};
use proptest::prelude::*;
use std::sync::Arc;

const PURCHASE: u64 = 7_000_123_456;

/// The bytes of the example under `heading` of the protocol's description.
fn documented(heading: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/acquirer-protocol.md");
    let text = std::fs::read_to_string(path).unwrap();
    let section = text.split("\n### ").find(|section| section.starts_with(heading)).expect(heading);
    let mut lines = section.split("```\n").nth(1).unwrap().lines();
    let (head, body) = (lines.next().unwrap(), lines.next().unwrap());
    head.replace(' ', "") + body
}

fn identity() -> Identity {
    Identity::new("400000", "TERM0001", "57123").unwrap()
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn attempt(operation: u64, amount: u64) -> Attempt {
    Attempt {
        reference: Reference::new(operation, 1).unwrap(),
        pan: Pan::new("4314220000000056").unwrap(),
        amount,
        currency: 978,
        category: 5999,
        made_at: at("2026-03-03T13:42:05Z"),
        shop: ShopName::new("FERROPAY TEST SHOP", "RIGA", "LV"),
        remote_order: None,
        fault_plan: None,
        repeat: false,
    }
}

fn plain(kind: DebitKind, operation: u64, amount: u64) -> Debit {
    Debit::plain(kind, attempt(operation, amount), Expiry { year: 2030, month: 12 })
}

fn purchase() -> Debit {
    Debit {
        cvv: Some(Cvv::new("123").unwrap()),
        authentication: Some(Box::new(Authentication {
            eci: Some(Text::new(b"05").unwrap()),
            cavv: Some(Text::new(b"AAECAwQFBgcICQoLDA0ODxAREhM=").unwrap()),
            ds_transaction: Some(Text::new(b"f25084f0-5b16-4c0a-ae5d-b24808a95e4b").unwrap()),
            ..Authentication::default()
        })),
        holder: Some(Text::lossy("ANNA OZOLA")),
        ..plain(DebitKind::Purchase, PURCHASE, 2000)
    }
}

fn first() -> Reference {
    Reference::new(PURCHASE, 1).unwrap()
}

fn follow_up(kind: FollowUpKind, operation: u64, amount: u64) -> Request {
    Request::FollowUp(FollowUp { attempt: attempt(operation, amount), kind, original: first() })
}

fn void(partial: Option<Partial>) -> Request {
    Request::Void(Void {
        attempt: attempt(PURCHASE + 2, 2000),
        undoes: Undoes::Debit,
        original: first(),
        stamp: Some(stamp(123)),
        partial,
    })
}

fn stamp(trace: u32) -> Stamp {
    Stamp { trace, sent_at: at("2026-03-03T13:42:05Z") }
}

fn written(request: &Request, stamp: Stamp) -> String {
    let mut out = Vec::new();
    let length = request.encode(&mut out, stamp, &identity()).unwrap();
    assert_eq!(length, out.len());
    String::from_utf8(out).unwrap()
}

#[test]
fn every_request_is_written_as_the_documented_example_byte_for_byte() {
    assert_eq!(written(&Request::Debit(purchase()), stamp(123)), documented("Purchase of 20.00"));

    let mut repeat = purchase();
    repeat.attempt.repeat = true;
    let later = Stamp { trace: 140, sent_at: at("2026-03-03T13:42:25Z") };
    assert_eq!(written(&Request::Debit(repeat), later), documented("Repeat of the purchase"));

    let refund = follow_up(FollowUpKind::Refund, PURCHASE + 1, 500);
    assert_eq!(written(&refund, stamp(124)), documented("Refund of 5.00"));

    assert_eq!(written(&void(None), stamp(125)), documented("Whole void"));
    let partial = Partial { amount: 700, remaining: 1300 };
    assert_eq!(written(&void(Some(partial)), stamp(125)), documented("Void of 7.00"));

    let advice = ReversalAdvice {
        attempt: attempt(PURCHASE, 2000),
        class: Class::Financial,
        processing: Processing::Purchase,
        original: Some(stamp(123)),
    };
    assert_eq!(written(&Request::ReversalAdvice(advice), stamp(126)), documented("Reversal advice"));
}

#[test]
fn the_steps_of_a_two_step_purchase_are_written_as_documented() {
    let hold =
        Debit { cvv: Some(Cvv::new("123").unwrap()), ..plain(DebitKind::Authorisation, PURCHASE, 2000) };
    assert_eq!(written(&Request::Debit(hold), stamp(123)), documented("Authorisation of 20.00"));
    let increment = follow_up(FollowUpKind::Increment, PURCHASE + 3, 500);
    assert_eq!(written(&increment, stamp(127)), documented("Increment by 5.00"));
    let lower = Request::Void(Void {
        attempt: attempt(PURCHASE + 4, 2500),
        undoes: Undoes::Hold,
        original: first(),
        stamp: Some(stamp(123)),
        partial: Some(Partial { amount: 300, remaining: 2200 }),
    });
    assert_eq!(written(&lower, stamp(128)), documented("Release of 3.00"));
    let capture = follow_up(FollowUpKind::Capture, PURCHASE + 5, 2000);
    assert_eq!(written(&capture, stamp(129)), documented("Capture of 20.00"));
    let advice = ReversalAdvice {
        attempt: attempt(PURCHASE + 3, 500),
        class: Class::Authorisation,
        processing: Processing::Purchase,
        original: Some(stamp(127)),
    };
    assert_eq!(
        written(&Request::ReversalAdvice(advice), stamp(130)),
        documented("Reversal advice of that increment")
    );
    let cancelled = Request::Void(Void {
        attempt: attempt(PURCHASE + 6, 500),
        undoes: Undoes::Refund,
        original: Reference::new(PURCHASE + 1, 1).unwrap(),
        stamp: Some(stamp(124)),
        partial: None,
    });
    assert_eq!(written(&cancelled, stamp(131)), documented("Cancellation of that refund"));
}

#[test]
fn particulars_of_a_card_request_are_written_as_documented() {
    let mut telephone = Debit {
        authentication: Some(Box::new(
            Authentication::new(None, None, None, "2.2.0", Some("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=")).unwrap(),
        )),
        address: Some(Box::new(Address {
            post_code: Text::lossy("LV-1050"),
            street: Text::lossy("BRIVIBAS 1"),
            must_match: true,
        })),
        partial_allowed: true,
        confirmation: Some(Text::lossy("123456")),
        ..plain(DebitKind::Purchase, PURCHASE + 7, 2000)
    };
    telephone.attempt.remote_order = Some(RemoteOrder::Telephone);
    telephone.attempt.shop = telephone.attempt.shop.named("SHOP* TEA");
    assert_eq!(written(&Request::Debit(telephone), stamp(132)), documented("Purchase by telephone"));

    let verification = Debit {
        name: Some(Box::new(PersonName {
            first: Text::lossy("ANNA"),
            middle: Text::lossy(""),
            last: Text::lossy("OZOLA"),
        })),
        ..plain(DebitKind::Verification, PURCHASE + 8, 0)
    };
    assert_eq!(written(&Request::Debit(verification), stamp(133)), documented("Verification of a card"));

    let code = follow_up(FollowUpKind::CodeRequest, PURCHASE + 9, 2000);
    assert_eq!(written(&code, stamp(134)), documented("Request to place a code"));
}

// G-310, G-312
#[test]
fn a_credit_and_its_taking_back_are_written_and_answered_as_documented() {
    let to_card = |operation, amount| Attempt {
        pan: Pan::new("4242424242424242").unwrap(),
        ..attempt(operation, amount)
    };
    let credit = Credit { attempt: to_card(PURCHASE + 10, 5000), expiry: None, holder: None, chosen: None };
    assert_eq!(written(&Request::Credit(credit.clone()), stamp(135)), documented("Credit of 50.00"));
    let taken_back = Request::Void(Void {
        attempt: to_card(PURCHASE + 11, 5000),
        undoes: Undoes::Credit,
        original: Reference::new(PURCHASE + 10, 1).unwrap(),
        stamp: Some(stamp(135)),
        partial: None,
    });
    assert_eq!(written(&taken_back, stamp(136)), documented("Taking back of that credit"));
    for (heading, class) in [("Credit approved", Class::Financial), ("Taking back approved", Class::Void)] {
        let Ok(Incoming::Answer(answer)) = Incoming::read(documented(heading).as_bytes()) else {
            panic!("{heading}")
        };
        assert_eq!((answer.key.class, answer.processing), (class, 260_000), "{heading}");
        assert_eq!((answer.code, answer.amount), (ResponseCode::APPROVED, 5000), "{heading}");
    }

    let nothing = Credit { attempt: to_card(PURCHASE + 10, 0), ..credit.clone() };
    assert!(Request::Credit(nothing).encode(&mut Vec::new(), stamp(1), &identity()).is_err());
    let no_month = Credit { expiry: Some(Expiry { year: 2030, month: 13 }), ..credit };
    let error = Request::Credit(no_month).encode(&mut Vec::new(), stamp(1), &identity()).unwrap_err();
    assert_eq!(error, EncodeError::Content { field: 14 });
}

#[test]
fn documented_answers_tell_of_smaller_amounts_and_checks() {
    let answer = |heading: &str| match Incoming::read(documented(heading).as_bytes()).unwrap() {
        Incoming::Answer(answer) => answer,
        other => panic!("{other:?}"),
    };
    let letter = |text: &str| Some(Text::<1>::new(text.as_bytes()).unwrap());
    let part = answer("Approved for 12.00");
    assert_eq!((part.code, part.amount), (ResponseCode::PARTLY_APPROVED, 1200));
    assert_eq!((part.address_check, part.name_check), (letter("Y"), None));
    let verified = answer("Card verified");
    assert_eq!((verified.key.class, verified.processing), (Class::Authorisation, 330_000));
    assert_eq!((verified.amount, verified.name_check), (0, letter("A")));
    let captured = answer("Capture approved");
    assert_eq!((captured.key.class, captured.code), (Class::Capture, ResponseCode::APPROVED));
    assert_eq!(answer("A code is offered").code, ResponseCode::CODE_OFFERED);
}

// G-208
#[test]
fn a_proof_of_authentication_is_taken_whole_or_not_at_all() {
    let value = "AAECAwQFBgcICQoLDA0ODxAREhM=";
    let id = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b";
    let proof = Authentication::new(Some("05"), Some(value), Some(id), "2.2.0", Some("")).unwrap();
    assert_eq!((proof.cavv.unwrap().as_str(), proof.xid), (value, None));
    for (eci, cavv, id, version) in [
        ("5", value, id, "2.2.0"),
        ("05", "AAEC", id, "2.2.0"),
        ("05", value, "f25084f0", "2.2.0"),
        ("05", value, id, "2.2.0.0.0"),
    ] {
        assert!(Authentication::new(Some(eci), Some(cavv), Some(id), version, None).is_err(), "{eci} {cavv}");
    }
}

#[test]
fn management_messages_are_written_as_documented() {
    let mut out = Vec::new();
    let signed_on = Stamp { trace: 1, sent_at: at("2026-03-03T13:42:00Z") };
    Management::SignOn.encode(&mut out, signed_on, &identity()).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), documented("Sign-on request"));

    let mut out = Vec::new();
    let echo = Stamp { trace: 2, sent_at: at("2026-03-03T13:42:30Z") };
    Management::Echo.encode(&mut out, echo, &identity()).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), documented("Echo request"));

    let mut out = Vec::new();
    encode_echo_answer(&mut out, 2, *b"0303134230", &identity()).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), documented("Echo answer"));
}

#[test]
fn every_documented_answer_is_read_as_what_it_says() {
    let answer = |heading: &str| match Incoming::read(documented(heading).as_bytes()).unwrap() {
        Incoming::Answer(answer) => answer,
        other => panic!("{other:?}"),
    };
    let approved = answer("Purchase approved");
    let original = Reference::new(PURCHASE, 1).unwrap();
    assert_eq!(
        approved,
        Answer {
            key: Key { class: Class::Financial, reference: original },
            code: ResponseCode::APPROVED,
            processing: 0,
            amount: 2000,
            currency: 978,
            trace: 123,
            approval_code: Some(Text::new(b"A1B2C3").unwrap()),
            terminal_id: Text::new(b"TERM0001").unwrap(),
            merchant_id: Text::new(b"57123").unwrap(),
            cvv_result: Some(CvvResult::Match),
            network_transaction: Some(Text::new(b"403030134205123").unwrap()),
            address_check: None,
            name_check: None,
        }
    );
    let declined = answer("Purchase declined");
    assert_eq!(
        (declined.code, declined.approval_code, declined.cvv_result),
        (ResponseCode(*b"51"), None, None)
    );
    assert_eq!(answer("Refund approved").processing, 200_000);
    assert_eq!(answer("Void approved").key.class, Class::Void);
    let advice = answer("Advice acknowledged");
    assert_eq!((advice.key.class, advice.key.reference), (Class::Advice, original));

    let management = |heading: &str| Incoming::read(documented(heading).as_bytes());
    let approved = ResponseCode::APPROVED;
    assert_eq!(management("Sign-on answer"), Ok(Incoming::Management { trace: 1, code: approved }));
    assert_eq!(management("Echo answer"), Ok(Incoming::Management { trace: 2, code: approved }));
    assert_eq!(management("Echo request"), Ok(Incoming::Echo { trace: 2, sent: *b"0303134230" }));
}

#[test]
fn an_answer_with_a_bad_element_still_names_what_it_answers() {
    let text = documented("Purchase approved").replace("000000002000", "0000000020.0");
    let key = Key { class: Class::Financial, reference: Reference::new(PURCHASE, 1).unwrap() };
    assert_eq!(Incoming::read(text.as_bytes()), Ok(Incoming::Broken(Broken { key, field: 4 })));
    let text = documented("Purchase approved").replace("01001M", "01009M");
    assert_eq!(Incoming::read(text.as_bytes()), Ok(Incoming::Broken(Broken { key, field: 48 })));
}

#[test]
fn requests_and_reserved_types_are_not_taken_from_the_acquirer() {
    for (mti, heading) in
        [("0200", "Purchase approved"), ("0120", "Purchase approved"), ("0420", "Void approved")]
    {
        let text = format!("{mti}{}", &documented(heading)[4..]);
        assert_eq!(
            Incoming::read(text.as_bytes()),
            Err(ReadError::MessageType(mti.as_bytes().try_into().unwrap()))
        );
    }
    let text = documented("Purchase approved").replace("00019QHUP3I9", "00019QHUP3i9");
    assert_eq!(Incoming::read(text.as_bytes()), Err(ReadError::Key(FieldError::Content { field: 37 })));
}

#[test]
fn a_request_that_makes_no_sense_is_not_written() {
    let attempt_to = |change: &dyn Fn(&mut Debit)| {
        let mut request = purchase();
        change(&mut request);
        let mut out = Vec::new();
        let error = Request::Debit(request).encode(&mut out, stamp(1), &identity()).unwrap_err();
        assert!(out.is_empty());
        error
    };
    assert_eq!(attempt_to(&|p| p.attempt.amount = 0), EncodeError::Length { field: 4 });
    assert_eq!(attempt_to(&|p| p.attempt.amount = MAX_AMOUNT + 1), EncodeError::Length { field: 4 });
    assert_eq!(attempt_to(&|p| p.attempt.currency = 1000), EncodeError::Length { field: 49 });
    assert_eq!(attempt_to(&|p| p.expiry.month = 13), EncodeError::Content { field: 14 });
    assert_eq!(attempt_to(&|p| p.attempt.category = 10_000), EncodeError::Length { field: 18 });
    assert_eq!(
        attempt_to(&|p| p.attempt.fault_plan = Some(Arc::from("d\u{e9}lai"))),
        EncodeError::Content { field: 48 }
    );
    assert_eq!(
        attempt_to(&|p| p.attempt.fault_plan = Some("x".repeat(1000).into())),
        EncodeError::Length { field: 48 }
    );
}

#[test]
fn a_partial_void_of_nothing_or_of_more_than_the_purchase_is_not_written() {
    for (amount, remaining) in [(0, 2000), (1500, 501), (u64::MAX, 1)] {
        let request = void(Some(Partial { amount, remaining }));
        let error = request.encode(&mut Vec::new(), stamp(1), &identity()).unwrap_err();
        assert_eq!(error, EncodeError::Content { field: 95 });
    }
}

#[test]
fn only_a_verification_may_be_about_nothing() {
    for kind in [DebitKind::Purchase, DebitKind::Authorisation] {
        let request = Request::Debit(plain(kind, PURCHASE, 0));
        assert!(request.encode(&mut Vec::new(), stamp(1), &identity()).is_err());
    }
    for kind in [FollowUpKind::Refund, FollowUpKind::Increment, FollowUpKind::Capture] {
        assert!(follow_up(kind, PURCHASE, 0).encode(&mut Vec::new(), stamp(1), &identity()).is_err());
    }
    assert!(
        written(&Request::Debit(plain(DebitKind::Verification, PURCHASE, 0)), stamp(1)).starts_with("0100")
    );
}

#[test]
fn an_original_that_is_no_longer_known_is_zeros() {
    let advice = Request::ReversalAdvice(ReversalAdvice {
        attempt: attempt(PURCHASE, 2000),
        class: Class::Financial,
        processing: Processing::Refund,
        original: None,
    });
    let raw = written(&advice, stamp(1));
    let message = decode(raw.as_bytes()).unwrap();
    assert_eq!(message.require(90).unwrap(), b"020000000000000000000000040000000000000000");
    assert_eq!(message.number(3), Ok(200_000));
    assert!(!message.has(14) && !message.has(48));
}

#[test]
fn a_request_shows_neither_card_number_nor_verification_value() {
    let shown = format!("{:?}", Request::Debit(purchase()));
    assert!(shown.contains("431422******0056") && shown.contains("***"), "{shown}");
    assert!(!shown.contains("4314220000000056") && !shown.contains("\"123\""), "{shown}");
}

#[test]
fn a_shop_s_name_is_cut_and_filled_to_its_places() {
    let name = ShopName::new("A shop with a very long name indeed", "J\u{16b}rmala", "LV");
    assert_eq!(std::str::from_utf8(name.as_bytes()).unwrap(), "A shop with a very long nJ?rmala      LV");
    let named = name.named("SHOP* TEA");
    assert_eq!(std::str::from_utf8(named.as_bytes()).unwrap(), "SHOP* TEA                J?rmala      LV");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_of_answers_panic(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Incoming::read(&raw);
    }

    #[test]
    fn every_purchase_that_can_be_written_can_be_read_element_for_element(
        amount in 1..=MAX_AMOUNT, currency in 0..1000_u16, trace in 1..1_000_000_u32, operation in 0..1_u64 << 53,
        plan in proptest::option::of("[ -~]{1,200}"),
    ) {
        let mut request = purchase();
        request.attempt = Attempt { currency, fault_plan: plan.clone().map(Arc::from), ..attempt(operation, amount) };
        let raw = written(&Request::Debit(request), stamp(trace));
        let message = decode(raw.as_bytes()).unwrap();
        prop_assert_eq!(message.number(4), Ok(amount));
        prop_assert_eq!(message.number(49), Ok(u64::from(currency)));
        prop_assert_eq!(message.number(11), Ok(u64::from(trace)));
        prop_assert_eq!(Reference::decode(message.require(37).unwrap()).unwrap().operation_id(), operation);
        let mut read = None;
        crate::card_acquirer::private_data::read(message.require(48).unwrap(), |tag, value| {
            if tag == *b"10" {
                read = Some(String::from_utf8(value.to_vec()).unwrap());
            }
        }).unwrap();
        prop_assert_eq!(read, plan);
    }
}
