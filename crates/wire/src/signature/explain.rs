//! Saying why a signature is not accepted.
//!
//! Shows a developer the canonical string in each order with its signature and, where a known mistake reproduces the
//! signature that was sent, names it. The search builds hundreds of strings: it is for the command line and the inspector,
//! never for the path of a request. It reveals right signatures, so only holders of the secret may see its result.

use std::collections::HashSet;
use std::fmt;

use crate::json::{Document, Value};

use super::canonical::{Order, ordered};
use super::flatten::{Pair, Pairs, Signatures, Style};
use super::mistake::{Hashing, IN_PAIRS, Mistake, mistaken, orders, spellings};
use super::place::Place;
use super::secret::{Secret, decode, sign};
use super::verify::{Refusal, Tolerance, Verified, given_signature, verify};
use crate::mask::masked_pair;

/// Above this size only single mistakes are searched in the pairs, not two at once.
const THOROUGH_BYTES: usize = 64 * 1024;

/// With more pairs than this it is not searched which one was added after signing.
const MOST_LEFT_OUT: usize = 400;

/// What there is to say about the signature of a message.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What [`verify`] says.
    pub outcome: Result<Verified, Refusal>,
    /// Each order with its canonical string and signature, the platform's own first.
    pub orders: Vec<OrderReport>,
    /// The fewest mistakes that together reproduce the signature that was sent; empty when it is right, or when no known
    /// mistake explains it (another secret, or a message changed after signing).
    pub mistakes: Vec<Mistake>,
    /// The member without which the signature that was sent is right, as a path: it was added after signing.
    pub added: Option<String>,
    /// The pairs of the message as the platform signs them, one `path:text` each, with card data masked.
    pub arrived: Vec<String>,
    /// The pairs the signature that was sent covers, likewise; none when it is not explained, or covers no pairs.
    pub signed: Option<Vec<String>>,
}

/// The message in one order.
#[derive(Clone)]
pub struct OrderReport {
    /// The order.
    pub order: Order,
    /// The canonical string. Contains card data where the message does.
    pub canonical: String,
    /// The same with card numbers and security codes masked, for display to others than the sender.
    pub masked: String,
    /// The signature with the first secret; `None` when there is no secret.
    pub signature: Option<String>,
}

impl fmt::Debug for OrderReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderReport")
            .field("order", &self.order)
            .field("masked", &self.masked)
            .finish_non_exhaustive()
    }
}

/// Explains the signature of `document` at `place`. Works for a message without any signature too.
pub fn explain(
    document: &Document<'_>,
    place: Place,
    secrets: &[Secret],
    tolerance: Tolerance,
) -> Explanation {
    let outcome = verify(document, place, secrets, tolerance);
    let resolved = place.resolve(document);
    let reports =
        Order::ALL.into_iter().map(|order| report(document, order, resolved, secrets.first())).collect();
    let base = Style { signatures: Signatures::LeftOutAt(resolved), ..Style::PLATFORM };
    let arrived = masked_lines(&ordered(document.root(), Order::Natural, base, document.text().len()));
    let mut explanation =
        Explanation { outcome, orders: reports, mistakes: Vec::new(), added: None, arrived, signed: None };
    if outcome.is_ok() {
        return explanation;
    }
    if let Some((mistakes, recipe)) = likely_mistakes(document, resolved, secrets) {
        explanation.signed = recipe.map(|recipe| masked_lines(&recipe.pairs(document)));
        explanation.mistakes = mistakes;
    } else if let Some((path, lines)) = added_after_signing(document, place, resolved, secrets) {
        explanation.added = Some(path);
        explanation.signed = Some(lines);
    }
    explanation
}

fn masked_lines(pairs: &Pairs) -> Vec<String> {
    pairs.list.iter().map(|pair| masked_pair(pairs.path(pair), pairs.text(pair))).collect()
}

fn report(document: &Document<'_>, order: Order, place: Place, secret: Option<&Secret>) -> OrderReport {
    let style = Style { signatures: Signatures::LeftOutAt(place), ..Style::PLATFORM };
    let pairs = ordered(document.root(), order, style, document.text().len());
    let canonical = pairs.join();
    let masked = masked_lines(&pairs).join(";");
    let signature = secret.map(|secret| sign(secret, &canonical));
    OrderReport { order, canonical, masked, signature }
}

/// Where the signature is: at its place, or else wherever a client may have put it by mistake.
fn found_signature<'d>(
    document: &'d Document<'_>,
    place: Place,
) -> Option<(&'d str, Place, Option<Mistake>)> {
    if let Ok(text) = given_signature(document, place) {
        return Some((text, place, None));
    }
    [Place::General, Place::Root, Place::Customer].into_iter().find_map(|other| {
        let text = other.find(document).and_then(Value::as_str).filter(|text| !text.is_empty())?;
        Some((text, other, Some(Mistake::WrongPlace(other))))
    })
}

/// How a client built the pairs it signed; an order of `None` is no sorting at all.
#[derive(Clone, Copy)]
struct Recipe {
    order: Option<Order>,
    style: Style,
}

impl Recipe {
    fn pairs(self, document: &Document<'_>) -> Pairs {
        let size = document.text().len();
        match self.order {
            Some(order) => ordered(document.root(), order, self.style, size),
            None => Pairs::of(document.root(), self.style, size),
        }
    }
}

/// A string a client may have signed: the mistakes made, and how its pairs come about, if it has any.
struct Candidate {
    mistakes: Vec<Mistake>,
    recipe: Option<Recipe>,
    string: String,
}

