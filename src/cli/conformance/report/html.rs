//! The report as one page of HTML: no script, nothing from elsewhere, light or dark as the reader likes it.

use std::fmt::Write as _;

use super::content::Report;
use super::markup::escaped;
use crate::cli::conformance::ledger::{Entry, Outcome};

/// Nothing that the page holds can load or run anything, should the escaping ever fail.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "
:root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1c1f23; --soft: #5b636d; --line: #d9dde1; --field: #f2f4f5;
  --pass: #146c37; --warning: #8a5300; --fail: #b3181f; --none: #5b636d; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e6e8ea; --soft: #a0a8b0; --line: #343a40; --field: #1f2428;
  --pass: #6fd394; --warning: #f0b45c; --fail: #ff8a86; --none: #a0a8b0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
.about { color: var(--soft); margin: 0 0 1.5rem; overflow-wrap: anywhere; }
.counts { display: flex; flex-wrap: wrap; gap: .75rem; list-style: none; margin: 0 0 1.75rem; padding: 0; }
.counts li { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .9rem; min-width: 7.5rem; }
.counts b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.verdict { font-size: 1.1rem; margin: 0 0 1rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .6rem .75rem .6rem 0; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; }
tbody th { font-weight: 600; white-space: nowrap; }
td:nth-child(2), td:nth-child(3) { overflow-wrap: anywhere; }
a { color: inherit; }
code, pre { font: .875em/1.5 ui-monospace, monospace; }
tbody code { font-weight: 600; overflow-wrap: anywhere; }
pre { background: var(--field); border-radius: .4rem; padding: .6rem .75rem; margin: .25rem 0 .75rem; white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 24rem; overflow-y: auto; }
details { margin-top: .35rem; } summary { cursor: pointer; color: var(--soft); }
small { display: block; color: var(--soft); }
.pass { color: var(--pass); } .warning { color: var(--warning); } .fail { color: var(--fail); } .none { color: var(--none); }
@media (max-width: 46rem) { table, caption, tbody, tr, th, td { display: block; width: 100%; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { border-top: 1px solid var(--line); padding: .5rem 0; } th, td { border: 0; padding: .15rem 0; } }
@media print { details:not([open]) > * { display: block; } pre { max-height: none; } }
";

/// The page.
pub(super) fn page(report: &Report<'_>) -> String {
    let mut html = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let subject = report.subject.word();
    let server = escaped(&report.server);
    let _ = writeln!(html, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.push_str("<meta name=\"referrer\" content=\"no-referrer\">\n");
    let _ = writeln!(
        html,
        "<title>BoB conformance, {subject}: {server}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>"
    );
    let _ = writeln!(html, "<h1>BoB conformance: {subject}</h1>");
    let _ = writeln!(
        html,
        "<p class=\"about\">{server}<br>{} requests, ended <time datetime=\"{at}\">{at}</time>, asked by {}</p>",
        report.requests,
        escaped(report.program),
        at = escaped(&report.at)
    );
    summary(&mut html, report);
    html.push_str("<table>\n<caption>Every check, in the order in which it was made</caption>\n<thead><tr>");
    html.push_str(
        "<th scope=\"col\">Outcome</th><th scope=\"col\">Rule</th><th scope=\"col\">Seen</th></tr></thead>\n<tbody>\n",
    );
    for entry in report.checks {
        row(&mut html, report, entry);
    }
    html.push_str("</tbody>\n</table>\n</main>\n</body>\n</html>\n");
    html
}

fn summary(html: &mut String, report: &Report<'_>) {
    let failed = report.checks.iter().any(|entry| report.fails(entry.outcome));
    let (class, verdict) = match (failed, report.failed, report.strict) {
        (true, 0, _) => ("fail", "A rule that should be kept is broken, and warnings count as failures."),
        (true, ..) => ("fail", "A binding rule is broken."),
        (false, ..) if report.passed == 0 => ("warning", "Nothing could be found out."),
        (false, ..) => ("pass", "No binding rule was found to be broken."),
    };
    let _ = writeln!(html, "<p class=\"verdict {class}\"><strong>{verdict}</strong></p>\n<ul class=\"counts\">");
    for (count, outcome, word) in [
        (report.passed, Outcome::Pass, "passed"),
        (report.failed, Outcome::Fail, "failed"),
        (report.warnings, Outcome::Warning, "warnings"),
        (report.not_applicable, Outcome::NotApplicable, "not applicable"),
    ] {
        let class = if count == 0 { "none" } else { class_of(outcome) };
        let _ = writeln!(html, "<li><b class=\"{class}\">{count}</b> {word}</li>");
    }
    html.push_str("</ul>\n");
    if report.broken().next().is_some() {
        html.push_str("<p>What is broken:</p>\n<ul>\n");
        for Entry { check, outcome, .. } in report.broken() {
            let (class, word) = (class_of(*outcome), outcome.word());
            let (id, title) = (escaped(check.id), escaped(check.title));
            let _ = writeln!(html, "<li><span class=\"{class}\">{word}</span> <a href=\"#{id}\">{title}</a></li>");
        }
        html.push_str("</ul>\n");
    }
}

fn row(html: &mut String, report: &Report<'_>, entry: &Entry) {
    let check = entry.check;
    let (class, word) = (class_of(entry.outcome), entry.outcome.word());
    let _ = write!(html, "<tr id=\"{}\"><th scope=\"row\" class=\"{class}\">{word}</th>", escaped(check.id));
    let (title, level) = (escaped(check.title), check.level.word());
    let _ = write!(html, "<td>{title}<small><code>{}</code> {level}, {}</small></td>", check.id, escaped(check.source));
    let first = entry.seen.lines().next().unwrap_or_default();
    let _ = write!(html, "<td>{}", escaped(first));
    let whole = first.len() == entry.seen.len();
    if !(entry.sent.is_empty() && whole) {
        let open = if report.fails(entry.outcome) { " open" } else { "" };
        let _ = write!(html, "<details{open}><summary>Evidence</summary>");
        for (name, words) in [("Sent", &entry.sent), ("Seen", &entry.seen)] {
            if !words.is_empty() {
                let _ = write!(html, "{name}<pre tabindex=\"0\" aria-label=\"{name}\">{}</pre>", escaped(words));
            }
        }
        html.push_str("</details>");
    }
    html.push_str("</td></tr>\n");
}

const fn class_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Warning => "warning",
        Outcome::Fail => "fail",
        Outcome::NotApplicable => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn what_a_stranger_wrote_stays_text() {
        let ledger = samples::ledger();
        let html = page(&samples::report(&ledger));
        assert!(
            !html.contains("<script") && !html.contains("<i>") && html.contains("&lt;script&gt;alert(1)"),
            "{html}"
        );
        assert!(html.chars().all(|c| c == '\n' || !c.is_control()));
        assert!(!html.contains('\u{202e}') && html.contains("?a=&lt;b&gt;&amp;c=&quot;d&quot;"), "{html}");
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let ledger = samples::ledger();
        let html = page(&samples::report(&ledger));
        assert_eq!(html.matches("href=\"").count(), html.matches("href=\"#auth.").count());
        for of_elsewhere in ["src=", "<link", "@import", "url(", "<img", "<iframe"] {
            assert!(!html.contains(of_elsewhere), "{of_elsewhere}");
        }
    }

    #[test]
    fn the_summary_says_what_counts() {
        let ledger = samples::ledger();
        assert!(page(&samples::report(&ledger)).contains("A binding rule is broken."));
        let empty = crate::cli::conformance::ledger::Ledger::default();
        assert!(page(&samples::report(&empty)).contains("Nothing could be found out."));
    }
}
