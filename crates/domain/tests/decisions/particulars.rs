//! Capabilities of card payments that are agreed with a project: partial approval, orders by mail and telephone, the
//! name on the statement, codes in statement entries, and the verification of cards.

use crate::{
    fixtures::{
        GIVEN_UP, NOT_SENT, OFFERED, REPEATED, answer, approved, card_of, country, declined, eur, project,
        sale_of,
    },
    world::World,
};
use PaymentStatus::{Decline, Processing};
use ferropay_domain::{
    card::Network,
    change::TaskKey,
    codes::{self, Code},
    decide::{CardCommand, FollowUp, Named, NotWaiting, Outcome, usable},
    ids::InstrumentId,
    ledger::Owner,
    payment::{
        Ask, AttemptStatus, CardRequest, MerchantAuthStep, OperationKind, OperationStatus, PaymentKind,
        PaymentStatus, ProviderAnswer,
    },
    project::Settings,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

fn asked(settings: Settings, kind: OperationKind, vary: impl FnOnce(&mut CardCommand)) -> World {
    let mut world = World::new(settings, 1_000_000);
    let minor = if kind == OperationKind::AccountVerification { 0 } else { 1000 };
    let mut command = card_of(kind, eur(minor), world.network);
    vary(&mut command);
    assert!(world.card(command));
    world
}

/// What of the particulars came through.
fn granted(settings: Settings, kind: OperationKind, network: Network, request: CardRequest) -> CardRequest {
    let world = asked(Settings { account_verification_allowed: true, ..settings }, kind, |it| {
        it.card.network = network;
        it.request = request;
    });
    world.operation().detail.card.as_deref().cloned().unwrap_or_default()
}

// G-240, G-241, G-527
#[test]
fn a_smaller_approval_is_asked_for_only_where_agreed_and_possible() {
    use OperationKind::{AccountVerification, Auth, Sale};
    let by = |partial_approval_allowed, kind, network| {
        let request = CardRequest { partial_allowed: true, ..CardRequest::default() };
        granted(Settings { partial_approval_allowed, ..Settings::default() }, kind, network, request)
            .partial_allowed
    };
    for (on, kind, network, expected) in [
        (true, Sale, Network::Visa, true),
        (true, Auth, Network::Mastercard, true),
        (false, Sale, Network::Visa, false),
        (true, Sale, Network::AmericanExpress, false),
        (true, Sale, Network::Maestro, false),
        (true, AccountVerification, Network::Visa, false),
    ] {
        assert_eq!(by(on, kind, network), expected, "{on} {kind} {network:?}");
    }
}

// G-243, G-245, G-096
#[test]
fn the_approved_part_replaces_the_requested_amount_everywhere() {
    let settings = Settings { partial_approval_allowed: true, ..Settings::default() };
    let mut world = asked(settings, OperationKind::Sale, |it| it.request.partial_allowed = true);
    world.outcome(approved(eur(600))).unwrap();
    assert_eq!((world.sum(), world.operation().amount), (600, eur(600)));
    assert_eq!(world.refund(Some(601)), codes::REFUND_EXCEEDS);
}

// G-240: what nobody allowed is undone, and the payment is declined as after any answer that cannot be used.
#[test]
fn a_smaller_approval_nobody_allowed_is_undone_and_the_payment_declined() {
    for (project_allows, request_allows) in [(false, false), (false, true), (true, false)] {
        for kind in [OperationKind::Sale, OperationKind::Auth] {
            for outside_its_call in [false, true] {
                let settings = Settings { partial_approval_allowed: project_allows, ..Settings::default() };
                let mut world = asked(settings, kind, |it| it.request.partial_allowed = request_allows);
                let id = world.attempt().id;
                if outside_its_call {
                    assert!(world.late(id, eur(999)).unwrap());
                } else {
                    world.outcome(approved(eur(999))).unwrap();
                }
                assert_eq!((world.status(), world.attempt().status), (Processing, AttemptStatus::Reversing));
                assert_eq!((world.payment().debited, world.payment().held, world.events.len()), (0, 0, 0));
                assert!(world.has_task(TaskKey::Reverse(id)) && !world.has_task(TaskKey::Call(id)));
                world.acknowledge(id).unwrap();
                assert_eq!((world.status(), world.operation().code), (Decline, codes::CARD_TIME_OUT));
                assert_eq!((world.sum(), world.provider(), world.events.len()), (1000, 0, 1));
            }
        }
    }
}

// G-257, G-258, G-259, G-260, G-262
#[test]
fn a_descriptor_is_used_where_agreed_in_the_form_the_network_takes() {
    let by = |descriptor_allowed, text: &str| {
        let request = CardRequest { descriptor: Some(text.to_owned()), ..CardRequest::default() };
        let settings = Settings { descriptor_allowed, ..Settings::default() };
        granted(settings, OperationKind::Sale, Network::Mastercard, request).descriptor
    };
    assert_eq!(by(true, "Café* order 1234567890").as_deref(), Some("Cafe* order 1234567890"));
    assert_eq!(by(true, "Café* order 12345678901").as_deref(), Some("Cafe* order 1234567890"));
    assert_eq!((by(true, "Шоп"), by(false, "Shop")), (Some("Shop".to_owned()), None));
    assert_eq!(by(true, "@@"), None, "the agreed name is used");
}

// G-234, G-239
#[test]
fn a_name_is_checked_only_in_verifications_where_agreed() {
    use OperationKind::{AccountVerification, Sale};
    let by = |name_verification_allowed, kind, network| {
        let request = CardRequest { name_check: true, ..CardRequest::default() };
        granted(Settings { name_verification_allowed, ..Settings::default() }, kind, network, request)
            .name_check
    };
    assert!(by(true, AccountVerification, Network::Visa));
    assert!(by(true, AccountVerification, Network::Mastercard));
    assert!(!by(true, AccountVerification, Network::AmericanExpress));
    assert!(!by(false, AccountVerification, Network::Visa) && !by(true, Sale, Network::Visa));
}

// G-238
#[test]
fn a_name_check_that_came_to_a_result_costs_its_fee() {
    use OperationKind::AccountVerification;
    let mut settings = Settings {
        account_verification_allowed: true,
        name_verification_allowed: true,
        ..Settings::default()
    };
    settings.name_check_fee.fixed_minor = 25;
    let by = |asked: bool, letter: &str, approves: bool| {
        let mut world = World::new(settings.clone(), 1_000);
        let mut command = card_of(AccountVerification, eur(0), Network::Visa);
        command.request.name_check = asked;
        assert!(world.card(command));
        let answer = ProviderAnswer { name_check: letter.to_owned(), ..answer("00") };
        let outcome = if approves {
            Outcome::Approved { amount: eur(0), answer }
        } else {
            Outcome::Declined { code: codes::CARD_GENERAL_DECLINE, answer }
        };
        world.outcome(outcome).unwrap();
        assert_eq!(world.balance(Owner::Fees(world.project.id)), world.operation().detail.fee_minor);
        world.operation().detail.fee_minor
    };
    for (letter, fee) in [("A", 25), ("B", 25), ("C", 25), ("U", 0), ("", 0)] {
        assert_eq!((by(true, letter, true), by(true, letter, false)), (fee, fee), "{letter}");
        assert_eq!(by(false, letter, true), 0, "nobody asked");
    }
}

// G-253, G-254
#[test]
fn an_order_by_mail_or_telephone_may_lack_the_verification_value_by_network() {
    let accepted = |network, moto| {
        let mut world = World::rich();
        let mut command = sale_of(eur(1000), network);
        (command.has_cvv, command.request.moto) = (false, moto);
        command.card.country = Some(country("IE"));
        world.project.settings.country = Some(country("IE"));
        world.card(command)
    };
    for (network, by_mail, by_telephone) in [
        (Network::Visa, true, false),
        (Network::Mastercard, true, true),
        (Network::AmericanExpress, true, true),
        (Network::Maestro, false, false),
    ] {
        assert_eq!(accepted(network, Some(1)), by_mail, "{network:?}");
        assert_eq!(accepted(network, Some(2)), by_telephone, "{network:?}");
        assert!(!accepted(network, None) && !accepted(network, Some(0)), "{network:?}");
    }
}

// G-255
#[test]
fn a_maestro_card_takes_orders_only_at_home_in_four_countries() {
    let code = |merchant: Option<&str>, issuer: &str, moto| {
        let settings = Settings { country: merchant.map(country), ..Settings::default() };
        let world = asked(settings, OperationKind::Sale, |it| {
            it.card.network = Network::Maestro;
            it.card.country = Some(country(issuer));
            it.request.moto = moto;
        });
        world.operation().code
    };
    for home in ["IE", "FR", "GB", "TR"] {
        assert_eq!(code(Some(home), home, Some(1)), codes::AWAITING, "{home}");
        assert_eq!(code(Some(home), "DE", Some(1)), codes::MAESTRO_MOTO, "{home}");
        assert_eq!(code(None, home, Some(2)), codes::MAESTRO_MOTO, "{home}");
    }
    assert_eq!(code(Some("DE"), "DE", Some(1)), codes::MAESTRO_MOTO);
    assert_eq!(code(Some("DE"), "DE", None), codes::AWAITING, "no order");
}

fn offered(kind: OperationKind) -> World {
    let settings = Settings { merchant_auth_allowed: true, ..Settings::default() };
    let mut world = asked(settings, kind, |_| {});
    world.outcome(OFFERED()).unwrap();
    world
}

fn step(world: &World) -> MerchantAuthStep {
    world.operation().detail.card.as_ref().unwrap().merchant_auth.clone().unwrap()
}

fn finish() -> FollowUp {
    FollowUp::FinishMerchantAuth { code: "123456".to_owned() }
}

// G-124, G-211, G-212, P-146, T-052
#[test]
fn a_provider_may_offer_to_send_the_customer_a_code() {
    for kind in [OperationKind::Sale, OperationKind::Auth] {
        let world = offered(kind);
        assert_eq!(world.status(), PaymentStatus::AwaitingMerchantAuth);
        assert_eq!(world.operation().status, OperationStatus::AwaitingMerchantAuth);
        assert_eq!((world.attempt().status, world.events.len()), (AttemptStatus::Declined, 1));
        assert!(world.forgotten.is_empty(), "the message with the code carries the verification value again");
    }
    let mut unwanted = World::rich();
    unwanted.sale(1000);
    unwanted.outcome(OFFERED()).unwrap();
    assert_eq!(unwanted.status(), PaymentStatus::Decline, "not agreed with this project");
}

// G-213, G-216, T-053, T-054
#[test]
fn the_code_is_sent_on_the_merchants_word_and_typed_by_the_customer() {
    let mut world = offered(OperationKind::Sale);
    assert_eq!(world.follow(finish()), Err(NotWaiting), "before it was started");
    world.follow(FollowUp::StartMerchantAuth).unwrap();
    assert_eq!(world.attempt().ask, Ask::StartMerchantAuth);
    assert_eq!(world.follow(FollowUp::StartMerchantAuth), Err(NotWaiting), "once");
    assert_eq!(world.follow(finish()), Err(NotWaiting), "nobody can have the code yet");
    world.outcome(REPEATED).unwrap();
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((step(&world), world.events.len()), (MerchantAuthStep::Started, 1));
    world.follow(finish()).unwrap();
    assert_eq!(world.operation().status, OperationStatus::Processing);
    assert_eq!((world.attempt().ask, world.attempt().id.number), (Ask::Sale, 3));
    assert_eq!(step(&world), MerchantAuthStep::Finished("123456".to_owned()));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.provider()), (PaymentStatus::Success, -1000));
    assert_eq!(world.follow(finish()), Err(NotWaiting));
}

