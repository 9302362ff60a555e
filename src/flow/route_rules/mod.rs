//! Rules by route: which callers may do what, decided by method and path of the client's own request. Pure; where a proxy
//! writes these two is known at the face.
//!
//! | file | what lives there |
//! |---|---|
//! | `path` | a path that means one thing to everybody who reads it, or why it does not |
//! | `rule` | one rule |

mod path;
mod rule;
#[cfg(test)]
mod tests;

pub use self::path::{OriginalPath, PathFault};
pub use self::rule::{Rule, RuleError};
use crate::flow::verify::VerifiedCaller;

/// The rules of one service. Without any, the verifier's own policy decides alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteRules {
    /// The longest path first, so that the first that fits decides.
    rules: Vec<Rule>,
}

/// Two rules that speak of the same thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rules {first} and {second} are about the same path and method, and none of them is the right one")]
pub struct RuleConflict {
    /// One of them.
    pub first: Box<str>,
    /// The other.
    pub second: Box<str>,
}

/// Why a verified caller may not do this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteRefusal {
    /// The proxy did not say what the client asked for, or said it twice.
    #[error("the proxy did not hand over method and path of the client's request, each exactly once")]
    OriginalRequestMissing,
    /// A path that one reader might take for this and another for that.
    #[error("the path of the client's request {0}")]
    PathMalformed(#[from] PathFault),
    /// No rule covers path and method.
    #[error("no rule covers this method and path")]
    NoRule,
    /// A rule covers them, and it is for others.
    #[error("the rule {rule} is for other callers")]
    NotAllowed {
        /// Its name.
        rule: Box<str>,
    },
}

/// What a client asked for, as its proxy says it: bytes that nobody has looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginalRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query, as they were on the wire.
    pub target: &'a [u8],
}

impl RouteRules {
    /// These rules, in whatever order.
    pub fn new(mut rules: Vec<Rule>) -> Result<Self, RuleConflict> {
        for (index, rule) in rules.iter().enumerate() {
            if let Some(other) = rules[..index].iter().find(|other| other.overlaps(rule)) {
                return Err(RuleConflict { first: other.name().into(), second: rule.name().into() });
            }
        }
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.depth()));
        Ok(Self { rules })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules, the longest paths first.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// Lets a verified caller pass, by the rule that is given back; `None` if there are no rules.
    pub fn permit(
        &self,
        caller: &VerifiedCaller,
        original: Option<OriginalRequest<'_>>,
    ) -> Result<Option<&Rule>, RouteRefusal> {
        if self.is_empty() {
            return Ok(None);
        }
        let rule = self.rule_for(original.ok_or(RouteRefusal::OriginalRequestMissing)?)?;
        if rule.permits(caller.pid(), caller.class()) {
            return Ok(Some(rule));
        }
        Err(RouteRefusal::NotAllowed { rule: rule.name().into() })
    }

    /// The rule that decides on this request: of those with the longest path that fits, the one with its method.
    pub fn rule_for(&self, original: OriginalRequest<'_>) -> Result<&Rule, RouteRefusal> {
        let path = OriginalPath::parse(original.target)?;
        let found = self.find(&path.segments(), original.method);
        // Some back ends cut off what follows a semicolon, others do not. Where that would make a difference, nobody can
        // say which rule is meant.
        if let Some(stripped) = path.segments_without_parameters()
            && self.find(&stripped, original.method).map(Rule::name) != found.map(Rule::name)
        {
            return Err(PathFault::Parameters.into());
        }
        let rule = found.ok_or(RouteRefusal::NoRule)?;
        // Many frameworks route without regard to letter case, some file systems cut off dots and blanks. A rule that is
        // about the path in their eyes must not be got round.
        let careless = path.segments_read_carelessly();
        if self.rules.iter().any(|other| other.depth() > rule.depth() && other.covers_in_any_case(&careless)) {
            return Err(PathFault::Habits.into());
        }
        Ok(rule)
    }

    fn find(&self, segments: &[&str], method: &str) -> Option<&Rule> {
        let longest = self.rules.iter().find(|rule| rule.covers(segments))?.depth();
        self.rules.iter().filter(|rule| rule.depth() == longest && rule.covers(segments)).find(|rule| rule.has(method))
    }
}

impl<'a> IntoIterator for &'a RouteRules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl RouteRefusal {
    /// One of each kind, for the documentation.
    pub const KINDS: [&'static str; 4] = ["original_request_missing", "path_malformed", "no_rule", "not_allowed"];

    /// The rule that refuses, if one does.
    pub const fn rule(&self) -> Option<&str> {
        match self {
            Self::NotAllowed { rule } => Some(rule),
            Self::OriginalRequestMissing | Self::PathMalformed(_) | Self::NoRule => None,
        }
    }

    /// The stable id of the reason: the same in answers, log, metrics and documentation.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::OriginalRequestMissing => "original_request_missing",
            Self::PathMalformed(_) => "path_malformed",
            Self::NoRule => "no_rule",
            Self::NotAllowed { .. } => "not_allowed",
        }
    }
}
