//! The contents of the book.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::{links, outside_fences, pages, read, root};

/// The pages of docs/, as SUMMARY.md names them.
fn written() -> BTreeSet<String> {
    let below: Vec<PathBuf> =
        pages().iter().filter_map(|page| page.strip_prefix("docs").ok()).map(Into::into).collect();
    let names = below.iter().map(|page| page.to_str().unwrap().to_owned());
    names.filter(|name| name != "SUMMARY.md").collect()
}

#[test]
fn every_page_is_in_the_book_once() {
    let listed = links(&read("docs/SUMMARY.md"));
    let once: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len(), "a page is listed twice");
    assert_eq!(once, written(), "docs/SUMMARY.md and the pages of docs/ differ");
}

#[test]
fn a_page_has_one_title_and_something_to_say() {
    for name in written() {
        let text = read(format!("docs/{name}"));
        let titles = outside_fences(&text).lines().filter(|line| line.starts_with("# ")).count();
        assert!(
            text.starts_with("# ") && titles == 1,
            "docs/{name} has {titles} titles, and one is the first line of a page"
        );
        assert!(text.split_whitespace().count() > 40, "docs/{name} says nothing");
    }
}

#[test]
fn a_page_of_the_book_links_to_what_is_in_the_book() {
    let mut outside = Vec::new();
    for name in written() {
        for link in links(&read(format!("docs/{name}"))) {
            let up = link.matches("../").count();
            if link.starts_with("../") && up > name.matches('/').count() {
                outside.push(format!("docs/{name}: {link}"));
            }
        }
    }
    assert!(outside.is_empty(), "these would be broken in the book:\n{}", outside.join("\n"));
}

#[test]
fn every_reason_on_the_walk_of_a_verification_is_one() {
    let (walk, errors) = (read("docs/explanation/verification.md"), read("docs/errors.md"));
    let rows = walk.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.split('|').nth(3));
    let reasons: Vec<&str> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(reasons.len() > 15);
    let unknown: Vec<_> = reasons.iter().filter(|reason| !errors.contains(&format!("| `{reason}` |"))).collect();
    assert!(unknown.is_empty(), "{unknown:?} are on no line of docs/errors.md");
}

#[test]
fn a_diagram_says_in_words_what_it_shows() {
    let folder = root().join("docs/explanation");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let diagrams: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|ending| ending == "svg")).collect();
    assert!(diagrams.len() >= 5);
    for diagram in diagrams {
        let text = fs::read_to_string(&diagram).unwrap();
        assert!(text.contains("<title") && text.contains("<desc"), "{}", diagram.display());
        let name = diagram.file_name().unwrap().to_str().unwrap();
        let shown = written().iter().any(|page| read(format!("docs/{page}")).contains(&format!("]({name})")));
        assert!(shown, "{name} is on no page");
    }
}
