//! What the mails say (G-445): from the payment, in the customer's language where it is spoken, with the merchant's own
//! sender, colour and wording.

use super::{Mail, results};
use crate::projects::KnownProject;
use askama::Template;
use ferropay_domain::{
    change::Letter,
    payment::{LinkState, OperationStatus, Payment},
    project::{Environment, MailSettings, MailText},
    time::Timestamp,
};
use ferropay_store::Standing;
use ferropay_wire::mask::{masked_text, may_hold_card_data};
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

/// What one mail says; the rest is the same for all.
pub(super) struct Draft<'a> {
    /// Which texts it is made of.
    pub(super) prefix: &'static str,
    /// What tells it from all other mails of these texts.
    pub(super) number: String,
    /// The customer's address.
    pub(super) to: String,
    /// The customer's language, as the merchant wrote it.
    pub(super) language: Option<&'a str>,
    /// What the texts call the amount.
    pub(super) amount: String,
    /// What is listed below them, by the names of its labels.
    pub(super) facts: Vec<(&'static str, String)>,
    /// A code to be typed.
    pub(super) code: Option<&'a str>,
    /// Where the button leads.
    pub(super) link: Option<&'a str>,
}

/// The mail of a task; none when there is no reason for it any more, or no address.
pub(super) fn write(
    project: &KnownProject,
    standing: &Standing,
    letter: Letter,
    code: Option<&str>,
    now: Timestamp,
) -> Option<Mail> {
    if letter == Letter::Result {
        return results::write(project, standing);
    }
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
        Letter::Result => false,
    };
    if !is_due {
        return None;
    }
    let (prefix, until) = match letter {
        Letter::Link => ("link", link.map(|link| link.best_before)),
        Letter::LinkCanceled | Letter::Result => ("canceled", None),
        Letter::PayoutCode => ("code", detail.registration.as_ref().map(|it| it.expires)),
    };
    let mut facts = about(payment, operation.amount.to_string());
    facts.extend(until.and_then(moment).map(|until| ("valid-until", until)));
    let draft = Draft {
        prefix,
        number: operation.id.to_string(),
        to,
        language: link.and_then(|link| link.language.as_deref()),
        amount: operation.amount.to_string(),
        facts,
        code: code.filter(|_| letter == Letter::PayoutCode),
        link: link.filter(|_| letter == Letter::Link).map(|link| link.url.as_str()),
    };
    compose(project, draft)
}

/// A mail from what it says.
pub(super) fn compose(project: &KnownProject, draft: Draft<'_>) -> Option<Mail> {
    let Draft { prefix, number, to, language, amount, facts, code, link } = draft;
    let settings = &project.project.settings.mail;
    let language = spoken(language, settings);
    let merchant = one_line(&project.name);
    let fills = [("amount", amount), ("merchant", merchant.clone())];
    let words = Words {
        language: language.parse().unwrap_or_default(),
        fills: fills.into_iter().map(|(name, value)| (Cow::Borrowed(name), value.into())).collect(),
    };
    let own = link.and_then(|_| own_text(settings, language));
    let say = |part: &str| words.say(&format!("{prefix}-{part}"));
    let or_own = |text: Option<&String>, part| text.cloned().unwrap_or_else(|| say(part));
    let subject = one_line(&or_own(own.and_then(|it| it.subject.as_ref()), "subject"));
    let lead = or_own(own.and_then(|it| it.lead.as_ref()), "lead");
    let closing = own.and_then(|it| it.closing.as_deref());
    let facts: Vec<_> = facts.into_iter().map(|(name, value)| (words.say(name), value)).collect();
    let button = link.map(|url| Button {
        text: words.say("pay"),
        url: url.to_owned(),
        fallback: words.say("fallback"),
    });
    let (headline, foot, by) = (say("headline"), say("foot"), words.say("by"));
    let text = Text {
        headline: &headline,
        lead: &lead,
        code,
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
        message_id: format!("<{prefix}.{number}@ferropay>"),
        from: (settings.sender_name.as_deref().map_or(merchant.clone(), one_line), settings.sender.clone()),
        reply_to: settings.reply_to.clone(),
        to,
        text: text.render().ok()?,
        html: html.render().ok()?,
        subject,
    })
}

