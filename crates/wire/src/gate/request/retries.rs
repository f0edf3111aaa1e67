//! A merchant's own plan for trying declined debits again.

use super::Refusal;
use crate::json::Value;
use ferropay_domain::codes;

/// `/v2/recurring/retry-custom-schedule/save`.
#[derive(Debug, PartialEq, Eq)]
pub struct RetryDays {
    /// Days after the first decline, 1 to 10, in order (G-399, G-400).
    pub days: Vec<u8>,
}

impl RetryDays {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// A day is not written as a whole number.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let wrong = || Refusal::bad_request(codes::VALIDATION).at("interval_days");
        let listed = body.get("interval_days").and_then(Value::items).ok_or_else(wrong)?;
        let day = |value: &Value<'_>| value.as_number()?.parse::<u8>().ok();
        let days: Option<Vec<u8>> = listed.iter().map(day).collect();
        let mut days = days.ok_or_else(wrong)?;
        days.sort_unstable();
        Ok(Self { days })
    }
}
