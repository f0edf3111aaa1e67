//! Purchases whose customers are not authenticated although their cards take part: an exemption is asked for instead, by
//! what was agreed for the project (G-195). The issuer decides; where it refuses, the customer is authenticated after all.

use super::ThreeDsRequest;
use crate::{
    money::Money,
    payment::{CardRequest, Exemption},
    project::Project,
};
use std::collections::BTreeMap;

/// The exemption that is asked for in a purchase of `amount`, if any. None where later debits rest on the authentication,
/// and none where the merchant wants the customer to be asked (`payment.challenge_indicator` 03, 04, 09).
pub(super) fn of(
    project: &Project,
    request: &CardRequest,
    three_ds: &ThreeDsRequest,
    amount: Money,
) -> Option<Exemption> {
    let settings = &project.settings;
    let within = |most: &BTreeMap<String, i64>| {
        most.get(amount.currency.code()).is_some_and(|most| amount.minor <= *most)
    };
    let exemption = if within(&settings.low_value_most) {
        Exemption::LowValue
    } else if within(&settings.risk_analysis_most) {
        Exemption::RiskAnalysis
    } else {
        return None;
    };
    let wish = three_ds.data.get("payment.challenge_indicator").map(String::as_str);
    let is_wanted = matches!(wish, Some("03" | "04" | "09"));
    let is_relied_upon = request.stored.is_some() || request.save || request.transfer.is_some();
    (!is_wanted && !is_relied_upon).then_some(exemption)
}
