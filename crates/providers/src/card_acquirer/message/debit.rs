//! What is asked of a card and its issuer: to take, to hold, or to say whether the card is good.

use super::{Attempt, Processing};
use crate::card_acquirer::iso8583::Encoder;
use crate::card_acquirer::private_data as tags;
use crate::card_acquirer::secret::Cvv;
use crate::card_acquirer::text::{InvalidText, Text};

/// What the issuer is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DebitKind {
    /// Take the amount at once (0200).
    Purchase,
    /// Hold the amount (0100).
    Authorisation,
    /// Say whether the card is good; holds the amount when there is one (0100 with DE3 330000).
    Verification,
}

impl DebitKind {
    /// What is asked, as processing code.
    pub(super) const fn processing(self) -> Processing {
        match self {
            Self::Purchase | Self::Authorisation => Processing::Purchase,
            Self::Verification => Processing::Verification,
        }
    }
}

/// The month a card expires in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Four-digit year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

/// Proof of the cardholder's authentication (G-194, G-208).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// Electronic commerce indicator, two digits.
    pub eci: Option<Text<2>>,
    /// CAVV or AAV, base64.
    pub cavv: Option<Text<28>>,
    /// Transaction id of the directory server.
    pub ds_transaction: Option<Text<36>>,
    /// Version of the protocol, such as `2.2.0`.
    pub version: Option<Text<8>>,
    /// Transaction id of 3-D Secure 1, base64.
    pub xid: Option<Text<28>>,
}

/// Proof that a number that stands for a card may be used (G-465).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkToken {
    /// Electronic commerce indicator, two digits.
    pub eci: Option<Text<2>>,
    /// The cryptogram, base64.
    pub cryptogram: Text<88>,
    /// The wallet that made it: `A` for Apple Pay, `G` for Google Pay.
    pub wallet: Option<Text<1>>,
}

/// Address data to be compared with the issuer's (G-229).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Post code, at least one character.
    pub post_code: Text<10>,
    /// Street, house and flat; empty when not known.
    pub street: Text<40>,
    /// Whether the issuer is to decline when it does not match.
    pub must_match: bool,
}

/// The cardholder's name to be compared with the issuer's (G-235, G-236). An empty part is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonName {
    /// Given name.
    pub first: Text<35>,
    /// Middle name.
    pub middle: Text<35>,
    /// Family name.
    pub last: Text<35>,
}

/// How an order came in when the customer was not present at a page (G-253).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteOrder {
    /// By mail.
    Mail,
    /// By telephone.
    Telephone,
}

/// Where the money of a purchase goes on to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferTo {
    /// A digital wallet.
    Wallet,
    /// Another card.
    Card,
}

/// Why the cardholder was not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// The amount is small.
    LowValue,
    /// The risk is small.
    RiskAnalysis,
}

/// A purchase, authorisation or verification. What most requests lack is boxed, so that those stay small.
#[derive(Clone, Debug)]
pub struct Debit {
    /// The attempt.
    pub attempt: Attempt,
    /// What is asked.
    pub kind: DebitKind,
    /// DE14.
    pub expiry: Expiry,
    /// Verification value, where the customer gave one.
    pub cvv: Option<Cvv>,
    /// Result of 3-D Secure, where there is one.
    pub authentication: Option<Box<Authentication>>,
    /// Proof that the number may be used, where it stands for a card.
    pub network_token: Option<Box<NetworkToken>>,
    /// How the credentials are stored or used again: tag 06.
    pub credential: Option<Text<17>>,
    /// Name on the card.
    pub holder: Option<Text<26>>,
    /// Address to check.
    pub address: Option<Box<Address>>,
    /// Name to check; verifications only.
    pub name: Option<Box<PersonName>>,
    /// Whether a smaller amount would do (G-240).
    pub partial_allowed: bool,
    /// Where the money goes on to, when it is the debit of a transfer (G-488).
    pub transfer: Option<TransferTo>,
    /// The exemption from authentication that is asked for (G-195).
    pub exemption: Option<Exemption>,
    /// The code of a merchant authentication as the customer typed it (G-213).
    pub confirmation: Option<Text<32>>,
    /// The currency that the customer chose elsewhere, three digits, and how much of it, twelve (G-451).
    pub chosen: Option<Box<Text<17>>>,
}

impl Debit {
    /// A request without any of the particulars.
    pub const fn plain(kind: DebitKind, attempt: Attempt, expiry: Expiry) -> Self {
        Self {
            attempt,
            kind,
            expiry,
            cvv: None,
            authentication: None,
            network_token: None,
            credential: None,
            holder: None,
            address: None,
            name: None,
            partial_allowed: false,
            transfer: None,
            exemption: None,
            confirmation: None,
            chosen: None,
        }
    }

