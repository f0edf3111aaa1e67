//! A bare client for tests: frames in, frames out, messages written by hand.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(missing_docs, reason = "not an interface")]

use std::sync::Arc;
use std::time::Duration;

use ferropay_simulators::acquirer::{Acquirer, Config, Handle, Reference};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const GOOD: &str = "4000000000000077";
/// A card that takes credits.
pub(crate) const PAYABLE: &str = "4242424242424242";
pub(crate) const SILENT_ISSUER: &str = "4539121411168251";

/// 2025-03-03 13:42:05 UTC.
pub(crate) const TIME: i64 = 1_741_009_325;

pub(crate) fn config() -> Config {
    Config::new("127.0.0.1:0".parse().unwrap(), Arc::new(|| TIME))
}

pub(crate) async fn start() -> Handle {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Handle {
    let mut config = config();
    change(&mut config);
    Acquirer::start(config).await.unwrap()
}

/// The DE37 of a number.
pub(crate) fn de37(number: u64) -> String {
    reference(number).to_string()
}

/// First attempt of operation `number`.
pub(crate) fn reference(number: u64) -> Reference {
    Reference::from_number(number * 512 + 1).unwrap()
}

/// The DE37 of the second attempt of operation `number`.
pub(crate) fn second_attempt(number: u64) -> String {
    Reference::from_number(number * 512 + 2).unwrap().to_string()
}

/// DE48 tag 05.
pub(crate) fn original(number: u64) -> String {
    format!("05012{}", de37(number))
}

/// DE48 tag 10.
pub(crate) fn plan(text: &str) -> String {
    format!("10{:03}{text}", text.len())
}

fn de48(tags: &str) -> String {
    format!("{:03}{tags}", tags.len())
}

const PLACE: &str = "FERROPAY TEST SHOP       RIGA         LV";
const ORIGINAL_DATA: &str = "020000000003031342050000040000000000000000";

const TERMINAL: &str = "TERM0001";
const MERCHANT: &str = "57123          ";
/// DE7 and DE11, then DE12 and DE13.
const TIMES: &str = "03031342050001231342050303";
/// DE18, DE22, DE25 and DE32.
const POINT_OF_SERVICE: &str = "59998125906400000";

pub(crate) fn purchase_of(card: &str, number: u64, amount: u64, tags: &str) -> String {
    let (length, de37, de48) = (card.len(), de37(number), de48(tags));
    format!(
        "0200723C448108E18000{length:02}{card}000000{amount:012}{TIMES}3012{POINT_OF_SERVICE}{de37}\
         {TERMINAL}{MERCHANT}{PLACE}{de48}978"
    )
}

pub(crate) fn purchase(number: u64, amount: u64, tags: &str) -> String {
    purchase_of(GOOD, number, amount, tags)
}

/// A message about an earlier attempt, which tag 05 names: no expiry.
fn follow_up(mti: &str, processing: &str, number: u64, amount: u64, tags: &str) -> String {
    let (de37, de48) = (de37(number), de48(tags));
    format!(
        "{mti}7238448108E1800016{GOOD}{processing}{amount:012}{TIMES}{POINT_OF_SERVICE}{de37}\
         {TERMINAL}{MERCHANT}{PLACE}{de48}978"
    )
}

pub(crate) fn refund(number: u64, amount: u64, tags: &str) -> String {
    follow_up("0200", "200000", number, amount, tags)
}

/// A payout to `card`, whose expiry is not known; `tags` may be empty.
pub(crate) fn credit_of(card: &str, number: u64, amount: u64, tags: &str) -> String {
    let (length, de37) = (card.len(), de37(number));
    let (bits, de48) =
        if tags.is_empty() { ("7238448108E08000", String::new()) } else { ("7238448108E18000", de48(tags)) };
    format!(
        "0200{bits}{length:02}{card}260000{amount:012}{TIMES}{POINT_OF_SERVICE}{de37}\
         {TERMINAL}{MERCHANT}{PLACE}{de48}978"
    )
}

/// A payout to a card that takes it.
pub(crate) fn credit(number: u64, amount: u64, tags: &str) -> String {
    credit_of(PAYABLE, number, amount, tags)
}

/// Takes the credit of operation `of` back.
pub(crate) fn take_back(number: u64, amount: u64, of: u64) -> String {
    void(number, amount, &original(of), None).replacen(&format!("{GOOD}000000"), &format!("{GOOD}260000"), 1)
}

pub(crate) fn authorisation_of(card: &str, number: u64, amount: u64, tags: &str) -> String {
    purchase_of(card, number, amount, tags).replacen("0200", "0100", 1)
}

pub(crate) fn authorisation(number: u64, amount: u64, tags: &str) -> String {
    authorisation_of(GOOD, number, amount, tags)
}

/// Raises the hold of operation `hold`.
pub(crate) fn increment(number: u64, amount: u64, hold: u64) -> String {
    follow_up("0100", "000000", number, amount, &(original(hold) + "21001I"))
}

/// Takes out of the hold of operation `hold`.
pub(crate) fn capture(number: u64, amount: u64, hold: u64) -> String {
    follow_up("0220", "000000", number, amount, &original(hold))
}

/// Has the code placed that was offered to operation `first`.
pub(crate) fn code_request(number: u64, amount: u64, first: u64) -> String {
    follow_up("0100", "390000", number, amount, &original(first))
}

pub(crate) fn verification(number: u64, amount: u64, tags: &str) -> String {
    authorisation(number, amount, tags).replacen(&format!("{GOOD}000000"), &format!("{GOOD}330000"), 1)
}

pub(crate) fn void(number: u64, amount: u64, tags: &str, remains: Option<u64>) -> String {
    let (second, de95) = match remains {
        None => ("0000004000000000", String::new()),
        Some(remains) => ("0000004200000000", format!("{remains:012}{:030}", 0)),
    };
    let (de37, de48) = (de37(number), de48(tags));
    format!(
        "0400F238448108E18000{second}16{GOOD}000000{amount:012}{TIMES}{POINT_OF_SERVICE}{de37}\
         {TERMINAL}{MERCHANT}{PLACE}{de48}978{ORIGINAL_DATA}{de95}"
    )
}

pub(crate) fn advice(number: u64, amount: u64) -> String {
    let de37 = de37(number);
    format!(
        "0420F238448108E08000000000400000000016{GOOD}000000{amount:012}{TIMES}{POINT_OF_SERVICE}{de37}\
         {TERMINAL}{MERCHANT}{PLACE}978{ORIGINAL_DATA}"
    )
}

pub(crate) fn network(code: &str, trace: u32) -> String {
    format!("080082200001000000000400000000000000{}{trace:06}06400000{code}", "0303134205")
}

pub(crate) fn frame(message: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(message.as_bytes());
    bytes
}

/// An answer but an 0810 as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) mti: String,
    pub(crate) de37: String,
    pub(crate) approval: Option<String>,
    pub(crate) code: String,
    pub(crate) amount: u64,
    pub(crate) text: String,
}

