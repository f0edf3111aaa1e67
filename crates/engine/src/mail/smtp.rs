//! Sending mails by SMTP.

use super::{Mail, Mailer, Posted};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, header::HeaderName, header::HeaderValue},
    transport::smtp,
};
use std::{future::Future, pin::Pin, time::Duration};
use tokio::sync::Semaphore;

/// How long a mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections to the mail server at a time: relays allow few, and one that does not answer keeps all it is given.
const CONNECTIONS: usize = 8;

/// Answers of a server that are about this platform and not about the mail: it does not know who we are.
const ABOUT_US: [u16; 4] = [530, 534, 535, 538];

/// A mail server, reached by SMTP.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Address,
    connections: Semaphore,
}

/// The mail server, or the sender's address, cannot be used. The reason never repeats what was configured: it may hold a
/// password.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BadMailServer {
    /// Not `smtp://`, `smtps://` or no address.
    #[error(
        "the mail server's address has to be smtps://USER:PASSWORD@HOST, or smtp://HOST:PORT with ?tls=required \
         where the server upgrades the connection"
    )]
    Server,
    /// Not `name@domain`.
    #[error("the sender of mails has to be an address such as payments@example.com")]
    Sender,
}

/// Whether mail can be sent from or to `text`: `name@domain`.
pub fn is_address(text: &str) -> bool {
    text.trim().parse::<Address>().is_ok()
}

impl SmtpMailer {
    /// A server by its address: `smtps://user:password@host`, `smtp://host:25?tls=required`, or without encryption
    /// `smtp://127.0.0.1:25`. `sender`: whom mails are from that have no sender of their own.
    ///
    /// # Errors
    /// [`BadMailServer`].
    pub fn new(url: &str, sender: &str) -> Result<Self, BadMailServer> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| BadMailServer::Server)?
            .timeout(Some(PATIENCE))
            .build();
        let sender = sender.parse().map_err(|_| BadMailServer::Sender)?;
        Ok(Self { transport, sender, connections: Semaphore::new(CONNECTIONS) })
    }

    /// The message; an error says what of it cannot be written.
    fn message(&self, mail: &Mail) -> Result<Message, String> {
        let address = |text: &str| text.trim().parse::<Address>().map_err(|error| error.to_string());
        let (name, own) = &mail.from;
        let from = own.as_deref().map(address).transpose()?.unwrap_or_else(|| self.sender.clone());
        // The identifier is the platform's; its domain is the sender's, as mail servers expect.
        let id = mail.message_id.replace("@ferropay>", &format!("@{}>", self.sender.domain()));
        let mut message = Message::builder()
            .from(Mailbox::new(Some(name.clone()).filter(|it| !it.is_empty()), from))
            .to(Mailbox::new(None, address(&mail.to)?))
            .message_id(Some(id))
            .subject(mail.subject.clone());
        if let Some(reply_to) = &mail.reply_to {
            message = message.reply_to(Mailbox::new(None, address(reply_to)?));
        }
        // Answering machines leave it alone (RFC 3834).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = message.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
        message
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| error.to_string())
    }
}

impl Mailer for SmtpMailer {
    fn post<'a>(&'a self, mail: &'a Mail) -> Pin<Box<dyn Future<Output = Posted> + Send + 'a>> {
        Box::pin(async move {
            let message = match self.message(mail) {
                Ok(message) => message,
                Err(why) => return Posted::Refused(why),
            };
            let _leave = self.connections.acquire().await;
            match self.transport.send(message).await {
                Ok(_) => Posted::Taken,
                Err(error) if is_final(&error) => Posted::Refused(reason(&error)),
                Err(error) => Posted::Later(reason(&error)),
            }
        })
    }
}

/// What went wrong, without the server's own words: they often repeat the customer's address.
fn reason(error: &smtp::Error) -> String {
    match error.status() {
        Some(status) => format!("the mail server answered {status}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None if error.is_tls() => "the connection to the mail server could not be encrypted".to_owned(),
        None if error.is_response() => "the mail server's answer cannot be read".to_owned(),
        None => "there is no connection to the mail server".to_owned(),
    }
}

fn is_final(error: &smtp::Error) -> bool {
    let status = error.status().map(u16::from);
    error.is_permanent() && !status.is_some_and(|status| ABOUT_US.contains(&status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_that_cannot_be_used_is_refused_without_repeating_its_password() {
        for wrong in ["", "mail.example", "http://mail.example", "smtp://"] {
            let error = SmtpMailer::new(wrong, "payments@example.com").err().unwrap();
            assert!(error.to_string().contains("smtps://"), "{wrong}");
        }
        let error = SmtpMailer::new("smtps://user:secret@mail.example", "nobody").err().unwrap();
        assert!(!error.to_string().contains("secret"));
    }
}
