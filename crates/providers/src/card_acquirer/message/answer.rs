//! What comes back from the acquirer.

use super::{Class, Key, ListPage, ResponseCode, listing};
use crate::card_acquirer::iso8583::{DecodeError, FieldError, Message, decode};
use crate::card_acquirer::private_data::{self as tags, InvalidTags};
use crate::card_acquirer::reference::Reference;
use crate::card_acquirer::text::Text;

/// The issuer's judgement of the verification value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CvvResult {
    /// `M`
    Match,
    /// `N`
    NoMatch,
    /// `P`, and anything else
    NotProcessed,
}

/// The acquirer's answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it answers.
    pub key: Key,
    /// DE39.
    pub code: ResponseCode,
    /// DE3 as a number.
    pub processing: u32,
    /// DE4, minor units.
    pub amount: u64,
    /// DE49, numeric.
    pub currency: u16,
    /// DE11 of the request it answers.
    pub trace: u32,
    /// DE38, in approvals.
    pub approval_code: Option<Text<6>>,
    /// DE41.
    pub terminal_id: Text<8>,
    /// DE42.
    pub merchant_id: Text<15>,
    /// DE48 tag 01.
    pub cvv_result: Option<CvvResult>,
    /// DE48 tag 08.
    pub network_transaction: Option<Text<15>>,
    /// DE48 tag 13: the issuer's judgement of the address, one letter (G-233).
    pub address_check: Option<Text<1>>,
    /// DE48 tag 25: the issuer's judgement of the name, one letter (G-237).
    pub name_check: Option<Text<1>>,
}

/// An answer whose key could be read but something else could not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What it answers.
    pub key: Key,
    /// The element at fault.
    pub field: u8,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// 0110, 0210, 0230, 0410, 0430.
    Answer(Answer),
    /// The same, unusable.
    Broken(Broken),
    /// 0810.
    Management {
        /// DE11, which pairs it with its request.
        trace: u32,
        /// DE39.
        code: ResponseCode,
    },
    /// 0810 to a request for a list.
    List(Box<ListPage>),
    /// 0800 with DE70 301: the acquirer asks whether anybody is there.
    Echo {
        /// DE11, to be given back.
        trace: u32,
        /// DE7, to be given back.
        sent: [u8; 10],
    },
}

/// Bytes that are no message this side can get; the connection cannot be trusted any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// They are no message at all.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Their message type is none that is sent to this side.
    #[error("message type {} is not sent to a connector", .0.escape_ascii())]
    MessageType([u8; 4]),
    /// What the message answers cannot be told.
    #[error(transparent)]
    Key(#[from] FieldError),
}

impl Incoming {
    /// Reads the message that fills `raw`.
    pub fn read(raw: &[u8]) -> Result<Self, ReadError> {
        let message = decode(raw)?;
        let class = match &message.mti() {
            b"0110" => Class::Authorisation,
            b"0210" => Class::Financial,
            b"0230" => Class::Capture,
            b"0410" => Class::Void,
            b"0430" => Class::Advice,
            b"0810" => return management(&message),
            b"0800" => return echo(&message),
            other => return Err(ReadError::MessageType(*other)),
        };
        let reference = message.require(37)?;
        let reference = Reference::decode(reference).map_err(|_| FieldError::Content { field: 37 })?;
        let key = Key { class, reference };
        Ok(match answer(&message, key) {
            Ok(answer) => Self::Answer(answer),
            Err(error) => Self::Broken(Broken { key, field: error.field() }),
        })
    }
}

fn answer(message: &Message<'_>, key: Key) -> Result<Answer, FieldError> {
    let Private { cvv_result, network_transaction, address_check, name_check } = private(message)?;
    Ok(Answer {
        key,
        code: code(message)?,
        processing: small(message, 3)?,
        amount: message.number(4)?,
        currency: small(message, 49)?,
        trace: small(message, 11)?,
        approval_code: match message.get(38)? {
            Some(code) => Some(Text::new(code).map_err(|_| FieldError::Content { field: 38 })?),
            None => None,
        },
        terminal_id: filled(message, 41)?,
        merchant_id: filled(message, 42)?,
        cvv_result,
        network_transaction,
        address_check,
        name_check,
    })
}

/// The tags of DE48 this side knows.
#[derive(Default)]
struct Private {
    cvv_result: Option<CvvResult>,
    network_transaction: Option<Text<15>>,
    address_check: Option<Text<1>>,
    name_check: Option<Text<1>>,
}

fn private(message: &Message<'_>) -> Result<Private, FieldError> {
    let mut found = Private::default();
    let mut fits = true;
    let Some(data) = message.get(48)? else { return Ok(found) };
    let read = tags::read(data, |tag, value| match tag {
        tags::CVV_RESULT => {
            found.cvv_result = Some(match value {
                b"M" => CvvResult::Match,
                b"N" => CvvResult::NoMatch,
                _ => CvvResult::NotProcessed,
            });
        }
        tags::NETWORK_TRANSACTION => fits &= keep(&mut found.network_transaction, value),
        tags::ADDRESS_RESULT => fits &= keep(&mut found.address_check, value),
        tags::NAME_RESULT => fits &= keep(&mut found.name_check, value),
        _ => {}
    });
    match read {
        Ok(()) if fits => Ok(found),
        Ok(()) | Err(InvalidTags) => Err(FieldError::Content { field: 48 }),
    }
}

/// Keeps a value; false when it does not fit its place.
fn keep<const N: usize>(place: &mut Option<Text<N>>, value: &[u8]) -> bool {
    *place = Text::new(value).ok();
    place.is_some()
}

fn management(message: &Message<'_>) -> Result<Incoming, ReadError> {
    let (trace, code) = (small(message, 11)?, code(message)?);
    // Other answers need not say what they answer.
    if message.get(70)?.is_some() && message.number(70)? == listing::CODE {
        return Ok(Incoming::List(Box::new(listing::read(message, trace, code)?)));
    }
    Ok(Incoming::Management { trace, code })
}

fn echo(message: &Message<'_>) -> Result<Incoming, ReadError> {
    let error = FieldError::Content { field: 7 };
    if message.number(70)? != 301 {
        return Err(FieldError::Content { field: 70 }.into());
    }
    let sent = message.require(7)?.try_into().map_err(|_| error)?;
    Ok(Incoming::Echo { trace: small(message, 11)?, sent })
}

fn code(message: &Message<'_>) -> Result<ResponseCode, FieldError> {
    let code = message.require(39)?.try_into().map_err(|_| FieldError::Content { field: 39 })?;
    Ok(ResponseCode(code))
}

/// A number that fits its type.
fn small<T: TryFrom<u64>>(message: &Message<'_>, field: u8) -> Result<T, FieldError> {
    message.number(field)?.try_into().map_err(|_| FieldError::Content { field })
}

/// A text without the spaces that fill it.
fn filled<const N: usize>(message: &Message<'_>, field: u8) -> Result<Text<N>, FieldError> {
    let value = message.require(field)?;
    let length = value.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    let error = FieldError::Content { field };
    Text::new(value.get(..length).ok_or(error)?).map_err(|_| error)
}
