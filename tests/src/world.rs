//! Platform, acquirer and merchant of one test. The acquirer and the merchant live in the test's process and survive
//! whatever happens to the platform.

use crate::{
    binary::{Platform, Start},
    database::{Audit, Database},
    merchant::Answer,
    receiver::{Received, Receiver},
    seconds,
};
use ferropay_simulators::acquirer::{Acquirer, Config, Handle};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tempfile::TempDir;

/// Everything one test needs.
pub struct World {
    /// The platform.
    pub platform: Platform,
    /// The acquirer.
    pub acquirer: Handle,
    /// The merchant's end of callbacks.
    pub receiver: Receiver,
    /// How the platform is started again.
    pub start: Start,
    directory: TempDir,
}

/// Starts an acquirer on a port of its own.
pub async fn acquirer() -> Handle {
    acquirer_at("127.0.0.1:0", seconds(10)).await
}

/// Starts an acquirer on an address, with an issuer that takes `issuer_timeout` not to answer.
pub async fn acquirer_at(address: &str, issuer_timeout: Duration) -> Handle {
    #[expect(clippy::disallowed_methods, reason = "the acquirer of a black-box test lives in real time")]
    let now = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or_default()
    };
    let mut config = Config::new(address.parse().unwrap(), Arc::new(now));
    config.issuer_timeout = issuer_timeout;
    Acquirer::start(config).await.unwrap()
}

impl World {
    /// Starts everything, the platform with these further options.
    pub async fn start(options: &[&str]) -> Self {
        Self::start_with(options, None, acquirer().await).await
    }

    /// Starts everything with a log level and an acquirer of the test's own.
    pub async fn start_with(options: &[&str], log: Option<&'static str>, acquirer: Handle) -> Self {
        let mut world = Self::prepare(options, log, acquirer).await;
        world.restart().await;
        world
    }

    /// Prepares everything, but does not start the platform.
    pub async fn prepare(options: &[&str], log: Option<&'static str>, acquirer: Handle) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let receiver = Receiver::start().await;
        let mut start = Start { options: options.iter().map(|&option| option.to_owned()).collect(), log };
        let (url, peer) = (receiver.url("/callback"), acquirer.local_addr().to_string());
        start.options.extend([
            "--sandbox-callback-url".to_owned(),
            url,
            "--sandbox-acquirer".to_owned(),
            peer,
        ]);
        let platform = Platform::new(directory.path());
        Self { platform, acquirer, receiver, start, directory }
    }

    /// Starts the platform on its database (again).
    pub async fn restart(&mut self) {
        let start = self.start.clone();
        self.platform.start(&start).await;
    }

    /// The directory with everything the platform writes.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Sends a card sale of 10.00 EUR with a fault plan and answers the reply.
    pub async fn sale(&self, payment_id: &str, card: &str, plan: Option<&str>) -> Answer {
        let body = self.platform.merchant.signed(self.platform.merchant.sale(payment_id, card, 1000));
        self.platform.post_raw("/v2/payment/card/sale", &body, plan).await
    }

    /// Sends a refund with a fault plan and answers the reply.
    pub async fn refund(&self, payment_id: &str, minor: Option<i64>, plan: Option<&str>) -> Answer {
        let body = self.platform.merchant.signed(self.platform.merchant.refund(payment_id, minor));
        self.platform.post_raw("/v2/payment/card/refund", &body, plan).await
    }

    /// Sends a payout of an amount in EUR with a fault plan and answers the reply.
    pub async fn payout(&self, payment_id: &str, card: &str, minor: i64, plan: Option<&str>) -> Answer {
        let body = self.platform.merchant.signed(self.platform.merchant.payout(payment_id, card, minor));
        self.platform.post_raw("/v2/payment/card/payout", &body, plan).await
    }

    /// Makes a card sale of 10.00 EUR that succeeds, and waits for its callback.
    pub async fn paid(&self, payment_id: &str) -> Received {
        let request = self.sale(payment_id, crate::cards::APPROVED, None).await.request_id();
        let callback = self.receiver.final_of(&request, seconds(30)).await;
        assert_eq!(callback.operation(), ("sale", "success"), "{}", callback.text);
        callback
    }

    /// Waits until nothing is left to do.
    pub async fn quiet(&self, patience: Duration) {
        self.until_done("", patience).await;
    }

    /// Waits until nothing is left to do but what the calendar brings: the end of waits, holds, tokens and times for further attempts, and the
    /// debits of series.
    pub async fn quiet_but_for_the_calendar(&self, patience: Duration) {
        self.until_done("WHERE kind NOT IN (5, 6, 7, 16, 24)", patience).await;
    }

    async fn until_done(&self, which: &str, patience: Duration) {
        let database = Database::of(&self.platform);
        let started = tokio::time::Instant::now();
        loop {
            let left = database.tasks(which);
            if left.is_empty() {
                return;
            }
            assert!(started.elapsed() < patience, "left after {patience:?}: {left:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the acquirer has taken and not given back, by currency; zeros are left out.
    pub fn net_at_acquirer(&self) -> BTreeMap<u16, i64> {
        let minor = |amount: u128| i64::try_from(amount).unwrap();
        let totals = self.acquirer.book().totals;
        let net =
            totals.into_iter().map(|(currency, it)| (currency, minor(it.taken()) - minor(it.returned())));
        net.filter(|(_, net)| *net != 0).collect()
    }

    /// The end of every test that moves money: platform and acquirer agree to the last cent, nothing was done twice,
    /// the audit finds nothing, all callbacks are signed and numbered, and everything is settled.
    pub fn assert_sound(&self) {
        self.assert_agreed();
        Audit::of(&self.platform).assert_settled();
    }

    /// The same of a platform on which payments still wait or are on hold.
    pub fn assert_agreed(&self) {
        let book = self.acquirer.book();
        assert!(book.moved_twice.is_empty(), "money moved twice: {:?}", book.moved_twice);
        assert!(book.doubled_operations.is_empty(), "done twice: {:?}", book.doubled_operations);
        let database = Database::of(&self.platform);
        let owed: BTreeMap<u16, i64> =
            database.balances(3).into_iter().map(|(currency, minor)| (currency, -minor)).collect();
        assert_eq!(owed, self.net_at_acquirer(), "provider balance and acquirer's book differ");
        assert_eq!(database.wrongly_numbered(), 0, "callbacks are not numbered without gaps");
        let audit = Audit::of(&self.platform);
        assert!(audit.sound, "{}", audit.text);
        self.receiver.assert_all_signed(&self.platform.merchant.secret);
    }
}
