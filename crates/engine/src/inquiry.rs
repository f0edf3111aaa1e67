//! Status requests: the current state, straight from the store (G-510).

use crate::{engine::Engine, failure::Failure, projects::KnownProject};
use ferropay_domain::{
    callback::Problem,
    ids::{PaymentId, PaymentKey, RequestId},
    payment::Payment,
    series::Series,
};
use ferropay_store::OperationRow;

/// How many operations a status reply lists at most, the latest ones.
const MAX_OPERATIONS: u32 = 1_000;

/// How often payment and operations are read before the payment counts as too busy.
const MAX_READS: u32 = 20;

/// A payment with its operations.
#[derive(Debug)]
pub struct PaymentStatus {
    /// The payment.
    pub payment: Payment,
    /// Its latest operations, oldest first.
    pub operations: Vec<OperationRow>,
    /// The series that the payment registered or belongs to.
    pub series: Option<Series>,
}

/// What became of a request.
#[derive(Debug)]
pub struct RequestStatus {
    /// The request.
    pub request: RequestId,
    /// The merchant's name of the payment.
    pub payment_id: String,
    /// The payment, when an operation came into being.
    pub status: Option<PaymentStatus>,
    /// Why none did.
    pub problems: Vec<Problem>,
}

impl Engine {
    /// The status of a payment; none when it is not registered.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn payment_status(
        &self,
        project: &KnownProject,
        payment_id: &PaymentId,
    ) -> Result<Option<PaymentStatus>, Failure> {
        match self.find(project, payment_id).await? {
            Some(payment) => Ok(Some(self.with_operations(payment).await?)),
            None => Ok(None),
        }
    }

    /// What became of a request; none when it is unknown.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn request_status(
        &self,
        project: &KnownProject,
        request: RequestId,
    ) -> Result<Option<RequestStatus>, Failure> {
        let Some(row) = self.store.request(project.project.id, request).await? else { return Ok(None) };
        let status = match row.payment {
            Some(key) => self.status_by_key(project, key).await?,
            None => None,
        };
        Ok(Some(RequestStatus { request, payment_id: row.payment_id, status, problems: row.problems }))
    }

    async fn status_by_key(
        &self,
        project: &KnownProject,
        key: PaymentKey,
    ) -> Result<Option<PaymentStatus>, Failure> {
        match self.store.payment(project.project.id, key).await? {
            Some(payment) => Ok(Some(self.with_operations(payment).await?)),
            None => Ok(None),
        }
    }

    /// Payment and operations are two reads; they belong together when the payment has not changed between.
    async fn with_operations(&self, mut payment: Payment) -> Result<PaymentStatus, Failure> {
        for _ in 0..MAX_READS {
            let operations = self.store.operations(payment.project, payment.key, MAX_OPERATIONS).await?;
            let again = self.store.payment(payment.project, payment.key).await?;
            match again {
                Some(again) if again.version != payment.version => payment = again,
                _ => {
                    let series = match payment.detail.series {
                        Some(id) => self.store.series(payment.project, id).await?,
                        None => None,
                    };
                    return Ok(PaymentStatus { payment, operations, series });
                }
            }
        }
        Err(Failure::Busy)
    }
}
