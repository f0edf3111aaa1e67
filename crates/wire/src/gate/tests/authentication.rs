//! 3-D Secure in requests: the merchant's pages, data for the directory server, results the merchant brings.

use super::*;
use ferropay_domain::{decide::SuppliedAuthentication, payment::TransStatus};

const SALE: OperationKind = OperationKind::Sale;

// G-196, G-199
#[test]
fn the_pages_of_the_merchant_are_taken_over() {
    let pages = |addresses: Json| {
        let mut body = sale();
        body["acs_return_url"] = addresses;
        card(SALE, &body).map(|read| (read.three_ds.return_url, read.three_ds.notification_url))
    };
    let (back, seen) = ("https://shop.example/back?a=1", "http://[::1]:8080/seen");
    assert_eq!(
        pages(json!({ "return_url": back, "3ds_notification_url": seen })).unwrap(),
        (Some(back.into()), Some(seen.into()))
    );
    assert_eq!(pages(json!({ "return_url": back })).unwrap(), (Some(back.into()), None));
    assert_eq!(pages(json!({ "return_url": "", "3ds_notification_url": null })).unwrap(), (None, None));
    assert_eq!(pages(Json::Null).unwrap(), (None, None));
    for wrong in [
        "javascript:alert(1)",
        "//shop.example",
        "https://",
        "https:///x",
        "https://shop.example/a b",
        "https://shop.example/\n",
        "data:text/html,x",
        "https://user:pw@shop.example/",
        "https://bank.example@shop.example/",
        "https://shop.example\\@bank.example/",
        "https://shop.example:99999/",
    ] {
        for key in ["return_url", "3ds_notification_url"] {
            let at = (400, 502, format!("acs_return_url.{key}"));
            assert_eq!(told(pages(json!({ key: wrong }))), at, "{wrong}");
        }
    }
}

// G-153: a request is refused where a page would have to refuse its customer later
#[test]
fn where_the_customer_returns_to_after_the_payment_is_looked_at() {
    let returns = |addresses: Json| {
        let mut body = sale();
        body["return_url"] = addresses;
        card(SALE, &body).map(|_| ())
    };
    let app = format!("shop-app://paid/{}", "x".repeat(2_030));
    for good in ["https://shop.example/paid?a=1", "shop-app://paid", "", &app] {
        assert_eq!(returns(json!({ "success": good, "decline": good, "return": good })), Ok(()), "{good}");
    }
    assert_eq!(returns(Json::Null), Ok(()));
    let long = format!("{app}xxx");
    for wrong in
        ["https://user:pw@shop.example/", "HTTPS://a@shop.example", "http:shop.example", "https://a b", &long]
    {
        for key in ["success", "decline", "return"] {
            let at = (400, 502, format!("return_url.{key}"));
            assert_eq!(told(returns(json!({ key: wrong }))), at, "{wrong}");
        }
    }
}

// G-192: needs an agreement, which the decision looks for
#[test]
fn a_device_channel_other_than_the_browser_is_always_told() {
    for (given, told) in [(json!("01"), true), (json!("03"), true), (json!("02"), false), (Json::Null, false)]
    {
        let mut body = sale();
        body["payment"]["device_channel"] = given.clone();
        let data = card(SALE, &body).unwrap().three_ds.data;
        let channel = data.get("payment.device_channel").map(String::as_str);
        assert_eq!(channel, given.as_str().filter(|_| told), "{given}");
        assert_eq!(data.len(), usize::from(told), "and nothing else is collected");
    }
}

/// A body with a value at each of `paths`.
fn body_with(paths: &[&str]) -> Json {
    let mut body = json!({});
    for path in paths {
        let mut place = &mut body;
        for step in path.split('.') {
            place = &mut place[step];
        }
        *place = format!("value of {path}").into();
    }
    body
}

