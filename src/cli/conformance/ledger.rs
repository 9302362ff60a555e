//! [`Ledger`]: how the checks came out, one entry for each, with what was sent and what was seen.

use std::collections::BTreeSet;

use serde::Serialize;

use super::check::{Check, Level};

/// What was found out about a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is kept; what shows that.
    Holds(String),
    /// It is broken; what shows that, and what should have been seen.
    Broken(String),
    /// It says nothing about this server, or could not be asked; why.
    NotApplicable(String),
}

impl Judgement {
    pub(super) fn holds(seen: impl Into<String>) -> Self {
        Self::Holds(seen.into())
    }

    pub(super) fn broken(seen: impl Into<String>) -> Self {
        Self::Broken(seen.into())
    }

    pub(super) fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable(why.into())
    }

    /// The same, with the words that tell this request from others of its check.
    pub(super) fn about(self, what: &str) -> Self {
        let told = |words: String| format!("{what}: {words}");
        match self {
            Self::Holds(seen) => Self::Holds(told(seen)),
            Self::Broken(seen) => Self::Broken(told(seen)),
            Self::NotApplicable(why) => Self::NotApplicable(told(why)),
        }
    }

    #[cfg(test)]
    pub(super) const fn is_kept(&self) -> bool {
        matches!(self, Self::Holds(_))
    }

    /// It holds if that is so; the words say what was seen either way.
    pub(super) fn of(kept: bool, seen: impl Into<String>) -> Self {
        if kept { Self::holds(seen) } else { Self::broken(seen) }
    }
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// The rule is kept.
    Pass,
    /// The rule says nothing about this server.
    NotApplicable,
    /// A rule that SHOULD be kept is broken.
    Warning,
    /// A rule that MUST be kept is broken.
    Fail,
}

impl Outcome {
    /// The word in reports.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NotApplicable => "n.a.",
            Self::Warning => "warning",
            Self::Fail => "FAIL",
        }
    }
}

/// A check with its outcome and its evidence.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub(super) check: &'static Check,
    pub(super) outcome: Outcome,
    /// The requests, secrets shortened. Empty if none was needed.
    pub(super) sent: String,
    /// What came back, as far as the rule is about it.
    pub(super) seen: String,
}

/// The entries in the order in which the checks were made.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) entries: Vec<Entry>,
}

impl Ledger {
    /// Enters what was found out. Of one check there is one entry: the worst.
    pub(super) fn enter(&mut self, check: &'static Check, sent: impl Into<String>, judgement: Judgement) {
        let (outcome, seen) = match (judgement, check.level) {
            (Judgement::Holds(seen), _) => (Outcome::Pass, seen),
            (Judgement::NotApplicable(why), _) => (Outcome::NotApplicable, why),
            (Judgement::Broken(seen), Level::Should) => (Outcome::Warning, seen),
            (Judgement::Broken(seen), Level::Must) => (Outcome::Fail, seen),
        };
        let entry = Entry { check, outcome, sent: sent.into(), seen };
        match self.entries.iter_mut().find(|entered| entered.check.id == check.id) {
            // What was found out outweighs that it could not be found out with another request.
            Some(entered) if rank(entry.outcome) > rank(entered.outcome) => *entered = entry,
            Some(_) => {}
            None => self.entries.push(entry),
        }
    }

    /// Enters every check of these that has no entry yet as not applicable, and puts all into the order of these.
    pub(super) fn close(&mut self, checks: &[&'static Check], why: &str) {
        let entered: BTreeSet<&str> = self.entries.iter().map(|entry| entry.check.id).collect();
        for check in checks.iter().filter(|check| !entered.contains(check.id)) {
            self.enter(check, "", Judgement::not_applicable(why));
        }
        self.entries.sort_by_key(|entry| checks.iter().position(|check| check.id == entry.check.id));
    }

    pub(super) fn count(&self, outcome: Outcome) -> usize {
        self.entries.iter().filter(|entry| entry.outcome == outcome).count()
    }
}

const fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::NotApplicable => 0,
        Outcome::Pass => 1,
        Outcome::Warning => 2,
        Outcome::Fail => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static BINDING: Check = Check::must("auth.a", "A.", "BoB");
    static ADVISED: Check = Check::should("auth.b", "B.", "BoB");

    #[test]
    fn a_broken_rule_fails_if_it_is_binding_and_warns_if_it_is_advised() {
        let mut ledger = Ledger::default();
        ledger.enter(&BINDING, "", Judgement::broken("x"));
        ledger.enter(&ADVISED, "", Judgement::broken("x"));
        assert_eq!((ledger.entries[0].outcome, ledger.entries[1].outcome), (Outcome::Fail, Outcome::Warning));
    }

    #[test]
    fn of_several_findings_the_worst_counts_whatever_their_order() {
        for order in [["na", "holds", "broken"], ["broken", "holds", "na"], ["holds", "broken", "na"]] {
            let mut ledger = Ledger::default();
            for one in order {
                let judgement = match one {
                    "na" => Judgement::not_applicable(one),
                    "holds" => Judgement::holds(one),
                    _ => Judgement::broken(one),
                };
                ledger.enter(&BINDING, "", judgement);
            }
            assert_eq!((ledger.entries.len(), ledger.entries[0].seen.as_str()), (1, "broken"));
        }
    }

    #[test]
    fn what_was_not_asked_is_entered_as_such_at_the_end() {
        let mut ledger = Ledger::default();
        ledger.enter(&ADVISED, "", Judgement::holds("x"));
        ledger.close(&[&BINDING, &ADVISED], "the server cannot be reached");
        let entered: Vec<_> = ledger.entries.iter().map(|entry| (entry.check.id, entry.outcome)).collect();
        assert_eq!(entered, [("auth.a", Outcome::NotApplicable), ("auth.b", Outcome::Pass)]);
    }
}
