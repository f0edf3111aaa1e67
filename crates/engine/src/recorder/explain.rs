//! Working out why a signature was refused, beside the path of requests.
//!
//! The explanation recomputes hundreds of signatures, which a client that sends nonsense must not be able to make the
//! platform do without end. A few at a time are worked out on threads of their own; requests beyond that are recorded
//! without one. The body with its card data exists only in the thread and is wiped there; what is kept is masked.

use super::Recorder;
use crate::projects::KnownProject;
use ferropay_domain::time::Timestamp;
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Explanation, Mistake, Place, Tolerance},
};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering},
};
use zeroize::Zeroizing;

/// How many are worked out at a time.
const AT_A_TIME: u32 = 2;

/// The longest body that is explained, bytes.
const LONGEST: usize = 64 * 1024;

/// Why a signature was refused, with card data masked.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The signature that was sent; empty when there was none.
    pub sent: String,
    /// The signature of what arrived, with the project's secret.
    pub expected: String,
    /// The fewest mistakes that together reproduce the signature that was sent.
    pub mistakes: Vec<Mistake>,
    /// The member that was added after signing, as a path.
    pub added: Option<String>,
    /// It is right with a secret of the project that is no longer valid.
    pub old_secret: bool,
    /// The pairs as the platform signs them.
    pub arrived: Vec<String>,
    /// The pairs the signature that was sent covers, when that was found.
    pub signed: Option<Vec<String>>,
}

impl Recorder {
    /// Begins to explain a refused signature; none when too many are being explained, or the body is too long.
    pub fn explain(
        self: &Arc<Self>,
        known: &Arc<KnownProject>,
        body: &[u8],
        place: Place,
        now: Timestamp,
    ) -> Option<Arc<OnceLock<Explained>>> {
        let slot = Slot::take(&self.explaining)?;
        if body.len() > LONGEST {
            return None;
        }
        let (recorder, known) = (self.clone(), known.clone());
        let body = Zeroizing::new(body.to_vec());
        let result = Arc::new(OnceLock::new());
        let place_of_result = result.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(explained) = explained(&known, &body, place, now) {
                // Nobody else writes to it.
                let _first = place_of_result.set(explained);
                recorder.wake();
            }
            drop(slot);
        });
        Some(result)
    }
}

fn explained(known: &KnownProject, body: &[u8], place: Place, now: Timestamp) -> Option<Explained> {
    let document = Document::parse(body, Limits::INCOMING).ok()?;
    let tolerance = Tolerance::NONE;
    let valid = known.valid_secrets(now);
    let Explanation { orders, mistakes, added, arrived, signed, .. } =
        signature::explain(&document, place, &valid, tolerance);
    let old_secret = signature::verify(&document, place, &known.every_secret(), tolerance).is_ok();
    let places = [place, Place::General, Place::Root, Place::Customer];
    let sent = places.iter().find_map(|place| place.find(&document)?.as_str()).unwrap_or_default();
    Some(Explained {
        // What stands at the place of the signature may be anything.
        sent: ferropay_wire::mask::masked_text(sent.get(..sent.floor_char_boundary(200)).unwrap_or_default()),
        expected: orders.into_iter().next().and_then(|order| order.signature).unwrap_or_default(),
        mistakes,
        added,
        old_secret,
        arrived,
        signed,
    })
}

struct Slot(Arc<AtomicU32>);

impl Slot {
    fn take(count: &Arc<AtomicU32>) -> Option<Self> {
        let free = |taken: u32| (taken < AT_A_TIME).then_some(taken.saturating_add(1));
        count.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).ok()?;
        Some(Self(count.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
