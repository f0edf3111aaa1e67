//! The tree of values and the ways to look into it.

use std::borrow::Cow;
use std::fmt;

/// A whole message: its text and the object it holds.
///
/// `Debug` shows the shape only, never a value, because messages carry card data.
#[derive(Clone, PartialEq, Eq)]
pub struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) root: Value<'a>,
}

impl<'a> Document<'a> {
    /// The root object.
    pub fn root(&self) -> &Value<'a> {
        &self.root
    }

    /// The text the document was read from.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The member of the root object with this key.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.root.get(key)
    }

    /// The value reached by following `keys` from the root, as in `path(&["general", "project_id"])`.
    pub fn path(&self, keys: &[&str]) -> Option<&Value<'a>> {
        self.root.path(keys)
    }
}

/// One JSON value.
///
/// `Debug` shows the shape only (kinds, keys, lengths), never the content of a string or number.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its literal text.
    Number(&'a str),
    /// A string with its escapes decoded.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// An object: members in the order they were written; keys are unique when the value was parsed.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// The member of an object with this key; `None` for any other kind of value.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.members()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The item of a list at this index; `None` for any other kind of value.
    pub fn item(&self, index: usize) -> Option<&Value<'a>> {
        self.items()?.get(index)
    }

    /// The value reached by following `keys` through objects.
    pub fn path(&self, keys: &[&str]) -> Option<&Value<'a>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The members of an object.
    pub fn members(&self) -> Option<&[(Cow<'a, str>, Value<'a>)]> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The items of a list.
    pub fn items(&self) -> Option<&[Value<'a>]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The literal text of a number.
    pub fn as_number(&self) -> Option<&'a str> {
        if let Self::Number(literal) = self { Some(literal) } else { None }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.root).finish()
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(_) => f.write_str("bool"),
            Self::Number(_) => f.write_str("number"),
            Self::String(text) => write!(f, "string of {} bytes", text.len()),
            Self::Array(items) => f.debug_list().entries(items).finish(),
            Self::Object(members) => {
                f.debug_map().entries(members.iter().map(|(key, value)| (key, value))).finish()
            }
        }
    }
}
