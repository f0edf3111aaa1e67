//! `ferropay sign`.

use crate::cli::Sign;
use anyhow::{Context, Result};
use ferropay_wire::{
    json::{Document, Limits},
    signature::{Order, Place, Secret, Tolerance, canonical, explain, sign},
};
use std::{io::Read as _, process::ExitCode};

/// Signs a document, or checks and explains the signature it carries.
pub(crate) fn run(options: &Sign) -> Result<ExitCode> {
    let body = if let Some(path) = &options.file {
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?
    } else {
        let mut body = Vec::new();
        std::io::stdin().read_to_end(&mut body).context("standard input cannot be read")?;
        body
    };
    let document =
        Document::parse(&body, Limits::INCOMING).context("this is not a document that can be signed")?;
    let secret = Secret::new(options.secret.clone());
    if options.verify {
        return Ok(check(&document, secret));
    }
    let text = canonical(document.root(), Order::Natural);
    println!("{text}");
    println!("{}", sign(&secret, &text));
    Ok(ExitCode::SUCCESS)
}

fn check(document: &Document<'_>, secret: Secret) -> ExitCode {
    let place = [Place::General, Place::Customer, Place::Root]
        .into_iter()
        .find(|place| place.find(document).is_some())
        .unwrap_or(Place::General);
    let given = place.find(document).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let explanation = explain(document, place, &[secret], Tolerance::NONE);
    if let Ok(verified) = &explanation.outcome {
        println!("The signature is right ({:?} order).", verified.order);
        return ExitCode::SUCCESS;
    }
    println!("The signature is wrong.");
    println!("  sent      {}", if given.is_empty() { "(none)" } else { &given });
    if let Some(own) = explanation.orders.first() {
        println!("  expected  {}", own.signature.as_deref().unwrap_or_default());
        println!("\nThe string to sign:\n  {}", own.canonical);
    }
    if let Some(path) = &explanation.added {
        println!("\n{path} was added after signing: without it the signature sent is right.");
    } else if explanation.mistakes.is_empty() {
        println!(
            "\nNo known mistake explains the one sent: another secret, or the document was changed after signing."
        );
    } else {
        println!("\nThe one sent comes about like this:");
        for mistake in &explanation.mistakes {
            println!("  - {mistake}");
        }
    }
    ExitCode::FAILURE
}
