//! Reading and writing frames on one socket.

use super::connection::Connection;
use crate::card_acquirer::iso8583::MAX_MESSAGE;
use crate::card_acquirer::message::{Answer, Incoming, ReadError};
use bytes::{Buf as _, BytesMut};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use zeroize::{Zeroize as _, Zeroizing};

/// Room for one read.
const READ_SIZE: usize = 32 * 1024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// The acquirer closed it.
    #[error("closed by the acquirer")]
    Closed,
    /// The socket failed.
    #[error("socket failed: {0}")]
    Socket(#[from] io::Error),
    /// A frame was longer than a message can be.
    #[error("a frame of {0} bytes was announced")]
    Oversize(usize),
    /// A frame was no message.
    #[error("a frame was no message: {0}")]
    Garbage(#[from] ReadError),
    /// No TCP connection in time.
    #[error("no TCP connection in time")]
    ConnectTimedOut,
    /// The sign-on was refused.
    #[error("sign-on refused with {0:?}")]
    Refused(crate::card_acquirer::message::ResponseCode),
    /// The sign-on was not answered.
    #[error("sign-on not answered")]
    SignOnTimedOut,
    /// An echo was not answered.
    #[error("echo not answered")]
    EchoTimedOut,
    /// Signed off because the link closes.
    #[error("signed off")]
    SignedOff,
}

/// What stands at the front of the read buffer.
#[derive(Debug, PartialEq, Eq)]
enum Front<'a> {
    /// Not yet a whole frame.
    Part,
    /// A frame; length 0 is a keep-alive.
    Frame(&'a [u8]),
    /// A frame longer than allowed.
    Oversize(usize),
}

fn front(buffer: &[u8]) -> Front<'_> {
    let Some((head, rest)) = buffer.split_first_chunk::<2>() else { return Front::Part };
    let length = usize::from(u16::from_be_bytes(*head));
    if length > MAX_MESSAGE {
        return Front::Oversize(length);
    }
    rest.get(..length).map_or(Front::Part, Front::Frame)
}

/// Reads frames until the connection ends; `received` is told of every read.
pub(super) async fn read(
    connection: &Connection,
    mut socket: OwnedReadHalf,
    received: impl Fn(),
    unsolicited: &(dyn Fn(Answer) + Send + Sync),
) -> End {
    let mut buffer = BytesMut::with_capacity(2 * READ_SIZE);
    let mut incoming = Vec::new();
    let mut done = Vec::new();
    loop {
        buffer.reserve(READ_SIZE);
        match socket.read_buf(&mut buffer).await {
            Ok(0) => return End::Closed,
            Ok(_) => received(),
            Err(error) => return End::Socket(error),
        }
        let end = frames(&mut buffer, &mut incoming);
        if !incoming.is_empty() {
            connection.settle(&mut incoming, &mut done, unsolicited);
        }
        if let Err(end) = end {
            return end;
        }
    }
}

/// Moves the whole frames at the front of `buffer` to `incoming`. On an error those before the bad one are there.
fn frames(buffer: &mut BytesMut, incoming: &mut Vec<Incoming>) -> Result<(), End> {
    loop {
        let frame = match front(buffer) {
            Front::Part => return Ok(()),
            Front::Oversize(length) => return Err(End::Oversize(length)),
            Front::Frame(frame) => frame,
        };
        let length = frame.len();
        if length > 0 {
            incoming.push(Incoming::read(frame)?);
        }
        buffer.advance(length + 2);
    }
}

/// Writes whatever gathers, all of it in one write, until the socket fails.
pub(super) async fn write(connection: &Connection, mut socket: OwnedWriteHalf) -> End {
    // Holds card data until it is written, so it is cleared on every way out.
    let mut batch = Zeroizing::new(Vec::with_capacity(16 * 1024));
    loop {
        if !connection.take_batch(&mut batch) {
            connection.wake.notified().await;
            continue;
        }
        let written = socket.write_all(&batch).await;
        batch.as_mut_slice().zeroize();
        batch.clear();
        if let Err(error) = written {
            return End::Socket(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_is_complete_only_with_its_last_byte() {
        assert_eq!(front(b""), Front::Part);
        assert_eq!(front(b"\x00"), Front::Part);
        assert_eq!(front(b"\x00\x02a"), Front::Part);
        assert_eq!(front(b"\x00\x02abc"), Front::Frame(b"ab"));
        assert_eq!(front(b"\x00\x00abc"), Front::Frame(b""));
        assert_eq!(front(b"\x08\x01"), Front::Oversize(2049));
        assert_eq!(front(b"\x08\x00"), Front::Part);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic_or_wait_for_more_than_one_message(
            raw in proptest::collection::vec(any::<u8>(), 0..5000),
        ) {
            let mut buffer = BytesMut::from(raw.as_slice());
            if frames(&mut buffer, &mut Vec::new()).is_ok() {
                prop_assert!(buffer.len() < MAX_MESSAGE + 2);
            }
        }
    }
}
