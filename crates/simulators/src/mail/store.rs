//! The mails that were taken, and what is to go wrong next.

use super::Config;
use mail_parser::MessageParser;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, sync::Arc};

/// A mail that was taken.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// Counts from 1.
    pub number: u64,
    /// When, seconds since the Unix epoch.
    pub at: i64,
    /// Whom the client said it is from.
    pub envelope_from: String,
    /// To whom it was to be delivered.
    pub envelope_to: Vec<String>,
    /// `From`, with the name.
    pub from: String,
    /// `Reply-To`.
    pub reply_to: String,
    /// `Subject`.
    pub subject: String,
    /// `Message-ID`, without brackets.
    pub message_id: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// As it came.
    #[serde(skip)]
    pub source: String,
}

/// What can go wrong with a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The server is busy (421) and ends the conversation.
    Busy,
    /// There is no such recipient (550).
    UnknownRecipient,
    /// The mail is taken, and the connection breaks before that is said.
    AnswerLost,
    /// The mail is not taken this time (451).
    TryLater,
}

/// What the server keeps.
pub(super) struct Mails {
    pub(super) config: Config,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    last: u64,
    mails: VecDeque<Arc<Received>>,
    fault: Option<(Fault, u32)>,
}

impl Mails {
    pub(super) fn new(config: Config) -> Self {
        Self { config, kept: Mutex::default() }
    }

    pub(super) fn all(&self) -> Vec<Arc<Received>> {
        self.kept.lock().mails.iter().rev().cloned().collect()
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<Received>> {
        self.kept.lock().mails.iter().find(|mail| mail.number == number).cloned()
    }

    pub(super) fn reset(&self) {
        let mut kept = self.kept.lock();
        let last = kept.last;
        *kept = Kept { last, ..Kept::default() };
    }

    pub(super) fn fail(&self, fault: Fault, times: u32) {
        self.kept.lock().fault = (times > 0).then_some((fault, times));
    }

    /// What goes wrong with the mail that begins now.
    pub(super) fn next_fault(&self) -> Option<Fault> {
        let mut kept = self.kept.lock();
        let (fault, times) = kept.fault?;
        kept.fault = (times > 1).then_some((fault, times - 1));
        Some(fault)
    }

    pub(super) fn take(&self, envelope_from: String, envelope_to: Vec<String>, source: &[u8]) -> u64 {
        let parsed = MessageParser::default().parse(source);
        let address = |found: Option<&mail_parser::Address<'_>>| {
            let first = found.and_then(mail_parser::Address::first);
            let name = first.and_then(|it| it.name()).unwrap_or_default();
            let address = first.and_then(|it| it.address()).unwrap_or_default();
            if name.is_empty() { address.to_owned() } else { format!("{name} <{address}>") }
        };
        let mut kept = self.kept.lock();
        kept.last += 1;
        let mail = Received {
            number: kept.last,
            at: (self.config.clock)(),
            envelope_from,
            envelope_to,
            from: address(parsed.as_ref().and_then(mail_parser::Message::from)),
            reply_to: address(parsed.as_ref().and_then(mail_parser::Message::reply_to)),
            subject: parsed.as_ref().and_then(|it| it.subject()).unwrap_or_default().to_owned(),
            message_id: parsed.as_ref().and_then(|it| it.message_id()).unwrap_or_default().to_owned(),
            text: parsed.as_ref().and_then(|it| it.body_text(0)).unwrap_or_default().into_owned(),
            html: parsed.as_ref().and_then(|it| it.body_html(0)).unwrap_or_default().into_owned(),
            source: String::from_utf8_lossy(source).into_owned(),
        };
        let number = mail.number;
        kept.mails.push_back(Arc::new(mail));
        while kept.mails.len() > self.config.most_mails {
            kept.mails.pop_front();
        }
        number
    }
}
