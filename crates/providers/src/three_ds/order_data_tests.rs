//! From the Gate's formats to the protocol's.

use super::*;

fn data(members: &[(&str, &str)]) -> BTreeMap<String, String> {
    members.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect()
}

fn texts(found: &Texts) -> Vec<(&str, &str)> {
    found.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

const SCREEN: [(&str, &str); 4] = [
    ("customer.color_depth", "24"),
    ("customer.screen_res", "360x640"),
    ("customer.timezone_offset", "-120"),
    ("customer.java_enabled", "false"),
];

// G-193
#[test]
fn a_browser_that_runs_scripts_tells_its_screen() {
    let mut members = data(&SCREEN);
    members.insert("customer.language".to_owned(), "en_GB".to_owned());
    members.insert("customer.ip_address".to_owned(), "2001:db8::1".to_owned());
    let browser = Data(&members).browser("2.2.0");
    let screen = browser.screen.unwrap();
    assert_eq!((screen.width.as_str(), screen.height.as_str()), ("360", "640"));
    assert_eq!((screen.color_depth, screen.time_zone.as_str(), screen.java), ("24", "-120", false));
    assert_eq!((browser.scripts, browser.language.as_str()), (Some(true), "en-GB"));
    assert_eq!(browser.ip.as_deref(), Some("2001:db8::1"));
}

#[test]
fn what_a_browser_does_not_tell_counts_as_no_scripts_and_in_2_1_0_as_a_screen_nobody_knows() {
    for (missing, _) in SCREEN.iter().take(3) {
        let mut members = data(&SCREEN);
        members.remove(*missing);
        let browser = Data(&members).browser("2.2.0");
        assert_eq!((browser.scripts, browser.screen), (Some(false), None));
        let browser = Data(&members).browser("2.1.0");
        assert_eq!((browser.scripts, browser.screen), (None, Some(Screen::unknown())));
    }
    let mut members = data(&SCREEN);
    members.insert("customer.js_enabled".to_owned(), "false".to_owned());
    assert_eq!(Data(&members).browser("2.2.0").scripts, Some(false));
    let browser = Data(&BTreeMap::new()).browser("2.2.0");
    assert_eq!(
        (browser.accept_header.as_str(), browser.user_agent.as_str(), browser.language.as_str(), browser.ip),
        ("*/*", "unknown", "en", None)
    );
}

#[test]
fn values_the_protocol_does_not_know_become_the_nearest_or_nothing() {
    let browser = |path: &str, value: &str| {
        let mut members = data(&SCREEN);
        members.insert(path.to_owned(), value.to_owned());
        Data(&members).browser("2.2.0")
    };
    assert_eq!(browser("customer.color_depth", "30").screen.unwrap().color_depth, "24");
    assert_eq!(browser("customer.color_depth", "0").screen, None);
    assert_eq!(browser("customer.timezone_offset", "+60").screen.unwrap().time_zone, "60");
    assert_eq!(browser("customer.timezone_offset", "1440").screen, None);
    assert_eq!(browser("customer.screen_res", "360").screen, None);
    assert_eq!(browser("customer.ip_address", "localhost").ip, None);
    assert_eq!(browser("customer.accept_language_header", "pt-BR;q=0.9,en").language, "pt-BR");
    assert_eq!(browser("customer.language", "zh-Hant-TW").language, "zh");
    assert_eq!(browser("customer.language", "???").language, "en");
    assert_eq!(browser("customer.browser", &"x".repeat(3_000)).user_agent.len(), 2_048);
}

// G-191
#[test]
fn a_wish_about_the_challenge_is_passed_on_as_far_as_the_version_knows_it() {
    let wish = |value: &str, version| {
        Data(&data(&[("payment.challenge_indicator", value)])).challenge_wish(version).unwrap_or_default()
    };
    assert_eq!((wish("04", "2.1.0"), wish("04", "2.2.0")), ("04".to_owned(), "04".to_owned()));
    assert_eq!((wish("09", "2.1.0"), wish("09", "2.2.0")), (String::new(), "09".to_owned()));
    assert_eq!((wish("00", "2.2.0"), wish("4", "2.2.0")), (String::new(), String::new()));
    assert_eq!(Data(&data(&[("payment.challenge_window", "02")])).window(), "02");
    assert_eq!(Data(&data(&[("payment.challenge_window", "06")])).window(), "05");
    assert_eq!(Data(&BTreeMap::new()).window(), "05");
}

// G-193
#[test]
fn addresses_get_country_numbers_and_lines_of_fifty_characters() {
    let members = data(&[
        ("customer.billing.country", "GB"),
        ("customer.billing.city", "London"),
        ("customer.billing.postal", "BR1 1AA"),
        ("customer.billing.region_code", "LND"),
        (
            "customer.billing.address",
            "Flat 12, The Very Long Building Name With Many Words, 4 Breadmarket Street",
        ),
        ("customer.shipping.country", "XX"),
        ("customer.shipping.region_code", "ABC"),
        ("customer.shipping.city", &"x".repeat(51)),
    ]);
    assert_eq!(
        texts(&Data(&members).addresses()),
        [
            ("billAddrCity", "London"),
            ("billAddrCountry", "826"),
            ("billAddrLine1", "Flat 12, The Very Long Building Name With Many"),
            ("billAddrLine2", "Words, 4 Breadmarket Street"),
            ("billAddrPostCode", "BR1 1AA"),
            ("billAddrState", "LND"),
        ]
    );
    assert_eq!(lines(&"ab ".repeat(100)).len(), 3);
    assert_eq!(lines(&"é".repeat(80)), ["é".repeat(50)]);
}

// G-193
#[test]
fn the_account_is_told_with_dates_the_other_way_round() {
    let members = data(&[
        ("customer.account.date", "01-10-2022"),
        ("customer.account.change_date", "1-10-2022"),
        ("customer.account.age_indicator", "05"),
        ("customer.account.purchase_number", "12"),
        ("customer.account.activity_day", "1000"),
        ("customer.shipping.address_usage", "31-12-2021"),
        ("customer.account.auth_method", "02"),
        ("customer.account.auth_time", "01-10-202213:12"),
    ]);
    assert_eq!(
        texts(&Data(&members).account()),
        [
            ("chAccAgeInd", "05"),
            ("chAccDate", "20221001"),
            ("nbPurchaseAccount", "12"),
            ("shipAddressUsage", "20211231")
        ]
    );
    assert_eq!(
        texts(&Data(&members).login()),
        [("threeDSReqAuthMethod", "02"), ("threeDSReqAuthTimestamp", "202210011312")]
    );
}

// G-193
#[test]
fn gift_cards_are_counted_in_whole_units_of_their_currency() {
    let members = data(&[
        ("payment.gift_card.amount", "12345"),
        ("payment.gift_card.currency", "USD"),
        ("payment.gift_card.count", "3"),
        ("payment.preorder_date", "24-12-2026"),
        ("payment.reorder", "01"),
        ("customer.shipping.type", "05"),
    ]);
    assert_eq!(
        texts(&Data(&members).risk()),
        [
            ("giftCardAmount", "123"),
            ("giftCardCount", "03"),
            ("giftCardCurr", "840"),
            ("preOrderDate", "20261224"),
            ("reorderItemsInd", "01"),
            ("shipIndicator", "05"),
        ]
    );
}

#[test]
fn phones_are_parted_at_the_country_code() {
    for (digits, parted) in [
        ("35799123456", Some(("357", "99123456"))),
        ("447700900123", Some(("44", "7700900123"))),
        ("12025550123", Some(("1", "2025550123"))),
        ("989121234567", Some(("98", "9121234567"))),
        ("357", None),
        ("3571234567890123456", None),
        ("+35799123456", None),
    ] {
        let members = data(&[("customer.phone", digits)]);
        let phone = Data(&members).phone("customer.phone");
        assert_eq!(
            phone.as_ref().map(|phone| (phone.cc.as_str(), phone.subscriber.as_str())),
            parted,
            "{digits}"
        );
    }
}
