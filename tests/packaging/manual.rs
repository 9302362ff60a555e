//! The pages of `bob-auth man`: one for each command that a user sees, and none that a formatter complains of.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::home::Home;
use super::tools::{installed, run};

fn pages(home: &Home) -> Vec<PathBuf> {
    home.done(&["man", "--dir", "man/man1", "--date", "2026-11-22"]);
    fs::read_dir(home.path("man/man1")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The names of this command and of those below it, as `man` is asked for them.
fn names(command: &clap::Command, above: &str) -> Vec<String> {
    let name = format!("{above}{}", command.get_name());
    let below = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let below: Vec<String> = below.flat_map(|verb| names(verb, &format!("{name}-"))).collect();
    [vec![name], below].concat()
}

#[test]
fn every_command_has_a_page() {
    let home = Home::empty();
    let made: BTreeSet<String> =
        pages(&home).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let wanted = names(&bob_auth::cli::command(), "").into_iter().map(|name| format!("{name}.1"));
    assert_eq!(made, wanted.collect());
    assert!(made.len() > 100 && made.contains("bob-auth-registry-admin-metadata-key-add.1"), "{made:?}");
}

#[test]
fn formatters_have_nothing_to_say_about_a_page() {
    let home = Home::empty();
    let pages = pages(&home);
    for (formatter, options) in
        [("groff", &["-k", "-man", "-Tutf8", "-ww", "-z"] as &[&str]), ("mandoc", &["-T", "lint", "-W", "warning"])]
    {
        if !installed(formatter, "its reading of the manual") {
            continue;
        }
        for page in &pages {
            let words: Vec<_> = options.iter().map(|word| (*word).into()).chain([page.clone()]).collect();
            assert_eq!(run(formatter, &words), (true, String::new()), "{formatter} {}", page.display());
        }
    }
}

#[test]
fn a_page_tells_options_examples_and_exit_codes() {
    let home = Home::empty();
    pages(&home);
    let page = fs::read_to_string(home.path("man/man1/bob-auth-token-get.1")).unwrap();
    for part in
        [".TH bob-auth-token-get 1 2026-11-22", "\\-\\-cert", ".SH EXAMPLES", ".SH \"EXIT STATUS\"", ".SH \"SEE ALSO\""]
    {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
}

#[test]
fn a_date_that_is_none_is_refused() {
    let home = Home::empty();
    for date in ["yesterday", "2026-13-01", "2026-1-1", "1\n.SH X"] {
        assert_eq!(home.run(&["man", "--dir", "man", "--date", date]).code, 2, "{date:?}");
    }
    assert!(!home.path("man").exists());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let home = Home::empty();
    fs::write(home.path("file"), "").unwrap();
    let said = home.refused(&["man", "--dir", "file"]);
    assert!(said.contains("file") && said.contains("--dir"), "{said}");
}
