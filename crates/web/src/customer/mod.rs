//! What all pages for customers share: the frame of the page, the bill at its side, its headers, amounts and addresses.

pub(crate) mod address;
pub(crate) mod answer;
pub(crate) mod bill;
pub(crate) mod words;
