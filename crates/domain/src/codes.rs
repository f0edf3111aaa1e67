//! The unified response codes: one table from code to message (G-048), compiled in from
//! `catalogue/response-codes.csv`.

use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fmt, sync::LazyLock};

const TABLE: &str = include_str!("../../../catalogue/response-codes.csv");

/// Message and recommended action of each code.
static MESSAGES: LazyLock<HashMap<u32, (String, String)>> = LazyLock::new(|| {
    TABLE
        .lines()
        .skip(1)
        .filter_map(|line| {
            let cells = split_csv(line);
            Some((cells.get(1)?.parse().ok()?, (cells.get(2)?.clone(), cells.get(3)?.clone())))
        })
        .collect()
});

/// Every code of the table with its source.
#[cfg(test)]
pub(crate) fn rows() -> impl Iterator<Item = (String, Code)> {
    let cells = TABLE.lines().skip(1).map(split_csv);
    cells.filter_map(|cells| Some((cells.first()?.clone(), Code(cells.get(1)?.parse().ok()?))))
}

/// A response code of the unified table, as it stands in `operation.code` and in error replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(u32);

impl Code {
    /// The code with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The message that goes with the code; `None` when the table does not know it.
    pub fn known_message(self) -> Option<&'static str> {
        MESSAGES.get(&self.0).map(|(message, _)| message.as_str())
    }

    /// The recommended action, in the table's words.
    pub(crate) fn action(self) -> Option<&'static str> {
        MESSAGES.get(&self.0).map(|(_, action)| action.as_str())
    }

    /// Whether a decline with this code is the last word, by the table's advice to the merchant: risk control, an issuer
    /// that suspects fraud or wants the card back (G-051).
    pub fn is_last_word(self) -> bool {
        self.action() == Some("none")
    }

    /// Whether the operation might have been done, had the customer been authenticated: the provider, the issuer or the law
    /// wants that (G-189).
    pub const fn demands_authentication(self) -> bool {
        matches!(self.0, 10_403 | 10_709 | 10_722)
    }

    /// The message that goes with the code; for a code outside the table the one of a general decline.
    pub fn message(self) -> &'static str {
        self.known_message().or_else(|| GENERAL_DECLINE.known_message()).unwrap_or("General decline")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        $($(#[$doc])* pub const $name: Code = Code($number);)*
        #[cfg(test)]
        const NAMED: &[Code] = &[$($name),*];
    };
}

