//! The provider's results in terms of the unified table.

use ferropay_domain::codes::Code;

/// Results and codes; anything else is a general decline.
const RESULTS: &[(&str, u32)] = &[
    ("refused", 20_000),
    ("cancelled_by_customer", 20_301),
    ("wrong_amount", 20_304),
    ("insufficient_funds", 20_504),
    ("expired", 20_602),
    ("unavailable", 20_603),
    ("unsupported", 20_706),
    ("agreement_cancelled", 20_110),
    ("mandate_ended", 20_111),
    ("not_credited", 20_812),
];

/// What a pending transaction says of how long to wait, and codes.
const WAITS: &[(&str, u32)] = &[("no_status", 20_802), ("takes_days", 20_899)];

/// The code of a pending transaction with this result; none for any other.
pub(super) fn waits(result: &str) -> Option<Code> {
    WAITS.iter().find(|(name, _)| *name == result).map(|(_, code)| Code::new(*code))
}

/// The code of a refusal with this result.
pub(super) fn code(result: &str) -> Code {
    let known = RESULTS.iter().find(|(name, _)| *name == result);
    Code::new(known.map_or(20_000, |(_, code)| *code))
}

#[cfg(test)]
mod tests {
    use super::*;

    // D-501, D-504, D-505, G-486
    #[test]
    fn every_result_has_a_code_of_the_table() {
        for (result, number) in WAITS {
            assert_eq!(waits(result), Some(Code::new(*number)));
            assert!(Code::new(*number).known_message().is_some(), "{result}");
        }
        assert_eq!(waits("refused"), None);
        for (result, number) in RESULTS {
            assert_eq!(code(result).get(), *number);
            assert!(code(result).known_message().is_some(), "{result}");
        }
        assert_eq!(code("something new").get(), 20_000);
    }
}
