//! What each mode needs, and what each value has to be.

use super::*;
use ferropay_domain::page::Mode;

const TOKENIZE: &str = "project_id=7&customer_id=c-9&mode=card_tokenize";
const PAYOUT: &str = "project_id=7&payment_id=p&payment_amount=5&payment_currency=EUR&customer_id=c&mode=payout\
    &uuid=Lm3V9%2FyQ%3D%3D&customer_email=a%40b.example";
const VERIFY: &str = "project_id=7&payment_id=v&payment_amount=0&payment_currency=EUR&mode=card_verify";

// P-030, P-042
#[test]
fn a_purchase_without_what_it_needs_is_refused_with_everything_that_is_missing() {
    assert_eq!(lines(PURCHASE), Vec::<String>::new());
    for name in ["payment_id", "payment_amount", "payment_currency", "customer_id"] {
        let words = format!("{}{}: Must be not null", name[..1].to_uppercase(), &name[1..]);
        assert_eq!(lines(&without(name)), [words.as_str()]);
        assert_eq!(lines(&with(name, "")), [words.as_str()]);
    }
    assert_eq!(
        lines("project_id=7"),
        [
            "Payment_id: Must be not null",
            "Payment_amount: Must be not null",
            "Payment_currency: Must be not null",
            "Customer_id: Must be not null",
        ]
    );
}

// P-031, P-067
#[test]
fn a_purchase_says_in_how_many_steps_it_is_made_or_leaves_it_to_the_project() {
    use crate::page::OneStep;
    let steps = |query: &str| opened(query).unwrap().one_step;
    assert_eq!(steps(PURCHASE), None);
    assert_eq!(steps(&with("operation_type", "sale")), Some(OneStep::Sale));
    assert_eq!(steps(&with("operation_type", "auth")), Some(OneStep::Auth));
    assert_eq!(lines(&with("operation_type", "hold")), ["Operation_type: Must be one of sale, auth"]);
}

// P-032, P-037, P-039
#[test]
fn a_card_is_verified_for_nothing_and_without_a_customer() {
    let opening = opened(VERIFY).unwrap();
    assert_eq!(opening.mode, Mode::CardVerify);
    assert_eq!(opening.amount.unwrap().minor, 0);
    assert_eq!(lines(&VERIFY.replace("amount=0", "amount=1")), ["Payment_amount: Must be 0"]);
    assert_eq!(lines(&with("payment_amount", "0")), ["Payment_amount: Must be at least 1"]);
    assert_eq!(lines(&PAYOUT.replace("amount=5", "amount=0")), ["Payment_amount: Must be at least 1"]);
}

// P-033, P-037
#[test]
fn a_card_is_kept_for_a_customer_without_payment_and_amount() {
    let opening = opened(TOKENIZE).unwrap();
    assert_eq!((opening.mode, opening.payment.is_none(), opening.amount), (Mode::CardTokenize, true, None));
    let opening = opened(&format!("{TOKENIZE}&payment_id=a&payment_amount=5&payment_currency=EUR")).unwrap();
    assert_eq!((opening.payment.is_none(), opening.amount), (true, None));
    assert_eq!(lines("project_id=7&mode=card_tokenize"), ["Customer_id: Must be not null"]);
}

// P-034, P-045
#[test]
fn a_payout_needs_its_registration_and_an_address_and_has_no_end_of_its_own() {
    let opening = opened(PAYOUT).unwrap();
    assert_eq!((opening.mode, opening.text("uuid")), (Mode::Payout, Some("Lm3V9/yQ==")));
    let bare = PAYOUT.split("&uuid").next().unwrap();
    assert_eq!(lines(bare), ["Uuid: Must be not null", "Customer_email: Must be not null"]);
    let limited = format!("{PAYOUT}&best_before=2031-04-26T13%3A50%3A37%2B00");
    assert_eq!(lines(&limited), ["Best_before: Must be null in the mode payout"]);
}

// P-066
#[test]
fn a_mode_that_is_none_is_told_and_nothing_is_guessed_from_it() {
    assert_eq!(opened(PURCHASE).unwrap().mode, Mode::Purchase);
    assert_eq!(
        lines("project_id=7&mode=refund"),
        ["Mode: Must be one of purchase, payout, card_verify, card_tokenize"]
    );
}

// P-115
#[test]
fn the_embedded_form_needs_its_place_and_learns_the_customer_later() {
    let embedded = format!(
        "{}&frame_mode=embedded&target_element=pay&merchant_domain=shop.example&force_payment_method=card",
        without("customer_id")
    );
    let opening = opened(&embedded).unwrap();
    assert_eq!((opening.mode, opening.text("customer_id")), (Mode::Purchase, None));
    assert_eq!(opening.display.shown(false), crate::page::Shown::Embedded);
    assert_eq!(
        lines(&format!("{PURCHASE}&frame_mode=embedded")),
        [
            "Target_element: Must be not null",
            "Merchant_domain: Must be not null",
            "Force_payment_method: Must be not null",
        ]
    );
    assert_eq!(lines(&embedded.replace("=card", "=blik")), ["Force_payment_method: Must be card"]);
    assert_eq!(
        lines(&format!("{embedded}&mode=card_tokenize&customer_id=c")),
        ["Frame_mode: Must be null in the mode card_tokenize"]
    );
}

