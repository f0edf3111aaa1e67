//! A customer has come to the platform's own page of 3-D Secure.

use super::updated;
use crate::{
    change::{ChangeSet, Write},
    payment::{AuthenticationFlow, AuthenticationStep, Operation, OperationStatus, Payment},
};
use std::collections::BTreeMap;

/// Takes over what the page learns: members about the browser that the merchant's request did not have, and where the
/// customer is to return to (G-197). None when there is nothing new, or nothing waits for it. No status changes.
pub fn browser_known(
    (payment, operation): (&Payment, &Operation),
    browser: &BTreeMap<String, String>,
    return_url: Option<&str>,
) -> Option<ChangeSet> {
    let mut operation = operation.clone();
    let waits = operation.status == OperationStatus::AwaitingThreeDs;
    let known = operation.detail.authentication.as_deref_mut();
    let known = known.filter(|it| waits && it.flow == AuthenticationFlow::Basic)?;
    let mut news = false;
    // Where the merchant's signed request says it counts; a browser may say anything.
    if let Some(url) = return_url.filter(|_| known.return_url.is_empty()) {
        url.clone_into(&mut known.return_url);
        news = true;
    }
    // Once the directory server has been asked, nobody asks for the browser again.
    if known.step == AuthenticationStep::DeviceData {
        for (member, value) in browser.iter().filter(|(_, value)| !value.is_empty()) {
            if !known.data.contains_key(member) {
                known.data.insert(member.clone(), value.clone());
                news = true;
            }
        }
    }
    news.then(|| ChangeSet {
        operations: vec![Write::Update(operation)],
        payment: Some(updated(payment.clone())),
        ..ChangeSet::default()
    })
}
