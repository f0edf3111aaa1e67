//! The metrics of a running platform, read as a scraper reads them.

use std::collections::BTreeMap;

/// What was exposed at one moment.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Values by name with labels as they were written, `name{label="value"}`.
    pub values: BTreeMap<String, f64>,
    /// Kind of each family: `counter`, `gauge`, `histogram`, `info`.
    pub kinds: BTreeMap<String, String>,
    /// Everything, as it came.
    pub text: String,
}

impl Metrics {
    /// Asks `http://HOST:PORT` for them.
    pub async fn of(base: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{base}/metrics")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Self::read(&answer.text().await.unwrap())
    }

    /// Reads the text format strictly; fails the test where a scraper would refuse it.
    pub fn read(text: &str) -> Self {
        let mut read = Self { text: text.to_owned(), ..Self::default() };
        let mut ended = false;
        for line in text.lines() {
            assert!(!ended, "nothing follows the end: {line}");
            if line == "# EOF" {
                ended = true;
            } else if let Some(described) = line.strip_prefix("# TYPE ") {
                let (name, kind) = described.split_once(' ').expect("a name and its kind");
                assert!(["counter", "gauge", "histogram", "info"].contains(&kind), "{line}");
                assert_eq!(
                    read.kinds.insert(name.to_owned(), kind.to_owned()),
                    None,
                    "described twice: {line}"
                );
            } else if let Some(described) = line.strip_prefix("# HELP ").or(line.strip_prefix("# UNIT ")) {
                assert!(described.contains(' '), "{line}");
            } else {
                let (name, value) = line.rsplit_once(' ').expect("a name and its value");
                let family = name.split('{').next().unwrap();
                assert!(family.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
                let known = ["", "_total", "_info", "_bucket", "_sum", "_count"];
                let known = known.iter().any(|end| {
                    family.strip_suffix(end).is_some_and(|family| read.kinds.contains_key(family))
                });
                assert!(known, "nobody has described it: {line}");
                let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
                assert_eq!(read.values.insert(name.to_owned(), value), None, "told twice: {line}");
            }
        }
        assert!(ended, "the end is missing");
        read
    }

    /// One value; zero when it is not there.
    pub fn value(&self, name: &str) -> f64 {
        self.values.get(name).copied().unwrap_or_default()
    }

    /// One value, which is a whole number.
    pub fn count(&self, name: &str) -> i64 {
        format!("{:.0}", self.value(name)).parse().unwrap()
    }

    /// The sum of the values of a family whose labels contain `part`.
    pub fn sum(&self, family: &str, part: &str) -> f64 {
        let of_family = self.values.iter().filter(|(name, _)| name.split('{').next() == Some(family));
        of_family.filter(|(name, _)| name.contains(part)).map(|(_, value)| value).sum()
    }
}
