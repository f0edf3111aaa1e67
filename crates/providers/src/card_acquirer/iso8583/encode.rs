//! Writing messages.

use super::spec::{Length, Spec, spec};
use super::{MAX_MESSAGE, bit};

/// Hexadecimal digits of a bitmap.
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Why a message cannot be written. Names the element, never its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The element has no format, or needs the secondary bitmap and the message was begun without.
    #[error("DE{field} cannot be written to this message")]
    Field {
        /// The element.
        field: u8,
    },
    /// Elements were not given in rising order.
    #[error("DE{field} comes after a later element")]
    Order {
        /// The element.
        field: u8,
    },
    /// The value has the wrong length for the element.
    #[error("DE{field} has the wrong length")]
    Length {
        /// The element.
        field: u8,
    },
    /// The value has a character the element may not have.
    #[error("DE{field} has a character it may not have")]
    Content {
        /// The element.
        field: u8,
    },
    /// The message would be longer than [`MAX_MESSAGE`].
    #[error("the message is longer than {MAX_MESSAGE} bytes")]
    TooLong,
}

/// Appends one message to a buffer. The first error sticks; [`finish`](Self::finish) reports it and takes back what
/// was written.
#[derive(Debug)]
pub struct Encoder<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    secondary: bool,
    last: u8,
    bitmap: u128,
    open: Option<(u8, usize)>,
    error: Option<EncodeError>,
}

impl<'b> Encoder<'b> {
    /// Begins a message with the message type `mti`; `secondary` when an element above 64 will follow.
    pub fn new(out: &'b mut Vec<u8>, mti: [u8; 4], secondary: bool) -> Self {
        let start = out.len();
        out.extend_from_slice(&mti);
        out.extend_from_slice(if secondary { &[b'0'; 32] } else { &[b'0'; 16] });
        Self { out, start, secondary, last: 1, bitmap: 0, open: None, error: None }
    }

    /// Writes `value` as it is; a fixed element has to have its full length.
    pub fn put(&mut self, field: u8, value: &[u8]) {
        let Some(spec) = self.enter(field) else { return };
        let fits = match spec.length {
            Length::Fixed(length) => value.len() == usize::from(length),
            Length::Ll(most) | Length::Lll(most) => value.len() <= usize::from(most),
        };
        if !fits {
            return self.fail(EncodeError::Length { field });
        }
        if !spec.class.allows(value) {
            return self.fail(EncodeError::Content { field });
        }
        match spec.length {
            Length::Fixed(_) => {}
            Length::Ll(_) => self.push_number(value.len() as u64, 2),
            Length::Lll(_) => self.push_number(value.len() as u64, 3),
        }
        self.push(value);
    }

    /// Writes `number` zero-filled to the length of a fixed element.
    pub fn number(&mut self, field: u8, number: u64) {
        let Some(spec) = self.enter(field) else { return };
        let Length::Fixed(length) = spec.length else {
            return self.fail(EncodeError::Length { field });
        };
        if number.checked_ilog10().is_some_and(|digits| digits >= u32::from(length)) {
            return self.fail(EncodeError::Length { field });
        }
        self.push_number(number, usize::from(length));
    }

    /// Writes `value` filled with spaces to the length of a fixed element.
    pub fn padded(&mut self, field: u8, value: &[u8]) {
        let Some(spec) = self.enter(field) else { return };
        let Length::Fixed(length) = spec.length else {
            return self.fail(EncodeError::Length { field });
        };
        let Some(missing) = usize::from(length).checked_sub(value.len()) else {
            return self.fail(EncodeError::Length { field });
        };
        if !spec.class.allows(value) {
            return self.fail(EncodeError::Content { field });
        }
        self.push(value);
        self.out.resize(self.out.len() + missing, b' ');
    }

    /// Writes an element of variable length from parts that `parts` pushes; nothing is written when it pushes none.
    pub fn assemble(&mut self, field: u8, parts: impl FnOnce(&mut Self)) {
        let (last, bitmap) = (self.last, self.bitmap);
        let Some(spec) = self.enter(field) else { return };
        let (Length::Ll(most) | Length::Lll(most)) = spec.length else {
            return self.fail(EncodeError::Length { field });
        };
        let digits = if matches!(spec.length, Length::Ll(_)) { 2 } else { 3 };
        let place = self.out.len();
        self.push_number(0, digits);
        self.open = Some((field, self.out.len()));
        parts(self);
        let Some((_, from)) = self.open.take() else { return };
        let value = self.out.get(from..).unwrap_or_default();
        if value.is_empty() {
            self.out.truncate(place);
            (self.last, self.bitmap) = (last, bitmap);
            return;
        }
        if value.len() > usize::from(most) {
            return self.fail(EncodeError::Length { field });
        }
        if !spec.class.allows(value) {
            return self.fail(EncodeError::Content { field });
        }
        let length = value.len() as u64;
        if let Some(target) = self.out.get_mut(place..from) {
            write_number(length, target);
        }
    }

    /// Appends raw bytes to the element that is open.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Appends `number` in `digits` decimal digits; higher digits are lost, so the caller has checked its size.
    pub(crate) fn push_number(&mut self, number: u64, digits: usize) {
        let from = self.out.len();
        self.out.resize(from + digits, b'0');
        write_number(number, self.out.get_mut(from..).unwrap_or_default());
    }

    /// Remembers `error` unless there was one before.
    pub(crate) fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }

    /// Fills in the bitmaps. On an error the buffer is as it was before the message was begun.
    pub fn finish(mut self) -> Result<usize, EncodeError> {
        let length = self.out.len() - self.start;
        if length > MAX_MESSAGE {
            self.fail(EncodeError::TooLong);
        }
        if let Some(error) = self.error {
            self.out.truncate(self.start);
            return Err(error);
        }
        let bitmap = if self.secondary { self.bitmap | bit(1) } else { self.bitmap };
        let digits = if self.secondary { 32 } else { 16 };
        let from = self.start + 4;
        for (place, shift) in
            self.out.get_mut(from..from + digits).unwrap_or_default().iter_mut().zip((0..32).rev())
        {
            let digit = usize::try_from((bitmap >> (shift * 4)) & 0xF).unwrap_or_default();
            *place = HEX.get(digit).copied().unwrap_or(b'0');
        }
        Ok(length)
    }

    fn enter(&mut self, field: u8) -> Option<&'static Spec> {
        if self.error.is_some() {
            return None;
        }
        let Some(spec) = spec(field).filter(|_| field <= 64 || self.secondary) else {
            self.fail(EncodeError::Field { field });
            return None;
        };
        if field <= self.last {
            self.fail(EncodeError::Order { field });
            return None;
        }
        self.last = field;
        self.bitmap |= bit(field);
        Some(spec)
    }
}

/// Writes the last digits of `number` into `target`, zero-filled.
fn write_number(mut number: u64, target: &mut [u8]) {
    for place in target.iter_mut().rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}
