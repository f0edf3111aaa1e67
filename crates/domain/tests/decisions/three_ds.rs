//! 3-D Secure: the customer is authenticated by the issuer, or by the merchant.

use crate::{
    fixtures::{
        approved, card_of, challenge, decided, declined, eur, extended, form, members, result, sale_of,
        supplied, unavailable,
    },
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::Network,
    change::TaskKey,
    codes::{self, Code},
    decide::{AuthenticationOutcome, CardCommand, FollowUp, NotWaiting, Noticed, ThreeDsRequest},
    ids::{AuthenticationId, OperationId},
    payment::{
        Authentication, AuthenticationFlow, AuthenticationResult, AuthenticationStep, OperationKind,
        OperationStatus, PaymentStatus,
    },
    project::{Settings, Unauthenticated},
};
use std::time::Duration;

const HALF_AN_HOUR: Duration = Duration::from_mins(30);
const SEEN: FollowUp = FollowUp::DeviceData { seen: true };

fn authentication(world: &World) -> &Authentication {
    world.operation().detail.authentication.as_deref().unwrap()
}

/// A sale with a card that takes part; the merchant leads the customer, or the platform.
fn sale(settings: Settings, device_form: bool, merchant_leads: bool) -> World {
    let mut world = World::new(settings, 1_000_000).enrolled(device_form);
    let mut command = sale_of(eur(1000), Network::Visa);
    if merchant_leads {
        command.three_ds = extended();
    }
    assert!(world.card(command));
    world
}

/// The same, in a challenge.
fn challenged(settings: Settings) -> World {
    let mut world = sale(settings, true, true);
    world.follow(SEEN).unwrap();
    assert!(world.authenticated(challenge()));
    world
}

fn waits(world: &World) -> bool {
    world.operation().status == OperationStatus::AwaitingThreeDs
        && world.status() == PaymentStatus::AwaitingThreeDs
}

/// Whether the provider has been asked.
fn goes_on(world: &World) -> bool {
    world.operation().status == OperationStatus::Processing && world.attempts.len() == 1
}

fn declined_with(world: &World, code: Code) -> bool {
    world.status() == PaymentStatus::Decline && world.operation().code == code && world.attempts.is_empty()
}

// G-123, G-188, G-189, G-199, G-200, T-046, P-145
#[test]
fn in_the_extended_flow_the_merchant_first_shows_the_browser_to_the_issuer() {
    let world = sale(Settings::default(), true, true);
    assert!(waits(&world) && world.attempts.is_empty());
    let known = authentication(&world);
    assert_eq!((known.flow, known.step), (AuthenticationFlow::Extended, AuthenticationStep::DeviceData));
    assert_eq!((known.form.as_ref(), known.issuer_form.as_ref()), (Some(&form("device")), None));
    assert_eq!((known.md.as_str(), known.version.as_str()), ("md-1", "2.2.0"));
    assert_eq!(world.events.len(), 1);
    let wait = world.operation().detail.wait.as_ref().unwrap();
    assert_eq!(wait.until.since(world.now.business), HALF_AN_HOUR, "W-286");
}

// G-200: skipped when the issuer does not want to see the browser.
#[test]
fn without_device_data_the_directory_server_is_asked_at_once() {
    for merchant_leads in [true, false] {
        let mut world = sale(Settings::default(), false, merchant_leads);
        assert_eq!(world.operation().status, OperationStatus::Processing);
        assert_eq!(authentication(&world).step, AuthenticationStep::Asking);
        assert!(world.events.is_empty(), "nobody has to do anything yet");
        assert!(world.authenticated(challenge()));
        assert!(waits(&world));
        assert_eq!(world.events.len(), 1, "G-202");
    }
}