// G-152, G-191, G-193
#[test]
fn the_directory_server_is_told_of_browser_addresses_account_and_preferences() {
    let known = [
        "customer.ip_address",
        "customer.browser",
        "customer.accept_header",
        "customer.screen_res",
        "customer.timezone_offset",
        "customer.email",
        "customer.work_phone",
        "customer.billing.region_code",
        "customer.shipping.delivery_email",
        "customer.account.auth_time",
        "customer.account.pass_change_indicator",
        "customer.mpi_result.acs_operation_id",
    ];
    let of_purchases = [
        "payment.challenge_indicator",
        "payment.challenge_window",
        "payment.device_channel",
        "payment.preorder_date",
        "payment.gift_card.count",
    ];
    let others =
        ["customer.ssn", "customer.first_name", "card.pan", "card.cvv", "payment.amount", "merchant.data"];
    let body = body_with(&[&known[..], &of_purchases, &others].concat());
    let paths = |kind| with(&body, |body| three_ds_data(kind, body)).into_keys().collect::<Vec<_>>();
    let sorted = |mut paths: Vec<&str>| {
        paths.sort_unstable();
        paths.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(paths(SALE), sorted([&known[..], &of_purchases].concat()));
    assert_eq!(paths(OperationKind::AccountVerification), sorted(known.to_vec()), "G-005");
    let flags = json!({ "customer": { "java_enabled": true, "color_depth": 24, "language": null, "billing": "Bath" } });
    let told = with(&flags, |body| three_ds_data(SALE, body));
    let expected = [("customer.color_depth", "24"), ("customer.java_enabled", "true")];
    assert!(told.iter().map(|(path, value)| (path.as_str(), value.as_str())).eq(expected), "{told:?}");
}

// G-193
#[test]
fn nothing_that_the_contract_has_for_3d_secure_is_forgotten() {
    let contract = include_str!("../../../../../catalogue/gate-contract.json");
    let contract: Json = serde_json::from_str(contract).unwrap();
    let schema = |name: &str| contract["components"]["schemas"][name]["properties"].as_object().unwrap();
    let customer = schema("CustomerInfoBase");
    let mut paths = Vec::new();
    for (path, member) in [
        ("customer.account", &customer["account"]),
        ("customer.shipping", &customer["shipping"]),
        ("customer.mpi_result", &customer["mpi_result"]),
        ("payment.gift_card", &schema("PaymentInfo")["gift_card"]),
    ] {
        let name = member["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        paths.extend(schema(name).keys().map(|name| format!("{path}.{name}")));
    }
    assert!(paths.len() > 30, "{paths:?}");
    let borrowed: Vec<&str> = paths.iter().map(String::as_str).collect();
    let told = with(&body_with(&borrowed), |body| three_ds_data(SALE, body));
    let forgotten: Vec<_> = paths.iter().filter(|path| !told.contains_key(*path)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

const VALUE: &str = "AAECAwQFBgcICQoLDA0ODxAREhM=";

fn own() -> Json {
    json!({
        "xid": VALUE, "cavv": VALUE, "eci": "05", "threeds_version": "3ds_2", "enrollement_status": "Y",
        "authentication_status": "Y", "authentication_flow": "Challenge", "threeds_full_version": "2.2.0",
        "authentication_status_reason_code": "15", "ds_operation_id": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
    })
}

fn supplied(data: &Json) -> Result<Option<SuppliedAuthentication>, Refusal> {
    let mut body = sale();
    body["authentication_data"] = data.clone();
    card(SALE, &body).map(|read| read.three_ds.supplied)
}

// G-207, G-208, G-209
#[test]
fn the_result_of_the_merchants_own_authentication_is_read_whole() {
    let read = supplied(&own()).unwrap().unwrap();
    assert_eq!(read.result.status, TransStatus::Y);
    assert_eq!((read.result.eci.as_deref(), read.result.value.as_deref()), (Some("05"), Some(VALUE)));
    assert_eq!((read.result.reason.as_deref(), read.xid.as_str()), (Some("15"), VALUE));
    assert_eq!(read.ds_transaction.as_deref(), Some("8a880dc0-d2d2-4067-bcb1-b08d1690b26e"));
    assert_eq!(read.version, "2.2.0");
    assert_eq!(supplied(&Json::Null).unwrap(), None);
}

// G-209, D-17
#[test]
fn the_protocol_is_told_by_version_or_by_identifier() {
    for (version, identifier, expected) in [
        (json!("3ds_1"), Json::Null, "1"),
        (json!("3ds_2"), json!("id"), "2"),
        (json!("non_3ds"), Json::Null, ""),
        (Json::Null, json!("id"), "2"),
        (Json::Null, Json::Null, "1"),
    ] {
        let mut data = own();
        data["threeds_full_version"] = Json::Null;
        data["threeds_version"] = version.clone();
        data["ds_operation_id"] = identifier.clone();
        assert_eq!(supplied(&data).unwrap().unwrap().version, expected, "{version} {identifier}");
    }
}

// G-208, G-210
#[test]
fn members_that_the_result_makes_necessary_are_named_when_missing() {
    let lacking = |key: &str, change: &[(&str, Json)]| {
        let mut data = own();
        data[key] = Json::Null;
        for (key, value) in change {
            data[*key] = value.clone();
        }
        supplied(&data).map(|_| ())
    };
    let attempted = ("authentication_status", json!("A"));
    let failed = ("authentication_status", json!("U"));
    let named = |key: &str| (400, 2004, format!("authentication_data.{key}"));
    for key in ["xid", "cavv", "eci", "ds_operation_id", "authentication_status"] {
        assert_eq!(told(lacking(key, &[])), named(key));
    }
    for key in ["cavv", "eci"] {
        assert_eq!(told(lacking(key, std::slice::from_ref(&attempted))), named(key));
        assert!(lacking(key, std::slice::from_ref(&failed)).is_ok(), "{key} of nothing proven");
    }
    for version in [json!("3ds_1"), json!("non_3ds"), Json::Null] {
        assert!(lacking("ds_operation_id", &[("threeds_version", version)]).is_ok());
    }
    for enrolment in ["N", "U"] {
        let change = [("enrollement_status", json!(enrolment))];
        assert!(lacking("authentication_status", &change).is_ok(), "{enrolment}");
    }
    let mut data = own();
    data["enrollement_status"] = json!("N");
    data["authentication_status"] = Json::Null;
    assert_eq!(supplied(&data).unwrap().unwrap().result.status, TransStatus::U);
}

// G-208
#[test]
fn values_that_are_not_base64_of_twenty_bytes_are_refused() {
    for key in ["xid", "cavv"] {
        for wrong in ["AAEC", "not base64!", "AAECAwQFBgcICQoLDA0ODxAREhMU", "AAECAwQFBgcICQoLDA0ODxAREhM"] {
            let mut data = own();
            data[key] = wrong.into();
            let at = (400, 502, format!("authentication_data.{key}"));
            assert_eq!(told(supplied(&data)), at, "{wrong}");
        }
    }
}

// G-210
#[test]
fn a_project_without_the_capability_has_its_own_authentication_ignored() {
    let mut body = sale();
    for data in [own(), json!({ "xid": "whatever" })] {
        body["authentication_data"] = data;
        let read = with(&body, |body| CardPayment::read((SALE, ""), body, false)).unwrap();
        assert_eq!(read.three_ds.supplied, None);
    }
}
