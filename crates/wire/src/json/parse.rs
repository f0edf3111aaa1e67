//! Reading a document: `serde_json` does the grammar, this module keeps literals, counts and refuses.
//!
//! Members of an object are read as they come: where a key is written without escapes it is a slice of the body, and the
//! first byte of the value behind it tells what to read. The members of other keys, items of lists and numbers are taken as
//! raw slices first, and then looked at; a byte is scanned once more for each list above it, which the depth limit bounds.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::value::{Document, Value};

/// Longest part of one key, in bytes, that is repeated in the path of an error.
const SHOWN_KEY_BYTES: usize = 64;

/// Bounds of a document. A document that crosses one is refused while it is read, before memory is spent on the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nesting levels of objects and lists; the root object is the first.
    pub max_depth: usize,
    /// Values of any kind, the root included.
    pub max_nodes: usize,
    /// Sum over all values without children of the length of their path in bytes. Bounds the canonical string, in which
    /// each such value repeats its whole path.
    pub max_path_bytes: usize,
}

impl Limits {
    /// For messages from outside: depth 32, 20,000 values, 1 MiB of paths.
    pub const INCOMING: Self = Self { max_depth: 32, max_nodes: 20_000, max_path_bytes: 1 << 20 };
    /// For messages the platform itself has rendered, whose size the platform decides (long reports).
    pub const OUTGOING: Self = Self { max_depth: 64, max_nodes: 4_000_000, max_path_bytes: 1 << 28 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::INCOMING
    }
}

/// Why a body is not a document. Messages name places (keys), never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No bytes, or only white space.
    #[error("the body is empty")]
    Empty,
    /// The bytes are not UTF-8.
    #[error("the body is not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Offset of the first wrong byte.
        offset: usize,
    },
    /// The text is not JSON, or a string holds half of a surrogate pair.
    #[error("the body is not JSON: {reason} at line {line} column {column}")]
    NotJson {
        /// What is wrong there.
        reason: String,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// The text is JSON, but not an object.
    #[error("the body is not a JSON object")]
    RootNotObject,
    /// More nesting than [`Limits::max_depth`].
    #[error("the body is nested more than {max_depth} levels deep")]
    TooDeep {
        /// The limit.
        max_depth: usize,
    },
    /// More values than [`Limits::max_nodes`].
    #[error("the body has more than {max_nodes} values")]
    TooManyNodes {
        /// The limit.
        max_nodes: usize,
    },
    /// Longer paths than [`Limits::max_path_bytes`].
    #[error("the paths of the body's values are longer than {max_path_bytes} bytes together")]
    PathsTooLong {
        /// The limit.
        max_path_bytes: usize,
    },
    /// An object names a key twice.
    #[error("the key {path} appears twice")]
    DuplicateKey {
        /// Keys from the root, joined with `:`.
        path: String,
    },
    /// A string or a key holds U+0000.
    #[error("{path} contains U+0000")]
    NulCharacter {
        /// Keys from the root, joined with `:`.
        path: String,
    },
}

impl<'a> Document<'a> {
    /// Reads a message body. See [`ParseError`] for what is refused.
    pub fn parse(body: &'a [u8], limits: Limits) -> Result<Self, ParseError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(ParseError::Empty);
        }
        let text =
            std::str::from_utf8(body).map_err(|error| ParseError::NotUtf8 { offset: error.valid_up_to() })?;
        if text.trim_ascii_start().as_bytes().first() != Some(&b'{') {
            return match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => Err(ParseError::RootNotObject),
                Err(error) => Err(not_json(&error)),
            };
        }
        let mut parser = Parser { text, limits, nodes: 0, path_bytes: 0, failure: None };
        parser.count_node().map_err(Failure::finish)?;
        let root = parser.container(text, 1, 0).map_err(Failure::finish)?;
        Ok(Self { text, root })
    }
}

/// An error on its way up; each level adds its own step to the path.
struct Failure {
    error: ParseError,
    /// Keys from the innermost outwards.
    steps: Vec<String>,
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self { error, steps: Vec::new() }
    }
}

impl Failure {
    fn below(mut self, step: &str) -> Self {
        let mut shown = step.get(..step.floor_char_boundary(SHOWN_KEY_BYTES)).unwrap_or_default().to_owned();
        if shown.len() < step.len() {
            shown.push('…');
        }
        self.steps.push(shown.replace('\0', "\\u0000"));
        self
    }

