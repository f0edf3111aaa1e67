//! Keeps `docs/states.md` equal to the machines: the page is made from the tables the decisions use. Run with
//! `UPDATE_DOCS=1` in the environment to rewrite it.

#[cfg(test)]
mod page {
    use ferropay_domain::payment::{
        AttemptStatus, OperationKind, OperationStatus, PaymentStatus,
        machine::{
            ATTEMPTS, AttemptEvent, Notice, OPERATIONS, PaymentEffect, PaymentMachine, PaymentRow, Transition,
        },
    };
    use ferropay_domain::series::{SERIES, SeriesStatus};
    use std::{fmt::Write, fs, path::Path};

    const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p ferropay-domain --test diagrams";

    #[test]
    fn the_page_of_states_is_what_the_tables_give() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/states.md");
        let expected = page().unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            fs::write(&path, expected).unwrap();
            return;
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        let pairs = found.lines().map(Some).chain(std::iter::repeat(None)).zip(expected.lines());
        let first = pairs.enumerate().find(|(_, (found, expected))| *found != Some(*expected));
        if let Some((line, (found, expected))) = first {
            panic!(
                "docs/states.md is out of date at line {}:\n  found    {found:?}\n  expected {expected:?}\n\
                 update it with: {UPDATE}",
                line + 1
            );
        }
        assert_eq!(found, expected, "docs/states.md has lines too many; update it with: {UPDATE}");
    }

    fn page() -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        writeln!(out, "# States\n")?;
        writeln!(
            out,
            "The machines of payments, operations and attempts. This page is made from the tables in"
        )?;
        writeln!(
            out,
            "`crates/domain/src/payment/machine/`, from which every decision takes its steps; a step"
        )?;
        writeln!(out, "that is not here does not happen. A test compares the two; to update the page run\n")?;
        writeln!(out, "```sh\n{UPDATE}\n```\n")?;
        writeln!(out, "Row numbers are those of the requirements.\n")?;
        operations(&mut out)?;
        attempts(&mut out)?;
        for machine in PaymentMachine::ALL {
            payment(&mut out, *machine)?;
        }
        series(&mut out)?;
        Ok(out)
    }

    fn series(out: &mut String) -> std::fmt::Result {
        writeln!(out, "\n## Series of stored credentials\n")?;
        writeln!(
            out,
            "```mermaid\nstateDiagram-v2\n    [*] --> {}: registered (R-206)",
            SeriesStatus::Active
        )?;
        for (row, from, event, to) in SERIES {
            writeln!(out, "    {from} --> {to}: {} ({row})", event.name())?;
        }
        for status in SeriesStatus::ALL.iter().filter(|status| **status != SeriesStatus::Active) {
            writeln!(out, "    {status} --> [*]")?;
        }
        writeln!(out, "```\n\n| row | from | event | to |\n|---|---|---|---|")?;
        for (row, from, event, to) in SERIES {
            writeln!(out, "| {row} | `{from}` | {} | `{to}` |", event.name())?;
        }
        Ok(())
    }

    fn operations(out: &mut String) -> std::fmt::Result {
        writeln!(out, "## Operations\n")?;
        for kind in OperationKind::ALL {
            let rows = || OPERATIONS.iter().filter(|row| row.kinds.contains(kind));
            writeln!(out, "### {kind}\n\n```mermaid\nstateDiagram-v2")?;
            let seen = OperationStatus::ALL
                .iter()
                .filter(|status| rows().any(|row| row.to == **status || row.from == Some(**status)));
            for status in seen {
                declare(out, status.text())?;
            }
            for row in rows() {
                let from = row.from.map_or("[*]".to_owned(), |from| id(from.text()));
                writeln!(out, "    {from} --> {}: {} ({})", id(row.to.text()), row.event.name(), row.id)?;
            }
            let ends = |status: &&OperationStatus| {
                let own = !matches!(status, OperationStatus::InvoiceCanceled | OperationStatus::Expired);
                status.is_final() && (own != (*kind == OperationKind::Invoice))
            };
            for status in OperationStatus::ALL.iter().filter(ends) {
                writeln!(out, "    {} --> [*]", id(status.text()))?;
            }
            writeln!(out, "```\n")?;
            writeln!(out, "| row | from | event | to | payment | callback |\n|---|---|---|---|---|---|")?;
            for row in rows() {
                operation_row(out, row)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn operation_row(out: &mut String, row: &Transition) -> std::fmt::Result {
        let payment = match row.payment {
            PaymentEffect::Becomes(status) => format!("becomes `{status}`"),
            PaymentEffect::Unchanged => "unchanged".to_owned(),
            PaymentEffect::Returned => "by what has been returned".to_owned(),
            PaymentEffect::ReturnUndone => "by what is still returned".to_owned(),
            PaymentEffect::DebitEnded => "by what its series still brings".to_owned(),
            PaymentEffect::AsTheHold => "unchanged while the hold lasts, else becomes `decline`".to_owned(),
        };
        let callback = match row.notice {
            Notice::None => "none",
            Notice::Prescriptive => "what to do next",
            Notice::Information => "where it stands",
            Notice::Result => "result",
        };
        let from = row.from.map_or("(new)".to_owned(), |from| format!("`{from}`"));
        let event = row.event.name();
        writeln!(out, "| {} | {from} | {event} | `{}` | {payment} | {callback} |", row.id, row.to)
    }

    fn attempts(out: &mut String) -> std::fmt::Result {
        writeln!(out, "## Attempts\n")?;
        writeln!(
            out,
            "One try of an operation at a provider. `unknown` is repeated under the same reference,"
        )?;
        writeln!(
            out,
            "`reversing` is undone until the provider acknowledges; what a late approval claims waits"
        )?;
        writeln!(out, "in suspense meanwhile.\n\n```mermaid\nstateDiagram-v2")?;
        for status in AttemptStatus::ALL {
            declare(out, status.text())?;
        }
        writeln!(out, "    [*] --> {}", id(AttemptStatus::Created.text()))?;
        for (from, event, to) in ATTEMPTS {
            writeln!(out, "    {} --> {}: {}", id(from.text()), id(to.text()), label(*event))?;
        }
        for status in AttemptStatus::ALL.iter().filter(|status| status.is_settled()) {
            writeln!(out, "    {} --> [*]", id(status.text()))?;
        }
        writeln!(out, "```\n\n| from | event | to |\n|---|---|---|")?;
        for (from, event, to) in ATTEMPTS {
            writeln!(out, "| `{from}` | {} | `{to}` |", event.name())?;
        }
        writeln!(out)
    }

    /// A label may not hold a colon.
    fn label(event: AttemptEvent) -> String {
        event.name().replace(": ", " ")
    }

    fn payment(out: &mut String, machine: PaymentMachine) -> std::fmt::Result {
        let rows: &[PaymentRow] = machine.rows();
        match machine {
            PaymentMachine::OneStep => {
                writeln!(out, "## One-step purchase\n")?;
                let error = PaymentStatus::Error;
                writeln!(
                    out,
                    "A request that fails before any operation exists is told as `{error}` and makes no payment.\n"
                )?;
            }
            PaymentMachine::Contract => writeln!(out, "\n## Agreement on later debits\n")?,
            PaymentMachine::TwoStep => writeln!(out, "\n## Two-step purchase\n")?,
            PaymentMachine::Verification => writeln!(out, "\n## Verification of a card\n")?,
            PaymentMachine::OnDemand => writeln!(out, "\n## Debit on demand with stored credentials\n")?,
            PaymentMachine::Automatic => {
                writeln!(out, "\n## Debits of a schedule\n")?;
                writeln!(
                    out,
                    "All debits belong to one payment. While more of them are due a return leaves its status.\n"
                )?;
            }
            PaymentMachine::Payout => {
                writeln!(out, "\n## Payout\n")?;
                writeln!(
                    out,
                    "What support cancels becomes `{}` after it was done; no operation stands for it.\n",
                    PaymentStatus::Decline
                )?;
            }
            PaymentMachine::Link => {
                writeln!(out, "\n## Payment link\n")?;
                writeln!(out, "Once somebody pays by it, it goes on as a purchase in one step or two.\n")?;
            }
        }
        writeln!(out, "```mermaid\nstateDiagram-v2")?;
        for (_, status, _) in rows {
            declare(out, status.text())?;
        }
        let beginnings: &[PaymentStatus] = match machine {
            PaymentMachine::Link => &[PaymentStatus::AwaitingPayment],
            PaymentMachine::Payout => &[PaymentStatus::Processing, PaymentStatus::AwaitingPayoutCompletion],
            _ => &[PaymentStatus::Processing],
        };
        for beginning in beginnings {
            writeln!(out, "    [*] --> {}", id(beginning.text()))?;
        }
        for (_, from, followers) in rows {
            for to in *followers {
                writeln!(out, "    {} --> {}", id(from.text()), id(to.text()))?;
            }
            if followers.is_empty() {
                writeln!(out, "    {} --> [*]", id(from.text()))?;
            }
        }
        writeln!(out, "```\n\n| row | status | may become |\n|---|---|---|")?;
        for (row, from, followers) in rows {
            let names: Vec<String> = followers.iter().map(|to| format!("`{to}`")).collect();
            let names = if names.is_empty() { "nothing: final".to_owned() } else { names.join(", ") };
            writeln!(out, "| {row} | `{from}` | {names} |")?;
        }
        Ok(())
    }

    /// A state's name in a diagram has no spaces; its text has.
    fn id(text: &str) -> String {
        text.replace(' ', "_")
    }

    fn declare(out: &mut String, text: &str) -> std::fmt::Result {
        if text.contains(' ') { writeln!(out, "    state \"{text}\" as {}", id(text)) } else { Ok(()) }
    }
}
