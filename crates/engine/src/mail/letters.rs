//! What the mails say (G-445): from the payment, in the customer's language where it is spoken, with the merchant's own
//! sender, colour and wording.

use super::Mail;
use crate::projects::KnownProject;
use askama::Template;
use ferropay_domain::{
    change::Letter,
    payment::{LinkState, OperationStatus},
    project::{Environment, MailSettings, MailText},
    time::Timestamp,
};
use ferropay_store::Standing;
use fluent_templates::{LanguageIdentifier, Loader as _, fluent_bundle::FluentValue};
use std::{borrow::Cow, collections::HashMap};

fluent_templates::static_loader! {
    static TEXTS = {
        locales: "./locales",
        fallback_language: "en",
        // Marks around what is filled in would show up in plain text.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// Colour of headline and button where the project has none.
const COLOUR: &str = "#12456E";

/// The language where nothing else is known.
const ENGLISH: &str = "en";

struct Button {
    text: String,
    url: String,
    fallback: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    language: &'a str,
    subject: &'a str,
    merchant: &'a str,
    is_test: bool,
    colour: &'a str,
    headline: &'a str,
    lead: &'a str,
    code: Option<&'a str>,
    facts: &'a [(String, String)],
    button: Option<&'a Button>,
    closing: Option<&'a str>,
    foot: &'a str,
    by: &'a str,
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct Text<'a> {
    headline: &'a str,
    lead: &'a str,
    code: Option<&'a str>,
    facts: &'a [(String, String)],
    button: Option<&'a Button>,
    closing: Option<&'a str>,
    foot: &'a str,
    by: &'a str,
}

/// The texts of one language, with what is filled in.
struct Words {
    language: LanguageIdentifier,
    fills: HashMap<Cow<'static, str>, FluentValue<'static>>,
}

impl Words {
    fn say(&self, id: &str) -> String {
        TEXTS.lookup_with_args(&self.language, id, &self.fills)
    }
}

/// The mail of a task; none when there is no reason for it any more, or no address.
pub(super) fn write(
    project: &KnownProject,
    standing: &Standing,
    letter: Letter,
    code: Option<&str>,
    now: Timestamp,
) -> Option<Mail> {
    let (payment, operation) = (&standing.payment, &standing.operation);
    let detail = &payment.detail;
    let to = detail.customer.email.clone().filter(|address| !address.is_empty())?;
    let link = detail.link.as_deref();
    let is_due = match letter {
        Letter::Link => {
            operation.status == OperationStatus::AwaitingPayment
                && link.is_some_and(|link| LinkState::of(payment, link, now) == LinkState::Open)
        }
        Letter::LinkCanceled => operation.status == OperationStatus::InvoiceCanceled,
        Letter::PayoutCode => {
            operation.status == OperationStatus::AwaitingPayoutCompletion
                && detail.registration.as_ref().is_some_and(|it| now < it.expires)
        }
    };
    if !is_due {
        return None;
    }
    let settings = &project.project.settings.mail;
    let language = language(link.and_then(|link| link.language.as_deref()), settings);
    let amount = operation.amount.to_string();
    let merchant = one_line(&project.name);
    let fills = [("amount", amount.clone()), ("merchant", merchant.clone())];
    let words = Words {
        language: language.parse().unwrap_or_default(),
        fills: fills.into_iter().map(|(name, value)| (Cow::Borrowed(name), value.into())).collect(),
    };
    let prefix = match letter {
        Letter::Link => "link",
        Letter::LinkCanceled => "canceled",
        Letter::PayoutCode => "code",
    };
    let own = own_text(settings, letter, language);
    let say = |part: &str| words.say(&format!("{prefix}-{part}"));
    let or_own = |text: Option<&String>, part| text.cloned().unwrap_or_else(|| say(part));
    let subject = one_line(&or_own(own.and_then(|it| it.subject.as_ref()), "subject"));
    let lead = or_own(own.and_then(|it| it.lead.as_ref()), "lead");
    let closing = own.and_then(|it| it.closing.as_deref());
    let until = match letter {
        Letter::Link => link.map(|link| link.best_before),
        Letter::LinkCanceled => None,
        Letter::PayoutCode => detail.registration.as_ref().map(|it| it.expires),
    };
    let facts = facts(&words, payment.id.as_str(), &amount, &detail.description, until);
    let button = link.filter(|_| letter == Letter::Link).map(|link| Button {
        text: words.say("pay"),
        url: link.url.clone(),
        fallback: words.say("fallback"),
    });
    let (headline, foot, by) = (say("headline"), say("foot"), words.say("by"));
    let text = Text {
        headline: &headline,
        lead: &lead,
        code: code.filter(|_| letter == Letter::PayoutCode),
        facts: &facts,
        button: button.as_ref(),
        closing,
        foot: &foot,
        by: &by,
    };
    let html = Html {
        language,
        subject: &subject,
        merchant: &merchant,
        is_test: project.project.environment == Environment::Test,
        colour: colour(settings),
        headline: text.headline,
        lead: text.lead,
        code: text.code,
        facts: text.facts,
        button: text.button,
        closing,
        foot: text.foot,
        by: text.by,
    };
    Some(Mail {
        message_id: format!("<{prefix}.{}@ferropay>", operation.id),
        from: (settings.sender_name.as_deref().map_or(merchant.clone(), one_line), settings.sender.clone()),
        reply_to: settings.reply_to.clone(),
        to,
        text: text.render().ok()?,
        html: html.render().ok()?,
        subject,
    })
}

/// What is paid, and until when.
fn facts(
    words: &Words,
    payment: &str,
    amount: &str,
    description: &str,
    until: Option<Timestamp>,
) -> Vec<(String, String)> {
    let until = until
        .and_then(Timestamp::civil)
        .map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string());
    let listed = [
        ("payment", Some(one_line(payment))),
        ("amount", Some(amount.to_owned())),
        ("description", Some(one_line(description)).filter(|text| !text.is_empty())),
        ("valid-until", until),
    ];
    listed.into_iter().filter_map(|(name, value)| Some((words.say(name), value?))).collect()
}

/// The customer's language where the platform speaks it, the project's, or English (G-434). Merchants write `de`, `DE`,
/// `de-AT`, `de_AT`.
fn language<'a>(asked: Option<&str>, settings: &'a MailSettings) -> &'a str {
    let spoken = |wanted: &str| {
        let base = wanted.split(['-', '_', ',', ';']).next().unwrap_or_default().trim().to_ascii_lowercase();
        TEXTS.locales().map(|known| known.language.as_str()).find(|known| *known == base)
    };
    // What a project wrote in its own words counts as spoken.
    let worded = |wanted: &str| {
        settings.link_texts.keys().map(String::as_str).find(|known| known.eq_ignore_ascii_case(wanted.trim()))
    };
    let known = |wanted: &str| worded(wanted).filter(|it| spoken(it).is_some()).or_else(|| spoken(wanted));
    asked.and_then(known).or_else(|| settings.language.as_deref().and_then(known)).unwrap_or(ENGLISH)
}

fn own_text<'a>(settings: &'a MailSettings, letter: Letter, language: &str) -> Option<&'a MailText> {
    let base = language.split(['-', '_']).next().unwrap_or(language);
    let named = |name: &str| {
        settings.link_texts.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| text)
    };
    if letter == Letter::Link { named(language).or_else(|| named(base)) } else { None }
}

fn colour(settings: &MailSettings) -> &str {
    let is_colour = |text: &&str| {
        text.strip_prefix('#')
            .is_some_and(|it| it.len() == 6 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    settings.colour.as_deref().filter(is_colour).unwrap_or(COLOUR)
}

/// Text that may stand in a header or a line: what would break it becomes a blank.
fn one_line(text: &str) -> String {
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.trim().to_owned()
}