    /// Writes the tags up to the fault plan's, in rising order.
    pub(super) fn put_first_tags(&self, encoder: &mut Encoder<'_>) {
        if let Some(proof) = &self.authentication {
            put_text(encoder, tags::ECI, proof.eci.as_ref());
            put_text(encoder, tags::CAVV, proof.cavv.as_ref());
            put_text(encoder, tags::DS_TRANSACTION, proof.ds_transaction.as_ref());
        }
        if let Some(token) = self.network_token.as_ref().filter(|_| self.authentication.is_none()) {
            put_text(encoder, tags::ECI, token.eci.as_ref());
        }
        put_text(encoder, tags::CREDENTIAL, self.credential.as_ref());
        if let Some(cvv) = &self.cvv {
            tags::put(encoder, tags::CVV2, cvv.expose());
        }
        put_text(encoder, tags::HOLDER, self.holder.as_ref());
    }

    /// Writes the tags behind the fault plan's, in rising order.
    pub(super) fn put_last_tags(&self, encoder: &mut Encoder<'_>) {
        if let Some(address) = &self.address {
            put_text(encoder, tags::STREET, Some(&address.street));
            if address.must_match {
                tags::put(encoder, tags::ADDRESS_MUST_MATCH, b"1");
            }
            put_text(encoder, tags::POST_CODE, Some(&address.post_code));
        }
        if self.partial_allowed {
            tags::put(encoder, tags::PARTIAL_ALLOWED, b"1");
        }
        match self.attempt.remote_order {
            Some(RemoteOrder::Mail) => tags::put(encoder, tags::REMOTE_ORDER, b"1"),
            Some(RemoteOrder::Telephone) => tags::put(encoder, tags::REMOTE_ORDER, b"2"),
            None => {}
        }
        put_text(
            encoder,
            tags::VERSION,
            self.authentication.as_ref().and_then(|proof| proof.version.as_ref()),
        );
        put_text(encoder, tags::CONFIRMATION, self.confirmation.as_ref());
        put_text(encoder, tags::XID, self.authentication.as_ref().and_then(|proof| proof.xid.as_ref()));
        if let Some(name) = &self.name {
            put_text(encoder, tags::FIRST_NAME, Some(&name.first));
            put_text(encoder, tags::MIDDLE_NAME, Some(&name.middle));
            put_text(encoder, tags::LAST_NAME, Some(&name.last));
        }
        if let Some(token) = &self.network_token {
            put_text(encoder, tags::CRYPTOGRAM, Some(&token.cryptogram));
            put_text(encoder, tags::WALLET, token.wallet.as_ref());
        }
        match self.transfer {
            Some(TransferTo::Wallet) => tags::put(encoder, tags::TRANSFER, b"W"),
            Some(TransferTo::Card) => tags::put(encoder, tags::TRANSFER, b"C"),
            None => {}
        }
        match self.exemption {
            Some(Exemption::LowValue) => tags::put(encoder, tags::EXEMPTION, b"L"),
            Some(Exemption::RiskAnalysis) => tags::put(encoder, tags::EXEMPTION, b"T"),
            None => {}
        }
        put_text(encoder, tags::CHOSEN_CURRENCY, self.chosen.as_deref());
    }
}

/// Writes a tag unless its value is absent or empty.
pub(super) fn put_text<const N: usize>(encoder: &mut Encoder<'_>, tag: [u8; 2], value: Option<&Text<N>>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        tags::put(encoder, tag, value.as_bytes());
    }
}

impl Authentication {
    /// Takes the members as texts, empty ones as absent; the values of fixed length have to have it.
    ///
    /// # Errors
    /// A member is too long, too short, or has a character outside printable ASCII.
    pub fn new(
        eci: Option<&str>,
        cavv: Option<&str>,
        ds_transaction: Option<&str>,
        version: &str,
        xid: Option<&str>,
    ) -> Result<Self, InvalidText> {
        Ok(Self {
            eci: exact(eci)?,
            cavv: exact(cavv)?,
            ds_transaction: exact(ds_transaction)?,
            version: (!version.is_empty()).then(|| Text::new(version.as_bytes())).transpose()?,
            xid: exact(xid)?,
        })
    }
}

/// A text that fills its place, unless it is absent or empty.
fn exact<const N: usize>(text: Option<&str>) -> Result<Option<Text<N>>, InvalidText> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let value = Text::new(text.as_bytes())?;
    if text.len() == N { Ok(Some(value)) } else { Err(InvalidText { limit: N }) }
}
