//! Times, spans, states and reasons in words.

use ferropay_domain::{
    change::Walked,
    codes::{self, Code},
    payment::{AttemptStatus, Conversion, Operation, OperationKind, ProviderAnswer, machine::Event},
    time::Timestamp,
};
use ferropay_wire::mask;
use std::time::Duration;

/// A state's mark: its tone and its glyph, as the design language pairs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) tone: &'static str,
    pub(super) glyph: &'static str,
}

pub(super) const OK: Mark = Mark { tone: "ok", glyph: "ok" };
pub(super) const NO: Mark = Mark { tone: "no", glyph: "no" };
pub(super) const BANG: Mark = Mark { tone: "no", glyph: "bang" };
pub(super) const WAIT: Mark = Mark { tone: "wait", glyph: "wait" };
pub(super) const RUN: Mark = Mark { tone: "acc", glyph: "run" };
pub(super) const VOID: Mark = Mark { tone: "void", glyph: "void" };

/// What a provider has said: that it did it, that it did not, or that this is still open.
pub(super) const fn heard(succeeded: Option<bool>) -> Mark {
    match succeeded {
        Some(true) => OK,
        Some(false) => NO,
        None => WAIT,
    }
}

/// The mark of a payment's or operation's status, by its documented text.
pub(super) fn mark_of(status: &str) -> Mark {
    match status {
        "success" => OK,
        "decline" | "error" => NO,
        "awaiting capture" => Mark { tone: "acc", glyph: "hold" },
        "refunded" | "reversed" => Mark { tone: "back", glyph: "back" },
        "partially refunded" | "partially reversed" => Mark { tone: "back", glyph: "half" },
        "canceled" | "invoice canceled" | "expired" => VOID,
        other if other.starts_with("awaiting") => WAIT,
        _ => RUN,
    }
}

fn written(at: Timestamp, format: &str) -> String {
    at.civil().map_or_else(|| "far away".to_owned(), |time| time.strftime(format).to_string())
}

/// `14:21:07.402`, UTC.
pub(super) fn clock(at: Timestamp) -> String {
    written(at, "%H:%M:%S%.3f")
}

/// `2026-05-04`, UTC.
pub(super) fn day(at: Timestamp) -> String {
    written(at, "%Y-%m-%d")
}

/// `2026-05-04 14:21`, UTC.
pub(super) fn minute(at: Timestamp) -> String {
    written(at, "%Y-%m-%d %H:%M")
}

/// `2026-05-04 14:21:07.402`, UTC.
pub(super) fn moment(at: Timestamp) -> String {
    written(at, "%Y-%m-%d %H:%M:%S%.3f")
}

/// `0.4 ms`, `12 ms`, `1.5 s`.
pub(super) fn span(span: Duration) -> String {
    let micros = span.as_micros();
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// How long until `then`: `in 8 s`, `in 3 min`, `in 5 h`, `in 2 days`.
pub(super) fn until(now: Timestamp, then: Timestamp) -> String {
    let seconds = then.since(now).as_secs();
    match seconds {
        0 => "now".to_owned(),
        1..120 => format!("in {seconds} s"),
        120..7_200 => format!("in {} min", seconds / 60),
        7_200..172_800 => format!("in {} h", seconds / 3_600),
        _ => format!("in {} days", seconds / 86_400),
    }
}

/// A span of time a project's clock may be moved by: `90s`, `10m`, `4h`, `11d`.
pub(super) fn parse_span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().next_back()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    let most = 10 * 365 * 86_400;
    let all = count.checked_mul(seconds).filter(|all| (1..=most).contains(all))?;
    Some(Duration::from_secs(all))
}

/// At which rate a converted operation was converted, as a sentence of its own.
pub(super) fn conversion(operation: &Operation) -> String {
    let said = |it: &Conversion| format!(" Converted from {} at {}.", operation.amount, it.rate);
    operation.detail.conversion.as_deref().map(said).unwrap_or_default()
}

