//! The switches of a project. Most capabilities of card payments are agreed with each merchant (G-527), so they are
//! off until somebody switches them on; [`Settings::sandbox`] lists what a project for trying things out has on.

use crate::{
    card::{Country, Funding},
    ids::ProviderAccountId,
    money::{Currency, FeeRule},
    payee::PayeeRule,
    project::{
        AvsMode, CallbackRoute, Confirmation, CredentialStorage, DebitRetries, HoldEnd, Limits, MailSettings,
        MissedDebits, OtherAmount, PayoutRules, ReversalRule, RouteRule, SeriesRegistration, TokenMode,
        TransferRules, Unauthenticated,
    },
    risk::{Rule, Screening, TransferLimits},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The switches of a project, each with its documented default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one documented switch")]
pub struct Settings {
    /// Currencies operations may be in; none listed means all (G-066).
    pub currencies: Vec<Currency>,
    /// Currencies that are converted, by code, and the channel's currency each is processed in (G-447); none unless
    /// listed. They need not be among `currencies`.
    pub conversions: BTreeMap<String, Currency>,
    /// Currencies the project's channels work in; none listed means all. What is in another one and not converted is
    /// refused with 3119 (G-450).
    pub channel_currencies: Vec<Currency>,
    /// The most a provider takes in one converted operation, minor units by the code of the channel's currency; above it
    /// 309 (G-450).
    pub channel_limits: BTreeMap<String, i64>,
    /// Currencies the merchant has balances in: `ferropay balance settle` converts what stands in any other into the first
    /// of them; none listed means that balances stay in the currencies that are asked for (G-449).
    pub balance_currencies: Vec<Currency>,
    /// The callback address for everything that has no closer one (G-082).
    pub callback_url: Option<String>,
    /// Addresses for successes and declines, before the general one (G-082).
    pub callback_url_success: Option<String>,
    /// See [`callback_url_success`](Self::callback_url_success).
    pub callback_url_decline: Option<String>,
    /// Addresses for callbacks about payments of one type or by one method, before all other addresses of the project;
    /// the first that fits counts (G-082). Requests that are refused before there is a payment are told at the others.
    pub callback_routes: Vec<CallbackRoute>,
    /// What is done only when the merchant confirms it (G-092): `operations` (`sale`, `auth`, `payout`), `methods` by code
    /// (`card` for cards; all where none is listed), and the `url` to ask at, where callbacks go when there is none.
    pub confirmation: Confirmation,
    /// Whether callbacks say of the customer what the request said, or the identifier alone (G-099); the older
    /// layout then leaves the customer out.
    pub customer_data_in_callbacks: bool,
    /// Whether callbacks and status replies tell what an operation cost the merchant (G-103).
    pub operation_fee_shown: bool,
    /// Whether `customer.email`, `phone` and `screen_res` may be left out of card sales (D-10).
    pub legacy_minimum: bool,
    /// Whether a customer identifier is demanded where the contract leaves it open (G-063).
    pub customer_id_required: bool,
    /// Whether `card.card_holder` is demanded (G-072).
    pub card_holder_required: bool,
    /// Whether first, middle and last names of customers need two characters or more in card payments: 3161 (G-071).
    pub customer_names_checked: bool,
    /// Whether card purchases by Mastercard and Visa are of cryptocurrency, so that `payment.cryptocurrency_type` has to say
    /// of which (G-078).
    pub crypto_purchases: bool,
    /// Whether the project may send card data (G-525).
    pub card_data_allowed: bool,
    /// The last day of the attestation by which it may, in UTC: card data is refused with 310 after it, and the log warns of
    /// it thirty days ahead; without a day it may for good (G-525).
    pub card_data_until: Option<Date>,
    /// Whether card sales are switched on (G-034).
    pub card_sales_allowed: bool,
    /// Whether purchases in two steps are switched on (G-034, G-165).
    pub two_step_allowed: bool,
    /// Whether cards may be verified (G-343); when not, verifications are declined with 2123.
    pub account_verification_allowed: bool,
    /// What the provider is asked to hold for a moment when a card is verified, minor units by currency code; nothing
    /// where no amount is listed (G-339, D-48).
    pub verification_amounts: BTreeMap<String, i64>,
    /// Whether payees may be verified (G-460).
    pub payee_verification_allowed: bool,
    /// How long the outcome of a verification may be relied on, days (G-461).
    pub payee_verification_days: u16,
    /// Whether purchases that name a recipient are debits of transfers by Mastercard `MoneySend` and Visa Direct, with all
    /// that the networks want to know (G-488); when not, the recipient is noted and nothing more.
    pub card_transfers_allowed: bool,
    /// Between which cards transfers may go: where the card that pays is issued (`sender_region`: `europe` or `eea`), where the
    /// one that is paid (`recipient_countries`), whether cards for businesses may not pay (`no_commercial_senders`),
    /// and whether payouts have to follow a debit (`debit_first`); nothing unless set (G-490, G-493).
    pub transfer_rules: TransferRules,
    /// Whether banks are asked about the payees of payouts to accounts in SEPA, and which outcomes let a payout go on
    /// (G-461).
    pub payouts_verify_payee: PayeeRule,
    /// Whether refunds are switched on (G-034).
    pub refunds_allowed: bool,
    /// Whether payouts to cards are switched on (G-034, G-310).
    pub card_payouts_allowed: bool,
    /// Smallest and largest amount of a payout per currency, minor units (G-325).
    pub payout_limits: BTreeMap<String, Limits>,
    /// Cards that spend such money are paid out nothing: 3103 (G-325).
    pub payout_forbidden_funding: Vec<Funding>,
    /// What payouts have to look like besides: methods (`methods`), winnings (`winnings`), when cards expire (`expiry`), and
    /// names (`middle_name`, `letters`), and whether their customers have to have paid before (`earlier_purchase`: `unasked`,
    /// `remembered` or `demanded`); nothing unless set (G-073, G-314, G-328).
    pub payout_rules: PayoutRules,
    /// The card networks' limits on a single transfer that hold for payouts to cards and debits of transfers: their
    /// `codes`, and in `small_business` first digits of the cards of small businesses (G-326).
    pub transfer_limits: TransferLimits,
    /// Whether the data on sender and recipient that the card networks demand of a payout is checked (G-314, G-316,
    /// G-317).
    pub payout_data_required: bool,
    /// How often a payout that was refused for a reason that may pass is tried again; 0 switches retries off (G-335).
    pub payout_retries: u8,
    /// How long after a refusal it is tried again, in seconds (G-335).
    pub payout_retry_seconds: u32,
    /// Whether the merchant is told when a payout begins to wait for its next try (G-118, D-09).
    pub payout_retry_callbacks: bool,
    /// Whether the merchant is told when support has cancelled a payout (G-088, G-308).
    pub payout_cancellation_callbacks: bool,
    /// Methods, by code, whose payouts are not taken back by themselves when the provider reports that they could not be
    /// credited: support looks first, and orders it with `ferropay payout reverse` (G-309).
    pub payouts_reversed_by_support: Vec<String>,
    /// Cost of a payout to the merchant.
    pub payout_fee: FeeRule,
    /// Whether payouts may be registered whose recipient gives the card on a page of the platform (G-333).
    pub page_payouts_allowed: bool,
    /// Addresses and networks from which payouts may be registered, besides `allowed_sources`; from nowhere when neither lists any
    /// (G-031, G-329).
    pub registration_sources: Vec<String>,
    /// Whether payment links are switched on (G-431).
    pub payment_links_allowed: bool,
    /// The member of a callback that has the address of a payment link (D-38).
    pub payment_link_member: String,
    /// How mails to customers look (G-445), and of what results customers hear: `results` lists what they hear succeeded,
    /// `declines` what they hear failed, of `sale`, `auth`, `cancel`, `payout`, `refund` and `series` (G-268).
    pub mail: MailSettings,
    /// Whether callbacks repeat the refund reason as `operation_description` (G-086, G-105).
    pub operation_description_in_callbacks: bool,
    /// Whether the final callback echoes `merchant.data` (G-107).
    pub merchant_data_in_callbacks: bool,
    /// Callback and status layout of older integrations (G-112).
    pub legacy_callbacks: bool,
    /// Whether less tolerant clients' signature variants are accepted (D-04).
    pub tolerant_signature: bool,
    /// Addresses and networks (`192.0.2.0/24`) Gate requests may come from; none listed means any (G-031).
    pub allowed_sources: Vec<String>,
    /// How long the merchant must wait between two refunds of a payment (G-280).
    pub refund_interval_seconds: u32,
    /// How many calendar days after it a debit may be refunded at the latest, by method code or `card`; without
    /// limit where nothing is listed (G-286).
    pub refund_days: BTreeMap<String, u16>,
    /// Whether a debit may be refunded once only, as in some regions (G-286).
    pub single_refund: bool,
    /// Which returns of card purchases are reversals, by network code: `any_within_day`, `whole_within_day` or `never`. What
    /// is not listed is as by the newer descriptions: any amount within the operation day by Mastercard, the whole by others
    /// (G-289, G-290).
    pub reversals: BTreeMap<String, ReversalRule>,
    /// How long after a refund it may be cancelled, in seconds by network code (`amex`), where the networks leave it
    /// to the project; not at all where nothing is listed (G-306, W-297).
    pub refund_cancellation_seconds: BTreeMap<String, u32>,
    /// The merchant category; decides for which purchases the dates of the booking are demanded (G-155), how long a
    /// hold lasts (G-180) and by how much it may be changed (G-185).
    pub category: Option<u16>,
    /// Where the merchant is registered: the country of its operations (G-248, G-255).
    pub country: Option<Country>,
    /// Smallest and largest amount of a sale per currency, minor units (G-163).
    pub sale_limits: BTreeMap<String, Limits>,
    /// The largest amount of a card purchase by currency, minor units, that the merchant's category may take; above it
    /// 3120 (G-163).
    pub category_most: BTreeMap<String, i64>,
    /// The largest amount that may be taken from a prepaid card, by currency, minor units; above it 3360 (G-163).
    pub prepaid_most: BTreeMap<String, i64>,
    /// Cost of a card sale to the merchant.
    pub sale_fee: FeeRule,
    /// Cost of a refund to the merchant.
    pub refund_fee: FeeRule,
    /// Cost of cancelling a refund to the merchant (G-307).
    pub refund_cancellation_fee: FeeRule,
    /// Cost of a name check to the merchant, where one came to a result; of its share nothing is left, since nothing is paid
    /// (G-238).
    pub name_check_fee: FeeRule,
    /// How far below zero the merchant's balance may go, per currency, in minor units.
    pub credit: BTreeMap<String, i64>,
    /// What a test project starts with in each currency, whole units (D-475).
    pub test_balance_units: i64,
    /// When a card operation that is still open is given up (D-58), in seconds.
    pub card_threshold_seconds: u32,
    /// Whether customers are authenticated by 3-D Secure where their card takes part (G-188).
    pub three_ds: bool,
    /// Whether a card that does not take part is declined with 10205 (G-189).
    pub three_ds_required: bool,
    /// What becomes of a payment whose customer could not be authenticated through no fault of theirs.
    pub three_ds_unavailable: Unauthenticated,
    /// Whether a customer who is to be authenticated has to be reachable by e-mail or one of three telephones; without any
    /// of them the e-mail is asked for (G-152).
    pub three_ds_contact_required: bool,
    /// Whether the customer may be in an app (`device_channel` 01); when not, 2467 (G-192).
    pub three_ds_app: bool,
    /// Whether authentication without the customer may be asked for (`device_channel` 03); when not, 2468 (G-192).
    pub three_ds_requestor_initiated: bool,
    /// Up to which amount an exemption from authentication is asked for because a purchase is small (`lve`), by currency,
    /// minor units; without a currency for none of it (G-195).
    pub low_value_most: BTreeMap<String, i64>,
    /// The same because the analysis of risk found little (`tra`): by the agreement with the acquirer (G-195).
    pub risk_analysis_most: BTreeMap<String, i64>,
    /// Whether final callbacks tell the identifiers of the authentication (`mpi_result`, G-195).
    pub mpi_result_in_callbacks: bool,
    /// Whether the merchant may authenticate customers itself and send the result (G-207).
    pub merchant_three_ds_allowed: bool,
    /// Whether customers may be authenticated by a code in a statement entry (G-211).
    pub merchant_auth_allowed: bool,
    /// Whether missing data is asked for (G-217); when not, 3191 (G-225).
    pub clarification_allowed: bool,
    /// Members of the request that the channel demands, dotted paths by type of operation (`sale`, `capture`). For
    /// cards only members of `customer` and `avs_data` can be asked for (G-218); others are passed over.
    pub required_data: BTreeMap<String, Vec<String>>,
    /// How the cardholder's address is checked (G-231).
    pub avs: AvsMode,
    /// Whether a payment is declined with 109 when the address does not match (G-232).
    pub avs_required: bool,
    /// Whether a smaller amount may be approved when the request allows it (G-240).
    pub partial_approval_allowed: bool,
    /// Whether the cardholder's name may be checked in a verification (G-234).
    pub name_verification_allowed: bool,
    /// Whether the project's card payments repay debts (G-247).
    pub debt_repayment: bool,
    /// Whether the merchant may choose the name on the cardholder's statement (G-257).
    pub descriptor_allowed: bool,
    /// What is done with a hold that nobody has captured or cancelled (G-181).
    pub hold_end: HoldEnd,
    /// When it is done, in seconds after the hold was asked for, if that is before the network's limit (G-182).
    pub hold_lag_seconds: Option<u32>,
    /// The merchant's own plan for trying declined debits of series again (G-399); the standard plan where there is none
    /// or it is not in use.
    pub debit_retries: Option<DebitRetries>,
    /// Whether what stands on the project's risk lists is looked up before a provider is asked (G-520); switched on with
    /// the first entry.
    pub risk_lists: bool,
    /// What the project's card operations have to look like (G-521, G-522).
    pub risk_screening: Screening,
    /// How often and for how much something may be used (G-521).
    pub risk_limits: Vec<Rule>,
    /// Who keeps the data of series: stored credentials of the other one are refused (G-348).
    pub credential_storage: CredentialStorage,
    /// Whether cards may be named by tokens of the platform, and when these are made (G-416, G-417).
    pub tokens: TokenMode,
    /// Whether tokens of the card networks may stand for cards (G-425); when not, 318.
    pub network_tokens_allowed: bool,
    /// Whether customers may save cards, and accounts of other methods, with the project (G-406).
    pub saved_cards: bool,
    /// How many cards and accounts a customer may have saved at a time (G-407).
    pub saved_cards_most: u32,
    /// What becomes of requests that register a series (G-361).
    pub series_registration: SeriesRegistration,
    /// Whether a debit of a schedule that the issuer declined is tried again (G-396).
    pub debit_retries_allowed: bool,
    /// What is done about debits whose moments passed while the platform was down.
    pub missed_debits: MissedDebits,
    /// Whether a card that has expired may be debited on as long as its series was to run as long as the card (G-363).
    pub expired_cards_debited: bool,
    /// Provider accounts that take no cards that have expired: debits of such cards end with 3029 there (G-073).
    pub expired_cards_refused_by: Vec<ProviderAccountId>,
    /// Minutes by which the time of schedules and the days of series are ahead of UTC (D-54).
    pub series_utc_offset_minutes: i16,
    /// Whether callbacks name the network's identifier of the operation that registered a series (G-106).
    pub scheme_id_in_callbacks: bool,
    /// Whether debits the merchant begins need the network's identifier of the operation that registered their series:
    /// 3363 without it (G-376). Cards of the Economic Area need it anyway where the merchant keeps the data (G-369).
    pub trace_id_required: bool,
    /// Which provider account takes a payment method, by the method's code; `*` stands for every method that is not
    /// listed. A method without an account is declined with 314 (D-473).
    pub method_accounts: BTreeMap<String, ProviderAccountId>,
    /// What becomes of a purchase by a payment method whose customer paid another amount than was asked for (G-162).
    pub other_amount: OtherAmount,
    /// When a payment by a method is given up, in seconds by the method's code; where nothing is listed the method's own
    /// threshold counts (G-026).
    pub method_thresholds: BTreeMap<String, u32>,
    /// Codes of payment methods that are switched off (G-034).
    pub methods_off: Vec<String>,
    /// Which provider accounts take card operations, by network, issuer's country, currency and amount; the first rule
    /// that fits decides, and without one the project's card account does.
    pub routes: Vec<RouteRule>,
    /// How many provider accounts of its route a card purchase may be tried through when providers fail (G-516): 1 for
    /// no further attempts.
    pub cascading_attempts: u8,
    /// How often a customer whose purchase failed may try again within the same payment (G-512): 0 for never, 5 is usual,
    /// 20 the most.
    pub additional_attempts: u8,
    /// How long after the first failure that is possible, in seconds up to a day.
    pub additional_attempts_seconds: u32,
    /// Fault the simulated provider is asked to show for every operation; test projects only.
    pub fault_plan: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            currencies: Vec::new(),
            conversions: BTreeMap::new(),
            channel_currencies: Vec::new(),
            channel_limits: BTreeMap::new(),
            balance_currencies: Vec::new(),
            callback_url: None,
            callback_url_success: None,
            callback_url_decline: None,
            callback_routes: Vec::new(),
            confirmation: Confirmation::default(),
            customer_data_in_callbacks: true,
            operation_fee_shown: false,
            legacy_minimum: false,
            customer_id_required: false,
            card_holder_required: false,
            customer_names_checked: false,
            crypto_purchases: false,
            card_data_allowed: true,
            card_data_until: None,
            card_sales_allowed: true,
            two_step_allowed: true,
            account_verification_allowed: false,
            verification_amounts: BTreeMap::new(),
            payee_verification_allowed: false,
            payee_verification_days: 10,
            card_transfers_allowed: false,
            transfer_rules: TransferRules::default(),
            payouts_verify_payee: PayeeRule::Unasked,
            refunds_allowed: true,
            card_payouts_allowed: true,
            payout_limits: BTreeMap::new(),
            payout_forbidden_funding: Vec::new(),
            payout_rules: PayoutRules::default(),
            transfer_limits: TransferLimits::default(),
            payout_data_required: true,
            payout_retries: 0,
            payout_retry_seconds: 3600,
            payout_retry_callbacks: true,
            payout_cancellation_callbacks: false,
            payouts_reversed_by_support: Vec::new(),
            payout_fee: FeeRule::default(),
            page_payouts_allowed: false,
            registration_sources: Vec::new(),
            payment_links_allowed: true,
            payment_link_member: "payment_link".to_owned(),
            mail: MailSettings::default(),
            operation_description_in_callbacks: true,
            merchant_data_in_callbacks: true,
            legacy_callbacks: false,
            tolerant_signature: false,
            allowed_sources: Vec::new(),
            refund_interval_seconds: 120,
            refund_days: BTreeMap::new(),
            single_refund: false,
            reversals: BTreeMap::new(),
            refund_cancellation_seconds: BTreeMap::new(),
            category: None,
            country: None,
            sale_limits: BTreeMap::new(),
            category_most: BTreeMap::new(),
            prepaid_most: BTreeMap::new(),
            sale_fee: FeeRule::default(),
            refund_fee: FeeRule::default(),
            refund_cancellation_fee: FeeRule::default(),
            name_check_fee: FeeRule::default(),
            credit: BTreeMap::new(),
            test_balance_units: 1_000_000,
            card_threshold_seconds: 24 * 3600,
            three_ds: true,
            three_ds_required: false,
            three_ds_unavailable: Unauthenticated::Proceed,
            three_ds_contact_required: false,
            three_ds_app: false,
            three_ds_requestor_initiated: false,
            low_value_most: BTreeMap::new(),
            risk_analysis_most: BTreeMap::new(),
            mpi_result_in_callbacks: false,
            merchant_three_ds_allowed: false,
            merchant_auth_allowed: false,
            clarification_allowed: true,
            required_data: BTreeMap::new(),
            avs: AvsMode::Off,
            avs_required: false,
            partial_approval_allowed: false,
            name_verification_allowed: false,
            debt_repayment: false,
            descriptor_allowed: false,
            hold_end: HoldEnd::Cancel,
            hold_lag_seconds: None,
            debit_retries: None,
            risk_lists: false,
            risk_screening: Screening::default(),
            risk_limits: Vec::new(),
            credential_storage: CredentialStorage::Platform,
            tokens: TokenMode::OnRequest,
            network_tokens_allowed: false,
            saved_cards: false,
            saved_cards_most: 10,
            series_registration: SeriesRegistration::Allowed,
            debit_retries_allowed: false,
            missed_debits: MissedDebits::One,
            expired_cards_debited: false,
            expired_cards_refused_by: Vec::new(),
            series_utc_offset_minutes: 0,
            scheme_id_in_callbacks: false,
            trace_id_required: false,
            method_accounts: BTreeMap::new(),
            other_amount: OtherAmount::default(),
            method_thresholds: BTreeMap::new(),
            methods_off: Vec::new(),
            routes: Vec::new(),
            cascading_attempts: 1,
            additional_attempts: 0,
            additional_attempts_seconds: 600,
            fault_plan: None,
        }
    }
}