/// The fewest mistakes that reproduce the signature, with the pairs it then covers.
fn likely_mistakes(
    document: &Document<'_>,
    place: Place,
    secrets: &[Secret],
) -> Option<(Vec<Mistake>, Option<Recipe>)> {
    let (given, place, misplaced) = found_signature(document, place)?;
    let spellings = spellings(given);
    let hashings: Vec<Hashing> = secrets.iter().flat_map(Hashing::all).collect();
    let mut best: Option<(Vec<Mistake>, Option<Recipe>)> = None;
    for Candidate { mistakes, recipe, string } in candidates(document, place) {
        for hashing in &hashings {
            let mac = hashing.of(string.as_bytes());
            for (in_spelling, _) in spellings.iter().filter(|(_, bytes)| *bytes == mac) {
                let all = misplaced.iter().chain(&mistakes).chain(&hashing.mistakes).chain(in_spelling);
                let all: Vec<Mistake> = all.copied().collect();
                if best.as_ref().is_none_or(|(fewest, _)| all.len() < fewest.len()) {
                    best = Some((all, recipe));
                }
            }
        }
    }
    best
}

/// The one member, or object of members, without which the signature is right in some order: its path, and the pairs
/// that were signed.
fn added_after_signing(
    document: &Document<'_>,
    place: Place,
    resolved: Place,
    secrets: &[Secret],
) -> Option<(String, Vec<String>)> {
    let given = decode(given_signature(document, place).ok()?)?;
    if document.text().len() > THOROUGH_BYTES {
        return None;
    }
    let style = Style { signatures: Signatures::LeftOutAt(resolved), ..Style::PLATFORM };
    for order in Order::ALL {
        let mut pairs = ordered(document.root(), order, style, document.text().len());
        if pairs.list.len() > MOST_LEFT_OUT {
            return None;
        }
        let all = std::mem::take(&mut pairs.list);
        for path in subtrees(all.iter().map(|pair| pairs.path(pair))) {
            let is_below = |pair: &Pair| {
                let rest = pairs.path(pair).strip_prefix(path.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            };
            let list: Vec<Pair> = all.iter().filter(|pair| !is_below(pair)).copied().collect();
            pairs.list = list;
            let string = pairs.join();
            if secrets.iter().any(|secret| secret.accepts(string.as_bytes(), &given)) {
                return Some((path, masked_lines(&pairs)));
            }
        }
    }
    None
}

/// Every path and every path above one, the longest first: the smallest part that was added is the one to name.
fn subtrees<'p>(paths: impl Iterator<Item = &'p str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        let ends = path.match_indices(':').map(|(at, _)| at).chain([path.len()]);
        for above in ends.filter_map(|end| path.get(..end)).filter(|above| !above.is_empty()) {
            if seen.insert(above) {
                all.push(above.to_owned());
            }
        }
    }
    all.sort_by_key(|path| std::cmp::Reverse(path.matches(':').count()));
    all
}

/// Every distinct string a client may have signed for this message, those with fewer mistakes first.
fn candidates(document: &Document<'_>, place: Place) -> Vec<Candidate> {
    let mut combinations: Vec<Vec<Mistake>> = vec![Vec::new()];
    combinations.extend(IN_PAIRS.iter().map(|one| vec![*one]));
    if document.text().len() <= THOROUGH_BYTES {
        for (index, one) in IN_PAIRS.iter().enumerate() {
            combinations.extend(IN_PAIRS.iter().skip(index + 1).map(|other| vec![*one, *other]));
        }
    }
    let mut strings = Strings::default();
    let base = Style { signatures: Signatures::LeftOutAt(place), ..Style::PLATFORM };
    for mistakes in combinations {
        let style = mistakes.iter().fold(base, |style, mistake| mistaken(style, *mistake, place));
        for order in orders() {
            strings.add_order(document, order, style, &mistakes);
        }
    }
    strings.add(vec![Mistake::JsonTextSigned], None, document.text().to_owned());
    let parent: &[&str] = match place.holder() {
        Some(holder) => &[holder, "signature"],
        None => &["signature"],
    };
    strings.add(vec![Mistake::JsonTextSigned], None, document.serialize_without(&[parent]));
    strings.list
}

#[derive(Default)]
struct Strings {
    seen: HashSet<String>,
    list: Vec<Candidate>,
}

impl Strings {
    fn add_order(
        &mut self,
        document: &Document<'_>,
        order: Option<Order>,
        style: Style,
        mistakes: &[Mistake],
    ) {
        let forms = order.map_or(Order::Natural.colon_forms(), Order::colon_forms);
        for colons in forms {
            let recipe = Recipe { order, style: Style { colons: *colons, ..style } };
            let unsorted = order.is_none().then_some(Mistake::NotSorted);
            let string = recipe.pairs(document).join();
            let all: Vec<Mistake> = mistakes.iter().copied().chain(unsorted).collect();
            if self.add(all.clone(), Some(recipe), string.clone()) && mistakes.is_empty() {
                let trailing = all.into_iter().chain([Mistake::TrailingSeparator]).collect();
                self.add(trailing, Some(recipe), string + ";");
            }
        }
    }

    fn add(&mut self, mistakes: Vec<Mistake>, recipe: Option<Recipe>, string: String) -> bool {
        let new = self.seen.insert(string.clone());
        if new {
            self.list.push(Candidate { mistakes, recipe, string });
        }
        new
    }
}
