//! What proves who somebody is, is compared in constant time: shown on the source, since time cannot be measured reliably.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Functions of the platform whose result only the holder of a key can make.
const PROOFS: [&str; 6] = ["mac", "page_ticket", "return_proof", "payout_code", "fingerprint", "hmac::sign"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The platform's own sources up to their tests, one statement a line.
fn statements() -> Vec<(String, String)> {
    let crates = ["wire", "store", "engine", "providers", "web"];
    let mut directories: Vec<_> =
        crates.iter().map(|name| root().join("crates").join(name).join("src")).collect();
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                directories.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") && !name.ends_with("tests") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                let lines: Vec<&str> =
                    code.lines().map(|line| line.split("//").next().unwrap_or_default().trim()).collect();
                let place = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                let joined = lines.join(" ");
                let each = joined.split([';', '{', '}']).map(|it| (place.clone(), it.trim().to_owned()));
                found.extend(each);
            }
        }
    }
    found
}

/// Whether a statement compares a proof with `==` or `!=`, which end at the first difference.
fn compares_plainly(statement: &str) -> bool {
    let compares = statement.contains(" == ") || statement.contains(" != ");
    let makes = |name: &str| statement.contains(&format!("{name}("));
    compares && PROOFS.iter().any(|name| makes(name))
}

// G-042
#[test]
fn signatures_and_other_proofs_are_compared_in_constant_time() {
    let statements = statements();
    assert!(statements.len() > 5_000);
    let plain: Vec<_> = statements.iter().filter(|(_, it)| compares_plainly(it)).collect();
    assert!(plain.is_empty(), "{plain:#?}");
    // Each of them is made somewhere, and a merchant's signature is compared by one function, which all checks go through.
    for name in PROOFS {
        assert!(statements.iter().any(|(_, it)| it.contains(&format!("{name}("))), "{name} is no function");
    }
    let at = |part: &str| -> Vec<&str> {
        let places = statements.iter().filter(|(_, it)| it.contains(part));
        places.map(|(place, _)| place.as_str()).collect()
    };
    assert_eq!(at("self.mac(message).as_ref(), given).is_ok()"), ["crates/wire/src/signature/secret.rs"]);
    assert_eq!(at("constant_time::verify_slices_are_equal(self.mac(").len(), 1);
    assert_eq!(at(".accepts(canonical"), ["crates/wire/src/signature/verify.rs"]);
    // What is compared by a keyed digest of both sides tells nothing of either.
    assert_eq!(at("digest(secret) == digest(given)"), ["crates/engine/src/engine.rs"]);
}

// G-042
#[test]
fn a_comparison_that_ends_at_the_first_difference_is_found() {
    assert!(compares_plainly("let right = self.page_ticket(purpose, id, md) == ticket"));
    assert!(compares_plainly("if *pares != self.page_ticket(b\"PaRes\", id, md)"));
    assert!(!compares_plainly("let same = self.is_secret(&self.page_ticket(purpose, id, md), ticket)"));
    assert!(!compares_plainly("let long = ticket.len() == 64"));
}
