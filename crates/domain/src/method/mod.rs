//! Payment methods other than cards: what the platform knows of each, as data.
//!
//! A method belongs to a family, which says how the customer takes part: led to a page of the provider, shown something
//! to act upon, asked in an app, or bound by a contract signed before. Everything a method has beyond its family stands
//! in one file below `catalogue/methods`, compiled in. A payment keeps the method's code only, so a file that payments
//! were made with is never taken away.

mod availability;
mod bank;
mod code;

pub use availability::{Direction, Wanted};
pub use bank::{Bank, Pick, country_of_three};
pub use code::{MethodAsk, MethodRef};

use crate::{
    money::{Currency, Money},
    payment::OperationKind,
    project::Limits,
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

/// The files, by name without extension.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/methods.rs"));

static METHODS: LazyLock<Vec<Method>> =
    LazyLock::new(|| FILES.iter().filter_map(|(_, text)| read(text)).collect());

fn read(text: &str) -> Option<Method> {
    serde_json::from_str(text).ok()
}

/// How the customer takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// On a page of the provider, where the customer is led to and comes back from.
    Redirect,
    /// With something the merchant shows: a code to scan, a reference to pay to.
    Display,
    /// In an app of their own, which asks them by itself.
    Push,
    /// Once, by signing a contract; later debits need nobody.
    Contract,
}

impl Family {
    /// Every family.
    pub const ALL: &'static [Self] = &[Self::Redirect, Self::Display, Self::Push, Self::Contract];

    /// Its name in files and on the provider's side.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Display => "display",
            Self::Push => "push",
            Self::Contract => "contract",
        }
    }
}

/// What a method can do, by operation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operations {
    /// A purchase in one step.
    pub sale: Option<Demands>,
    /// A purchase in two steps (G-482).
    pub auth: Option<Demands>,
    /// Returning money.
    pub refund: Option<Demands>,
    /// Paying the customer.
    pub payout: Option<Demands>,
    /// Debits by an agreement, and agreements that move no money yet (G-352, G-473).
    pub recurring: Option<Demands>,
}

/// What an operation of a method demands beyond the contract of its path.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Demands {
    /// Members of the request by dotted path, such as `customer.country`; what is missing is asked for (G-217).
    pub needs: Vec<String>,
    /// Whether the request has to name one of the method's banks as `account.bank_id` (G-459).
    pub bank: bool,
}

/// A payment method.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Its code in Gate and Dashboard: `blik`, `wallet/alipay`.
    pub code: String,
    /// Its code on the Payment Page.
    pub page_code: String,
    /// Its name for people.
    pub name: String,
    /// What `payment.method` of callbacks says, where that is not the code of the Payment Page.
    #[serde(default)]
    callback: Option<String>,
    /// The steps of Gate paths between `/v2/payment/` and the operation, where they are not the code.
    #[serde(default)]
    paths: Vec<String>,
    /// How the customer takes part.
    pub family: Family,
    /// What it can do.
    pub operations: Operations,
    /// Where customers use it, two letters each; anywhere when none is listed.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Currencies it takes; any when none is listed.
    #[serde(default)]
    pub currencies: Vec<Currency>,
    /// Smallest and largest amount by currency, minor units.
    #[serde(default)]
    pub limits: BTreeMap<String, Limits>,
    /// Its number, by which lists of banks are asked for (G-457); methods without banks have none.
    #[serde(default)]
    pub number: Option<u32>,
    /// The number of whoever brings its banks together.
    #[serde(default)]
    pub aggregator: Option<u32>,
    /// The banks its customers choose from (G-458).
    #[serde(default)]
    pub banks: Vec<Bank>,
    /// How long a hold lasts, days (G-482).
    #[serde(default = "a_week")]
    hold_days: u16,
    /// How many calendar days after a purchase money can be returned at the earliest (G-477).
    #[serde(default)]
    pub refund_after_days: u16,
    /// How long a purchase usually takes, seconds; for people.
    #[serde(default = "two_minutes")]
    pub base_seconds: u32,
    /// When a purchase that is still open is given up, seconds (T-069).
    #[serde(default = "a_day")]
    threshold_seconds: u32,
}

const fn a_week() -> u16 {
    7
}

const fn two_minutes() -> u32 {
    120
}

const fn a_day() -> u32 {
    24 * 3600
}

