//! Who takes part: merchants whose projects are set up differently.

use crate::{clock::BEGINNING, random::Dice};
use ferropay_domain::{
    ids::{ProjectId, ProviderAccountId},
    money::{Currency, FeeRule, Rounding},
    project::{
        DebitRetries, Environment, HoldEnd, Limits, MissedDebits, OtherAmount, Project, RouteRule, Settings,
        TokenMode, Unauthenticated,
    },
    time::Timestamp,
};
use ferropay_store::ExchangeRate;
use ferropay_wire::signature::Secret;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, Ordering},
};

/// Accounts of the two emulated providers and of the real one.
pub(crate) const ACCOUNTS: [(ProviderAccountId, Environment); 3] = [
    (ProviderAccountId::new(1), Environment::Test),
    (ProviderAccountId::new(2), Environment::Test),
    (ProviderAccountId::new(3), Environment::Production),
];

/// Accounts of the emulated provider of payment methods and of the real one.
pub(crate) const METHOD_ACCOUNTS: [(ProviderAccountId, Environment); 2] =
    [(ProviderAccountId::new(4), Environment::Test), (ProviderAccountId::new(5), Environment::Production)];

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
        let by_methods = METHOD_ACCOUNTS.iter().find(|(_, environment)| *environment == project.environment);
        project.settings.method_accounts =
            by_methods.map(|(account, _)| ("*".to_owned(), *account)).into_iter().collect();
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

/// Demands of a channel that can be asked for, by type of operation.
fn demands(lists: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |members: &&[&str]| members.iter().map(|&member| member.to_owned()).collect();
    lists.iter().map(|(kind, members)| ((*kind).to_owned(), owned(members))).collect()
}

fn fee(rate: &str, fixed_minor: i64) -> FeeRule {
    FeeRule { rate: rate.parse().unwrap_or_default(), fixed_minor, rounding: Rounding::HalfEven }
}

/// The currency that one of the merchants' euros are converted into.
fn yen() -> Option<Currency> {
    Currency::parse("JPY").ok()
}

/// What euros are worth in yen: every three days something else, for longer than any clock runs.
pub(crate) fn rates() -> Vec<ExchangeRate> {
    const DAYS: i64 = 3;
    let day =
        |day: i64| Timestamp::from_seconds(BEGINNING.seconds().saturating_add(day.saturating_mul(86_400)));
    let rate = |number: i64| {
        let hundredths = 15_000 + number.wrapping_mul(777).rem_euclid(2_500);
        let text = format!("{}.{:02}", hundredths.div_euclid(100), hundredths.rem_euclid(100));
        Some(ExchangeRate {
            from: Currency::parse("EUR").ok()?,
            to: yen()?,
            rate: text.parse().ok()?,
            valid_from: day(number.saturating_mul(DAYS)),
            valid_until: None,
        })
    };
    (-1..400).filter_map(rate).collect()
}

