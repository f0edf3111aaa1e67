//! How long a hold lasts, and how the platform ends it.

use crate::{
    fixtures::{approved, declined, eur},
    world::World,
};
use OperationKind::{Auth, Cancel, Capture};
use PaymentStatus::{AwaitingCapture, Canceled, Decline, Success};
use ferropay_domain::{
    card::Network,
    change::TaskKey,
    codes,
    payment::{OperationKind, PaymentStatus},
    project::{HoldEnd, Settings},
    time::Timestamp,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// Status, sum, and what the customer has paid.
fn state(world: &World) -> (PaymentStatus, i64, i64) {
    (world.status(), world.sum(), world.payment().debited)
}

/// The provider does what the latest attempt asks for.
fn done(world: &mut World) {
    let asked = world.attempt().amount;
    world.outcome(approved(asked)).unwrap();
}

fn ends(settings: Settings, network: Network) -> Option<Duration> {
    let world = World::holding(settings, 1000, network);
    let hold = world.payment().detail.hold.clone().unwrap();
    hold.ends.map(|ends| ends.since(hold.at))
}

// G-180, W-293
#[test]
fn a_hold_lasts_as_long_as_its_network_says() {
    let by = |category, network| ends(Settings { category, ..Settings::default() }, network);
    for travel in [3351, 3500, 3501, 3999, 4411, 7011, 7512, 7513] {
        assert_eq!(by(Some(travel), Network::Visa), Some(DAY * 30), "{travel}");
        assert_eq!(by(Some(travel), Network::AmericanExpress), None, "as long as the stay: {travel}");
        assert_eq!(by(Some(travel), Network::Mastercard), Some(DAY * 28), "{travel}");
    }
    for other in [None, Some(5999), Some(3350), Some(7514)] {
        assert_eq!(by(other, Network::Visa), Some(DAY * 10));
        assert_eq!(by(other, Network::AmericanExpress), Some(DAY * 7));
        assert_eq!(by(other, Network::Maestro), Some(DAY * 6));
    }
}

fn due(world: &World) -> Timestamp {
    let hold = world.payment().detail.hold.clone().unwrap();
    world.tasks.get(&format!("{:?}", TaskKey::EndHold(hold.attempt.operation))).unwrap().due
}

// G-180, G-181, G-182: the limit counts from the request, and the shorter of lag and limit counts.
#[test]
fn the_platform_ends_a_hold_half_an_hour_before_its_limit_or_after_the_projects_lag() {
    let by = |lag: Option<u64>| {
        let lag = lag.map(|days| u32::try_from(days * 24 * 3600).unwrap());
        let mut world = World::new(Settings { hold_lag_seconds: lag, ..Settings::default() }, 0);
        world.network = Network::Maestro;
        world.ask_for(Auth, 1000);
        let asked_at = world.now.business;
        world.advance(Duration::from_secs(50));
        world.outcome(approved(eur(1000))).unwrap();
        due(&world).since(asked_at)
    };
    let limit = Duration::from_mins(6 * 24 * 60 - 30);
    assert_eq!((by(None), by(Some(10)), by(Some(6))), (limit, limit, limit));
    assert_eq!(by(Some(2)), DAY * 2);
}

/// A hold whose moment has come.
fn old(hold_end: HoldEnd) -> World {
    let mut world = World::holding(Settings { hold_end, ..Settings::default() }, 1000, Network::Mastercard);
    let moment = due(&world);
    world.advance(moment.since(world.now.business));
    world
}

// G-133, G-169, G-181, T-077
#[test]
fn near_its_limit_a_hold_is_captured_or_released_as_the_project_wishes() {
    for (hold_end, kind, end) in [(HoldEnd::Capture, Capture, Success), (HoldEnd::Cancel, Cancel, Canceled)] {
        let mut world = old(hold_end);
        assert!(world.hold_ended());
        assert_eq!((world.operation().kind, world.operation().detail.automatic), (kind, true));
        done(&mut world);
        assert_eq!((world.status(), world.events.len()), (end, 2), "the merchant is told as of its own wish");
        assert!(!world.hold_ended(), "once");
    }
}

// G-181, M-011, M-014: what cannot be ended is tried again until the limit, released there, and gone then.
#[test]
fn a_hold_that_could_not_be_ended_is_tried_again_and_released_at_the_very_limit() {
    let five = Duration::from_mins(5);
    for (hold_end, kind) in [(HoldEnd::Capture, Capture), (HoldEnd::Cancel, Cancel)] {
        let mut world = old(hold_end);
        for _ in 0..6 {
            assert!(world.hold_ended());
            assert_eq!(world.operation().kind, kind);
            world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
            assert_eq!(state(&world), (AwaitingCapture, 1000, 0));
            assert_eq!(due(&world).since(world.now.business), five);
            world.advance(five);
        }
        assert!(world.hold_ended());
        assert_eq!(world.operation().kind, Cancel, "too late for a capture");
        world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
        assert_eq!(state(&world), (Decline, 1000, 0));
        assert!(world.tasks.is_empty() && !world.hold_ended());
    }
}

// G-181: the merchant's own second step goes first.
#[test]
fn a_second_step_under_way_is_not_overtaken_by_the_end_of_the_hold() {
    let mut world = old(HoldEnd::Cancel);
    world.second(Capture, None);
    assert!(world.hold_ended());
    assert_eq!(world.operation().kind, Capture);
    assert_eq!(due(&world).since(world.now.business), Duration::from_mins(5));
    world.advance(Duration::from_mins(31));
    assert!(world.hold_ended());
    assert_eq!(due(&world).since(world.now.business), Duration::from_mins(5));
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(world.status(), Decline, "by then the hold is gone");
}

fn long_stay(hold_end: HoldEnd, hold_lag_seconds: Option<u32>) -> World {
    let settings = Settings { category: Some(7011), hold_lag_seconds, hold_end, ..Settings::default() };
    World::holding(settings, 1000, Network::AmericanExpress)
}

// G-181: a stay is as long as it is.
#[test]
fn a_long_stay_on_american_express_is_not_ended_by_the_platform() {
    for hold_end in [HoldEnd::Capture, HoldEnd::Cancel] {
        assert!(long_stay(hold_end, None).tasks.is_empty());
    }
}

// G-182: the network has no limit that would be shorter than the merchant's lag.
#[test]
fn a_long_stay_on_american_express_is_released_after_the_merchants_lag() {
    let mut world = long_stay(HoldEnd::Cancel, Some(40 * 24 * 3600));
    let moment = due(&world);
    assert_eq!(moment.since(world.payment().detail.hold.clone().unwrap().at), DAY * 40);
    world.advance(moment.since(world.now.business));
    assert!(world.hold_ended());
    assert_eq!(world.operation().kind, Cancel);
    for minutes in [5, 5, 10, 20] {
        world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
        assert_eq!(state(&world), (AwaitingCapture, 1000, 0));
        let pause = due(&world).since(world.now.business);
        assert_eq!(pause, Duration::from_mins(minutes), "however long it was held before");
        world.advance(pause);
        assert!(world.hold_ended());
        assert_eq!(world.operation().kind, Cancel);
    }
    done(&mut world);
    assert_eq!((world.status(), world.tasks.len()), (Canceled, 0));
}

// G-181: a withdrawal by the platform is not for long stays.
#[test]
fn a_long_stay_on_american_express_is_not_captured_by_the_platform() {
    assert!(long_stay(HoldEnd::Capture, Some(3600)).tasks.is_empty());
    let mut world = long_stay(HoldEnd::Cancel, Some(3600));
    world.project.settings.hold_end = HoldEnd::Capture;
    world.advance(due(&world).since(world.now.business));
    assert!(world.hold_ended(), "the timer ends");
    assert_eq!(state(&world), (AwaitingCapture, 1000, 0));
    assert!(world.tasks.is_empty() && world.payment().open.is_none());
    world.second(Capture, None);
    done(&mut world);
    assert_eq!(world.status(), Success, "the merchant may");
}

// G-182: a capture long before the limit that failed once is tried again, not left to the release at the limit.
#[test]
fn a_capture_by_the_platform_that_failed_is_tried_again_after_growing_pauses() {
    let settings =
        Settings { hold_end: HoldEnd::Capture, hold_lag_seconds: Some(3600), ..Settings::default() };
    let mut world = World::holding(settings, 1000, Network::Mastercard);
    for minutes in [5, 5, 10, 20, 40, 80] {
        world.advance(due(&world).since(world.now.business));
        assert!(world.hold_ended());
        assert_eq!(world.operation().kind, Capture);
        world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
        let pause = due(&world).since(world.now.business);
        assert_eq!(pause, Duration::from_mins(minutes));
    }
}