impl Method {
    /// All methods, by code.
    pub fn all() -> &'static [Self] {
        &METHODS
    }

    /// Whether `name` is one of its codes, in Gate, on the Payment Page or in callbacks.
    pub fn is_called(&self, name: &str) -> bool {
        [self.code.as_str(), &self.page_code, self.callback_name()].contains(&name)
    }

    /// What `payment.method` says.
    pub fn callback_name(&self) -> &str {
        self.callback.as_deref().unwrap_or(&self.page_code)
    }

    /// The steps of Gate paths between `/v2/payment/` and the operation.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let own = self.paths.is_empty().then_some(self.code.as_str());
        own.into_iter().chain(self.paths.iter().map(String::as_str))
    }

    /// Whether accounts saved of it are debited at one click (G-378): the contract has the path for wallets.
    pub fn has_one_click(&self) -> bool {
        self.operations.sale.is_some() && self.paths().any(|steps| steps.starts_with("wallet/"))
    }

    /// What an operation of `kind` demands; none when the method does not have it.
    pub fn demands(&self, kind: OperationKind) -> Option<&Demands> {
        let operations = &self.operations;
        match kind {
            OperationKind::Sale => operations.sale.as_ref(),
            OperationKind::Auth | OperationKind::Capture | OperationKind::Cancel => operations.auth.as_ref(),
            OperationKind::Refund | OperationKind::Reversal => operations.refund.as_ref(),
            OperationKind::Payout => operations.payout.as_ref(),
            OperationKind::Recurring | OperationKind::ContractRegistration => operations.recurring.as_ref(),
            _ => None,
        }
    }

    /// Whether it takes amounts in `currency`.
    pub fn takes(&self, currency: Currency) -> bool {
        self.currencies.is_empty() || self.currencies.contains(&currency)
    }

    /// The limits of an amount.
    pub fn limits(&self, amount: Money) -> Limits {
        self.limits.get(amount.currency.code()).copied().unwrap_or_default()
    }

    /// How long a hold lasts.
    pub const fn hold(&self) -> Duration {
        Duration::from_secs(self.hold_days as u64 * 24 * 3600)
    }

    /// When a purchase that is still open is given up.
    pub const fn threshold(&self) -> Duration {
        Duration::from_secs(self.threshold_seconds as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    // G-470, G-479, G-483, G-487
    #[test]
    fn every_file_is_a_method_and_no_two_share_a_code_or_a_path() {
        let (mut codes, mut paths) = (BTreeSet::new(), BTreeSet::new());
        let (mut numbers, mut banks) = (BTreeSet::new(), BTreeSet::new());
        for (file, text) in FILES {
            let method: Method = serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(*file, method.code.replace('/', "-"), "a file is named after its method");
            assert!(codes.insert(method.code.clone()), "{file}: the code is taken");
            for path in method.paths() {
                assert!(paths.insert(path.to_owned()), "{file}: the path {path} is taken");
            }
            let can = &method.operations;
            assert!(can.sale.is_some() || can.payout.is_some(), "{file} can do nothing");
            assert!(!method.name.is_empty() && !method.page_code.is_empty(), "{file} has no name");
            assert!(method.base_seconds < method.threshold_seconds, "{file}: the threshold comes first");
            assert!(method.hold_days > 0, "{file}: a hold that ends before it begins");
            assert_eq!(method.number.is_some(), !method.banks.is_empty(), "{file}: numbers go with banks");
            assert_eq!(method.number.is_some(), method.aggregator.is_some(), "{file}");
            assert!(method.number.is_none_or(|number| numbers.insert(number)), "{file}: the number is taken");
            for bank in &method.banks {
                assert!(bank.id > 0 && banks.insert(bank.id), "{file}: {bank:?}");
                assert!(!bank.name.is_empty() && method.takes(bank.currency), "{file}: {bank:?}");
            }
            for country in &method.countries {
                assert!(
                    country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()),
                    "{file}"
                );
            }
            for (currency, limits) in &method.limits {
                assert!(Currency::parse(currency).is_ok(), "{file}: {currency}");
                assert!(limits.smallest <= limits.largest || limits.largest.is_none(), "{file}");
            }
        }
        assert_eq!(codes.len(), Method::all().len());
        assert!(codes.len() >= 70, "{}", codes.len());
    }

    #[test]
    fn a_method_is_known_by_its_code_and_by_its_path() {
        let blik = MethodRef::of_code("blik").unwrap();
        assert_eq!((blik.family, blik.callback_name()), (Family::Push, "blik"));
        let unionpay = MethodRef::of_path("cup/union").unwrap();
        assert_eq!((unionpay.code.as_str(), MethodRef::of_path("unionpay")), ("unionpay", Some(unionpay)));
        assert_eq!(MethodRef::of_path("wallet/nobody"), None);
        assert_eq!(MethodRef::of_code("wallet/paypal").unwrap().callback_name(), "PayPal Wallet");
    }
}
