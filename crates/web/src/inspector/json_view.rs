//! JSON as people read it: one member per line, objects that fold, every piece of text escaped, card data masked.

use ferropay_wire::{
    json::{Document, Limits, Value},
    mask,
};

/// JSON text as HTML for the viewer. `marked` is the dotted path of a member a message is about. Text that is no JSON
/// document is shown as it is.
pub(super) fn html(json: &str, marked: Option<&str>) -> String {
    let shown = match Document::parse(json.as_bytes(), Limits::OUTGOING) {
        Ok(document) => mask::masked_json(&document),
        Err(_) => {
            return format!("<div class=\"json\"><pre>{}</pre></div>", escaped(&mask::masked_text(json)));
        }
    };
    let mut out = String::from("<div class=\"json\" dir=\"ltr\">");
    if let Ok(document) = Document::parse(shown.as_bytes(), Limits::OUTGOING) {
        value(&mut out, None, document.root(), "", marked, "");
    }
    out.push_str("</div>");
    out
}

/// Writes a value with its key and what follows it.
fn value(out: &mut String, key: Option<&str>, it: &Value<'_>, path: &str, marked: Option<&str>, end: &str) {
    let hit = marked.is_some_and(|marked| !path.is_empty() && marked == path);
    let (open, close) = match it {
        Value::Object(members) if !members.is_empty() => ("{", "}"),
        Value::Array(items) if !items.is_empty() => ("[", "]"),
        _ => {
            out.push_str("<div>");
            mark(out, hit, "<mark>");
            name(out, key);
            scalar(out, it);
            mark(out, hit, "</mark>");
            out.push_str(end);
            out.push_str("</div>");
            return;
        }
    };
    out.push_str("<details open><summary>");
    mark(out, hit, "<mark>");
    name(out, key);
    out.push_str(open);
    mark(out, hit, "</mark>");
    out.push_str("</summary>");
    let below = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    match it {
        Value::Object(members) => {
            for (index, (key, child)) in members.iter().enumerate() {
                let end = if index + 1 < members.len() { "," } else { "" };
                value(out, Some(key), child, &below(key), marked, end);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                let end = if index + 1 < items.len() { "," } else { "" };
                value(out, None, child, &below(&index.to_string()), marked, end);
            }
        }
        _ => {}
    }
    out.push_str("</details><div>");
    out.push_str(close);
    out.push_str(end);
    out.push_str("</div>");
}

fn mark(out: &mut String, hit: bool, tag: &str) {
    if hit {
        out.push_str(tag);
    }
}

fn name(out: &mut String, key: Option<&str>) {
    if let Some(key) = key {
        out.push_str("<span class=\"k\">");
        out.push_str(&escaped(&Value::String(key.into()).to_json_string()));
        out.push_str("</span>: ");
    }
}

fn scalar(out: &mut String, it: &Value<'_>) {
    let class = match it {
        Value::String(_) => "s",
        Value::Number(_) => "n",
        _ => "w",
    };
    out.push_str("<bdi class=\"");
    out.push_str(class);
    out.push_str("\">");
    out.push_str(&escaped(&it.to_json_string()));
    out.push_str("</bdi>");
}

/// Text that HTML shows as it is.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_cannot_leave_their_place() {
        let shown = html(r#"{"<b>":"</bdi><script>alert('1')</script>","x":["&amp;"]}"#, None);
        assert!(!shown.contains("<script") && !shown.contains("<b>"), "{shown}");
        assert!(shown.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"), "{shown}");
        assert!(shown.contains("&quot;&amp;amp;&quot;"), "{shown}");
        assert!(!html("<script>no json", None).contains("<script"));
    }

    #[test]
    fn the_member_a_message_is_about_is_marked() {
        let shown = html(r#"{"a":{"b":1,"c":2}}"#, Some("a.c"));
        assert_eq!(shown.matches("<mark>").count(), 1);
        assert!(shown.contains("<mark><span class=\"k\">&quot;c&quot;</span>"), "{shown}");
    }

    #[test]
    fn card_data_is_masked() {
        let shown = html(r#"{"card":{"pan":"4314220000000056","cvv":"123"}}"#, None);
        assert!(shown.contains("431422******0056") && !shown.contains("123"), "{shown}");
    }
}
