//! The customer's browser of the demonstration: posts forms and reads the form on the page that comes back. No page of
//! the platform or of the simulators needs a script, so this is all it takes.

use anyhow::{Context, Result, bail};

/// A form as it stands on a page, or as a callback describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    /// What a field holds.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same form with a field filled in.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Posts it, and reads the first form of the page that comes back.
    pub(super) async fn post(&self, client: &reqwest::Client) -> Result<Self> {
        let answer = client.post(&self.action).form(&self.fields).send().await;
        let answer = answer.with_context(|| format!("{} does not answer", self.action))?;
        let (status, url) = (answer.status(), answer.url().clone());
        let page = answer.text().await?;
        if !status.is_success() {
            bail!("{} answered {status}", self.action);
        }
        let mut form = first_form(&page).with_context(|| format!("the page of {url} has no form"))?;
        form.action = url.join(&form.action)?.to_string();
        Ok(form)
    }
}

/// The first form of a page: its action, and every field with a name and a value.
fn first_form(page: &str) -> Option<Form> {
    let (_, from_form) = page.split_once("<form")?;
    let (form, _) = from_form.split_once("</form>")?;
    let (head, inside) = form.split_once('>')?;
    let fields = inside.split("<input").skip(1).filter_map(|rest| {
        let (tag, _) = rest.split_once('>')?;
        Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
    });
    Some(Form { action: attribute(head, "action").unwrap_or_default(), fields: fields.collect() })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let plain = value.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'");
    let plain = plain.replace("&#x2F;", "/").replace("&#x3D;", "=").replace("&#61;", "=");
    Some(plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_page_is_read() {
        let page = "<p>x</p><form method=\"post\" action=\"/go?a=1&amp;b=2\">\
            <input type=\"hidden\" name=\"cres\" value=\"a&quot;b\"><input name=\"otp\" autocomplete=\"off\">\
            <button>Confirm</button></form>";
        let form = first_form(page).unwrap();
        assert_eq!(form.action, "/go?a=1&b=2");
        assert_eq!(form.field("cres"), Some("a\"b"));
        assert_eq!(form.field("otp"), Some(""));
        assert_eq!(form.with("otp", "1").field("otp"), Some("1"));
        assert_eq!(first_form("<p>nothing</p>"), None);
    }
}