// G-122, G-196, T-046: in the basic flow the customer is to come to the platform's page, whatever comes there.
#[test]
fn in_the_basic_flow_the_merchant_sends_the_customer_to_the_platforms_page() {
    let mut world = sale(Settings::default(), true, false);
    let known = authentication(&world);
    assert_eq!((known.flow, known.step), (AuthenticationFlow::Basic, AuthenticationStep::DeviceData));
    assert_eq!(known.form.as_ref(), Some(&form("page")));
    assert_eq!(known.issuer_form.as_ref(), Some(&form("device")), "for the page itself");
    world.follow(SEEN).unwrap();
    world.authenticated(challenge());
    assert_eq!((waits(&world), world.events.len()), (true, 1), "the page leads on, the merchant knows all");
    let known = authentication(&world);
    assert_eq!(known.form.as_ref(), Some(&form("page")));
    assert_eq!(known.issuer_form.as_ref(), Some(&form("challenge")));
}

// G-201, T-047, T-048
#[test]
fn after_the_iframe_the_directory_server_is_asked_once() {
    for seen in [true, false] {
        let mut world = sale(Settings::default(), true, true);
        world.follow(FollowUp::DeviceData { seen }).unwrap();
        assert!(waits(&world), "while it is asked, too");
        assert_eq!(authentication(&world).device_data, Some(seen));
        assert!(world.has_task(TaskKey::Authenticate(world.operation().id)));
        assert_eq!(world.follow(SEEN), Err(NotWaiting), "G-205");
    }
}

// G-202, T-048, G-194
#[test]
fn an_issuer_that_decides_unasked_lets_the_payment_go_on() {
    for (network, letter, eci) in [
        (Network::Visa, 'Y', "05"),
        (Network::Visa, 'A', "06"),
        (Network::Mastercard, 'Y', "02"),
        (Network::Mastercard, 'A', "01"),
        (Network::AmericanExpress, 'Y', "05"),
        (Network::AmericanExpress, 'A', "06"),
    ] {
        let mut world = World::rich().enrolled(true).with(network);
        world.ask_for(OperationKind::Auth, 1000);
        world.follow(SEEN).unwrap();
        assert!(world.authenticated(decided(letter)));
        assert!(goes_on(&world), "{letter}");
        assert_eq!(world.events.len(), 1, "only that the customer was needed");
        assert!(authentication(&world).proof().is_some());
        world.outcome(approved(eur(1000))).unwrap();
        assert_eq!(world.operation().detail.eci.as_deref(), Some(eci), "{network:?} {letter}");
        assert!(!world.authenticated(decided('N')), "nobody asks any more");
    }
}

// G-194: what the issuer says of the indicator counts before the table.
#[test]
fn the_indicator_of_the_result_is_kept_also_when_the_provider_declines() {
    let mut world = sale(Settings::default(), false, true);
    let result = AuthenticationResult { eci: Some("06".to_owned()), ..result('Y') };
    world.authenticated(AuthenticationOutcome::Decided {
        result,
        ds_transaction: "ds-1".to_owned(),
        acs_transaction: "acs-1".to_owned(),
        cardholder_info: None,
    });
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(world.operation().detail.eci.as_deref(), Some("06"));
}

// G-189, T-050
#[test]
fn a_refusal_of_the_issuer_declines_the_payment() {
    for letter in ['N', 'R'] {
        for device_form in [true, false] {
            let mut world = sale(Settings::default(), device_form, true);
            if device_form {
                world.follow(SEEN).unwrap();
            }
            world.authenticated(decided(letter));
            assert!(declined_with(&world, codes::THREE_DS_DECLINED), "{letter}");
            assert!(world.tasks.is_empty());
        }
    }
}

