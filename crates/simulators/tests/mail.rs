//! The mail simulator, spoken to as mail clients do and as they should not.
#![cfg(test)]

use axum::{body::Body, http::Request};
use ferropay_simulators::mail::{Config, Fault, Handle, router, start};
use http_body_util::BodyExt as _;
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};
use tower::ServiceExt as _;

async fn server(change: impl FnOnce(&mut Config)) -> Handle {
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::new(|| 1_795_262_400));
    change(&mut config);
    start(config).await.unwrap()
}

struct Client {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Client {
    async fn to(server: &Handle) -> Self {
        let (reader, writer) = TcpStream::connect(server.local_addr()).await.unwrap().into_split();
        let mut client = Self { reader: BufReader::new(reader), writer };
        assert!(client.hears().await.starts_with("220 "));
        client
    }

    /// The next answer, empty when the server has left.
    async fn hears(&mut self) -> String {
        let mut answer = String::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).await.unwrap_or(0) == 0 {
                return answer;
            }
            answer.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return answer;
            }
        }
    }

    async fn says(&mut self, line: &str) -> String {
        let _ = self.writer.write_all(format!("{line}\r\n").as_bytes()).await;
        self.hears().await
    }

    /// Sends a mail; the answer to its end.
    async fn mails(&mut self, to: &str, body: &str) -> String {
        for (line, code) in
            [("MAIL FROM:<shop@example.com>", "250"), (&*format!("RCPT TO:<{to}>"), "250"), ("DATA", "354")]
        {
            let answer = self.says(line).await;
            if !answer.starts_with(code) {
                return answer;
            }
        }
        self.says(&format!("{body}\r\n.")).await
    }
}

async fn get(server: &Handle, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router(server.clone()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_mail_is_kept_as_it_came_and_read_as_a_mailbox_reads_it() {
    let server = server(|_| {}).await;
    let mut client = Client::to(&server).await;
    assert!(client.says("EHLO client").await.contains("SIZE 1048576"));
    let mail = "From: Shop <shop@example.com>\r\nTo: judy@example.com\r\nSubject: =?utf-8?b?SGFsbMO2Y2hlbg==?=\r\n\
                Message-ID: <1@example.com>\r\nContent-Type: text/plain; charset=utf-8\r\n\
                Content-Transfer-Encoding: quoted-printable\r\n\r\n..a stop first\r\nB=C3=BCcher\r\n<script>alert(1)</script>";
    assert!(client.mails("judy@example.com", mail).await.starts_with("250 "));
    let kept = server.mails().remove(0);
    assert_eq!((kept.subject.as_str(), kept.message_id.as_str()), ("Hallöchen", "1@example.com"));
    assert_eq!(
        (kept.from.as_str(), kept.envelope_to.join("")),
        ("Shop <shop@example.com>", "judy@example.com".to_owned())
    );
    assert!(kept.text.starts_with(".a stop first") && kept.text.contains("Bücher"), "{}", kept.text);
    for path in ["/mail", "/mail/1"] {
        let (status, page) = get(&server, path).await;
        assert!(status == 200 && page.contains("Hallöchen") && !page.contains("<script>"), "{page}");
    }
    assert!(get(&server, "/mail/1/source").await.1.contains("=?utf-8?b?"));
    assert_eq!(get(&server, "/mail/2").await.0, 404);
    assert_eq!(client.says("QUIT").await, "221 Bye\r\n");
}

#[tokio::test]
async fn commands_out_of_order_and_unknown_ones_are_refused() {
    let server = server(|_| {}).await;
    let mut client = Client::to(&server).await;
    for (line, code) in [
        ("DATA", "503"),
        ("RCPT TO:<a@example.com>", "503"),
        ("MAIL FROM:shop", "501"),
        ("mail from:<shop@example.com>", "250"),
        ("RCPT TO:<>", "501"),
        ("DATA", "503"),
        ("RSET", "250"),
        ("RCPT TO:<a@example.com>", "503"),
        ("VRFY judy", "500"),
    ] {
        assert!(client.says(line).await.starts_with(code), "{line}");
    }
    for _ in 0..8 {
        assert!(client.says("HELP").await.starts_with("500"));
    }
    assert!(client.says("HELP").await.starts_with("421"));
    assert_eq!(client.says("NOOP").await, "", "the server has left");
}

#[tokio::test]
async fn nothing_that_is_too_large_is_kept_and_old_mails_go_first() {
    let server = server(|config| (config.most_mails, config.largest_mail) = (2, 1_000)).await;
    let mut client = Client::to(&server).await;
    let large = vec!["x".repeat(70); 20].join("\r\n");
    assert!(client.mails("judy@example.com", &large).await.starts_with("552"));
    for number in 1..=3 {
        let answer = client.mails("judy@example.com", &format!("Subject: {number}\r\n\r\nx")).await;
        assert!(answer.starts_with("250"), "{answer}");
    }
    let subjects: Vec<String> = server.mails().iter().map(|mail| mail.subject.clone()).collect();
    assert_eq!(subjects, ["3", "2"]);
    // A line without end is not waited for.
    client.writer.write_all(&[b'x'; 8_192]).await.unwrap();
    assert_eq!(client.hears().await, "", "the server has left");
}

#[tokio::test]
async fn it_goes_wrong_as_it_is_told_and_then_right_again() {
    let server = server(|_| {}).await;
    for (fault, answer, kept) in [
        (Fault::Busy, "421", 0),
        (Fault::UnknownRecipient, "550", 0),
        (Fault::TryLater, "451", 0),
        (Fault::AnswerLost, "", 1),
    ] {
        server.fail(fault, 1);
        let before = server.mails().len();
        let mut client = Client::to(&server).await;
        let said = client.mails("judy@example.com", "Subject: a\r\n\r\nx").await;
        assert!(said.starts_with(answer) && said.is_empty() == answer.is_empty(), "{fault:?}: {said}");
        assert_eq!(server.mails().len() - before, kept, "{fault:?}");
        let mut client = Client::to(&server).await;
        assert!(client.mails("judy@example.com", "Subject: b\r\n\r\nx").await.starts_with("250"));
    }
}
