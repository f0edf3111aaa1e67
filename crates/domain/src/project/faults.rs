//! What the types of settings do not say: values that would be kept and do nothing, or not what whoever wrote them
//! believes. They are refused when they are set.

use super::{Settings, Source};
use crate::{card::Network, method::MethodRef, money::Currency};
use rust_decimal::Decimal;

/// How far local times are from UTC anywhere on earth, minutes.
const OFFSETS: std::ops::RangeInclusive<i16> = -12 * 60..=14 * 60;

/// Each attempt stays in the payment's record, which every later change writes anew.
const MOST_ATTEMPTS: u8 = 20;

/// Whether a callback can be sent there.
pub(super) fn is_address(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.chars().any(|it| it.is_whitespace() || it.is_control())
}

impl Settings {
    /// The first setting that would not do what it says, and why.
    pub fn fault(&self) -> Option<String> {
        self.fees()
            .or_else(|| self.routes())
            .or_else(|| self.names())
            .or_else(|| self.conversion())
            .or_else(|| self.times())
            .or_else(|| self.limits())
            .or_else(|| self.amounts())
            .or_else(|| self.attempts())
            .or_else(|| self.transfers())
    }

    fn fees(&self) -> Option<String> {
        let fees = [
            ("sale_fee", &self.sale_fee),
            ("refund_fee", &self.refund_fee),
            ("refund_cancellation_fee", &self.refund_cancellation_fee),
            ("payout_fee", &self.payout_fee),
            ("name_check_fee", &self.name_check_fee),
        ];
        let wrong = |rate: Decimal, fixed| rate < Decimal::ZERO || rate >= Decimal::ONE || fixed < 0;
        let (name, _) = fees.into_iter().find(|(_, fee)| wrong(fee.rate, fee.fixed_minor))?;
        Some(format!("{name}: the rate lies from 0 to below 1, and fixed_minor is not negative"))
    }

    fn routes(&self) -> Option<String> {
        let addresses = [
            ("callback_url", &self.callback_url),
            ("callback_url_success", &self.callback_url_success),
            ("callback_url_decline", &self.callback_url_decline),
        ];
        let wrong = |(_, url): &(_, &Option<String>)| url.as_deref().is_some_and(|url| !is_address(url));
        if let Some((name, _)) = addresses.into_iter().find(wrong) {
            return Some(format!("{name}: an address begins with http:// or https:// and has no blanks"));
        }
        let faults = self.callback_routes.iter().enumerate().map(|(place, route)| (place, route.fault()));
        let (place, fault) = faults.into_iter().find_map(|(place, fault)| Some((place, fault?)))?;
        Some(format!("callback_routes, number {}: {fault}", place.saturating_add(1)))
    }

    fn conversion(&self) -> Option<String> {
        let unknown = |code: &&String| Currency::parse(code).is_err();
        if let Some(code) = self.conversions.keys().chain(self.channel_limits.keys()).find(unknown) {
            return Some(format!("conversions, channel_limits: {code:?} is no currency"));
        }
        if let Some((code, _)) = self.channel_limits.iter().find(|(_, most)| **most <= 0) {
            return Some(format!("channel_limits: {code} has to be above zero"));
        }
        let into = |code: &String| self.conversions.values().any(|channel| channel.code() == code);
        if let Some(code) = self.channel_limits.keys().find(|code| !into(code)) {
            return Some(format!("channel_limits: nothing is converted into {code}"));
        }
        let channels = &self.channel_currencies;
        let wrong = |(code, channel): &(&String, &Currency)| {
            channel.code() == code.as_str() || !channels.is_empty() && !channels.contains(channel)
        };
        let (code, channel) = self.conversions.iter().find(wrong)?;
        Some(format!("conversions: {code} into {channel}, which is the same or none of channel_currencies"))
    }

