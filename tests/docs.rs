//! Holds the prose against the program: the map of the house, links, command lines, names of metrics, the contents of the book.
//! Pages that are written from the program are written here: `BOB_AUTH_BLESS=1` does it.

#![cfg(feature = "service")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what it calls")]

#[path = "docs/api.rs"]
mod api;
#[path = "docs/audit.rs"]
mod audit;
#[path = "docs/book.rs"]
mod book;
#[path = "docs/command_line.rs"]
mod command_line;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page that people read, by its path in the package.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    collect(Path::new(""), false, &mut pages);
    collect(Path::new("docs"), true, &mut pages);
    collect(Path::new("examples"), true, &mut pages);
    collect(Path::new("keys-example"), true, &mut pages);
    pages.sort();
    pages
}

fn collect(folder: &Path, below: bool, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        } else if below && entry.file_type().unwrap().is_dir() {
            collect(&path, true, pages);
        }
    }
}

/// Holds a page that is written from the program against what it is to be, or writes it when it is told to.
#[expect(clippy::disallowed_methods, reason = "a test that writes its own fixture when it is told to")]
fn generated(path: &str, wanted: &str) {
    let file = root().join(path);
    if std::env::var("BOB_AUTH_BLESS").is_ok_and(|value| value == "1") {
        fs::write(&file, wanted).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "{path} is out of date: BOB_AUTH_BLESS=1 cargo test --test docs writes it anew");
}

/// The rows of the first table whose head begins with `| floor |`.
fn floor_table(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.strip_prefix("//! ").unwrap_or(line));
    lines.skip_while(|line| !line.starts_with("| floor |")).take_while(|line| line.starts_with('|')).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that writes its own fixture when it is told to")]
fn the_readme_shows_the_map_of_the_crate_docs() {
    let (map, readme) = (read("src/lib.rs"), read("README.md"));
    let (wanted, found) = (floor_table(&map).join("\n"), floor_table(&readme).join("\n"));
    assert!(wanted.lines().count() > 2 && !found.is_empty());
    if std::env::var("BOB_AUTH_BLESS").is_ok_and(|value| value == "1") {
        fs::write(root().join("README.md"), readme.replace(&found, &wanted)).unwrap();
    } else {
        assert_eq!(found, wanted, "run the tests once with BOB_AUTH_BLESS=1");
    }
}

/// The page without its fenced code.
fn outside_fences(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// What follows `](` up to the closing parenthesis.
fn links(text: &str) -> Vec<String> {
    let text = outside_fences(text);
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The anchors of a page: its headings in lower case, blanks as dashes, without punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = outside_fences(text);
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let slug = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    headings.map(slug).collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in links(&read(&page)).iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').map_or((link.as_str(), None), |(file, a)| (file, Some(a)));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let found =
                root().join(&target).exists() && anchor.is_none_or(|anchor| anchors(&read(&target)).contains(anchor));
            if !found {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// The `bob-auth ...` lines of fenced and indented code, and whole code spans, each as its arguments.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.trim().trim_start_matches("$ "));
    let spans = outside_fences(&joined);
    let spans = spans.split('`').skip(1).step_by(2);
    let commands =
        lines.chain(spans).filter_map(|line| line.strip_prefix("bob-auth ")).filter(|rest| !rest.starts_with("= "));
    // What stands for something else is none: omissions, and what clap says of the usage.
    commands.filter(|rest| !rest.contains("...") && !rest.contains("[OPTIONS]")).map(words).collect()
}

/// Splits as a shell would, up to a comment, a pipe, a redirection or an ampersand. Knows double quotes only.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.replace("2>", ">").chars() {
        match c {
            '"' => quoted = !quoted,
            '#' | '|' | '<' | '>' | '&' | ';' if !quoted => break,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_line_on_a_page_is_one_that_the_program_knows() {
    let (mut checked, mut wrong) = (0, Vec::new());
    for page in pages() {
        for mut arguments in command_lines(&read(&page)) {
            arguments.push("--help".to_owned());
            let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
            let output = command.args(&arguments).env_remove("BOB_AUTH_CONFIG").output().unwrap();
            checked += 1;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                wrong.push(format!("{}: {}: {said}", page.display(), arguments.join(" ")));
            }
        }
    }
    assert!(checked > 20, "only {checked} command lines were found");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The names of metrics in a text; the parts of a histogram are the histogram.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let found = text.match_indices("bob_auth_").map(|(at, _)| &text[at..]);
    let names = found.map(|rest| rest.split(|c| !is_part(c)).next().unwrap());
    let whole =
        |name: &str| ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).map(str::to_owned);
    names.map(|name| whole(name).unwrap_or_else(|| name.to_owned())).collect()
}

#[test]
fn every_metric_is_on_its_page_and_no_page_names_another() {
    let folder = root().join("src/web/metrics");
    let sources: String = fs::read_dir(folder).unwrap().map(|file| read(file.unwrap().path())).collect();
    let there = metrics(&sources);
    assert_eq!(metrics(&read("docs/reference/metrics.md")), there);
    for page in pages() {
        let unknown: Vec<String> = metrics(&read(&page)).difference(&there).cloned().collect();
        assert!(unknown.is_empty(), "{} names {unknown:?}", page.display());
    }
}

#[test]
fn every_problem_of_a_verification_is_on_its_page_and_no_other() {
    let page = read("docs/verification.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `urn:bob-auth:problem:"));
    let listed: Vec<String> = rows.map(|row| row.split(" | ").take(2).collect::<Vec<_>>().join(" ")).collect();
    let table = bob_auth::web::verdict::ALL.map(|problem| format!("{}` {}", problem.id, problem.status));
    assert_eq!(listed, table);
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(words("init DIR --name \"A B\" # what for"), ["init", "DIR", "--name", "A B"]);
    assert_eq!(words("serve 2>log &"), ["serve"]);
    assert_eq!(command_lines("a `bob-auth key list` b\n```sh\n$ bob-auth token show -\n```\n").len(), 2);
}
