//! What is wrong with parameters, in the words clients know.

use ferropay_domain::page::Mode;
use std::fmt;

/// The head of a list of problems (P-042).
pub const HEADING: &str = "One or more parameters is not valid";

/// So many problems are told at most.
const MOST: usize = 100;

/// What is wrong with one parameter. Values are never repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The parameter's own name, also where it came by another; members of encoded ones with dots and indexes.
    pub parameter: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is missing.
    Missing,
    /// It does not have its form.
    Invalid,
    /// Fewer characters than this.
    Short(i64),
    /// More characters than this.
    Long(i64),
    /// It is no whole number.
    NoInteger,
    /// It is no number.
    NoNumber,
    /// Less than this.
    Small(i64),
    /// More than this.
    Large(i64),
    /// It is neither 0 nor 1.
    NoFlag,
    /// It is none of these.
    NoneOf(&'static [String]),
    /// It is another than this one.
    Not(&'static str),
    /// It is no text.
    NoText,
    /// It is no list, of so many items where that matters.
    NoList,
    /// Fewer items than this.
    FewItems(i64),
    /// More items than this.
    ManyItems(i64),
    /// It is no object, or no JSON at all.
    NoObject,
    /// It is no JSON in Base64.
    NoEncodedObject,
    /// It has no place in this mode.
    NotIn(Mode),
    /// It is the same as another parameter and must not be.
    Same(&'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.parameter.chars();
        if let Some(first) = letters.next() {
            write!(f, "{}{}: ", first.to_ascii_uppercase(), letters.as_str())?;
        }
        self.write_reason(f)
    }
}

impl Problem {
    /// The reason in words.
    pub fn reason(&self) -> String {
        Words(self).to_string()
    }

    fn write_reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Missing => f.write_str("Must be not null"),
            Reason::Invalid => {
                let name = self.parameter.rsplit('.').next().unwrap_or_default();
                write!(f, "Invalid {}", name.replace('_', " "))
            }
            Reason::Short(least) => write!(f, "Must be at least {least} characters long"),
            Reason::Long(most) => write!(f, "Must be at most {most} characters long"),
            Reason::NoInteger => f.write_str("Must be an integer"),
            Reason::NoNumber => f.write_str("Must be a number"),
            Reason::Small(least) => write!(f, "Must be at least {least}"),
            Reason::Large(most) => write!(f, "Must be at most {most}"),
            Reason::NoFlag => f.write_str("Must be 0 or 1"),
            Reason::NoneOf(values) => write!(f, "Must be one of {}", values.join(", ")),
            Reason::Not(value) => write!(f, "Must be {value}"),
            Reason::NoText => f.write_str("Must be a string"),
            Reason::NoList => f.write_str("Must be a list"),
            Reason::FewItems(least) => write!(f, "Must have at least {least} items"),
            Reason::ManyItems(most) => write!(f, "Must have at most {most} items"),
            Reason::NoObject => f.write_str("Must be a JSON object"),
            Reason::NoEncodedObject => f.write_str("Must be a JSON object in Base64"),
            Reason::NotIn(mode) => write!(f, "Must be null in the mode {}", mode.word()),
            Reason::Same(other) => write!(f, "Must differ from {other}"),
        }
    }
}

struct Words<'p>(&'p Problem);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_reason(f)
    }
}

/// The problems as clients print them: the heading, then a line for each.
pub fn listing(problems: &[Problem]) -> String {
    let mut out = HEADING.to_owned();
    for problem in problems {
        out.push('\n');
        out.push_str(&problem.to_string());
    }
    out
}

/// Problems as they are found, each parameter's first one.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, parameter: impl Into<String>, reason: Reason) {
        let parameter = parameter.into();
        if self.0.len() < MOST && !self.has(&parameter) {
            self.0.push(Problem { parameter, reason });
        }
    }

    /// Whether something is wrong with this parameter itself.
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.0.iter().any(|problem| problem.parameter == parameter)
    }

    /// Whether something is wrong with this parameter or a member of it.
    pub(super) fn touch(&self, parameter: &str) -> bool {
        self.0.iter().any(|problem| {
            problem
                .parameter
                .strip_prefix(parameter)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    pub(super) fn into_list(self) -> Vec<Problem> {
        self.0
    }
}
