//! Reading ISO 8583:1987 messages in ASCII.
//!
//! The decoder walks the bitmaps from the first bit to the last and asks one `match` how the element of that number is
//! written. Elements that the profile uses are kept as borrowed text, all others are stepped over, so a client may send
//! more than the profile names. Anything that cannot be cut into elements is a [`Breach`]: there is no telling where the
//! next element starts, so the connection is worth nothing any more. Whether an element's *content* makes sense is
//! decided later (`request`), where it can be answered politely.

use thiserror::Error;

/// Longest message accepted, in bytes; a longer length prefix is a protocol error.
pub(super) const LONGEST_MESSAGE: usize = 2_048;

/// Why bytes are not a message. The texts never repeat content: it may hold a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Breach {
    #[error("the message type is not four digits")]
    MessageType,
    #[error("the message type is not one of this profile")]
    UnknownMessageType,
    #[error("a bitmap is not 16 hexadecimal digits")]
    Bitmap,
    #[error("the message ends inside DE{0}")]
    Truncated(u32),
    #[error("the length of DE{0} is not a number or above what the element may have")]
    Length(u32),
    #[error("DE{0} holds bytes other than printable ASCII")]
    Characters(u32),
    #[error("bytes are left over after the last element")]
    LeftOver,
    #[error("the message has neither DE11 nor DE37, so it cannot be answered")]
    Unanswerable,
    #[error("a length of more than 2,048 bytes is announced")]
    TooLong,
}

/// How an element is written in the default ASCII specification that the profile refers to.
enum Shape {
    /// Exactly so many characters.
    Fixed(usize),
    /// Two decimal digits of length, then at most so many characters.
    Short(usize),
    /// Three decimal digits of length, then at most so many characters.
    Long(usize),
    /// Eight raw bytes (message authentication and the like; not used by the profile).
    Raw,
}

/// The shape of element `number` (2…128; bit 1 announces the second bitmap and never comes here).
fn shape(number: u32) -> Shape {
    match number {
        27 | 66 | 91 => Shape::Fixed(1),
        25 | 26 | 39 | 67 | 92 => Shape::Fixed(2),
        19..=24 | 40 | 49..=51 | 68..=70 => Shape::Fixed(3),
        13..=18 | 71 | 72 => Shape::Fixed(4),
        93 => Shape::Fixed(5),
        3 | 11 | 12 | 38 | 73 => Shape::Fixed(6),
        94 => Shape::Fixed(7),
        8..=10 | 41 => Shape::Fixed(8),
        28..=31 => Shape::Fixed(9),
        7 | 74..=81 => Shape::Fixed(10),
        4..=6 | 37 | 82..=85 => Shape::Fixed(12),
        42 => Shape::Fixed(15),
        52 | 53 | 86..=89 => Shape::Fixed(16),
        97 => Shape::Fixed(17),
        98 => Shape::Fixed(25),
        43 => Shape::Fixed(40),
        90 | 95 => Shape::Fixed(42),
        32 | 33 | 99 | 100 => Shape::Short(11),
        101 => Shape::Short(17),
        2 => Shape::Short(19),
        44 => Shape::Short(25),
        34 | 102 | 103 => Shape::Short(28),
        35 => Shape::Short(37),
        45 => Shape::Short(76),
        104 => Shape::Long(100),
        36 => Shape::Long(104),
        54 => Shape::Long(240),
        55 => Shape::Long(510),
        64 | 65 | 96 | 128 => Shape::Raw,
        _ => Shape::Long(999),
    }
}

/// A message cut into the elements that the profile uses. Has no `Debug`: it holds a card number.
#[derive(Default)]
pub(super) struct Message<'a> {
    /// Message type, four digits.
    pub(super) mti: &'a str,
    pub(super) card_number: Option<&'a str>,
    pub(super) processing_code: Option<&'a str>,
    pub(super) amount: Option<&'a str>,
    pub(super) sent_at: Option<&'a str>,
    pub(super) trace: Option<&'a str>,
    pub(super) local_time: Option<&'a str>,
    pub(super) local_date: Option<&'a str>,
    pub(super) expiry: Option<&'a str>,
    pub(super) category: Option<&'a str>,
    pub(super) entry_mode: Option<&'a str>,
    pub(super) condition: Option<&'a str>,
    pub(super) acquirer: Option<&'a str>,
    pub(super) reference: Option<&'a str>,
    pub(super) terminal: Option<&'a str>,
    pub(super) merchant: Option<&'a str>,
    pub(super) place: Option<&'a str>,
    pub(super) private: Option<&'a str>,
    pub(super) currency: Option<&'a str>,
    pub(super) network_code: Option<&'a str>,
    pub(super) original_data: Option<&'a str>,
    pub(super) replacement: Option<&'a str>,
}

