//! [`Telling`]: how the story looks. On a terminal with colours and a live line, elsewhere as plain lines, for programs as one
//! JSON object a line. What is told is `story`'s affair.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::output::{draw, printable};
use crate::config::environment;

/// In which form the story is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// A terminal so many columns wide.
    Terminal(usize),
    /// Lines without colour.
    Lines,
    /// One JSON object a line.
    Json,
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Bad,
}

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";
/// To the beginning of the line, which becomes empty.
const AFRESH: &str = "\r\u{1b}[2K";

const WHEEL: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// Lines that are longer are hard to read.
const WIDEST: usize = 110;
const NARROWEST: usize = 40;
/// Where lines below a heading begin.
const MARGIN: usize = 4;

impl Telling {
    /// As standard output and the environment want it.
    pub(super) fn fitting(json: bool) -> Self {
        let said = |name| environment(name).filter(|value| !value.is_empty());
        if json {
            return Self::Json;
        }
        if !io::stdout().is_terminal() || said("NO_COLOR").is_some() || said("TERM").is_none_or(|term| term == "dumb") {
            return Self::Lines;
        }
        let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(80, |size| usize::from(size.ws_col));
        let columns = if columns == 0 { 80 } else { columns };
        Self::Terminal(columns.clamp(NARROWEST, WIDEST))
    }

    /// An event for programs.
    pub(super) fn event(self, event: &str, what: &Value) {
        if self != Self::Json {
            return;
        }
        let mut whole = json!({ "event": event });
        if let (Some(whole), Some(what)) = (whole.as_object_mut(), what.as_object()) {
            whole.extend(what.clone());
        }
        draw(&format!("{whole}\n"));
    }

    /// The heading of a part of the story; the first without a number.
    pub(super) fn heading(self, number: Option<usize>, title: &str, about: &str) {
        match self {
            Self::Terminal(width) => {
                let number = number.map_or_else(String::new, |number| format!("{CYAN}{number}{PLAIN} "));
                draw(&format!("\n {number}{BOLD}{title}{PLAIN}\n{DIM}{}{PLAIN}", broken(about, width, "")));
            }
            Self::Lines => {
                let number = number.map_or_else(String::new, |number| format!("{number}. "));
                draw(&format!("\n== {number}{title}\n{about}\n"));
            }
            Self::Json => {}
        }
    }

    /// A command as one would type it, in this directory.
    pub(super) fn command(self, place: &str, line: &str) {
        match self {
            Self::Terminal(width) => {
                let text = broken(&format!("{place}$ {line}"), width, " \\");
                draw(&format!("{AFRESH}{DIM}{text}{PLAIN}"));
            }
            Self::Lines => draw(&format!("{place}$ {line}\n")),
            Self::Json => {}
        }
    }

    /// Something that was done, and how long it took.
    pub(super) fn done(self, mark: Mark, text: &str, took: Duration) {
        self.line(mark, None, text, took);
    }

    /// A verdict that had to come, with its status.
    pub(super) fn verdict(self, what: &str, status: &str, reason: &str, took: Duration) {
        self.line(Mark::Good, Some((status, reason)), what, took);
    }

    fn line(self, mark: Mark, verdict: Option<(&str, &str)>, text: &str, took: Duration) {
        let (text, took) = (printable(text), span(took));
        match self {
            Self::Terminal(width) => {
                let sign = if mark == Mark::Good { format!("{GREEN}✓{PLAIN}") } else { format!("{RED}✗{PLAIN}") };
                let right = verdict.map(|(status, reason)| format!("{status} {reason}"));
                let painted = verdict.map(|(status, reason)| format!("{YELLOW}{status}{PLAIN} {reason}"));
                let used = MARGIN + 2 + took.chars().count() + 2;
                let for_verdict = right.as_ref().map_or(0, |_| VERDICT + 2);
                let lines = words_in(&text, width.saturating_sub(used + for_verdict).max(20));
                for (index, line) in lines.iter().enumerate() {
                    if index + 1 < lines.len() {
                        let sign = if index == 0 { &sign } else { " " };
                        draw(&format!("{}{:MARGIN$}{sign} {line}\n", if index == 0 { AFRESH } else { "" }, ""));
                        continue;
                    }
                    let (start, sign) = if index == 0 { (AFRESH, sign.as_str()) } else { ("", " ") };
                    let mut shown = format!("{start}{:MARGIN$}{sign} {line}", "");
                    let mut columns = MARGIN + 2 + line.chars().count();
                    if let (Some(right), Some(painted)) = (&right, &painted) {
                        let at = width.saturating_sub(VERDICT + took.chars().count() + 2).max(columns + 1);
                        let _ = write!(shown, "{:1$}{painted}", "", at - columns);
                        columns = at + right.chars().count();
                    }
                    let gap = width.saturating_sub(columns + took.chars().count()).max(1);
                    draw(&format!("{shown}{:gap$}{DIM}{took}{PLAIN}\n", ""));
                }
            }
            Self::Lines => {
                let sign = if mark == Mark::Good { "ok" } else { "FAILED" };
                let verdict = verdict.map_or_else(String::new, |(status, reason)| format!("{status} {reason}  "));
                draw(&format!("{sign:6}  {verdict}{text} ({took})\n"));
            }
            Self::Json => {}
        }
    }

