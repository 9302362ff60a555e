//! [`Report`]: what was examined, and how it came out.

use serde::Serialize;

use crate::cli::conformance::check::Subject;
use crate::cli::conformance::ledger::{Entry, Ledger, Outcome};
use crate::value::Timestamp;

/// What was examined, and how it came out.
#[derive(Debug, Serialize)]
pub(in crate::cli::conformance) struct Report<'a> {
    pub(in crate::cli::conformance) subject: Subject,
    /// The server's address.
    pub(in crate::cli::conformance) server: String,
    /// When it ended.
    pub(in crate::cli::conformance) at: String,
    /// Who asked.
    pub(in crate::cli::conformance) program: &'static str,
    /// Warnings count as failures.
    pub(in crate::cli::conformance) strict: bool,
    pub(in crate::cli::conformance) requests: usize,
    pub(in crate::cli::conformance) passed: usize,
    pub(in crate::cli::conformance) failed: usize,
    pub(in crate::cli::conformance) warnings: usize,
    pub(in crate::cli::conformance) not_applicable: usize,
    pub(in crate::cli::conformance) checks: &'a [Entry],
}

impl<'a> Report<'a> {
    pub(in crate::cli::conformance) fn new(
        subject: Subject,
        server: String,
        at: Timestamp,
        requests: usize,
        ledger: &'a Ledger,
    ) -> Self {
        Self {
            subject,
            server,
            at: at.to_string(),
            program: concat!("bob-auth ", env!("CARGO_PKG_VERSION")),
            strict: false,
            requests,
            passed: ledger.count(Outcome::Pass),
            failed: ledger.count(Outcome::Fail),
            warnings: ledger.count(Outcome::Warning),
            not_applicable: ledger.count(Outcome::NotApplicable),
            checks: &ledger.entries,
        }
    }

    /// Whether warnings count as failures.
    pub(in crate::cli::conformance) fn strictly(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Whether a check with this outcome makes the examination fail.
    pub(in crate::cli::conformance) fn fails(&self, outcome: Outcome) -> bool {
        outcome >= if self.strict { Outcome::Warning } else { Outcome::Fail }
    }

    /// The counts in words.
    pub(super) fn counts(&self) -> String {
        format!(
            "{} checks by {} requests: {} passed, {} failed, {} warnings, {} not applicable",
            self.checks.len(),
            self.requests,
            self.passed,
            self.failed,
            self.warnings,
            self.not_applicable
        )
    }

    /// The entries that need somebody's attention, the worst first.
    pub(super) fn broken(&self) -> impl Iterator<Item = &'a Entry> {
        let checks = self.checks;
        [Outcome::Fail, Outcome::Warning]
            .into_iter()
            .flat_map(move |outcome| checks.iter().filter(move |entry| entry.outcome == outcome))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn strictly_a_warning_is_a_failure() {
        let ledger = samples::ledger();
        let report = samples::report(&ledger);
        assert_eq!((report.fails(Outcome::Fail), report.fails(Outcome::Warning)), (true, false));
        let report = report.strictly(true);
        assert!(report.fails(Outcome::Warning) && !report.fails(Outcome::NotApplicable));
    }
}
