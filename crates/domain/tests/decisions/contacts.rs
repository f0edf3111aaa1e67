//! Customers who are to be authenticated have to be reachable.

use crate::{
    fixtures::{eur, extended, link_of, link_payment, members, sale_of},
    world::World,
};
use ferropay_domain::{
    card::Network,
    codes,
    decide::{CardCommand, FollowUp, LinkCommand, PayLink},
    payment::{Customer, PaymentStatus},
    project::Settings,
};

const EMAIL: &str = "customer.email";

/// A sale with a card that takes part, of a customer of whom only this is known.
fn asked(settings: Settings, contacts: &[(&str, &str)]) -> World {
    let mut world = World::new(settings, 1_000_000).enrolled(true);
    let mut command = CardCommand { three_ds: extended(), ..sale_of(eur(1000), Network::Visa) };
    command.customer.email = None;
    command.three_ds.data = members(contacts);
    assert!(world.card(command));
    world
}

fn wanted() -> Settings {
    Settings { three_ds_contact_required: true, ..Settings::default() }
}

// G-152
#[test]
fn one_way_to_reach_the_customer_is_needed_and_the_email_is_asked_for_where_there_is_none() {
    for path in [EMAIL, "customer.phone", "customer.work_phone", "customer.home_phone"] {
        let world = asked(wanted(), &[(path, "4915100000")]);
        assert_eq!(world.status(), PaymentStatus::AwaitingThreeDs, "{path}");
    }
    let mut world = asked(wanted(), &[(EMAIL, " ")]);
    assert_eq!(world.status(), PaymentStatus::AwaitingClarification);
    assert_eq!(world.operation().detail.wait.as_ref().unwrap().missing, [EMAIL]);
    let values = members(&[(EMAIL, "judy@mail.example")]);
    world.follow(FollowUp::Clarification { values }).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingThreeDs);
    let known = world.operation().detail.authentication.as_deref().unwrap();
    assert_eq!(known.data.get(EMAIL).map(String::as_str), Some("judy@mail.example"), "the issuer is told");
}

// G-152: any contact will do, unless the project itself asks for the e-mail
#[test]
fn a_telephone_answers_the_question_for_an_email() {
    let answer = || FollowUp::Clarification { values: members(&[("customer.home_phone", "4915100000")]) };
    let mut world = asked(wanted(), &[]);
    world.follow(answer()).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingThreeDs);
    let known = world.operation().detail.authentication.as_deref().unwrap();
    assert_eq!(known.data.get("customer.home_phone").map(String::as_str), Some("4915100000"));
    let mut settings = wanted();
    settings.required_data.insert("sale".to_owned(), vec![EMAIL.to_owned()]);
    let mut world = asked(settings, &[]);
    world.follow(answer()).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingClarification);
}

// G-152, G-512: asked for once, and told in every attempt
#[test]
fn a_contact_that_was_asked_for_is_known_in_the_next_attempt() {
    let mut world = asked(Settings { additional_attempts: 1, ..wanted() }, &[]);
    world.follow(FollowUp::Clarification { values: members(&[(EMAIL, "judy@mail.example")]) }).unwrap();
    world.advance(std::time::Duration::from_mins(31));
    assert!(world.wait_ended());
    assert_eq!(world.status(), PaymentStatus::AwaitingCustomer);
    let mut again = CardCommand { three_ds: extended(), ..sale_of(eur(1000), Network::Visa) };
    again.customer.email = None;
    world.again(again).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingThreeDs);
    let known = world.operation().detail.authentication.as_deref().unwrap();
    assert_eq!(known.data.get(EMAIL).map(String::as_str), Some("judy@mail.example"));
}

// G-152, G-225
#[test]
fn nobody_is_asked_where_that_cannot_be_or_is_not_needed() {
    let unable = Settings { clarification_allowed: false, ..wanted() };
    let world = asked(unable, &[]);
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::NEED_CLARIFICATION));
    let lenient = Settings::default();
    assert_eq!(asked(lenient, &[]).status(), PaymentStatus::AwaitingThreeDs);
    let off = Settings { three_ds: false, ..wanted() };
    assert_eq!(asked(off, &[]).status(), PaymentStatus::Processing, "nobody is authenticated");
    // On a link's page nothing more is asked for.
    let mut link = World::new(wanted(), 0).enrolled(true);
    let command = link_of(eur(1000), link.now);
    link.create_link(LinkCommand { customer: Customer { email: None, ..command.customer }, ..command });
    let now = link.now;
    assert!(matches!(link.pay_link(link_payment(Network::Visa), now), PayLink::Begun(_)));
    assert_eq!(link.status(), PaymentStatus::AwaitingThreeDs);
}
