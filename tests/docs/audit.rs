//! docs/reference/audit.md against real rows, and against what the sources write.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{read, root};

/// Where rows of the audit trail are made.
const WRITERS: [&str; 6] = [
    "src/store",
    "src/flow/register/fulfil.rs",
    "src/cli/registry/room.rs",
    "src/web/answered.rs",
    "src/web/routes.rs",
    "src/web/token.rs",
];
const FAMILIES: [&str; 9] =
    ["token.", "jwks.", "http.", "metadata.", "participant.", "entity.", "cert.", "key.", "registry."];

/// The code spans in the first column of the table under this head. A span that begins with a dot goes on where the one before it
/// ended.
fn first_column(page: &str, head: &str) -> BTreeSet<String> {
    let rows = page.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    let mut found = BTreeSet::new();
    for row in rows {
        let cell = row.trim_start_matches('|').split('|').next().unwrap();
        let mut family = String::new();
        for span in cell.split('`').skip(1).step_by(2) {
            let whole = if span.starts_with('.') { format!("{family}{span}") } else { span.to_owned() };
            family = whole.rsplit_once('.').map(|(family, _)| family.to_owned()).unwrap_or_default();
            found.insert(whole);
        }
    }
    found
}

#[test]
fn every_field_of_a_row_is_on_the_page_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
        let output = command.args(arguments).current_dir(&directory).env_remove("BOB_AUTH_CONFIG").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    run(&["init", "site"]);
    let rows: Value =
        serde_json::from_slice(&run(&["audit", "list", "--config", "site/config.toml", "--output", "json"])).unwrap();
    let fields = rows["items"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(first_column(&read("docs/reference/audit.md"), "| field | what |"), fields);
}

#[test]
fn every_action_that_is_written_is_on_the_page_and_no_other() {
    let mut sources = Vec::new();
    for writer in WRITERS {
        collect(&root().join(writer), &mut sources);
    }
    let is_action = |word: &str| {
        let is_part = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '-');
        FAMILIES.iter().any(|family| word.starts_with(family)) && word.chars().all(is_part)
    };
    let quoted = sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
    let written: BTreeSet<String> = quoted.filter(|word| is_action(word)).map(str::to_owned).collect();
    assert!(written.len() > 40, "only {} actions were found", written.len());
    assert_eq!(first_column(&read("docs/reference/audit.md"), "| action | what |"), written);
}

/// The sources of this file or folder, without comments, quotes in characters and tests.
fn collect(path: &Path, sources: &mut Vec<String>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|entry| !entry.ends_with("tests")).for_each(|entry| collect(&entry, sources));
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    sources.push(lines.collect::<Vec<_>>().join("\n").replace("'\"'", ""));
}
