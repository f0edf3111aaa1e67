//! What comes out of an opening.

use super::*;
use crate::page::{Display, MailOrder, Offer, Offered, Shown, Target, WayBack};
use ferropay_domain::time::Timestamp;

// P-236
#[test]
fn the_end_of_a_session_is_a_moment_wherever_the_merchant_is() {
    let end = |text: &str| opened(&with("best_before", text)).unwrap().best_before;
    let expected = Some(Timestamp::from_seconds(1_618_211_730));
    for text in ["2021-04-12T10:15:30+03", "2021-04-12T07:15:30+00:00", "2021-04-12T03:45:30-03:30"] {
        assert_eq!(end(text), expected, "{text}");
    }
    // The `+` of a query that nobody encoded.
    let query = format!("{PURCHASE}&best_before=2021-04-12T10:15:30+03");
    assert_eq!(opened(&query).unwrap().best_before, expected);
}

// P-011, P-012, P-013, P-014
#[test]
fn a_page_is_shown_before_a_frame_and_a_frame_before_a_window() {
    let shown = |redirect, redirect_on_mobile, target: Option<&str>, is_mobile| {
        let target_element = target.map(str::to_owned);
        Display { redirect, redirect_on_mobile, target_element, ..Display::default() }.shown(is_mobile)
    };
    assert_eq!(shown(false, false, None, false), Shown::Modal);
    assert_eq!(shown(false, false, Some("pay"), true), Shown::Frame);
    assert_eq!(shown(true, false, Some("pay"), false), Shown::Page);
    assert_eq!(shown(false, true, Some("pay"), true), Shown::Page);
    assert_eq!(shown(false, true, Some("pay"), false), Shown::Frame);
    assert_eq!(shown(false, true, None, false), Shown::Modal);
}

// P-015, P-016, P-017
#[test]
fn flags_of_the_display_are_numbers_or_words() {
    for (yes, no) in [("1", "0"), ("true", "false"), ("True", "FALSE")] {
        let query = format!(
            "{PURCHASE}&redirect={yes}&redirect_on_mobile={no}&close_on_missclick={yes}&force_acs_new_window={yes}\
             &css_modal_wrap=shop-modal&target_element=pay"
        );
        let display = opened(&query).unwrap().display;
        let expected = Display {
            redirect: true,
            closes_on_click: true,
            other_pages_apart: true,
            modal_class: Some("shop-modal".to_owned()),
            target_element: Some("pay".to_owned()),
            ..Display::default()
        };
        assert_eq!(display, expected);
    }
    assert_eq!(opened(PURCHASE).unwrap().display, Display::default());
    assert_eq!(lines(&with("redirect", "2")), ["Redirect: Must be 0 or 1"]);
    assert_eq!(lines(&with("close_on_missclick", "yes")), ["Close_on_missclick: Must be 0 or 1"]);
}

// P-138, P-140, P-141, P-142, P-143
#[test]
fn a_token_goes_before_a_method_and_a_method_before_a_group() {
    let offered = |more: &str| opened(&format!("{PURCHASE}{more}")).unwrap().methods.offered;
    let token = "a".repeat(64);
    let method = |code: &str, network: Option<&str>| Offered::Method {
        code: code.to_owned(),
        network: network.map(str::to_owned),
    };
    assert_eq!(offered(""), Offered::Any);
    assert_eq!(offered("&force_payment_group=openbanking"), Offered::Group("openbanking".to_owned()));
    assert_eq!(offered("&force_payment_group=openbanking&force_payment_method=blik"), method("blik", None));
    let all = format!("&force_payment_group=openbanking&force_payment_method=blik&account_token={token}");
    assert_eq!(offered(&all), Offered::Token(token));
    let network = "&force_payment_method_subtype=visa";
    assert_eq!(offered(&format!("&force_payment_method=card{network}")), method("card", Some("visa")));
    assert_eq!(offered(&format!("&force_payment_method=blik{network}")), method("blik", None));
    assert_eq!(offered(network), Offered::Any);
}