    fn finish(self) -> ParseError {
        let joined = || self.steps.iter().rev().map(String::as_str).collect::<Vec<_>>().join(":");
        match self.error {
            ParseError::DuplicateKey { .. } => ParseError::DuplicateKey { path: joined() },
            ParseError::NulCharacter { .. } => ParseError::NulCharacter { path: joined() },
            other => other,
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    limits: Limits,
    nodes: usize,
    path_bytes: usize,
    /// The error behind a refusal raised inside a `serde` visitor, which can only carry text.
    failure: Option<Failure>,
}

impl<'a> Parser<'a> {
    fn count_node(&mut self) -> Result<(), Failure> {
        self.nodes += 1;
        if self.nodes > self.limits.max_nodes {
            return Err(ParseError::TooManyNodes { max_nodes: self.limits.max_nodes }.into());
        }
        Ok(())
    }

    fn count_path(&mut self, path_len: usize) -> Result<(), Failure> {
        self.path_bytes = self.path_bytes.saturating_add(path_len);
        if self.path_bytes > self.limits.max_path_bytes {
            return Err(ParseError::PathsTooLong { max_path_bytes: self.limits.max_path_bytes }.into());
        }
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Result<(), Failure> {
        if depth > self.limits.max_depth {
            return Err(ParseError::TooDeep { max_depth: self.limits.max_depth }.into());
        }
        Ok(())
    }

    /// The first byte of the value behind a key that is a slice of the text; none where there is no such key, or nothing comes.
    fn first_behind(&self, key: Option<&str>) -> Option<u8> {
        let key = key?;
        let start = key.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        // The quotation mark follows.
        let rest = self.text.as_bytes().get(start.checked_add(key.len())?.checked_add(1)?..)?;
        let rest = rest.trim_ascii_start().strip_prefix(b":")?;
        rest.trim_ascii_start().first().copied()
    }

    /// Reads the value whose exact text is `raw`; `depth` is that of its container, `path_len` the length of its path.
    fn value(&mut self, raw: &'a str, depth: usize, path_len: usize) -> Result<Value<'a>, Failure> {
        self.count_node()?;
        let first = raw.as_bytes().first();
        if let Some(b'{' | b'[') = first {
            return self.container(raw, depth + 1, path_len);
        }
        self.count_path(path_len)?;
        Ok(match first {
            Some(b'"') => Value::String(self.string(raw)?),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') => Value::Null,
            _ => Value::Number(raw),
        })
    }

    fn container(&mut self, raw: &'a str, depth: usize, path_len: usize) -> Result<Value<'a>, Failure> {
        self.check_depth(depth)?;
        let mut reader = serde_json::Deserializer::from_str(raw);
        let value = Children { parser: self, depth, path_len }.deserialize(&mut reader);
        match value.and_then(|value| reader.end().map(|()| value)) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.failure.take().unwrap_or_else(|| self.syntax(raw, &error).into())),
        }
    }

    /// Decodes a string literal, which the scan of its container has already found well formed except for surrogates.
    fn string(&self, raw: &'a str) -> Result<Cow<'a, str>, Failure> {
        let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
        if !inner.contains('\\') {
            return Ok(Cow::Borrowed(inner));
        }
        let text = serde_json::from_str::<String>(raw).map_err(|error| self.syntax(raw, &error))?;
        if text.contains('\0') {
            return Err(ParseError::NulCharacter { path: String::new() }.into());
        }
        Ok(Cow::Owned(text))
    }

    /// Places an error found in the slice `raw` in the whole text.
    fn syntax(&self, raw: &str, error: &serde_json::Error) -> ParseError {
        let found = not_json(error);
        let start = raw.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        let before = self.text.get(..start).unwrap_or_default();
        match found {
            ParseError::NotJson { reason, line, column } => {
                let last_line = before.rsplit('\n').next().unwrap_or_default();
                let column = if line <= 1 { column + last_line.len() } else { column };
                ParseError::NotJson { reason, line: line + before.matches('\n').count(), column }
            }
            other => other,
        }
    }
}

fn not_json(error: &serde_json::Error) -> ParseError {
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned();
    ParseError::NotJson { reason, line: error.line(), column: error.column() }
}

/// The visitor of one container.
struct Children<'p, 'a> {
    parser: &'p mut Parser<'a>,
    depth: usize,
    path_len: usize,
}

impl<'a> Children<'_, 'a> {
    /// Reads the value of a member whose path has this length. What is refused here is told apart from what was refused
    /// further in or is no JSON.
    fn member<A: MapAccess<'a>>(
        &mut self,
        map: &mut A,
        key: &Cow<'a, str>,
        path_len: usize,
    ) -> Result<Result<Value<'a>, Failure>, A::Error> {
        let parser = &mut *self.parser;
        let in_text = if let Cow::Borrowed(key) = key { Some(*key) } else { None };
        match parser.first_behind(in_text) {
            Some(b'{' | b'[') => {
                let depth = self.depth + 1;
                if let Err(failure) = parser.count_node().and_then(|()| parser.check_depth(depth)) {
                    return Ok(Err(failure));
                }
                map.next_value_seed(Children { parser, depth, path_len }).map(Ok)
            }
            Some(b'"') => {
                if let Err(failure) = parser.count_node().and_then(|()| parser.count_path(path_len)) {
                    return Ok(Err(failure));
                }
                let text = map.next_value_seed(Key)?;
                if matches!(&text, Cow::Owned(text) if text.contains('\0')) {
                    return Ok(Err(ParseError::NulCharacter { path: String::new() }.into()));
                }
                Ok(Ok(Value::String(text)))
            }
            _ => {
                let raw: &'a RawValue = map.next_value()?;
                Ok(parser.value(raw.get(), self.depth, path_len))
            }
        }
    }

    fn refuse<E: de::Error>(&mut self, failure: Failure) -> E {
        self.parser.failure = Some(failure);
        E::custom("refused")
    }
}

impl<'a> DeserializeSeed<'a> for Children<'_, 'a> {
    type Value = Value<'a>;

