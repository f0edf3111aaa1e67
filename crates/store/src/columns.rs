//! The columns of what is read often, in the order in which every database reads them.

/// Columns of a payment, in the order in which `rows::payment` of each database reads them.
pub(crate) const PAYMENT: &str = "p.key, p.project, p.id, p.kind, p.status, p.currency, p.requested, p.debited, \
    p.returned, p.returning_now, p.refunded_any, p.open, p.last_return_at, p.callbacks, p.version, p.created_at, \
    p.updated_at, p.detail, p.held";
/// How many they are.
pub(crate) const PAYMENT_COLUMNS: usize = 19;
/// Columns of an operation, in the order in which `rows::operation` of each database reads them.
pub(crate) const OPERATION: &str = "o.id, o.payment, o.project, o.kind, o.status, o.minor, o.currency, \
    o.request, o.code, o.created_at, o.updated_at, o.detail";
/// How many they are.
pub(crate) const OPERATION_COLUMNS: usize = 12;
/// Columns of an attempt, in the order in which `rows::attempt` of each database reads them.
pub(crate) const ATTEMPT: &str = "a.reference, a.payment, a.account, a.status, a.minor, a.currency, \
    a.created_at, a.updated_at, a.suspended, a.late_approvals, a.answer, a.ask";
/// Columns of a series, in the order in which `rows::series` of each database reads them.
pub(crate) const SERIES: &str = "id, project, kind, status, currency, open, due, payment, callbacks, version, \
    created_at, updated_at, detail";
/// Columns of a task, in the order in which `rows::task` of each database reads them.
pub(crate) const TASK: &str = "kind, number, bucket, clock, due, tries";
/// Columns of a callback with one of its deliveries, in the order in which `reads::delivery_row` of each database reads them.
pub(crate) const DELIVERY: &str = "c.id, c.project, c.subject_kind, c.subject, c.number, c.body, c.due, c.created_at, \
    d.id, d.url, d.attempts, d.state, d.status, d.tried_at";
