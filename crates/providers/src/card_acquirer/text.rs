//! Short texts kept in place: ids, codes and names of at most a few dozen characters, without an allocation.

use std::fmt;

/// At most `N` printable ASCII characters, stored inside the value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

/// The text is longer than its place or has a character outside printable ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text has more than {limit} characters or one outside printable ASCII")]
pub struct InvalidText {
    /// Characters the place has.
    pub limit: usize,
}

impl<const N: usize> Text<N> {
    /// Takes `text` as it is.
    pub fn new(text: &[u8]) -> Result<Self, InvalidText> {
        let error = InvalidText { limit: N };
        if !text.iter().all(|byte| (0x20..=0x7E).contains(byte)) {
            return Err(error);
        }
        let mut bytes = [0; N];
        bytes.get_mut(..text.len()).ok_or(error)?.copy_from_slice(text);
        Ok(Self { bytes, length: u8::try_from(text.len()).map_err(|_| error)? })
    }

    /// Takes any text: characters outside printable ASCII become `?`, what does not fit is cut off.
    pub fn lossy(text: &str) -> Self {
        let mut value = Self { bytes: [0; N], length: 0 };
        for (place, character) in value.bytes.iter_mut().zip(text.chars()) {
            *place = u8::try_from(character).ok().filter(|byte| (0x20..=0x7E).contains(byte)).unwrap_or(b'?');
            value.length = value.length.saturating_add(1);
        }
        value
    }

    /// The characters.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The characters as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether there is no character.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_what_fits_and_refuses_what_does_not() {
        assert_eq!(Text::<4>::new(b"TERM").unwrap().as_str(), "TERM");
        assert!(Text::<4>::new(b"TERM0").is_err());
        assert!(Text::<4>::new(b"a\nb").is_err());
        assert!(Text::<4>::new(b"").unwrap().is_empty());
    }

    #[test]
    fn a_lossy_text_replaces_foreign_characters_and_cuts_the_rest() {
        assert_eq!(Text::<6>::lossy("R\u{12b}ga\u{1f600}!!").as_str(), "R?ga?!");
    }
}
