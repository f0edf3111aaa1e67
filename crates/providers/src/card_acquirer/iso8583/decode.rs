//! Reading messages.

use super::spec::{Length, spec};
use super::{MAX_MESSAGE, bit};

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`MAX_MESSAGE`].
    #[error("{length} bytes are more than a message may have")]
    TooLong {
        /// Bytes given.
        length: usize,
    },
    /// The message type is missing or not four digits.
    #[error("the message type is not four digits")]
    MessageType,
    /// A bitmap is missing or not 16 hexadecimal digits.
    #[error("a bitmap is not 16 hexadecimal digits")]
    Bitmap,
    /// The length in front of an element is no number.
    #[error("the length of DE{field} is not a number")]
    LengthDigits {
        /// The element.
        field: u8,
    },
    /// The length in front of an element is above the element's limit.
    #[error("DE{field} is longer than it may be")]
    Length {
        /// The element.
        field: u8,
    },
    /// The message ends inside an element.
    #[error("the message ends inside DE{field}")]
    Truncated {
        /// The element.
        field: u8,
    },
    /// An element has a byte outside printable ASCII.
    #[error("DE{field} has a byte outside printable ASCII")]
    NotPrintable {
        /// The element.
        field: u8,
    },
    /// There are bytes after the last element.
    #[error("{count} bytes follow the last element")]
    Trailing {
        /// How many.
        count: usize,
    },
}

/// Why an element cannot be used. Names the element, never its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It is not in the message.
    #[error("DE{field} is missing")]
    Missing {
        /// The element.
        field: u8,
    },
    /// It has a character it may not have, or a value that makes no sense.
    #[error("DE{field} is malformed")]
    Content {
        /// The element.
        field: u8,
    },
}

impl FieldError {
    /// The element's number.
    pub const fn field(self) -> u8 {
        match self {
            Self::Missing { field } | Self::Content { field } => field,
        }
    }
}

/// A message whose elements have been found; borrows from the bytes it was read from.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    raw: &'a [u8],
    mti: [u8; 4],
    bitmap: u128,
    spans: [(u16, u16); 127],
}

/// Finds the elements of the message that fills `raw`.
pub fn decode(raw: &[u8]) -> Result<Message<'_>, DecodeError> {
    if raw.len() > MAX_MESSAGE {
        return Err(DecodeError::TooLong { length: raw.len() });
    }
    let (mti, rest) = raw.split_first_chunk::<4>().ok_or(DecodeError::MessageType)?;
    if !mti.iter().all(u8::is_ascii_digit) {
        return Err(DecodeError::MessageType);
    }
    let (primary, mut rest) = rest.split_first_chunk::<16>().ok_or(DecodeError::Bitmap)?;
    let mut bitmap = u128::from(bitmap_half(*primary)?) << 64;
    if bitmap & bit(1) != 0 {
        let (secondary, after) = rest.split_first_chunk::<16>().ok_or(DecodeError::Bitmap)?;
        bitmap = (bitmap & !bit(1)) | u128::from(bitmap_half(*secondary)?);
        rest = after;
    }
    let mut spans = [(0, 0); 127];
    let mut left = bitmap;
    while left != 0 {
        let field = u8::try_from(left.leading_zeros() + 1).map_err(|_| DecodeError::Bitmap)?;
        left &= !bit(field);
        let (length, after) = element_length(field, rest)?;
        let (value, after) = after.split_at_checked(length).ok_or(DecodeError::Truncated { field })?;
        if !value.iter().all(|byte| (0x20..=0x7E).contains(byte)) {
            return Err(DecodeError::NotPrintable { field });
        }
        let start = raw.len() - after.len() - length;
        let span = (u16::try_from(start), u16::try_from(length));
        if let (Some(place), (Ok(start), Ok(length))) = (spans.get_mut(usize::from(field - 2)), span) {
            *place = (start, length);
        }
        rest = after;
    }
    if rest.is_empty() {
        Ok(Message { raw, mti: *mti, bitmap, spans })
    } else {
        Err(DecodeError::Trailing { count: rest.len() })
    }
}

/// The length of element `field`, and what follows the digits that tell it.
fn element_length(field: u8, rest: &[u8]) -> Result<(usize, &[u8]), DecodeError> {
    let spec = spec(field).ok_or(DecodeError::Bitmap)?;
    let (digits, most) = match spec.length {
        Length::Fixed(length) => return Ok((usize::from(length), rest)),
        Length::Ll(most) => (2, most),
        Length::Lll(most) => (3, most),
    };
    let (digits, after) = rest.split_at_checked(digits).ok_or(DecodeError::Truncated { field })?;
    let length = decimal(digits).ok_or(DecodeError::LengthDigits { field })?;
    if length > u64::from(most) {
        return Err(DecodeError::Length { field });
    }
    Ok((usize::try_from(length).unwrap_or_default(), after))
}

fn bitmap_half(text: [u8; 16]) -> Result<u64, DecodeError> {
    text.iter().try_fold(0, |half, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'F' => byte - b'A' + 10,
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return Err(DecodeError::Bitmap),
        };
        Ok((half << 4) | u64::from(digit))
    })
}

/// Reads up to 19 decimal digits; nothing else may stand among them.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

impl<'a> Message<'a> {
    /// The message type, four digits.
    pub const fn mti(&self) -> [u8; 4] {
        self.mti
    }

    /// Whether element `field` is there.
    pub const fn has(&self, field: u8) -> bool {
        self.bitmap & bit(field) != 0
    }

    /// The elements that are there, in rising order.
    pub fn fields(&self) -> impl Iterator<Item = u8> + '_ {
        (2..=128).filter(|field| self.has(*field))
    }

    /// Element `field` as it was received, when it is there and its characters are of its class.
    pub fn get(&self, field: u8) -> Result<Option<&'a [u8]>, FieldError> {
        if !self.has(field) {
            return Ok(None);
        }
        let error = FieldError::Content { field };
        let (start, length) = field
            .checked_sub(2)
            .and_then(|index| self.spans.get(usize::from(index)))
            .map(|(start, length)| (usize::from(*start), usize::from(*length)))
            .ok_or(error)?;
        let value = self.raw.get(start..start + length).ok_or(error)?;
        if spec(field).is_some_and(|spec| spec.class.allows(value)) { Ok(Some(value)) } else { Err(error) }
    }

    /// Element `field`, which has to be there.
    pub fn require(&self, field: u8) -> Result<&'a [u8], FieldError> {
        self.get(field)?.ok_or(FieldError::Missing { field })
    }

    /// Numeric element `field` of at most 19 digits, which has to be there.
    pub fn number(&self, field: u8) -> Result<u64, FieldError> {
        decimal(self.require(field)?).ok_or(FieldError::Content { field })
    }
}

impl std::fmt::Debug for Message<'_> {
    /// Message type and the numbers of its elements; no content, which may be card data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", std::str::from_utf8(&self.mti).unwrap_or_default())?;
        f.debug_list().entries(self.fields()).finish()
    }
}
