//! Amounts and cards as customers read them.

use ferropay_domain::{card::Network, money::Money};

/// Currencies whose sign customers know; where others share it, the country stands before it.
const SIGNS: [(&str, &str); 12] = [
    ("AUD", "A$"),
    ("BRL", "R$"),
    ("CAD", "CA$"),
    ("CNY", "CN¥"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("HKD", "HK$"),
    ("INR", "₹"),
    ("JPY", "¥"),
    ("MXN", "MX$"),
    ("NZD", "NZ$"),
    ("USD", "US$"),
];

/// An amount in English: `€1,249.90`, `¥5,400`, `KWD 1.250` (the blank does not break).
pub(crate) fn amount(money: Money) -> String {
    let code = money.currency.code();
    let text = money.to_string();
    let digits = text.strip_suffix(code).unwrap_or(&text).trim();
    let (minus, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("−", digits));
    let (whole, rest) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match SIGNS.iter().find(|(known, _)| *known == code) {
        Some((_, sign)) => format!("{minus}{sign}{grouped}{rest}"),
        None => format!("{minus}{code}\u{a0}{grouped}{rest}"),
    }
}

/// A card by its network and last digits: `Visa •••• 0056`.
pub(crate) fn card(network: Network, masked: &str) -> String {
    let name = match network {
        Network::Visa => "Visa",
        Network::Mastercard => "Mastercard",
        Network::AmericanExpress => "American Express",
        Network::Maestro => "Maestro",
        Network::UnionPay => "UnionPay",
        Network::Other => "Card",
    };
    let start = masked.len().saturating_sub(4);
    let tail = masked.get(start..).filter(|tail| tail.bytes().all(|byte| byte.is_ascii_digit()));
    match tail.filter(|tail| !tail.is_empty()) {
        Some(tail) => format!("{name} •••• {tail}"),
        None => name.to_owned(),
    }
}

/// What stands for a logo: the first letter or digit of a name.
pub(crate) fn initial(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric());
    first.map(|first| first.to_uppercase().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_domain::money::Currency;

    #[test]
    fn amounts_have_the_minor_digits_of_their_currency() {
        for (minor, code, text) in [
            (4_990, "EUR", "€49.90"),
            (5_400, "JPY", "¥5,400"),
            (1_250, "KWD", "KWD\u{a0}1.250"),
            (100_000_000, "USD", "US$1,000,000.00"),
            (99_999, "GBP", "£999.99"),
            (7, "EUR", "€0.07"),
            (-4_990, "CHF", "−CHF\u{a0}49.90"),
        ] {
            assert_eq!(amount(Money::new(minor, Currency::parse(code).unwrap())), text);
        }
    }

    #[test]
    fn cards_show_their_last_four_digits_and_no_others() {
        assert_eq!(card(Network::Visa, "431422******0056"), "Visa •••• 0056");
        assert_eq!(card(Network::Other, ""), "Card");
        assert_eq!(card(Network::Maestro, "•••"), "Maestro");
        assert_eq!(initial("«cosmo» shop"), "C");
        assert_eq!(initial("…"), "");
    }
}