// G-189: when nobody could decide the project's setting does.
#[test]
fn an_authentication_that_could_not_be_done_goes_on_without_proof_or_ends_the_payment() {
    for outcome in [unavailable(), decided('U')] {
        let mut world = sale(Settings::default(), true, true);
        world.follow(SEEN).unwrap();
        world.authenticated(outcome.clone());
        assert!(goes_on(&world) && authentication(&world).proof().is_none());
        world.outcome(approved(eur(1000))).unwrap();
        assert_eq!(world.operation().detail.eci.as_deref(), Some("07"), "G-194");
        let three_ds_unavailable = Unauthenticated::Decline;
        let mut world = sale(Settings { three_ds_unavailable, ..Settings::default() }, false, true);
        world.authenticated(outcome);
        assert!(declined_with(&world, codes::THREE_DS_DECLINED));
    }
}

// G-202, G-203, T-047, T-049
#[test]
fn after_a_challenge_the_payment_goes_on_when_result_and_customer_have_come_in_any_order() {
    let mut world = challenged(Settings::default());
    assert_eq!(authentication(&world).form.as_ref(), Some(&form("challenge")));
    assert_eq!(world.events.len(), 2);
    assert!(matches!(world.notice(result('Y')), Noticed::Recorded(_)));
    assert!(waits(&world), "the customer is still at the issuer");
    world.follow(FollowUp::Returned).unwrap();
    assert!(goes_on(&world));
    let mut world = challenged(Settings::default());
    world.follow(FollowUp::Returned).unwrap();
    assert!(waits(&world), "what a browser brings proves nothing");
    assert!(matches!(world.notice(result('Y')), Noticed::Recorded(_)));
    assert!(goes_on(&world));
    assert_eq!(world.events.len(), 2);
}

// T-050
#[test]
fn a_failed_or_cancelled_challenge_declines_when_the_customer_is_back() {
    let cancelled = AuthenticationResult { cancelled: Some("01".to_owned()), ..result('U') };
    for result in [result('N'), result('R'), cancelled] {
        let mut world = challenged(Settings::default());
        world.notice(result);
        assert!(waits(&world));
        world.follow(FollowUp::Returned).unwrap();
        assert!(declined_with(&world, codes::THREE_DS_DECLINED));
    }
}

// G-205
#[test]
fn a_second_return_finds_nobody_who_waits() {
    let mut world = challenged(Settings::default());
    assert_eq!(world.follow(SEEN), Err(NotWaiting), "that was the step before");
    world.follow(FollowUp::Returned).unwrap();
    assert_eq!(world.follow(FollowUp::Returned), Err(NotWaiting));
    world.notice(result('Y'));
    assert_eq!(world.follow(FollowUp::Returned), Err(NotWaiting));
    let mut early = sale(Settings::default(), true, true);
    assert_eq!(early.follow(FollowUp::Returned), Err(NotWaiting));
    let mut plain = World::rich();
    plain.sale(1000);
    for follow_up in [SEEN, FollowUp::Returned] {
        assert_eq!(plain.follow(follow_up), Err(NotWaiting));
    }
}

// The first result counts.
#[test]
fn a_result_is_taken_once_and_only_by_the_authentication_it_names() {
    let mut world = challenged(Settings::default());
    world.notice(result('Y'));
    assert!(matches!(world.notice(result('Y')), Noticed::Known));
    assert!(matches!(world.notice(result('N')), Noticed::Contradicts));
    world.follow(FollowUp::Returned).unwrap();
    assert!(goes_on(&world));
    assert!(matches!(world.notice(result('N')), Noticed::Contradicts));
    let mut before = sale(Settings::default(), true, true);
    assert!(matches!(before.notice(result('Y')), Noticed::Unknown));
    let mut other = challenged(Settings::default());
    let mut operation = other.operation().clone();
    operation.detail.authentication.as_mut().unwrap().acs_transaction = Some("acs-2".to_owned());
    other.operations.insert(operation.id, operation);
    assert!(matches!(other.notice(result('Y')), Noticed::Unknown));
    let mut over = challenged(Settings::default());
    over.advance(HALF_AN_HOUR);
    over.wait_ended();
    assert!(matches!(over.notice(result('Y')), Noticed::Unknown));
}

