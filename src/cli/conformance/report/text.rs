//! The report as a table for the terminal: a line for each check, and the evidence of those that are broken.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use super::content::Report;
use crate::cli::conformance::ledger::{Entry, Outcome};
use crate::cli::output::printable;
use crate::config::environment;

/// How the table is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Columns, if somebody looks at it on a terminal.
    width: Option<usize>,
    colours: bool,
}

/// Beyond this a line is hard to follow.
const WIDEST: usize = 140;
/// Below this wrapping helps nobody.
const NARROWEST: usize = 48;
/// The most characters of what was seen, where a line of the table is one line; the evidence below it has more.
const SHORT: usize = 160;
/// The most lines of evidence of one check; JSON has them all.
const MOST_LINES: usize = 24;
/// The most characters of such a line.
const MOST_OF_LINE: usize = 600;
/// Where the words of evidence begin.
const INDENT: usize = 8;
const PLAIN: &str = "\u{1b}[0m";

impl Look {
    /// As standard output and the environment want it.
    pub(super) fn of_stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self { width: None, colours: false };
        }
        let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
        let columns = if columns == 0 { 80 } else { columns };
        let said = |name| environment(name).filter(|value| !value.is_empty());
        let colours = said("NO_COLOR").is_none() && said("TERM").is_some_and(|term| term != "dumb");
        Self { width: Some(columns.clamp(NARROWEST, WIDEST)), colours }
    }

    /// The word, in the colour of its outcome.
    fn word(self, outcome: Outcome, width: usize) -> String {
        let word = format!("{:width$}", outcome.word());
        if !self.colours {
            return word;
        }
        let colour = match outcome {
            Outcome::Pass => "\u{1b}[32m",
            Outcome::Warning => "\u{1b}[33m",
            Outcome::Fail => "\u{1b}[1;31m",
            Outcome::NotApplicable => "\u{1b}[2m",
        };
        format!("{colour}{word}{PLAIN}")
    }

    /// The text, wrapped so that every line after the first begins in this column.
    fn wrapped(self, text: &str, column: usize) -> String {
        let Some(width) = self.width else { return text.to_owned() };
        let room = width.saturating_sub(column).max(20);
        lines_of(text, room).join(&format!("\n{:column$}", ""))
    }
}

/// The table.
pub(super) fn table(report: &Report<'_>, look: Look) -> String {
    let mut text = String::new();
    let width = report.checks.iter().map(|entry| entry.check.id.len()).max().unwrap_or_default();
    for entry in report.checks {
        let seen = printable(&shortened(&entry.seen.replace('\n', "; "), SHORT));
        let seen = look.wrapped(&seen, 7 + 2 + width + 2);
        let _ = writeln!(text, "{}  {:width$}  {seen}", look.word(entry.outcome, 7), entry.check.id);
    }
    for entry in report.broken() {
        evidence(&mut text, entry, look);
    }
    let _ = writeln!(text, "\n{}", look.wrapped(&format!("{}: {}", printable(&report.server), report.counts()), 0));
    text
}

fn evidence(text: &mut String, entry: &Entry, look: Look) {
    let check = entry.check;
    let _ = writeln!(text, "\n{} {}: {}", look.word(entry.outcome, 0), check.id, look.wrapped(check.title, 4));
    let _ = writeln!(
        text,
        "  {:6}{}",
        "source",
        look.wrapped(&format!("{}, {}", check.source, check.level.word()), INDENT)
    );
    for (name, words) in [("sent", &entry.sent), ("seen", &entry.seen)] {
        let mut name = name;
        for line in words.lines().take(MOST_LINES) {
            let line = printable(&shortened(line, MOST_OF_LINE));
            let _ = writeln!(text, "  {name:6}{}", look.wrapped(&line, INDENT));
            name = "";
        }
        if words.lines().nth(MOST_LINES).is_some() {
            let _ = writeln!(text, "{:INDENT$}...", "");
        }
    }
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Lines of at most so many characters, broken between words where there are any.
fn lines_of(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.len() > room {
            lines.push(String::new());
        } else if let Some(line) = lines.last_mut().filter(|_| used > 0) {
            line.push(' ');
        }
        while !word.is_empty() {
            let left = room - lines.last().map_or(0, |line| line.chars().count()).min(room);
            let rest = word.split_off(left.min(word.len()));
            if let Some(line) = lines.last_mut() {
                line.extend(word);
            }
            if !rest.is_empty() {
                lines.push(String::new());
            }
            word = rest;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    const PIPED: Look = Look { width: None, colours: false };

    #[test]
    fn in_a_pipe_every_check_is_one_line_and_nothing_steers_a_terminal() {
        let ledger = samples::ledger();
        let text = table(&samples::report(&ledger), PIPED);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "pass     auth.kept     status 401");
        assert!(lines[1].starts_with("FAIL     auth.broken   status 200 | <script>"), "{text}");
        assert!(text.contains("FAIL auth.broken: It is broken.\n  sourceBoB") || text.contains("  source"), "{text}");
        assert!(text.chars().all(|c| !c.is_control() || c == '\n') && text.contains("\\u{1b}[31m"), "{text}");
        assert!(lines.last().unwrap().ends_with("by 7 requests: 1 passed, 1 failed, 1 warnings, 1 not applicable"));
    }

    #[test]
    fn on_a_terminal_no_line_is_wider_than_it() {
        let ledger = samples::ledger();
        for width in [60, 80, 120] {
            let text = table(&samples::report(&ledger), Look { width: Some(width), colours: false });
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width, "{widest} of {width}:\n{text}");
        }
        let text = table(&samples::report(&ledger), Look { width: Some(80), colours: true });
        assert!(text.starts_with("\u{1b}[32mpass   \u{1b}[0m  auth.kept"), "{text:?}");
    }

    #[test]
    fn lines_are_broken_between_words_and_long_words_anywhere() {
        assert_eq!(lines_of("one two three", 7), ["one two", "three"]);
        assert_eq!(lines_of("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(lines_of("", 4), [""]);
    }
}
