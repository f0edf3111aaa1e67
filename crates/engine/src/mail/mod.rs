//! Mails to customers: payment links, their withdrawal, codes of payouts, and results where a project wishes that.
//!
//! A mail is a task like any other: recorded with the decision it follows from, tried until a mail server takes it or
//! refuses it for good, and made anew each time from what stands in the store. A server that may have taken a mail without
//! saying so gets it again under the same Message-ID, by which mailboxes tell that it is the same one.

mod letters;
mod results;
mod series;
mod smtp;

pub use smtp::{BadMailServer, SmtpMailer, is_address};

use crate::{
    engine::Engine, failure::Failure, projects::KnownProject, provider_work::Cards, registry::InHand,
};
use ferropay_domain::{
    change::{ChangeSet, Letter, TaskKey},
    decide,
    ids::OperationId,
};
use ferropay_store::Standing;
use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// How often a mail is tried before it is given up; with the pauses between tries that is about a day. A link that is over
/// ends its mail earlier.
const MOST_TRIES: u32 = 300;

/// Characters of a code that nobody takes for another one.
const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// How many characters a code has (G-332).
const CODE_LENGTH: usize = 6;

/// A mail, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Names this mail for good, with angle brackets.
    pub message_id: String,
    /// Name and address of the sender; without an address the mail server's own is taken.
    pub from: (String, Option<String>),
    /// Where answers go.
    pub reply_to: Option<String>,
    /// The customer's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

impl fmt::Debug for Mail {
    /// Without what it says: that is for the customer alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// A mail server has taken it.
    Taken,
    /// It is refused, and would be again: no such address, or none at all.
    Refused(String),
    /// It was not taken, or nobody knows; it is to be tried again.
    Later(String),
}

/// Sends mails.
pub trait Mailer: Send + Sync + 'static {
    /// Hands a mail to a mail server. The same mail may come again.
    fn post<'a>(&'a self, mail: &'a Mail) -> Pin<Box<dyn Future<Output = Posted> + Send + 'a>>;
}

impl Engine {
    /// Sends mails by `mailer` from now on; without one they wait.
    pub fn mail_with(&self, mailer: Arc<dyn Mailer>) {
        *self.mailer.write() = Some(mailer);
    }

    /// Whether mails can be sent at all.
    pub(crate) fn can_mail(&self) -> bool {
        self.mailer.read().is_some()
    }

    /// The code by which the recipient of a payout confirms it. It follows from the platform's keys, so it is kept nowhere.
    pub(crate) fn payout_code(&self, operation: OperationId, uuid: &str) -> String {
        let digest = self.vault.fingerprint(&[
            b"payout code",
            operation.get().to_be_bytes().as_slice(),
            uuid.as_bytes(),
        ]);
        let letter = |byte: &u8| CODE_LETTERS.get(usize::from(byte % 32)).map(|letter| char::from(*letter));
        digest.iter().take(CODE_LENGTH).filter_map(letter).collect()
    }

    /// Sends the mail of a task, if there is still reason to.
    pub(crate) async fn mail(
        self: Arc<Self>,
        mut project: Arc<KnownProject>,
        mut standing: Standing,
        (letter, tries): (Letter, u32),
        in_hand: InHand,
    ) {
        let operation = standing.operation.id.get();
        let posted = self.post(&project, &standing, letter).await;
        let recorded = self.record_mail(&mut project, &mut standing, letter, tries, posted.as_ref()).await;
        report(&(letter, operation), tries, posted.as_ref(), recorded);
        drop(in_hand);
    }

    /// What becomes of the mail; none when there is no reason for it any more.
    async fn post(&self, project: &KnownProject, standing: &Standing, letter: Letter) -> Option<Posted> {
        let now = self.moment(project).business;
        let uuid = standing.payment.detail.registration.as_deref().map(|it| it.uuid.as_str());
        let code = uuid.map(|uuid| self.payout_code(standing.operation.id, uuid));
        let mail = letters::write(project, standing, letter, code.as_deref(), now)?;
        Some(self.hand_over(&mail).await)
    }

    /// Hands a mail to the mail server.
    async fn hand_over(&self, mail: &Mail) -> Posted {
        let Some(mailer) = self.mailer.read().clone() else {
            return Posted::Later("no mail server is configured".to_owned());
        };
        mailer.post(mail).await
    }

    async fn record_mail(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        standing: &mut Standing,
        letter: Letter,
        tries: u32,
        posted: Option<&Posted>,
    ) -> Result<(), Failure> {
        let key = TaskKey::Mail(standing.operation.id, letter);
        let pause = self.pause_after(tries);
        let again = matches!(posted, Some(Posted::Later(_))) && tries < MOST_TRIES;
        let link_went = posted == Some(&Posted::Taken) && letter == Letter::Link;
        self.settle(project, standing, &Cards::default(), |project, standing, ids, now| {
            let situation = (&standing.payment, &standing.operation);
            Ok(Some(match (again, link_went) {
                (true, _) => {
                    decide::put_off(&standing.payment, key, now.real.plus(pause), tries.saturating_add(1))
                }
                (false, true) => decide::link_mailed(project, situation, ids, now)?,
                (false, false) => ChangeSet { done: vec![key], ..ChangeSet::default() },
            }))
        })
        .await?;
        Ok(())
    }
}

/// Tells whoever reads the log what became of a mail.
fn report(mail: &impl fmt::Debug, tries: u32, posted: Option<&Posted>, recorded: Result<(), Failure>) {
    match posted {
        Some(Posted::Refused(why)) => {
            tracing::error!(?mail, why, "a mail to a customer is refused and is not sent");
        }
        Some(Posted::Later(why)) if tries >= MOST_TRIES => {
            tracing::error!(?mail, why, "a mail to a customer could not be sent and is given up");
        }
        Some(Posted::Later(why)) => {
            tracing::warn!(?mail, tries, why, "a mail to a customer is tried again later");
        }
        Some(Posted::Taken) | None => {}
    }
    match recorded {
        Ok(()) | Err(Failure::Fenced) => {}
        Err(error) => tracing::error!(?mail, %error, "what became of a mail could not be recorded"),
    }
}
