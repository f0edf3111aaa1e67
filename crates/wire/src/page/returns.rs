//! Ways back to the merchant's site (P-278 to P-285).

/// Every way back of an opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returns {
    /// A button after a success.
    pub success: WayBack,
    /// A button after a decline.
    pub fail: WayBack,
    /// A link of the form, before anything is decided.
    pub preliminary: WayBack,
    /// Sends the customer away by itself after a success.
    pub success_leaving: Option<Leaving>,
    /// Sends the customer away by itself after a decline, so that nothing is tried again (P-284).
    pub fail_leaving: Option<Leaving>,
    /// Sends the customer away by itself with a token made (P-093).
    pub token_leaving: Option<Leaving>,
    /// Where other services send the customer back to.
    pub from_others: Option<String>,
}

/// A way back that the customer chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WayBack {
    /// Its address, checked to be a plain page; none where the project's own may be used.
    pub url: Option<String>,
    /// What is said of where it is offered; none where nothing is.
    pub offer: Option<Offer>,
    /// Where it opens; none where the way the form is shown decides (P-281).
    pub target: Option<Target>,
}

/// A page to which the customer is sent without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Its address, checked to be a plain page.
    pub url: String,
    /// Where it opens; none where the way the form is shown decides (P-281).
    pub target: Option<Target>,
}

/// Where a way back is offered (P-279).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Nowhere.
    Never,
    /// Where the form is a page of its own.
    OwnTab,
    /// Everywhere.
    Always,
}

/// Where an address opens (P-280).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// In the form's frame.
    Frame,
    /// In the tab that shows the form.
    ParentPage,
    /// In a new tab.
    BlankPage,
}

impl Offer {
    /// By its number.
    pub(super) fn read(number: &str) -> Option<Self> {
        Some(match number.parse::<u8>().ok()? {
            0 => Self::Never,
            1 => Self::OwnTab,
            2 => Self::Always,
            _ => return None,
        })
    }
}

impl Target {
    /// By its word.
    pub(super) fn read(word: &str) -> Option<Self> {
        Some(match word {
            "iframe" => Self::Frame,
            "parent_page" => Self::ParentPage,
            "blank_page" => Self::BlankPage,
            _ => return None,
        })
    }

    /// Where the address opens in a form that is a page of its own or not: nothing is in a frame there, and without a word the
    /// page that shows the form is left (P-280, P-281).
    pub const fn resolved(said: Option<Self>, is_own_tab: bool) -> Self {
        match said {
            Some(Self::Frame) if is_own_tab => Self::ParentPage,
            Some(target) => target,
            None => Self::ParentPage,
        }
    }
}

impl WayBack {
    /// The address the customer is offered; `default` is the project's own (P-279, P-283).
    pub fn offered<'s>(&'s self, default: Option<&'s str>, is_own_tab: bool) -> Option<&'s str> {
        let own = self.url.as_deref();
        let offer = self.offer.unwrap_or(if own.is_some() { Offer::Always } else { Offer::Never });
        match offer {
            Offer::Never => None,
            Offer::OwnTab if !is_own_tab => None,
            Offer::OwnTab | Offer::Always => own.or(default),
        }
    }
}
