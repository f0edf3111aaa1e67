//! What the platform logs while it is simulated: part of the trace, and some of it must not be there.

use crate::world::World;
use std::{
    fmt::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Parts of messages that tell of a defect: nothing that fails outside brings them about.
const DEFECTS: [&str; 4] = ["could not be applied", "contradicts", "has no step", "the vault failed"];

/// Takes warnings and errors into the trace of a world.
pub(crate) struct Log {
    world: Arc<World>,
    spans: AtomicU64,
}

impl Log {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world, spans: AtomicU64::new(1) }
    }
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = if field.name() == "message" {
            write!(self.0, " {value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("ferropay")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.world.note(format_args!("log {}:{}", event.metadata().level(), line.0));
        if DEFECTS.iter().any(|defect| line.0.contains(defect)) {
            self.world.finding(format!("logged:{}", line.0));
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
