//! An opening whose parameters keep the rules, typed.

use super::{
    catalogue::{Kind, Parameter},
    check::{check, flag, moment, scalar},
    display::Display,
    encoded::codes,
    form::Received,
    methods::{Offered, Wanted},
    problem::{Problem, Problems, Reason},
    returns::{Leaving, Offer, Returns, Target, WayBack},
    signed::Signed,
    terms,
};
use crate::gate::SeriesTerms;
use ferropay_domain::{
    card::{Country, Pan},
    ids::{PaymentId, ProjectId, fold},
    money::{Currency, Money},
    page::Mode,
    time::Timestamp,
};
use std::{collections::BTreeMap, fmt};

/// What a merchant opens the page with. Nothing of it changes for as long as the session lasts (P-025).
#[derive(Clone)]
pub struct Opening {
    /// The project.
    pub project: ProjectId,
    /// What the page is opened for.
    pub mode: Mode,
    /// The merchant's name of the payment; none where a card is kept.
    pub payment: Option<PaymentId>,
    /// What it is about; none where a card is kept, nothing where one is verified.
    pub amount: Option<Money>,
    /// Whether it is made in one step; none where the project decides (P-067).
    pub one_step: Option<OneStep>,
    /// How the order came, where it was not over the web (P-094).
    pub mail_order: Option<MailOrder>,
    /// The customer's country by the merchant's word.
    pub region: Option<Country>,
    /// The language that is asked for, in small letters.
    pub language: Option<String>,
    /// Until when the customer may confirm.
    pub best_before: Option<Timestamp>,
    /// How the form is shown.
    pub display: Display,
    /// Which methods it shows.
    pub methods: Wanted,
    /// Where the customer goes afterwards.
    pub returns: Returns,
    /// The series that is registered.
    pub series: Option<SeriesTerms>,
    /// The card that receives a transfer.
    pub recipient: Option<Pan>,
    texts: BTreeMap<&'static str, String>,
    documents: BTreeMap<&'static str, String>,
}

/// In how many steps a purchase is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneStep {
    /// One: `sale`.
    Sale,
    /// Two: `auth`, and a capture later.
    Auth,
}

/// How an order came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailOrder {
    /// By mail.
    Mail,
    /// By telephone.
    Telephone,
}

impl Signed<'_> {
    /// Holds the parameters against the table.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn open(&self) -> Result<Opening, Vec<Problem>> {
        Opening::read(&self.received)
    }
}

impl Opening {
    /// The text of a parameter, by its own name: of those that say something in this mode, except what is kept typed alone (the
    /// signature, objects, a card number).
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The JSON of an encoded parameter, by its own name and without what may lie around it (P-047).
    pub fn document(&self, name: &str) -> Option<&str> {
        self.documents.get(name).map(String::as_str)
    }

    /// Whether the customer can be reached, by e-mail or telephone; purchases with cards need it, unless the form asks (P-036,
    /// P-037).
    pub fn can_reach_customer(&self) -> bool {
        self.text("customer_email").or_else(|| self.text("customer_phone")).is_some()
    }

    pub(super) fn read(received: &Received<'_>) -> Result<Self, Vec<Problem>> {
        let mut reading = Reading::default();
        let word = received.of_named("mode").map(|value| scalar(value).unwrap_or_default());
        let mode = word.map_or(Some(Mode::Purchase), Mode::from_word);
        for parameter in Parameter::all() {
            reading.parameter(parameter, received, mode);
        }
        reading.embedded(received, mode);
        reading.finish(mode)
    }
}

#[derive(Default)]
struct Reading {
    found: Problems,
    texts: BTreeMap<&'static str, String>,
    documents: BTreeMap<&'static str, String>,
    series: Option<SeriesTerms>,
    recipient: Option<Pan>,
}

impl Reading {
    fn parameter(&mut self, row: &'static Parameter, received: &Received<'_>, mode: Option<Mode>) {
        let path = row.path.as_str();
        let Some(value) = received.of(row) else {
            let is_required = mode.map_or(row.required.is_all(), |mode| row.required.has(mode));
            if is_required && !may_follow(row, received) {
                self.found.add(path, Reason::Missing);
            }
            return;
        };
        if let Some(mode) = mode.filter(|mode| row.refused.has(*mode)) {
            return self.found.add(path, Reason::NotIn(mode));
        }
        let (mut document, mut series) = (None, None);
        check(row, value, &mut self.found, &mut |object, found| {
            document = Some(object.to_json_string());
            if path == "recurring" {
                series = terms::read(object, found);
            }
        });
        let says_something = mode.is_none_or(|mode| row.modes.has(mode));
        if self.found.touch(path) || !says_something {
            return;
        }
        self.series = series.or(self.series.take());
        match row.kind {
            Kind::Object => self.documents.extend(document.map(|json| (path, json))),
            Kind::Card => self.recipient = scalar(value).and_then(|digits| Pan::parse(digits).ok()),
            Kind::Flag => {
                let digit = flag(value).map(|flag| u8::from(flag).to_string());
                self.texts.extend(digit.map(|digit| (path, digit)));
            }
            Kind::Any | Kind::List | Kind::Boolean => {}
            Kind::Text if path == "signature" => {}
            Kind::Text | Kind::Integer | Kind::Number => {
                self.texts.extend(scalar(value).map(|text| (path, text.to_owned())));
            }
        }
    }

