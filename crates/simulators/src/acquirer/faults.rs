//! Fault plans: how the simulator is told to misbehave.
//!
//! A plan is a list of steps parted by commas, for example `delay=200,drop*2@purchase`. It comes with one request (DE48
//! tag 10) or is set for a terminal or merchant through the control endpoint; the request's own plan counts when both
//! exist. The steps that fit a request's kind apply in order until one ends it (`drop`, `drop-before`, `reset`,
//! `reset-before`, `garbage`); a step behind an ending one is not reached and keeps its count. That makes
//! `drop*1,garbage*1` mean "first nothing, then noise, then normal".

use std::collections::{HashMap, VecDeque};
use std::fmt;

use parking_lot::Mutex;
use thiserror::Error;

use super::reference::Reference;
use super::reply::Code;
use super::request::Kind;

/// Most steps in a plan.
const MOST_STEPS: usize = 32;
/// Most terminals and merchants with a plan of their own at a time.
const MOST_PLANS: usize = 4_096;
/// Most references whose counted steps are remembered; the oldest are forgotten first.
const MOST_COUNTED_REQUESTS: usize = 16_384;

/// How a request ends other than by being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The work is done, no answer is sent.
    Drop,
    /// Nothing is done, no answer is sent.
    DropBefore,
    /// The work is done, the connection closed.
    Reset,
    /// Nothing is done, the connection closed.
    ResetBefore,
    /// The work is done, the answer is noise.
    Garbage,
}

/// What a plan does to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Milliseconds before the work.
    pub(super) delay: u64,
    /// Milliseconds between the work and the answer.
    pub(super) late: u64,
    /// Answer twice.
    pub(super) duplicate: bool,
    /// DE39 to decline with instead of doing the work.
    pub(super) decline: Option<Code>,
    /// A code in a statement entry is offered instead of doing the work.
    pub(super) offer_code: bool,
    /// How it ends.
    pub(super) ending: Option<Ending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Delay(u64),
    Late(u64),
    Duplicate,
    Decline(Code),
    MerchantAuth,
    End(Ending),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    fault: Fault,
    /// Requests it still hits; `None`: all.
    left: Option<u32>,
    only: Option<Kind>,
}

/// A parsed fault plan with what is left of its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan(Vec<Step>);

/// Why a text is no fault plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A step's first word is unknown, or its value is missing, superfluous or out of range.
    #[error(
        "`{0}` is no fault: use delay=MS, late=MS (up to 9999999), drop, drop-before, reset, reset-before, garbage, \
         duplicate, merchant-auth or decline=CC (two letters or digits other than the approvals 00 and 10)"
    )]
    Fault(String),
    /// What follows `*` is not a count.
    #[error("`{0}` has no count of one to nine digits after the `*`")]
    Count(String),
    /// What follows `@` is not a kind of message.
    #[error(
        "`{0}` names no kind of message after the `@`: use purchase, authorisation, increment, verification, code, \
         capture, refund, payout, reversal or advice"
    )]
    Kind(String),
    /// Too many steps.
    #[error("a fault plan has at most 32 steps")]
    TooLong,
    /// Too many plans at a time.
    #[error("4096 merchants and terminals have a fault plan already; delete one first")]
    TooMany,
}

impl Step {
    fn parse(step: &str) -> Result<Self, PlanError> {
        let (rest, only) = match step.split_once('@') {
            None => (step, None),
            Some((rest, kind)) => {
                (rest, Some(parse_kind(kind).ok_or_else(|| PlanError::Kind(step.to_owned()))?))
            }
        };
        let (fault, left) = match rest.split_once('*') {
            None => (rest, None),
            Some((fault, count)) => {
                let count = parse_number(count, 9).ok_or_else(|| PlanError::Count(step.to_owned()))?;
                (fault, u32::try_from(count).ok())
            }
        };
        let fault = parse_fault(fault).ok_or_else(|| PlanError::Fault(step.to_owned()))?;
        Ok(Self { fault, left, only })
    }

