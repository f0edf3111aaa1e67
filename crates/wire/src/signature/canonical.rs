//! Canonical strings and the orders clients write them in.

use crate::json::Value;

use super::flatten::{Colons, Pairs, Style, utf16_order};

/// The order of the pairs in the canonical string.
///
/// All orders coincide for documented messages with short lists. They part on lists of more than ten items, on keys that
/// differ by a digit suffix, and on keys with characters below `:` next to an object of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Natural order of the paths, `:` in keys doubled: the platform's own and PHP's order.
    Natural,
    /// Per object, integer-like keys first, then by UTF-16 code unit; children follow their parent (JavaScript).
    PerLevel,
    /// Code point order of the paths (Python).
    Path,
    /// Byte order of the whole `path:text` (Go).
    Pair,
    /// UTF-16 order of the whole `path:text` (Java); differs from [`Order::Pair`] beyond the basic plane only.
    PairUtf16,
    /// Natural order of the whole `path:text`, as the documentation describes it in words.
    NaturalPair,
}

impl Order {
    /// Every order, in the sequence in which they are tried.
    pub const ALL: [Self; 6] =
        [Self::Natural, Self::PerLevel, Self::Path, Self::Pair, Self::PairUtf16, Self::NaturalPair];

    /// What becomes of `:` in keys among the clients that use this order.
    pub(super) fn colon_forms(self) -> &'static [Colons] {
        match self {
            Self::Natural => &[Colons::Doubled],
            Self::Pair => &[Colons::Doubled, Colons::DoubledAtRoot, Colons::Kept],
            Self::PerLevel | Self::Path | Self::PairUtf16 | Self::NaturalPair => {
                &[Colons::Doubled, Colons::Kept]
            }
        }
    }
}

/// The canonical string of a message, without any `signature` or `frame_mode`, in the given order.
pub fn canonical(root: &Value<'_>, order: Order) -> String {
    render(root, order, Style::PLATFORM, 1024)
}

/// The canonical string in a client's style.
pub(super) fn render(root: &Value<'_>, order: Order, style: Style, size_hint: usize) -> String {
    ordered(root, order, style, size_hint).join()
}

/// The pairs in a client's order and style.
pub(super) fn ordered(root: &Value<'_>, order: Order, style: Style, size_hint: usize) -> Pairs {
    let style = Style { javascript_members: order == Order::PerLevel, ..style };
    let mut pairs = Pairs::of(root, style, size_hint);
    let mut list = std::mem::take(&mut pairs.list);
    match order {
        Order::Natural => {
            pairs.list = list;
            pairs.sort_naturally();
            return pairs;
        }
        Order::PerLevel => {}
        Order::Path => list.sort_by(|a, b| pairs.path(a).cmp(pairs.path(b))),
        Order::Pair => list.sort_by(|a, b| pairs.whole(a).cmp(pairs.whole(b))),
        Order::PairUtf16 => list.sort_by(|a, b| utf16_order(pairs.whole(a), pairs.whole(b))),
        Order::NaturalPair => {
            list.sort_by(|a, b| super::natural::natural_order(pairs.whole(a), pairs.whole(b)));
        }
    }
    pairs.list = list;
    pairs
}