/// What every mail about a payment lists.
pub(super) fn about(payment: &Payment, amount: String) -> Vec<(&'static str, String)> {
    let description = shown(&payment.detail.description);
    let listed = [("payment", shown(payment.id.as_str())), ("amount", amount), ("description", description)];
    listed.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// A moment as it is written in mails.
pub(super) fn moment(at: Timestamp) -> Option<String> {
    let moment = at.civil()?.to_zoned(jiff::tz::TimeZone::UTC);
    Some(moment.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// The customer's language where the platform speaks it, the project's, or English (G-434). Merchants write `de`, `DE`,
/// `de-AT`, `de_AT`.
fn spoken<'a>(asked: Option<&str>, settings: &'a MailSettings) -> &'a str {
    let translated = |wanted: &str| {
        let base = wanted.split(['-', '_', ',', ';']).next().unwrap_or_default().trim().to_ascii_lowercase();
        TEXTS.locales().map(|known| known.language.as_str()).find(|known| *known == base)
    };
    // What a project wrote in its own words counts as spoken.
    let worded = |wanted: &str| {
        settings.link_texts.keys().map(String::as_str).find(|known| known.eq_ignore_ascii_case(wanted.trim()))
    };
    let known =
        |wanted: &str| worded(wanted).filter(|it| translated(it).is_some()).or_else(|| translated(wanted));
    asked.and_then(known).or_else(|| settings.language.as_deref().and_then(known)).unwrap_or(ENGLISH)
}

/// A merchant's own words about a payment link.
fn own_text<'a>(settings: &'a MailSettings, language: &str) -> Option<&'a MailText> {
    let base = language.split(['-', '_']).next().unwrap_or(language);
    let named = |name: &str| {
        settings.link_texts.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| text)
    };
    named(language).or_else(|| named(base))
}

fn colour(settings: &MailSettings) -> &str {
    let is_colour = |text: &&str| {
        text.strip_prefix('#')
            .is_some_and(|it| it.len() == 6 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    settings.colour.as_deref().filter(is_colour).unwrap_or(COLOUR)
}

/// What a merchant wrote, in one line; what looks like a card's number is masked.
pub(super) fn shown(text: &str) -> String {
    if may_hold_card_data(text) { one_line(&masked_text(text)) } else { one_line(text) }
}

/// Text that may stand in a header or a line: what would break it, or turn what follows around, becomes a blank.
pub(super) fn one_line(text: &str) -> String {
    let shown: String = text.chars().map(|c| if leaves_line(c) { ' ' } else { c }).collect();
    shown.trim().to_owned()
}

/// Control characters, separators of lines and paragraphs, and what embeds, overrides or isolates a direction of writing.
fn leaves_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    fn ids(language: &Path) -> BTreeSet<String> {
        let texts =
            fs::read_dir(language).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let lines: Vec<String> =
            texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        lines.iter().filter_map(|line| line.split_once(" = ")).map(|(id, _)| id.to_owned()).collect()
    }

    #[test]
    fn nothing_that_stands_in_a_line_leaves_it_or_turns_it_around() {
        let separators = "a\r\n\u{85}b\u{2028}c\u{2029}d";
        assert_eq!(super::one_line(separators), "a   b c d");
        for c in ['\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert_eq!(super::one_line(&format!("paid {c}evil")), "paid  evil");
        }
        let right_to_left = "\u{5d0}\u{200f}\u{5d1} caf\u{e9}";
        assert_eq!(super::one_line(right_to_left), right_to_left);
    }

    // G-068, G-268
    #[test]
    fn every_text_of_a_mail_is_there_in_every_language() {
        let locales = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales");
        let english = ids(&locales.join("en"));
        assert!(english.len() > 50 && english.contains("paid-subject"));
        for language in fs::read_dir(&locales).unwrap().map(|it| it.unwrap().path()) {
            assert_eq!(ids(&language), english, "{}", language.display());
        }
    }
}
