//! Who takes part: merchants whose projects are set up differently.

use crate::random::Dice;
use ferropay_domain::{
    ids::{ProjectId, ProviderAccountId},
    money::{FeeRule, Rounding},
    project::{Environment, Limits, Project, Settings},
};
use ferropay_wire::signature::Secret;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// Accounts of the two emulated providers and of the real one.
pub(crate) const ACCOUNTS: [(ProviderAccountId, Environment); 3] = [
    (ProviderAccountId::new(1), Environment::Test),
    (ProviderAccountId::new(2), Environment::Test),
    (ProviderAccountId::new(3), Environment::Production),
];

/// A merchant with one project.
#[derive(Debug)]
pub(crate) struct Merchant {
    pub(crate) id: ProjectId,
    /// The project as it stands in the store.
    pub(crate) project: Mutex<Project>,
    /// Every secret it has had, the current one last.
    secrets: Mutex<Vec<Secret>>,
    /// How far its clock is ahead, microseconds.
    offset: AtomicI64,
    /// Currencies it usually sells in.
    pub(crate) currencies: &'static [&'static str],
    /// How many names for payments it has made up.
    pub(crate) names: AtomicI64,
}

impl Merchant {
    fn new(number: i64, currencies: &'static [&'static str], change: impl FnOnce(&mut Project)) -> Self {
        let mut project = Project {
            id: ProjectId::new(1_000 + number),
            environment: Environment::Test,
            active: true,
            settings: Settings {
                callback_url: Some(format!("http://m{number}.example/callback")),
                ..Settings::default()
            },
            card_account: ProviderAccountId::new(1),
        };
        change(&mut project);
        Self {
            id: project.id,
            project: Mutex::new(project),
            secrets: Mutex::new(vec![Secret::new(format!("secret of {number}"))]),
            offset: AtomicI64::new(0),
            currencies,
            names: AtomicI64::new(0),
        }
    }

    /// Its secrets, newest first.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        self.secrets.lock().iter().rev().cloned().collect()
    }

    /// Replaces its secret.
    pub(crate) fn add_secret(&self, text: String) {
        self.secrets.lock().push(Secret::new(text));
    }

    /// How far its clock is ahead, microseconds.
    pub(crate) fn offset(&self) -> i64 {
        self.offset.load(Ordering::SeqCst)
    }

    pub(crate) fn set_offset(&self, offset: i64) {
        self.offset.store(offset, Ordering::SeqCst);
    }

    /// Whether its timers run by a clock of its own.
    pub(crate) fn has_clock(&self) -> bool {
        self.project.lock().environment == Environment::Test
    }
}

/// The merchants of a simulation.
pub(crate) fn merchants(dice: &Dice) -> Vec<Merchant> {
    let credit = |units: i64| [("EUR".to_owned(), units), ("USD".to_owned(), units)].into_iter().collect();
    let short = u32::try_from(dice.between(5, 120)).unwrap_or(60);
    vec![
        Merchant::new(1, &["EUR", "USD"], |_| {}),
        Merchant::new(2, &["EUR"], |project| {
            project.card_account = ProviderAccountId::new(2);
            let fee = |rate, fixed_minor| FeeRule { rate, fixed_minor, rounding: Rounding::HalfEven };
            let settings = &mut project.settings;
            settings.sale_fee = fee("0.029".parse().unwrap_or_default(), 25);
            settings.refund_fee = fee("0".parse().unwrap_or_default(), 10);
            settings.callback_url_success = Some("http://m2.example/success".to_owned());
            settings.callback_url_decline = Some("http://m2.example/decline".to_owned());
            settings.refund_interval_seconds = 0;
            let limits = Limits { smallest: Some(100), largest: Some(50_000) };
            settings.sale_limits = [("EUR".to_owned(), limits)].into_iter().collect();
            settings.credit = credit(1_000);
        }),
        Merchant::new(3, &["USD", "JPY"], |project| {
            project.environment = Environment::Production;
            project.card_account = ProviderAccountId::new(3);
            project.settings.legacy_callbacks = true;
            project.settings.refund_interval_seconds = 5;
        }),
        Merchant::new(4, &["KWD", "EUR"], |project| {
            project.settings.card_threshold_seconds = short;
            project.settings.refund_interval_seconds = 1;
            project.settings.customer_id_required = true;
            project.settings.credit = credit(100_000);
        }),
    ]
}