    /// What the embedded card form needs besides, and what it can be opened for (P-115).
    fn embedded(&mut self, received: &Received<'_>, mode: Option<Mode>) {
        if !is_embedded(received) {
            return;
        }
        for name in ["target_element", "merchant_domain", "force_payment_method"] {
            if received.of_named(name).is_none() {
                self.found.add(name, Reason::Missing);
            }
        }
        if self.texts.get("force_payment_method").is_some_and(|code| code != "card") {
            self.found.add("force_payment_method", Reason::Not("card"));
        }
        if let Some(mode @ (Mode::Payout | Mode::CardTokenize)) = mode {
            self.found.add("frame_mode", Reason::NotIn(mode));
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    fn finish(mut self, mode: Option<Mode>) -> Result<Opening, Vec<Problem>> {
        let payment = self.payment();
        let amount = self.amount(mode);
        self.scheduled(payment.as_ref());
        let project = self.get("project_id").and_then(|text| text.parse().ok()).map(ProjectId::new);
        let (Some(project), Some(mode)) = (project, mode) else { return Err(self.found.into_list()) };
        let is_payment = mode != Mode::CardTokenize;
        let opening = Opening {
            project,
            mode,
            payment: payment.filter(|_| is_payment),
            amount: amount.filter(|_| is_payment),
            one_step: self.get("operation_type").and_then(|word| match word {
                "sale" => Some(OneStep::Sale),
                "auth" => Some(OneStep::Auth),
                _ => None,
            }),
            mail_order: self.get("moto_type").and_then(|number| match number.parse() {
                Ok(1) => Some(MailOrder::Mail),
                Ok(2) => Some(MailOrder::Telephone),
                _ => None,
            }),
            region: self.get("region_code").and_then(|code| Country::parse(code).ok()),
            language: self.get("language_code").map(str::to_ascii_lowercase),
            best_before: self.get("best_before").and_then(moment),
            display: self.display(),
            methods: self.methods(),
            returns: self.returns(),
            series: self.series.take(),
            recipient: self.recipient.take(),
            texts: self.texts,
            documents: self.documents,
        };
        let problems = self.found.into_list();
        if problems.is_empty() { Ok(opening) } else { Err(problems) }
    }

    fn payment(&mut self) -> Option<PaymentId> {
        let payment = PaymentId::parse(self.get("payment_id")?).ok();
        if payment.is_none() {
            self.found.add("payment_id", Reason::Invalid);
        }
        payment
    }

    /// The amount, which is nothing where a card is verified and nowhere else (P-039).
    fn amount(&mut self, mode: Option<Mode>) -> Option<Money> {
        let minor = self.get("payment_amount")?.parse().ok()?;
        match mode {
            Some(Mode::CardVerify) if minor != 0 => self.found.add("payment_amount", Reason::Not("0")),
            Some(Mode::Purchase | Mode::Payout) if minor == 0 => {
                self.found.add("payment_amount", Reason::Small(1));
            }
            _ => {}
        }
        Some(Money::new(minor, Currency::parse(self.get("payment_currency")?).ok()?))
    }

    /// The payment of a schedule's debits is another than this one (P-178).
    fn scheduled(&mut self, payment: Option<&PaymentId>) {
        let scheduled = self.series.as_ref().and_then(|series| series.scheduled.as_ref());
        let same = scheduled.zip(payment).is_some_and(|(a, b)| fold(a.as_str()) == fold(b.as_str()));
        if same {
            self.found.add("recurring.scheduled_payment_id", Reason::Same("payment_id"));
        }
    }

    fn display(&self) -> Display {
        let is_on = |name: &str| self.get(name) == Some("1");
        let owned = |name: &str| self.get(name).map(str::to_owned);
        Display {
            redirect: is_on("redirect"),
            redirect_on_mobile: is_on("redirect_on_mobile"),
            target_element: owned("target_element"),
            modal_class: owned("css_modal_wrap"),
            closes_on_click: is_on("close_on_missclick"),
            merchant_domain: owned("merchant_domain"),
            other_pages_apart: is_on("force_acs_new_window"),
            is_embedded: self.get("frame_mode") == Some("embedded"),
        }
    }

    fn methods(&self) -> Wanted {
        Wanted {
            offered: Offered::of(
                self.get("account_token"),
                self.get("force_payment_method"),
                self.get("force_payment_method_subtype"),
                self.get("force_payment_group"),
            ),
            hidden: self.get("hide").map(codes).into_iter().flatten().map(str::to_owned).collect(),
            options: self.documents.get("payment_methods_options").cloned(),
        }
    }

    fn returns(&self) -> Returns {
        let way = |which: &str| WayBack {
            url: self.get(&format!("merchant_{which}_url")).map(str::to_owned),
            offer: self.get(&format!("merchant_{which}_enabled")).and_then(Offer::read),
            target: self.get(&format!("merchant_{which}_redirect_mode")).and_then(Target::read),
        };
        let leaving = |which: &str| {
            let url = self.get(&format!("redirect_{which}_url"))?.to_owned();
            Some(Leaving { url, target: self.get(&format!("redirect_{which}_mode")).and_then(Target::read) })
        };
        Returns {
            success: way("success"),
            fail: way("fail"),
            preliminary: way("return"),
            success_leaving: leaving("success"),
            fail_leaving: leaving("fail"),
            token_leaving: leaving("tokenize"),
            from_others: self.get("redirect_return_url").map(str::to_owned),
        }
    }
}

/// Whether the browser library says that it shows the embedded card form.
fn is_embedded(received: &Received<'_>) -> bool {
    received.of_named("frame_mode").and_then(|value| value.as_str()) == Some("embedded")
}

/// What the embedded form learns with the confirmation at the latest.
fn may_follow(row: &Parameter, received: &Received<'_>) -> bool {
    row.path == "customer_id" && is_embedded(received)
}

/// Names only: texts are the customer's and the merchant's.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("project", &self.project)
            .field("mode", &self.mode)
            .field("parameters", &self.texts.keys().chain(self.documents.keys()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
