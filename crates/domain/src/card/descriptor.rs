//! Texts in the form in which card networks take them: the merchant's name on a statement, and a cardholder's name to
//! be compared. Neither is ever refused; what does not fit is written with other letters or left out.

use super::Network;
use deunicode::deunicode_char;

/// The name on the cardholder's statement in the form `network` takes (G-259, G-260): Latin letters, digits, space and
/// `* , - . = _`, other writing transliterated, at most 22 characters for Mastercard and its Maestro, 25 for all
/// others. None when nothing is left: the agreed name of the merchant is used then (G-262).
pub fn statement_name(text: &str, network: Network) -> Option<String> {
    let longest = match network {
        Network::Mastercard | Network::Maestro => 22,
        _ => 25,
    };
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '*' | ',' | '-' | '.' | '=' | '_');
    let written: String = latin(text).filter(fits).collect();
    let name: String = written.trim_start().chars().take(longest).collect();
    let name = name.trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

/// One part of a cardholder's name as networks compare it (G-236): Latin letters without spaces and special
/// characters, at most 35 of them.
pub fn comparable_name(text: &str) -> String {
    latin(text).filter(char::is_ascii_alphabetic).take(35).collect()
}

fn latin(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(|c| deunicode_char(c).unwrap_or_default().chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-259, G-260
    #[test]
    fn a_descriptor_is_corrected_to_what_its_network_takes() {
        let visa = |text| statement_name(text, Network::Visa);
        assert_eq!(visa("SHOP* Order 7, a-b.c=d_e").as_deref(), Some("SHOP* Order 7, a-b.c=d_e"));
        assert_eq!(visa("Café Zoë & Söhne!").as_deref(), Some("Cafe Zoe  Sohne"));
        assert_eq!(visa("Магазин").as_deref(), Some("Magazin"));
        assert_eq!(visa("  <{[~]}>  "), None);
        assert_eq!(visa(""), None);
    }

    // G-259
    #[test]
    fn a_descriptor_is_cut_to_the_length_of_its_network() {
        let long = "x".repeat(255);
        let length = |network| statement_name(&long, network).unwrap().len();
        assert_eq!((length(Network::Mastercard), length(Network::Visa)), (22, 25));
        assert_eq!(statement_name("1234567890123456789012345 7", Network::Visa).unwrap().len(), 25);
        assert_eq!(statement_name("123456789012345678901 34", Network::Mastercard).unwrap().len(), 21);
    }

    // G-236
    #[test]
    fn names_are_compared_without_spaces_and_special_characters_up_to_their_35th_letter() {
        assert_eq!(comparable_name("Mary-Ann  O'Neil"), "MaryAnnONeil");
        assert_eq!(comparable_name("Jürgen"), "Jurgen");
        assert_eq!(comparable_name(&"ab ".repeat(30)).len(), 35);
    }
}