// G-216, T-066: a wrong code is a decline, and a code is offered once.
#[test]
fn a_wrong_code_declines_the_payment() {
    for outcome in [declined(codes::CARD_GENERAL_DECLINE), OFFERED(), NOT_SENT] {
        let mut world = offered(OperationKind::Auth);
        world.follow(FollowUp::StartMerchantAuth).unwrap();
        world.outcome(approved(eur(1000))).unwrap();
        world.follow(finish()).unwrap();
        world.outcome(outcome).unwrap();
        assert_eq!(world.status(), PaymentStatus::Decline);
    }
}

// T-055
#[test]
fn a_code_that_cannot_be_sent_ends_the_payment() {
    let mut world = offered(OperationKind::Sale);
    world.follow(FollowUp::StartMerchantAuth).unwrap();
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(
        (world.status(), world.operation().code),
        (PaymentStatus::Decline, codes::CARD_GENERAL_DECLINE)
    );
}

// G-215, T-055, W-290: the message that asks for the code moves nothing, and may end after the payment.
#[test]
fn a_code_that_is_not_typed_in_time_ends_the_payment() {
    let mut world = offered(OperationKind::Sale);
    world.advance(Duration::from_hours(23));
    assert!(!world.wait_ended());
    world.follow(FollowUp::StartMerchantAuth).unwrap();
    world.advance(Duration::from_hours(1));
    assert!(world.wait_ended());
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::AUTO_DECLINE));
    assert!(world.has_task(TaskKey::Call(world.attempt().id)));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.tasks.len()), (PaymentStatus::Decline, 0));
}

