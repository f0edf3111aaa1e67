//! What only serves to authenticate a customer goes when the operation ends, whichever way it ends.

use crate::{
    fixtures::{
        GIVEN_UP, NOT_SENT, OFFERED, approved, card_of, challenge, decided, declined, eur, extended, members,
        result, unavailable,
    },
    world::World,
};
use ferropay_domain::{
    card::Network,
    codes,
    decide::{CardCommand, FollowUp, ThreeDsRequest},
    payment::{Authentication, AuthenticationStep, OperationKind},
    project::{Settings, Unauthenticated},
};
use std::{collections::BTreeMap, time::Duration};

const DAY: Duration = Duration::from_hours(24);
const HALF_AN_HOUR: Duration = Duration::from_mins(30);
const EMAIL: &str = "customer.email";

fn settings() -> Settings {
    Settings {
        merchant_auth_allowed: true,
        account_verification_allowed: true,
        three_ds_unavailable: Unauthenticated::Decline,
        ..Settings::default()
    }
}

fn accepted(settings: Settings, kind: OperationKind, merchant_leads: bool) -> World {
    let mut world = World::new(settings, 1_000_000).enrolled(true);
    let minor = if kind == OperationKind::AccountVerification { 0 } else { 1000 };
    let mut command = card_of(kind, eur(minor), Network::Visa);
    command.three_ds = if merchant_leads { extended() } else { ThreeDsRequest::default() };
    command.three_ds.data =
        members(&[("customer.accept_header", "text/html"), ("customer.screen_res", "1x1")]);
    assert!(world.card(CardCommand { has_booking_dates: true, ..command }));
    world
}

fn known(world: &World) -> &Authentication {
    world.operation().detail.authentication.as_deref().unwrap()
}

fn asking(world: &mut World) {
    world.follow(FollowUp::DeviceData { seen: true }).unwrap();
}

fn challenged(world: &mut World) {
    asking(world);
    assert!(world.authenticated(challenge()));
}

fn authenticated(world: &mut World) {
    asking(world);
    assert!(world.authenticated(decided('Y')));
}

fn code_offered(world: &mut World) {
    authenticated(world);
    world.outcome(OFFERED()).unwrap();
}

fn time_passes(world: &mut World, span: Duration) {
    world.advance(span);
    assert!(world.wait_ended());
}

/// What happens to a world.
type Course = fn(&mut World);

/// Every way in which an operation with an authentication can end, from its acceptance on.
const ENDINGS: &[(&str, Course)] = &[
    ("nobody shows the browser", |world| time_passes(world, HALF_AN_HOUR)),
    ("nobody answers", |world| {
        asking(world);
        time_passes(world, HALF_AN_HOUR);
    }),
    ("nobody decides", |world| {
        asking(world);
        assert!(world.authenticated(unavailable()));
    }),
    ("refused at once", |world| {
        asking(world);
        assert!(world.authenticated(decided('N')));
    }),
    ("the customer does not return", |world| {
        challenged(world);
        time_passes(world, HALF_AN_HOUR);
    }),
    ("the customer fails", |world| {
        challenged(world);
        world.notice(result('N'));
        world.follow(FollowUp::Returned).unwrap();
    }),
    ("approved", |world| {
        authenticated(world);
        let asked = world.attempt().amount;
        world.outcome(approved(asked)).unwrap();
    }),
    ("refused by the provider", |world| {
        authenticated(world);
        world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    }),
    ("not sent", |world| {
        authenticated(world);
        world.outcome(NOT_SENT).unwrap();
    }),
    ("undone", |world| {
        authenticated(world);
        world.outcome(GIVEN_UP).unwrap();
        let id = world.attempt().id;
        world.acknowledge(id).unwrap();
    }),
    ("at the threshold", |world| {
        authenticated(world);
        world.advance(DAY);
        let id = world.attempt().id;
        assert!(world.threshold(id).unwrap());
    }),
];

fn assert_minimised(world: &World, how: &str) {
    assert!(world.operation().status.is_final(), "{how}");
    let known = known(world);
    assert_eq!(known.step, AuthenticationStep::Done, "{how}");
    assert!(known.data.is_empty(), "{how}: members for the directory server are left");
    assert!(known.form.is_none() && known.issuer_form.is_none(), "{how}: a form is left");
    assert!(known.device_data.is_none(), "{how}: what was seen of the browser is left");
    assert_eq!(known.md, "md-1", "{how}: what names the authentication stays");
}

// G-191, G-192, G-193: asked for the directory server alone.
#[test]
fn no_final_operation_holds_what_served_its_authentication() {
    use OperationKind::{AccountVerification, Auth, Sale};
    for kind in [Sale, Auth, AccountVerification] {
        for merchant_leads in [true, false] {
            for (how, end) in ENDINGS {
                let mut world = accepted(settings(), kind, merchant_leads);
                assert!(!known(&world).data.is_empty() && known(&world).form.is_some(), "{how}");
                end(&mut world);
                assert_minimised(&world, &format!("{how} ({kind})"));
            }
        }
    }
}

// G-211
#[test]
fn a_purchase_that_ends_while_a_code_is_waited_for_holds_nothing_of_its_authentication() {
    for merchant_leads in [true, false] {
        let mut world = accepted(settings(), OperationKind::Sale, merchant_leads);
        code_offered(&mut world);
        time_passes(&mut world, DAY);
        assert_minimised(&world, "no code");
    }
}

// G-217: what was planned for later is forgotten, too.
#[test]
fn a_purchase_that_ends_before_its_authentication_began_holds_nothing_of_it() {
    let demanded = BTreeMap::from([("sale".to_owned(), vec![EMAIL.to_owned()])]);
    for clarification_allowed in [true, false] {
        let settings = Settings { required_data: demanded.clone(), clarification_allowed, ..settings() };
        let mut world = accepted(settings, OperationKind::Sale, true);
        if clarification_allowed {
            assert_eq!(known(&world).step, AuthenticationStep::Planned);
            time_passes(&mut world, HALF_AN_HOUR);
        }
        assert_minimised(&world, "no data");
    }
}
