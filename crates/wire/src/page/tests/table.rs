//! The table of parameters itself.

use super::super::{Encoding, Kind, Modes, Parameter};
use ferropay_domain::page::Mode;

const TABLE: &str = include_str!("../../../../../catalogue/payment-page-params.csv");

fn walk<'p>(parameters: &'p [Parameter], each: &mut dyn FnMut(&'p Parameter)) {
    for parameter in parameters {
        each(parameter);
        walk(&parameter.members, each);
    }
}

fn everything() -> Vec<&'static Parameter> {
    let mut found = Vec::new();
    walk(Parameter::all(), &mut |parameter| found.push(parameter));
    found
}

// P-042
#[test]
fn every_row_of_the_table_is_a_parameter_or_a_member_of_one() {
    let rows = csv::Reader::from_reader(TABLE.as_bytes()).into_records().count();
    let found = everything();
    assert_eq!(found.len(), rows);
    let mut paths: Vec<&str> = found.iter().map(|parameter| parameter.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), rows, "a path stands twice");
    // The documented ones, `frame_mode` of the browser library, and six that say nothing any more.
    let former = Parameter::all().iter().filter(|parameter| parameter.is_former()).count();
    assert_eq!((Parameter::all().len(), former), (106 + 1 + 6, 6));
}

// P-042
#[test]
fn every_pattern_of_the_table_is_one_that_is_checked() {
    let forms = ["", "currency", "date", "date-minute", "moment", "email", "address"];
    for parameter in everything() {
        let is_known = parameter.regex.is_some() || forms.contains(&parameter.pattern.as_str());
        assert!(is_known, "{}: {}", parameter.path, parameter.pattern);
        let (least, most) = parameter.length;
        assert!(least.zip(most).is_none_or(|(least, most)| least <= most), "{}", parameter.path);
        assert!(!parameter.about.is_empty() && parameter.about.ends_with('.'), "{}", parameter.path);
        assert!(parameter.rules.split(' ').all(|rule| rule.starts_with("P-")), "{}", parameter.path);
        assert!(parameter.members.is_empty() || matches!(parameter.kind, Kind::Object | Kind::List));
        let is_encoded = matches!(parameter.encoding, Encoding::Json | Encoding::Terms | Encoding::Base64(_));
        assert_eq!(
            is_encoded,
            parameter.kind == Kind::Object && !parameter.path.contains('.'),
            "{}",
            parameter.path
        );
        // A text without bounds could be of any size.
        let is_bounded = most.is_some() || parameter.regex.is_some() || !parameter.values.is_empty();
        let is_form = matches!(parameter.pattern.as_str(), "currency" | "date" | "date-minute" | "moment");
        assert!(parameter.kind != Kind::Text || is_bounded || is_form, "{}", parameter.path);
    }
}

// P-030, P-032, P-033, P-034
#[test]
fn each_mode_needs_what_is_documented_for_it() {
    let needed = |mode: Mode| -> Vec<&str> {
        let of_mode = Parameter::all().iter().filter(|parameter| parameter.required.has(mode));
        of_mode.map(|parameter| parameter.path.as_str()).collect()
    };
    let payment = ["project_id", "payment_id", "payment_amount", "payment_currency"];
    assert_eq!(needed(Mode::Purchase), [&payment[..], &["customer_id"]].concat());
    assert_eq!(needed(Mode::CardVerify), payment);
    assert_eq!(needed(Mode::CardTokenize), ["project_id", "customer_id"]);
    assert_eq!(needed(Mode::Payout), [&payment[..], &["customer_id", "uuid", "customer_email"]].concat());
}

#[test]
fn a_set_of_modes_has_those_it_was_made_of() {
    assert_eq!(Modes::default().iter().count(), 0);
    let all = Parameter::named("project_id").unwrap().required;
    assert!(all.is_all() && all.iter().eq(Mode::ALL));
    let refused = Parameter::named("best_before").unwrap().refused;
    assert!(refused.iter().eq([Mode::Payout]) && !refused.is_all());
}
