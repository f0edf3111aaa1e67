//! Holding a body against a schema.

use super::number::Size;
use super::schema::{Alternatives, Format, Kind, Schema};
use crate::json::Value;
use std::{net::IpAddr, str::FromStr as _};

/// A list of violations ends here; a body that breaks everything must not cost more than one that breaks a
/// little.
const MAX_VIOLATIONS: usize = 20;

/// Which rule a value breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The member is missing.
    Required,
    /// The value is of another type. `structural` when an object or list is concerned.
    Type {
        /// Whether an object or list was expected or given.
        structural: bool,
    },
    /// The text or list is too short.
    TooShort,
    /// The text or list is too long.
    TooLong,
    /// The number is below its minimum.
    TooSmall,
    /// The number is above its maximum.
    TooLarge,
    /// The text does not have the form asked for.
    Pattern,
    /// The value is none of those allowed.
    Allowed,
    /// The number is no multiple of its step.
    Step,
    /// The list holds the same item twice.
    Unique,
    /// The object has a member it may not have.
    Unknown,
    /// None of the alternatives fits, or more than one where only one may.
    Alternatives,
}

impl Rule {
    /// The short name error lists carry as `constraint` (G-045).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Type { .. } => "type",
            Self::TooShort => "minLength",
            Self::TooLong => "maxLength",
            Self::TooSmall => "minimum",
            Self::TooLarge => "maximum",
            Self::Pattern => "pattern",
            Self::Allowed => "enum",
            Self::Step => "multipleOf",
            Self::Unique => "uniqueItems",
            Self::Unknown => "additionalProperties",
            Self::Alternatives => "anyOf",
        }
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The member, dotted: `card.pan`, `receipt_data.positions.0.amount`.
    pub field: String,
    /// The rule.
    pub rule: Rule,
}

pub(super) fn violations(schema: &Schema, value: &Value<'_>) -> Vec<Violation> {
    let mut check = Check { found: Vec::new(), path: String::new() };
    check.value(schema, value);
    check.found
}

struct Check {
    found: Vec<Violation>,
    path: String,
}

impl Check {
    fn report(&mut self, rule: Rule) {
        if self.found.len() < MAX_VIOLATIONS {
            self.found.push(Violation { field: self.path.clone(), rule });
        }
    }

    fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        check(self);
        self.path.truncate(length);
    }

    fn value(&mut self, schema: &Schema, value: &Value<'_>) {
        if self.found.len() >= MAX_VIOLATIONS {
            return;
        }
        match (schema.kind, value) {
            (Kind::Object, Value::Object(members)) => self.object(schema, members),
            (Kind::Array, Value::Array(items)) => self.array(schema, items),
            (Kind::String, Value::String(text)) => self.text(schema, text),
            (Kind::Integer | Kind::Number, Value::Number(literal)) => self.number(schema, literal),
            (Kind::Boolean, Value::Bool(_)) | (Kind::Any, _) => {}
            (Kind::Object | Kind::Array, _) | (_, Value::Object(_) | Value::Array(_)) => {
                self.report(Rule::Type { structural: true });
            }
            _ => self.report(Rule::Type { structural: false }),
        }
        for alternatives in &schema.alternatives {
            self.alternatives(alternatives, value);
        }
    }

    /// Of alternatives that are objects the one that comes nearest says what is wrong, so that a member can be named.
    fn alternatives(&mut self, Alternatives { choices, exactly_one }: &Alternatives, value: &Value<'_>) {
        let tried = choices.iter().map(|choice| {
            let mut check = Self { found: Vec::new(), path: self.path.clone() };
            check.value(choice, value);
            (choice.kind, check.found)
        });
        let tried: Vec<(Kind, Vec<Violation>)> = tried.collect();
        let fitting = tried.iter().filter(|(_, found)| found.is_empty()).count();
        if fitting == 1 || (fitting > 1 && !exactly_one) {
            return;
        }
        if fitting > 1 {
            let fits = choices.iter().zip(&tried).filter(|(_, (_, found))| found.is_empty());
            return match superfluous(fits.map(|(choice, _)| choice)) {
                Some(name) => self.within(name, |check| check.report(Rule::Alternatives)),
                None => self.report(Rule::Alternatives),
            };
        }
        let objects =
            tried.into_iter().filter(|(kind, _)| *kind == Kind::Object && matches!(value, Value::Object(_)));
        match objects.map(|(_, found)| found).min_by_key(Vec::len) {
            Some(found) if !found.is_empty() => {
                let room = MAX_VIOLATIONS.saturating_sub(self.found.len());
                self.found.extend(found.into_iter().take(room));
            }
            _ => self.report(Rule::Alternatives),
        }
    }

    fn object(&mut self, schema: &Schema, members: &[(std::borrow::Cow<'_, str>, Value<'_>)]) {
        for name in &schema.required {
            if !members.iter().any(|(key, value)| key == name && !value.is_null()) {
                self.within(name, |check| check.report(Rule::Required));
            }
        }
        for (key, value) in members {
            match schema.properties.get(key.as_ref()) {
                // An explicit null is an absent member; where the member is required it was reported above.
                Some(_) if value.is_null() => {}
                Some(parts) => {
                    self.within(key, |check| parts.iter().for_each(|part| check.value(part, value)));
                }
                None if schema.closed => self.within(key, |check| check.report(Rule::Unknown)),
                None => {}
            }
        }
    }

    fn array(&mut self, schema: &Schema, items: &[Value<'_>]) {
        if schema.items_min.is_some_and(|min| items.len() < min) {
            self.report(Rule::TooShort);
        }
        if schema.items_max.is_some_and(|max| items.len() > max) {
            return self.report(Rule::TooLong);
        }
        if schema.items_unique {
            let mut texts: Vec<String> = items.iter().map(Value::to_json_string).collect();
            texts.sort_unstable();
            texts.dedup();
            if texts.len() < items.len() {
                self.report(Rule::Unique);
            }
        }
        if let Some(item_schema) = &schema.items {
            for (index, item) in items.iter().enumerate() {
                self.within(&index.to_string(), |check| check.value(item_schema, item));
            }
        }
    }

    fn text(&mut self, schema: &Schema, text: &str) {
        let length = text.chars().count();
        if schema.length_min.is_some_and(|min| length < min) {
            return self.report(Rule::TooShort);
        }
        if schema.length_max.is_some_and(|max| length > max) {
            return self.report(Rule::TooLong);
        }
        if schema.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            return self.report(Rule::Pattern);
        }
        if schema.format.is_some_and(|format| !has_format(text, format)) {
            return self.report(Rule::Pattern);
        }
        if !schema.allowed.is_empty() && !schema.allowed.iter().any(|allowed| allowed == text) {
            self.report(Rule::Allowed);
        }
    }

    fn number(&mut self, schema: &Schema, literal: &str) {
        let Some(number) = Size::of(literal) else {
            // Beyond 28 digits: whatever its size, no limit of the contract allows it.
            return self.report(if literal.starts_with('-') { Rule::TooSmall } else { Rule::TooLarge });
        };
        if schema.kind == Kind::Integer && literal.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            return self.report(Rule::Type { structural: false });
        }
        if schema.minimum.is_some_and(|min| number.compare(min).is_lt()) {
            return self.report(Rule::TooSmall);
        }
        if schema.maximum.is_some_and(|max| number.compare(max).is_gt()) {
            return self.report(Rule::TooLarge);
        }
        if schema.multiple_of.is_some_and(|step| !number.is_multiple_of(step)) {
            return self.report(Rule::Step);
        }
        if !schema.allowed.is_empty() && !schema.allowed.iter().any(|allowed| allowed == literal) {
            self.report(Rule::Allowed);
        }
    }
}

/// Of alternatives that all fit: a member that another one than the first demands beyond what the first does.
fn superfluous<'s>(mut fitting: impl Iterator<Item = &'s Schema>) -> Option<&'s str> {
    let first = fitting.next()?;
    let beyond = fitting.flat_map(|other| &other.required).find(|name| !first.required.contains(name));
    beyond.map(String::as_str)
}

fn has_format(text: &str, format: Format) -> bool {
    match format {
        Format::Pan => ferropay_domain::card::Pan::parse(text).is_ok(),
        Format::Email => is_email(text),
        Format::IpAddress => IpAddr::from_str(text).is_ok(),
        Format::Date => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        Format::DateTime => is_date_time(text),
        Format::ThreeCapitals => text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
    }
}

/// One `@` with something before it and a dotted or bracketed host after it, no white space or control
/// characters. Whether a mailbox exists only a mail can tell.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    plain(local)
        && plain(host)
        && !host.contains('@')
        && !local.contains('@')
        && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && host.contains('.')
}

/// A date, `T` or a space, `hh:mm`, then anything a date-time may end with (seconds, fraction, offset).
fn is_date_time(text: &str) -> bool {
    let Some((start, rest)) = text.split_at_checked(16) else { return false };
    start.parse::<jiff::civil::DateTime>().is_ok()
        && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b':' | b'.' | b'+' | b'-' | b'Z' | b'z'))
}
