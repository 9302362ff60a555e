//! [`Answer`]: what a command says when it is done, as text and as JSON; tables and facts for the text. The only place
//! that writes to standard output and standard error.

use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::error::CliError;

/// In which form a command answers: text is for people, one JSON document for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    // No doc comments here: they would stretch every help text to its long form.
    #[default]
    Text,
    Json,
}

/// What a command says when it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    text: String,
    json: String,
    notes: Vec<String>,
    success: bool,
}

/// A page of a list, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    /// What to ask the next page with; `null` on the last page.
    pub(super) next: Option<String>,
}

impl Answer {
    /// The same thing as text and as what becomes JSON.
    pub(super) fn new(text: impl fmt::Display, view: &impl Serialize) -> Result<Self, CliError> {
        let json = serde_json::to_string_pretty(view)?;
        Ok(Self { text: text.to_string(), json, notes: Vec::new(), success: true })
    }

    /// Adds a member to what becomes a JSON object.
    pub(super) fn beside(self, name: &str, value: &serde_json::Value) -> Result<Self, CliError> {
        let mut view: serde_json::Value = serde_json::from_str(&self.json)?;
        if let Some(object) = view.as_object_mut() {
            object.insert(name.to_owned(), value.clone());
        }
        Ok(Self { json: serde_json::to_string_pretty(&view)?, ..self })
    }

    /// Everything was said already.
    pub(super) const fn silent() -> Self {
        Self { text: String::new(), json: String::new(), notes: Vec::new(), success: true }
    }

    /// The same answer with a line before its text.
    pub(super) fn headed(self, line: &str) -> Self {
        Self { text: format!("{line}\n{}", self.text), ..self }
    }

    /// Adds a line for standard error.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds lines for standard error.
    pub(super) fn notes(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// The same answer with another text.
    pub(super) fn with_text(self, text: String) -> Self {
        Self { text, ..self }
    }

    /// It was said, but not all went well: exit code 1.
    pub(super) fn failed_if(self, failed: bool) -> Self {
        Self { success: self.success && !failed, ..self }
    }
}

/// A page of a list: a table, JSON, and how to go on.
pub(super) fn list<T: Serialize>(
    table: &Table,
    items: Vec<T>,
    next: Option<String>,
    option: &str,
) -> Result<Answer, CliError> {
    let hint = next.as_ref().map(|next| format!("there are more: go on with {option} {next}"));
    let answer = Answer::new(table, &List { items, next })?;
    Ok(match hint {
        Some(hint) => answer.note(hint),
        None => answer,
    })
}

/// Says it and gives the exit code.
pub(super) fn finish(result: Result<Answer, CliError>, format: Format) -> ExitCode {
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => {
            say_to_stderr(&error);
            return ExitCode::FAILURE;
        }
    };
    let text = if format == Format::Json { printable_json(&answer.json) } else { answer.text };
    let written = write_line(&mut io::stdout().lock(), &text);
    for note in &answer.notes {
        say_to_stderr(note);
    }
    match written {
        Err(error) => {
            say_to_stderr(&CliError::new(format!("standard output: {error}")));
            ExitCode::FAILURE
        }
        Ok(()) if answer.success => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

/// Says it at once, for a command that goes on. JSON is a document on a line of its own.
pub(super) fn say(answer: &Answer, format: Format) -> Result<(), CliError> {
    let text = match format {
        Format::Text => answer.text.clone(),
        Format::Json => serde_json::from_str::<serde_json::Value>(&answer.json)?.to_string(),
    };
    let written = write_line(&mut io::stdout().lock(), &text);
    answer.notes.iter().for_each(say_to_stderr);
    written.map_err(|error| CliError::new(format!("standard output: {error}")))
}

/// One line on standard error; if that is closed, nobody wants to know.
pub(super) fn say_to_stderr(text: &impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes it as it is and at once, for a command that shows what it is doing.
pub(super) fn draw(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Writes the text with one newline at its end. A reader that has seen enough is no error.
fn write_line(out: &mut impl io::Write, text: &str) -> io::Result<()> {
    let text = text.trim_end_matches('\n');
    let written = if text.is_empty() { Ok(()) } else { writeln!(out, "{text}").and_then(|()| out.flush()) };
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The most characters of a cell; the whole is in the JSON.
const WIDEST: usize = 300;

/// Rows under a head, each column as wide as its widest cell.
#[derive(Debug, Clone)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Whether it is nothing but its head.
    pub(super) const fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    pub(super) fn row(&mut self, cells: &[&dyn fmt::Display]) {
        self.rows.push(cells.iter().map(|cell| cell_of(&printable(&cell.to_string()))).collect());
    }
}

/// A cell no wider than a person reads: one that a stranger filled must not make the whole table so wide.
fn cell_of(text: &str) -> String {
    match text.char_indices().nth(WIDEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                write!(line, "{cell:width$}  ")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Names and values, one pair a line; pairs without a value are left out.
pub(super) fn facts(pairs: &[(&str, Option<String>)]) -> String {
    let width = pairs.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in pairs {
        if let Some(value) = value {
            let _ = writeln!(text, "{name:width$}  {}", printable(value));
        }
    }
    text
}

/// An empty cell would look like a fault of the table.
pub(super) fn or_dash<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// Whether a terminal shows it as it is, and nothing else happens.
fn harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON of a stranger, so that a terminal can show it; it says the same.
pub(super) fn printable_json(json: &str) -> String {
    let unit = |unit: &u16| format!("\\u{unit:04x}");
    let escape = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(unit).collect::<Vec<_>>().concat();
    // Outside of texts JSON has no other control character.
    json.chars().map(|c| if harmless(c) || c == '\n' { c.to_string() } else { escape(c) }).collect()
}

/// What a stranger wrote, so that a terminal can show it.
pub(super) fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if harmless(c) { vec![c] } else { c.escape_default().collect() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["ID", "CLASS"]);
        table.row(&[&"validator37", &"val"]);
        table.row(&[&"å", &"inspector"]);
        assert_eq!(table.to_string(), "ID           CLASS\nvalidator37  val\nå            inspector\n");
    }

    #[test]
    fn json_of_a_stranger_does_nothing_to_a_terminal_and_says_the_same() {
        let value = serde_json::json!({"a": "\u{9b}31m\u{202e}x\u{1b}[2J", "b": ["å", "\u{1f600}"]});
        let shown = printable_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(shown.chars().all(|c| harmless(c) || c == '\n') && shown.contains("\\u009b31m\\u202ex"), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_cell_is_no_wider_than_a_person_reads() {
        let mut table = Table::new(&["ID"]);
        table.row(&[&"å".repeat(100_000)]);
        assert_eq!(table.to_string(), format!("ID\n{}...\n", "å".repeat(300)));
    }

    #[test]
    fn facts_without_a_value_are_left_out() {
        let text = facts(&[("id", Some("a".to_owned())), ("e-mail", None), ("class", Some("val".to_owned()))]);
        assert_eq!(text, "id     a\nclass  val\n");
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_error() {
        struct Closed;
        impl io::Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(write_line(&mut Closed, "text").is_ok());
    }

    #[test]
    fn an_answer_ends_with_one_newline() {
        let mut out = Vec::new();
        write_line(&mut out, "a\n\n").unwrap();
        write_line(&mut out, "").unwrap();
        assert_eq!(out, b"a\n");
    }

    #[test]
    fn the_words_of_a_stranger_do_not_steer_the_terminal() {
        assert_eq!(printable("å\u{1b}[2J\u{202e}"), "å\\u{1b}[2J\\u{202e}");
    }
}