impl Settings {
    /// What a project for trying things out begins with (D-478): every capability that shows itself only when a
    /// request asks for it. Whatever would change the course of a plain payment, such as data demanded by
    /// clarification, stays off until somebody switches it on.
    pub fn sandbox() -> Self {
        Self {
            // Has endpoints of its own.
            account_verification_allowed: true,
            // The number of the card alone decides about the outcome (G-551).
            payout_data_required: false,
            // Has an endpoint of its own; whoever tries it out sits at the same machine.
            page_payouts_allowed: true,
            registration_sources: ["127.0.0.1", "::1"].map(str::to_owned).to_vec(),
            // Has endpoints of its own.
            payee_verification_allowed: true,
            // Asked for by `payment.allow_partial_approval`; two test cards show it (D-489).
            partial_approval_allowed: true,
            // Asked for by `customer.name_validation` (D-512).
            name_verification_allowed: true,
            // Asked for by `authentication_data`.
            merchant_three_ds_allowed: true,
            // Only when the emulated provider is told to offer it.
            merchant_auth_allowed: true,
            // Checked when `avs_data` is there; the emulated issuers are at home where it is optional (D-512).
            avs: AvsMode::Request,
            avs_required: true,
            // Asked for by `merchant.descriptor`.
            descriptor_allowed: true,
            // Asked for by `token_data`.
            network_tokens_allowed: true,
            // Asked for by `card.save`.
            saved_cards: true,
            ..Self::default()
        }
    }
}
