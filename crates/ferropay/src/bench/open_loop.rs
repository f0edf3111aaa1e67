//! Load that comes at its own times, whether or not earlier requests have been answered, as customers do.
//!
//! Each sale has a moment at which it was to be sent, and its latencies count from there. So a platform that stops for a
//! while is charged with everybody who would have come meanwhile, where a generator that waits for answers would have sent
//! nothing and noticed one slow answer only.

use super::{
    latencies,
    load::{Connection, LOST_AFTER, Plan, connect, send, unused},
    micros,
    receiver::{News, Receiver},
};
use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};

/// How many may be under way; what comes on top of these counts as lost, since the system has no more connections.
const MOST_UNDER_WAY: usize = 16_384;

/// What came of it. Latencies are microseconds from the moment a sale was to be sent.
pub(crate) struct Outcome {
    pub(crate) finished: u64,
    pub(crate) refused: u64,
    pub(crate) unsuccessful: u64,
    pub(crate) lost: u64,
    /// To the acceptance reply.
    pub(crate) accepted: Histogram<u64>,
    /// To the final callback.
    pub(crate) final_callback: Histogram<u64>,
    /// To the moment it was sent: what the generator itself adds.
    pub(crate) sent: Histogram<u64>,
}

/// What came of one sale.
enum Sample {
    Finished { sent: Duration, accepted: Duration, ended: Duration, paid: bool },
    Refused,
    Lost,
}

/// A sale and when it is to be sent.
struct Sale {
    number: u32,
    payment_id: String,
    path: &'static str,
    body: String,
    intended: Instant,
}

/// What all sales share.
struct Generator {
    plan: Plan,
    receiver: Arc<Receiver>,
    /// Connections nobody uses at the moment, by node.
    idle: Vec<Mutex<Vec<Connection>>>,
}

/// Sends `per_second` sales for `span`, at even distances.
pub(crate) async fn run(
    plan: Plan,
    receiver: Arc<Receiver>,
    per_second: u32,
    span: Duration,
) -> Result<Outcome> {
    let idle = plan.addresses.iter().map(|_| Mutex::default()).collect();
    let generator = Arc::new(Generator { plan, receiver, idle });
    let (samples, mut taken) = mpsc::unbounded_channel();
    let runtime = Handle::current();
    // The runtime's timers have a resolution of a millisecond: a thread of its own keeps the time.
    let pacer = std::thread::Builder::new()
        .name("pacer".to_owned())
        .spawn(move || pace(&generator, &runtime, &samples, per_second, span))
        .context("the thread that keeps the time cannot be started")?;
    let mut outcome = Outcome {
        finished: 0,
        refused: 0,
        unsuccessful: 0,
        lost: 0,
        accepted: latencies()?,
        final_callback: latencies()?,
        sent: latencies()?,
    };
    while let Some(sample) = taken.recv().await {
        match sample {
            Sample::Finished { sent, accepted, ended, paid } => {
                outcome.finished += 1;
                outcome.unsuccessful += u64::from(!paid);
                outcome.sent.saturating_record(micros(sent));
                outcome.accepted.saturating_record(micros(accepted));
                outcome.final_callback.saturating_record(micros(ended));
            }
            Sample::Refused => outcome.refused += 1,
            Sample::Lost => outcome.lost += 1,
        }
    }
    drop(pacer.join());
    Ok(outcome)
}

/// Begins each sale at its time.
fn pace(
    generator: &Arc<Generator>,
    runtime: &Handle,
    samples: &mpsc::UnboundedSender<Sample>,
    per_second: u32,
    span: Duration,
) {
    let name = unused("open");
    let room = Arc::new(Semaphore::new(MOST_UNDER_WAY));
    let begun = Instant::now();
    for number in 0_u32.. {
        let due = moment(number, per_second);
        if due >= span {
            return;
        }
        let payment_id = format!("{name}-{number}");
        // Written and signed before its time.
        let (path, body) = generator.plan.first(&payment_id, number, None);
        let intended = begun + due;
        std::thread::sleep(intended.saturating_duration_since(Instant::now()));
        let sale = Sale { number, payment_id, path, body, intended };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            drop(samples.send(Sample::Lost));
            continue;
        };
        let (generator, samples) = (generator.clone(), samples.clone());
        runtime.spawn(async move {
            drop(samples.send(generator.sell(sale, permit).await));
        });
    }
}

/// When the sale with this number is to be sent, from the beginning.
fn moment(number: u32, per_second: u32) -> Duration {
    let nanos = u64::from(number).saturating_mul(1_000_000_000) / u64::from(per_second.max(1));
    Duration::from_nanos(nanos)
}

impl Generator {
    async fn sell(&self, sale: Sale, _permit: OwnedSemaphorePermit) -> Sample {
        let mut news = self.receiver.expect(&sale.payment_id);
        let sent = sale.intended.elapsed();
        match self.send(sale.number, sale.path, sale.body).await {
            Ok(true) => {}
            Ok(false) => return Sample::Refused,
            Err(error) => {
                tracing::warn!(%error, "a sale was not answered");
                return Sample::Lost;
            }
        }
        let accepted = sale.intended.elapsed();
        match tokio::time::timeout(LOST_AFTER, news.recv()).await {
            Ok(Some(news)) => {
                let paid = matches!(news, News::Paid(_));
                Sample::Finished { sent, accepted, ended: sale.intended.elapsed(), paid }
            }
            _ => Sample::Lost,
        }
    }

    /// Sends it on a connection nobody uses, or a new one.
    async fn send(&self, number: u32, path: &str, body: String) -> Result<bool> {
        let address = self.plan.node(number)?;
        let idle = self.idle.get(usize::try_from(number)? % self.idle.len().max(1));
        let unused = idle.and_then(|idle| idle.lock().pop());
        let mut connection = match unused {
            Some(connection) => connection,
            None => connect(address).await?,
        };
        let accepted = send(&mut connection, address, path, body).await?;
        if let Some(idle) = idle {
            idle.lock().push(connection);
        }
        Ok(accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sales_come_at_even_distances_that_do_not_drift() {
        assert_eq!(moment(0, 3), Duration::ZERO);
        assert_eq!(moment(1, 3), Duration::from_nanos(333_333_333));
        assert_eq!(moment(3_000_000, 3), Duration::from_secs(1_000_000));
        assert_eq!(moment(5, 0), Duration::from_secs(5));
    }
}