impl Answer {
    /// Cuts an answer that repeats a whole request of this profile (DE32 of six digits).
    pub(crate) fn read(text: &str) -> Self {
        let mti = text[..4].to_owned();
        let bits = u64::from_str_radix(&text[4..20], 16).unwrap();
        // 3, 4, 7, 11; then 12 and 13 unless it answers a reversal; then DE32 with its length.
        let start = 20 + 6 + 12 + 10 + 6 + if mti.starts_with("04") { 0 } else { 10 } + 8;
        let approved = bits >> (64 - 38) & 1 == 1;
        let code = start + 12 + if approved { 6 } else { 0 };
        Self {
            mti,
            de37: text[start..start + 12].to_owned(),
            approval: approved.then(|| text[start + 12..start + 18].to_owned()),
            code: text[code..code + 2].to_owned(),
            amount: text[26..38].parse().unwrap_or_default(),
            text: text.to_owned(),
        }
    }
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn connect(handle: &Handle) -> Self {
        Self(TcpStream::connect(handle.local_addr()).await.unwrap())
    }

    pub(crate) async fn signed_on(handle: &Handle) -> Self {
        let mut client = Self::connect(handle).await;
        client.send(&network("001", 1)).await;
        let answer = client.receive().await;
        assert!(answer.starts_with("0810") && answer.ends_with("00001"), "{answer}");
        client
    }

    pub(crate) async fn send(&mut self, message: &str) {
        self.0.write_all(&frame(message)).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> String {
        timeout(Duration::from_secs(5), self.next())
            .await
            .expect("no answer within 5 s")
            .expect("connection closed")
    }

    /// The next frame; `None` when the connection was closed.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let length = self.0.read_u16().await.ok()?;
        let mut bytes = vec![0; usize::from(length)];
        self.0.read_exact(&mut bytes).await.ok()?;
        Some(bytes.iter().map(|&byte| char::from(byte)).collect())
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        Answer::read(&self.receive().await)
    }

    /// Sends and returns the answer's DE39.
    pub(crate) async fn ask(&mut self, message: &str) -> String {
        self.send(message).await;
        self.answer().await.code
    }

    /// Fails when something arrives within `millis`.
    pub(crate) async fn expect_silence(&mut self, millis: u64) {
        let next = timeout(Duration::from_millis(millis), self.next()).await;
        assert!(next.is_err(), "expected nothing, got {next:?}");
    }

    /// Fails unless the connection is closed within 5 seconds, without a further frame.
    pub(crate) async fn expect_close(&mut self) {
        let next = timeout(Duration::from_secs(5), self.next()).await.expect("connection still open");
        assert_eq!(next, None);
    }
}
