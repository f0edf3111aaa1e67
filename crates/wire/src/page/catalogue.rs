//! The table of parameters, `catalogue/payment-page-params.csv`, as the code uses it.

use ferropay_domain::page::Mode;
use regex::Regex;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../../../../catalogue/payment-page-params.csv");

static PARAMETERS: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().filter_map(Result::ok).collect();
    let rows: Vec<Parameter> = rows.iter().filter_map(Parameter::of_row).collect();
    let roots = rows.iter().filter(|row| !row.path.contains('.'));
    roots.map(|root| root.with_members(&rows)).collect()
});

/// One parameter, or one member of an encoded one.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name; of a member the whole dotted path, in which `[]` stands for the items of a list and `*` for any name.
    pub path: String,
    /// Other names it is known by.
    pub aliases: Vec<String>,
    /// What its value is.
    pub kind: Kind,
    /// The least and the most: characters of a text, items of a list, the size of a number.
    pub length: (Option<i64>, Option<i64>),
    /// The form of its text: a regular expression, or the name of a form.
    pub pattern: String,
    /// The values it may have; any where there are none.
    pub values: Vec<String>,
    /// How its value is written.
    pub encoding: Encoding,
    /// What it is about.
    pub group: String,
    /// The modes in which it says something.
    pub modes: Modes,
    /// The modes in which it has to be given. A member has to be where its object is.
    pub required: Modes,
    /// The modes in which it must not be given.
    pub refused: Modes,
    /// Requirements it rests on.
    pub rules: String,
    /// What it means, one or two sentences.
    pub about: String,
    /// The members of an object or of a list's items.
    pub members: Vec<Parameter>,
    pub(super) regex: Option<Regex>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number, as number or as digits.
    Integer,
    /// A number that may have decimals.
    Number,
    /// 0 or 1; `true` and `false` as well, which the browser library sends.
    Flag,
    /// `true` or `false`, also as text, 1 or 0.
    Boolean,
    /// Items one after another.
    List,
    /// Members with names.
    Object,
    /// The number of a card.
    Card,
    /// Whatever it is, it is passed over.
    Any,
}

/// How the value of a parameter is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// JSON.
    Json,
    /// JSON, perhaps with a comma too many, perhaps percent-encoded once more.
    Terms,
    /// JSON in Base64, perhaps in objects of these names, the outermost first.
    Base64(Vec<String>),
    /// Codes with commas between.
    Codes,
}

/// A set of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes(u8);

impl Modes {
    const fn bit(mode: Mode) -> u8 {
        match mode {
            Mode::Purchase => 1,
            Mode::Payout => 2,
            Mode::CardVerify => 4,
            Mode::CardTokenize => 8,
        }
    }

    /// Reads words with blanks between; none where one is no mode.
    fn read(words: &str) -> Option<Self> {
        words.split_whitespace().try_fold(Self(0), |modes, word| {
            Mode::from_word(word).map(|mode| Self(modes.0 | Self::bit(mode)))
        })
    }

    /// Whether it holds `mode`.
    pub const fn has(self, mode: Mode) -> bool {
        self.0 & Self::bit(mode) != 0
    }

    /// Whether it holds every mode.
    pub fn is_all(self) -> bool {
        Mode::ALL.into_iter().all(|mode| self.has(mode))
    }

    /// The modes it holds.
    pub fn iter(self) -> impl Iterator<Item = Mode> {
        Mode::ALL.into_iter().filter(move |mode| self.has(*mode))
    }
}

impl Parameter {
    /// Every parameter, as the table has them. Members of objects are below theirs.
    pub fn all() -> &'static [Self] {
        &PARAMETERS
    }

    /// The parameter of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PARAMETERS.iter().find(|parameter| parameter.path == name)
    }

    /// Whether it goes by this name.
    pub fn is_called(&self, name: &str) -> bool {
        self.path == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Its own name, without what it is a member of.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// Whether an opening may still have it, although it says nothing any more.
    pub fn is_former(&self) -> bool {
        self.group == "former"
    }

    fn of_row(row: &csv::StringRecord) -> Option<Self> {
        let cell = |at: usize| row.get(at);
        let words = |at: usize, between: char| -> Option<Vec<String>> {
            Some(cell(at)?.split(between).filter(|word| !word.is_empty()).map(str::to_owned).collect())
        };
        let (least, most) = cell(3)?.split_once("..").unwrap_or_default();
        let pattern = cell(4)?.to_owned();
        let modes = match cell(8)? {
            "" => Modes(15),
            some => Modes::read(some)?,
        };
        Some(Self {
            path: cell(0)?.to_owned(),
            aliases: words(1, ' ')?,
            kind: Kind::read(cell(2)?)?,
            length: (least.parse().ok(), most.parse().ok()),
            regex: regex_of(&pattern),
            pattern,
            values: words(5, '|')?,
            encoding: Encoding::read(cell(6)?)?,
            group: cell(7)?.to_owned(),
            modes,
            required: Modes::read(cell(9)?)?,
            refused: Modes::read(cell(10)?)?,
            rules: cell(11)?.to_owned(),
            about: cell(12)?.to_owned(),
            members: Vec::new(),
        })
    }

    fn with_members(&self, rows: &[Self]) -> Self {
        let prefix =
            if self.kind == Kind::List { format!("{}[].", self.path) } else { format!("{}.", self.path) };
        let members = rows.iter().filter(|row| {
            row.path.strip_prefix(&prefix).is_some_and(|rest| !rest.is_empty() && !rest.contains('.'))
        });
        Self { members: members.map(|member| member.with_members(rows)).collect(), ..self.clone() }
    }
}

impl Kind {
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "text" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "flag" => Self::Flag,
            "boolean" => Self::Boolean,
            "list" => Self::List,
            "object" => Self::Object,
            "card" => Self::Card,
            "any" => Self::Any,
            _ => return None,
        })
    }
}

impl Encoding {
    fn read(text: &str) -> Option<Self> {
        let (word, wrappers) = text.split_once(' ').unwrap_or((text, ""));
        Some(match word {
            "" => Self::Plain,
            "json" => Self::Json,
            "terms" => Self::Terms,
            "codes" => Self::Codes,
            "base64" => Self::Base64(wrappers.split('.').map(str::to_owned).collect()),
            _ => return None,
        })
    }
}

/// Letters of any script and the marks that belong to them. `\w` has them, and digits, connectors and joiners besides.
const LETTERS: &str =
    r"\w&&[^\d_\x{203F}\x{2040}\x{2054}\x{FE33}\x{FE34}\x{FE4D}-\x{FE4F}\x{FF3F}\x{200C}\x{200D}]";

/// The expression of a pattern; none of a form that is checked by other means, and of one without.
fn regex_of(pattern: &str) -> Option<Regex> {
    match pattern {
        "holder" => Regex::new(&format!(r"^([{LETTERS}]|[\s\-'.])+$")).ok(),
        "owner" => Regex::new(&format!(r"^([{LETTERS}]|[0-9 .'\-])+$")).ok(),
        "domain" => Regex::new(r"^[0-9A-Za-z.\-:/]+$").ok(),
        _ if pattern.starts_with('^') => Regex::new(pattern).ok(),
        _ => None,
    }
}
