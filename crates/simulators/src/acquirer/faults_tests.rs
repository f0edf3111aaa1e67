//! Fault plans: grammar, counts, order.

use super::*;

fn draw(plan: &mut Plan, kind: Kind) -> Effects {
    plan.draw(kind, false)
}

/// A request of the merchant SHOP.
fn asked(plan: Option<&str>, reference: Reference, kind: Kind) -> Request<'_> {
    Request { plan, reference, kind, confirmed: false, merchant: "SHOP           ", terminal: "TERM0001" }
}

#[test]
fn every_step_of_the_grammar_parses_and_shows_itself_again() {
    let text = "delay=200,late=9999999*3@purchase,duplicate@refund,decline=A1*2,drop@advice,drop-before*1@reversal,\
                reset*999999999,reset-before,garbage,merchant-auth*1@authorisation,delay=1@increment,delay=1@capture,\
                delay=1@verification,delay=1@code,drop*2@payout";
    assert_eq!(Plan::parse(text).unwrap().to_string(), text);
}

#[test]
fn plans_outside_the_grammar_are_refused_with_a_reason() {
    let cases = [
        ("", "no fault"),
        ("explode", "no fault"),
        ("drop,", "no fault"),
        ("drop, garbage", "no fault"),
        ("delay", "no fault"),
        ("delay=", "no fault"),
        ("delay=-1", "no fault"),
        ("delay=12345678", "no fault"),
        ("drop=1", "no fault"),
        ("decline=5", "no fault"),
        ("decline=555", "no fault"),
        ("decline=00", "no fault"),
        ("decline=10", "no fault"),
        ("DROP", "no fault"),
        ("drop*", "no count"),
        ("drop*x", "no count"),
        ("drop*1234567890", "no count"),
        ("drop*-1", "no count"),
        ("drop@", "no kind"),
        ("drop@sale", "no kind"),
        ("drop@refund*2", "no kind"),
    ];
    for (text, reason) in cases {
        let error = Plan::parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
    let long = vec!["drop"; MOST_STEPS + 1].join(",");
    assert_eq!(Plan::parse(&long), Err(PlanError::TooLong));
}

#[test]
fn a_step_behind_an_ending_one_waits_for_its_turn() {
    let mut plan = Plan::parse("drop*2,garbage*1").unwrap();
    let endings: Vec<_> = (0..4).map(|_| draw(&mut plan, Kind::Purchase).ending).collect();
    assert_eq!(endings, [Some(Ending::Drop), Some(Ending::Drop), Some(Ending::Garbage), None]);
}

#[test]
fn several_declines_follow_one_another_and_do_not_stop_other_steps() {
    let mut plan = Plan::parse("decline=51*1,decline=05,duplicate").unwrap();
    let first = draw(&mut plan, Kind::Refund);
    assert_eq!((first.decline, first.duplicate), (Some(*b"51"), true));
    assert_eq!(draw(&mut plan, Kind::Refund).decline, Some(*b"05"));
}

// G-211
#[test]
fn a_code_is_offered_for_purchases_and_authorisations_that_bring_none() {
    let mut plan = Plan::parse("merchant-auth*2").unwrap();
    for kind in [Kind::Refund, Kind::Capture, Kind::Increment, Kind::Verification, Kind::Code, Kind::Advice] {
        assert!(!draw(&mut plan, kind).offer_code, "{kind:?}");
    }
    assert!(!plan.draw(Kind::Purchase, true).offer_code, "it brings the code");
    assert!(draw(&mut plan, Kind::Purchase).offer_code);
    assert!(draw(&mut plan, Kind::Authorisation).offer_code);
    assert!(!draw(&mut plan, Kind::Purchase).offer_code, "used up by the two it hit");
}

#[test]
fn a_step_for_one_kind_neither_hits_nor_is_used_up_by_others() {
    let mut plan = Plan::parse("drop*1@advice,delay=5").unwrap();
    for kind in [Kind::Purchase, Kind::Refund, Kind::Reversal] {
        assert_eq!(draw(&mut plan, kind), Effects { delay: 5, ..Effects::default() });
    }
    assert_eq!(draw(&mut plan, Kind::Advice).ending, Some(Ending::Drop));
    assert_eq!(draw(&mut plan, Kind::Advice).ending, None);
}

#[test]
fn the_requests_own_plan_counts_per_reference_and_goes_before_the_merchants() {
    let faults = Faults::default();
    faults.set("SHOP", "garbage").unwrap();
    let one = Reference::from_number(1).unwrap();
    let two = Reference::from_number(2).unwrap();
    let ending = |own, reference| faults.draw(&asked(own, reference, Kind::Purchase)).unwrap().ending;
    assert_eq!(ending(Some("drop*1"), one), Some(Ending::Drop));
    assert_eq!(ending(Some("drop*1"), one), None, "the repeat of the same reference is through");
    assert_eq!(ending(Some("drop*1"), two), Some(Ending::Drop), "another reference starts anew");
    assert_eq!(ending(None, one), Some(Ending::Garbage));
    assert!(faults.draw(&asked(Some("nonsense"), one, Kind::Purchase)).is_err());
}

#[test]
fn a_plan_is_found_by_merchant_or_else_by_terminal() {
    let faults = Faults::default();
    faults.set("TERM0001", "drop*1").unwrap();
    let one = Reference::from_number(1).unwrap();
    let draw = || faults.draw(&asked(None, one, Kind::Refund)).unwrap();
    assert_eq!(draw().ending, Some(Ending::Drop));
    assert_eq!(draw().ending, None);
    assert_eq!(faults.get("TERM0001").unwrap(), ("drop*1".to_owned(), "drop*0".to_owned()));
    assert!(faults.remove("TERM0001"));
    assert!(!faults.remove("TERM0001"));
}

#[test]
fn memory_for_counted_plans_is_bounded() {
    let faults = Faults::default();
    for number in 0..(MOST_COUNTED_REQUESTS as u64 + 100) {
        let reference = Reference::from_number(number).unwrap();
        faults.draw(&asked(Some("drop*1"), reference, Kind::Purchase)).unwrap();
    }
    let plans = faults.0.lock();
    assert_eq!(plans.counted.len(), MOST_COUNTED_REQUESTS);
    assert_eq!(plans.counted_order.len(), MOST_COUNTED_REQUESTS);
}
