//! What the demonstration prints: short enough to be read at a glance, complete enough to be copied.

use crate::platform::sandbox::Access;
use ferropay_domain::money::Money;
use ferropay_wire::json::{Document, Limits, Value as Json};
use serde_json::Value;
use std::{
    io::IsTerminal as _,
    net::SocketAddr,
    sync::LazyLock,
    sync::atomic::{AtomicU32, Ordering},
};

static COLOUR: LazyLock<bool> =
    LazyLock::new(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
static SCENES: AtomicU32 = AtomicU32::new(1);

fn paint(code: &str, text: &str) -> String {
    if *COLOUR { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Bodies are cut to the width of a terminal; everything else gets them whole.
static WIDTH: LazyLock<Option<usize>> = LazyLock::new(|| {
    let terminal_size::Width(columns) = terminal_size::terminal_size()?.0;
    std::io::stdout().is_terminal().then(|| usize::from(columns).max(60))
});

/// A line's text after its indentation, cut to the terminal.
fn cut(text: &str) -> String {
    match *WIDTH {
        Some(columns) if text.chars().count() + 10 > columns => {
            text.chars().take(columns.saturating_sub(11)).chain(['…']).collect()
        }
        _ => text.to_owned(),
    }
}

/// The head of a scene.
pub(super) fn scene(title: &str, what: &str) {
    let number = SCENES.fetch_add(1, Ordering::Relaxed);
    println!("\n{}", paint("1", &format!("{number}. {title}")));
    let mut line = String::from("  ");
    for word in what.split(' ') {
        if line.chars().count() + word.chars().count() > 110 {
            println!("{line}");
            line = String::from("  ");
        }
        line.push(' ');
        line.push_str(word);
    }
    println!("{line}");
}

/// A request as sent; card number and verification value masked, the signature cut.
pub(super) fn request(path: &str, body: &str, fault: Option<&str>) {
    println!("   {} POST {path}", paint("36", "→"));
    if let Some(plan) = fault {
        println!("     (asks the simulated acquirer for a fault: {plan})");
    }
    println!("     {}", cut(&brief(body)));
}

/// The reply to a request.
pub(super) fn reply(status: u16, body: &str) {
    println!("   {} {status} {}", paint("36", "←"), cut(&brief(body)));
}

/// What the customer's browser does.
pub(super) fn browser(what: &str) {
    println!("   {} browser: {what}", paint("35", "·"));
}

/// A callback: the line that matters, then the body.
pub(super) fn callback(body: &Value, text: &str, genuine: bool) {
    let said = |pointer: &str| match body.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let verdict = if genuine { paint("32", "signature verified") } else { paint("31", "SIGNATURE WRONG") };
    println!(
        "   {} callback: payment {}, {} {}, code {} ({}) · {verdict}",
        paint("33", "⇐"),
        paint("1", &said("/payment/status")),
        said("/operation/type"),
        said("/operation/status"),
        said("/operation/code"),
        said("/operation/message"),
    );
    println!("     {}", cut(&brief(text)));
}

/// The balances before and after.
pub(super) fn balances(before: &[(&str, Money, Money)], after: &[(&str, Money, Money)]) {
    println!("   {:<22} {:>18} {:>14}", "EUR", "balance", "since start");
    for (name, balance, _) in after {
        let earlier = before.iter().find(|(of, ..)| of == name).map_or(0, |(_, money, _)| money.minor);
        let change = Money::new(balance.minor - earlier, balance.currency);
        println!("   {name:<22} {:>18} {:>14}", balance.to_string(), change.to_string());
    }
}

/// How it went.
pub(super) fn verdict(result: &anyhow::Result<()>) {
    match result {
        Ok(()) => println!(
            "\n{}",
            paint("1;32", "Everything went as expected; the audit of the database is clean.")
        ),
        Err(error) => println!("\n{} {error:#}", paint("1;31", "Not as expected:")),
    }
}

/// Where the sandbox goes on serving.
pub(super) fn addresses(
    gate: SocketAddr,
    admin: SocketAddr,
    simulators: Option<SocketAddr>,
    access: &Access,
) {
    println!("\nThe sandbox goes on serving; stop it with Ctrl-C.");
    println!("  Gate API          http://{gate}/v2/");
    println!("  inspector         http://{admin}/inspector");
    if let Some(address) = simulators {
        println!("  acquirer's book   http://{address}/acquirer/book");
    }
    println!("  project           {}", access.project);
    println!("  secret            {}", access.secret);
}

/// A body on one line in its own order, with card data masked and long signatures cut.
fn brief(body: &str) -> String {
    Document::parse(body.as_bytes(), Limits::INCOMING)
        .map_or_else(|_| body.to_owned(), |document| shown(document.root(), "").to_json_string())
}

fn shown<'a>(value: &Json<'a>, key: &str) -> Json<'a> {
    match value {
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), shown(value, name))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(|item| shown(item, key)).collect()),
        Json::String(text) => Json::String(match key {
            "signature" => format!("{}…", text.chars().take(8).collect::<String>()).into(),
            "pan" => ferropay_domain::card::Pan::parse(text)
                .map_or_else(|_| "…".to_owned(), |pan| pan.masked())
                .into(),
            "cvv" => "***".into(),
            _ => text.clone(),
        }),
        other => other.clone(),
    }
}
