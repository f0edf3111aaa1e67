//! Parameters that hold JSON, in every form they are sent in.

use super::*;
use base64::{Engine as _, engine::general_purpose::STANDARD};

const BOOKING: &str = r#"{"start_date":"12-08-2026","end_date":"14-08-2026","total":200000,"pax":2,
    "bookers":[{"first_name":"Ada","last_name":"Byron","email":"ada@engine.example"}],"items":[{"description":"Room ~~?"}]}"#;

fn booking(text: &str) -> Option<String> {
    opened(&with("booking_info", text)).ok()?.document("booking_info").map(str::to_owned)
}

// P-047
#[test]
fn base64_is_read_with_any_padding_and_with_blanks_within() {
    let expected = Some(BOOKING.replace("\n    ", ""));
    for size in 0..3 {
        // The length decides how much padding is right.
        let text = STANDARD.encode(format!("{BOOKING}{}", " ".repeat(size)));
        let bare = text.trim_end_matches('=');
        for padding in ["", "=", "==", "==="] {
            assert_eq!(booking(&format!("{bare}{padding}")), expected, "{size} {padding}");
        }
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|it| std::str::from_utf8(it).unwrap()).collect();
        assert_eq!(booking(&lines.join("\r\n")), expected);
        assert_eq!(booking(&lines.join(" ")), expected);
    }
    let text = STANDARD.encode(r#"{"description":"~~>~~?>>>>"}"#);
    assert!(text.contains('+'));
    assert_eq!(booking(&text.replace('+', " ")).as_deref(), Some(r#"{"description":"~~>~~?>>>>"}"#));
}

// P-048
#[test]
fn the_objects_around_encoded_data_may_be_there_or_not() {
    for (name, inner, forms) in [
        ("booking_info", r#"{"id":"83"}"#, vec!["booking_info"]),
        ("receipt_data", r#"{"common_tax":18}"#, vec!["receipt_data"]),
        ("customer_account_info", r#"{"address_match":"Y"}"#, vec!["customer"]),
        ("customer_shipping", r#"{"type":"01"}"#, vec!["customer", "shipping"]),
        ("customer_mpi_result", r#"{"authentication_flow":"01"}"#, vec!["customer", "mpi_result"]),
        ("payment_merchant_risk", r#"{"reorder":"01"}"#, vec!["payment"]),
    ] {
        let wrap = |json: String, name: &&str| format!("{{\"{name}\":{json}}}");
        let whole = forms.iter().rev().fold(inner.to_owned(), wrap);
        let named = wrap(whole.clone(), &name);
        let last = wrap(inner.to_owned(), forms.last().unwrap());
        for form in [inner.to_owned(), whole, named, last] {
            let opening = opened(&with(name, &STANDARD.encode(&form))).unwrap();
            assert_eq!(opening.document(name), Some(inner), "{form}");
        }
    }
}

// P-042, P-047
#[test]
fn what_is_wrong_within_encoded_data_is_named_with_its_place() {
    let told = |name: &str, json: &str| lines(&with(name, &STANDARD.encode(json)));
    assert_eq!(
        told(
            "receipt_data",
            r#"{"positions":[{"amount":1},{"quantity":2},{"amount":"x","tax":-1}],"common_tax":"y"}"#
        ),
        [
            "Receipt_data.positions.1.amount: Must be not null",
            "Receipt_data.positions.2.amount: Must be an integer",
            "Receipt_data.positions.2.tax: Must be at least 0",
            "Receipt_data.common_tax: Must be a number",
        ]
    );
    let many = format!(r#"{{"positions":[{}{{"amount":1}}]}}"#, r#"{"amount":1},"#.repeat(300));
    assert_eq!(told("receipt_data", &many), ["Receipt_data.positions: Must have at most 300 items"]);
    assert_eq!(
        told("booking_info", r#"{"start_date":"31-02-2026","items":[{"end_date":"1-1-2026"}],"bookers":{}}"#),
        [
            "Booking_info.bookers: Must be a list",
            "Booking_info.items.0.end_date: Invalid end date",
            "Booking_info.start_date: Invalid start date",
        ]
    );
    assert_eq!(
        told(
            "customer_account_info",
            r#"{"customer":{"account":{"age_indicator":"06","auth_time":"12-08-202625:00"}}}"#
        ),
        [
            "Customer_account_info.account.age_indicator: Invalid age indicator",
            "Customer_account_info.account.auth_time: Invalid auth time",
        ]
    );
    for wrong in ["x", "====", "bm8ganNvbg==", "WzFd", "{}"] {
        assert_eq!(
            lines(&with("booking_info", wrong)),
            ["Booking_info: Must be a JSON object in Base64"],
            "{wrong}"
        );
    }
}

// P-049, P-174, P-175, P-176, P-177
#[test]
fn the_terms_of_a_series_are_read_in_all_their_forms() {
    let plain = r#"{"register":true,"type":"R","period":"M","interval":2,"time":"10:00:00","amount":400,"start_date":"10-08-2027","scheduled_payment_id":"s-1","expiry_day":"5","expiry_month":11,"expiry_year":2031}"#;
    let expected = opened(&with("recurring", plain)).unwrap().series.unwrap();
    assert_eq!(expected.amount, Some(400));
    assert_eq!(expected.plan.map(|plan| plan.interval), ferropay_domain::series::Interval::try_from(2).ok());
    assert_eq!(
        (expected.expiry.day, expected.expiry.month, expected.expiry.year),
        (Some(5), Some(11), Some(2031))
    );
    let last_comma = plain.replace("2031}", "2031,\n }");
    for form in [
        plain.replace("true", "\"true\""),
        plain.replace("true", "1"),
        plain.replace("400", "\"400\""),
        escaped(plain),
        escaped(&escaped(plain)),
        last_comma.clone(),
        escaped(&last_comma),
    ] {
        assert_eq!(opened(&with("recurring", &form)).unwrap().series.as_ref(), Some(&expected), "{form}");
    }
    let brackets = format!("{PURCHASE}&recurring[register]=1&recurring[type]=C&recurring[amount]=5");
    let series = opened(&brackets).unwrap().series.unwrap();
    assert_eq!((series.kind, series.amount), (ferropay_domain::series::SeriesKind::OneClick, Some(5)));
    let timeless =
        opened(&with("recurring", r#"{"register":true,"type":"R","time":"10:00:00","interval":2}"#));
    assert_eq!(timeless.unwrap().series.unwrap().plan, None);
    for none in [r#"{"register":false,"type":"C"}"#, "{}", r#"{"register":"0"}"#] {
        assert_eq!(opened(&with("recurring", none)).unwrap().series, None, "{none}");
    }
}

// P-049, P-176, P-177, P-178
#[test]
fn terms_of_a_series_that_cannot_be_are_told() {
    for (terms, problem) in [
        (r#"{"register":true,"type":"X"}"#, "Recurring.type: Must be one of R, C, U"),
        (
            r#"{"register":true,"type":"R","start_date":"10-08-2027","scheduled_payment_id":"s"}"#,
            "Recurring.period: Must be not null",
        ),
        (r#"{"register":true,"period":"D","interval":101}"#, "Recurring.interval: Must be at most 100"),
        (r#"{"register":true,"period":"D","time":"24:00:00"}"#, "Recurring.time: Invalid time"),
        (r#"{"register":true,"expiry_month":"05"}"#, "Recurring.expiry_month: Invalid expiry month"),
        (r#"{"register":true,"expiry_day":32}"#, "Recurring.expiry_day: Must be at most 31"),
        (r#"{"register":"maybe"}"#, "Recurring.register: Must be 0 or 1"),
        (
            r#"{"register":true,"type":"R","period":"M","start_date":"10-08-2027","scheduled_payment_id":"ORDER-1"}"#,
            "Recurring.scheduled_payment_id: Must differ from payment_id",
        ),
        ("[]", "Recurring: Must be a JSON object"),
        (r#"{,"a":1}"#, "Recurring: Must be a JSON object"),
        ("%2525257B", "Recurring: Must be a JSON object"),
    ] {
        assert_eq!(lines(&with("recurring", terms)), [problem], "{terms}");
    }
}

// P-050, P-303
#[test]
fn the_merchants_own_data_are_kept_as_they_are() {
    for text in [r#"{"a":"b"}"#, r#"{\"a\":\"b\"}"#, "<b>&amp;</b>", "a;b:c", "%41"] {
        let opening = opened(&with("merchant_data", text)).unwrap();
        assert_eq!(opening.text("merchant_data"), Some(text));
    }
}

// P-051, P-144, P-145
#[test]
fn options_of_methods_are_read_under_both_names() {
    let options = r#"{"online_romanian_banks":{"banks_id":[55941]},"submethod_code":"paylater"}"#;
    for name in ["payment_methods_options", "payment_methods_option"] {
        let opening = opened(&with(name, options)).unwrap();
        assert_eq!(opening.methods.options.as_deref(), Some(options), "{name}");
    }
    assert_eq!(
        lines(&with(
            "payment_methods_option",
            r#"{"x":{"banks_id":5,"split_banks":"perhaps"},"submethod_code":"later"}"#
        )),
        [
            "Payment_methods_options.submethod_code: Must be one of paylater",
            "Payment_methods_options.x.banks_id: Must be a list",
            "Payment_methods_options.x.split_banks: Must be 0 or 1",
        ]
    );
}
