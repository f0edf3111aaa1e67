//! A customer comes back from a provider's page and goes on to the merchant's (G-153).
//!
//! The address names the attempt and proves that the platform made it. That somebody came says nothing about the payment:
//! the provider is asked, and where the customer is led follows from what it says.

use crate::{
    engine::Engine,
    failure::Failure,
    provider_work::{Cards, Carried},
};
use ferropay_domain::{
    change::{TaskKey, bucket_of},
    decide,
    ids::AttemptId,
    money::Money,
    payment::{OperationStatus, ReturnUrls},
    project::Environment,
};
use ferropay_store::Scene;
use std::{sync::Arc, time::Duration};

/// How long the customer waits for the provider's word.
const PATIENCE: Duration = Duration::from_secs(4);

/// How often it is looked for meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is known when a customer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Paid, or held.
    Done,
    /// Not paid.
    Failed,
    /// The provider has not said yet.
    Open,
}

/// Where a customer goes on.
#[derive(Clone, Debug)]
pub struct Onward {
    /// The merchant's page; none when the merchant named none.
    pub url: Option<String>,
    /// What is known of the payment.
    pub standing: Standing,
    /// The merchant's name.
    pub merchant: String,
    /// Whether no real money moves.
    pub is_test: bool,
    /// What was to be paid.
    pub amount: Money,
    /// What the merchant says it is paid for; empty when it says nothing.
    pub description: String,
    /// The merchant's name of the payment.
    pub payment_id: String,
}

impl Engine {
    /// The address by which a customer comes back from a provider's page about `attempt`.
    pub(crate) fn return_address(&self, attempt: AttemptId) -> String {
        let reference = attempt.reference();
        format!("{}/return/{reference}-{}", self.public_url, self.return_proof(reference))
    }

    fn return_proof(&self, reference: i64) -> String {
        let digest = self.vault.fingerprint(&[b"a customer's way back", &reference.to_be_bytes()]);
        digest
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|it| char::from_digit(it.into(), 16))
            .collect()
    }

    /// A customer has come back with this ticket. None when it is not good.
    ///
    /// # Errors
    /// The platform cannot do it at the moment.
    pub async fn customer_returned(self: &Arc<Self>, ticket: &str) -> Result<Option<Onward>, Failure> {
        let Some((reference, proof)) = ticket.split_once('-') else { return Ok(None) };
        let Some(reference) = reference.parse::<i64>().ok().filter(|it| *it > 0) else { return Ok(None) };
        // Whoever guesses learns where a stranger's customer would be led to, and no more; still, nobody should.
        if !self.is_secret(&self.return_proof(reference), proof) {
            return Ok(None);
        }
        let attempt = AttemptId::from_reference(reference);
        let Some(mut scene) = self.store.scene(attempt).await? else { return Ok(None) };
        if scene.attempt.status.is_open() {
            self.ask_now(&scene).await?;
            let started = tokio::time::Instant::now();
            while scene.attempt.status.is_open() && started.elapsed() < PATIENCE {
                let waiting = self.noticed.on(attempt.operation);
                drop(tokio::time::timeout(LOOK_EVERY, waiting.notified()).await);
                let Some(fresh) = self.store.scene(attempt).await? else { return Ok(None) };
                scene = fresh;
            }
        }
        let project = self.project(scene.payment.project)?;
        let standing = match scene.operation.status {
            OperationStatus::Success => Standing::Done,
            OperationStatus::Decline => Standing::Failed,
            _ => Standing::Open,
        };
        let payment = scene.payment;
        let returns = payment.detail.method.map(|method| method.returns).unwrap_or_default();
        Ok(Some(Onward {
            url: onward(returns, standing),
            standing,
            merchant: project.name.clone(),
            is_test: project.project.environment == Environment::Test,
            amount: Money::new(payment.requested, payment.currency),
            description: payment.detail.description,
            payment_id: payment.id.as_str().to_owned(),
        }))
    }

    /// Asks the provider at once, unless somebody is asking. Where that is another node's to do, it is made due.
    async fn ask_now(self: &Arc<Self>, scene: &Scene) -> Result<(), Failure> {
        let key = TaskKey::Call(scene.attempt.id);
        let bucket = bucket_of(scene.payment.key);
        if self.is_held() {
            return Ok(());
        }
        if !self.owns(bucket) {
            let (mut project, mut scene) = (self.project(scene.payment.project)?, scene.clone());
            self.settle_said(&mut project, &mut scene, &Cards::default(), |_, scene, _, now| {
                let asks = scene.attempt.status.is_open();
                Ok(asks.then(|| decide::put_off(&scene.payment, key, now.real, 0)))
            })
            .await?;
            return Ok(());
        }
        let Some(in_hand) = self.registry.take(key, bucket) else { return Ok(()) };
        let project = self.project(scene.payment.project)?;
        let carried =
            Carried { project, scene: scene.clone(), cards: Cards::default(), recovered: true, tries: 0 };
        crate::following::go_on_alone(self.clone().call_provider(carried, in_hand));
        Ok(())
    }
}

/// The merchant's page for what is known; where it named none for that, the nearest it did.
fn onward(returns: ReturnUrls, standing: Standing) -> Option<String> {
    let ReturnUrls { success, decline, back } = returns;
    match standing {
        Standing::Done => success.or(back),
        Standing::Failed => decline.or(back),
        Standing::Open => back.or(success),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-153
    #[test]
    fn a_customer_goes_where_the_result_says_or_to_the_nearest_page_there_is() {
        let url = |text: &str| Some(text.to_owned());
        let all = ReturnUrls { success: url("s"), decline: url("d"), back: url("b") };
        let led = |returns: &ReturnUrls| {
            [Standing::Done, Standing::Failed, Standing::Open].map(|it| onward(returns.clone(), it))
        };
        assert_eq!(led(&all), [url("s"), url("d"), url("b")]);
        let one = ReturnUrls { back: url("b"), ..ReturnUrls::default() };
        assert_eq!(led(&one), [url("b"), url("b"), url("b")]);
        let success = ReturnUrls { success: url("s"), ..ReturnUrls::default() };
        assert_eq!(led(&success), [url("s"), None, url("s")]);
    }
}
