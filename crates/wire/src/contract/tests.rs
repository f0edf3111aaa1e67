//! Every rule and format on its own, and that no body whatever brings the check down.

use super::*;
use crate::json::{Document, Limits};
use proptest::prelude::*;
use serde_json::json;

/// What a body breaks of a schema, as `field rule`.
fn broken(schema: &Json, body: &Json) -> Vec<String> {
    let contract = Contract::compile(&json!({
        "paths": { "/v2/x": { "request": { "type": "object", "properties": { "x": schema } } } },
        "components": { "schemas": { "Named": { "type": "string", "maxLength": 2 } } },
    }));
    violations(&contract, "/v2/x", &json!({ "x": body }).to_string())
}

fn violations(contract: &Contract, path: &str, body: &str) -> Vec<String> {
    let document = Document::parse(body.as_bytes(), Limits::INCOMING).unwrap();
    let found = contract.request(path, document.root()).unwrap();
    found.iter().map(|violation| format!("{} {}", violation.field, violation.rule.name())).collect()
}

/// Asserts which of the bodies keep the schema; all others break exactly `rule` at `x`.
fn assert_keeps(schema: &Json, right: &[Json], wrong: &[Json], rule: &str) {
    for body in right {
        assert_eq!(broken(schema, body), [""; 0], "{body} keeps {schema}");
    }
    for body in wrong {
        assert_eq!(broken(schema, body), [format!("x {rule}")], "{body} breaks {schema}");
    }
}

// G-001
#[test]
fn the_contract_has_all_107_paths_below_v2() {
    let contract = Contract::gate();
    assert_eq!(contract.paths().count(), 107);
    assert!(contract.paths().all(|path| path.starts_with("/v2/")));
    assert_eq!(contract.path_of("/v2/payment/card/sale"), Some("/v2/payment/card/sale"));
}

// G-001, G-004
#[test]
fn a_step_in_braces_stands_for_any_one_step() {
    let contract = Contract::gate();
    let sale = Some("/v2/payment/banks/{payment_method}/sale");
    assert_eq!(contract.path_of("/v2/payment/banks/any-bank/sale"), sale);
    for wrong in [
        "/v2/payment/banks//sale",
        "/v2/payment/banks/a/b/sale",
        "/v2/payment/banks/a/sale/",
        "/v2/nothing",
        "",
    ] {
        assert_eq!(contract.path_of(wrong), None, "{wrong}");
    }
}

