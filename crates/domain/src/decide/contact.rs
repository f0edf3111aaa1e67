//! How the issuer may reach a customer who is to be authenticated: by e-mail, or by one of three telephones (G-152).

use super::{data::Members, scene::Scene};
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

/// Any of them would do; what is asked for is the e-mail, unless it is already.
pub(super) fn ask_for(missing: &mut Vec<String>) {
    let is_asked = |path: &str| missing.iter().any(|known| known == path);
    let [email, ..] = CONTACTS;
    if !CONTACTS.iter().any(|path| is_asked(path)) {
        missing.push(email.to_owned());
    }
}

impl Scene<'_> {
    /// What was asked for is told the directory server, too.
    pub(super) fn keep_contact(&mut self, path: &str, value: &str) {
        let planned = self.operation.detail.authentication.as_deref_mut();
        let planned = planned.filter(|it| it.step == AuthenticationStep::Planned);
        if let Some(planned) = planned.filter(|_| CONTACTS.contains(&path)) {
            planned.data.insert(path.to_owned(), value.to_owned());
        }
    }
}
