//! What merchants say of customer, browser and purchase, in the protocol's elements (G-191 to G-193).
//!
//! A request's members have the formats of the Gate; the protocol wants others: dates the other way round, whole major
//! units, country numbers, lines of fifty characters. An optional element whose value does not fit is left out: issuers
//! refuse a whole request for one wrong element, and this data only makes a challenge less likely.

use super::{
    countries,
    message::{Browser, Phone, Screen, Texts},
};
use ferropay_domain::money::Currency;
use std::{collections::BTreeMap, net::IpAddr};

/// Members of the request by dotted path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Data<'a>(pub(super) &'a BTreeMap<String, String>);

impl<'a> Data<'a> {
    /// A member that is not blank.
    pub(super) fn get(self, path: &str) -> Option<&'a str> {
        self.0.get(path).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// A member of at most so many characters.
    fn short(self, path: &str, most: usize) -> Option<String> {
        self.get(path).filter(|value| value.chars().count() <= most).map(str::to_owned)
    }

    /// A member of exactly so many digits.
    fn code(self, path: &str, length: usize) -> Option<String> {
        self.get(path).filter(|value| value.len() == length && is_digits(value)).map(str::to_owned)
    }

    /// A whole number of at most so many digits.
    fn count(self, path: &str, most: usize) -> Option<String> {
        self.get(path).filter(|value| value.len() <= most && is_digits(value)).map(str::to_owned)
    }

    /// `DD-MM-YYYY` as `YYYYMMDD`.
    fn date(self, path: &str) -> Option<String> {
        turned(self.get(path)?)
    }

