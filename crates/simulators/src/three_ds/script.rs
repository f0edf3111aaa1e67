//! Scripts: what the issuer or the wire shall do instead of what a card's behaviour says.
//!
//! A script belongs to a card, until it is taken away, or to the next transaction only. Everything it leaves out is as
//! usual.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest pause, milliseconds.
const LONGEST_PAUSE: u64 = 600_000;

/// A transaction status (`transStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// Authenticated.
    Y,
    /// Attempt proven.
    A,
    /// Not authenticated.
    N,
    /// Could not be performed.
    U,
    /// Rejected by the issuer.
    R,
    /// For information only.
    I,
    /// The cardholder is asked.
    C,
}

impl Word {
    /// Reads a status letter.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "Y" => Self::Y,
            "A" => Self::A,
            "N" => Self::N,
            "U" => Self::U,
            "R" => Self::R,
            "I" => Self::I,
            "C" => Self::C,
            _ => return None,
        })
    }

    /// The status letter.
    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::Y => "Y",
            Self::A => "A",
            Self::N => "N",
            Self::U => "U",
            Self::R => "R",
            Self::I => "I",
            Self::C => "C",
        }
    }

    /// Whether a proof (`authenticationValue`) comes with it.
    pub(super) fn has_proof(self) -> bool {
        matches!(self, Self::Y | Self::A)
    }
}

/// How an authentication request is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// With an authentication response.
    #[default]
    Normal,
    /// With an error message.
    Error,
    /// Not at all: the request is read, the connection stays open for ten minutes.
    None,
    /// With a web page.
    Html,
    /// With a response of two megabytes.
    Oversized,
    /// With JSON that breaks off.
    Garbage,
    /// With the response to another transaction.
    Foreign,
    /// With HTTP status 503.
    Unavailable,
}

/// What the method page does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodPage {
    /// Reports its end to the notification address.
    #[default]
    Normal,
    /// Never reports.
    Silent,
}

/// What becomes of the result request (`RReq`) after a challenge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Sent and answered before the browser goes back.
    #[default]
    Once,
    /// Never sent; the browser says what the cardholder reached.
    Withheld,
    /// Sent twice.
    Twice,
    /// Sent `late_ms` after the browser went back.
    Late,
    /// As usual; but while the cardholder is still being asked, somebody who does not know the directory's transaction
    /// number sends a result that says authenticated.
    Forged,
}

/// A script. Members that are left out are as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Status of the authentication response; `C` forces a challenge.
    pub status: Option<Word>,
    /// What the challenge ends with once a code has been entered.
    pub challenge_status: Option<Word>,
    /// `transStatusReason`, two digits, for statuses other than Y.
    pub reason: Option<String>,
    /// What the cardholder is to be told (`cardholderInfo`), 1 to 128 characters.
    pub cardholder_info: Option<String>,
    /// How the authentication request is answered.
    pub answer: Answer,
    /// The code of an error message, three digits; 403 without it.
    pub error_code: Option<String>,
    /// Milliseconds before the answer to the authentication request.
    pub delay_ms: u64,
    /// What the method page does.
    pub method: MethodPage,
    /// What becomes of the result request.
    pub result: Delivery,
    /// For `"result":"late"`: milliseconds between the browser's return and the result request.
    pub late_ms: u64,
}

/// Why a script cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScriptError {
    /// The reason has the wrong form.
    #[error("`reason` is two digits")]
    Reason,
    /// The error code has the wrong form.
    #[error("`error_code` is three digits")]
    ErrorCode,
    /// The words for the cardholder have the wrong length.
    #[error("`cardholder_info` is 1 to 128 characters")]
    Info,
    /// A challenge cannot end so.
    #[error("`challenge_status` is Y, A, N, U or R: a challenge cannot end with another question")]
    ChallengeStatus,
    /// A pause is too long.
    #[error("`delay_ms` and `late_ms` are at most 600000")]
    Pause,
    /// Too many scripts wait.
    #[error("1000 scripts wait already; use them up or delete them first")]
    TooMany,
}

impl Script {
    /// Checks what the types leave open.
    ///
    /// # Errors
    /// [`ScriptError`] says which member cannot be.
    pub(super) fn check(&self) -> Result<(), ScriptError> {
        let digits = |text: &Option<String>, length: usize| {
            text.as_ref().is_none_or(|t| t.len() == length && t.bytes().all(|byte| byte.is_ascii_digit()))
        };
        if !digits(&self.reason, 2) {
            return Err(ScriptError::Reason);
        }
        if !digits(&self.error_code, 3) {
            return Err(ScriptError::ErrorCode);
        }
        if self.cardholder_info.as_ref().is_some_and(|text| !(1..=128).contains(&text.chars().count())) {
            return Err(ScriptError::Info);
        }
        if matches!(self.challenge_status, Some(Word::C | Word::I)) {
            return Err(ScriptError::ChallengeStatus);
        }
        if self.delay_ms.max(self.late_ms) > LONGEST_PAUSE {
            return Err(ScriptError::Pause);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), ScriptError> {
        serde_json::from_str::<Script>(text).unwrap().check()
    }

    #[test]
    fn a_script_says_only_what_can_be() {
        assert_eq!(check(r#"{"status":"N","reason":"11"}"#), Ok(()));
        assert_eq!(check(r#"{"reason":"1"}"#), Err(ScriptError::Reason));
        assert_eq!(check(r#"{"cardholder_info":""}"#), Err(ScriptError::Info));
        assert_eq!(check(r#"{"error_code":"4x3"}"#), Err(ScriptError::ErrorCode));
        assert_eq!(check(r#"{"challenge_status":"C"}"#), Err(ScriptError::ChallengeStatus));
        assert_eq!(check(r#"{"delay_ms":600001}"#), Err(ScriptError::Pause));
        assert!(serde_json::from_str::<Script>(r#"{"statsu":"N"}"#).is_err());
        assert!(serde_json::from_str::<Script>(r#"{"status":"D"}"#).is_err());
    }
}