// A late approval of the message after which a code was offered is undone without touching what goes on since.
#[test]
fn the_first_message_does_not_decide_any_more_once_a_code_was_offered() {
    let mut world = offered(OperationKind::Sale);
    let first = world.attempt().id;
    assert!(world.late(first, eur(1000)).unwrap());
    assert_eq!(world.suspense(), 1000);
    world.acknowledge(first).unwrap();
    assert_eq!((world.status(), world.suspense()), (PaymentStatus::AwaitingMerchantAuth, 0));
    world.follow(FollowUp::StartMerchantAuth).unwrap();
    world.outcome(approved(eur(1000))).unwrap();
    world.follow(finish()).unwrap();
    world.outcome(GIVEN_UP).unwrap();
    world.acknowledge(world.attempt().id).unwrap();
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::CARD_TIME_OUT));
}

fn verifying() -> Settings {
    Settings { account_verification_allowed: true, ..Settings::default() }
}

// G-138, G-338, G-344, M-038, P-201, P-205, T-118, T-129, U-284
#[test]
fn a_card_is_verified_without_moving_money() {
    let mut world = asked(verifying(), OperationKind::AccountVerification, |_| {});
    assert_eq!(world.payment().kind, PaymentKind::AccountVerification);
    assert_eq!((world.attempt().ask, world.attempt().amount), (Ask::Verify, eur(0)));
    world.outcome(approved(eur(0))).unwrap();
    assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Success, 0, 1_000_000));
    assert!(world.tasks.is_empty());
    assert_eq!(world.refund(None), codes::WRONG_STATE, "G-344");
}

