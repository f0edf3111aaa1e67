//! How an exchange can end without an answer.
//!
//! The one question that matters afterwards is whether the request can have been processed. The two sides of
//! [`Exchange`] answer it; everything in doubt is on the side of *unknown*.

use crate::card_acquirer::iso8583::EncodeError;
use crate::card_acquirer::message::Stamp;

/// An exchange without a usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exchange {
    /// Nothing of this request left the process. (An earlier request under the same reference may have.)
    #[error("not sent: {0}")]
    NotSent(#[source] NotSent),
    /// The request may have been processed. Whoever asked has to find out or undo it.
    #[error("outcome unknown: {reason}")]
    Unknown {
        /// Why there is no answer.
        #[source]
        reason: Unknown,
        /// Trace number and time of the request, for the original data of a reversal.
        stamp: Stamp,
    },
}

/// Why a request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Every usable connection has as many requests in flight as it may have.
    #[error("too many requests are in flight")]
    Overloaded,
    /// No connection was signed on within the time allowed for waiting.
    #[error("no connection to the acquirer is signed on")]
    NoConnection,
    /// The connection was lost while the request waited to be written.
    #[error("the connection was lost before the request was written")]
    ConnectionLost,
    /// The time was up while the request still waited to be written: the acquirer does not read.
    #[error("the request could not be written in time")]
    NotWritten,
    /// A request of the same class under the same reference is waiting for its answer.
    #[error("a request under the same reference is in flight")]
    InFlight,
    /// The link is being closed.
    #[error("the link is closing")]
    Closing,
    /// The request cannot be written as a message.
    #[error("the request is invalid: {0}")]
    Invalid(#[source] EncodeError),
}

/// Why the outcome of a request is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection was lost after the writing of the request had begun.
    #[error("the connection was lost")]
    ConnectionLost,
    /// The connection was given up because bytes on it were no message.
    #[error("the acquirer sent bytes that are no message")]
    Garbage,
    /// The answer lacks an element, or has one that makes no sense.
    #[error("DE{field} of the answer is missing or malformed")]
    Malformed {
        /// The element.
        field: u8,
    },
    /// The answer does not fit the request, as another amount.
    #[error("DE{field} of the answer contradicts the request")]
    Contradiction {
        /// The element.
        field: u8,
    },
}
