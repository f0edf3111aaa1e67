//! Requests about series of stored credentials: the same three for every instrument, each at paths of its own.

use super::{admission::Admitted, commands::acceptance, recording::Note};
use ferropay_domain::{card::DeviceWallet, method::MethodAsk, payment::OperationKind};
use ferropay_engine::{
    Engine,
    intake::{Origin, Through},
};
use ferropay_wire::gate::{RecurringDebit, Refusal, SeriesChange};
use std::sync::Arc;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A debit on demand (G-368).
    Debit,
    /// New terms, or the end of the series (G-389, G-391).
    Change,
}

impl Asked {
    /// What an endpoint of a method asks of a series; none when it asks for something else.
    pub(super) fn of(ask: MethodAsk) -> Option<Self> {
        match ask {
            MethodAsk::Operation(OperationKind::Recurring) => Some(Self::Debit),
            MethodAsk::ChangeSeries => Some(Self::Change),
            MethodAsk::Operation(_) | MethodAsk::OneClick => None,
        }
    }
}

/// What a path, as the contract names it, asks of which series; none of paths that are not about series.
pub(super) fn asked(path: &str) -> Option<(Through, Asked)> {
    let (instrument, step) = path.strip_prefix("/v2/payment/")?.split_once('/')?;
    let through = match instrument {
        "card" => Through::Card,
        "applepay" => Through::Wallet(DeviceWallet::ApplePay),
        "googlepay" => Through::Wallet(DeviceWallet::GooglePay),
        _ => return None,
    };
    let what = match step {
        "recurring" => Asked::Debit,
        "recurring/update" | "recurring/cancel" => Asked::Change,
        _ => return None,
    };
    Some((through, what))
}

/// Executes a request about a series: at the endpoint `name`, which the contract calls `path`.
pub(super) async fn execute(
    engine: &Arc<Engine>,
    (name, path): (&'static str, &'static str),
    (through, what): (Through, Asked),
    admitted: &Admitted<'_>,
    fault_plan: Option<String>,
    note: &mut Note,
) -> Result<String, Refusal> {
    let (body, project) = (admitted.document.root(), &admitted.project);
    let content = body.serialize_without(&[]);
    let origin = Origin { path: name, signature: admitted.signature(), content: &content, fault_plan };
    let (payment_id, intake) = match what {
        Asked::Debit => {
            let request = RecurringDebit::read(path, body)?;
            let payment_id = request.payment_id.clone();
            (payment_id, engine.recurring_debit(project, (through, request), body, origin).await)
        }
        Asked::Change => {
            let request = SeriesChange::read(path, body)?;
            (request.payment_id.clone(), engine.change_series(project, (through, request), origin).await)
        }
    };
    note.content = Some(content);
    acceptance(project, intake, payment_id.as_str(), note)
}
