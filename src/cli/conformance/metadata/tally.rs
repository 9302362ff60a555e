//! [`Tally`]: how many entries of a set keep each rule, and which do not.

use super::rules::Finding;
use crate::cli::conformance::check::Check;
use crate::cli::conformance::ledger::Judgement;

/// Of so many faults of one kind the words are shown.
const SHOWN: usize = 5;

/// What was counted.
pub(super) struct Tally(Vec<Count>);

struct Count {
    check: &'static Check,
    kept: usize,
    broken: usize,
    words: Vec<String>,
}

impl Tally {
    /// Nothing is counted yet.
    pub(super) fn of(checks: &[&'static Check]) -> Self {
        let count = |check: &&'static Check| Count { check, kept: 0, broken: 0, words: Vec::new() };
        Self(checks.iter().map(count).collect())
    }

    /// Counts an entry; the words say what is wrong with it.
    pub(super) fn note(&mut self, check: &'static Check, kept: bool, words: impl FnOnce() -> String) {
        let Some(count) = self.0.iter_mut().find(|count| count.check.id == check.id) else { return };
        if kept {
            count.kept += 1;
            return;
        }
        count.broken += 1;
        if count.words.len() < SHOWN {
            count.words.push(words());
        }
    }

    /// What comes of it: rules that no entry is about are not applicable.
    pub(super) fn findings(self) -> impl Iterator<Item = Finding> {
        self.0.into_iter().map(|count| (count.check, count.judgement()))
    }
}

impl Count {
    fn judgement(self) -> Judgement {
        let Self { kept, broken, words, .. } = self;
        match (kept, broken) {
            (0, 0) => Judgement::not_applicable("the set has nothing that this is about"),
            (_, 0) => Judgement::holds(format!("{kept} looked at")),
            _ => {
                let more = broken - words.len();
                let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
                Judgement::broken(words.join("\n") + &more)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ONE: Check = Check::must("metadata.one", "One.", "BoB");

    fn judged(kept: usize, broken: usize) -> Judgement {
        let mut tally = Tally::of(&[&ONE]);
        (0..kept).for_each(|_| tally.note(&ONE, true, String::new));
        (0..broken).for_each(|number| tally.note(&ONE, false, || format!("fault {number}")));
        tally.findings().next().unwrap().1
    }

    #[test]
    fn a_rule_that_nothing_is_about_is_not_applicable() {
        assert!(matches!(judged(0, 0), Judgement::NotApplicable(_)));
        assert_eq!(judged(2, 0), Judgement::holds("2 looked at"));
    }

    #[test]
    fn one_fault_among_many_entries_breaks_a_rule_and_few_of_many_are_told() {
        assert_eq!(judged(9, 1), Judgement::broken("fault 0"));
        let Judgement::Broken(words) = judged(0, 100) else { panic!() };
        assert!(words.ends_with("fault 4\nand 95 more"), "{words}");
    }
}