    fn names(&self) -> Option<String> {
        for (setting, sources) in
            [("allowed_sources", &self.allowed_sources), ("registration_sources", &self.registration_sources)]
        {
            if let Some(source) = sources.iter().find(|source| Source::parse(source).is_none()) {
                return Some(format!("{setting}: {source:?} is no IP address and no network"));
            }
        }
        if let Some(code) =
            self.reversals.keys().find(|code| Network::ALL.iter().all(|network| network.code() != *code))
        {
            return Some(format!("reversals: there is no card network {code:?}"));
        }
        let paid = self.payout_rules.methods.iter().filter(|code| *code != "card");
        let paid = paid.map(|code| ("payout_rules.methods", code));
        let taken =
            self.method_accounts.keys().filter(|code| *code != "*").map(|code| ("method_accounts", code));
        let off = self.methods_off.iter().map(|code| ("methods_off", code));
        let by_hand =
            self.payouts_reversed_by_support.iter().map(|code| ("payouts_reversed_by_support", code));
        let timed = self.method_thresholds.keys().map(|code| ("method_thresholds", code));
        let returned =
            self.refund_days.keys().filter(|code| *code != "card").map(|code| ("refund_days", code));
        let unknown = |(_, code): &(&str, &String)| MethodRef::of_code(code).is_none();
        let (setting, code) =
            taken.chain(off).chain(by_hand).chain(timed).chain(returned).chain(paid).find(unknown)?;
        Some(format!("{setting}: there is no payment method {code:?}"))
    }

    fn times(&self) -> Option<String> {
        if let Some(plan) = &self.debit_retries {
            let rising = plan.days.iter().zip(plan.days.iter().skip(1)).all(|(one, next)| one < next);
            if plan.days.is_empty() || !rising || !plan.days.iter().all(|day| (1..=10).contains(day)) {
                return Some(
                    "debit_retries: days are numbers from 1 to 10, each once and in order".to_owned(),
                );
            }
        }
        if let Some((code, _)) = self.method_thresholds.iter().find(|(_, seconds)| **seconds == 0) {
            return Some(format!("method_thresholds: {code} would be given up before it begins"));
        }
        let beyond = !OFFSETS.contains(&self.series_utc_offset_minutes);
        beyond.then(|| "series_utc_offset_minutes: local time is 720 behind to 840 ahead of UTC".to_owned())
    }

    fn amounts(&self) -> Option<String> {
        let most = [
            ("category_most", &self.category_most),
            ("prepaid_most", &self.prepaid_most),
            ("low_value_most", &self.low_value_most),
            ("risk_analysis_most", &self.risk_analysis_most),
        ];
        let all = most
            .into_iter()
            .flat_map(|(name, most)| most.iter().map(move |(code, most)| (name, code, *most)));
        let (name, code, _) =
            all.into_iter().find(|(_, code, most)| Currency::parse(code).is_err() || *most < 0)?;
        Some(format!("{name}: {code:?} is no currency, or its amount is negative"))
    }

    fn attempts(&self) -> Option<String> {
        if self.additional_attempts > MOST_ATTEMPTS {
            return Some(format!("additional_attempts: at most {MOST_ATTEMPTS}"));
        }
        let is_day = (1..=86_400).contains(&self.additional_attempts_seconds);
        (!is_day).then(|| "additional_attempts_seconds: from 1 to 86400".to_owned())
    }

    fn transfers(&self) -> Option<String> {
        let never = self.transfer_rules.debit_first && !self.card_transfers_allowed;
        never.then(|| {
            "transfer_rules: debit_first declines every payout without card_transfers_allowed".to_owned()
        })
    }

