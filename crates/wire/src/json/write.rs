//! Writing values back: members in their order, numbers as they were written, strings with minimal escapes.

use std::io::{self, Write};

use super::value::{Document, Value};

impl Document<'_> {
    /// The document as compact JSON without the values at the paths in `drop`.
    ///
    /// A path is a list of keys from the root; `"*"` stands for every item of a list. Meant for fingerprints that must
    /// not contain card data: `serialize_without(&[&["card", "pan"], &["card", "cvv"]])`.
    pub fn serialize_without(&self, drop: &[&[&str]]) -> String {
        self.root.serialize_without(drop)
    }
}

impl Value<'_> {
    /// Writes the value as compact JSON.
    pub fn to_json_writer<W: Write>(&self, out: &mut W) -> io::Result<()> {
        self.write(out, &[], 0)
    }

    /// The value as compact JSON.
    pub fn to_json_string(&self) -> String {
        self.serialize_without(&[])
    }

    /// The value as compact JSON without the values at the paths in `drop`; see [`Document::serialize_without`].
    pub fn serialize_without(&self, drop: &[&[&str]]) -> String {
        let mut out = Vec::new();
        // Writing to memory cannot fail, and everything written is UTF-8.
        let _ = self.write(&mut out, drop, 0);
        String::from_utf8(out).unwrap_or_default()
    }

    /// `drop` holds the paths whose first `level` steps led here.
    fn write<W: Write>(&self, out: &mut W, drop: &[&[&str]], level: usize) -> io::Result<()> {
        match self {
            Self::Null => out.write_all(b"null"),
            Self::Bool(true) => out.write_all(b"true"),
            Self::Bool(false) => out.write_all(b"false"),
            Self::Number(literal) => out.write_all(literal.as_bytes()),
            Self::String(text) => Ok(serde_json::to_writer(&mut *out, text.as_ref())?),
            Self::Array(items) => {
                out.write_all(b"[")?;
                let mut separate = Separator::default();
                for item in items {
                    write_child(item, "*", out, drop, level, &mut separate, None)?;
                }
                out.write_all(b"]")
            }
            Self::Object(members) => {
                out.write_all(b"{")?;
                let mut separate = Separator::default();
                for (key, value) in members {
                    write_child(value, key, out, drop, level, &mut separate, Some(key))?;
                }
                out.write_all(b"}")
            }
        }
    }
}

#[derive(Default)]
struct Separator {
    started: bool,
}

fn write_child<W: Write>(
    child: &Value<'_>,
    step: &str,
    out: &mut W,
    drop: &[&[&str]],
    level: usize,
    separate: &mut Separator,
    key: Option<&str>,
) -> io::Result<()> {
    let below: Vec<&[&str]> = drop.iter().copied().filter(|path| path.get(level) == Some(&step)).collect();
    if below.iter().any(|path| path.len() == level + 1) {
        return Ok(());
    }
    if std::mem::replace(&mut separate.started, true) {
        out.write_all(b",")?;
    }
    if let Some(key) = key {
        serde_json::to_writer(&mut *out, key)?;
        out.write_all(b":")?;
    }
    child.write(out, &below, level + 1)
}
