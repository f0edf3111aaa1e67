//! Turning a tree into `path:text` pairs.
//!
//! All pairs of a message live one after another in one string; a pair is three offsets into it. Flattening a message
//! therefore costs a handful of allocations, however many values it has.

use std::borrow::Cow;

use crate::json::Value;

use super::natural;
use super::place::Place;

/// How a client builds its pairs. The default is the platform's own way; every deviation is one known client's.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each a deviation of its own")]
pub(super) struct Style {
    pub(super) colons: Colons,
    pub(super) signatures: Signatures,
    pub(super) nulls: Nulls,
    pub(super) booleans: Booleans,
    pub(super) keep_frame_mode: bool,
    pub(super) trim: bool,
    pub(super) lower_case_keys: bool,
    /// Objects and lists below three keys become a pair with an empty text.
    pub(super) cut_at_depth_3: bool,
    /// Visit each object's members as JavaScript orders them instead of as written.
    pub(super) javascript_members: bool,
}

impl Style {
    pub(super) const PLATFORM: Self = Self {
        colons: Colons::Doubled,
        signatures: Signatures::LeftOut,
        nulls: Nulls::Empty,
        booleans: Booleans::Digits,
        keep_frame_mode: false,
        trim: false,
        lower_case_keys: false,
        cut_at_depth_3: false,
        javascript_members: false,
    };
}

/// What becomes of `:` in a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Colons {
    Doubled,
    DoubledAtRoot,
    Kept,
}

/// Which members named `signature` are left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signatures {
    /// All, at any depth.
    LeftOut,
    /// Only the one at this place.
    LeftOutAt(Place),
    /// None of that name is left out but the one at this place is signed as an empty text.
    BlankAt(Place),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    Empty,
    Written(&'static str),
    LeftOut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Booleans {
    Digits,
    /// `true` and `false`
    Words,
    /// `True` and `False`
    CapitalWords,
    /// `1` and nothing, as PHP converts a boolean to text
    PhpText,
}

/// One `path:text` in the arena.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    start: usize,
    /// Offset of the `:` between path and text.
    colon: usize,
    end: usize,
    /// The path has neither digits nor white space, so its natural order is its byte order.
    plain: bool,
    /// The first bytes of the path, filled up with zeros, which no path holds: where those of two plain paths differ they
    /// tell the order.
    head: u128,
    /// Stands for an object or list that was cut off.
    pub(super) cut: bool,
}

/// The pairs of a message, in the order they were visited.
pub(super) struct Pairs {
    arena: String,
    pub(super) list: Vec<Pair>,
}

impl Pairs {
    pub(super) fn of(root: &Value<'_>, style: Style, size_hint: usize) -> Self {
        let mut flattener =
            Flattener { style, pairs: Self::with_room_for(size_hint), path: String::with_capacity(64) };
        flattener.walk(root, &Position::ROOT);
        flattener.pairs
    }

    /// No pairs yet, of a message of so many bytes.
    pub(super) fn with_room_for(bytes: usize) -> Self {
        Self { arena: String::with_capacity(bytes), list: Vec::with_capacity(32) }
    }

    /// Adds the pair of a value. `plain`: the path has neither digits nor white space.
    pub(super) fn push(&mut self, path: &str, text: &str, plain: bool, cut: bool) {
        let start = self.arena.len();
        self.arena.push_str(path);
        let colon = self.arena.len();
        self.arena.push(':');
        self.arena.push_str(text);
        let (end, head) = (self.arena.len(), head(path.as_bytes()));
        self.list.push(Pair { start, colon, end, plain, head, cut });
    }

    /// How long all pairs are together.
    pub(super) fn bytes(&self) -> usize {
        self.arena.len()
    }

    pub(super) fn path(&self, pair: &Pair) -> &str {
        self.arena.get(pair.start..pair.colon).unwrap_or_default()
    }

    pub(super) fn text(&self, pair: &Pair) -> &str {
        self.arena.get(pair.colon + 1..pair.end).unwrap_or_default()
    }

    /// `path:text`
    pub(super) fn whole(&self, pair: &Pair) -> &str {
        self.arena.get(pair.start..pair.end).unwrap_or_default()
    }

    /// Sorts by path in natural order; equal paths stay as they were visited.
    pub(super) fn sort_naturally(&mut self) {
        let mut list = std::mem::take(&mut self.list);
        list.sort_by(|a, b| {
            if a.plain && b.plain {
                a.head.cmp(&b.head).then_with(|| self.path(a).cmp(self.path(b)))
            } else {
                natural::natural_order(self.path(a), self.path(b))
            }
        });
        self.list = list;
    }

    /// Joins the pairs with `;`.
    pub(super) fn join(&self) -> String {
        let mut out = String::with_capacity(self.arena.len() + self.list.len());
        for (index, pair) in self.list.iter().enumerate() {
            if index > 0 {
                out.push(';');
            }
            out.push_str(self.whole(pair));
        }
        out
    }
}