    /// Whether the step hits a request of `kind`; uses up one of its count when it does.
    fn hits(&mut self, kind: Kind) -> bool {
        if self.only.is_some_and(|only| only != kind) {
            return false;
        }
        match &mut self.left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

fn parse_kind(word: &str) -> Option<Kind> {
    match word {
        "purchase" => Some(Kind::Purchase),
        "authorisation" => Some(Kind::Authorisation),
        "increment" => Some(Kind::Increment),
        "verification" => Some(Kind::Verification),
        "code" => Some(Kind::Code),
        "capture" => Some(Kind::Capture),
        "refund" => Some(Kind::Refund),
        "payout" => Some(Kind::Payout),
        "reversal" => Some(Kind::Reversal),
        "advice" => Some(Kind::Advice),
        _ => None,
    }
}

fn parse_number(text: &str, most_digits: usize) -> Option<u64> {
    let plain = (1..=most_digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn parse_fault(text: &str) -> Option<Fault> {
    let fault = match text.split_once('=') {
        Some(("delay", value)) => Fault::Delay(parse_number(value, 7)?),
        Some(("late", value)) => Fault::Late(parse_number(value, 7)?),
        Some(("decline", value)) => {
            let code: Code = value.as_bytes().try_into().ok()?;
            if !code.iter().all(u8::is_ascii_alphanumeric) || matches!(&code, b"00" | b"10") {
                return None;
            }
            Fault::Decline(code)
        }
        Some(_) => return None,
        None => match text {
            "drop" => Fault::End(Ending::Drop),
            "drop-before" => Fault::End(Ending::DropBefore),
            "reset" => Fault::End(Ending::Reset),
            "reset-before" => Fault::End(Ending::ResetBefore),
            "garbage" => Fault::End(Ending::Garbage),
            "duplicate" => Fault::Duplicate,
            "merchant-auth" => Fault::MerchantAuth,
            _ => return None,
        },
    };
    Some(fault)
}

impl Plan {
    /// Parses a plan.
    ///
    /// # Errors
    /// [`PlanError`] with a sentence on the first step that is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, PlanError> {
        let steps = text.split(',').take(MOST_STEPS + 1).map(Step::parse).collect::<Result<Vec<_>, _>>()?;
        if steps.len() > MOST_STEPS { Err(PlanError::TooLong) } else { Ok(Self(steps)) }
    }

    fn is_counted(&self) -> bool {
        self.0.iter().any(|step| step.left.is_some())
    }

    /// What happens to the next request of `kind`; `confirmed`: it brings the code that a merchant authentication asks
    /// for.
    fn draw(&mut self, kind: Kind, confirmed: bool) -> Effects {
        let mut effects = Effects::default();
        for step in &mut self.0 {
            // A code is offered for what it can confirm, and not a second time.
            let confirmable = matches!(kind, Kind::Purchase | Kind::Authorisation) && !confirmed;
            if step.fault == Fault::MerchantAuth && !confirmable {
                continue;
            }
            // The first decline is the answer; a later one waits for its turn.
            if matches!(step.fault, Fault::Decline(_)) && effects.decline.is_some() || !step.hits(kind) {
                continue;
            }
            match step.fault {
                Fault::Delay(millis) => effects.delay += millis,
                Fault::Late(millis) => effects.late += millis,
                Fault::Duplicate => effects.duplicate = true,
                Fault::Decline(code) => effects.decline = Some(code),
                Fault::MerchantAuth => effects.offer_code = true,
                Fault::End(ending) => {
                    effects.ending = Some(ending);
                    break;
                }
            }
        }
        effects
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match &step.fault {
                Fault::Delay(millis) => write!(f, "delay={millis}")?,
                Fault::Late(millis) => write!(f, "late={millis}")?,
                Fault::Duplicate => f.write_str("duplicate")?,
                Fault::MerchantAuth => f.write_str("merchant-auth")?,
                Fault::Decline(code) => write!(f, "decline={}", String::from_utf8_lossy(code))?,
                Fault::End(ending) => f.write_str(match ending {
                    Ending::Drop => "drop",
                    Ending::DropBefore => "drop-before",
                    Ending::Reset => "reset",
                    Ending::ResetBefore => "reset-before",
                    Ending::Garbage => "garbage",
                })?,
            }
            if let Some(left) = step.left {
                write!(f, "*{left}")?;
            }
            if let Some(only) = step.only {
                f.write_str(match only {
                    Kind::Purchase => "@purchase",
                    Kind::Authorisation => "@authorisation",
                    Kind::Increment => "@increment",
                    Kind::Verification => "@verification",
                    Kind::Code => "@code",
                    Kind::Capture => "@capture",
                    Kind::Refund => "@refund",
                    Kind::Payout => "@payout",
                    Kind::Reversal => "@reversal",
                    Kind::Advice => "@advice",
                })?;
            }
        }
        Ok(())
    }
}

/// A request as far as fault plans look at it.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    /// DE48 tag 10.
    pub(super) plan: Option<&'a str>,
    pub(super) reference: Reference,
    pub(super) kind: Kind,
    /// It brings the code that a merchant authentication asks for.
    pub(super) confirmed: bool,
    /// DE42.
    pub(super) merchant: &'a str,
    /// DE41.
    pub(super) terminal: &'a str,
}

/// The plans in force.
#[derive(Default)]
pub(super) struct Faults(Mutex<Plans>);

#[derive(Default)]
struct Plans {
    /// By trimmed DE42 or DE41: the plan as set and as it stands.
    acceptors: HashMap<String, (String, Plan)>,
    /// Counts of plans that came with requests: repeats and advices of one reference share them.
    counted: HashMap<Reference, (String, Plan)>,
    counted_order: VecDeque<Reference>,
}

impl Faults {
    /// What happens to a request.
    ///
    /// # Errors
    /// [`PlanError`] when the plan in the request does not parse.
    pub(super) fn draw(&self, request: &Request<'_>) -> Result<Effects, PlanError> {
        let Request { plan: own, reference, kind, confirmed, merchant, terminal } = *request;
        let Some(text) = own else {
            let mut plans = self.0.lock();
            if plans.acceptors.is_empty() {
                return Ok(Effects::default());
            }
            let merchant = merchant.trim_end();
            let key = if plans.acceptors.contains_key(merchant) { merchant } else { terminal.trim_end() };
            return Ok(plans
                .acceptors
                .get_mut(key)
                .map(|(_, plan)| plan.draw(kind, confirmed))
                .unwrap_or_default());
        };
        let mut plan = Plan::parse(text)?;
        if !plan.is_counted() {
            return Ok(plan.draw(kind, confirmed));
        }
        let mut plans = self.0.lock();
        if let Some((_, known)) = plans.counted.get_mut(&reference).filter(|(known, _)| known == text) {
            return Ok(known.draw(kind, confirmed));
        }
        let effects = plan.draw(kind, confirmed);
        if plans.counted.insert(reference, (text.to_owned(), plan)).is_none() {
            plans.counted_order.push_back(reference);
        }
        if plans.counted_order.len() > MOST_COUNTED_REQUESTS
            && let Some(oldest) = plans.counted_order.pop_front()
        {
            plans.counted.remove(&oldest);
        }
        Ok(effects)
    }

    /// Sets the plan of a merchant (DE42) or terminal (DE41), replacing an earlier one.
    ///
    /// # Errors
    /// [`PlanError`] when the text is no plan or too many have one.
    pub(super) fn set(&self, acceptor: &str, text: &str) -> Result<(), PlanError> {
        let plan = Plan::parse(text)?;
        let mut plans = self.0.lock();
        if plans.acceptors.len() >= MOST_PLANS && !plans.acceptors.contains_key(acceptor) {
            return Err(PlanError::TooMany);
        }
        plans.acceptors.insert(acceptor.to_owned(), (text.to_owned(), plan));
        Ok(())
    }

    /// The plan of a merchant or terminal: as it was set, and as it stands now that counts have been used up.
    pub(super) fn get(&self, acceptor: &str) -> Option<(String, String)> {
        self.0.lock().acceptors.get(acceptor).map(|(text, plan)| (text.clone(), plan.to_string()))
    }

    /// Removes a plan; `false` when there was none.
    pub(super) fn remove(&self, acceptor: &str) -> bool {
        self.0.lock().acceptors.remove(acceptor).is_some()
    }

    /// Forgets all plans.
    pub(super) fn clear(&self) {
        *self.0.lock() = Plans::default();
    }
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
