//! Checking the signature of a received message.

use crate::json::{Document, Value};

use super::canonical::{Order, ordered, render};
use super::flatten::{Signatures, Style};
use super::place::Place;
use super::secret::{MAC_BYTES, Secret, decode};

/// Deviations that are accepted only where a project asks for them (G-037, D-04). None by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// Accept signatures over keys in lower case (ASCII).
    pub lower_case_keys: bool,
    /// Accept signatures in which objects and lists below three keys count as empty. What lies below is then *not*
    /// protected by the signature.
    pub cut_at_depth_3: bool,
}

impl Tolerance {
    /// The straight algorithm only.
    pub const NONE: Self = Self { lower_case_keys: false, cut_at_depth_3: false };

    /// Both, for projects that ask for it (D-04).
    pub const ALL: Self = Self { lower_case_keys: true, cut_at_depth_3: true };
}

/// How a signature was found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The order of the pairs.
    pub order: Order,
    /// Which of the given secrets signed; tells whether a merchant still uses the old one during rotation.
    pub secret_index: usize,
    /// The deviation that was needed, [`Tolerance::NONE`] for the straight algorithm.
    pub tolerance: Tolerance,
}

/// Why a message is not accepted (G-041).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no `signature` at its place: response code 3262.
    #[error("the signature is missing")]
    Missing,
    /// The signature is an empty string or null: response code 3262.
    #[error("the signature is empty")]
    Empty,
    /// No accepted form of the message gives this signature: response code 3261.
    #[error("the signature is wrong")]
    Wrong,
}

/// Verifies the signature at `place` with any of `secrets`.
///
/// The platform's own form is tried first; only when it fails are the forms of other clients built. A signature counts in
/// its exact standard Base64 form only. Other members named `signature` may be signed like any member (the clients that
/// send them do) or left out (G-035); either is accepted.
pub fn verify(
    document: &Document<'_>,
    place: Place,
    secrets: &[Secret],
    tolerance: Tolerance,
) -> Result<Verified, Refusal> {
    let given = given_signature(document, place)?;
    let given = decode(given).ok_or(Refusal::Wrong)?;
    let mut attempt = Attempt { document, secrets, given: &given, tried: Vec::new() };
    let place = place.resolve(document);
    attempt.run(place, tolerance).ok_or(Refusal::Wrong)
}

/// The text of the signature; a value that is no string cannot be right.
pub(super) fn given_signature<'d>(document: &'d Document<'_>, place: Place) -> Result<&'d str, Refusal> {
    match place.find(document) {
        None => Err(Refusal::Missing),
        Some(Value::Null) => Err(Refusal::Empty),
        Some(Value::String(text)) if text.is_empty() => Err(Refusal::Empty),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Refusal::Wrong),
    }
}

struct Attempt<'d, 'a> {
    document: &'d Document<'a>,
    secrets: &'d [Secret],
    given: &'d [u8; MAC_BYTES],
    /// Canonical strings that were wrong, so that orders that coincide cost no second HMAC.
    tried: Vec<String>,
}

impl Attempt<'_, '_> {
    fn run(&mut self, place: Place, tolerance: Tolerance) -> Option<Verified> {
        let here = Style { signatures: Signatures::LeftOutAt(place), ..Style::PLATFORM };
        let styles = [here, Style::PLATFORM];
        let plain = |order, secret_index| Verified { order, secret_index, tolerance: Tolerance::NONE };
        for style in styles {
            if let Some(index) = self.form(Order::Natural, style) {
                return Some(plain(Order::Natural, index));
            }
        }
        for style in styles {
            for order in Order::ALL {
                for colons in order.colon_forms() {
                    if let Some(index) = self.form(order, Style { colons: *colons, ..style }) {
                        return Some(plain(order, index));
                    }
                }
            }
        }
        self.tolerated(here, tolerance)
    }

    fn tolerated(&mut self, style: Style, allowed: Tolerance) -> Option<Verified> {
        for (lower_case_keys, cut_at_depth_3) in [(true, false), (false, true), (true, true)] {
            if (lower_case_keys && !allowed.lower_case_keys) || (cut_at_depth_3 && !allowed.cut_at_depth_3) {
                continue;
            }
            let style = Style { lower_case_keys, cut_at_depth_3, ..style };
            let tolerance = Tolerance { lower_case_keys, cut_at_depth_3 };
            let found = self.form(Order::Natural, style).or_else(|| self.cut_pairs_first(style));
            if let Some(secret_index) = found {
                return Some(Verified { order: Order::Natural, secret_index, tolerance });
            }
        }
        None
    }

    fn form(&mut self, order: Order, style: Style) -> Option<usize> {
        let canonical = render(self.document.root(), order, style, self.document.text().len());
        self.check(canonical)
    }

    /// The client that lower-cases keys files what it cuts off under a number instead of its path, which sorts first.
    fn cut_pairs_first(&mut self, style: Style) -> Option<usize> {
        if !style.cut_at_depth_3 {
            return None;
        }
        let mut pairs = ordered(self.document.root(), Order::Natural, style, self.document.text().len());
        pairs.list.sort_by_key(|pair| !pair.cut);
        self.check(pairs.join())
    }

    fn check(&mut self, canonical: String) -> Option<usize> {
        if self.tried.contains(&canonical) {
            return None;
        }
        let found = self.secrets.iter().position(|secret| secret.accepts(canonical.as_bytes(), self.given));
        if found.is_none() {
            self.tried.push(canonical);
        }
        found
    }
}
