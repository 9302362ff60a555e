//! The report as XML in the form of `JUnit`: a suite with a case for each check. What is broken is a failure; what is not applicable was
//! skipped; a warning is a case that went well and says so in its output, unless warnings count as failures.

use std::fmt::Write as _;

use super::content::Report;
use super::markup::escaped;
use crate::cli::conformance::ledger::{Entry, Outcome};

/// The document.
pub(super) fn xml(report: &Report<'_>) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failed = report.checks.iter().filter(|entry| report.fails(entry.outcome)).count();
    let (tests, skipped) = (report.checks.len(), report.not_applicable);
    let suite = format!("bob-auth conformance {}", report.subject.word());
    let counts = format!("tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\"");
    let _ =
        writeln!(xml, "<testsuites name=\"{suite}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" time=\"0\">");
    // The schema has no place for a zone.
    let at = report.at.trim_end_matches('Z');
    let host = report.server.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let _ = writeln!(xml, "  <testsuite name=\"{suite}\" {counts} timestamp=\"{at}\" hostname=\"{}\">", escaped(host));
    xml.push_str("    <properties>\n");
    let (requests, strict) = (report.requests.to_string(), report.strict.to_string());
    for (name, value) in [
        ("server", &*report.server),
        ("at", &report.at),
        ("program", report.program),
        ("requests", &requests),
        ("warnings", &report.warnings.to_string()),
        ("strict", &strict),
    ] {
        let _ = writeln!(xml, "      <property name=\"{name}\" value=\"{}\"/>", escaped(value));
    }
    xml.push_str("    </properties>\n");
    for entry in report.checks {
        case(&mut xml, report, entry);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, report: &Report<'_>, entry: &Entry) {
    let check = entry.check;
    let class = format!("conformance.{}", report.subject.word());
    let _ = writeln!(xml, "    <testcase classname=\"{class}\" name=\"{}\" time=\"0\">", escaped(check.id));
    let first = escaped(entry.seen.lines().next().unwrap_or_default());
    if report.fails(entry.outcome) {
        let (level, rule, evidence) = (check.level.word(), escaped(check.title), evidence(entry));
        let _ = writeln!(xml, "      <failure type=\"{level}\" message=\"{rule} Seen: {first}\">{evidence}</failure>");
    } else if entry.outcome == Outcome::NotApplicable {
        let _ = writeln!(xml, "      <skipped message=\"{first}\"/>");
    }
    if !report.fails(entry.outcome) {
        let warning = if entry.outcome == Outcome::Warning { "WARNING (SHOULD)\n" } else { "" };
        let _ = writeln!(xml, "      <system-out>{warning}{}</system-out>", evidence(entry));
    }
    xml.push_str("    </testcase>\n");
}

fn evidence(entry: &Entry) -> String {
    let check = entry.check;
    let mut words = format!("the rule: {}\nits source: {}\n", check.title, check.source);
    for (name, text) in [("sent", &entry.sent), ("seen", &entry.seen)] {
        if !text.is_empty() {
            let _ = writeln!(words, "{name}:\n{text}");
        }
    }
    escaped(&words)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn outcomes_become_what_a_ci_server_knows() {
        let ledger = samples::ledger();
        let xml = xml(&samples::report(&ledger));
        assert!(xml.contains("tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{xml}");
        assert_eq!(xml.matches("<testcase ").count(), 4);
        assert!(xml.contains("<failure type=\"MUST\" message=\"It is broken. Seen: status 200"), "{xml}");
        assert!(xml.contains("<skipped message=\"no key was given\"/>"), "{xml}");
        assert!(xml.contains("<system-out>WARNING (SHOULD)\nthe rule: It should be kept."), "{xml}");
        assert!(xml.contains("timestamp=\"2026-11-22T07:00:11\" hostname=\"a.example\""), "{xml}");
    }

    #[test]
    fn strictly_a_warning_is_a_failure_there_as_well() {
        let ledger = samples::ledger();
        let xml = xml(&samples::report(&ledger).strictly(true));
        assert!(xml.contains("failures=\"2\"") && xml.contains("<failure type=\"SHOULD\""), "{xml}");
    }

    #[test]
    fn what_a_stranger_wrote_stays_text() {
        let ledger = samples::ledger();
        let xml = xml(&samples::report(&ledger));
        assert!(!xml.contains("<script") && !xml.contains("]]>") && xml.contains("&lt;script&gt;"), "{xml}");
        let allowed = |c: char| c == '\n' || (!c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
        assert!(xml.chars().all(allowed));
    }
}
