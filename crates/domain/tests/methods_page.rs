//! Keeps the table of `docs/payment-methods.md` equal to the catalogue. Run with `UPDATE_DOCS=1` in the environment to
//! rewrite it.

#[cfg(test)]
mod page {
    use ferropay_domain::{
        method::{Family, Method},
        money::Currency,
    };
    use std::{fmt::Write, fs, path::Path};

    /// Everything from this line on is made from the catalogue.
    const HEADING: &str = "## All methods\n";

    #[test]
    fn the_table_of_methods_is_what_the_catalogue_gives() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/payment-methods.md");
        let found = fs::read_to_string(&path).unwrap();
        let (written, table) = found.split_once(HEADING).expect("the page has the heading of the table");
        let expected = table_of_methods().unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            fs::write(&path, format!("{written}{HEADING}{expected}")).unwrap();
            return;
        }
        assert_eq!(
            table, expected,
            "docs/payment-methods.md is out of date; UPDATE_DOCS=1 cargo test -p ferropay-domain --test methods_page"
        );
    }

    fn table_of_methods() -> Result<String, std::fmt::Error> {
        let mut out = "\n".to_owned();
        writeln!(out, "{} methods; made from `catalogue/methods`.\n", Method::all().len())?;
        for family in Family::ALL {
            writeln!(out, "### {}\n", family.text())?;
            writeln!(
                out,
                "| method | paths | operations | currencies | given up after |\n|---|---|---|---|---|"
            )?;
            for method in Method::all().iter().filter(|method| method.family == *family) {
                let paths: Vec<String> = method.paths().map(|path| format!("`{path}`")).collect();
                let can = &method.operations;
                let operations: Vec<&str> = [
                    ("sale", &can.sale),
                    ("auth", &can.auth),
                    ("refund", &can.refund),
                    ("payout", &can.payout),
                    ("recurring", &can.recurring),
                ]
                .into_iter()
                .filter_map(|(name, demands)| demands.is_some().then_some(name))
                .collect();
                let currencies: Vec<&str> = method.currencies.iter().map(Currency::code).collect();
                let currencies = if currencies.is_empty() { "any".to_owned() } else { currencies.join(" ") };
                let hours = method.threshold().as_secs() / 3600;
                writeln!(
                    out,
                    "| {} | {} | {} | {currencies} | {hours} h |",
                    method.name.replace('|', "\\|"),
                    paths.join(", "),
                    operations.join(", "),
                )?;
            }
            writeln!(out)?;
        }
        writeln!(out, "### Banks\n\n| method | number | aggregator | banks |\n|---|---|---|---|")?;
        for method in Method::all() {
            let (Some(number), Some(aggregator)) = (method.number, method.aggregator) else { continue };
            writeln!(out, "| `{}` | {number} | {aggregator} | {} |", method.code, method.banks.len())?;
        }
        Ok(out)
    }
}
