//! Holding a value against its row of the table.

use super::{
    catalogue::{Encoding, Kind, Parameter},
    encoded,
    form::{LIMITS, is_empty},
    problem::{Problems, Reason},
};
use crate::{
    address,
    contract::is_email,
    json::{Document, Value},
};
use ferropay_domain::{card::Pan, money::Currency, time::Timestamp};
use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use std::str::FromStr as _;

/// Most items of a list that the table does not bound.
const MOST_ITEMS: usize = 300;

/// Checks the value of a parameter, and hands the object of an encoded one to `read`.
pub(super) fn check(
    parameter: &'static Parameter,
    value: &Value<'_>,
    found: &mut Problems,
    read: &mut dyn FnMut(&Value<'_>, &mut Problems),
) {
    let path = parameter.path.as_str();
    if parameter.kind != Kind::Object {
        return value_of(parameter, value, path, found);
    }
    let mut object = |value: &Value<'_>, found: &mut Problems| {
        let value = encoded::unwrapped(&parameter.encoding, path, value);
        value_of(parameter, value, path, found);
        if !found.touch(path) {
            read(value, found);
        }
    };
    let Some(text) = value.as_str() else { return object(value, found) };
    let json = encoded::json(&parameter.encoding, text);
    match json.as_ref().and_then(|json| Document::parse(json.as_bytes(), LIMITS).ok()) {
        Some(document) => object(document.root(), found),
        None if matches!(parameter.encoding, Encoding::Base64(_)) => found.add(path, Reason::NoEncodedObject),
        None => found.add(path, Reason::NoObject),
    }
}

fn value_of(parameter: &'static Parameter, value: &Value<'_>, path: &str, found: &mut Problems) {
    let reason = match parameter.kind {
        Kind::Any => None,
        Kind::Object => return object(parameter, value, path, found),
        Kind::List => return list(parameter, value, path, found),
        Kind::Text | Kind::Card => scalar(value).map_or(Some(Reason::NoText), |it| text(parameter, it)),
        Kind::Integer => integer(parameter, value),
        Kind::Number => number(parameter, value),
        Kind::Flag | Kind::Boolean => flag(value).is_none().then_some(Reason::NoFlag),
    };
    if let Some(reason) = reason {
        found.add(path, reason);
    }
}

fn object(parameter: &'static Parameter, value: &Value<'_>, path: &str, found: &mut Problems) {
    let Some(members) = value.members() else { return found.add(path, Reason::NoObject) };
    for row in &parameter.members {
        let wanted = row.name();
        let is_wanted = |name: &str| name == wanted || (wanted == "*" && !is_named(parameter, name));
        let mut is_there = false;
        for (name, member) in members.iter().filter(|(name, value)| is_wanted(name) && !is_empty(value)) {
            // What a name stands for that the table does not know may be anything but what the table says of objects.
            if wanted == "*" && member.members().is_none() {
                continue;
            }
            is_there = true;
            value_of(row, member, &format!("{path}.{}", shown(name)), found);
        }
        if !is_there && row.required.is_all() {
            found.add(format!("{path}.{wanted}"), Reason::Missing);
        }
    }
}

/// A name of somebody's choosing, as problems repeat it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).take(64).collect()
}

fn is_named(parameter: &Parameter, name: &str) -> bool {
    parameter.members.iter().any(|row| row.name() == name)
}

fn list(parameter: &'static Parameter, value: &Value<'_>, path: &str, found: &mut Problems) {
    let Some(items) = value.items() else { return found.add(path, Reason::NoList) };
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let (least, most) = parameter.length;
    if let Some(least) = least.filter(|least| count < *least) {
        return found.add(path, Reason::FewItems(least));
    }
    if let Some(most) = most.filter(|most| count > *most) {
        return found.add(path, Reason::ManyItems(most));
    }
    if parameter.members.is_empty() {
        return;
    }
    for (index, item) in items.iter().enumerate().take(MOST_ITEMS) {
        object(parameter, item, &format!("{path}.{index}"), found);
    }
}

/// The text of a text or number.
pub(super) fn scalar<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(literal) => Some(literal),
        _ => None,
    }
}

/// The truth of a flag, in any of its forms.
pub(super) fn flag(value: &Value<'_>) -> Option<bool> {
    if let Value::Bool(flag) = value {
        return Some(*flag);
    }
    let text = scalar(value)?;
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ => text.eq_ignore_ascii_case("false").then_some(false),
    }
}

