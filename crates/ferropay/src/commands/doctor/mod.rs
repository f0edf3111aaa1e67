//! `ferropay doctor`: what keeps the platform from running as configured, or will some day, and what to do about it.
//!
//! It takes the options of `serve`, looks at everything these name, and changes nothing. A problem is what `serve` fails
//! on, or what loses money or payments; a warning is what somebody should know.

mod configuration;
mod database;
mod keys;
mod network;
mod ports;
mod server;
mod system;

use crate::cli::Doctor;
use anyhow::Result;
use serde::Serialize;
use std::process::ExitCode;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Problem,
}

/// What was found about one thing.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    /// What it is about, one word.
    area: &'static str,
    state: State,
    /// What is so.
    what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, area: &'static str, what: impl Into<String>) {
        self.0.push(Finding { area, state: State::Ok, what: what.into(), advice: None });
    }

    fn warning(&mut self, area: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { area, state: State::Warning, what: what.into(), advice: Some(advice.into()) });
    }

    fn problem(&mut self, area: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { area, state: State::Problem, what: what.into(), advice: Some(advice.into()) });
    }

    fn count(&self, state: State) -> usize {
        self.0.iter().filter(|it| it.state == state).count()
    }
}

/// Looks at everything; the exit code says whether there is a problem.
pub(crate) async fn run(options: &Doctor) -> Result<ExitCode> {
    let mut findings = Findings::default();
    system::open_files(&mut findings);
    if let Some(config) = configuration::read(&options.serve, &mut findings) {
        let looked_at = database::look(&config, options.full, &mut findings).await;
        system::clock(looked_at.as_ref(), &mut findings);
        keys::look(&config, looked_at.as_ref(), &mut findings);
        ports::look(&config, &mut findings).await;
        network::look(&config, &mut findings).await;
    }
    let problems = findings.count(State::Problem);
    if options.json {
        println!("{}", serde_json::json!({ "sound": problems == 0, "findings": findings }));
    } else {
        print(&findings);
    }
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(findings: &Findings) {
    for Finding { area, state, what, advice } in &findings.0 {
        let state = match state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => "PROBLEM",
        };
        println!("{state:<8} {area:<14} {what}");
        for line in advice.iter().flat_map(|it| it.lines()) {
            println!("{:<23} -> {line}", "");
        }
    }
    match (findings.count(State::Problem), findings.count(State::Warning)) {
        (0, 0) => println!("Everything is in order."),
        (0, warnings) => println!("No problem, {warnings} warning{}.", plural(warnings)),
        (problems, warnings) => {
            println!("{problems} problem{}, {warnings} warning{}.", plural(problems), plural(warnings));
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
