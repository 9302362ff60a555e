//! The report as Markdown with the tables of GitHub and GitLab: for an issue, a wiki, the summary of a CI run.

use std::fmt::Write as _;

use super::content::Report;
use crate::cli::output::printable;

/// The document.
pub(super) fn document(report: &Report<'_>) -> String {
    let mut text = format!("# BoB conformance: {}\n\n", report.subject.word());
    let _ = writeln!(text, "{}, {}, by {}\n", inline(&report.server), report.at, report.program);
    let _ = writeln!(text, "**{}**\n", report.counts());
    text.push_str("| Outcome | Check | Rule | Source | Seen |\n|---|---|---|---|---|\n");
    for entry in report.checks {
        let (check, word) = (entry.check, entry.outcome.word());
        let word = if report.fails(entry.outcome) { format!("**{word}**") } else { word.to_owned() };
        let (rule, source, seen) = (inline(check.title), inline(check.source), inline(&entry.seen));
        let _ = writeln!(text, "| {word} | `{}` | {rule} | {source} | {seen} |", check.id);
    }
    for entry in report.broken() {
        let check = entry.check;
        let _ = writeln!(text, "\n## {} `{}`\n", entry.outcome.word(), check.id);
        let _ = writeln!(text, "{} ({}, {})", inline(check.title), check.level.word(), inline(check.source));
        for (name, words) in [("Sent", &entry.sent), ("Seen", &entry.seen)] {
            if !words.is_empty() {
                let _ = writeln!(text, "\n{name}:\n\n{}", block(words));
            }
        }
    }
    text
}

/// A stranger's words within a line or a cell. What could have a meaning is written as a reference, which never has one
/// (section 2.5 of `CommonMark`); a name behind an at sign calls nobody.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        out.push_str(if index > 0 { "<br>" } else { "" });
        for c in printable(line).chars() {
            match c {
                '@' => out.push_str("&#64;&#8203;"),
                '|' | '`' | '\\' | '<' | '>' | '&' | '*' | '_' | '[' | ']' | '~' | '#' | '!' | '$' => {
                    let _ = write!(out, "&#{};", u32::from(c));
                }
                c => out.push(c),
            }
        }
    }
    out
}

/// A stranger's words as a block: the fence is longer than any in them.
fn block(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(printable).collect();
    let text = lines.join("\n");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn no_words_of_a_stranger_add_a_cell_or_a_row() {
        let ledger = samples::ledger();
        let text = document(&samples::report(&ledger));
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 2 + 4, "{text}");
        assert!(rows.iter().all(|row| row.matches('|').count() == 6), "{text}");
        assert!(rows[2].starts_with("| pass | `auth.kept` | It is kept. |"), "{text}");
        assert!(rows[3].starts_with("| **FAIL** | `auth.broken` |") && !rows[3].contains("<script"), "{text}");
        assert_eq!(rows[3].matches('`').count(), 2, "{text}");
    }

    #[test]
    fn the_fence_of_a_block_is_longer_than_any_inside() {
        assert_eq!(block("a"), "```text\na\n```");
        let fenced = block("a\n````\n<b>");
        assert!(fenced.starts_with("`````text\n") && fenced.ends_with("\n`````"), "{fenced}");
    }
}