// P-038, P-039, P-040
#[test]
fn numbers_are_digits_and_names_of_payments_any_text() {
    for (name, value, problem) in [
        ("payment_amount", "12.50", Some("Payment_amount: Must be an integer")),
        ("payment_amount", "1 250", Some("Payment_amount: Must be an integer")),
        ("payment_amount", "+5", Some("Payment_amount: Must be an integer")),
        ("payment_amount", "-5", Some("Payment_amount: Must be at least 0")),
        ("payment_amount", "99999999999999999999", Some("Payment_amount: Must be an integer")),
        ("payment_amount", "10000000000001", Some("Payment_amount: Must be at most 10000000000000")),
        ("payment_amount", "10000000000000", None),
        ("payment_id", "ü/ 名 🌍", None),
        ("payment_id", " edge", Some("Payment_id: Invalid payment id")),
        ("payment_currency", "eur", Some("Payment_currency: Invalid payment currency")),
        ("payment_currency", "XXZ", Some("Payment_currency: Invalid payment currency")),
        ("moto_type", "3", Some("Moto_type: Must be one of 1, 2")),
    ] {
        let expected: Vec<&str> = problem.into_iter().collect();
        assert_eq!(lines(&with(name, value)), expected, "{name}={value}");
    }
    let long = "ü".repeat(255);
    assert_eq!(lines(&with("payment_id", &long)), Vec::<String>::new());
    assert_eq!(
        lines(&with("payment_id", &(long + "x"))),
        ["Payment_id: Must be at most 255 characters long"]
    );
}

// P-042, P-285
#[test]
fn each_form_takes_what_is_documented_and_nothing_else() {
    let words = |name: &str| name.replace('_', " ");
    for (name, right, wrong) in [
        ("region_code", vec!["FR"], vec!["fr", "FRA", "F1", "ÄÖ"]),
        ("language_code", vec!["de", "DE", "zh-hant", "ZH-Hant"], vec!["deu", "zh-hans", "d", "de-AT"]),
        (
            "best_before",
            vec!["2024-04-26T13:50:37+00", "2024-04-26T13:50:37-03:30", "2024-02-29T00:00:00+14"],
            vec![
                "2024-04-26",
                "2024-04-26T13:50:37",
                "2024-04-26T13:50:37Z",
                "2024-02-30T13:50:37+00",
                "2024-04-26T13:50:37+0300",
                "2024-04-26T25:50:37+00",
                "2024-04-26T13:50:37+99",
                "2024-04-26T13:50:37+3:00",
            ],
        ),
        (
            "account_token",
            vec!["42ab631449a78914502803aed8a0e5a728d558035d29a56f4dcc136c6bfc3021"],
            vec!["42ab", "zz zz"],
        ),
        ("customer_email", vec!["a@b.example"], vec!["a", "a@b", "a b@c.example", "a@b@c.example"]),
        ("customer_phone", vec!["1234", "004412345678"], vec!["123", "+441234567", "12 34", "١٢٣٤"]),
        (
            "customer_day_of_birth",
            vec!["29-02-2024"],
            vec!["29-02-2023", "2024-02-29", "9-2-2024", "29-02-24"],
        ),
        ("customer_ssn", vec!["0042"], vec!["42", "12345", "abcd"]),
        (
            "card_holder",
            vec!["O'Neil-Żółć Jr.", "José", "नेहा शर्मा"],
            vec!["John 3rd", "A_B", "x\u{203F}y", "a;b"],
        ),
        ("debt_account", vec!["Ab12"], vec!["A b", "Ab123456789", "ü"]),
        ("billing_region_code", vec!["DOR", "52"], vec!["dor", "DORS", "D-R"]),
        ("recipient_wallet_id", vec!["WID16061313"], vec!["a@b", "a|b", "№1"]),
        ("recipient_wallet_owner", vec!["Ada 2. O'Neil"], vec!["a_b", "a;b"]),
        (
            "merchant_success_url",
            vec!["https://shop.example/back?a=1"],
            vec![
                "javascript:alert(1)",
                "/back",
                "ftp://shop.example",
                "https://user@shop.example",
                "https://",
            ],
        ),
        ("redirect_fail_url", vec!["http://shop.example"], vec!["data:text/html,x", "//shop.example"]),
    ] {
        for value in right {
            assert_eq!(lines(&with(name, value)), Vec::<String>::new(), "{name}={value}");
        }
        for value in wrong {
            let shown = format!("{}{}: Invalid {}", name[..1].to_uppercase(), &name[1..], words(name));
            assert_eq!(lines(&with(name, value)), [shown], "{name}={value}");
        }
    }
}

// P-042
#[test]
fn lengths_are_counted_in_characters() {
    for (name, most) in
        [("payment_description", 255), ("customer_zip", 10), ("billing_postal", 16), ("recipient_city", 25)]
    {
        assert_eq!(lines(&with(name, &"ü".repeat(most))), Vec::<String>::new(), "{name}");
        let words =
            format!("{}{}: Must be at most {most} characters long", name[..1].to_uppercase(), &name[1..]);
        assert_eq!(lines(&with(name, &"ü".repeat(most + 1))), [words]);
    }
    assert_eq!(
        lines(&with("customer_first_name", "A")),
        ["Customer_first_name: Must be at least 2 characters long"]
    );
}

// P-036
#[test]
fn whether_the_customer_can_be_reached_is_known_of_every_opening() {
    assert!(!opened(PURCHASE).unwrap().can_reach_customer());
    assert!(opened(&with("customer_email", "a@b.example")).unwrap().can_reach_customer());
    assert!(opened(&with("customer_phone", "12345")).unwrap().can_reach_customer());
}

// P-046
#[test]
fn former_and_unknown_parameters_are_passed_over_whatever_they_hold() {
    for name in
        ["terminal_id", "cash_voucher_data", "recurring_register", "no_such_thing", "paymentDescription"]
    {
        assert_eq!(lines(&with(name, "\u{1}<>&")), Vec::<String>::new(), "{name}");
    }
    let opening = opened(&with("debt_repayment", "Ab12")).unwrap();
    assert_eq!(opening.text("debt_account"), Some("Ab12"));
}
