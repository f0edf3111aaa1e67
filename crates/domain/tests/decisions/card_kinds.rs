//! Rules on what the issuer made of a card: who may be paid out to, and between which cards transfers may go.

use crate::{
    fixtures::{country, eur, made, payout_of, project, sale_of},
    world::World,
};
use ferropay_domain::{
    card::{Network, Origin, Region, Transfers},
    codes::{self, Code},
    decide::{self, CardCommand, CardFacts, PayoutCommand},
    payment::Transfer,
    project::{Settings, TransferRules},
};

fn paid_out(vary: impl FnOnce(&mut PayoutCommand)) -> Code {
    let mut command = payout_of(eur(1000), Network::Visa);
    vary(&mut command);
    World::rich().payout_by(&command).expect("an operation")
}

// G-315: whoever is paid is looked up on lists of sanctions, so that a card has to bear a name
#[test]
fn a_card_that_bears_nobodys_name_is_paid_out_nothing() {
    let by = |nameless| paid_out(|it| it.card.issue = made(|issue| issue.nameless = nameless));
    assert_eq!((by(true), by(false)), (codes::PAYOUT_CARD_TYPE, codes::AWAITING));
}

// G-315, P-087
#[test]
fn what_stands_in_the_place_of_a_name_is_no_name() {
    for holder in ["CARDHOLDER NAME", "Card-Holder", "valued customer"] {
        assert_eq!(
            paid_out(|it| it.card.holder = Some(holder.to_owned())),
            codes::INVALID_HOLDER,
            "{holder}"
        );
    }
    let named = |first: &str, last: &str| {
        paid_out(|it| {
            it.customer.first_name = Some(first.to_owned());
            it.customer.last_name = Some(last.to_owned());
        })
    };
    assert_eq!(named("Customer", "Name"), codes::INVALID_HOLDER);
    assert_eq!(named("Judy", "Cardholder"), codes::AWAITING);
    let recipient = |it: &mut PayoutCommand| {
        it.given.insert("recipient.first_name".to_owned(), "Gift".to_owned());
        it.given.insert("recipient.last_name".to_owned(), "Card".to_owned());
    };
    assert_eq!(paid_out(recipient), codes::INVALID_HOLDER);
}

// G-325 (3341)
#[test]
fn a_card_that_nothing_is_credited_to_is_paid_out_nothing() {
    let by = |part| paid_out(|it| it.card.issue = made(|issue| issue.transfers = part));
    for part in [Transfers::None, Transfers::Send] {
        assert_eq!(by(Some(part)), codes::PAYOUT_CARD_CONSTRAINT, "{part:?}");
    }
    for part in [None, Some(Transfers::Receive), Some(Transfers::Both)] {
        assert_eq!(by(part), codes::AWAITING, "{part:?}");
    }
}

/// The code by which the debit of a transfer is declined at once.
fn debited(
    rules: TransferRules,
    recipient: Origin,
    to: Transfer,
    vary: impl FnOnce(&mut CardCommand),
) -> Option<u32> {
    let mut world = World::rich();
    let mut command = sale_of(eur(1000), Network::Visa);
    for member in ["customer.country", "customer.address", "customer.city", "recipient.day_of_birth"] {
        command.given.insert(member.to_owned(), "known".to_owned());
    }
    command.request.transfer = Some(to);
    vary(&mut command);
    let settings = Settings { card_transfers_allowed: true, transfer_rules: rules, ..Settings::default() };
    let facts = CardFacts { recipient: Some(Box::new(recipient)), ..CardFacts::default() };
    let changes = decide::card(&project(settings), command, facts, world.draw(), world.now).unwrap();
    changes.attempts.is_empty().then(|| changes.operations[0].record().code.get())
}

const TO_VISA: Transfer = Transfer::ToCard(Network::Visa);

// G-493
#[test]
fn a_transfer_is_paid_by_cards_of_agreed_regions_and_kinds_only() {
    let by = |rules: &TransferRules, vary: fn(&mut CardCommand)| {
        debited(rules.clone(), Origin::default(), TO_VISA, vary)
    };
    let any = TransferRules::default();
    assert_eq!(by(&any, |it| it.card.country = None), None);
    let commercial: fn(&mut CardCommand) = |it| it.card.issue = made(|issue| issue.commercial = true);
    let private = TransferRules { no_commercial_senders: true, ..any.clone() };
    assert_eq!(
        (by(&any, commercial), by(&private, commercial), by(&private, |_| {})),
        (None, Some(3400), None)
    );
    for (region, code) in [(Region::Europe, 3411), (Region::Eea, 3480)] {
        let rules = TransferRules { sender_region: Some(region), ..any.clone() };
        assert_eq!(by(&rules, |_| {}), None, "Germany is in both");
        assert_eq!(by(&rules, |it| it.card.country = Some(country("US"))), Some(code));
        assert_eq!(by(&rules, |it| it.card.country = None), Some(code), "nobody knows where");
        let british = by(&rules, |it| it.card.country = Some(country("GB")));
        assert_eq!(british, (region == Region::Eea).then_some(code));
    }
    for part in [Transfers::None, Transfers::Receive] {
        let issue = made(|issue| issue.transfers = Some(part));
        let code = debited(any.clone(), Origin::default(), TO_VISA, |it| it.card.issue = issue);
        assert_eq!(code, Some(3470), "{part:?}");
    }
}

// G-493
#[test]
fn a_transfer_goes_to_cards_of_agreed_countries_and_kinds_only() {
    let rules = TransferRules { recipient_countries: vec![country("IT")], ..TransferRules::default() };
    let from = |code| Origin { country: Some(country(code)), ..Origin::default() };
    let to = |origin| debited(rules.clone(), origin, TO_VISA, |_| {});
    assert_eq!((to(from("IT")), to(from("US")), to(Origin::default())), (None, Some(3472), Some(3472)));
    let anywhere = |part| {
        let origin = Origin { issue: made(|issue| issue.transfers = part), ..Origin::default() };
        debited(TransferRules::default(), origin, TO_VISA, |_| {})
    };
    assert_eq!((anywhere(Some(Transfers::Send)), anywhere(Some(Transfers::None))), (Some(3471), Some(3471)));
    assert_eq!((anywhere(Some(Transfers::Receive)), anywhere(None)), (None, None));
}
