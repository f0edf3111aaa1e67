//! The explanation of a refused signature: the cause as a sentence, then what arrived beside what was signed, then
//! everything that was tried. It claims only what was recomputed.

use super::{
    diff::{self, Row},
    words::{Mark, OK, VOID},
};
use askama::Template;
use ferropay_engine::recorder::Explained;
use ferropay_wire::{
    mask,
    signature::{Mistake, Place},
};

/// How much of the signature that was sent is shown at each end.
const SHOWN: usize = 22;

/// How much of the right signature is shown: enough to compare one's own with it, and not enough to send it. Who could
/// read all of it could have anything signed by sending it with a wrong signature.
const SHOWN_OF_RIGHT: usize = 12;

/// The explanation of one request.
#[derive(Template)]
#[template(path = "inspector/signature.html")]
pub(super) struct SignaturePart {
    cause: Cause,
    rows: Vec<Line>,
    /// The right column's head; none when there is nothing to compare with.
    right: Option<&'static str>,
    sent: String,
    expected: String,
    /// Whether the right column's signature is the one that was sent.
    explains: bool,
    tried: Vec<(Mark, &'static str)>,
    string: String,
    token: std::sync::Arc<str>,
    action: String,
}

struct Cause {
    /// The member it is about.
    member: Option<String>,
    title: String,
    advice: &'static str,
}

struct Line {
    row: Row,
    is_first: bool,
}

/// The pairs of a canonical string somebody pasted, masked.
pub(super) fn lines_of(string: &str) -> Vec<String> {
    let one_line: String = string.trim().chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    one_line.split(';').map(mask::masked_pair_text).collect()
}

impl SignaturePart {
    /// The explainer of an explanation; `compared` are the pairs a developer pasted.
    pub(super) fn of(
        explained: &Explained,
        compared: Option<&[String]>,
        token: std::sync::Arc<str>,
        action: String,
    ) -> Self {
        let right = match (compared, &explained.signed) {
            (Some(_), _) => Some("What your code signs, as pasted"),
            (None, Some(_)) => Some("What your signature covers"),
            (None, None) => None,
        };
        let signed = compared.or(explained.signed.as_deref());
        let rows = match signed {
            Some(signed) => diff::rows(&explained.arrived, signed),
            None => explained.arrived.iter().cloned().map(Row::Same).collect(),
        };
        let first = rows.iter().position(Row::differs);
        let rows = rows.into_iter().enumerate();
        Self {
            cause: cause(explained),
            rows: rows.map(|(index, row)| Line { row, is_first: first == Some(index) }).collect(),
            right,
            sent: short(&explained.sent),
            expected: beginning(&explained.expected),
            explains: compared.is_none() && explained.signed.is_some(),
            tried: tried(explained),
            string: explained.arrived.join(";"),
            token,
            action,
        }
    }
}

/// The beginning of the right signature.
fn beginning(signature: &str) -> String {
    let beginning: String = signature.chars().take(SHOWN_OF_RIGHT).collect();
    format!("{beginning}…")
}

fn short(signature: &str) -> String {
    let count = signature.chars().count();
    if count <= 2 * SHOWN {
        return signature.to_owned();
    }
    let start: String = signature.chars().take(SHOWN).collect();
    let end: String = signature.chars().skip(count - SHOWN / 2).collect();
    format!("{start}…{end}")
}

fn cause(explained: &Explained) -> Cause {
    let plain = |title: &str, advice| Cause { member: None, title: title.to_owned(), advice };
    if let Some(path) = &explained.added {
        return Cause {
            member: Some(mask::masked_text(path).replace(':', ".")),
            title: "was added after signing".to_owned(),
            advice: "Without this one member your signature is exactly right, so the secret and the order are fine. \
                     Sign last, when all members are set.",
        };
    }
    if explained.old_secret {
        return plain(
            "Signed with a secret that is no longer valid",
            "The signature is right with an earlier secret of the project. Give your code the current one.",
        );
    }
    if explained.sent.is_empty() {
        return plain(
            "The signature is missing",
            "Sign the pairs below with the project's secret and put the result where the endpoint expects it.",
        );
    }
    match explained.mistakes.as_slice() {
        [] => plain(
            "None of the usual causes gives your signature",
            "Check the secret first. If it is right, paste the string your code signs below and see where it parts \
             from this one.",
        ),
        [only] => plain(
            &capital(&only.to_string()),
            "With this one mistake undone your signature is exactly right; the secret is fine.",
        ),
        several => {
            let all: Vec<String> = several.iter().map(ToString::to_string).collect();
            plain(
                &capital(&all.join(", and ")),
                "With these mistakes undone your signature is exactly right; the secret is fine.",
            )
        }
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The families of causes, each with whether it is the one.
fn tried(explained: &Explained) -> Vec<(Mark, &'static str)> {
    let made = |family: &[Mistake]| explained.mistakes.iter().any(|mistake| family.contains(mistake));
    let misplaced = [Place::General, Place::Customer, Place::Root].map(Mistake::WrongPlace);
    let causes = [
        (explained.added.is_some(), "One member added after signing"),
        (explained.old_secret, "An earlier secret of the project"),
        (made(&[Mistake::NotSorted]), "Pairs left unsorted"),
        (
            made(&[Mistake::BooleansAsWords, Mistake::BooleansAsCapitalWords, Mistake::FalseAsEmpty]),
            "true and false instead of 1 and 0",
        ),
        (
            made(&[Mistake::NullAsNone, Mistake::NullAsWord, Mistake::NullLeftOut]),
            "null written out, or left out",
        ),
        (made(&[Mistake::SignatureLeftIn, Mistake::FrameModeLeftIn]), "signature or frame_mode signed along"),
        (
            made(&[
                Mistake::HexInsteadOfBase64,
                Mistake::Base64OfHex,
                Mistake::UrlSafeBase64,
                Mistake::NoPadding,
            ]),
            "Hexadecimal, or another Base64",
        ),
        (
            made(&[Mistake::Sha256, Mistake::Sha1, Mistake::NotKeyed, Mistake::SecretAppended]),
            "Another hash, or no key",
        ),
        (
            made(&[
                Mistake::SecretDecodedFromHex,
                Mistake::SecretDecodedFromBase64,
                Mistake::SecretWithLineBreak,
            ]),
            "The secret decoded, or with a line break",
        ),
        (made(&[Mistake::JsonTextSigned]), "The JSON text signed"),
        (made(&misplaced), "The signature in another place"),
        (
            made(&[
                Mistake::TrailingSeparator,
                Mistake::ValuesTrimmed,
                Mistake::LowerCaseKeys,
                Mistake::CutAtDepth3,
                Mistake::SpaceAroundSignature,
            ]),
            "Values, keys or nesting changed",
        ),
    ];
    let mut causes: Vec<_> =
        causes.into_iter().map(|(hit, text)| (if hit { OK } else { VOID }, text)).collect();
    causes.sort_by_key(|(mark, _)| *mark != OK);
    causes
}
