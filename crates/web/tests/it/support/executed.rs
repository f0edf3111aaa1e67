//! Which paths of the contract a test has executed, as it turns out when it runs.
//!
//! `tests/executed-paths.csv` names a test for each path, and the page of paths repeats it. Whenever such a test ends, its
//! platform is asked whether it truly did what the path is for: answered with 200 where the reply has everything, else
//! accepted the request and called back about it without refusing it. So no line of the file outlives what it says. To see what
//! else a test executes, run it with `EXECUTED_PATHS` naming a file; a line for each path is added there.

use super::Mailbox;
use ferropay_wire::contract::{
    Contract,
    describe::{self, ResultBy},
};
use parking_lot::Mutex;
use serde_json::Value;
use std::{collections::BTreeSet, fs::OpenOptions, io::Write as _};

const CLAIMS: &str = include_str!("../../executed-paths.csv");

/// The good answers of a platform.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    /// Paths whose reply has everything.
    replied: Mutex<BTreeSet<&'static str>>,
    /// The others: the path, the identifier of the accepted request and of its payment, and how many callbacks there had
    /// been before.
    accepted: Mutex<BTreeSet<(&'static str, [String; 2], usize)>>,
}

impl Answered {
    /// The platform answered a request to `address` with 200, which was sent after so many callbacks.
    pub(crate) fn note(&self, address: &str, body: &Value, before: usize) {
        let Some(path) = Contract::gate().path_of(address) else { return };
        let result = describe::paths().find(|(known, _)| *known == path).map(|(_, it)| it.result);
        match (result, body["request_id"].as_str()) {
            (Some(ResultBy::Callback), Some(request)) => {
                let payment = body["payment_id"].as_str().unwrap_or_default();
                self.accepted.lock().insert((path, [request.to_owned(), payment.to_owned()], before));
            }
            (Some(ResultBy::Reply), _) => {
                self.replied.lock().insert(path);
            }
            _ => {}
        }
    }

    fn executed(&self, mailbox: &Mailbox) -> BTreeSet<&'static str> {
        let told = mailbox.told();
        let is_done = |path: &str, [request, payment]: &[String; 2], before: usize| {
            told.iter().skip(before).any(|it| shows(path, it, request, payment))
        };
        let accepted = self.accepted.lock();
        let done = accepted.iter().filter(|(path, names, before)| is_done(path, names, *before));
        self.replied.lock().iter().copied().chain(done.map(|(path, ..)| *path)).collect()
    }

    /// Holds what was executed against what the file says of the test that ends.
    pub(crate) fn check(&self, mailbox: &Mailbox) {
        let thread = std::thread::current();
        // With one thread for all tests nobody knows which one this is.
        let Some(test) = thread.name().filter(|name| name.contains("::")) else { return };
        let executed = self.executed(mailbox);
        let claimed = CLAIMS.lines().skip(1).filter_map(|line| line.split_once(','));
        for (path, _) in claimed.filter(|(_, by)| *by == test) {
            assert!(
                executed.contains(path),
                "{test} does not execute {path}: tests/executed-paths.csv is wrong"
            );
        }
        if let Some(file) = std::env::var_os("EXECUTED_PATHS") {
            let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
            // Tests write here at the same time: what one has to say goes in one piece.
            let lines: Vec<&str> = executed.iter().flat_map(|path| [path, ",", test, "\n"]).collect();
            file.write_all(lines.concat().as_bytes()).unwrap();
        }
    }
}

/// Whether a callback shows that a request to `path` did what the path is for. Callbacks of requests that go on with a
/// payment name the request it began with, and those about a series by itself name none; a refusal names no operation
/// (G-120).
fn shows(path: &str, callback: &str, request: &str, payment: &str) -> bool {
    const GO_ON: [&str; 4] = ["/3ds_check_iframe", "/3ds_result", "/merchant_auth", "/clarification"];
    let body: Value = serde_json::from_str(callback).unwrap();
    let ends = |end: &str| path.ends_with(end);
    let about_series = |status: &str| body.get("payment").is_none() && body["recurring"]["status"] == status;
    let is_named = body["payment"]["id"] == payment;
    if ends("/recurring/update") {
        return about_series("active");
    }
    if ends("/recurring/cancel") {
        return about_series("canceled");
    }
    if ends("/invoice/cancel") {
        return is_named && body["payment"]["status"] == "invoice canceled";
    }
    if GO_ON.iter().any(|end| ends(end)) {
        return is_named && body["operation"].is_object();
    }
    let is_refused = body["payment"]["status"] == "error"
        || body["errors"].as_array().is_some_and(|errors| !errors.is_empty());
    callback.contains(request) && !is_refused
}