    /// More about what was just told.
    pub(super) fn note(self, text: &str) {
        match self {
            Self::Terminal(width) => {
                for line in words_in(&printable(text), width - MARGIN - 2) {
                    draw(&format!("{AFRESH}{:1$}{DIM}{line}{PLAIN}\n", "", MARGIN + 2));
                }
            }
            Self::Lines => draw(&format!("        {}\n", printable(text))),
            Self::Json => {}
        }
    }

    /// What is going on just now, on a line that the next one takes the place of.
    pub(super) fn live(self, turn: usize, text: &str) {
        if let Self::Terminal(width) = self {
            let wheel = WHEEL.get(turn % WHEEL.len()).unwrap_or(&' ');
            let room = width - MARGIN - 3;
            let text: String = printable(text).chars().take(room).collect();
            draw(&format!("{AFRESH}{:MARGIN$}{CYAN}{wheel}{PLAIN} {text}", ""));
        }
    }

    /// A line that must not be overlooked.
    pub(super) fn loud(self, mark: Mark, text: &str) {
        let text = printable(text);
        match self {
            Self::Terminal(width) => {
                let colour = if mark == Mark::Good { GREEN } else { RED };
                for line in words_in(&text, width - 1) {
                    draw(&format!("{AFRESH} {BOLD}{colour}{line}{PLAIN}\n"));
                }
            }
            Self::Lines => draw(&format!("{text}\n")),
            Self::Json => {}
        }
    }

    /// Text to copy: nothing is put into it and nothing is broken.
    pub(super) fn verbatim(self, text: &str) {
        if self != Self::Json {
            draw(&format!("{text}\n"));
        }
    }

    /// Asks for Enter; the line goes away afterwards.
    pub(super) fn ask(self, text: &str) {
        match self {
            Self::Terminal(_) => draw(&format!("{AFRESH}{:MARGIN$}{YELLOW}{text}{PLAIN} ", "")),
            Self::Lines => draw(&format!("{text} ")),
            Self::Json => {}
        }
    }

    /// The answer was Enter, which began a new line.
    pub(super) fn asked(self) {
        if let Self::Terminal(_) = self {
            draw("\u{1b}[1A\r\u{1b}[2K");
        }
    }
}

/// The columns of a status and the longest reason.
const VERDICT: usize = 23;

/// As a person reads it.
pub(super) fn span(took: Duration) -> String {
    let millis = took.as_millis();
    if millis < 1000 { format!("{millis} ms") } else { format!("{:.1} s", took.as_secs_f64()) }
}

/// In lines of so many columns at most, where words allow it.
fn words_in(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(last) = lines.last_mut() else { break };
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// Indented lines, each but the last with this end.
fn broken(text: &str, width: usize, end: &str) -> String {
    let lines = words_in(text, width - MARGIN - 4 - end.len());
    let mut whole = String::new();
    for (index, line) in lines.iter().enumerate() {
        let (more, end) =
            (if index > 0 && !end.is_empty() { 4 } else { 0 }, if index + 1 < lines.len() { end } else { "" });
        let _ = writeln!(whole, "{:1$}{line}{end}", "", MARGIN + more);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_too_long_can_still_be_copied() {
        let line = "bob-auth init participant-1 --pid 1 --name Norra --listen 127.0.0.1:0";
        let text = broken(&format!("demo$ {line}"), 50, " \\");
        assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
        let joined = text.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(joined, format!("demo$ {line}"));
    }

    #[test]
    fn times_are_told_as_people_say_them() {
        assert_eq!(span(Duration::from_millis(12)), "12 ms");
        assert_eq!(span(Duration::from_millis(12_345)), "12.3 s");
    }
}
