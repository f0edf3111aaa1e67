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
