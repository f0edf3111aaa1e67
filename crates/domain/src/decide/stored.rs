//! Credentials that the merchant keeps: cards sent again with what part they have in a series (G-360, G-369, G-370,
//! G-371), in projects whose series are not kept by the platform (G-348).

use super::{CardCommand, first_broken, problem};
use crate::{
    callback::Problem,
    card::{Country, Network},
    codes,
    payment::{OperationKind, StoredCard},
    project::{CredentialStorage, Project},
};

/// Countries of the European Economic Area.
const EEA: &str = "ATBEBGCYCZDEDKEEESFIFRGRHRHUIEISITLILTLULVMTNLNOPLPTROSESISK";

/// The rule that the card's part in a series breaks, if any.
pub(super) fn problem_of(project: &Project, command: &CardCommand) -> Option<Problem> {
    const PLACE: &str = "card.stored_card_type";
    let stored = command.request.stored.as_ref()?;
    let by_token = command.head.path.ends_with("/token");
    let known = match command.kind {
        OperationKind::Sale => !by_token,
        // One-click purchases have one step.
        OperationKind::Auth => !by_token && stored.kind != StoredCard::ONE_CLICK,
        // A verification registers, or checks what is registered (D-31); a regular series is not registered by token.
        OperationKind::AccountVerification => match stored.kind {
            StoredCard::AUTOPURCHASE => by_token,
            StoredCard::REGISTERS_REGULAR => !by_token,
            kind => kind != StoredCard::ONE_CLICK && kind != StoredCard::REGULAR,
        },
        _ => false,
    };
    if project.settings.credential_storage != CredentialStorage::Merchant || !known {
        return Some(problem(codes::NOT_ALLOWED, Some(PLACE)));
    }
    if stored.scheme_id.as_deref().is_some_and(|id| !is_network_id(id)) {
        return Some(problem(codes::VALIDATION, Some("card.scheme_id")));
    }
    let in_the_area = command.card.country.is_some_and(|country: Country| country.is_among(EEA));
    let lacks_origin = stored.is_debit() && stored.scheme_id.is_none() && !by_token;
    let by_merchant = stored.is_by_merchant() && project.settings.trace_id_required;
    first_broken([
        (lacks_origin && in_the_area, codes::REQUIRED_MISSING, Some("card.scheme_id")),
        (lacks_origin && by_merchant, codes::TRACE_ID_MISSING, Some("card.scheme_id")),
    ])
}

/// Whether it may be the identifier a network gives a transaction: up to fifteen letters and digits.
pub(super) fn is_network_id(text: &str) -> bool {
    (1..=15).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// The rule that a token of a card network breaks, if any: it is one of Mastercard or Visa, and the platform keeps no
/// series by it (G-425, G-426). Whether the project may use any is told by the operation's decline.
pub(super) fn token_problem_of(project: &Project, command: &CardCommand) -> Option<Problem> {
    if !command.request.token_data || !project.settings.network_tokens_allowed {
        return None;
    }
    if !matches!(command.card.network, Network::Mastercard | Network::Visa) {
        return Some(problem(codes::VALIDATION, Some("card.pan")));
    }
    command.registration.is_some().then(|| problem(codes::NOT_ALLOWED, Some("recurring")))
}
