//! What a message told beyond the ordinary, kept so that tests can see what arrived.

use std::collections::HashMap;

use serde::Serialize;

/// Most different DE43 that are kept; later ones are not shown.
const MOST_PLACES: usize = 4_096;

/// The cardholder's authentication as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceivedAuthentication {
    /// DE48 tag 02.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eci: Option<String>,
    /// DE48 tag 03.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cavv: Option<String>,
    /// DE48 tag 04.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ds_transaction_id: Option<String>,
    /// DE48 tag 18.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// DE48 tag 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xid: Option<String>,
    /// DE48 tag 26.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cryptogram: Option<String>,
    /// DE48 tag 27.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet: Option<String>,
}

/// What few messages have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::acquirer) struct Details {
    pub(in crate::acquirer) authentication: ReceivedAuthentication,
    /// DE48 tag 06: `S` stored for the first time or `U` used, the kind of series, the network's identifier.
    pub(in crate::acquirer) credential: Option<String>,
    /// DE48 tag 28: `W` to a wallet, `C` to a card.
    pub(in crate::acquirer) transfer: Option<char>,
    /// DE48 tag 29: `L` low value, `T` analysis of risk.
    pub(in crate::acquirer) exemption: Option<char>,
    /// DE48 tag 30: the currency that the customer chose, numeric, and how much of it.
    pub(in crate::acquirer) chosen: Option<String>,
    /// DE48 tag 17: `1` mail, `2` telephone.
    pub(in crate::acquirer) remote_order: Option<char>,
    /// DE48 tag 19 was there.
    pub(in crate::acquirer) confirmed: bool,
    /// DE48 tag 16: the amount asked for may be cut.
    pub(in crate::acquirer) may_be_partial: bool,
}

/// The different DE43 that were seen: many lines share one.
#[derive(Default)]
pub(super) struct Places {
    numbers: HashMap<[u8; 40], u16>,
    texts: Vec<[u8; 40]>,
}

impl Places {
    /// The number of `place`; one that nothing is behind when there are too many.
    pub(super) fn number(&mut self, place: &[u8; 40]) -> u16 {
        if let Some(number) = self.numbers.get(place) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.texts.len()) else { return u16::MAX };
        if self.texts.len() >= MOST_PLACES {
            return u16::MAX;
        }
        self.numbers.insert(*place, number);
        self.texts.push(*place);
        number
    }

    /// The name part of a place, without the spaces that fill it.
    pub(super) fn name(&self, number: u16) -> String {
        let name = self.texts.get(usize::from(number)).and_then(|text| text.get(..25)).unwrap_or_default();
        String::from_utf8_lossy(name).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_kept_once_and_no_more_than_the_limit() {
        let mut places = Places::default();
        let place = |number: usize| {
            let mut text = [b' '; 40];
            text[..6].copy_from_slice(format!("SHOP{number:02}").as_bytes().get(..6).unwrap());
            text[30..38].copy_from_slice(format!("{number:08}").as_bytes());
            text
        };
        let first = places.number(&place(1));
        assert_eq!(places.number(&place(1)), first);
        assert_eq!(places.name(first), "SHOP01");
        for number in 2..MOST_PLACES + 10 {
            places.number(&place(number));
        }
        assert_eq!(places.texts.len(), MOST_PLACES);
        let beyond = places.number(&place(MOST_PLACES + 50));
        assert_eq!(places.name(beyond), "");
    }
}