/// Takes bytes off the front, never past the end.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn bitmap(&mut self) -> Result<u64, Breach> {
        let digits = self.take(16).ok_or(Breach::Bitmap)?;
        digits.iter().try_fold(0_u64, |bits, &digit| {
            let value = char::from(digit).to_digit(16).ok_or(Breach::Bitmap)?;
            Ok(bits << 4 | u64::from(value))
        })
    }

    fn length(&mut self, digits: usize, most: usize, number: u32) -> Result<usize, Breach> {
        let text = self.take(digits).ok_or(Breach::Truncated(number))?;
        let length = text.iter().try_fold(0_usize, |sum, &digit| {
            digit.is_ascii_digit().then(|| sum * 10 + usize::from(digit - b'0'))
        });
        length.filter(|&length| length <= most).ok_or(Breach::Length(number))
    }
}

impl<'a> Message<'a> {
    /// Cuts a frame (without its length prefix) into elements.
    ///
    /// # Errors
    /// A [`Breach`] when the bytes are not a message in the profile's encodings; the connection must then be closed.
    pub(super) fn decode(frame: &'a [u8]) -> Result<Self, Breach> {
        let mut rest = Cursor(frame);
        let mti = rest.take(4).filter(|mti| mti.iter().all(u8::is_ascii_digit)).ok_or(Breach::MessageType)?;
        let mut message = Message { mti: text(mti).ok_or(Breach::MessageType)?, ..Message::default() };
        let first = rest.bitmap()?;
        let second = if first >> 63 == 1 { rest.bitmap()? } else { 0 };
        // Bit 1 (the highest) belongs to the bitmap itself; the walk goes from the highest set bit to the lowest.
        let mut bits = (u128::from(first) << 64 | u128::from(second)) & (u128::MAX >> 1);
        while bits != 0 {
            let position = bits.leading_zeros();
            bits &= !(1_u128 << (127 - position));
            let number = position + 1;
            let length = match shape(number) {
                Shape::Fixed(length) => length,
                Shape::Short(most) => rest.length(2, most, number)?,
                Shape::Long(most) => rest.length(3, most, number)?,
                Shape::Raw => {
                    rest.take(8).ok_or(Breach::Truncated(number))?;
                    continue;
                }
            };
            let bytes = rest.take(length).ok_or(Breach::Truncated(number))?;
            message.keep(number, text(bytes).ok_or(Breach::Characters(number))?);
        }
        if rest.0.is_empty() { Ok(message) } else { Err(Breach::LeftOver) }
    }

    fn keep(&mut self, number: u32, text: &'a str) {
        let place = match number {
            2 => &mut self.card_number,
            3 => &mut self.processing_code,
            4 => &mut self.amount,
            7 => &mut self.sent_at,
            11 => &mut self.trace,
            12 => &mut self.local_time,
            13 => &mut self.local_date,
            14 => &mut self.expiry,
            18 => &mut self.category,
            22 => &mut self.entry_mode,
            25 => &mut self.condition,
            32 => &mut self.acquirer,
            37 => &mut self.reference,
            41 => &mut self.terminal,
            42 => &mut self.merchant,
            43 => &mut self.place,
            48 => &mut self.private,
            49 => &mut self.currency,
            70 => &mut self.network_code,
            90 => &mut self.original_data,
            95 => &mut self.replacement,
            _ => return,
        };
        *place = Some(text);
    }
}

/// The bytes as text when all of them are printable ASCII.
fn text(bytes: &[u8]) -> Option<&str> {
    let printable = bytes.iter().all(|byte| (0x20..=0x7e).contains(byte));
    std::str::from_utf8(bytes).ok().filter(|_| printable)
}