// G-189, T-051, W-286
#[test]
fn a_customer_who_does_not_return_within_half_an_hour_ends_the_payment() {
    let asking = || {
        let mut world = sale(Settings::default(), true, true);
        world.follow(SEEN).unwrap();
        world
    };
    for mut world in [sale(Settings::default(), true, true), challenged(Settings::default()), asking()] {
        world.advance(Duration::from_micros(30 * 60_000_000 - 1));
        assert!(!world.wait_ended());
        world.advance(Duration::from_micros(1));
        assert!(world.wait_ended());
        assert!(declined_with(&world, codes::THREE_DS_NOT_RETURNED));
        assert!(world.tasks.is_empty() && !world.wait_ended());
        assert!(!world.authenticated(decided('Y')), "too late");
    }
}

// T-069: the method's threshold is stronger than any waiting.
#[test]
fn an_authentication_does_not_outlast_the_methods_threshold() {
    let mut world = sale(Settings { card_threshold_seconds: 600, ..Settings::default() }, true, true);
    world.advance(Duration::from_mins(10));
    assert!(world.wait_ended());
    assert!(declined_with(&world, codes::AUTO_DECLINE));
}

// The challenge has half an hour of its own (G-203).
#[test]
fn the_waiting_begins_anew_with_the_challenge() {
    let mut world = sale(Settings::default(), true, true);
    world.advance(Duration::from_mins(29));
    world.follow(SEEN).unwrap();
    world.authenticated(challenge());
    world.advance(Duration::from_mins(29));
    assert!(!world.wait_ended() && waits(&world));
}

// An earlier process may have asked; the directory server takes no identifier twice.
#[test]
fn who_asks_again_asks_as_somebody_new() {
    let mut world = sale(Settings::default(), true, true);
    world.follow(SEEN).unwrap();
    let fresh = AuthenticationId::of(OperationId::new(101), [9; 16]);
    let (payment, operation, _) = world.situation();
    let changes =
        ferropay_domain::decide::asked_again(&world.project, (payment, operation), fresh, world.now).unwrap();
    world.apply(changes);
    assert_eq!((authentication(&world).id, authentication(&world).device_data), (fresh, Some(false)));
    world.authenticated(decided('Y'));
    let (payment, operation, _) = world.situation();
    let after = ferropay_domain::decide::asked_again(&world.project, (payment, operation), fresh, world.now);
    assert!(after.is_none());
}

fn asked(settings: Settings, vary: impl FnOnce(&mut CardCommand)) -> World {
    let mut world = World::new(settings, 1_000_000).enrolled(true);
    let mut command = sale_of(eur(1000), Network::Visa);
    vary(&mut command);
    assert!(world.card(command));
    world
}

// G-188, G-189 (10205), G-256
#[test]
fn a_customer_is_authenticated_only_where_it_can_and_should_be() {
    let plain = |_: &mut CardCommand| {};
    assert!(goes_on(&asked(Settings { three_ds: false, ..Settings::default() }, plain)));
    assert!(goes_on(&asked(Settings::default(), |it| it.request.moto = Some(1))), "G-256");
    let required = || Settings { three_ds_required: true, ..Settings::default() };
    let mut outside = World::new(required(), 0);
    outside.sale(1000);
    assert!(declined_with(&outside, codes::NOT_ENROLLED));
    let mut by_mail = World::new(required(), 0);
    let mut command = sale_of(eur(1000), Network::Visa);
    command.request.moto = Some(2);
    by_mail.card(command);
    assert!(goes_on(&by_mail));
    let mut verified = World::rich().enrolled(true);
    verified.project.settings.account_verification_allowed = true;
    verified.card(card_of(OperationKind::AccountVerification, eur(0), Network::Visa));
    assert!(waits(&verified), "T-119");
}

