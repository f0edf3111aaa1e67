//! Words in a description that decide what becomes of a transaction without anybody (D-504, D-505).

/// What somebody decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It is done.
    Approve,
    /// The provider refuses.
    Decline,
    /// The customer gives up.
    Cancel,
    /// Nothing happens.
    LeavePending,
    /// The provider's account has too little.
    Insufficient,
}

impl Act {
    /// What a button of the page or `emulate` in its address means (D-501, D-502).
    pub(super) fn of_button(text: &str) -> Option<Self> {
        Some(match text {
            "approve" | "success" => Self::Approve,
            "decline" => Self::Decline,
            "cancel" => Self::Cancel,
            "pending" => Self::LeavePending,
            _ => return None,
        })
    }

    /// What a description asks for.
    pub(super) fn of_description(text: &str) -> Option<Self> {
        let words = [
            ("[success]", Self::Approve),
            ("[decline]", Self::Decline),
            ("[cancel]", Self::Cancel),
            ("[pending]", Self::LeavePending),
            ("[insufficient]", Self::Insufficient),
        ];
        words.into_iter().find_map(|(word, act)| text.contains(word).then_some(act))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // D-504
    #[test]
    fn words_in_brackets_are_found_wherever_they_stand() {
        assert_eq!(Act::of_description("Wages [insufficient] of May"), Some(Act::Insufficient));
        assert_eq!(Act::of_description("decline"), None);
    }
}