// G-339, D-48, W-304
#[test]
fn an_amount_held_for_a_verification_is_released_at_once() {
    let amounts = [("EUR".to_owned(), 100)].into();
    let settings = Settings { verification_amounts: amounts, ..verifying() };
    let mut world = asked(settings, OperationKind::AccountVerification, |_| {});
    assert_eq!((world.attempt().amount, world.operation().amount), (eur(100), eur(0)));
    world.outcome(approved(eur(100))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 0));
    assert!(world.has_task(TaskKey::Reverse(world.attempt().id)));
    world.acknowledge(world.attempt().id).unwrap();
    assert_eq!((world.attempt().status, world.status()), (AttemptStatus::Reversed, PaymentStatus::Success));
    assert_eq!((world.suspense(), world.provider(), world.events.len()), (0, 0, 1));
}

// G-343, T-130, P-204
#[test]
fn a_verification_is_declined_where_it_is_switched_off_or_refused() {
    let off = asked(Settings::default(), OperationKind::AccountVerification, |_| {});
    assert_eq!(
        (off.status(), off.operation().code),
        (PaymentStatus::Decline, codes::VERIFICATION_NOT_ALLOWED)
    );
    assert!(off.attempts.is_empty());
    let refused = Code::new(10100);
    let mut world = asked(verifying(), OperationKind::AccountVerification, |_| {});
    world.outcome(declined(refused)).unwrap();
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, refused));
}

// T-069 for verifications: D-58 knows one threshold for cards.
#[test]
fn a_verification_is_given_up_at_the_threshold() {
    let mut world = asked(verifying(), OperationKind::AccountVerification, |_| {});
    world.advance(DAY);
    assert!(world.threshold(world.attempt().id).unwrap());
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::AUTO_DECLINE));
}

// G-155, G-163: limits, fees and booked days are about money that is taken.
#[test]
fn a_verification_keeps_no_rules_of_purchases() {
    let settings = Settings {
        category: Some(7011),
        sale_fee: crate::fixtures::fee(0, 30),
        sale_limits: [(
            "EUR".to_owned(),
            ferropay_domain::project::Limits { smallest: Some(100), largest: None },
        )]
        .into(),
        ..verifying()
    };
    assert_eq!(
        asked(settings, OperationKind::AccountVerification, |_| {}).status(),
        PaymentStatus::Processing
    );
}

// D-478: a sandbox has on what shows itself only when asked for.
#[test]
fn a_plain_sale_in_a_sandbox_is_as_plain_as_anywhere() {
    let world = asked(Settings::sandbox(), OperationKind::Sale, |_| {});
    let detail = &world.operation().detail;
    assert!(detail.card.is_none() && detail.authentication.is_none() && detail.wait.is_none());
    assert_eq!(world.attempts.len(), 1);
}

// G-412, G-048
#[test]
fn a_saved_card_is_somebodys() {
    let saved = Settings { saved_cards: true, ..Settings::default() };
    let named = Named::Saved(InstrumentId::new(1));
    let refused = |customer| usable(&project(saved.clone()), &named, customer, None).unwrap_err();
    assert_eq!((refused(None).code, refused(None).field), (Code::new(3022), Some("customer.id")));
    assert_eq!(refused(Some("customer-1")).code, Code::new(3101));
}
