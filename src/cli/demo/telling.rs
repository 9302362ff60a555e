//! [`Telling`]: how the story looks. On a terminal with colours and a live line, elsewhere as plain lines, for programs as one
//! JSON object a line. What is told is `story`'s affair.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, IsTerminal as _};
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::output::{draw, printable};
use crate::config::environment;

/// How the story is told, and whether it could be written.
#[derive(Debug, Clone)]
pub(super) struct Telling {
    form: Form,
    broken: Rc<Cell<Option<ErrorKind>>>,
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
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
            return Self::of(Form::Json);
        }
        if !io::stdout().is_terminal() || said("NO_COLOR").is_some() || said("TERM").is_none_or(|term| term == "dumb") {
            return Self::of(Form::Lines);
        }
        let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(80, |size| usize::from(size.ws_col));
        let columns = if columns == 0 { 80 } else { columns };
        Self::of(Form::Terminal(columns.clamp(NARROWEST, WIDEST)))
    }

    fn of(form: Form) -> Self {
        Self { form, broken: Rc::default() }
    }

    /// Whether nobody is to read it.
    pub(super) fn is_for_programs(&self) -> bool {
        self.form == Form::Json
    }

    /// Why nothing can be written any more, if that is so.
    pub(super) fn broken(&self) -> Option<ErrorKind> {
        self.broken.get()
    }

    fn draw(&self, text: &str) {
        if self.broken.get().is_none() {
            self.broken.set(draw(text).err().map(|error| error.kind()));
        }
    }

    /// An event for programs.
    pub(super) fn event(&self, event: &str, what: &Value) {
        if self.form != Form::Json {
            return;
        }
        let mut whole = json!({ "event": event });
        if let (Some(whole), Some(what)) = (whole.as_object_mut(), what.as_object()) {
            whole.extend(what.clone());
        }
        self.draw(&format!("{whole}\n"));
    }

    /// The heading of a part of the story; the first without a number.
    pub(super) fn heading(&self, number: Option<usize>, title: &str, about: &str) {
        match self.form {
            Form::Terminal(width) => {
                let number = number.map_or_else(String::new, |number| format!("{CYAN}{number}{PLAIN} "));
                self.draw(&format!("{AFRESH}\n {number}{BOLD}{title}{PLAIN}\n"));
                if !about.is_empty() {
                    self.draw(&format!("{DIM}{}{PLAIN}", broken(about, width)));
                }
            }
            Form::Lines => {
                let number = number.map_or_else(String::new, |number| format!("{number}. "));
                let end = if about.is_empty() { "" } else { "\n" };
                self.draw(&format!("\n== {number}{title}\n{about}{end}"));
            }
            Form::Json => {}
        }
    }

    /// A command as one would type it, in this directory.
    pub(super) fn command(&self, place: &str, line: &str) {
        match self.form {
            Form::Terminal(width) => {
                // The first word is the prompt, which is no part of what is typed.
                let text = broken_at(&command_words(&format!("{place}$ {line}")), width, " \\");
                let text = text.replacen(&format!("{place}$"), &format!("{CYAN}{place}${PLAIN}"), 1);
                self.draw(&format!("{AFRESH}{text}"));
            }
            Form::Lines => self.draw(&format!("{place}$ {line}\n")),
            Form::Json => {}
        }
    }

    /// Something that was done, and how long it took.
    pub(super) fn done(&self, mark: Mark, text: &str, took: Duration) {
        self.line(mark, None, text, took);
    }

    /// An answer that had to come: a status, and whom or why it is about. `yes`: it opened the door.
    pub(super) fn verdict(&self, what: &str, (status, rest): (&str, &str), yes: bool, took: Duration) {
        self.line(Mark::Good, Some((status, rest, yes)), what, took);
    }

    fn line(&self, mark: Mark, verdict: Option<(&str, &str, bool)>, text: &str, took: Duration) {
        let (text, took) = (printable(text), span(took));
        match self.form {
            Form::Terminal(width) => self.painted(mark, verdict, (&text, &took), width),
            Form::Lines => {
                let sign = if mark == Mark::Good { "ok" } else { "FAILED" };
                let verdict = verdict.map_or_else(String::new, |(status, rest, _)| {
                    let verdict = format!("{status} {rest}");
                    format!("{verdict:VERDICT$}  ")
                });
                self.draw(&format!("{sign:6}  {verdict}{text} ({took})\n"));
            }
            Form::Json => {}
        }
    }

    /// A sign, the text in lines, and behind the last of them the verdict and the time, each in its column.
    fn painted(&self, mark: Mark, verdict: Option<(&str, &str, bool)>, (text, took): (&str, &str), width: usize) {
        let sign = if mark == Mark::Good { format!("{GREEN}✓{PLAIN}") } else { format!("{RED}✗{PLAIN}") };
        let right = TIME + verdict.map_or(0, |_| VERDICT + 1);
        let lines = words_in(&text.split(' ').collect::<Vec<_>>(), width.saturating_sub(MARGIN + 2 + right + 1));
        let mut shown = AFRESH.to_owned();
        for (index, line) in lines.iter().enumerate() {
            let sign = if index == 0 { &sign } else { " " };
            let end = if index + 1 < lines.len() { "\n" } else { "" };
            let _ = write!(shown, "{:MARGIN$}{sign} {line}{end}", "");
        }
        let used = MARGIN + 2 + lines.last().map_or(0, |line| line.chars().count());
        let _ = write!(shown, "{:1$}", "", width.saturating_sub(used + right).max(1));
        if let Some((status, rest, yes)) = verdict {
            let colour = if yes { GREEN } else { YELLOW };
            let gap = VERDICT.saturating_sub(status.chars().count() + 1 + rest.chars().count());
            let _ = write!(shown, "{colour}{status}{PLAIN} {rest}{:1$}", "", gap + 1);
        }
        self.draw(&format!("{shown}{DIM}{took:>TIME$}{PLAIN}\n"));
    }

    /// More about what was just told.
    pub(super) fn note(&self, text: &str) {
        match self.form {
            Form::Terminal(width) => {
                for line in words_in(&printable(text).split(' ').collect::<Vec<_>>(), width - MARGIN - 2) {
                    self.draw(&format!("{AFRESH}{:1$}{DIM}{line}{PLAIN}\n", "", MARGIN + 2));
                }
            }
            Form::Lines => self.draw(&format!("        {}\n", printable(text))),
            Form::Json => {}
        }
    }

    /// What is going on just now, on a line that the next one takes the place of.
    pub(super) fn live(&self, turn: usize, text: &str) {
        if let Form::Terminal(width) = self.form {
            let wheel = WHEEL.get(turn % WHEEL.len()).unwrap_or(&' ');
            let room = width - MARGIN - 3;
            let text: String = printable(text).chars().take(room).collect();
            self.draw(&format!("{AFRESH}{:MARGIN$}{CYAN}{wheel}{PLAIN} {text}", ""));
        }
    }

    /// A line that must not be overlooked.
    pub(super) fn loud(&self, mark: Mark, text: &str) {
        let text = printable(text);
        match self.form {
            Form::Terminal(width) => {
                let colour = if mark == Mark::Good { GREEN } else { RED };
                for line in words_in(&text.split(' ').collect::<Vec<_>>(), width - 1) {
                    self.draw(&format!("{AFRESH} {BOLD}{colour}{line}{PLAIN}\n"));
                }
            }
            Form::Lines => self.draw(&format!("{text}\n")),
            Form::Json => {}
        }
    }

    /// Text to copy: nothing is put into it and nothing is broken.
    pub(super) fn verbatim(&self, text: &str) {
        if self.form != Form::Json {
            self.draw(&format!("{text}\n"));
        }
    }

    /// Asks for Enter; the line goes away afterwards.
    pub(super) fn ask(&self, text: &str) {
        match self.form {
            Form::Terminal(_) => self.draw(&format!("{AFRESH}{:MARGIN$}{YELLOW}{text}{PLAIN} ", "")),
            Form::Lines => self.draw(&format!("{text} ")),
            Form::Json => {}
        }
    }

    /// The answer was Enter, which began a new line.
    pub(super) fn asked(&self) {
        if let Form::Terminal(_) = self.form {
            self.draw("\u{1b}[1A\r\u{1b}[2K");
        }
    }
}