// P-052, P-146
#[test]
fn methods_are_hidden_by_their_codes_with_spaces_or_without() {
    let methods = opened(&with("hide", "card, google_pay_host ,,blik,")).unwrap().methods;
    assert_eq!(methods.hidden, ["card", "google_pay_host", "blik"]);
    assert!(methods.hides("card") && methods.hides("google-pay-host") && !methods.hides("cards"));
}

// P-279, P-280, P-283
#[test]
fn a_way_back_is_offered_where_the_merchant_says() {
    let returns = opened(&format!(
        "{PURCHASE}&merchant_success_url=https%3A%2F%2Fshop.example%2Fok&merchant_success_enabled=1\
         &merchant_success_redirect_mode=iframe&merchant_fail_url=https%3A%2F%2Fshop.example%2Fno\
         &merchant_return_enabled=2&redirect_fail_url=https%3A%2F%2Fshop.example%2Fgone&redirect_fail_mode=blank_page\
         &redirect_success_mode=iframe"
    ))
    .unwrap()
    .returns;
    let (own, default) = (Some("https://shop.example/ok"), Some("https://shop.example"));
    assert_eq!((returns.success.offer, returns.success.target), (Some(Offer::OwnTab), Some(Target::Frame)));
    assert_eq!(returns.success.offered(default, true), own);
    assert_eq!(returns.success.offered(default, false), None);
    // An address alone is offered everywhere; a number alone leads to the project's own.
    assert_eq!(returns.fail.offered(None, false), Some("https://shop.example/no"));
    assert_eq!(returns.preliminary.offered(default, false), default);
    assert_eq!(returns.preliminary.offered(None, false), None);
    assert_eq!(WayBack::default().offered(default, true), None);
    let never = WayBack { offer: Some(Offer::Never), ..returns.success };
    assert_eq!(never.offered(default, true), None);
    let leaving = returns.fail_leaving.unwrap();
    assert_eq!(
        (leaving.url.as_str(), leaving.target),
        ("https://shop.example/gone", Some(Target::BlankPage))
    );
    assert_eq!(returns.success_leaving, None);
    assert_eq!(lines(&with("merchant_fail_enabled", "3")), ["Merchant_fail_enabled: Must be one of 0, 1, 2"]);
    assert_eq!(
        lines(&with("redirect_tokenize_mode", "blank_page")),
        ["Redirect_tokenize_mode: Must be one of iframe, parent_page"]
    );
}

// P-280, P-281
#[test]
fn an_address_opens_where_it_is_said_and_else_in_the_page_that_shows_the_form() {
    assert_eq!(Target::resolved(Some(Target::Frame), false), Target::Frame);
    assert_eq!(Target::resolved(Some(Target::Frame), true), Target::ParentPage);
    assert_eq!(Target::resolved(Some(Target::BlankPage), true), Target::BlankPage);
    assert_eq!(Target::resolved(None, true), Target::ParentPage);
    assert_eq!(Target::resolved(None, false), Target::ParentPage);
}

// P-094
#[test]
fn orders_by_mail_and_telephone_are_told_apart_where_they_can_be() {
    let order = |query: &str| opened(query).unwrap().mail_order;
    assert_eq!(order(PURCHASE), None);
    assert_eq!(order(&with("moto_type", "1")), Some(MailOrder::Mail));
    assert_eq!(order(&with("moto_type", "2")), Some(MailOrder::Telephone));
    assert_eq!(order("project_id=7&customer_id=c&mode=card_tokenize&moto_type=2"), None);
}

// P-053
#[test]
fn the_language_is_the_same_in_capitals() {
    assert_eq!(opened(&with("language_code", "ZH-Hant")).unwrap().language.as_deref(), Some("zh-hant"));
    assert_eq!(opened(PURCHASE).unwrap().language, None);
}

// P-001
#[test]
fn a_query_and_a_posted_form_are_the_same_opening() {
    let query = signed(&with("payment_description", "Two words & more"));
    let form = query.replace("%20", "+");
    assert_ne!(query, form);
    let open = |text: &str| {
        let received = Received::from_form(text.as_bytes()).unwrap();
        let opening = received.verify(&secrets()).unwrap().open().unwrap();
        (opening.amount, opening.text("payment_description").map(str::to_owned))
    };
    assert_eq!(open(&query), open(&form));
}
