//! The pairs of a text that the platform has rendered, without building its tree.
//!
//! What is to be signed is rendered first, and what the signature covers are the literals of that text. They are found here in
//! one walk over it. A text that this walk does not know its way in (escapes in keys, fractions, a key twice, anything that is
//! no JSON, and whatever is large) is left to the reader of documents, which also says what is wrong with it: both find the
//! same pairs wherever this one finds any.

use super::flatten::Pairs;
use super::natural;
use std::borrow::Cow;

/// Texts above this are left to the reader, and those whose paths come to more.
const MOST_BYTES: usize = 1 << 20;

/// Nesting below this is left to the reader.
const MOST_DEPTH: usize = 32;

/// Objects with more members are left to the reader, which does not compare each with each.
const MOST_MEMBERS: usize = 64;

/// The pairs of the platform's own form, in the order in which they are written; none where this is left to the reader.
pub(super) fn pairs(text: &str) -> Option<Pairs> {
    if text.len() > MOST_BYTES {
        return None;
    }
    let mut walk = Walk {
        text,
        at: 0,
        pairs: Pairs::with_room_for(text.len()),
        path: String::with_capacity(64),
        keys: Vec::with_capacity(32),
    };
    walk.space();
    walk.expect(b'{')?;
    walk.object(&Position { depth: 0, plain: true, signed: true })?;
    walk.space();
    (walk.at == text.len()).then_some(walk.pairs)
}

/// Where the walk stands in the tree.
#[derive(Clone, Copy)]
struct Position {
    /// Keys and indexes from the root.
    depth: usize,
    /// The path has neither digits nor white space.
    plain: bool,
    /// No member above is left out of what is signed.
    signed: bool,
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
    pairs: Pairs,
    /// Path of the value being visited.
    path: String,
    /// Keys of the objects that are open, the innermost last.
    keys: Vec<&'t str>,
}

impl<'t> Walk<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at = self.at.saturating_add(1);
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at = self.at.saturating_add(1))
    }

    /// What comes behind an item of a container: whether another item does.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        self.space();
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        if byte == b',' { Some(true) } else { (byte == end).then_some(false) }
    }

    /// The rest of an object behind its brace.
    fn object(&mut self, at: &Position) -> Option<()> {
        self.space();
        if self.expect(b'}').is_some() {
            return Some(());
        }
        let first = self.keys.len();
        loop {
            self.space();
            let (key, escaped) = self.string()?;
            let known = self.keys.get(first..)?;
            if escaped || known.len() >= MOST_MEMBERS || known.contains(&key) {
                return None;
            }
            self.keys.push(key);
            self.space();
            self.expect(b':')?;
            let signed = at.signed && key != "signature" && key != "frame_mode";
            self.step(key, &Position { signed, ..*at })?;
            if !self.goes_on(b'}')? {
                break;
            }
        }
        self.keys.truncate(first);
        Some(())
    }

    /// The rest of a list behind its bracket.
    fn list(&mut self, at: &Position) -> Option<()> {
        self.space();
        if self.expect(b']').is_some() {
            return Some(());
        }
        for index in 0_usize.. {
            self.step(&index.to_string(), at)?;
            if !self.goes_on(b']')? {
                break;
            }
        }
        Some(())
    }

    /// The value below a key or an index.
    fn step(&mut self, key: &str, at: &Position) -> Option<()> {
        let parent_length = self.path.len();
        if at.depth > 0 {
            self.path.push(':');
        }
        if key.contains(':') {
            self.path.push_str(&key.replace(':', "::"));
        } else {
            self.path.push_str(key);
        }
        let depth = at.depth.saturating_add(1);
        let plain = at.plain && !key.bytes().any(natural::is_special);
        self.space();
        self.value(&Position { depth, plain, signed: at.signed })?;
        self.path.truncate(parent_length);
        Some(())
    }

    fn value(&mut self, at: &Position) -> Option<()> {
        let first = self.peek()?;
        match first {
            b'{' | b'[' if at.depth >= MOST_DEPTH => None,
            b'{' => {
                self.at = self.at.saturating_add(1);
                self.object(at)
            }
            b'[' => {
                self.at = self.at.saturating_add(1);
                self.list(at)
            }
            b'"' => {
                let (raw, escaped) = self.string()?;
                let text = if escaped { Cow::Owned(unescaped(raw)?) } else { Cow::Borrowed(raw) };
                self.push(&text, at)
            }
            b't' => self.word("true", "1", at),
            b'f' => self.word("false", "0", at),
            b'n' => self.word("null", "", at),
            _ => {
                let number = self.integer()?;
                self.push(number, at)
            }
        }
    }

    fn word(&mut self, word: &str, means: &str, at: &Position) -> Option<()> {
        let end = self.at.checked_add(word.len())?;
        if self.text.get(self.at..end)? != word {
            return None;
        }
        self.at = end;
        self.push(means, at)
    }

    /// The literal of a number without fraction and exponent.
    fn integer(&mut self) -> Option<&'t str> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest.get(sign..)?;
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_number = length == 1 || (length > 1 && digits.first() != Some(&b'0'));
        let goes_on = matches!(digits.get(length), Some(b'.' | b'e' | b'E'));
        let end = self.at.checked_add(sign)?.checked_add(length)?;
        let literal = self.text.get(self.at..end).filter(|_| is_number && !goes_on)?;
        self.at = end;
        Some(literal)
    }

    /// What stands between two quotation marks, and whether it has escapes.
    fn string(&mut self) -> Option<(&'t str, bool)> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '))?;
            let end = self.at.checked_add(length)?;
            match rest.get(length)? {
                b'"' => {
                    self.at = end.saturating_add(1);
                    return Some((self.text.get(start..end)?, escaped));
                }
                b'\\' => {
                    escaped = true;
                    self.at = end.saturating_add(2);
                }
                _ => return None,
            }
        }
    }

    fn push(&mut self, text: &str, at: &Position) -> Option<()> {
        if at.signed {
            self.pairs.push(&self.path, text, at.plain, false);
        }
        (self.pairs.bytes() <= MOST_BYTES).then_some(())
    }
}

/// A text with escapes, decoded; none where it is no JSON or holds U+0000.
fn unescaped(raw: &str) -> Option<String> {
    let mut quoted = String::with_capacity(raw.len().saturating_add(2));
    quoted.push('"');
    quoted.push_str(raw);
    quoted.push('"');
    serde_json::from_str::<String>(&quoted).ok().filter(|text| !text.contains('\0'))
}