/// A code with what it means: `3283 Refund amount exceeds …`.
pub(super) fn code(code: Code) -> String {
    format!("{code} {}", code.known_message().unwrap_or("not in the table"))
}

/// What a step did, in one line: `sale: processing → success`.
pub(super) fn step(kind: OperationKind, walked: &Walked) -> String {
    let kind = kind.text().replace('_', " ");
    match walked.row.from {
        None => format!("{kind}: {}", walked.row.to),
        Some(from) => format!("{kind}: {from} → {}", walked.row.to),
    }
}

/// Why a step was taken, by the event; one without words here has its name.
const REASONS: &[(Event, &str)] = &[
    (
        Event::Accepted,
        "The request was accepted and nothing speaks against it. The operation was recorded before the reply left.",
    ),
    (
        Event::AuthenticationNeeded,
        "The customer has to be authenticated by 3-D Secure. The shop was told where to send the browser.",
    ),
    (Event::ChallengeNeeded, "The issuer has seen the browser and wants to ask the customer."),
    (Event::AuthenticatedUnasked, "The issuer has seen the browser and decided without asking the customer."),
    (Event::Authenticated, "The customer is back from the issuer, which lets the payment go on."),
    (Event::AuthenticationFailed, "The issuer did not authenticate the customer, or the customer gave up."),
    (Event::AuthenticationTimedOut, "The customer did not come back from the issuer in time."),
    (Event::MerchantAuthOffered, "The provider can send the customer a code in a statement entry."),
    (Event::MerchantAuthStarted, "The shop has the code sent."),
    (Event::MerchantAuthFinished, "The customer has typed the code; the provider will judge it."),
    (Event::MerchantAuthEnded, "No code came in time, or it could not be sent."),
    (Event::DataMissing, "Data is missing that the operation needs. The shop was told which."),
    (Event::DataComplete, "All the missing data came."),
    (Event::DataIncomplete, "Data came, but some is still missing. The shop was told which."),
    (Event::DataTimedOut, "The missing data did not come in time."),
    (
        Event::RedirectNeeded,
        "The customer has to go to a page of the payment system. The shop was told where to send the browser.",
    ),
    (
        Event::CustomerActionNeeded,
        "The customer has to act at the payment system. The shop was told what to show.",
    ),
    (
        Event::FinalizationAwaited,
        "The customer has done everything at the payment system, which needs more time. Nobody has anything to do.",
    ),
    (Event::Approved, "The provider answered that it did it."),
    (
        Event::AttemptOffered,
        "It failed, and the customer may try again with another request for the same payment. The shop was told for how \
         long.",
    ),
    (Event::ProviderFailed, "The provider could not do it; the next one of the route is asked."),
    (Event::PartReleased, "The provider released the part of the hold that was asked for."),
    (Event::Declined, "The provider or a rule refused it."),
    (
        Event::ThresholdPassed,
        "The longest time the method may take has passed without a result. What the provider may have done is being \
         undone.",
    ),
    (
        Event::RetryPlanned,
        "The provider refused for a reason that may pass, so the payout is tried again later. The money stays held.",
    ),
    (
        Event::RetryPlannedAgain,
        "The provider refused again for a reason that may pass; the payout is tried once more later.",
    ),
    (Event::RetryDue, "The time of the next try has come."),
    (Event::RetriesUsedUp, "The provider refused again, and no try is left."),
    (Event::DebitRetryPlanned, "The issuer refused; another debit in its place is planned."),
    (Event::LinkMailed, "A mail server has taken the mail with the link."),
    (Event::LinkCanceled, "The shop has withdrawn the link before anybody paid by it."),
    (Event::LinkExpired, "Nobody has paid by the link in time."),
    (
        Event::Registered,
        "The payout waits for its recipient, who gets a code by mail. Nothing is held meanwhile.",
    ),
    (Event::Confirmed, "The recipient gave the code and a card. From here on it is a payout like any other."),
    (Event::RegistrationExpired, "The recipient did not confirm the payout in time."),
];

