//! What the pages say.
//!
//! All of them are one template: at the side what is paid, beside it how far the confirmation has come, one sentence,
//! and a form that goes on. The form is sent by a script; its button serves where none runs, and shows up when the
//! script should not have got anywhere.

use super::{browser::FoundOut, trouble::Trouble};
use crate::customer::{bill::Bill, words};
use askama::Template;
use ferropay_domain::payment::Form;
use ferropay_engine::customer_page::{Page, PageStep};

/// A page.
#[derive(Template)]
#[template(path = "three_ds/page.html")]
pub(super) struct View {
    /// What the script does: `look`, `ask`, `leave`, or nothing.
    script: &'static str,
    heading: String,
    lead: String,
    /// What is paid; none when nobody is known to pay anything.
    bill: Option<Bill>,
    /// How many of the three steps are behind the customer; 0 where that is not known.
    past: usize,
    /// What is posted in the hidden frame.
    look: Option<Form>,
    on: Option<On>,
}

/// The form that goes on.
struct On {
    action: String,
    fields: Vec<(String, String)>,
    /// Names of fields a script fills in.
    blanks: &'static [&'static str],
    button: String,
}

impl On {
    fn with_ticket(ticket: &str, blanks: &'static [&'static str], button: &str) -> Self {
        let fields = vec![("ticket".to_owned(), ticket.to_owned())];
        Self { action: "/3ds/continue".to_owned(), fields, blanks, button: button.to_owned() }
    }

    fn elsewhere(form: &Form, button: String) -> Self {
        Self { action: form.url.clone(), fields: form.fields.clone(), blanks: &[], button }
    }
}

impl View {
    /// The page of a step.
    pub(super) fn of(page: &Page) -> Self {
        let shop = &page.merchant;
        let card = words::card(page.network, &page.card);
        let bill = Bill::new(shop, page.is_test, page.amount, &page.description).with_number("Card", card);
        let (script, past, heading, lead, on) = match &page.step {
            PageStep::Device { ticket, .. } => (
                "look",
                1,
                "Checking with your bank".to_owned(),
                "Your bank looks at this browser before it decides whether to ask you anything. This takes a few \
                 seconds."
                    .to_owned(),
                On::with_ticket(ticket, &FoundOut::FIELDS, "Continue"),
            ),
            PageStep::Wait { ticket } => (
                "ask",
                1,
                "Waiting for your bank".to_owned(),
                "Your bank has not answered yet. Keep this page open.".to_owned(),
                On::with_ticket(ticket, &[], "Ask again"),
            ),
            PageStep::Challenge(form) => (
                "leave",
                1,
                "Confirm with your bank".to_owned(),
                "Your bank wants to be sure it is you. Its own page comes next: what you enter there stays between \
                 you and your bank."
                    .to_owned(),
                On::elsewhere(form, "Go to your bank".to_owned()),
            ),
            PageStep::Return(form) => (
                "leave",
                2,
                format!("Back to {shop}"),
                format!("Nothing is left to do here. {shop} shows you the result."),
                On::elsewhere(form, format!("Return to {shop}")),
            ),
            PageStep::Over(form) => (
                "",
                0,
                "Nothing is left to confirm".to_owned(),
                format!(
                    "This confirmation was used already, or its time is over. {shop} can tell you what came of it."
                ),
                On::elsewhere(form, format!("Return to {shop}")),
            ),
        };
        let look = match &page.step {
            PageStep::Device { form, .. } => Some(form.clone()),
            _ => None,
        };
        Self { script, heading, lead, bill: Some(bill), past, look, on: Some(on) }
    }

    /// The page that says why it does not go on.
    pub(super) fn of_trouble(trouble: Trouble) -> Self {
        let (heading, lead, on) = match trouble {
            Trouble::Incomplete => (
                "This page needs a shop’s request",
                "What arrived here is incomplete, and nothing was done with it. Return to the shop and try again.",
                None,
            ),
            Trouble::Over => (
                "Nothing is left to confirm",
                "This confirmation is not known here, was used already, or its time is over. Return to the shop to \
                 see what came of your payment.",
                None,
            ),
            Trouble::Unavailable { path, fields } => (
                "This takes longer than it should",
                "We cannot go on at the moment. Your confirmation is waiting: try again in a few seconds. There is no \
                 need to pay again.",
                Some(On { action: path.to_owned(), fields, blanks: &[], button: "Try again".to_owned() }),
            ),
        };
        let (heading, lead) = (heading.to_owned(), lead.to_owned());
        Self { script: "", heading, lead, bill: None, past: 0, look: None, on }
    }
}

/// The page in the hidden frame once the issuer has reported.
#[derive(Template)]
#[template(path = "three_ds/seen.html")]
pub(super) struct Seen {
    known: bool,
}

/// See [`Seen`].
pub(super) fn seen_page(known: bool) -> Seen {
    Seen { known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_domain::{
        card::Network,
        money::{Currency, Money},
    };

    const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>";

    fn page(step: PageStep) -> Page {
        Page {
            step,
            merchant: HOSTILE.to_owned(),
            is_test: true,
            amount: Some(Money::new(4_990, Currency::parse("EUR").unwrap())),
            description: HOSTILE.to_owned(),
            card: "431422******0056".to_owned(),
            network: Network::Visa,
            return_url: "https://shop.example/".to_owned(),
        }
    }

    fn form() -> Form {
        let url = format!("https://shop.example/?{HOSTILE}");
        Form { url, fields: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())] }
    }

    #[test]
    fn whatever_a_merchant_or_an_issuer_wrote_is_text_on_every_page() {
        let ticket = || HOSTILE.to_owned();
        let steps = [
            PageStep::Device { form: form(), ticket: ticket() },
            PageStep::Wait { ticket: ticket() },
            PageStep::Challenge(form()),
            PageStep::Return(form()),
            PageStep::Over(form()),
        ];
        let mut pages: Vec<String> =
            steps.into_iter().map(|step| View::of(&page(step)).render().unwrap()).collect();
        let fields = vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
        let again = Trouble::Unavailable { path: "/3ds/acs", fields };
        pages.push(View::of_trouble(again).render().unwrap());
        for html in pages {
            assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
            let text = "&#34;&#62;&#60;script&#62;alert(1)";
            assert!(html.contains(text), "it is there, as text: {html}");
        }
    }

    #[test]
    fn a_verification_shows_no_amount() {
        let checked = Page { amount: None, ..page(PageStep::Wait { ticket: String::new() }) };
        let html = View::of(&checked).render().unwrap();
        assert!(html.contains("Nothing to pay") && !html.contains('€'), "{html}");
    }
}
