//! What the paths and members of the Gate contract mean, in words: `catalogue/gate-descriptions.json`.
//!
//! The contract itself is structure only. The words stand beside it under the names of members, since most names mean
//! the same wherever they occur; where one does not, its entry is preceded by the members, or the component, above it.

use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

const TEXT: &str = include_str!("../../../../catalogue/gate-descriptions.json");

static DESCRIPTIONS: LazyLock<Descriptions> =
    LazyLock::new(|| serde_json::from_str(TEXT).unwrap_or_default());

/// How the result of a request becomes known (G-010, G-011).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResultBy {
    /// The reply accepts, callbacks tell the outcome.
    Callback,
    /// The reply has everything.
    Reply,
}

/// What one path is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathDescription {
    /// The group of paths it belongs to.
    pub group: String,
    /// How its result becomes known.
    pub result: ResultBy,
    /// One sentence: what it does and how that ends.
    pub does: String,
}

/// A step in braces of a path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) is: String,
    #[serde(default)]
    pub(super) allowed: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Descriptions {
    pub(super) groups: BTreeMap<String, String>,
    pub(super) steps: BTreeMap<String, Step>,
    pub(super) paths: BTreeMap<String, PathDescription>,
    pub(super) members: BTreeMap<String, String>,
}

impl Descriptions {
    pub(super) fn gate() -> &'static Self {
        &DESCRIPTIONS
    }

    /// The entry for a member that stands at `trail`: the longest one that the trail ends with.
    pub(super) fn member(&self, trail: &[&str]) -> Option<(&str, &str)> {
        (0..trail.len()).find_map(|start| {
            let key = trail.get(start..)?.join(".");
            self.members.get_key_value(&key).map(|(key, text)| (key.as_str(), text.as_str()))
        })
    }
}

/// Groups of paths with what they have in common, by name.
pub fn groups() -> impl Iterator<Item = (&'static str, &'static str)> {
    Descriptions::gate().groups.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// Every path of the contract with what it is for, by path.
pub fn paths() -> impl Iterator<Item = (&'static str, &'static PathDescription)> {
    Descriptions::gate().paths.iter().map(|(path, description)| (path.as_str(), description))
}
