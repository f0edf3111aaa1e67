//! The terms of a series that an opening registers, in any of the forms clients write them (P-049).

use super::{
    Parameter,
    check::{flag, scalar},
    form::is_empty,
    problem::{Problems, Reason},
};
use crate::{gate::SeriesTerms, json::Value, page::Kind};
use ferropay_domain::codes;
use std::borrow::Cow;

/// Reads an object that keeps its rows of the table; none where nothing is to be registered.
pub(super) fn read(value: &Value<'_>, found: &mut Problems) -> Option<SeriesTerms> {
    let row = Parameter::named("recurring")?;
    let members = value.members().unwrap_or_default();
    let has_period = value.get("period").is_some_and(|period| !is_empty(period));
    let said = members.iter().filter(|(name, value)| {
        // Published clients send a time without a period; without one it says nothing.
        !is_empty(value) && (has_period || !matches!(name.as_ref(), "time" | "interval"))
    });
    let plain = said.filter_map(|(name, value)| {
        let member = row.members.iter().find(|member| member.name() == name)?;
        let value = match member.kind {
            Kind::Integer => Value::Number(scalar(value)?),
            Kind::Boolean => Value::Bool(flag(value)?),
            _ => Value::String(Cow::Borrowed(scalar(value)?)),
        };
        Some((Cow::Borrowed(name.as_ref()), value))
    });
    // The Gate reads the same terms, so both mean the same by them.
    let body = Value::Object(vec![(Cow::Borrowed("recurring"), Value::Object(plain.collect()))]);
    SeriesTerms::read(&body).unwrap_or_else(|refusal| {
        let reason = if refusal.code == codes::REQUIRED_MISSING { Reason::Missing } else { Reason::Invalid };
        found.add(refusal.field.unwrap_or_else(|| "recurring".to_owned()), reason);
        None
    })
}