/// Why steps were taken that are about money arriving late or not at all, by the row.
fn of_crediting(row: &str) -> Option<&'static str> {
    Some(match row {
        "T-084" => {
            "The provider will say whether the money reached whom it is for, and is asked until it does."
        }
        "T-085" => "The provider confirmed that the money reached whom it is for.",
        "T-086" => {
            "The provider says that the money cannot reach whom it is for. What the customer has paid goes back by a \
             reversal."
        }
        "T-115" => {
            "The payout was reported done and could not be credited. The provider is asked to give the money back."
        }
        _ => return None,
    })
}

/// Why a step was taken, as sentences.
///
/// `answer` is what the provider said, where that is known.
pub(super) fn reason(
    walked: &Walked,
    attempt: Option<AttemptStatus>,
    answer: Option<&ProviderAnswer>,
) -> String {
    let (event, to, left) = (walked.row.event, walked.row.to, walked.code);
    let because = match (event, attempt) {
        (Event::PreconditionFailed, _) => {
            format!("The request was accepted, but a condition of the operation is not met: {}.", code(left))
        }
        _ if of_crediting(walked.row.id).is_some() => {
            of_crediting(walked.row.id).unwrap_or_default().to_owned()
        }
        (Event::Declined, Some(AttemptStatus::Reversed)) => {
            "No usable answer came in time. Whatever the provider did was undone, it has acknowledged that, and only \
             then the operation was declined."
                .to_owned()
        }
        (Event::Declined, Some(AttemptStatus::Declined)) => "The provider refused it.".to_owned(),
        (Event::Declined, Some(AttemptStatus::NotSent)) => {
            "The provider could not be reached, and nothing of the message left the platform.".to_owned()
        }
        _ => REASONS
            .iter()
            .find(|(of, _)| *of == event)
            .map_or_else(|| event.name().to_owned(), |(_, words)| (*words).to_owned()),
    };
    let said = answer.filter(|_| matches!(event, Event::Approved | Event::Declined)).map(said);
    let because = format!("{}{}.", because.trim_end_matches('.'), said.unwrap_or_default());
    if to.is_final() && left != codes::SUCCESS && event != Event::PreconditionFailed {
        format!("{because} Code {}.", code(left))
    } else {
        because
    }
}

/// What a provider said, to be put behind a sentence: `, result 00, approval code 7HK2L9`.
pub(super) fn said(answer: &ProviderAnswer) -> String {
    let mut said = String::new();
    for (name, text) in [("result", &answer.result_code), ("approval code", &answer.auth_code)] {
        if !text.is_empty() {
            said.push_str(", ");
            said.push_str(name);
            said.push(' ');
            said.push_str(&mask::masked_text(text));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short_enough_for_a_column() {
        for (micros, text) in
            [(0, "0.0 ms"), (440, "0.4 ms"), (9_990, "9.9 ms"), (10_400, "10 ms"), (1_540_000, "1.5 s")]
        {
            assert_eq!(span(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn spans_of_the_clock_are_read_and_senseless_ones_refused() {
        assert_eq!(parse_span("90s"), Some(Duration::from_secs(90)));
        assert_eq!(parse_span(" 11 d "), Some(Duration::from_hours(264)));
        for wrong in ["", "5", "h", "-1h", "0s", "1.5h", "99999999999999d", "3650d1", "4000d", "1µ"] {
            assert_eq!(parse_span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_event_of_the_machine_has_a_reason_in_words() {
        for event in Event::ALL {
            let special = *event == Event::PreconditionFailed;
            assert!(special || REASONS.iter().any(|(of, _)| of == event), "{event:?}");
        }
    }

    #[test]
    fn every_status_has_its_mark() {
        assert_eq!(mark_of("awaiting 3ds result").glyph, "wait");
        assert_eq!(mark_of("awaiting retry").glyph, "wait");
        assert_eq!(mark_of("awaiting capture").glyph, "hold");
        assert_eq!(mark_of("partially refunded").glyph, "half");
        assert_eq!(mark_of("processing").glyph, "run");
    }
}
