//! How the form is shown: a page, a frame in the merchant's page, or a window over it.

/// What an opening says about how it is shown. Values are the merchant's and are escaped wherever they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags, each a parameter of its own")]
pub struct Display {
    /// A page of its own, on any device (P-011).
    pub redirect: bool,
    /// A page of its own, on mobile devices (P-012).
    pub redirect_on_mobile: bool,
    /// The element of the merchant's page that takes the frame (P-013).
    pub target_element: Option<String>,
    /// A class for what surrounds a modal window (P-015).
    pub modal_class: Option<String>,
    /// A click beside the modal window closes it (P-016).
    pub closes_on_click: bool,
    /// The domain whose page holds an embedded form (P-117).
    pub merchant_domain: Option<String>,
    /// Pages of others open in a tab of their own.
    pub other_pages_apart: bool,
    /// It is the embedded card form, says the browser library.
    pub is_embedded: bool,
}

/// One way of showing the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A page, in this tab or another.
    Page,
    /// A frame within the merchant's page.
    Frame,
    /// A window over the merchant's page.
    Modal,
    /// The card form inside the merchant's page.
    Embedded,
}

impl Display {
    /// How the browser library shows the form on a device (P-014): a page that is asked for wins over a frame.
    pub const fn shown(&self, is_mobile: bool) -> Shown {
        if self.is_embedded {
            Shown::Embedded
        } else if self.redirect || (self.redirect_on_mobile && is_mobile) {
            Shown::Page
        } else if self.target_element.is_some() {
            Shown::Frame
        } else {
            Shown::Modal
        }
    }
}
