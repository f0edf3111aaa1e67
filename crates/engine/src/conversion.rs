//! The rate at which an amount is converted, for the decision about it (G-447). Projects that convert nothing cost nothing
//! here.

use crate::{engine::Engine, failure::Failure, projects::KnownProject};
use ferropay_domain::{
    decide::{Now, ReturnOf},
    money::{Currency, Rate},
    payment::Payment,
};

impl Engine {
    /// The rate of the moment for what begins in `currency`; none where nothing is converted, and where there is no rate.
    /// Whether a payment method needs it, the decision says.
    pub(crate) async fn rate(
        &self,
        project: &KnownProject,
        currency: Currency,
        now: Now,
    ) -> Result<Option<Rate>, Failure> {
        match project.project.channel_of(currency, None) {
            Ok(Some(channel)) => self.rate_into(currency, channel, now).await,
            Ok(None) | Err(_) => Ok(None),
        }
    }

    /// The rate of the moment for a return of a converted debit (G-302).
    pub(crate) async fn rate_of_return(
        &self,
        payment: &Payment,
        of: ReturnOf,
        now: Now,
    ) -> Result<Option<Rate>, Failure> {
        let channel = match of {
            ReturnOf::One(debit) => debit.there.map(|there| there.amount.currency),
            ReturnOf::Only | ReturnOf::NoneFits => {
                payment.detail.channel.as_deref().map(|totals| totals.currency)
            }
        };
        match channel {
            Some(channel) => self.rate_into(payment.currency, channel, now).await,
            None => Ok(None),
        }
    }

    /// On the heap: nearly nobody needs it, and what waits for a decision stays small.
    pub(crate) async fn rate_into(
        &self,
        from: Currency,
        to: Currency,
        now: Now,
    ) -> Result<Option<Rate>, Failure> {
        Ok(Box::pin(self.store.rate(from, to, now.business)).await?)
    }
}
