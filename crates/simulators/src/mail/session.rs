//! One conversation by SMTP.

use super::store::{Fault, Mails};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// How long a client may take for a line.
const PATIENCE: Duration = Duration::from_mins(1);

/// The longest line of a command or a mail, bytes (RFC 5321, 4.5.3.1.6, with room to spare).
const LONGEST_LINE: u64 = 4_096;

/// How many recipients a mail may have (RFC 5321, 4.5.3.1.8).
const MOST_RECIPIENTS: usize = 100;

/// How many wrong commands a client may give.
const MOST_MISTAKES: u32 = 10;

struct Conversation {
    reader: BufReader<OwnedReadHalf>,
    writer: BufWriter<OwnedWriteHalf>,
}

impl Conversation {
    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.writer.write_all(line.as_bytes()).await?;
        self.writer.write_all(b"\r\n").await?;
        self.writer.flush().await
    }

    /// The next line without its end; none when the client has left.
    async fn hear(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.reader).take(LONGEST_LINE);
        let read = tokio::time::timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await;
        read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(line))
    }
}

/// What a client has said of the mail it is about to send.
#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
    fault: Option<Fault>,
}

/// Serves a client until it leaves.
pub(super) async fn serve(stream: TcpStream, mails: &Mails) -> io::Result<()> {
    let (reader, writer) = stream.into_split();
    let mut it = Conversation { reader: BufReader::new(reader), writer: BufWriter::new(writer) };
    let mut envelope = Envelope::default();
    let mut mistakes = 0;
    it.say("220 mail.simulator ESMTP").await?;
    while let Some(line) = it.hear().await? {
        let text = String::from_utf8_lossy(&line).into_owned();
        let (verb, rest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                it.say("250-mail.simulator").await?;
                it.say(&format!("250-SIZE {}", mails.config.largest_mail)).await?;
                it.say("250-8BITMIME").await?;
                it.say("250 SMTPUTF8").await?;
            }
            "HELO" => it.say("250 mail.simulator").await?,
            "NOOP" => it.say("250 OK").await?,
            "RSET" => {
                envelope = Envelope::default();
                it.say("250 OK").await?;
            }
            "QUIT" => return it.say("221 Bye").await,
            "MAIL" => {
                envelope = Envelope { fault: mails.next_fault(), ..Envelope::default() };
                if envelope.fault == Some(Fault::Busy) {
                    return it.say("421 Too busy, closing").await;
                }
                match path(rest, "FROM:") {
                    Some(from) => {
                        envelope.from = Some(from);
                        it.say("250 OK").await?;
                    }
                    None => it.say("501 MAIL FROM:<address> is expected").await?,
                }
            }
            "RCPT" => {
                let answer = recipient(&mut envelope, rest);
                it.say(answer).await?;
            }
            "DATA" if envelope.from.is_none() || envelope.to.is_empty() => {
                it.say("503 MAIL and RCPT come first").await?;
            }
            "DATA" => {
                it.say("354 End with a line that holds a full stop alone").await?;
                let Some(source) = data(&mut it, mails.config.largest_mail).await? else {
                    it.say("552 Too large").await?;
                    continue;
                };
                let Envelope { from, to, fault } = std::mem::take(&mut envelope);
                if fault == Some(Fault::TryLater) {
                    it.say("451 Try again later").await?;
                    continue;
                }
                let number = mails.take(from.unwrap_or_default(), to, &source);
                if fault == Some(Fault::AnswerLost) {
                    return Ok(());
                }
                it.say(&format!("250 OK, kept as {number}")).await?;
            }
            _ => {
                mistakes += 1;
                if mistakes >= MOST_MISTAKES {
                    return it.say("421 Too many mistakes, closing").await;
                }
                it.say("500 Not known here").await?;
            }
        }
    }
    Ok(())
}

fn recipient(envelope: &mut Envelope, rest: &str) -> &'static str {
    let Some(to) = path(rest, "TO:").filter(|to| !to.is_empty()) else {
        return "501 RCPT TO:<address> is expected";
    };
    if envelope.from.is_none() {
        return "503 MAIL comes first";
    }
    if envelope.fault == Some(Fault::UnknownRecipient) {
        return "550 5.1.1 No such recipient";
    }
    if envelope.to.len() >= MOST_RECIPIENTS {
        return "452 Too many recipients";
    }
    envelope.to.push(to);
    "250 OK"
}

/// The address of `FROM:<a@b> SIZE=1`.
fn path(rest: &str, keyword: &str) -> Option<String> {
    let start = rest.get(..keyword.len())?;
    let after = rest.get(keyword.len()..)?.trim_start();
    let (address, _) = after.strip_prefix('<')?.split_once('>')?;
    start.eq_ignore_ascii_case(keyword).then(|| address.to_owned())
}

/// The mail up to the line that ends it; none when it is too large, and then it is read all the same.
async fn data(it: &mut Conversation, largest: usize) -> io::Result<Option<Vec<u8>>> {
    let mut source = Vec::new();
    let mut too_large = false;
    loop {
        let Some(line) = it.hear().await? else {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        };
        if line == b"." {
            return Ok((!too_large).then_some(source));
        }
        // A full stop at the beginning of a line was doubled (RFC 5321, 4.5.2).
        let line = line.strip_prefix(b".").unwrap_or(&line);
        if source.len().saturating_add(line.len()) > largest {
            too_large = true;
            continue;
        }
        source.extend_from_slice(line);
        source.extend_from_slice(b"\r\n");
    }
}