#[test]
fn values_have_the_type_asked_for() {
    let kinds = [
        ("string", json!("a")),
        ("integer", json!(7)),
        ("number", json!(7.5)),
        ("boolean", json!(true)),
        ("object", json!({})),
        ("array", json!([])),
    ];
    for (asked, _) in &kinds {
        for (given, value) in &kinds {
            let fits = asked == given || (*asked == "number" && *given == "integer");
            let found = broken(&json!({ "type": asked }), value);
            assert_eq!(found.is_empty(), fits, "{given} where {asked} is asked for: {found:?}");
        }
    }
    let structural = |schema: Json, body: &str| {
        let contract = Contract::compile(&json!({ "paths": { "/v2/x": { "request": schema } } }));
        let document = Document::parse(body.as_bytes(), Limits::INCOMING).unwrap();
        contract.request("/v2/x", document.root()).unwrap()[0].rule
    };
    let text = json!({ "properties": { "x": { "type": "string" } } });
    assert_eq!(structural(text.clone(), r#"{"x":{}}"#), Rule::Type { structural: true });
    assert_eq!(structural(text.clone(), r#"{"x":[]}"#), Rule::Type { structural: true });
    assert_eq!(structural(text, r#"{"x":1}"#), Rule::Type { structural: false });
    let list = json!({ "properties": { "x": { "type": "array" } } });
    assert_eq!(structural(list, r#"{"x":1}"#), Rule::Type { structural: true });
}

#[test]
fn lengths_of_texts_are_counted_in_characters() {
    let schema = json!({ "type": "string", "minLength": 2, "maxLength": 3 });
    assert_keeps(
        &schema,
        &[json!("ab"), json!("äöü"), json!("書書書")],
        &[json!(""), json!("ü")],
        "minLength",
    );
    assert_keeps(&schema, &[], &[json!("abcd"), json!("書書書書")], "maxLength");
}

// D-50
#[test]
fn a_limit_written_as_text_counts_and_a_length_of_a_number_does_not() {
    assert_keeps(
        &json!({ "type": "string", "maxLength": "2" }),
        &[json!("ab")],
        &[json!("abc")],
        "maxLength",
    );
    assert_keeps(&json!({ "type": "integer", "maxLength": 1 }), &[json!(1234)], &[], "");
}

#[test]
fn numbers_have_limits_and_steps() {
    let schema = json!({ "type": "integer", "minimum": 1, "maximum": 10 });
    assert_keeps(&schema, &[json!(1), json!(10)], &[json!(0), json!(-1)], "minimum");
    assert_keeps(&schema, &[], &[json!(11), json!(u64::MAX)], "maximum");
    let step = json!({ "type": "number", "multipleOf": 0.01 });
    assert_keeps(&step, &[json!(0.25), json!(3), json!(-0.01)], &[json!(0.005), json!(1e-9)], "multipleOf");
    let fine = json!({ "type": "number", "multipleOf": 1e-6 });
    assert_keeps(&fine, &[json!(0.000_001), json!(1.5)], &[json!(0.000_000_5)], "multipleOf");
}

// G-064: the literal counts, so that 1.0 and 1e2 are no integers
#[test]
fn integers_have_neither_fraction_nor_exponent_whatever_their_value() {
    let contract = Contract::compile(&json!({
        "paths": { "/v2/x": { "request": { "properties": { "x": { "type": "integer" } } } } }
    }));
    for (literal, right) in
        [("1", true), ("-5", true), ("0", true), ("1.0", false), ("1e2", false), ("1E2", false)]
    {
        let found = violations(&contract, "/v2/x", &format!("{{\"x\":{literal}}}"));
        assert_eq!(found.is_empty(), right, "{literal}: {found:?}");
    }
    let long = format!("{{\"x\":{}}}", "9".repeat(400));
    assert_eq!(violations(&contract, "/v2/x", &long), ["x maximum"]);
    let long = format!("{{\"x\":-{}}}", "9".repeat(400));
    assert_eq!(violations(&contract, "/v2/x", &long), ["x minimum"]);
}

#[test]
fn patterns_mean_ascii_digits_and_the_whole_text() {
    let date = json!({ "type": "string", "pattern": r"^\d{2}-\d{2}-\d{4}$" });
    let wrong = [json!("1-12-2026"), json!("01-12-2026\n"), json!("٠١-12-2026"), json!(" 01-12-2026")];
    assert_keeps(&date, &[json!("01-12-2026")], &wrong, "pattern");
    let holder = json!({ "type": "string", "pattern": r"^[a-zA-Z0-9\s\-.']+$" });
    let wrong = [json!("Zoë"), json!("A_B"), json!(""), json!("A\u{a0}B")];
    assert_keeps(&holder, &[json!("Mary-Ann O'Neil Jr."), json!("7 Dwarfs")], &wrong, "pattern");
}

#[test]
fn an_enumeration_takes_what_it_lists() {
    let texts = json!({ "type": "string", "enum": ["A", "B"] });
    assert_keeps(&texts, &[json!("A"), json!("B")], &[json!("a"), json!("AB")], "enum");
    let numbers = json!({ "type": "integer", "enum": [0, 1, 2] });
    assert_keeps(&numbers, &[json!(0), json!(2)], &[json!(3), json!(-1)], "enum");
}

// G-069, G-070
#[test]
fn formats_are_checked() {
    let format = |name: &str| json!({ "type": "string", "format": name });
    assert_keeps(
        &format("email"),
        &[json!("ada@example.com"), json!("a.b+c@mail.example.co.uk"), json!("ü@bücher.example")],
        &[
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "ada@.com",
            "a b@example.com",
            "a@b@c.com",
            "a@-b.com",
        ]
        .map(Json::from),
        "pattern",
    );
    assert_keeps(
        &format("ip-address"),
        &[json!("198.51.100.7"), json!("2001:db8::7"), json!("::ffff:198.51.100.7")],
        &["198.51.100", "198.51.100.256", "2001:db8", "", "198.51.100.7 ", "example.com"].map(Json::from),
        "pattern",
    );
    assert_keeps(
        &format("pan"),
        &[json!("4000000000000077")],
        &["4000000000000078", "4000 0000 0000 0077", "", "０"].map(Json::from),
        "pattern",
    );
    for name in ["date-time", "dateTime"] {
        let right = [
            "2026-12-01T10:00:00+01:00",
            "2026-12-01T10:00Z",
            "2026-12-01 10:00:00.5",
            "2028-02-29T23:59:59Z",
        ];
        let wrong = [
            "tomorrow",
            "2026-12-01",
            "2026-13-01T10:00:00Z",
            "2026-02-29T10:00Z",
            "2026-12-01T24:30Z",
            "2026-12-01T10:00:00 CET",
        ];
        assert_keeps(&format(name), &right.map(Json::from), &wrong.map(Json::from), "pattern");
    }
    let wrong = ["2026-02-29", "01-12-2026", "2026-12-1", "2026-12-01T00:00", ""].map(Json::from);
    assert_keeps(&format("date"), &[json!("2026-12-01")], &wrong, "pattern");
    let wrong = ["gbr", "GB", "GBRT", "GB1", "ÄÖÜ"].map(Json::from);
    assert_keeps(&format("[A-Z][A-Z][A-Z]"), &[json!("GBR")], &wrong, "pattern");
}

#[test]
fn lists_have_sizes_and_may_forbid_repetition() {
    let sized = json!({ "type": "array", "minItems": 1, "maxItems": 2 });
    assert_keeps(&sized, &[json!([1]), json!([1, 1])], &[json!([])], "minLength");
    assert_keeps(&sized, &[], &[json!([1, 2, 3])], "maxLength");
    let unique = json!({ "type": "array", "uniqueItems": true });
    let twice = json!([{ "a": 1, "b": [2] }, { "a": 1, "b": [2] }]);
    assert_keeps(&unique, &[json!([]), json!([1, 2, "1"])], &[json!([1, 2, 1]), twice], "uniqueItems");
    let items = json!({ "type": "array", "items": { "type": "object", "required": ["a"] } });
    assert_eq!(broken(&items, &json!([{ "a": 1 }, {}])), ["x.1.a required"]);
}

#[test]
fn objects_name_what_is_missing_and_what_they_do_not_know() {
    let schema = json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "type": "integer" }, "b": { "$ref": "#/components/schemas/Named" } },
    });
    assert_eq!(broken(&schema, &json!({ "a": 1, "b": "bb" })), [""; 0]);
    assert_eq!(broken(&schema, &json!({ "a": null })), ["x.a required"]);
    assert_eq!(broken(&schema, &json!({ "a": 1, "b": null })), [""; 0], "null is an absent member");
    assert_eq!(broken(&schema, &json!({ "a": 1, "b": "bbb" })), ["x.b maxLength"]);
    assert_eq!(broken(&schema, &json!({ "a": 1, "c": 2 })), ["x.c additionalProperties"]);
}

#[test]
fn parts_add_up_and_alternatives_need_one_that_fits() {
    let all = json!({ "allOf": [
        { "type": "object", "required": ["a"], "properties": { "a": { "type": "string", "maxLength": 3 } } },
        { "type": "object", "required": ["b"], "properties": { "a": { "type": "string", "minLength": 2 } } },
    ] });
    assert_eq!(broken(&all, &json!({})), ["x.a required", "x.b required"]);
    assert_eq!(broken(&all, &json!({ "a": "a", "b": 1 })), ["x.a minLength"]);
    assert_eq!(broken(&all, &json!({ "a": "aaaa", "b": 1 })), ["x.a maxLength"]);
    for keyword in ["anyOf", "oneOf"] {
        let schema = json!({ keyword: [{ "type": "string" }, { "type": "integer", "minimum": 5 }] });
        assert_keeps(&schema, &[json!("a"), json!(5)], &[json!(4), json!([])], "anyOf");
    }
    let overlapping =
        [json!({ "type": "integer", "minimum": 5 }), json!({ "type": "integer", "maximum": 7 })];
    assert_keeps(&json!({ "anyOf": overlapping }), &[json!(4), json!(6), json!(8)], &[], "");
    assert_keeps(&json!({ "oneOf": overlapping }), &[json!(4), json!(8)], &[json!(6)], "anyOf");
}

#[test]
fn of_alternative_objects_the_nearest_says_what_is_wrong() {
    let schema = json!({ "oneOf": [
        { "required": ["a", "b"], "properties": { "a": { "type": "string" }, "b": { "type": "string" } } },
        { "required": ["c"], "properties": { "c": { "type": "object", "required": ["d"], "properties": {} } } },
    ] });
    assert_eq!(broken(&schema, &json!({ "a": "a", "b": "b" })), [""; 0]);
    assert_eq!(broken(&schema, &json!({ "c": {} })), ["x.c.d required"]);
    assert_eq!(broken(&schema, &json!({ "a": 1, "b": "b" })), ["x.a type"]);
    assert_eq!(broken(&schema, &json!({})), ["x.c required"]);
    assert_eq!(broken(&schema, &json!("text")), ["x anyOf"]);
}

// G-204, D-16
#[test]
fn an_authentication_result_has_exactly_one_of_cres_and_pares() {
    let check = |members: Json| {
        let mut body =
            json!({ "general": { "project_id": 1001, "payment_id": "order-1", "signature": "x" } });
        members.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        violations(Contract::gate(), "/v2/payment/card/3ds_result", &body.to_string())
    };
    assert_eq!(check(json!({ "cres": "x", "md": "y" })), [""; 0]);
    assert_eq!(check(json!({ "pares": "x", "md": "y" })), [""; 0]);
    assert_eq!(check(json!({})), ["cres required"]);
    assert_eq!(check(json!({ "cres": "x", "pares": "y" })), ["pares anyOf"]);
    assert_eq!(
        check(json!({ "cres": "x", "general": { "project_id": 1001, "signature": "x" } })),
        ["general.payment_id required"]
    );
}

#[test]
fn a_body_that_breaks_everything_is_reported_up_to_twenty_times() {
    let items = json!({ "type": "array", "items": { "type": "integer" } });
    assert_eq!(broken(&items, &json!(vec!["a"; 500])).len(), 20);
}

/// A card sale with everything that is demanded.
fn sale() -> Json {
    json!({
        "general": { "project_id": 1001, "payment_id": "order-1", "signature": "x" },
        "card": { "pan": "4000000000000077", "year": 2028, "month": 3, "card_holder": "Ada Byron", "cvv": "321" },
        "customer": {
            "id": "reader-7", "ip_address": "198.51.100.7", "email": "ada@example.com", "phone": "442079460000",
            "screen_res": "1280x720", "billing": { "country": "GB", "postal": "N1" },
        },
        "payment": { "amount": 100, "currency": "EUR", "description": "Two books" },
        "callback": { "delay": 5, "force_disable": false },
        "booking_info": { "bookers": [{ "first_name": "Ada" }], "start_date": "01-12-2026" },
    })
}

const SALE: &str = "/v2/payment/card/sale";

// G-151
#[test]
fn a_full_sale_keeps_the_contract() {
    assert_eq!(violations(Contract::gate(), SALE, &sale().to_string()), [""; 0]);
}

/// Any JSON, with names that occur in the contract so that checks go deep.
fn anything() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "-?[0-9]{1,3}(\\.[0-9]{1,8})?".prop_map(|text| text.parse::<f64>().map_or(Json::Null, Json::from)),
        "[ -~äß書]{0,40}".prop_map(Json::from),
        "[0-9]{2}-[0-9]{2}-[0-9]{4}".prop_map(Json::from),
    ];
    let name = prop_oneof![
        proptest::sample::select(vec![
            "general",
            "payment",
            "customer",
            "card",
            "amount",
            "currency",
            "billing",
            "booking_info",
            "bookers",
            "items",
            "receipt_data",
            "positions",
            "addendum",
            "lodging",
            "airlines",
            "trip_legs",
            "recipient",
            "interface_type",
            "id",
            "recurring",
            "schedule",
            "account",
            "shipping",
            "pan",
            "description",
            "cres",
        ]),
        Just("x"),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_brings_the_check_down(body in anything()) {
        let text = json!({ "general": body, "payment": body, "customer": body, "card": body, "addendum": body }).to_string();
        if let Ok(document) = Document::parse(text.as_bytes(), Limits::INCOMING) {
            for path in Contract::gate().paths() {
                let found = Contract::gate().request(path, document.root()).unwrap();
                prop_assert!(found.len() <= 20);
            }
        }
    }

    #[test]
    fn a_changed_member_is_blamed_itself_or_nothing_is(place in 0_usize..17, value in anything()) {
        let pointers = [
            "/general/project_id", "/general/payment_id", "/card/pan", "/card/year", "/card/month", "/card/card_holder",
            "/card/cvv", "/customer/id", "/customer/ip_address", "/customer/email", "/customer/phone",
            "/customer/billing/country", "/payment/amount", "/payment/currency", "/callback/delay",
            "/booking_info/bookers", "/booking_info/start_date",
        ];
        let mut body = sale();
        *body.pointer_mut(pointers[place]).unwrap() = value;
        let member = pointers[place].trim_start_matches('/').replace('/', ".");
        for found in violations(Contract::gate(), SALE, &body.to_string()) {
            prop_assert!(found.starts_with(&member), "{found} for a change of {member}");
        }
    }

    #[test]
    fn amounts_are_taken_between_one_and_ten_billion_units_and_not_beyond(amount in any::<i64>()) {
        let mut body = sale();
        body["payment"]["amount"] = amount.into();
        let accepted = violations(Contract::gate(), SALE, &body.to_string()).is_empty();
        prop_assert_eq!(accepted, (1..=10_000_000_000_000).contains(&amount));
    }
}
