//! How the issuer may reach a customer who is to be authenticated: by e-mail, or by one of three telephones (G-152).

use super::{
    data::{Members, missing_members},
    scene::Scene,
};
use crate::payment::{AuthenticationStep, Customer};

/// Where a request says it.
const CONTACTS: [&str; 4] =
    ["customer.email", "customer.phone", "customer.work_phone", "customer.home_phone"];

/// Whether the request tells any of them.
pub(super) fn is_known(customer: &Customer, data: &Members) -> bool {
    let is_told = |text: Option<&String>| text.is_some_and(|text| !text.trim().is_empty());
    is_told(customer.email.as_ref())
        || is_told(customer.phone.as_ref())
        || CONTACTS.iter().any(|path| is_told(data.get(*path)))
}

/// What the customer was asked for in an earlier attempt is told the directory server in this one, too.
pub(super) fn said_before(given: &Members, data: &mut Members) {
    for path in CONTACTS {
        if let Some(value) = given.get(path).filter(|_| !data.contains_key(path)) {
            data.insert(path.to_owned(), value.clone());
        }
    }
}

/// Any of them would do; what is asked for is the e-mail, unless it is already.
pub(super) fn ask_for(missing: &mut Vec<String>) {
    let is_asked = |path: &str| missing.iter().any(|known| known == path);
    let [email, ..] = CONTACTS;
    if !CONTACTS.iter().any(|path| is_asked(path)) {
        missing.push(email.to_owned());
    }
}

impl Scene<'_> {
    /// A telephone answers the question for an e-mail where any contact would do, and the project asks for none itself.
    pub(super) fn answers_for(&self, path: &str, missing: &[String]) -> Option<usize> {
        let [email, telephones @ ..] = CONTACTS;
        let is_planned = self
            .operation
            .detail
            .authentication
            .as_deref()
            .is_some_and(|it| it.step == AuthenticationStep::Planned);
        let is_demanded = missing_members(self.project, self.operation.kind, &Members::new())
            .iter()
            .any(|demanded| demanded == email);
        let place = missing.iter().position(|asked| asked == email)?;
        (telephones.contains(&path) && is_planned && !is_demanded).then_some(place)
    }

    /// What was asked for is told the directory server, too.
    pub(super) fn keep_contact(&mut self, path: &str, value: &str) {
        let planned = self.operation.detail.authentication.as_deref_mut();
        let planned = planned.filter(|it| it.step == AuthenticationStep::Planned);
        if let Some(planned) = planned.filter(|_| CONTACTS.contains(&path)) {
            planned.data.insert(path.to_owned(), value.to_owned());
        }
    }
}
