//! The page of a payment link: at the side what is paid, beside it how the link stands.

use crate::customer::{address, bill::Bill};
use askama::Template;
use ferropay_domain::{payment::Form, payment::LinkState, time::Timestamp};
use ferropay_engine::links::LinkPage;

/// The page.
#[derive(Template)]
#[template(path = "links/page.html")]
pub(super) struct View {
    heading: String,
    lead: String,
    /// What is paid; none when the link is not known.
    bill: Option<Bill>,
    /// What brings the customer to the issuer.
    confirm: Option<Form>,
    /// Where the customer goes from here.
    back: Option<String>,
}

impl View {
    /// The page of a link that is known.
    pub(super) fn of(link: &LinkPage) -> Self {
        let shop = &link.merchant;
        let until = minute(link.best_before);
        let urls = &link.return_urls;
        let (heading, lead, back) = match link.state {
            LinkState::Open => (
                format!("{shop} asks you to pay"),
                format!("This link is valid until {until}. You are charged only when you pay."),
                urls.back.as_ref(),
            ),
            LinkState::Again => (
                "The payment was declined".to_owned(),
                "Nothing was charged. You can try again, with this card or another one.".to_owned(),
                urls.decline.as_ref().or(urls.back.as_ref()),
            ),
            LinkState::Underway if link.confirm.is_some() => (
                "Confirm with your bank".to_owned(),
                "Your bank wants to be sure it is you. Go on to its page; you come back here afterwards."
                    .to_owned(),
                None,
            ),
            LinkState::Underway => (
                "Your payment is under way".to_owned(),
                "Nothing is left to do here at the moment. Open this page again to see the result."
                    .to_owned(),
                None,
            ),
            LinkState::Paid => (
                "Paid".to_owned(),
                format!("Your payment to {shop} is done. This link cannot be used again."),
                urls.success.as_ref().or(urls.back.as_ref()),
            ),
            LinkState::Declined => (
                "The payment was declined".to_owned(),
                format!("Nothing was charged. Ask {shop} for a new link if you still want to pay."),
                urls.decline.as_ref().or(urls.back.as_ref()),
            ),
            LinkState::Canceled => (
                "This payment was withdrawn".to_owned(),
                format!("{shop} has withdrawn it. There is nothing to pay, and nothing was charged."),
                urls.back.as_ref(),
            ),
            LinkState::Expired => (
                "This link has expired".to_owned(),
                format!("It was valid until {until}. Ask {shop} for a new one if you still want to pay."),
                urls.back.as_ref(),
            ),
        };
        let bill = Bill::new(shop, link.is_test, Some(link.amount), &link.description)
            .with("Payment", link.payment_id.clone());
        let bill = match link.state {
            LinkState::Open => bill.with_number("Valid until", until),
            _ => bill,
        };
        let back = back.filter(|url| address::is_page(url)).cloned();
        Self { heading, lead, bill: Some(bill), confirm: link.confirm.clone(), back }
    }

    /// No link has this address.
    pub(super) fn unknown() -> Self {
        Self::alone(
            "This link is not known",
            "Its address may have been cut off on the way. Open it again from the message you had it from, as a whole.",
        )
    }

    /// The platform cannot tell at the moment.
    pub(super) fn unavailable() -> Self {
        Self::alone(
            "This takes longer than it should",
            "We cannot show this payment at the moment. Load the page again in a few seconds.",
        )
    }

    fn alone(heading: &str, lead: &str) -> Self {
        let (heading, lead) = (heading.to_owned(), lead.to_owned());
        Self { heading, lead, bill: None, confirm: None, back: None }
    }
}

/// `1 December 2026, 10:00 UTC`.
fn minute(at: Timestamp) -> String {
    at.civil().map_or_else(String::new, |time| time.strftime("%-d %B %Y, %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_domain::{
        money::{Currency, Money},
        payment::ReturnUrls,
    };

    const HOSTILE: &str = "\"><script>alert(1)</script>";

    // P-009: whatever a merchant wrote is text, and nobody is sent to what is no web address
    #[test]
    fn what_a_merchant_wrote_is_text_on_the_page_of_every_state() {
        let states = [
            (LinkState::Open, "asks you to pay"),
            (LinkState::Again, "try again"),
            (LinkState::Underway, "under way"),
            (LinkState::Paid, "Paid"),
            (LinkState::Declined, "declined"),
            (LinkState::Canceled, "withdrawn"),
            (LinkState::Expired, "expired"),
        ];
        for (state, said) in states {
            let link = LinkPage {
                state,
                merchant: HOSTILE.to_owned(),
                is_test: true,
                amount: Money::new(4_990, Currency::parse("EUR").unwrap()),
                description: HOSTILE.to_owned(),
                payment_id: HOSTILE.to_owned(),
                best_before: Timestamp::from_seconds(1_573_656_734),
                language: None,
                method: None,
                return_urls: ReturnUrls {
                    back: Some("javascript:alert(3)".to_owned()),
                    ..ReturnUrls::default()
                },
                confirm: None,
            };
            let html = View::of(&link).render().unwrap();
            assert!(!html.contains("<script>alert") && !html.contains("javascript:"), "{html}");
            assert!(html.contains("€49.90") && html.contains(said), "{html}");
        }
    }
}