codes! {
    /// The project's payouts have to say when the card expires (G-073).
    EXPIRY_REQUIRED = 3020;
    /// The customer of a payout has paid nothing before (G-328), or a credit follows no debit (G-490).
    NO_EARLIER_PAYMENT = 2606;
    /// The merchant's category may not pay out winnings of online gambling (G-328).
    WINNINGS_CATEGORY = 3292;
    /// The project does not pay out by this method (G-328).
    PAYOUT_METHOD = 3293;
    /// The operation succeeded.
    SUCCESS = 0;
    /// Not final yet (G-050).
    AWAITING = 9999;
    /// The platform declined without a closer reason.
    GENERAL_DECLINE = 100;
    /// The issuer refused, or could not be asked and the project does not go on without.
    THREE_DS_DECLINED = 104;
    /// The customer did not come back from the issuer in time.
    THREE_DS_NOT_RETURNED = 108;
    /// The cardholder's address does not match.
    AVS_DECLINED = 109;
    /// Whoever asked for it has withdrawn it.
    CANCELLED = 301;
    /// No permission.
    ACCESS_DENIED = 303;
    /// The converted amount is more than the provider takes.
    CONVERTED_ABOVE_LIMIT = 309;
    /// The operation type is switched off for the project (G-034).
    NOT_ALLOWED = 310;
    /// The provider cannot be reached (G-164).
    PROVIDER_UNAVAILABLE = 314;
    /// Tokens of the card networks are not agreed upon.
    NETWORK_TOKENS_OFF = 318;
    /// Payouts whose recipient gives the card are switched off for the project (G-333).
    PAGE_PAYOUTS_NOT_ALLOWED = 317;
    /// The platform failed.
    INTERNAL = 501;
    /// A value breaks its rule.
    VALIDATION = 502;
    /// The bank could not be asked about a payee, or could not say (G-462).
    PAYEE_CHECK_IMPOSSIBLE = 20450;
    /// The customer paid another amount than was asked for (G-162).
    WRONG_AMOUNT = 20304;
    /// The provider did not confirm that the money reached whom it is for (G-486).
    NOT_CREDITED = 20812;
    /// The account belongs to somebody else than the payee (G-462).
    PAYEE_MISMATCH = 20451;
    /// The threshold time of the method passed (D-18).
    AUTO_DECLINE = 603;
    /// The card is on the black list (G-520).
    RISK_CARD = 1401;
    /// The customer is on the black list.
    RISK_CUSTOMER = 1402;
    /// The name on the card is on the black list.
    RISK_HOLDER = 1403;
    /// The card's first digits are on the black list.
    RISK_BIN = 1404;
    /// The customer's address on the net is on the black list.
    RISK_IP = 1405;
    /// The e-mail address is on the black list.
    RISK_EMAIL = 1406;
    /// The phone number is on the black list.
    RISK_PHONE = 1407;
    /// The card was lost or stolen.
    RISK_CARD_COMPROMISED = 1408;
    /// Too soon after the operation before (G-521).
    RISK_INTERVAL = 1409;
    /// The domain of the e-mail address is on the black list.
    RISK_EMAIL_DOMAIN = 1410;
    /// Cards issued there are not taken (G-522).
    RISK_COUNTRY = 1411;
    /// The card was issued elsewhere than where the customer is said to live.
    RISK_COUNTRY_MISMATCH = 1412;
    /// Cards of too many countries.
    RISK_COUNTRIES = 1413;
    /// Cards issued there are taken at home only.
    RISK_CROSS_BORDER = 1414;
    /// The amount is out of the range.
    RISK_AMOUNT = 1421;
    /// Too much altogether.
    RISK_AMOUNT_SUM = 1422;
    /// Too many cards.
    RISK_CARDS = 1431;
    /// Too many e-mail addresses.
    RISK_EMAILS = 1432;
    /// Too many operations.
    RISK_COUNT = 1433;
    /// The same operation too often.
    RISK_DUPLICATE = 1434;
    /// Too many customers.
    RISK_CUSTOMERS = 1435;
    /// Too many names on cards.
    RISK_NAMES = 1437;
    /// The rules of the business forbid it.
    RISK_COMPLIANCE = 1441;
    /// On a list of sanctions.
    RISK_SANCTIONS = 1450;
    /// Against the rules on money laundering.
    RISK_AML = 1451;
    /// On the British list.
    RISK_SANCTIONS_UK = 1452;
    /// On the list of the United States.
    RISK_SANCTIONS_US = 1453;
    /// A phrase that may not occur.
    RISK_PHRASE = 1455;
    /// The name on the card is not written in letters.
    RISK_HOLDER_FORMAT = 1456;
    /// On the list of the European Union.
    RISK_SANCTIONS_EU = 1457;
    /// On the list of the United Nations.
    RISK_SANCTIONS_UN = 1458;
    /// On the Dutch list.
    RISK_SANCTIONS_NL = 1459;
    /// On the list of the United Arab Emirates.
    RISK_SANCTIONS_UAE = 1460;
    /// Cards of this product are not taken.
    RISK_CARD_PRODUCT = 1461;
    /// Cards of this type are not taken.
    RISK_CARD_TYPE = 1462;
    /// The name on the card is not the customer's.
    RISK_HOLDER_MISMATCH = 1463;
    /// The question to the merchant could not be delivered (G-092).
    NOTIFICATION_UNDELIVERED = 20604;
    /// The merchant refused when it was asked.
    MERCHANT_REFUSED = 30000;
    /// The merchant was asked, answered, and did not confirm.
    NOT_CONFIRMED = 30301;
    /// The merchant was asked and did not answer.
    CONFIRMATION_UNANSWERED = 30302;
    /// The merchant confirmed another amount or currency.
    CONFIRMED_OTHERWISE = 30303;
    /// The recipient of a registered payout did not confirm it in time (G-331).
    UUID_EXPIRED = 604;
    /// The request has the wrong shape.
    MALFORMED = 702;
    /// The body is not JSON.
    INVALID_JSON = 2003;
    /// A required member is missing.
    REQUIRED_MISSING = 2004;
    /// Travel data do not go with the registration of a series.
    ADDENDUM_WITH_SERIES = 2014;
    /// The cardholder's address is demanded and missing.
    AVS_NOT_FOUND = 2061;
    /// Verifications are switched off for the project.
    VERIFICATION_NOT_ALLOWED = 2123;
    /// Customer identifier not usable.
    INVALID_CUSTOMER_ID = 2124;
    /// The lock could not be taken in time.
    LOCK_ERROR = 2147;
    /// The project demands a customer identifier.
    CUSTOMER_ID_REQUIRED = 2154;
    /// There is no such country (G-459).
    COUNTRY_NOT_FOUND = 2261;
    /// The e-mail address is malformed.
    INVALID_EMAIL = 2426;
    /// What was brought from an authentication cannot be used.
    BAD_RESULT = 2466;
    /// The amount is above the largest allowed.
    ABOVE_LIMIT = 2642;
    /// No such project.
    PROJECT_NOT_FOUND = 2442;
    /// Customers in an app are not agreed upon.
    THREE_DS_APP = 2467;
    /// Authentication without the customer is not agreed upon.
    THREE_DS_WITHOUT_CUSTOMER = 2468;
    /// The payment method is not known.
    UNKNOWN_METHOD = 2541;
    /// The birth day is malformed.
    INVALID_BIRTH_DAY = 2609;
    /// The country is malformed.
    INVALID_COUNTRY = 2610;
    /// The city is malformed.
    INVALID_CITY = 2611;
    /// The bank is none of the method's, or not in this currency or region (G-459).
    INVALID_BANK = 2641;
    /// No bank is named (G-412).
    BANK_REQUIRED = 3244;
    /// There is no such bank (G-459).
    BANK_NOT_FOUND = 2801;
    /// The channel needs the customer's account, which cannot be asked for (G-412).
    ACCOUNT_REQUIRED = 3242;
    /// The provider takes no cards that have expired (G-073).
    EXPIRED_AT_PROVIDER = 3029;
    /// The street of a debtor in the United Kingdom is malformed.
    DEBTOR_STREET = 3004;
    /// The birth day of a debtor in the United Kingdom is malformed.
    DEBTOR_BIRTH_DAY = 3001;
    /// The post code of a debtor in the United Kingdom is malformed.
    DEBTOR_POST_CODE = 3002;
    /// The family name of a debtor in the United Kingdom is malformed.
    DEBTOR_SURNAME = 3003;
    /// The card has expired.
    CARD_EXPIRED = 3021;
    /// A payment by a saved card does not say whose.
    SAVED_WITHOUT_CUSTOMER = 3022;
    /// The currency is not enabled for the project.
    CURRENCY_DISABLED = 3023;
    /// The payment identifier breaks its rules.
    INVALID_PAYMENT_ID = 3024;
    /// The merchant's balance does not cover the operation.
    MERCHANT_BALANCE = 3028;
    /// The token is revoked or has expired.
    INVALID_TOKEN = 3027;
    /// The payment identifier is taken.
    PAYMENT_EXISTS = 3041;
    /// Another attempt has to do what the first one was to do (G-515).
    WRONG_ATTEMPT = 2945;
    /// Another attempt has to be about the amount of the first one (G-515).
    WRONG_ATTEMPT_AMOUNT = 2949;
    /// The state does not allow the action.
    WRONG_STATE = 3060;
    /// No such payment.
    NOT_FOUND = 3061;
    /// What is known of the payment cannot be read at the moment.
    NOT_AT_HAND = 3062;
    /// The state machine was asked for an impossible step.
    MACHINE_BREAK = 3081;
    /// Too little would remain after a partial refund of a card payment.
    RESIDUAL_TOO_SMALL = 3117;
    /// The currency is not that of the channel, and is not converted; or not that of the hold.
    CHANNEL_CURRENCY = 3119;
    /// More than the merchant's category may take at once.
    CATEGORY_AMOUNT = 3120;
    /// The currency is not known.
    INVALID_CURRENCY = 3121;
    /// The merchant's category does not allow to change a hold so much.
    CHANGE_FORBIDDEN = 3125;
    /// The card verification value is missing.
    CVV_REQUIRED = 3141;
    /// The cardholder's name breaks its rules.
    INVALID_HOLDER = 3161;
    /// The cardholder's name is missing.
    HOLDER_REQUIRED = 3162;
    /// No such series.
    SERIES_UNKNOWN = 3181;
    /// The name for the payment of a schedule is taken.
    SCHEDULED_NAME_TAKEN = 3182;
    /// The series ended because its card expired.
    SERIES_INVALIDATED = 3183;
    /// The series was cancelled.
    SERIES_CANCELED = 3184;
    /// No such debit whose tries could be stopped.
    TRIGGER_UNKNOWN = 3186;
    /// The series has come to its end.
    SERIES_EXPIRED = 3301;
    /// A debit lacks the network's identifier of the operation that registered its series (G-376).
    TRACE_ID_MISSING = 3363;
    /// Data is missing and did not come, or cannot be asked for.
    NEED_CLARIFICATION = 3191;
    /// There is no such saved card of this customer.
    SAVED_CARD_NOT_FOUND = 3101;
    /// Cards of this type are paid out nothing.
    PAYOUT_CARD_TYPE = 3103;
    /// The card is one that nothing is credited to.
    PAYOUT_CARD_CONSTRAINT = 3341;
    /// There is no such token.
    TOKEN_NOT_FOUND = 3221;
    /// The token is another customer's, or the customer is not known.
    CUSTOMER_NOT_FOUND = 3241;
    /// A purchase from a saved account names another account besides (G-412).
    ACCOUNT_NOT_WANTED = 3243;
    /// The merchant's refund identifier is taken.
    REFUND_ID_EXISTS = 3230;
    /// The amount of a payout is outside its limits.
    PAYOUT_AMOUNT = 3104;
    /// The signature is wrong.
    INVALID_SIGNATURE = 3261;
    /// The signature is missing.
    EMPTY_SIGNATURE = 3262;
    /// The converted amount is less than one minor unit.
    CONVERTED_TOO_SMALL = 3281;
    /// More is to be returned than remains.
    REFUND_EXCEEDS = 3283;
    /// The refund's currency is not the purchase's.
    REFUND_CURRENCY = 3284;
    /// Another refund runs, or the last one is younger than two minutes.
    REFUND_TOO_SOON = 3285;
    /// A currency came without an amount.
    AMOUNT_REQUIRED = 3286;
    /// An amount came without a currency.
    CURRENCY_REQUIRED = 3287;
    /// The amount is below the fixed fee.
    BELOW_FIXED_FEE = 3289;
    /// The merchant's settings do not fit the operation.
    MERCHANT_SETTINGS = 3291;
    /// The merchant may not start operations.
    MERCHANT_STATUS = 3299;
    /// The payment cannot be returned, or not yet.
    REFUND_UNAVAILABLE = 3610;
    /// The operation is not possible with this card.
    CARD_NOT_ALLOWED = 3356;
    /// The amount is below the smallest allowed.
    BELOW_LIMIT = 3358;
    /// More than may be taken from a prepaid card.
    PREPAID_AMOUNT = 3360;
    /// The card that pays in a transfer is of a network that makes none (G-493).
    TRANSFER_SENDER_CARD = 3470;
    /// The card that gets a transfer is of a network that takes none (G-493).
    TRANSFER_RECIPIENT_CARD = 3471;
    /// The card that pays in a transfer is for businesses (G-493).
    TRANSFER_COMMERCIAL = 3400;
    /// The card that pays in a transfer is not from Europe (G-493).
    TRANSFER_OUTSIDE_EUROPE = 3411;
    /// The card that gets a transfer is from where none is sent to (G-493).
    TRANSFER_RECIPIENT_REGION = 3472;
    /// The card that pays in a transfer is from outside the European Economic Area (G-493).
    TRANSFER_OUTSIDE_EEA = 3480;
    /// A transfer from a card to itself (G-493).
    TRANSFER_SAME_CARD = 3431;
    /// The recipient's number of a transfer is no card's (G-493).
    TRANSFER_NO_CARD = 3437;
    /// The debit of a transfer is returned whole or not at all (G-491).
    RETURN_NOT_WHOLE = 3609;
    /// The debit of a transfer by Visa is a day old (G-491).
    TRANSFER_RETURN_TOO_LATE = 3611;
    /// Data on the parties of a money transfer is missing.
    TRANSFER_DATA_MISSING = 3612;
    /// Data on a debt is missing.
    DEBT_DATA_MISSING = 3490;
    /// Debts may not be repaid with this card.
    DEBT_CARD = 3491;
    /// The network declined without a closer reason.
    CARD_GENERAL_DECLINE = 10000;
    /// Series cannot be registered.
    REGISTRATION_BLOCKED = 10109;
    /// Series cannot be registered (other methods than cards).
    REGISTRATION_BLOCKED_ELSEWHERE = 20109;
    /// The customer had the issuer cancel the series (card).
    CANCELED_AT_ISSUER = 10110;
    /// The customer had the issuer cancel the series (other methods).
    CANCELED_AT_ISSUER_ELSEWHERE = 20110;
    /// The mandate of a direct debit is inactive, cancelled or expired (G-476).
    MANDATE_ENDED = 20111;
    /// Mail and telephone orders are not possible with a Maestro card of this country.
    MAESTRO_MOTO = 10108;
    /// The card does not take part in 3-D Secure.
    NOT_ENROLLED = 10205;
    /// The issuer wants the customer to be authenticated before it decides.
    AUTHENTICATION_DEMANDED = 10403;
    /// The payment system declined without a closer reason.
    METHOD_DECLINE = 20000;
    /// The customer gave up at the payment system.
    CUSTOMER_CANCELLED = 20301;
    /// The customer gave up at the issuer.
    OPERATION_CANCELLED = 10301;
    /// The customer did not finish at the payment system in time.
    METHOD_TIME_OUT = 20602;
    /// The payment system does not have this operation.
    UNSUPPORTED = 20706;
    /// No answer in time from the card side.
    CARD_TIME_OUT = 10602;
    /// The provider does not know, or no longer holds, what the operation refers to.
    ORIGINAL_GONE = 10706;
}

/// Splits one line of RFC 4180 text without line breaks inside cells.
fn split_csv(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(cell) = cells.last_mut() else { break };
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cell.push(other),
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-048
    #[test]
    fn every_named_code_has_a_message_in_the_table() {
        for code in NAMED {
            assert!(code.known_message().is_some_and(|text| !text.is_empty()), "{code}");
        }
        assert!(MESSAGES.len() >= 380, "{}", MESSAGES.len());
    }

    // G-050
    #[test]
    fn waiting_and_success_carry_their_documented_texts() {
        assert_eq!(SUCCESS.message(), "Success");
        assert_eq!(AWAITING.message(), "Awaiting processing");
    }
}
