//! Taking the body of a request within the bounds of size, time and memory.
//!
//! Most bodies are small and always have room: connections are bounded, so that all small bodies together are, too.
//! What larger ones hold beyond that comes out of one allowance for the whole process, so that many clients that
//! send as much as they may at the same time cannot fill the memory.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What every body may hold, bytes.
const SMALL_BODY: usize = 16 * 1024;

/// What all bodies together may hold beyond that, bytes: the allowance of the process.
static ROOM: Semaphore = Semaphore::const_new(64 * 1024 * 1024);

/// How long a client may take to send a body.
const TIME_OUT: Duration = Duration::from_secs(15);

/// A body, with the room it takes.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) bytes: Vec<u8>,
    room: Option<SemaphorePermit<'static>>,
}

impl Taken {
    fn add(&mut self, piece: &Bytes, most: usize, room: &'static Semaphore) -> Result<(), u16> {
        let length = self.bytes.len().saturating_add(piece.len());
        if length > most {
            return Err(413);
        }
        let held = self.room.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = length.saturating_sub(SMALL_BODY).saturating_sub(held);
        if missing > 0 {
            let more = u32::try_from(missing).ok().and_then(|missing| room.try_acquire_many(missing).ok());
            let Some(more) = more else { return Err(503) };
            match &mut self.room {
                Some(room) => room.merge(more),
                none => *none = Some(more),
            }
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

/// Takes the whole body, of at most so many bytes. Error: the status to refuse it with, 413 when it is too large, 408
/// when it takes too long, 503 when there is no room for it at the moment, and 400 when it breaks off.
pub(crate) async fn take(body: Body, most: usize) -> Result<Taken, u16> {
    tokio::time::timeout(TIME_OUT, collect(body, most, &ROOM)).await.unwrap_or(Err(408))
}

async fn collect(mut body: Body, most: usize, room: &'static Semaphore) -> Result<Taken, u16> {
    let mut taken = Taken { bytes: Vec::new(), room: None };
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame.map_err(|_| 400_u16)?.into_data() {
            taken.add(&piece, most, room)?;
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_BODY: usize = 1024 * 1024;

    #[tokio::test]
    async fn large_bodies_share_one_allowance_and_small_ones_always_have_room() {
        static ROOM: Semaphore = Semaphore::const_new(MAX_BODY);
        let large = || Body::from(vec![b' '; MAX_BODY]);
        let first = collect(large(), MAX_BODY, &ROOM).await.unwrap();
        assert_eq!(first.bytes.len(), MAX_BODY);
        assert_eq!(collect(large(), MAX_BODY, &ROOM).await.unwrap_err(), 503);
        let small = collect(Body::from(vec![b' '; SMALL_BODY]), MAX_BODY, &ROOM).await.unwrap();
        assert_eq!(small.bytes.len(), SMALL_BODY);
        drop(first);
        assert_eq!(collect(large(), MAX_BODY, &ROOM).await.unwrap().bytes.len(), MAX_BODY);
        assert_eq!(ROOM.available_permits(), MAX_BODY, "what was held is given back");
    }

    #[tokio::test]
    async fn a_body_beyond_the_bound_is_refused() {
        static ROOM: Semaphore = Semaphore::const_new(2 * MAX_BODY);
        assert_eq!(collect(Body::from(vec![b' '; MAX_BODY + 1]), MAX_BODY, &ROOM).await.unwrap_err(), 413);
        assert_eq!(ROOM.available_permits(), 2 * MAX_BODY);
    }
}
