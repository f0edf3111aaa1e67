//! From bytes to an admitted request: JSON, project, signature, contract, in this order.

use super::answer::Answer;
use crate::server::Peer;
use ferropay_domain::{codes, ids::ProjectId, project::Source};
use ferropay_engine::{Engine, KnownProject, Reading};
use ferropay_wire::{
    contract::{Contract, Rule, Violation},
    gate::{Refusal, refusal_of},
    json::{Document, Limits, ParseError, Value},
    signature::{self, Place, Tolerance},
};
use std::sync::Arc;

/// Card data, which takes no part in recognising a repeated request: the signature covers it.
pub(super) const CARD_DATA: &[&[&str]] =
    &[&["card", "pan"], &["card", "cvv"], &["cvv"], &["token_data", "cryptogram"]];

/// The same of a payout, which may name the card of whoever sends the money, too.
pub(super) const PAYOUT_CARD_DATA: &[&[&str]] = &[&["card", "pan"], &["card", "cvv"], &["sender", "pan"]];

/// A request that may be executed.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    pub(super) project: Arc<KnownProject>,
    pub(super) document: Document<'a>,
    pub(super) place: Place,
    /// The address, without query.
    pub(super) address: &'a str,
    /// What the address says, when it is a method's.
    pub(super) called: Option<super::by_method::Called>,
}

impl Admitted<'_> {
    /// The signature the request carried.
    pub(super) fn signature(&self) -> &str {
        self.place.find(&self.document).and_then(|value| value.as_str()).unwrap_or_default()
    }
}

/// Paths whose 400 answers are error lists (G-045).
pub(super) fn answers_with_list(path: &str) -> bool {
    path == "/v2/payment/status"
        || path.starts_with("/v2/customer/saved_account/")
        || path.starts_with("/v2/info/available-methods/")
}

/// Where requests of a path carry their signature (G-038).
pub(super) fn place(path: &str) -> Place {
    if path == "/v2/payment/status/request" || path.starts_with("/v2/info/banks/by") {
        Place::Root
    } else if path.starts_with("/v2/customer/") {
        Place::Customer
    } else {
        Place::General
    }
}

pub(super) fn admit<'a>(
    engine: &Engine,
    path: &str,
    body: &'a [u8],
    peer: Option<Peer>,
) -> Result<Admitted<'a>, Answer> {
    let refuse = |refusal: Refusal| {
        if answers_with_list(path) && refusal.status == 400 {
            Answer::refused_with_list(&[refusal])
        } else {
            Answer::refused(&refusal)
        }
    };
    let document = Document::parse(body, Limits::INCOMING).map_err(|error| refuse(unreadable(&error)))?;
    let place = place(path);
    let reading = engine.projects().reading();
    let project = project(engine, &document, place).map_err(refuse)?;
    if !source_allowed(&project, path, peer) {
        return Err(refuse(Refusal { status: 403, ..Refusal::bad_request(codes::ACCESS_DENIED) }));
    }
    verify(engine, (&project, reading), &document, place).map_err(refuse)?;
    let violations = Contract::gate().request(path, document.root()).unwrap_or_default();
    let refusals: Vec<Refusal> =
        violations.iter().filter(|found| !waived(&project, &document, found)).map(refusal_of).collect();
    match refusals.first() {
        None => Ok(Admitted { project, document, place, address: "", called: None }),
        Some(first) if answers_with_list(path) && first.status == 400 => {
            Err(Answer::refused_with_list(&refusals))
        }
        Some(first) => Err(Answer::refused(first)),
    }
}

/// What the client hears of a body that is no document: 2003, or 702 when it is JSON of a wrong shape.
fn unreadable(error: &ParseError) -> Refusal {
    match error {
        ParseError::Empty | ParseError::NotUtf8 { .. } | ParseError::NotJson { .. } => {
            Refusal::unprocessable(codes::INVALID_JSON)
        }
        _ => Refusal::unprocessable(codes::MALFORMED).at(error.to_string()),
    }
}

/// The project a request names (G-033). One whose secrets cannot be opened at the moment is asked for again later.
pub(super) fn project(
    engine: &Engine,
    document: &Document<'_>,
    place: Place,
) -> Result<Arc<KnownProject>, Refusal> {
    let (value, field) = match place {
        Place::Customer => (document.path(&["customer", "project_id"]), "customer.project_id"),
        Place::Root => (document.get("project_id"), "project_id"),
        _ => (document.path(&["general", "project_id"]), "general.project_id"),
    };
    let missing = || Refusal::bad_request(codes::REQUIRED_MISSING).at(field);
    let number = value.filter(|value| !value.is_null()).ok_or_else(missing)?.as_number();
    let id = number.and_then(|literal| literal.parse().ok()).map(ProjectId::new);
    // Nobody can say who signed the request; the client must not hear that there is no such project, which is final.
    if id.is_some_and(|id| engine.projects().is_closed(id)) {
        return Err(super::handlers::later());
    }
    id.and_then(|id| engine.projects().get(id))
        .ok_or_else(|| Refusal::bad_request(codes::PROJECT_NOT_FOUND).at(field))
}

/// Whether the project takes requests from this address (G-031). Registering a payout needs an address that is listed.
fn source_allowed(project: &KnownProject, path: &str, peer: Option<Peer>) -> bool {
    let settings = &project.project.settings;
    let listed = |addresses: &[String]| {
        peer.is_some_and(|Peer(address)| {
            addresses.iter().filter_map(|text| Source::parse(text)).any(|source| source.covers(address.ip()))
        })
    };
    let allowed = &settings.allowed_sources;
    if path == "/v2/payment/payout/registration" {
        return listed(allowed) || listed(&settings.registration_sources);
    }
    allowed.is_empty() || listed(allowed)
}

fn verify(
    engine: &Engine,
    (project, reading): (&KnownProject, Reading),
    document: &Document<'_>,
    place: Place,
) -> Result<(), Refusal> {
    let field = match place {
        Place::Customer => "customer.signature",
        Place::Root => "signature",
        _ => "general.signature",
    };
    let tolerance =
        if project.project.settings.tolerant_signature { Tolerance::ALL } else { Tolerance::NONE };
    let secrets = project.valid_secrets(engine.now());
    match signature::verify(document, place, &secrets, tolerance) {
        Ok(_) => Ok(()),
        Err(signature::Refusal::Missing | signature::Refusal::Empty) => {
            Err(Refusal::bad_request(codes::EMPTY_SIGNATURE).at(field))
        }
        // It may be by a secret that others know already, and 3261 is final.
        Err(_) if !reading.is_recent() => Err(super::handlers::later()),
        Err(_) => Err(Refusal::bad_request(codes::INVALID_SIGNATURE).at(field)),
    }
}

/// What breaks the contract and is accepted all the same: members that the project's flag "legacy minimum" does not
/// demand (D-10), the number 1 or 0 as the switch that older documentation writes so (D-08), and characters of a
/// statement's wording that are corrected and never a reason to refuse (D-20).
fn waived(project: &KnownProject, document: &Document<'_>, violation: &Violation) -> bool {
    let field = violation.field.as_str();
    match violation.rule {
        Rule::Required => {
            project.project.settings.legacy_minimum
                && matches!(field, "customer.email" | "customer.phone" | "customer.screen_res")
        }
        Rule::Type { structural: false } if field == "callback.force_disable" => {
            let switch = document.path(&["callback", "force_disable"]).and_then(Value::as_number);
            matches!(switch, Some("0" | "1"))
        }
        Rule::Pattern => field == "merchant.descriptor",
        _ => false,
    }
}
