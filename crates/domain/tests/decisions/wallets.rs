//! Payments by the tokens of wallets: what the device has proved is not asked for again, and a token is good for one
//! payment of no more than the customer confirmed.

use crate::{
    fixtures::{approved, card_of, eur},
    world::World,
};
use ferropay_domain::{
    card::{DeviceWallet, Network},
    change::NameKind,
    codes,
    decide::{CardCommand, WalletFacts},
    payment::{CardRequest, NetworkToken, OperationKind, PaymentStatus},
    project::{AvsMode, Settings},
};

fn by_wallet(settings: Settings, confirmed: i64) -> World {
    let mut world = World::new(settings, 1_000_000);
    world.wallet = Some(Box::new(WalletFacts {
        wallet: DeviceWallet::ApplePay,
        token_id: "a-token".to_owned(),
        confirmed: Some((confirmed, eur(0).currency)),
    }));
    world
}

fn command(kind: OperationKind, minor: i64, eci: Option<&str>) -> CardCommand {
    let token = NetworkToken {
        wallet: Some(DeviceWallet::ApplePay),
        cryptogram: "AAECAwQFBgcICQoLDA0ODxAREhM=".to_owned(),
        eci: eci.map(str::to_owned),
    };
    let mut command = card_of(kind, eur(minor), Network::Visa);
    command.has_cvv = false;
    command.card.holder = None;
    command.request = CardRequest { network_token: Some(Box::new(token)), ..CardRequest::default() };
    command
}

// G-465: neither verification value nor holder nor address nor 3-D Secure, whatever the project demands of cards
#[test]
fn what_a_device_has_proved_is_not_asked_for_again() {
    let strict = Settings {
        card_holder_required: true,
        card_data_allowed: false,
        three_ds_required: true,
        avs: AvsMode::Clarification,
        ..Settings::default()
    };
    for (eci, told) in [(Some("07"), "07"), (None, "05")] {
        let mut world = by_wallet(strict.clone(), 1_000);
        assert!(world.card(command(OperationKind::Sale, 1_000, eci)));
        let asked = world.operation().detail.card.clone().unwrap().network_token.unwrap();
        assert!(!asked.cryptogram.is_empty() && world.operation().detail.authentication.is_none());
        world.outcome(approved(eur(1_000))).unwrap();
        assert_eq!(world.payment().status, PaymentStatus::Success);
        assert_eq!(world.operation().detail.eci.as_deref(), Some(told));
        let kept = world.operation().detail.card.clone().unwrap().network_token.unwrap();
        assert!(kept.cryptogram.is_empty(), "good for one payment, and forgotten after it");
        assert_eq!(world.payment().detail.wallet, Some(DeviceWallet::ApplePay));
    }
}

// G-465
#[test]
fn more_than_was_confirmed_is_refused_before_an_operation_exists() {
    for (minor, confirmed, accepted) in [(1_000, 1_000, true), (1_001, 1_000, false), (0, 0, true)] {
        let kind = if minor == 0 { OperationKind::AccountVerification } else { OperationKind::Auth };
        let settings = Settings { account_verification_allowed: true, ..Settings::default() };
        let mut world = by_wallet(settings, confirmed);
        assert_eq!(world.card(command(kind, minor, None)), accepted, "{minor}");
    }
    let expired = command(OperationKind::Sale, 100, None);
    let mut world = by_wallet(Settings::default(), 100);
    let late = CardCommand {
        card: ferropay_domain::card::CardSummary {
            expiry: Some(ferropay_domain::card::Expiry { year: 2020, month: 1 }),
            ..expired.card.clone()
        },
        ..expired
    };
    assert!(!world.card(late), "{}", codes::CARD_EXPIRED);
}

// G-465
#[test]
fn tokens_have_a_kind_of_names_of_their_own() {
    assert_eq!(NameKind::WalletToken.number(), 3);
    for wallet in DeviceWallet::ALL {
        assert_eq!(DeviceWallet::from_number(wallet.number()), Some(*wallet));
    }
    assert_eq!(DeviceWallet::from_number(9), None);
}
