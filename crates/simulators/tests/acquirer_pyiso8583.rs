//! The third party: a client made with `pyiso8583` talks to the acquirer.
//!
//! Connector and simulator are written from one text; were both to misread ISO 8583 itself in the same way, no test
//! between them would see it. `pyiso8583_client.py` would.

#![allow(missing_docs, reason = "a test binary has no interface")]

#[cfg(test)]
mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ferropay_simulators::acquirer::AttemptKind;
use support::*;

/// The interpreter that has `pyiso8583`: from the environment, else the virtual environment that `./test` makes.
fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("FERROPAY_TEST_PYTHON") {
        return python.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".venv/bin/python");
    assert!(
        python.exists(),
        "no Python with pyiso8583: run ./test, which installs it into .venv at the workspace's root, or name an \
         interpreter that has it in FERROPAY_TEST_PYTHON"
    );
    python
}

// D-482, D-485, D-486, D-488, D-489, D-491, D-496, D-498, D-512, G-550
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_independent_client_agrees_with_every_answer() {
    let acquirer = start_with(|config| config.issuer_timeout = Duration::from_millis(300)).await;
    let address = acquirer.local_addr();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pyiso8583_client.py");
    let output = tokio::task::spawn_blocking(move || {
        std::process::Command::new(python())
            .arg(script)
            .arg(address.ip().to_string())
            .arg(address.port().to_string())
            .output()
            .unwrap_or_else(|error| panic!("cannot start Python ({error}): run ./test"))
    })
    .await
    .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}(is pyiso8583 missing? ./test installs it)");
    assert!(out.contains("203 answers checked"), "{out}{err}");

    let book = acquirer.book();
    assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty());
    let open: u64 =
        book.open.iter().filter(|open| open.currency == 978).fold(0, |sum, open| match open.kind {
            AttemptKind::Purchase | AttemptKind::Capture => sum + open.left,
            _ => sum,
        });
    let euros = book.totals.iter().find(|(currency, _)| *currency == 978).unwrap().1;
    assert_eq!(euros.paid_out(), 800);
    assert_eq!(euros.net(), i128::from(open) - 800);
}
