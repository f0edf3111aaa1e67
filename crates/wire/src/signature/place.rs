//! Where a message carries its signature.

use crate::json::{Document, Value};

/// The place of the `signature` member, a property of the endpoint or message type (G-038, G-039).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// `general.signature`: payment requests of the Gate, B2B, older callbacks.
    General,
    /// `customer.signature`: requests about saved accounts and tokens.
    Customer,
    /// `signature` of the root: status requests, bank lists, Data API, callbacks, Payment Page parameters.
    Root,
    /// The root or else `general`, as readers of callbacks do who do not know the layout beforehand.
    Either,
}

impl Place {
    /// The value of the signature member, of whatever kind; `None` when it is not there.
    pub fn find<'d, 'a>(self, document: &'d Document<'a>) -> Option<&'d Value<'a>> {
        match self {
            Self::General => document.path(&["general", "signature"]),
            Self::Customer => document.path(&["customer", "signature"]),
            Self::Root => document.get("signature"),
            Self::Either => Self::Root.find(document).or_else(|| Self::General.find(document)),
        }
    }

    /// The one place meant in this document: decides [`Place::Either`], leaves the others as they are.
    pub(super) fn resolve(self, document: &Document<'_>) -> Self {
        match self {
            Self::Either if document.get("signature").is_some() => Self::Root,
            Self::Either => Self::General,
            place => place,
        }
    }

    /// The key of the object of the root that holds the signature; `None` for the root itself.
    pub(super) fn holder(self) -> Option<&'static str> {
        match self {
            Self::General => Some("general"),
            Self::Customer => Some("customer"),
            Self::Root | Self::Either => None,
        }
    }
}