/// The columns of a status and the longest reason, and those of a time.
const VERDICT: usize = 23;
const TIME: usize = 7;

/// As a person reads it.
pub(super) fn span(took: Duration) -> String {
    let millis = took.as_millis();
    if millis < 1000 { format!("{millis} ms") } else { format!("{:.1} s", took.as_secs_f64()) }
}

/// In lines of so many columns at most, where words allow it.
fn words_in(words: &[impl AsRef<str>], width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.iter().map(AsRef::as_ref) {
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The words of a command; what stands in quotation marks is not broken.
fn command_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        quoted ^= c == '"';
        match words.last_mut() {
            Some(word) if c != ' ' || quoted => word.push(c),
            _ => words.push(String::new()),
        }
    }
    words
}

fn broken(text: &str, width: usize) -> String {
    broken_at(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), width, "")
}

/// Indented lines, each but the last with this end.
fn broken_at(words: &[String], width: usize, end: &str) -> String {
    let lines = words_in(words, width.saturating_sub(MARGIN + 4 + end.len()));
    let mut whole = String::new();
    for (index, line) in lines.iter().enumerate() {
        let more = if index > 0 && !end.is_empty() { 4 } else { 0 };
        let end = if index + 1 < lines.len() { end } else { "" };
        let _ = writeln!(whole, "{:1$}{line}{end}", "", MARGIN + more);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_too_long_can_still_be_copied() {
        let line = "demo$ bob-auth init participant-1 --pid 1 --name \"Norra Trafiken\" --listen 127.0.0.1:0";
        for width in 40..90 {
            let text = broken_at(&command_words(line), width, " \\");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            assert!(text.contains("\"Norra Trafiken\""), "{text}");
            let joined = text.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(joined, line);
        }
    }

    #[test]
    fn times_are_told_as_people_say_them() {
        assert_eq!(span(Duration::from_millis(12)), "12 ms");
        assert_eq!(span(Duration::from_millis(12_345)), "12.3 s");
    }
}
