//! What a list is narrowed to. The address carries it, so that a filtered list can be kept and passed on.

use super::describe::{Described, Kind, payment_id};
use ferropay_domain::ids::{ProjectId, fold};
use ferropay_engine::recorder::{Record, What};
use serde::Deserialize;

/// The query of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Query {
    /// Of this project.
    pub(super) project: String,
    /// Of this payment, by the merchant's name.
    pub(super) payment: String,
    /// Of one kind.
    pub(super) kind: String,
    /// `1`: what was refused or failed only.
    pub(super) failed: String,
    /// With this text in what the list shows.
    pub(super) q: String,
    /// Older than this record.
    pub(super) before: String,
    /// Newer than this record; live lists only.
    pub(super) after: String,
    /// What an action has done.
    pub(super) said: String,
}

impl Query {
    pub(super) fn project(&self) -> Option<ProjectId> {
        self.project.trim().parse().ok().map(ProjectId::new)
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == self.kind)
    }

    pub(super) fn is_failed_only(&self) -> bool {
        self.failed == "1"
    }

    pub(super) fn before(&self) -> Option<u64> {
        self.before.parse().ok()
    }

    /// Whether anything is set.
    pub(super) fn is_narrowed(&self) -> bool {
        [&self.project, &self.payment, &self.kind, &self.failed, &self.q].iter().any(|set| !set.is_empty())
    }

    /// Whether the list shows a record, as far as that can be told without describing it.
    pub(super) fn may_show(&self, record: &Record) -> bool {
        let kind = match self.kind() {
            Some(kind) => kind == Kind::of(&record.what),
            // Steps are no messages: they are in the list when they are asked for.
            None => !matches!(record.what, What::Steps(_)),
        };
        kind && self.project().is_none_or(|project| record.project == Some(project))
    }

    /// Whether the list shows a record.
    pub(super) fn shows(&self, record: &Record, described: &Described) -> bool {
        if self.is_failed_only() && !described.failed {
            return false;
        }
        let wanted = self.payment.trim();
        if !wanted.is_empty() && payment_id(record).is_none_or(|id| fold(&id) != fold(wanted)) {
            return false;
        }
        let text = fold(self.q.trim());
        text.is_empty()
            || [&described.title, &described.note, &described.end]
                .iter()
                .any(|part| fold(part).contains(&text))
            || payment_id(record).is_some_and(|id| fold(&id).contains(&text))
    }

    /// The query with other values, as it stands in an address; empty ones are left out.
    pub(super) fn with(&self, changes: &[(&str, &str)]) -> String {
        let own = [
            ("project", self.project.as_str()),
            ("payment", self.payment.as_str()),
            ("kind", self.kind.as_str()),
            ("failed", self.failed.as_str()),
            ("q", self.q.as_str()),
        ];
        let new_value = |name: &str| changes.iter().find(|(of, _)| *of == name).map(|(_, value)| *value);
        let kept = own.iter().map(|(name, value)| (*name, new_value(name).unwrap_or(value)));
        let added = changes.iter().copied().filter(|(name, _)| !own.iter().any(|(of, _)| of == name));
        let set: Vec<String> = kept
            .chain(added)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        if set.is_empty() { String::new() } else { format!("?{}", set.join("&")) }
    }
}

/// Text as it may stand in the query of an address.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)),
            );
        }
    }
    out
}
