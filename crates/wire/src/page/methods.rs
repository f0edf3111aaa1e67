//! Which payment methods an opening wants to see.

/// What an opening says about methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What is offered.
    pub offered: Offered,
    /// Codes that are not offered (P-146).
    pub hidden: Vec<String>,
    /// Settings of single methods, a JSON object (P-144).
    pub options: Option<String>,
}

/// What an opening limits its offer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    /// Nothing: whatever the project has.
    Any,
    /// The saved card of this token, whatever else is said (P-143).
    Token(String),
    /// This method, whatever group is said (P-138, P-141).
    Method {
        /// Its code.
        code: String,
        /// The network whose saved cards come first (P-142).
        network: Option<String>,
    },
    /// The methods of this group (P-140).
    Group(String),
}

impl Offered {
    /// What comes of the parameters.
    pub(super) fn of(
        token: Option<&str>,
        method: Option<&str>,
        network: Option<&str>,
        group: Option<&str>,
    ) -> Self {
        match (token, method, group) {
            (Some(token), _, _) => Self::Token(token.to_owned()),
            (None, Some(code), _) => Self::Method {
                code: code.to_owned(),
                network: network.filter(|_| code == "card").map(str::to_owned),
            },
            (None, None, Some(group)) => Self::Group(group.to_owned()),
            (None, None, None) => Self::Any,
        }
    }
}

impl Wanted {
    /// Whether a method of this code is hidden; `-` and `_` are one.
    pub fn hides(&self, code: &str) -> bool {
        let same = |c: char| if c == '_' { '-' } else { c };
        self.hidden.iter().any(|hidden| hidden.chars().map(same).eq(code.chars().map(same)))
    }
}