/// Where the walk stands.
#[derive(Clone, Copy)]
struct Position<'k> {
    /// Keys and indexes from the root.
    depth: usize,
    /// The last key, at depth 1 only; tells `general` and `customer`.
    top_key: Option<&'k str>,
    plain: bool,
}

impl Position<'_> {
    const ROOT: Self = Self { depth: 0, top_key: None, plain: true };

    fn holds_signature_of(&self, place: Place) -> bool {
        match place.holder() {
            None => self.depth == 0,
            holder => self.depth == 1 && self.top_key == holder,
        }
    }
}

struct Flattener {
    style: Style,
    pairs: Pairs,
    /// Path of the value being visited.
    path: String,
}

impl Flattener {
    fn walk(&mut self, value: &Value<'_>, at: &Position<'_>) {
        match value {
            Value::Object(_) | Value::Array(_) if self.style.cut_at_depth_3 && at.depth >= 3 => {
                self.push("", at, true);
            }
            Value::Object(members) if self.style.javascript_members => {
                let mut ordered: Vec<_> = members.iter().collect();
                ordered.sort_by(|(a, _), (b, _)| javascript_order(a, b));
                for (key, child) in ordered {
                    self.member(key, child, at);
                }
            }
            Value::Object(members) => {
                for (key, child) in members {
                    self.member(key, child, at);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.step(&index.to_string(), item, at, None);
                }
            }
            Value::Null => match self.style.nulls {
                Nulls::Empty => self.push("", at, false),
                Nulls::Written(word) => self.push(word, at, false),
                Nulls::LeftOut => {}
            },
            Value::Bool(flag) => {
                let (yes, no) = match self.style.booleans {
                    Booleans::Digits => ("1", "0"),
                    Booleans::Words => ("true", "false"),
                    Booleans::CapitalWords => ("True", "False"),
                    Booleans::PhpText => ("1", ""),
                };
                self.push(if *flag { yes } else { no }, at, false);
            }
            Value::Number(literal) => self.push(literal, at, false),
            Value::String(text) if self.style.trim => self.push(text.trim(), at, false),
            Value::String(text) => self.push(text, at, false),
        }
    }

    fn member(&mut self, key: &str, child: &Value<'_>, at: &Position<'_>) {
        if key == "frame_mode" && !self.style.keep_frame_mode {
            return;
        }
        if key == "signature" {
            match self.style.signatures {
                Signatures::LeftOut => return,
                Signatures::LeftOutAt(place) if at.holds_signature_of(place) => return,
                Signatures::BlankAt(place) if at.holds_signature_of(place) => {
                    let blank = Value::String(Cow::Borrowed(""));
                    return self.step(key, &blank, at, None);
                }
                Signatures::LeftOutAt(_) | Signatures::BlankAt(_) => {}
            }
        }
        let top_key = (at.depth == 0).then_some(key);
        if self.style.lower_case_keys && key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.step(&key.to_ascii_lowercase(), child, at, top_key);
        } else {
            self.step(key, child, at, top_key);
        }
    }

    fn step(&mut self, key: &str, child: &Value<'_>, at: &Position<'_>, top_key: Option<&str>) {
        let parent_length = self.path.len();
        if at.depth > 0 {
            self.path.push(':');
        }
        let double = match self.style.colons {
            Colons::Doubled => true,
            Colons::DoubledAtRoot => at.depth == 0,
            Colons::Kept => false,
        };
        if double && key.contains(':') {
            self.path.push_str(&key.replace(':', "::"));
        } else {
            self.path.push_str(key);
        }
        let plain = at.plain && !key.bytes().any(natural::is_special);
        self.walk(child, &Position { depth: at.depth + 1, top_key, plain });
        self.path.truncate(parent_length);
    }

    fn push(&mut self, text: &str, at: &Position<'_>, cut: bool) {
        self.pairs.push(&self.path, text, at.plain, cut);
    }
}

/// The first sixteen bytes as a number, whose order is theirs.
fn head(path: &[u8]) -> u128 {
    if let Some(first) = path.first_chunk::<16>() {
        return u128::from_be_bytes(*first);
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(path) {
        *to = *from;
    }
    u128::from_be_bytes(bytes)
}

/// JavaScript's order of an object's sorted keys: array indices ascending, then the rest by UTF-16 code unit.
fn javascript_order(a: &str, b: &str) -> std::cmp::Ordering {
    match (array_index(a), array_index(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => utf16_order(a, b),
    }
}

/// Compares by UTF-16 code units, which differs from code point order beyond the basic plane.
pub(super) fn utf16_order(a: &str, b: &str) -> std::cmp::Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// The number of a key that JavaScript treats as an array index: 0 … 2^32 - 2 in its shortest decimal form.
fn array_index(key: &str) -> Option<u32> {
    let canonical = key == "0" || (!key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit()));
    key.parse().ok().filter(|index| canonical && *index < u32::MAX)
}
