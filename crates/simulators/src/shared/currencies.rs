//! Currencies as people read them.

use std::collections::HashMap;

const TABLE: &str = include_str!("../../../../catalogue/currencies.csv");

/// A currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Currency {
    pub(crate) code: &'static str,
    /// Number of decimals.
    pub(crate) exponent: usize,
}

/// All currencies, by their three-digit number.
pub(crate) struct Currencies(HashMap<&'static str, Currency>);

impl Currencies {
    /// Reads the compiled-in catalogue; `None` when it is damaged.
    pub(crate) fn from_catalogue() -> Option<Self> {
        let mut table = HashMap::new();
        for line in TABLE.lines().skip(1) {
            let mut columns = line.splitn(4, ',');
            let (code, number, exponent) = (columns.next()?, columns.next()?, columns.next()?);
            table.insert(number, Currency { code, exponent: exponent.parse().ok()? });
        }
        Some(Self(table))
    }

    /// The number of the currency with these three letters.
    pub(crate) fn number_of(&self, code: &str) -> Option<&'static str> {
        self.0.iter().find(|(_, currency)| currency.code == code).map(|(number, _)| *number)
    }

    pub(crate) fn by_number(&self, number: &str) -> Option<Currency> {
        self.0.get(number).copied()
    }

    /// The same by the currency's three letters.
    pub(crate) fn show_by_code(&self, minor: &str, code: &str) -> String {
        self.number_of(code).map_or_else(|| format!("{minor} {code}"), |number| self.show(minor, number))
    }

    /// An amount for the eye: `€49.90`, `¥5,400`, `KWD 1.250`. `minor` is digits.
    pub(crate) fn show(&self, minor: &str, number: &str) -> String {
        let Some(currency) = self.by_number(number) else { return minor.to_owned() };
        let digits = minor.trim_start_matches('0');
        let digits = format!("{digits:0>width$}", width = currency.exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - currency.exponent);
        let mut amount = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                amount.push(',');
            }
            amount.push(digit);
        }
        if !fraction.is_empty() {
            amount.push('.');
            amount.push_str(fraction);
        }
        match currency.code {
            "EUR" => format!("€{amount}"),
            "USD" => format!("${amount}"),
            "GBP" => format!("£{amount}"),
            "JPY" => format!("¥{amount}"),
            // The space does not break.
            code => format!("{code}\u{a0}{amount}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_with_the_decimals_of_their_currency() {
        let currencies = Currencies::from_catalogue().unwrap();
        for (minor, number, shown) in [
            ("4990", "978", "€49.90"),
            ("5", "978", "€0.05"),
            ("0", "978", "€0.00"),
            ("123456789", "840", "$1,234,567.89"),
            ("5400", "392", "¥5,400"),
            ("1250", "414", "KWD\u{a0}1.250"),
        ] {
            assert_eq!(currencies.show(minor, number), shown);
        }
    }
}
