//! Finds what is written but means nothing: unknown keys and tables, and suggests what may have been meant.

use toml::de::{DeTable, DeValue};

use super::keys::{self, Chosen, SECTIONS};
use super::reader::{Document, join};

/// Records a fault for every key that nobody reads.
pub(super) fn check(document: &Document<'_>) {
    check_table(document, document.given(), "", "");
}

/// `pattern` is the path with `PID` and `NAME` for what the writer chose, `path` the path as written.
fn check_table(document: &Document<'_>, table: &DeTable<'_>, pattern: &str, path: &str) {
    let names: Vec<&str> = keys::section_at(pattern).map_or(&[][..], |s| s.keys).iter().map(|key| key.name).collect();
    let tables = keys::tables_below(pattern);
    for (name, value) in table {
        let written = name.get_ref().as_ref();
        let place = || document.place(name.span().start, join(path, written));
        if names.contains(&written) {
            continue;
        }
        let chosen = tables.iter().find_map(|table| Some((*table, Chosen::of(table)?)));
        let child = chosen.map_or(written, |(table, _)| table);
        if !tables.contains(&child) {
            document.fault(place(), "is not known", suggestion(written, &names, &tables));
        } else if let Some((_, chosen)) = chosen.filter(|(_, chosen)| !chosen.accepts(written)) {
            let (problem, remedy) = chosen.fault();
            document.fault(place(), problem, remedy);
        } else if let DeValue::Table(inner) = value.get_ref() {
            check_table(document, inner, &join(pattern, child), &join(path, written));
        } else {
            let inside = SECTIONS.iter().map(|s| s.path).find(|path| path.starts_with(&join(pattern, child)));
            document.fault(
                place(),
                "expected a table",
                format!("write [{}] and its keys below", inside.unwrap_or(written)),
            );
        }
    }
}

fn suggestion(written: &str, names: &[&str], tables: &[&str]) -> String {
    let near = names.iter().chain(tables).map(|name| (distance(written, name), *name)).min();
    if let Some((_, name)) = near.filter(|(steps, name)| *steps <= 1 + name.len() / 5) {
        return format!("did you mean {name}?");
    }
    let elsewhere = SECTIONS.iter().find(|section| section.keys.iter().any(|key| key.name == written));
    if let Some(section) = elsewhere {
        return match section.path {
            "" => format!("{written} belongs at the top of the file, before all tables"),
            path => format!("{written} belongs into [{path}]"),
        };
    }
    format!("remove it; known here: {}", [names, tables].concat().join(", "))
}

/// How many letters must be added, removed, changed or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let same = from[i - 1] == to[j - 1];
            let mut steps = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + usize::from(!same));
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                steps = steps.min(rows[i - 2][j - 2] + 1);
            }
            row.push(steps);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_and_missing_letters_are_one_step() {
        assert_eq!(distance("lifetime", "lifetime"), 0);
        assert_eq!(distance("liftime", "lifetime"), 1);
        assert_eq!(distance("lifetmie", "lifetime"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
