//! What the merchant has to do while an operation waits (G-029, G-110, G-217).

use ferropay_domain::payment::{
    Authentication, AuthenticationFlow, AuthenticationStep, DisplayItem, Form, Operation, OperationStatus,
    Shown,
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;

/// Longest list of names that every published client signs alike; what else is missing is asked for in the next round,
/// as after any partial answer (G-221).
const MAX_NAMES: usize = 10;

/// The data an operation asks the merchant to act on. Empty for one that does not wait.
#[derive(Debug, Default, Serialize)]
pub struct WaitingView<'a> {
    /// The basic flow of 3-D Secure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acs: Option<AcsView<'a>>,
    /// The extended flow of 3-D Secure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threeds2: Option<ThreeDs2View<'a>>,
    /// A page of the payment system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_data: Option<RedirectView<'a>>,
    /// What the customer is to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_data: Option<Vec<DisplayView<'a>>>,
    /// Members that are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clarification_fields: Option<ClarificationFields<'a>>,
}

impl<'a> WaitingView<'a> {
    /// What this operation waits for.
    pub fn of(operation: &'a Operation) -> Self {
        let detail = &operation.detail;
        match operation.status {
            OperationStatus::AwaitingThreeDs => {
                let authentication = detail.authentication.as_deref();
                Self {
                    acs: authentication.and_then(AcsView::of),
                    threeds2: authentication.and_then(ThreeDs2View::of),
                    ..Self::default()
                }
            }
            OperationStatus::AwaitingRedirect | OperationStatus::AwaitingCustomerAction => {
                let shown = detail.shown.as_deref();
                Self {
                    redirect_data: shown.and_then(RedirectView::of),
                    display_data: shown.and_then(DisplayView::of),
                    ..Self::default()
                }
            }
            OperationStatus::AwaitingClarification => Self {
                clarification_fields: detail.wait.as_ref().map(|wait| ClarificationFields(&wait.missing)),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

/// `redirect_data`: where the customer is led (G-109, G-125).
#[derive(Debug, Serialize)]
pub struct RedirectView<'a> {
    body: BTreeMap<&'a str, &'a str>,
    method: &'static str,
    url: &'a str,
}

impl<'a> RedirectView<'a> {
    fn of(shown: &'a Shown) -> Option<Self> {
        let Shown::Redirect { form, post } = shown else { return None };
        Some(Self {
            body: form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            method: if *post { "POST" } else { "GET" },
            url: &form.url,
        })
    }
}

/// An item of `display_data` (G-126).
#[derive(Debug, Serialize)]
pub struct DisplayView<'a> {
    r#type: &'static str,
    title: &'a str,
    data: &'a str,
}

impl<'a> DisplayView<'a> {
    fn of(shown: &'a Shown) -> Option<Vec<Self>> {
        let Shown::Display(items) = shown else { return None };
        let view = |item: &'a DisplayItem| Self {
            r#type: if item.qr { "qr_data" } else { "add_info" },
            title: &item.title,
            data: &item.data,
        };
        Some(items.iter().take(MAX_NAMES).map(view).collect())
    }
}

/// `acs`: the form that brings the customer to the platform's page (G-196). It has no members but these.
#[derive(Debug, Serialize)]
pub struct AcsView<'a> {
    pa_req: &'a str,
    md: &'a str,
    acs_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    term_url: Option<&'a str>,
}

impl<'a> AcsView<'a> {
    fn of(authentication: &'a Authentication) -> Option<Self> {
        let form = authentication.form.as_ref()?;
        if authentication.flow != AuthenticationFlow::Basic {
            return None;
        }
        Some(Self {
            pa_req: field(form, "PaReq")?,
            md: field(form, "MD").unwrap_or(&authentication.md),
            acs_url: &form.url,
            term_url: field(form, "TermUrl").filter(|url| !url.is_empty()),
        })
    }
}

fn field<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// `threeds2`: the form of the current step, either for a hidden frame or for the customer (G-200, G-202).
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreeDs2View<'a> {
    /// Shows the browser to the issuer.
    Iframe(FormView<'a>),
    /// Leads the customer to the issuer.
    Redirect(FormView<'a>),
}

impl<'a> ThreeDs2View<'a> {
    fn of(authentication: &'a Authentication) -> Option<Self> {
        let form = authentication.form.as_ref()?;
        match (authentication.flow, authentication.step) {
            (AuthenticationFlow::Extended, AuthenticationStep::DeviceData) => {
                Some(Self::Iframe(FormView::of(form)))
            }
            (AuthenticationFlow::Extended, AuthenticationStep::Challenge) => {
                Some(Self::Redirect(FormView::of(form)))
            }
            _ => None,
        }
    }
}

/// A form as the merchant's page builds it: one hidden field for each member of `params`.
#[derive(Debug, Serialize)]
pub struct FormView<'a> {
    url: &'a str,
    params: Params<'a>,
}

impl<'a> FormView<'a> {
    fn of(form: &'a Form) -> Self {
        Self { url: &form.url, params: Params(form) }
    }
}

/// Fields of a form in their order. The device data come under both spellings of their name, because issuers' servers
/// look for either.
#[derive(Debug)]
struct Params<'a>(&'a Form);

impl Serialize for Params<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const SPELLINGS: [&str; 2] = ["3DSMethodData", "threeDSMethodData"];
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.0.fields {
            map.serialize_entry(name, value)?;
            for other in SPELLINGS {
                if SPELLINGS.contains(&name.as_str()) && field(self.0, other).is_none() {
                    map.serialize_entry(other, value)?;
                }
            }
        }
        map.end()
    }
}

/// `clarification_fields`: the names of missing members by the object that has them; below it they are dotted (G-217).
#[derive(Debug)]
pub struct ClarificationFields<'a>(&'a [String]);

impl Serialize for ClarificationFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A member of the root has no object; none of those can be asked for (G-218).
        let paths = || self.0.iter().filter_map(|path| path.split_once('.'));
        let mut map = serializer.serialize_map(None)?;
        for (position, (object, _)) in paths().enumerate() {
            if paths().take(position).any(|(earlier, _)| earlier == object) {
                continue;
            }
            let names = paths().filter(|(other, _)| *other == object).map(|(_, name)| name);
            map.serialize_entry(object, &names.take(MAX_NAMES).collect::<Vec<_>>())?;
        }
        map.end()
    }
}