// G-192 (2467, 2468)
#[test]
fn apps_and_absent_customers_need_an_agreement() {
    let by = |settings, channel: &'static str| {
        asked(settings, |it| {
            it.three_ds.data = members(&[("payment.device_channel", channel)]);
        })
    };
    assert!(declined_with(&by(Settings::default(), "01"), codes::THREE_DS_APP));
    assert!(declined_with(&by(Settings::default(), "03"), codes::THREE_DS_WITHOUT_CUSTOMER));
    let agreed =
        || Settings { three_ds_app: true, three_ds_requestor_initiated: true, ..Settings::default() };
    for (settings, channel) in [(agreed(), "01"), (Settings::default(), "02")] {
        assert!(waits(&by(settings, channel)), "{channel}");
    }
    let alone = by(agreed(), "03");
    assert!(
        !waits(&alone) && authentication(&alone).step == AuthenticationStep::Asking,
        "no browser is shown"
    );
}

// G-207, G-208, G-210
#[test]
fn what_the_merchant_found_out_counts_only_where_that_was_agreed() {
    let by = |merchant_three_ds_allowed, letter| {
        asked(Settings { merchant_three_ds_allowed, ..Settings::default() }, |it| {
            it.three_ds = ThreeDsRequest { supplied: Some(supplied(letter)), ..ThreeDsRequest::default() };
        })
    };
    let mut world = by(true, 'Y');
    assert!(goes_on(&world), "the platform does not authenticate again");
    let proof = authentication(&world).proof().unwrap();
    assert_eq!((proof.eci.as_deref(), proof.ds_transaction.as_deref()), (Some("05"), Some("ds-9")));
    assert_eq!((proof.xid.is_some(), proof.version.as_str()), (true, "2.1.0"));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.operation().detail.eci.as_deref(), Some("05"));
    assert!(by(true, 'U').operation().detail.authentication.as_ref().unwrap().proof().is_none());
    let ignored = by(false, 'Y');
    assert!(waits(&ignored), "the platform authenticates as if nothing had been sent");
}

// G-084, D-08: what to do next is told even where callbacks were declined.
#[test]
fn a_prescriptive_callback_is_never_suppressed() {
    let mut world = World::rich().enrolled(true);
    let mut command = sale_of(eur(1000), Network::Visa);
    command.callback.disabled = true;
    world.card(command);
    assert_eq!(world.events[0].addresses, ["https://shop.example/callback"]);
    let Content::Operation { operation, .. } = &world.events[0].content else { panic!("an operation") };
    assert_eq!((operation.status, operation.code), (OperationStatus::AwaitingThreeDs, codes::AWAITING));
    world.advance(HALF_AN_HOUR);
    world.wait_ended();
    assert!(world.events[1].addresses.is_empty(), "the result is");
    let url = |name: &str| Some(format!("https://shop.example/{name}"));
    for (settings, expected) in [
        (
            Settings {
                callback_url_success: url("yes"),
                callback_url_decline: url("no"),
                ..Settings::default()
            },
            "yes",
        ),
        (
            Settings { callback_url_success: url("yes"), callback_url: url("all"), ..Settings::default() },
            "all",
        ),
    ] {
        let mut world = World::rich().enrolled(true);
        world.project.settings = settings;
        world.sale(1000);
        assert_eq!(world.events[0].addresses, [url(expected).unwrap()]);
    }
}

// Card data of the browser serves the question to the directory server and nothing else.
#[test]
fn what_the_directory_server_was_told_is_not_kept() {
    let mut world = asked(Settings::default(), |it| {
        it.three_ds = extended();
        it.three_ds.data = members(&[("customer.email", "a@shop.example")]);
    });
    assert_eq!(authentication(&world).data.len(), 1);
    world.follow(SEEN).unwrap();
    world.authenticated(decided('Y'));
    let known = authentication(&world);
    assert_eq!((known.step, known.data.len(), known.form.is_none()), (AuthenticationStep::Done, 0, true));
}