    pub(super) fn truth(self, path: &str) -> Option<bool> {
        match self.get(path)? {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// Whether the merchant asks without the customer (`device_channel` 03, G-192).
    pub(super) fn is_without_customer(self) -> bool {
        matches!(self.get("payment.device_channel"), Some("03" | "3"))
    }

    /// What the merchant wishes about a challenge; 2.1.0 knows the first four values only.
    pub(super) fn challenge_wish(self, version: &str) -> Option<String> {
        let most = if version == "2.1.0" { "04" } else { "09" };
        self.code("payment.challenge_indicator", 2).filter(|wish| ("01"..=most).contains(&wish.as_str()))
    }

    /// The window of a challenge; the whole pane when the merchant does not say.
    pub(super) fn window(self) -> &'a str {
        let known = |window: &&str| ["01", "02", "03", "04", "05"].contains(window);
        self.get("payment.challenge_window").filter(known).unwrap_or("05")
    }

    /// The browser. Where the merchant leaves out what the protocol cannot do without, it is said to be a browser that
    /// tells nothing of itself.
    pub(super) fn browser(self, version: &str) -> Browser {
        let cut = |path, most, otherwise: &str| {
            self.get(path).map_or_else(|| otherwise.to_owned(), |value| value.chars().take(most).collect())
        };
        let screen = self.screen().filter(|_| self.truth("customer.js_enabled") != Some(false));
        let old = version == "2.1.0";
        Browser {
            accept_header: cut("customer.accept_header", 2_048, "*/*"),
            user_agent: cut("customer.browser", 2_048, "unknown"),
            language: self.language(),
            ip: self.get("customer.ip_address").filter(|ip| ip.parse::<IpAddr>().is_ok()).map(str::to_owned),
            scripts: if old { None } else { Some(screen.is_some()) },
            // 2.1.0 cannot say that it does not know.
            screen: screen.or_else(|| old.then(Screen::unknown)),
        }
    }

    /// At most eight characters of a language tag: `en`, `en-GB`.
    fn language(self) -> String {
        let header =
            self.get("customer.accept_language_header").and_then(|header| header.split([',', ';']).next());
        let tag = self.get("customer.language").or(header).unwrap_or("en").trim().replace('_', "-");
        let is_tag = |tag: &str| {
            (2..=8).contains(&tag.len())
                && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let language = tag.split('-').next().unwrap_or_default();
        [tag.as_str(), language].into_iter().find(|tag| is_tag(tag)).unwrap_or("en").to_owned()
    }

    /// What scripts found out; none when a part is missing.
    fn screen(self) -> Option<Screen> {
        const DEPTHS: [(u32, &str); 8] =
            [(48, "48"), (32, "32"), (24, "24"), (16, "16"), (15, "15"), (8, "8"), (4, "4"), (1, "1")];
        let depth: u32 = self.get("customer.color_depth")?.parse().ok()?;
        let (width, height) = self.get("customer.screen_res")?.split_once(['x', 'X'])?;
        let pixels =
            |text: &str| Some(text.trim().parse::<u32>().ok().filter(|n| *n < 1_000_000)?.to_string());
        let offset: i32 = self.get("customer.timezone_offset")?.trim_start_matches('+').parse().ok()?;
        Some(Screen {
            java: self.truth("customer.java_enabled").unwrap_or(false),
            // The protocol's values only; 30 bits per pixel count as 24.
            color_depth: DEPTHS.iter().find(|(least, _)| depth >= *least)?.1,
            height: pixels(height)?,
            width: pixels(width)?,
            time_zone: Some(offset).filter(|offset| offset.abs() < 1_440)?.to_string(),
        })
    }

    pub(super) fn email(self) -> Option<String> {
        self.short("customer.email", 254).filter(|email| email.contains('@'))
    }

    /// A phone number, its country code parted from the rest.
    pub(super) fn phone(self, path: &str) -> Option<Phone> {
        let digits = self.get(path).filter(|digits| is_digits(digits))?;
        let (cc, subscriber) = digits.split_at_checked(calling_code(digits))?;
        let fits = (1..=15).contains(&subscriber.len());
        fits.then(|| Phone { cc: cc.to_owned(), subscriber: subscriber.to_owned() })
    }

    /// Both addresses, each element under its full name.
    pub(super) fn addresses(self) -> Texts {
        const LINES: [[&str; 3]; 2] = [
            ["billAddrLine1", "billAddrLine2", "billAddrLine3"],
            ["shipAddrLine1", "shipAddrLine2", "shipAddrLine3"],
        ];
        let mut found = Texts::new();
        let country = |path| self.get(path).and_then(countries::number).map(str::to_owned);
        fill(&mut found, "billAddrCity", self.short("customer.billing.city", 50));
        fill(&mut found, "billAddrCountry", country("customer.billing.country"));
        fill(&mut found, "billAddrPostCode", self.short("customer.billing.postal", 16));
        fill(&mut found, "billAddrState", self.short("customer.billing.region_code", 3));
        fill(&mut found, "shipAddrCity", self.short("customer.shipping.city", 50));
        fill(&mut found, "shipAddrCountry", country("customer.shipping.country"));
        fill(&mut found, "shipAddrPostCode", self.short("customer.shipping.postal", 16));
        fill(&mut found, "shipAddrState", self.short("customer.shipping.region_code", 3));
        for (names, path) in LINES.iter().zip(["customer.billing.address", "customer.shipping.address"]) {
            for (name, line) in names.iter().zip(lines(self.get(path).unwrap_or_default())) {
                found.insert(name, line);
            }
        }
        // A state is the state of a country.
        for (state, country) in [("billAddrState", "billAddrCountry"), ("shipAddrState", "shipAddrCountry")] {
            if !found.contains_key(country) {
                found.remove(state);
            }
        }
        found
    }

    /// What the shop knows of the customer's account.
    pub(super) fn account(self) -> Texts {
        let mut found = Texts::new();
        fill(&mut found, "chAccAgeInd", self.code("customer.account.age_indicator", 2));
        fill(&mut found, "chAccChange", self.date("customer.account.change_date"));
        fill(&mut found, "chAccChangeInd", self.code("customer.account.change_indicator", 2));
        fill(&mut found, "chAccDate", self.date("customer.account.date"));
        fill(&mut found, "chAccPwChange", self.date("customer.account.pass_change_date"));
        fill(&mut found, "chAccPwChangeInd", self.code("customer.account.pass_change_indicator", 2));
        fill(&mut found, "nbPurchaseAccount", self.count("customer.account.purchase_number", 4));
        fill(&mut found, "paymentAccAge", self.date("customer.account.payment_age"));
        fill(&mut found, "paymentAccInd", self.code("customer.account.payment_age_indicator", 2));
        fill(&mut found, "provisionAttemptsDay", self.count("customer.account.provision_attempts", 3));
        fill(&mut found, "shipAddressUsage", self.date("customer.shipping.address_usage"));
        fill(&mut found, "shipAddressUsageInd", self.code("customer.shipping.address_usage_indicator", 2));
        fill(&mut found, "shipNameIndicator", self.code("customer.shipping.name_indicator", 2));
        fill(&mut found, "suspiciousAccActivity", self.code("customer.account.suspicious_activity", 2));
        fill(&mut found, "txnActivityDay", self.count("customer.account.activity_day", 3));
        fill(&mut found, "txnActivityYear", self.count("customer.account.activity_year", 3));
        found
    }

    /// The customer's account at the shop, in words.
    pub(super) fn account_words(self) -> Option<String> {
        self.short("customer.account.additional", 64)
    }

    /// How the customer logged in at the shop.
    pub(super) fn login(self) -> Texts {
        let mut found = Texts::new();
        // `DD-MM-YYYYhh:mm`
        let time = self.get("customer.account.auth_time").and_then(|time| {
            let (date, clock) = time.split_at_checked(10)?;
            let clock = clock.trim().replace(':', "");
            (clock.len() == 4 && is_digits(&clock)).then_some(turned(date)? + &clock)
        });
        fill(&mut found, "threeDSReqAuthData", self.short("customer.account.auth_data", 255));
        fill(&mut found, "threeDSReqAuthMethod", self.code("customer.account.auth_method", 2));
        fill(&mut found, "threeDSReqAuthTimestamp", time);
        found
    }

    /// An earlier authentication of the customer (`mpi_result`).
    pub(super) fn earlier(self) -> Texts {
        let mut found = Texts::new();
        let reference = self.get("customer.mpi_result.acs_operation_id").filter(|id| id.len() == 36);
        fill(
            &mut found,
            "threeDSReqPriorAuthMethod",
            self.code("customer.mpi_result.authentication_flow", 2),
        );
        let time = self.code("customer.mpi_result.authentication_timestamp", 12);
        fill(&mut found, "threeDSReqPriorAuthTimestamp", time);
        fill(&mut found, "threeDSReqPriorRef", reference.map(str::to_owned));
        found
    }

    /// Goods, delivery, gift cards.
    pub(super) fn risk(self) -> Texts {
        let mut found = Texts::new();
        let email = self.short("customer.shipping.delivery_email", 254).filter(|email| email.contains('@'));
        fill(&mut found, "deliveryEmailAddress", email);
        fill(&mut found, "deliveryTimeframe", self.code("customer.shipping.delivery_time", 2));
        fill(&mut found, "preOrderDate", self.date("payment.preorder_date"));
        fill(&mut found, "preOrderPurchaseInd", self.code("payment.preorder_purchase", 2));
        fill(&mut found, "reorderItemsInd", self.code("payment.reorder", 2));
        fill(&mut found, "shipIndicator", self.code("customer.shipping.type", 2));
        if let Some(currency) =
            self.get("payment.gift_card.currency").and_then(|code| Currency::parse(code).ok())
        {
            fill(&mut found, "giftCardCurr", Some(format!("{:03}", currency.numeric())));
            // The protocol counts gift cards in whole major units: 123.45 is 123.
            let minor = self.get("payment.gift_card.amount").and_then(|minor| minor.parse::<u64>().ok());
            let major = minor.and_then(|minor| Some(minor / 10_u64.checked_pow(currency.exponent().into())?));
            fill(&mut found, "giftCardAmount", major.map(|major| major.to_string()));
        }
        let count = self.count("payment.gift_card.count", 2).map(|count| format!("{count:0>2}"));
        fill(&mut found, "giftCardCount", count);
        found
    }

    pub(super) fn same_address(self) -> Option<&'static str> {
        self.truth("customer.address_match").map(|same| if same { "Y" } else { "N" })
    }
}

impl Screen {
    /// What stands for a screen nobody knows.
    fn unknown() -> Self {
        Self {
            java: false,
            color_depth: "24",
            height: "0".to_owned(),
            width: "0".to_owned(),
            time_zone: "0".to_owned(),
        }
    }
}

fn fill(found: &mut Texts, name: &'static str, value: Option<String>) {
    if let Some(value) = value {
        found.insert(name, value);
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `DD-MM-YYYY` as `YYYYMMDD`.
fn turned(date: &str) -> Option<String> {
    let mut parts = date.split('-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = day.len() == 2 && month.len() == 2 && year.len() == 4 && parts.next().is_none();
    let turned = format!("{year}{month}{day}");
    (fits && is_digits(&turned)).then_some(turned)
}

/// Breaks an address into at most three lines of at most 50 characters, between words where there are any.
fn lines(address: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in address.split_whitespace() {
        let word: String = word.chars().take(50).collect();
        let full = lines.len() == 3;
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 50 => {
                line.push(' ');
                line.push_str(&word);
            }
            Some(_) if full => break,
            _ => lines.push(word),
        }
    }
    lines
}

/// How many digits of an international number are the country's: one for zones 1 and 7, two for those that the
/// numbering plan gives two, else three.
fn calling_code(digits: &str) -> usize {
    const TWO: [&str; 44] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
        "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
        "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    match digits.get(..2) {
        _ if digits.starts_with(['1', '7']) => 1,
        Some(two) if TWO.contains(&two) => 2,
        _ => 3,
    }
}

#[cfg(test)]
#[path = "order_data_tests.rs"]
mod tests;
