//! Talking to the directory server: one HTTP request per message, bounded in time and size.

use super::{
    message::{
        AuthenticationRequest, AuthenticationResponse, PreparationRequest, PreparationResponse, VERSIONS,
    },
    notice::{is_proof, is_two_digits},
};
use bytes::Bytes;
use ferropay_domain::payment::{AuthenticationResult, TransStatus};
use reqwest::{Client, StatusCode, Url, header};
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Longest answer to an authentication request, bytes.
const LONGEST_ANSWER: usize = 64 * 1_024;
/// Longest list of ranges, bytes: the greatest networks send some ten million.
const LONGEST_LIST: usize = 64 * 1_024 * 1_024;
/// How long a list may take.
const LIST_TIME_OUT: Duration = Duration::from_mins(2);
/// Room for an authentication request, so that writing it does not leave copies of its beginning in memory, bytes.
const ROOM: usize = 32 * 1_024;

/// Why a message got no usable answer. No text of the other side's choice is in it, apart from names of elements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No connection.
    #[error("the directory server cannot be reached")]
    Unreachable,
    /// No answer in time.
    #[error("the directory server did not answer in time")]
    TimedOut,
    /// The connection broke.
    #[error("the connection to the directory server broke")]
    Broken,
    /// Another HTTP status than 200.
    #[error("the directory server answered with HTTP status {0}")]
    Status(u16),
    /// No JSON, by its content type.
    #[error("the directory server answered with something other than JSON")]
    ContentType,
    /// More than is read.
    #[error("the directory server's answer is too long")]
    TooLong,
    /// JSON that is not the message.
    #[error("the directory server's answer breaks the protocol: {0}")]
    Protocol(&'static str),
    /// An error message.
    #[error("the directory server answered with error {code} of component {component}: {detail}")]
    Refused {
        /// Three digits.
        code: String,
        /// Whose fault it is, one letter.
        component: String,
        /// Names of elements; digits are left out.
        detail: String,
    },
    /// The request cannot be written.
    #[error("the request cannot be written")]
    Unwritable,
}

/// A directory server.
#[derive(Clone, Debug)]
pub struct Directory {
    url: Url,
    client: Client,
    time_out: Duration,
}

/// What a directory server decided about an authentication request, its form checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The directory's identifier.
    pub directory_id: String,
    /// The issuer's identifier.
    pub issuer_id: String,
    /// What the issuer wants the customer to be told.
    pub cardholder_info: Option<String>,
    /// The result, or where the customer is asked.
    pub verdict: Verdict,
}

/// Result or challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Decided.
    Result(AuthenticationResult),
    /// The browser goes to this address.
    Challenge(String),
}

impl Directory {
    /// The directory at `url`; authentication requests may take `time_out`.
    pub fn new(url: Url, client: Client, time_out: Duration) -> Self {
        Self { url, client, time_out }
    }

