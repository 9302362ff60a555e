//! docs/reference/cli.md, written from the command line itself.

use std::fmt::Write as _;

use clap::builder::PossibleValue;
use clap::{Arg, Command};

use super::generated;

#[test]
fn every_command_is_on_the_page_of_the_command_line() {
    let mut command = bob_auth::cli::command().max_term_width(100);
    command.build();
    let mut page = String::from(
        "# Command line\n\nWritten from the program, which says the same with `--help`. Exit codes: 0 done, 1 it failed or what was \
         asked about is not in order, 2 called wrongly. With `--output json` every command answers with one JSON document.\n\n",
    );
    let global: Vec<&Arg> = command.get_arguments().filter(|arg| arg.is_global_set()).collect();
    page.push_str("## Options of every command\n\n");
    options(&mut page, &global);
    for verb in command.get_subcommands().filter(|verb| is_shown(verb)) {
        write_verb(&mut page, verb, "bob-auth");
    }
    page.truncate(page.trim_end().len());
    generated("docs/reference/cli.md", &(page + "\n"));
}

fn is_shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn write_verb(page: &mut String, verb: &Command, before: &str) {
    let name = format!("{before} {}", verb.get_name());
    let depth = if before == "bob-auth" { "##" } else { "###" };
    let about = verb.get_long_about().or(verb.get_about()).map(ToString::to_string).unwrap_or_default();
    writeln!(page, "{depth} {name}\n\n{}\n", prose(&about)).unwrap();
    let verbs: Vec<&Command> = verb.get_subcommands().filter(|verb| is_shown(verb)).collect();
    if verbs.is_empty() {
        let usage = verb.clone().render_usage().to_string();
        writeln!(page, "```text\n{}\n```\n", usage.trim_start_matches("Usage: ")).unwrap();
    }
    let own = verb.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_hide_set());
    let own: Vec<&Arg> = own.filter(|arg| arg.get_id() != "help" && arg.get_id() != "version").collect();
    options(page, &own);
    if let Some(after) = verb.get_after_long_help().or(verb.get_after_help()) {
        after_help(page, &after.to_string());
    }
    for below in verbs {
        write_verb(page, below, &name);
    }
}

fn options(page: &mut String, arguments: &[&Arg]) {
    for arg in arguments {
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let mut said = prose(&help);
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() && !arg.is_hide_default_value_set() && arg.get_action().takes_values() {
            write!(said, " [default: {}]", defaults.join(" ")).unwrap();
        }
        let possible = arg.get_possible_values();
        if !possible.is_empty() && arg.get_action().takes_values() && !arg.is_hide_possible_values_set() {
            let names: Vec<_> =
                possible.iter().filter(|value| !value.is_hide_set()).map(PossibleValue::get_name).collect();
            write!(said, " [possible values: {}]", names.join(", ")).unwrap();
        }
        writeln!(page, "- `{}`: {said}", shown(arg)).unwrap();
    }
    if !arguments.is_empty() {
        page.push('\n');
    }
}

/// An argument as one writes it.
fn shown(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let values: Vec<String> = names.iter().map(|name| format!("<{name}>")).collect();
    let values = if arg.get_action().takes_values() { values.join(" ") } else { String::new() };
    let flags = [arg.get_short().map(|c| format!("-{c}")), arg.get_long().map(|long| format!("--{long}"))];
    let flags: Vec<String> = flags.into_iter().flatten().collect();
    format!("{} {values}", flags.join(", ")).trim().to_owned()
}

/// Examples are shown as they are, the rest is text.
fn after_help(page: &mut String, after: &str) {
    let mut fenced = false;
    for line in after.trim_end().lines().chain([""]) {
        let inside = line.starts_with("  ") || (fenced && line.is_empty());
        if inside && !fenced {
            page.push_str("\n```sh\n");
        } else if fenced && !inside {
            page.truncate(page.trim_end().len());
            page.push_str("\n```\n\n");
        }
        fenced = inside;
        let line = if fenced { line.strip_prefix("  ").unwrap_or(line).to_owned() } else { prose(line) };
        writeln!(page, "{line}").unwrap();
    }
    if fenced {
        page.truncate(page.trim_end().len());
        page.push_str("\n```\n");
    }
    page.push('\n');
}

/// Words of a help text as Markdown: no angle bracket is a tag.
fn prose(text: &str) -> String {
    text.replace('<', "\\<").replace('*', "\\*").replace('_', "\\_")
}
