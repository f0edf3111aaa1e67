//! Keeps `docs/payment-page-parameters.md` equal to the table of parameters. Run with `UPDATE_DOCS=1` in the environment to
//! rewrite it.

#[cfg(test)]
mod page {
    use ferropay_domain::page::Mode;
    use ferropay_wire::page::{Encoding, Kind, Modes, Parameter};
    use std::{
        fmt::{Error, Write},
        fs,
        path::Path,
    };

    const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p ferropay-wire --test payment_page_parameters";

    // P-042
    #[test]
    fn the_page_of_parameters_is_what_the_table_gives() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/payment-page-parameters.md");
        let expected = page().unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            fs::write(&path, expected).unwrap();
            return;
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        assert!(found == expected, "docs/payment-page-parameters.md is out of date: {differs:?}; {UPDATE}");
    }

    const HEAD: &str = "\
# Parameters of the Payment Page

What a request that opens the Payment Page may say, in the query of a GET or in a posted form alike. A value that breaks a rule
is refused together with every other that does, under the heading *One or more parameters is not valid*, as
`Customer_id: Must be not null`. An empty value counts as none.

- Values are signed as they are before percent-encoding. Names that begin with `_`, and `frame_mode`, need not be signed. Names
  that are not listed here are signed and otherwise passed over. A name given twice with different values is refused, and so is
  a request of more than 256 KiB.
- *JSON in Base64* is read with any padding, with blanks in it, and with or without the objects around it that some
  clients send. The members are listed below their parameter.
- Dates are `DD-MM-YYYY`, amounts minor units of the currency, addresses absolute and of `http` or `https`.
- *required* and *only in* name values of `mode`: `purchase`, `payout`, `card_verify`, `card_tokenize`.
- The embedded card form (`frame_mode=embedded`) needs `target_element`, `merchant_domain` and `force_payment_method=card`
  besides, and learns `customer_id` with the confirmation at the latest.
";

    fn page() -> Result<String, Error> {
        let mut out = HEAD.to_owned();
        writeln!(out, "\nThis page is made from `catalogue/payment-page-params.csv`. To update it run\n")?;
        writeln!(out, "```sh\n{UPDATE}\n```")?;
        let mut groups: Vec<&str> = Vec::new();
        for parameter in Parameter::all() {
            if !groups.contains(&parameter.group.as_str()) {
                groups.push(&parameter.group);
            }
        }
        for group in groups {
            let mut letters = group.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase).collect::<String>();
            writeln!(out, "\n## {first}{}\n", letters.as_str())?;
            writeln!(out, "| parameter | what it means | value | required | rules |\n|---|---|---|---|---|")?;
            for parameter in Parameter::all().iter().filter(|parameter| parameter.group == group) {
                rows(&mut out, parameter)?;
            }
        }
        Ok(out)
    }

    fn rows(out: &mut String, parameter: &Parameter) -> Result<(), Error> {
        let aliases: Vec<String> =
            parameter.aliases.iter().map(|alias| format!(", also `{alias}`")).collect();
        let aliases = aliases.concat();
        let about = parameter.about.replace('|', "\\|");
        let (value, required) = (value(parameter)?.replace('|', "\\|"), required(parameter));
        writeln!(
            out,
            "| `{}`{aliases} | {about} | {value} | {required} | {} |",
            parameter.path, parameter.rules
        )?;
        parameter.members.iter().try_for_each(|member| rows(out, member))
    }

    fn value(parameter: &Parameter) -> Result<String, Error> {
        let mut out = match (&parameter.encoding, parameter.kind) {
            (Encoding::Json, _) => "JSON object",
            (Encoding::Terms, _) => "JSON object, may be percent-encoded once more",
            (Encoding::Base64(_), _) => "JSON object in Base64",
            (Encoding::Codes, _) => "codes with commas between",
            (Encoding::Plain, Kind::Text | Kind::Any) => "text",
            (Encoding::Plain, Kind::Integer) => "integer",
            (Encoding::Plain, Kind::Number) => "number",
            (Encoding::Plain, Kind::Flag) => "`0` or `1`, also `false` or `true`",
            (Encoding::Plain, Kind::Boolean) => "`true` or `false`, also `1` or `0`",
            (Encoding::Plain, Kind::List) => "list",
            (Encoding::Plain, Kind::Object) => "object",
            (Encoding::Plain, Kind::Card) => "card number",
        }
        .to_owned();
        let unit = match parameter.kind {
            Kind::List => " items",
            Kind::Text => " characters",
            _ => "",
        };
        match parameter.length {
            (Some(least), Some(most)) => write!(out, ", {least} to {most}{unit}")?,
            (None, Some(most)) => write!(out, ", at most {most}{unit}")?,
            (Some(least), None) => write!(out, ", at least {least}{unit}")?,
            (None, None) => {}
        }
        match parameter.pattern.as_str() {
            "" => {}
            "currency" => out.push_str(", ISO 4217"),
            "date" => out.push_str(", date"),
            "date-minute" => out.push_str(", `DD-MM-YYYYhh:mm`"),
            "moment" => out.push_str(", `YYYY-MM-DDThh:mm:ss±hh` or `±hh:mm`"),
            "email" => out.push_str(", e-mail address"),
            "address" => out.push_str(", address"),
            "domain" => out.push_str(", domain"),
            "holder" => out.push_str(", letters of any script, spaces and `-'.`"),
            "owner" => out.push_str(", letters of any script, digits, spaces and `-'.`"),
            pattern => write!(out, ", `{pattern}`")?,
        }
        if !parameter.values.is_empty() {
            let values: Vec<String> = parameter.values.iter().map(|value| format!("`{value}`")).collect();
            write!(out, ", one of {}", values.join(" "))?;
        }
        Ok(out)
    }

    fn required(parameter: &Parameter) -> String {
        let words = |modes: Modes| modes.iter().map(Mode::word).collect::<Vec<_>>().join(", ");
        let mut said = Vec::new();
        if parameter.required.is_all() {
            said.push("always".to_owned());
        } else if parameter.required.iter().next().is_some() {
            said.push(words(parameter.required));
        }
        if !parameter.modes.is_all() {
            said.push(format!("only in {}", words(parameter.modes)));
        }
        if parameter.refused.iter().next().is_some() {
            said.push(format!("refused in {}", words(parameter.refused)));
        }
        if parameter.path == "signature" {
            said.push("always, except where parameters are only checked".to_owned());
        }
        said.join("; ")
    }
}
