//! How many connections go out at a time. Whoever does not answer keeps a connection for as long as the platform has
//! patience: without a bound, one silent peer would use up the descriptors the Gate API is reached by.

use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Beyond this many hosts those that nobody talks to at the moment are forgotten.
const MOST_HOSTS: usize = 1_024;

/// Bounds on connections, all in all and to one host.
#[derive(Debug)]
pub(crate) struct Outward {
    all: Arc<Semaphore>,
    to_one: usize,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Leave to have one connection; given back when dropped.
#[derive(Debug)]
pub(crate) struct Leave {
    _to_one: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Outward {
    pub(crate) fn new(all: usize, to_one: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), to_one, hosts: Mutex::default() }
    }

    /// Waits until a connection to `host` may be had. Those who wait for one host take nothing from the others.
    pub(crate) async fn leave(&self, host: &str) -> Option<Leave> {
        let to_one = self.host(host);
        let to_one = to_one.acquire_owned().await.ok()?;
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(Leave { _to_one: to_one, _all: all })
    }

    /// A connection to `host`, if it may be had now.
    pub(crate) fn leave_now(&self, host: &str) -> Option<Leave> {
        let to_one = self.host(host).try_acquire_owned().ok()?;
        let all = self.all.clone().try_acquire_owned().ok()?;
        Some(Leave { _to_one: to_one, _all: all })
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock();
        if let Some(known) = hosts.get(host) {
            return known.clone();
        }
        if hosts.len() >= MOST_HOSTS {
            hosts.retain(|_, known| Arc::strong_count(known) > 1);
        }
        let new = Arc::new(Semaphore::new(self.to_one));
        hosts.insert(host.to_owned(), new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn has_to_wait(outward: &Outward, host: &str) -> bool {
        tokio::time::timeout(Duration::from_millis(20), outward.leave(host)).await.is_err()
    }

    #[tokio::test]
    async fn one_silent_host_takes_no_more_than_its_share() {
        let outward = Outward::new(3, 2);
        let held = [outward.leave("silent").await, outward.leave("silent").await];
        assert!(has_to_wait(&outward, "silent").await && outward.leave_now("silent").is_none());
        assert!(outward.leave_now("other").is_some());
        let other = outward.leave("other").await;
        assert!(outward.leave_now("third").is_none());
        assert!(has_to_wait(&outward, "third").await, "three all in all");
        drop(other);
        assert!(!has_to_wait(&outward, "third").await);
        drop(held);
        assert!(!has_to_wait(&outward, "silent").await);
    }

    #[tokio::test]
    async fn hosts_nobody_talks_to_are_forgotten() {
        let outward = Outward::new(1, 1);
        for number in 0..3 * MOST_HOSTS {
            drop(outward.leave(&number.to_string()).await);
        }
        assert!(outward.hosts.lock().len() <= MOST_HOSTS);
    }
}
