//! `bob-auth man`: the manual, a page for each command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};
use serde::Serialize;

use super::error::CliError;
use super::output::Answer;
use crate::value::{Clock as _, SystemClock};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bob-auth man --dir ~/.local/share/man/man1\n\n\
    Pages are named as those of git are: `man bob-auth-token-get` is about `bob-auth token get`. Pages that are there \
    are written anew. The Debian package brings them.")]
pub(super) struct Man {
    /// Where the pages go; made if it is missing
    #[arg(long = "dir", value_name = "DIR")]
    directory: PathBuf,
    /// The date that the pages bear [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    date: Option<String>,
}

#[derive(Debug, Serialize)]
struct View {
    directory: String,
    pages: Vec<String>,
}

impl Man {
    /// Of this command line.
    pub(super) fn run(&self, whole: Command) -> Result<Answer, CliError> {
        let date = self.date.clone().unwrap_or_else(today);
        fs::create_dir_all(&self.directory).map_err(|error| unwritable(&self.directory, &error))?;
        let mut pages = Vec::new();
        for command in commands(whole) {
            let (name, text) = page(command, &date)?;
            let path = self.directory.join(&name);
            fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
            pages.push(name);
        }
        let view = View { directory: self.directory.display().to_string(), pages };
        Answer::new(format!("{} pages in {}", view.pages.len(), view.directory), &view)
    }
}

/// Every command that a user sees, the program itself first. `help` is left out: it says what the pages say.
fn commands(whole: Command) -> Vec<Command> {
    let mut whole = whole.disable_help_subcommand(true);
    whole.build();
    with_those_below(&whole)
}

fn with_those_below(command: &Command) -> Vec<Command> {
    let below = command.get_subcommands().filter(|verb| !verb.is_hide_set()).flat_map(with_those_below);
    [command.clone()].into_iter().chain(below).collect()
}

/// The name of a command's page, and the page.
fn page(command: Command, date: &str) -> Result<(String, String), CliError> {
    let source = concat!("bob-auth ", env!("CARGO_PKG_VERSION"));
    let is_whole = command.get_name() == "bob-auth";
    let page = Page::new(command).date(date).source(source).manual("bob-auth manual");
    let mut text = Vec::new();
    page.render(&mut text).and_then(|()| closing(is_whole).to_writer(&mut text)).map_err(CliError::new)?;
    let text = String::from_utf8(text).map_err(CliError::new)?;
    Ok((page.get_filename(), mended(&text)))
}

/// What stands at the end of every page.
fn closing(is_whole: bool) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    roff.text([roman("0 if it is done, 1 if it failed or a check found fault, 2 if the command was called wrongly.")]);
    if !is_whole {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold("bob-auth"), roman("(1)")]);
    }
    roff
}

/// The generator's heading for what follows the options says nothing, and its empty lines make formatters complain.
fn mended(page: &str) -> String {
    page.replace("\n.SH EXTRA\n", "\n.SH EXAMPLES\n").replace("\n.br\n\n.br\n", "\n.sp\n")
}

fn today() -> String {
    SystemClock.now().to_utc().map_or_else(String::new, |now| now.date_naive().to_string())
}

/// A date of the calendar, as it is written.
fn date(text: &str) -> Result<String, String> {
    match text.parse::<chrono::NaiveDate>() {
        Ok(date) if date.to_string() == text => Ok(date.to_string()),
        _ => Err("a date looks like 2026-11-22".to_owned()),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    CliError::new(error).at(path).next("name a directory that you may write to with --dir")
}