    fn limits(&self) -> Option<String> {
        if let Some(fault) = self.transfer_limits.fault() {
            return Some(format!("transfer_limits: {fault}"));
        }
        let faults = self.risk_limits.iter().enumerate().map(|(place, rule)| (place, rule.fault()));
        let (place, fault) = faults.into_iter().find_map(|(place, fault)| Some((place, fault?)))?;
        Some(format!("risk_limits, number {}: {fault}", place.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(name: &str, value: serde_json::Value) -> Option<String> {
        let mut settings = serde_json::to_value(Settings::default()).unwrap();
        settings[name] = value;
        serde_json::from_value::<Settings>(settings).unwrap().fault()
    }

    // G-521, G-399
    #[test]
    fn settings_that_would_do_nothing_are_told_from_those_that_do_something() {
        let limit = |by: &str, measure: &str, seconds: u64, most: i64| {
            json!([{ "by": "ip", "measure": "count", "seconds": 60, "most": 1 },
                   { "by": by, "measure": measure, "seconds": seconds, "most": most }])
        };
        let plan = |days: &[u8]| json!({ "days": days, "active": true });
        for (name, wrong, right) in [
            ("risk_limits", limit("phrase", "count", 60, 1), limit("name", "count", 60, 1)),
            ("risk_limits", limit("card", "cards", 60, 1), limit("ip", "cards", 60, 1)),
            ("risk_limits", limit("ip", "count", 2_678_401, 1), limit("ip", "count", 2_678_400, 1)),
            ("risk_limits", limit("ip", "count", 0, 1), limit("ip", "single", 0, 1)),
            ("risk_limits", limit("ip", "count", 60, -1), limit("ip", "count", 60, 0)),
            ("method_accounts", json!({ "no-such": 1 }), json!({ "*": 1, "wallet/alipay": 2 })),
            ("methods_off", json!(["no-such"]), json!(["blik"])),
            ("payouts_reversed_by_support", json!(["no-such"]), json!(["skrill"])),
            ("method_thresholds", json!({ "no-such": 60 }), json!({ "blik": 60 })),
            (
                "callback_routes",
                json!([{ "payment_type": "sale", "url": "https://shop.example/" }]),
                json!([{ "payment_type": "payout", "method": "card", "url": "https://shop.example/" }]),
            ),
            (
                "callback_routes",
                json!([{ "method": "no-such", "url": "https://shop.example/" }]),
                json!([{ "method": "blik", "success": true, "url": "https://shop.example/" }]),
            ),
            ("callback_routes", json!([{}]), json!([])),
            (
                "callback_routes",
                json!([{ "url": "https://shop.example/two words" }]),
                json!([{ "url": "http://127.0.0.1:8080/callbacks" }]),
            ),
            ("callback_url", json!("shop.example"), json!("https://shop.example")),
            ("callback_url_decline", json!("https:///nowhere"), json!(null)),
            ("reversals", json!({ "no-such": "never" }), json!({ "visa": "any_within_day" })),
            ("transfer_limits", json!({ "codes": [3104] }), json!({ "codes": [3409] })),
            ("payout_rules", json!({ "methods": ["no-such"] }), json!({ "methods": ["card", "blik"] })),
            ("refund_days", json!({ "no-such": 1 }), json!({ "card": 0, "blik": 3 })),
            ("method_thresholds", json!({ "blik": 0 }), json!({ "blik": 1 })),
            ("transfer_rules", json!({ "debit_first": true }), json!({ "debit_first": false })),
            ("category_most", json!({ "eur": 1 }), json!({ "EUR": 1 })),
            ("low_value_most", json!({ "eur": 3_000 }), json!({ "EUR": 3_000 })),
            ("prepaid_most", json!({ "EUR": -1 }), json!({ "EUR": 0 })),
            ("additional_attempts", json!(21), json!(20)),
            ("additional_attempts_seconds", json!(0), json!(1)),
            ("additional_attempts_seconds", json!(86_401), json!(86_400)),
            ("debit_retries", plan(&[0, 1]), plan(&[1, 10])),
            ("debit_retries", plan(&[1, 11]), plan(&[10])),
            ("debit_retries", plan(&[2, 2]), plan(&[2, 3])),
            ("debit_retries", plan(&[]), json!(null)),
            ("series_utc_offset_minutes", json!(841), json!(840)),
            ("series_utc_offset_minutes", json!(-721), json!(-720)),
            ("conversions", json!({ "EUR": "EUR" }), json!({ "USD": "EUR" })),
            ("conversions", json!({ "EURO": "EUR" }), json!({})),
            ("channel_limits", json!({ "EUR": 1 }), json!({})),
            ("registration_sources", json!(["somewhere"]), json!(["192.0.2.1"])),
            ("allowed_sources", json!(["192.0.2.1/24"]), json!(["192.0.2.0/24", "2001:db8::/32"])),
        ] {
            let found = fault(name, wrong);
            assert!(found.as_ref().is_some_and(|it| it.starts_with(name)), "{name}: {found:?}");
            assert_eq!(fault(name, right), None);
        }
    }
}