    fn deserialize<D: de::Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Children<'_, 'a> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<Value<'a>, A::Error> {
        let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(8);
        while let Some(key) = map.next_key_seed(Key)? {
            if key.contains('\0') {
                let failure = Failure::from(ParseError::NulCharacter { path: String::new() });
                return Err(self.refuse(failure.below(&key)));
            }
            let path_len = self.path_len.saturating_add(key.len()).saturating_add(1);
            match self.member(&mut map, &key, path_len) {
                Ok(Ok(value)) => members.push((key, value)),
                Ok(Err(failure)) => return Err(self.refuse(failure.below(&key))),
                Err(error) => {
                    // What was refused further in gets this step of its path, too.
                    if let Some(failure) = self.parser.failure.take() {
                        self.parser.failure = Some(failure.below(&key));
                    }
                    return Err(error);
                }
            }
        }
        if let Some(key) = repeated_key(&members) {
            let failure = Failure::from(ParseError::DuplicateKey { path: String::new() }).below(key);
            return Err(self.refuse(failure));
        }
        Ok(Value::Object(members))
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<Value<'a>, A::Error> {
        let mut items = Vec::new();
        while let Some(raw) = list.next_element::<&'a RawValue>()? {
            let digits = items.len().checked_ilog10().unwrap_or(0) as usize + 1;
            let path_len = self.path_len.saturating_add(digits).saturating_add(1);
            match self.parser.value(raw.get(), self.depth, path_len) {
                Ok(value) => items.push(value),
                Err(failure) => return Err(self.refuse(failure.below(&items.len().to_string()))),
            }
        }
        Ok(Value::Array(items))
    }
}

/// The first key that occurs again; pairwise for the usual small object, by hashing for a large one.
fn repeated_key<'m>(members: &'m [(Cow<'_, str>, Value<'_>)]) -> Option<&'m str> {
    if members.len() > 16 {
        let mut seen = HashSet::with_capacity(members.len());
        return members.iter().map(|(key, _)| key.as_ref()).find(|key| !seen.insert(*key));
    }
    members.iter().enumerate().find_map(|(index, (key, _))| {
        members.iter().take(index).any(|(earlier, _)| earlier == key).then_some(key.as_ref())
    })
}

/// Reads a key or a text, borrowing it when it has no escapes.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: de::Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
