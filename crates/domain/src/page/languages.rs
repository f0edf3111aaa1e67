//! The languages of the Payment Page and the one it opens in.

/// The languages every project has: English, Estonian, French, German, Italian, Latvian, Lithuanian, Portuguese, Spanish and
/// Ukrainian (P-241).
pub const BASIC: [&str; 10] = ["en", "et", "fr", "de", "it", "lv", "lt", "pt", "es", "uk"];

/// The language where no other can be had (P-242).
pub const FALLBACK: &str = "en";

/// How much of what a browser says is looked at: bytes, and languages.
const MOST_SAID: (usize, usize) = (1_024, 32);

/// The language the page opens in, out of those a project supports.
///
/// `asked` is the request's `language_code`: one that is not supported leads to English, whatever the browser prefers. Without
/// one, `browser` (the header `Accept-Language`) decides, then English. Codes are compared without regard to case.
pub fn opening<'s>(asked: Option<&str>, browser: Option<&str>, supported: &[&'s str]) -> &'s str {
    let find = |code: &str| supported.iter().copied().find(|known| known.eq_ignore_ascii_case(code));
    let chosen = match asked.filter(|code| !code.is_empty()) {
        Some(code) => find(code),
        None => preferred(browser.unwrap_or_default()).into_iter().find_map(|range| of_range(range, &find)),
    };
    chosen.unwrap_or(FALLBACK)
}

/// The ranges of an `Accept-Language` header, the dearest first and those that are not wanted left out.
fn preferred(header: &str) -> Vec<&str> {
    let (most_bytes, most_ranges) = MOST_SAID;
    let mut ranges: Vec<(u16, &str)> = Vec::new();
    for item in header.split(',').take(most_ranges).filter(|_| header.len() <= most_bytes) {
        let mut parts = item.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1_000), thousandths);
        if let Some(weight @ 1..) = weight {
            ranges.push((weight, range));
        }
    }
    // Equal weights stay in the order in which they were written.
    ranges.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    ranges.into_iter().map(|(_, range)| range).collect()
}

/// A weight between 0 and 1 with up to three decimals, in thousandths.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1_000),
        _ => None,
    }
}

/// The supported language of a range: its own, or that of fewer and fewer of its subtags (`pt-BR` is `pt`, and
/// `zh-Hant-TW` is `zh-hant`).
fn of_range<'s>(range: &str, find: &impl Fn(&str) -> Option<&'s str>) -> Option<&'s str> {
    let mut range = range;
    loop {
        if let Some(found) = find(range) {
            return Some(found);
        }
        range = range.rsplit_once('-')?.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // P-241
    #[test]
    fn the_basic_set_is_the_documented_one() {
        let mut sorted = BASIC;
        sorted.sort_unstable();
        assert_eq!(sorted, ["de", "en", "es", "et", "fr", "it", "lt", "lv", "pt", "uk"]);
        assert!(BASIC.contains(&FALLBACK));
    }

    // P-053, P-242
    #[test]
    fn what_the_request_asks_for_comes_first_and_leads_to_english_where_it_is_not_supported() {
        assert_eq!(opening(Some("de"), Some("fr"), &BASIC), "de");
        assert_eq!(opening(Some("DE"), Some("fr"), &BASIC), "de");
        assert_eq!(opening(Some("ja"), Some("fr"), &BASIC), "en");
        assert_eq!(opening(Some("zh-hant"), Some("fr"), &BASIC), "en");
        assert_eq!(opening(Some("ZH-Hant"), None, &["en", "zh-hant"]), "zh-hant");
    }

    // P-242
    #[test]
    fn without_a_wish_the_browser_decides_and_then_english() {
        for (browser, language) in [
            (None, "en"),
            (Some(""), "en"),
            (Some("fr"), "fr"),
            (Some("pt-BR,pt;q=0.9,en;q=0.8"), "pt"),
            (Some("ja,de;q=0.5,fr;q=0.7"), "fr"),
            (Some("ja;q=1, uk;q=0.001"), "uk"),
            (Some("fr;q=0, de"), "de"),
            (Some("fr;q=2, fr;q=0.1234, fr;q=x, es;q=0.1"), "es"),
            (Some("*"), "en"),
            (Some("ja"), "en"),
        ] {
            assert_eq!(opening(None, browser, &BASIC), language, "{browser:?}");
            assert_eq!(opening(Some(""), browser, &BASIC), language, "{browser:?}");
        }
        assert_eq!(opening(None, Some("zh-Hant-TW"), &["en", "zh-hant"]), "zh-hant");
        assert_eq!(opening(None, Some("zh-TW"), &["en", "zh-hant"]), "en");
        let long = format!("fr,{}", "de,".repeat(1_000));
        assert_eq!(opening(None, Some(&long), &BASIC), "en");
    }

    proptest! {
        // P-242
        #[test]
        fn whatever_is_said_the_language_is_a_supported_one(asked in ".{0,12}", browser in ".{0,60}") {
            let asked = Some(asked.as_str()).filter(|it| it.len() % 2 == 0);
            prop_assert!(BASIC.contains(&opening(asked, Some(&browser), &BASIC)));
        }
    }
}
