//! Keeps `docs/settings.md` equal to the settings there are: the page is made from their descriptions in the code and from
//! their defaults. Run with `UPDATE_DOCS=1` in the environment to rewrite it.

#[cfg(test)]
mod page {
    use ferropay_domain::project::Settings;
    use serde_json::Value;
    use std::{fmt::Write as _, fs, path::Path};

    const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p ferropay-domain --test settings_page";
    const SOURCE: &str = include_str!("../src/project/settings.rs");

    /// A member of the settings with its description.
    struct Member {
        name: String,
        description: String,
    }

    /// The members of `pub struct Settings`, in their order.
    fn members() -> Vec<Member> {
        let start = SOURCE.find("pub struct Settings {").unwrap();
        let body = SOURCE[start..].split_once("\n}").unwrap().0;
        let mut members = Vec::new();
        let mut description = String::new();
        for line in body.lines().skip(1).map(str::trim) {
            if let Some(text) = line.strip_prefix("///") {
                description.push_str(text);
            } else if let Some(member) = line.strip_prefix("pub ") {
                let name = member.split_once(':').unwrap().0.to_owned();
                members.push(Member { name, description: std::mem::take(&mut description) });
            }
        }
        members
    }

    /// A description without the links of the code's documentation.
    fn prose(description: &str) -> String {
        let mut text = description.trim().replace('|', "\\|");
        while let Some((before, rest)) = text.split_once("[`") {
            let (name, rest) = rest.split_once("`]").unwrap();
            let rest = rest.strip_prefix('(').map_or(rest, |rest| rest.split_once(')').unwrap().1);
            text = format!("{before}`{name}`{rest}");
        }
        text
    }

    fn shown(value: &Value) -> String {
        match value {
            Value::Null => "–".to_owned(),
            Value::Array(items) if items.is_empty() => "–".to_owned(),
            Value::Object(members) if members.is_empty() => "–".to_owned(),
            Value::Object(members) => {
                let set = members.iter().filter(|(_, value)| shown(value) != "–");
                let text = set.map(|(name, value)| format!("{name}: {}", shown(value))).collect::<Vec<_>>();
                if text.is_empty() { "–".to_owned() } else { text.join(", ") }
            }
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        }
    }

    fn page() -> String {
        let defaults = serde_json::to_value(Settings::default()).unwrap();
        let sandbox = serde_json::to_value(Settings::sandbox()).unwrap();
        let mut page = String::from(
            "# Settings of a project\n\n\
             Everything that is agreed with a merchant and not said in a request. This page is made from the code; see\n\
             [operations](operations.md#projects) for how a setting is changed:\n\n\
             ```sh\n\
             ferropay project set 1001 refund_interval_seconds=60 'currencies=[\"EUR\",\"USD\"]' sale_fee.rate=0.029\n\
             ```\n\n\
             Values are JSON; text needs no quotation marks of its own. `–` stands for nothing. A setting that does not stand\n\
             under *Sandbox* is there as by default. The numbers in brackets are those of [the ledger](requirements.csv).\n\n\
             | Setting | What it does | Default | Sandbox |\n|---|---|---|---|\n",
        );
        for Member { name, description } in members() {
            let (default, tried) = (shown(&defaults[&name]), shown(&sandbox[&name]));
            let sandbox = if tried == default { "" } else { &tried };
            writeln!(page, "| `{name}` | {} | {default} | {sandbox} |", prose(&description)).unwrap();
        }
        page
    }

    // G-527
    #[test]
    fn the_page_of_settings_names_every_one_with_its_default() {
        let names: Vec<String> = members().into_iter().map(|member| member.name).collect();
        let kept = serde_json::to_value(Settings::default()).unwrap();
        for name in kept.as_object().unwrap().keys() {
            assert!(names.contains(name), "{name} has no description");
        }
        assert!(members().iter().all(|member| !member.description.is_empty()));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            fs::write(&path, page()).unwrap();
            return;
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, page(), "docs/settings.md is out of date; update it with: {UPDATE}");
    }
}