fn text(parameter: &'static Parameter, text: &str) -> Option<Reason> {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let (least, most) = parameter.length;
    if let Some(least) = least.filter(|least| length < *least) {
        return Some(Reason::Short(least));
    }
    if let Some(most) = most.filter(|most| length > *most) {
        return Some(Reason::Long(most));
    }
    if parameter.kind == Kind::Card && Pan::parse(text).is_err() {
        return Some(Reason::Invalid);
    }
    form(parameter, text).or_else(|| values(parameter, text))
}

fn form(parameter: &Parameter, text: &str) -> Option<Reason> {
    let keeps = match (&parameter.regex, parameter.pattern.as_str()) {
        (Some(regex), _) => regex.is_match(text),
        (None, "currency") => Currency::parse(text).is_ok(),
        (None, "email") => is_email(text),
        (None, "address") => address::is_page(text),
        (None, "date") => date(text).is_some(),
        (None, "date-minute") => is_date_minute(text),
        (None, "moment") => moment(text).is_some(),
        _ => true,
    };
    (!keeps).then_some(Reason::Invalid)
}

fn values(parameter: &'static Parameter, text: &str) -> Option<Reason> {
    let fits = parameter.values.is_empty() || parameter.values.iter().any(|value| value == text);
    (!fits).then_some(Reason::NoneOf(&parameter.values))
}

/// A whole number, as number or as digits (P-038).
pub(super) fn whole(value: &Value<'_>) -> Option<i64> {
    let text = scalar(value)?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_whole)
}

fn integer(parameter: &'static Parameter, value: &Value<'_>) -> Option<Reason> {
    let (Some(number), Some(text)) = (whole(value), scalar(value)) else { return Some(Reason::NoInteger) };
    let (least, most) = parameter.length;
    if let Some(least) = least.filter(|least| number < *least) {
        return Some(Reason::Small(least));
    }
    if let Some(most) = most.filter(|most| number > *most) {
        return Some(Reason::Large(most));
    }
    form(parameter, text).or_else(|| values(parameter, text))
}

fn number(parameter: &Parameter, value: &Value<'_>) -> Option<Reason> {
    let Some(number) = scalar(value).and_then(|text| Decimal::from_str(text).ok()) else {
        return Some(Reason::NoNumber);
    };
    let (least, most) = parameter.length;
    if let Some(least) = least.filter(|least| number < Decimal::from(*least)) {
        return Some(Reason::Small(least));
    }
    most.filter(|most| number > Decimal::from(*most)).map(Reason::Large)
}

/// `DD-MM-YYYY` of a day that exists.
fn date(text: &str) -> Option<Date> {
    let is_shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 2 | 5) { byte == b'-' } else { byte.is_ascii_digit() });
    Date::strptime("%d-%m-%Y", text).ok().filter(|_| is_shaped)
}

/// `DD-MM-YYYYhh:mm`
fn is_date_minute(text: &str) -> bool {
    let Some((day, time)) = text.split_at_checked(10) else { return false };
    let is_time = time.len() == 5 && jiff::civil::Time::strptime("%H:%M", time).is_ok();
    date(day).is_some() && is_time
}

/// `YYYY-MM-DDThh:mm:ss` and an offset of hours, or of hours and minutes (P-236).
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let (local, offset) = text.split_at_checked(19)?;
    let local = DateTime::strptime("%Y-%m-%dT%H:%M:%S", local).ok()?;
    let (sign, clock) = match offset.split_at_checked(1)? {
        ("-", clock) => (-1, clock),
        // In a query a `+` that was not encoded is a space.
        ("+" | " ", clock) => (1, clock),
        _ => return None,
    };
    let (hours, minutes) = match clock.len() {
        2 => (clock, "00"),
        5 => clock.split_once(':')?,
        _ => return None,
    };
    let part = |text: &str, most: i32| {
        let is_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|number| is_digits && *number <= most)
    };
    let seconds = part(hours, 23)?.checked_mul(3_600)?.checked_add(part(minutes, 59)?.checked_mul(60)?)?;
    let offset = jiff::tz::Offset::from_seconds(seconds.checked_mul(sign)?).ok()?;
    Some(Timestamp::from_micros(offset.to_timestamp(local).ok()?.as_microsecond()))
}