/// The merchants of a simulation.
pub(crate) fn merchants(dice: &Dice) -> Vec<Merchant> {
    let credit = |units: i64| [("EUR".to_owned(), units), ("USD".to_owned(), units)].into_iter().collect();
    let short = u32::try_from(dice.between(5, 120)).unwrap_or(60);
    let lag = u32::try_from(dice.between(600, 400_000)).unwrap_or(3_600);
    vec![
        Merchant::new(1, &["EUR", "USD"], |project| {
            let settings = &mut project.settings;
            settings.partial_approval_allowed = true;
            settings.saved_cards = true;
            settings.tokens = TokenMode::Automatic;
            settings.merchant_auth_allowed = true;
            settings.additional_attempts = 3;
            settings.payout_retries = 2;
            settings.page_payouts_allowed = true;
            settings.debit_retries_allowed = true;
            settings.credit = credit(100_000);
            settings.other_amount = OtherAmount::Support;
            settings.account_verification_allowed = true;
            settings.verification_amounts = [("EUR".to_owned(), 100)].into_iter().collect();
        }),
        Merchant::new(2, &["EUR"], |project| {
            project.card_account = ProviderAccountId::new(2);
            let limits = Limits { smallest: Some(100), largest: Some(50_000) };
            let settings = &mut project.settings;
            settings.sale_fee = fee("0.029", 25);
            settings.refund_fee = fee("0", 10);
            settings.payout_fee = fee("0.01", 20);
            settings.payout_data_required = false;
            settings.payout_cancellation_callbacks = true;
            settings.page_payouts_allowed = true;
            settings.payout_limits = [("EUR".to_owned(), limits)].into_iter().collect();
            settings.callback_url_success = Some("http://m2.example/success".to_owned());
            settings.callback_url_decline = Some("http://m2.example/decline".to_owned());
            settings.refund_interval_seconds = 0;
            settings.other_amount = OtherAmount::Accept;
            settings.sale_limits = [("EUR".to_owned(), limits)].into_iter().collect();
            settings.credit = credit(1_000);
            settings.account_verification_allowed = true;
            settings.three_ds = false;
            settings.hold_end = HoldEnd::Capture;
            settings.hold_lag_seconds = Some(lag);
            // Holds of restaurants may be changed by any amount.
            settings.category = Some(5812);
            let phone: &[&str] = &["customer.phone"];
            settings.required_data = demands(&[
                ("sale", &["customer.phone", "customer.email"]),
                ("auth", phone),
                ("account verification", &["customer.phone", "customer.email"]),
                ("capture", &["customer.phone", "customer.email"]),
                ("cancel", &["customer.phone", "customer.email"]),
                ("refund", &["customer.phone", "customer.email"]),
                ("payout", &["customer.phone", "customer.email"]),
                ("reversal", &["customer.phone", "customer.email"]),
                ("recurring", &["customer.phone", "customer.email"]),
            ]);
        }),
        Merchant::new(3, &["USD", "JPY"], |project| {
            project.environment = Environment::Production;
            project.card_account = ProviderAccountId::new(3);
            let settings = &mut project.settings;
            settings.legacy_callbacks = true;
            settings.refund_interval_seconds = 5;
            settings.three_ds_unavailable = Unauthenticated::Decline;
            settings.merchant_auth_allowed = true;
        }),
        Merchant::new(4, &["KWD", "EUR"], |project| {
            let settings = &mut project.settings;
            settings.card_threshold_seconds = short;
            settings.refund_interval_seconds = 1;
            settings.payout_retries = 1;
            settings.payout_retry_seconds = 60;
            settings.payout_retry_callbacks = false;
            settings.page_payouts_allowed = true;
            settings.debit_retries_allowed = true;
            settings.debit_retries = Some(DebitRetries { days: vec![1, 2, 4], active: true });
            settings.missed_debits = MissedDebits::Each;
            settings.customer_id_required = true;
            settings.conversions = yen().map(|yen| ("EUR".to_owned(), yen)).into_iter().collect();
            settings.saved_cards = true;
            settings.saved_cards_most = 3;
            settings.credit = credit(100_000);
            settings.account_verification_allowed = true;
            settings.merchant_auth_allowed = true;
            settings.hold_end = HoldEnd::Capture;
        }),
        Merchant::new(5, &["EUR"], |project| {
            project.card_account = ProviderAccountId::new(2);
            let settings = &mut project.settings;
            let accounts = [2, 1].map(ProviderAccountId::new).to_vec();
            settings.routes = vec![RouteRule { accounts, ..RouteRule::default() }];
            settings.cascading_attempts = 2;
            settings.low_value_most = [("EUR".to_owned(), 3_000)].into_iter().collect();
            settings.additional_attempts = 2;
            settings.additional_attempts_seconds = 3_000;
            settings.account_verification_allowed = true;
            settings.verification_amounts = [("EUR".to_owned(), 1)].into_iter().collect();
            settings.required_data = demands(&[
                ("sale", &["customer.phone"]),
                ("auth", &["customer.phone"]),
                ("account verification", &["customer.phone"]),
                ("recurring", &["customer.phone", "customer.email"]),
            ]);
            settings.credit = credit(100_000);
        }),
    ]
}