    /// Asks which cards take part; `serial` asks for the changes since.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn prepare(
        &self,
        reference: &str,
        serial: Option<&str>,
    ) -> Result<PreparationResponse, Problem> {
        let id = Uuid::new_v4();
        let [.., newest] = VERSIONS;
        let request =
            PreparationRequest { message_type: "PReq", message_version: newest, id, reference, serial };
        let body = self.exchange(&request, LONGEST_LIST, LIST_TIME_OUT).await?;
        // The two messages share little; the error message is recognised first.
        let kind: AuthenticationResponse = read(&body)?;
        refuse_error(&kind)?;
        if kind.message_type != "PRes" {
            return Err(Problem::Protocol("messageType"));
        }
        let response: PreparationResponse = read(&body)?;
        if response.id != id {
            return Err(Problem::Protocol("threeDSServerTransID"));
        }
        Ok(response)
    }

    /// Asks for an authentication.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn authenticate(&self, request: &AuthenticationRequest<'_>) -> Result<Decision, Problem> {
        let body = self.exchange(request, LONGEST_ANSWER, self.time_out).await?;
        decision(request, read(&body)?)
    }

    async fn exchange(
        &self,
        message: &impl Serialize,
        longest: usize,
        time_out: Duration,
    ) -> Result<Vec<u8>, Problem> {
        // The message may hold a card number: its memory is cleared when it has been sent.
        let mut body = Zeroizing::new(Vec::with_capacity(ROOM));
        serde_json::to_writer(&mut *body, message).map_err(|_| Problem::Unwritable)?;
        let request = self
            .client
            .post(self.url.clone())
            .timeout(time_out)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Bytes::from_owner(body));
        let mut response = request.send().await.map_err(|error| cause(&error))?;
        if response.status() != StatusCode::OK {
            return Err(Problem::Status(response.status().as_u16()));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            return Err(Problem::ContentType);
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
            if answer.len() + chunk.len() > longest {
                return Err(Problem::TooLong);
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

fn cause(error: &reqwest::Error) -> Problem {
    if error.is_timeout() {
        Problem::TimedOut
    } else if error.is_connect() {
        Problem::Unreachable
    } else {
        Problem::Broken
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // What serde says could repeat a value.
    serde_json::from_slice(body).map_err(|_| Problem::Protocol("an element is missing or of the wrong type"))
}

fn refuse_error(response: &AuthenticationResponse) -> Result<(), Problem> {
    if response.message_type != "Erro" {
        return Ok(());
    }
    let words = |text: &Option<String>, most: usize| {
        let text = text.as_deref().unwrap_or_default();
        text.chars()
            .filter(|c| c.is_ascii_alphabetic() || " ,._-".contains(*c))
            .take(most)
            .collect::<String>()
    };
    let code = response.error_code.as_deref().unwrap_or_default();
    Err(Problem::Refused {
        code: code.chars().filter(char::is_ascii_digit).take(3).collect(),
        component: words(&response.error_component, 1),
        detail: words(&response.error_detail, 200),
    })
}

/// Reads an authentication response.
fn decision(
    request: &AuthenticationRequest<'_>,
    response: AuthenticationResponse,
) -> Result<Decision, Problem> {
    refuse_error(&response)?;
    let broken = |element| Err(Problem::Protocol(element));
    if response.message_type != "ARes" {
        return broken("messageType");
    }
    if response.message_version != request.message_version {
        return broken("messageVersion");
    }
    if uuid(response.id.as_deref()) != Some(request.id) {
        return broken("threeDSServerTransID");
    }
    let Some(directory_id) = uuid(response.directory_id.as_deref()) else { return broken("dsTransID") };
    let Some(issuer_id) = uuid(response.issuer_id.as_deref()) else { return broken("acsTransID") };
    // Words for people: too long or with control characters they are passed over.
    let cardholder_info = response.cardholder_info.clone().filter(|words| is_for_people(words));
    let status = match response.trans_status.as_deref() {
        Some("C") => None,
        Some(letter) if letter.len() == 1 => letter.chars().next().and_then(TransStatus::from_letter),
        _ => return broken("transStatus"),
    };
    let verdict = match (status, response.trans_status.as_deref()) {
        (None, Some("C")) => match response.issuer_url.filter(|url| is_http(url)) {
            Some(url) => Verdict::Challenge(url),
            None => return broken("acsURL"),
        },
        // D: decoupled authentication, which was not asked for, or a letter nobody knows.
        (None, _) => return broken("transStatus"),
        (Some(status), _) => {
            let proven = matches!(status, TransStatus::Y | TransStatus::A) && request.purchase.is_some();
            let AuthenticationResponse {
                eci, authentication_value: value, trans_status_reason: reason, ..
            } = response;
            if eci.as_deref().map_or(proven, |eci| !is_two_digits(eci)) {
                return broken("eci");
            }
            if value.as_deref().map_or(proven, |value| !is_proof(value)) {
                return broken("authenticationValue");
            }
            // A reason is for people only; one of another form is passed over.
            let reason = reason.filter(|reason| is_two_digits(reason));
            Verdict::Result(AuthenticationResult { status, eci, value, reason, cancelled: None })
        }
    };
    let (directory_id, issuer_id) = (directory_id.to_string(), issuer_id.to_string());
    Ok(Decision { directory_id, issuer_id, cardholder_info, verdict })
}

/// Whether a text has the form of what customers are told (`cardholderInfo`): 1 to 128 characters.
fn is_for_people(words: &str) -> bool {
    (1..=128).contains(&words.chars().count()) && !words.chars().any(char::is_control)
}

fn uuid(text: Option<&str>) -> Option<Uuid> {
    text.and_then(|text| Uuid::try_parse(text).ok())
}

/// Whether a browser can be sent to an address.
pub(super) fn is_http(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
