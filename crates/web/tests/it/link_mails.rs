//! Mails with payment links: sent by SMTP to a server that shows what it got.

use crate::{
    links::{CANCEL, CREATE, cancel, link, outcome, token},
    support::{World, pick},
};
use ferropay_domain::project::MailText;
use ferropay_engine::mail::SmtpMailer;
use ferropay_simulators::mail::{self, Fault, Received};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// A mail server, to which the platform is connected.
pub(crate) async fn server(world: &World) -> mail::Handle {
    let time = world.clock.clone();
    let clock: mail::Clock = Arc::new(move || ferropay_engine::clock::Clock::now(time.as_ref()).seconds());
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = mail::start(mail::Config::new(listen, clock)).await.unwrap();
    let url = format!("smtp://{}", server.local_addr());
    world.engine.mail_with(Arc::new(SmtpMailer::new(&url, "payments@ferropay.example").unwrap()));
    server
}

/// Waits for so many mails; the newest.
pub(crate) async fn mails(server: &mail::Handle, count: usize) -> Arc<Received> {
    for _ in 0..500 {
        if let Some(newest) = server.mails().first().filter(|_| server.mails().len() == count) {
            return newest.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{count} mails are awaited, there are {:#?}", server.mails());
}

fn mailed(payment_id: &str) -> Value {
    let mut body = link(payment_id);
    body["send_email"] = true.into();
    body
}

// G-143, G-434, G-436, G-437, G-445, M-040
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_mailed_with_everything_the_customer_needs() {
    let world = World::new().await;
    let server = server(&world).await;
    let made = world.told(CREATE, &mailed("order-1")).await;
    assert_eq!(outcome(&made), json!(["invoice", "awaiting payment", "invoice", "awaiting payment", "9999"]));
    let sent = world.callback().await;
    assert_eq!(outcome(&sent), json!(["invoice", "invoice sent", "invoice", "invoice sent", "9999"]));
    assert_eq!(sent["payment_link"], made["payment_link"]);
    let mail = mails(&server, 1).await;
    assert_eq!(
        (mail.from.as_str(), mail.envelope_to.join(" ").as_str()),
        ("Books <payments@ferropay.example>", "ada@example.com")
    );
    assert_eq!(mail.subject, "Your payment of 49.90 EUR to Books");
    assert_eq!(mail.message_id, format!("link.{}@ferropay.example", made["operation"]["id"]));
    for text in
        [made["payment_link"].as_str().unwrap(), "order-1", "49.90 EUR", "Two books", "2026-12-01 12:00 UTC"]
    {
        assert!(mail.text.contains(text) && mail.html.contains(text), "{text} in {mail:#?}");
    }
    // G-438: who had the link by mail hears of its end
    let canceled = world.told(CANCEL, &cancel("order-1")).await;
    assert_eq!(canceled["payment"]["status"], "invoice canceled");
    let mail = mails(&server, 2).await;
    assert_eq!(mail.subject, "Books has withdrawn a payment");
    assert!(mail.text.contains("order-1") && !mail.html.contains(&token(&made)), "{mail:#?}");
    world.end().await;
}

// G-434: without the wish, or without need, no mail
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_mail_that_was_not_asked_for() {
    let world = World::new().await;
    let server = server(&world).await;
    world.told(CREATE, &link("order-1")).await;
    world.told(CANCEL, &cancel("order-1")).await;
    world.assert_silence().await;
    assert!(server.mails().is_empty());
    world.end().await;
}

// G-068, G-434, G-445
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_speaks_the_customers_language_and_the_merchants_words() {
    let world = World::new().await;
    let server = server(&world).await;
    let languages = [
        ("de", "Ihre Zahlung von 49.90 EUR an Books"),
        ("de-AT", "Ihre Zahlung von 49.90 EUR an Books"),
        ("FR", "Votre paiement de 49.90 EUR à Books"),
        ("es", "Su pago de 49.90 EUR a Books"),
        ("it_IT", "Il Suo pagamento di 49.90 EUR a Books"),
        ("tlh", "Your payment of 49.90 EUR to Books"),
        ("../../en", "Your payment of 49.90 EUR to Books"),
    ];
    for (number, (language, subject)) in (1..).zip(languages) {
        let mut body = mailed(&format!("order-{number}"));
        body["customer"]["language"] = language.into();
        world.told(CREATE, &body).await;
        world.callback().await;
        assert_eq!(mails(&server, number).await.subject, subject, "{language}");
    }
    world
        .reconfigure(|project| {
            let mail = &mut project.settings.mail;
            mail.sender_name = Some("Books & more\r\nBcc: everybody@example.com".to_owned());
            mail.sender = Some("orders@books.example".to_owned());
            mail.reply_to = Some("help@books.example".to_owned());
            mail.language = Some("de".to_owned());
            mail.colour = Some("#7A1F5C".to_owned());
            let own = MailText {
                subject: Some("Deine Bücher".to_owned()),
                lead: Some("<b>Hallo</b> & danke!".to_owned()),
                closing: None,
            };
            mail.link_texts.insert("de".to_owned(), own);
        })
        .await;
    world.told(CREATE, &mailed("order-9")).await;
    world.callback().await;
    let mail = mails(&server, languages.len() + 1).await;
    assert_eq!((mail.subject.as_str(), mail.reply_to.as_str()), ("Deine Bücher", "help@books.example"));
    assert!(mail.from.ends_with("<orders@books.example>"), "{}", mail.from);
    assert_eq!(mail.envelope_to, ["ada@example.com"]);
    assert!(!mail.source.contains("\nBcc:"), "{}", mail.source);
    assert!(mail.text.contains("<b>Hallo</b> & danke!"), "{}", mail.text);
    assert!(mail.html.contains("#7A1F5C") && !mail.html.contains("<b>Hallo"), "{}", mail.html);
    world.end().await;
}

// A mail is tried until a server takes it, always the same one
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_tried_until_it_is_taken_and_is_the_same_each_time() {
    for fault in [Fault::Busy, Fault::TryLater, Fault::AnswerLost] {
        let world = World::new().await;
        let server = server(&world).await;
        server.fail(fault, 2);
        world.told(CREATE, &mailed("order-1")).await;
        // Each pause is longer than the one before.
        let mut told = None;
        for _ in 0..200 {
            world.clock.advance(Duration::from_millis(20));
            told = world.mailbox.within(Duration::from_millis(50)).await;
            if told.is_some() {
                break;
            }
        }
        let told: Value = serde_json::from_str(&told.expect("it is mailed").body).unwrap();
        assert_eq!(pick(&told, &["payment.status"]), json!(["invoice sent"]));
        let copies = if fault == Fault::AnswerLost { 3 } else { 1 };
        mails(&server, copies).await;
        let ids: Vec<String> = server.mails().iter().map(|mail| mail.message_id.clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        world.end().await;
    }
}

// An address that does not exist ends the mail and not the link
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mail_leaves_the_link_to_the_merchant() {
    let world = World::new().await;
    let server = server(&world).await;
    server.fail(Fault::UnknownRecipient, 1);
    let made = world.told(CREATE, &mailed("order-1")).await;
    world.quiet().await;
    for _ in 0..20 {
        world.clock.advance(Duration::from_mins(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.assert_silence().await;
    assert!(server.mails().is_empty());
    assert_eq!(world.now("order-1").await["payment"]["status"], "awaiting payment");
    assert!(world.engine.open_link(&token(&made)).await.unwrap().is_some());
    world.end().await;
}

// Withdrawn before it could be mailed: there is nothing to mail, and nothing to take back
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_over_is_not_mailed_any_more() {
    let world = World::new().await;
    // Nobody listens there yet.
    world.told(CREATE, &mailed("order-1")).await;
    world.told(CANCEL, &cancel("order-1")).await;
    let server = server(&world).await;
    world.clock.advance(Duration::from_mins(10));
    world.assert_silence().await;
    assert!(server.mails().is_empty());
    world.end().await;
}
