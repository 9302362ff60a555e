//! [`Report`]: the ledger for people and for machines.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use super::check::{Level, Subject};
use super::ledger::{Entry, Ledger, Outcome};
use crate::cli::error::CliError;
use crate::cli::output::{Answer, printable};
use crate::value::Timestamp;

/// In which form a report is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Json,
}

/// What was examined, and how it came out.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    pub(super) subject: Subject,
    /// The server's address.
    pub(super) server: String,
    /// When it ended.
    pub(super) at: String,
    /// Who asked.
    pub(super) program: &'static str,
    pub(super) requests: usize,
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) warnings: usize,
    pub(super) not_applicable: usize,
    pub(super) checks: &'a [Entry],
}

impl<'a> Report<'a> {
    pub(super) fn new(subject: Subject, server: String, at: Timestamp, requests: usize, ledger: &'a Ledger) -> Self {
        Self {
            subject,
            server,
            at: at.to_string(),
            program: concat!("bob-auth ", env!("CARGO_PKG_VERSION")),
            requests,
            passed: ledger.count(Outcome::Pass),
            failed: ledger.count(Outcome::Fail),
            warnings: ledger.count(Outcome::Warning),
            not_applicable: ledger.count(Outcome::NotApplicable),
            checks: &ledger.entries,
        }
    }
}

/// The report in its form, said or written to a file.
pub(super) fn answer(report: &Report<'_>, form: Option<Form>, file: Option<&Path>) -> Result<Answer, CliError> {
    let table = Answer::new(text(report), report)?;
    let Some(form) = form else { return Ok(table) };
    let whole = match form {
        Form::Json => serde_json::to_string_pretty(report)?,
    };
    let Some(file) = file else { return Ok(table.with_text(whole)) };
    fs::write(file, whole + "\n").map_err(|error| CliError::new(error).at(file))?;
    Ok(table.note(format!("the report is in {}", file.display())))
}

fn text(report: &Report<'_>) -> String {
    let mut text = String::new();
    let width = report.checks.iter().map(|entry| entry.check.id.len()).max().unwrap_or_default();
    for entry in report.checks {
        let (word, id) = (entry.outcome.word(), entry.check.id);
        let _ = writeln!(text, "{word:7}  {id:width$}  {}", printable(&entry.seen));
    }
    for entry in report.checks.iter().filter(|entry| entry.outcome >= Outcome::Warning) {
        let level = if entry.check.level == Level::Must { "MUST" } else { "SHOULD" };
        let _ = writeln!(text, "\n{} {} ({level}, {})", entry.outcome.word(), entry.check.id, entry.check.source);
        let _ = writeln!(text, "  the rule  {}", entry.check.title);
        for (name, words) in [("sent", &entry.sent), ("seen", &entry.seen)] {
            let mut name = name;
            for line in words.lines() {
                let _ = writeln!(text, "  {name:8}  {}", printable(line));
                name = "";
            }
        }
    }
    let _ = writeln!(
        text,
        "\n{}: {} checks by {} requests: {} passed, {} failed, {} warnings, {} not applicable",
        printable(&report.server),
        report.checks.len(),
        report.requests,
        report.passed,
        report.failed,
        report.warnings,
        report.not_applicable
    );
    text
}
