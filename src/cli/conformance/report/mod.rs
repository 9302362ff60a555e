//! [`Report`]: the ledger for people and for machines.
//!
//! | file | what it writes |
//! |---|---|
//! | `content` | nothing: it is what the others write |
//! | `text` | a table for the terminal |
//! | `junit` | XML as CI servers read it |
//! | `html` | one page that needs nothing else |
//! | `markup` | what XML and HTML have in common |
//! | `markdown` | for an issue, a wiki, a summary of a CI run |
//!
//! Much of a report was written by the server that was examined: each form keeps that from being anything but text.

mod content;
mod html;
mod junit;
mod markdown;
mod markup;
#[cfg(test)]
mod samples;
mod text;

pub(super) use content::Report;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use clap::ValueEnum;

use crate::cli::error::CliError;
use crate::cli::output::Answer;

/// In which form a report is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    // No doc comments here: they would stretch the help text to its long form.
    Junit,
    Json,
    Html,
    Markdown,
}

/// The report in its form, said or written to a file.
pub(super) fn answer(report: &Report<'_>, form: Option<Form>, file: Option<&Path>) -> Result<Answer, CliError> {
    let table = Answer::new(text::table(report, text::Look::of_stdout()), report)?;
    let Some(form) = form else { return Ok(table) };
    let whole = match form {
        Form::Junit => junit::xml(report),
        Form::Json => serde_json::to_string_pretty(report)? + "\n",
        Form::Html => html::page(report),
        Form::Markdown => markdown::document(report),
    };
    let Some(file) = file else { return Ok(table.with_text(whole)) };
    write(file, &whole).map_err(|error| {
        CliError::new(format!("the report cannot be written: {error}"))
            .at(file)
            .next("name a file in a directory that exists and that you may write to with --report-file")
    })?;
    Ok(table.note(format!("the report is in {}", file.display())))
}

/// Everybody may read it: there is nothing secret in it.
fn write(file: &Path, whole: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(file)?;
    file.write_all(whole.as_bytes())?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_report_in_a_file_is_for_everybody_and_a_file_that_cannot_be_says_which() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = samples::ledger();
        let file = directory.path().join("report.json");
        answer(&samples::report(&ledger), Some(Form::Json), Some(&file)).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!((&written["failed"], &written["checks"][1]["seen"]), (&1.into(), &samples::EVIL.into()));
        let nowhere = directory.path().join("no/such/file");
        let error = answer(&samples::report(&ledger), Some(Form::Junit), Some(&nowhere)).unwrap_err().to_string();
        assert!(error.contains("no/such/file") && error.contains("--report-file"), "{error}");
    }
}
