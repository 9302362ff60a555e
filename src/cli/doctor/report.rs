//! What the doctor says: one line for each check, then what to do about everything that is not well.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use super::examination::Checked;
use super::finding::{Finding, Outcome};
use super::remedy::{Proxy, remedy};
use crate::cli::error::CliError;
use crate::cli::output::{Answer, printable};

/// The report for programs.
#[derive(Debug, Serialize)]
struct View<'a> {
    safe: bool,
    proxy: Option<&'static str>,
    requests: usize,
    checks: Vec<CheckView<'a>>,
    findings: Vec<FindingView>,
}

#[derive(Debug, Serialize)]
struct CheckView<'a> {
    outcome: Outcome,
    sent: &'a str,
    seen: &'a str,
    finding: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct FindingView {
    finding: &'static str,
    outcome: Outcome,
    meaning: &'static str,
    remedies: Vec<RemedyView>,
}

#[derive(Debug, Serialize)]
struct RemedyView {
    proxy: &'static str,
    line: &'static str,
}

/// The answer; it has failed if anything is unsafe or broken.
pub(super) fn report(checked: &[Checked], proxy: Option<Proxy>, requests: usize) -> Result<Answer, CliError> {
    let worst = checked.iter().map(|one| one.verdict.outcome()).max().unwrap_or(Outcome::Broken);
    let safe = worst <= Outcome::Note;
    let found: BTreeSet<Finding> = checked.iter().filter_map(|one| one.verdict.finding).collect();
    let findings: Vec<FindingView> = found.into_iter().map(|finding| view(finding, proxy)).collect();
    let text = text(checked, &findings, proxy, requests);
    let view =
        View { safe, proxy: proxy.map(Proxy::name), requests, checks: checked.iter().map(check).collect(), findings };
    Ok(Answer::new(text, &view)?.failed_if(!safe))
}

fn check(checked: &Checked) -> CheckView<'_> {
    let verdict = &checked.verdict;
    CheckView {
        outcome: verdict.outcome(),
        sent: &checked.check,
        seen: &verdict.seen,
        finding: verdict.finding.map(Finding::id),
    }
}

fn view(finding: Finding, proxy: Option<Proxy>) -> FindingView {
    let proxies = Proxy::ALL.into_iter().filter(|one| proxy.is_none_or(|proxy| proxy == *one));
    let remedies = proxies.filter_map(|proxy| Some(RemedyView { proxy: proxy.name(), line: remedy(finding, proxy)? }));
    let remedies = remedies.collect();
    FindingView { finding: finding.id(), outcome: finding.outcome(), meaning: finding.meaning(), remedies }
}

fn text(checked: &[Checked], findings: &[FindingView], proxy: Option<Proxy>, requests: usize) -> String {
    let mut text = String::new();
    let width = checked.iter().map(|one| printable(&one.check).chars().count()).max().unwrap_or_default().min(60);
    for one in checked {
        let (word, sent) = (one.verdict.outcome().word(), printable(&one.check));
        let _ = writeln!(text, "{word:6}  {sent:width$}  {}", printable(&one.verdict.seen));
    }
    for finding in findings {
        let _ = writeln!(text, "\n{} {}: {}", finding.outcome.word(), finding.finding, finding.meaning);
        for remedy in &finding.remedies {
            let _ = writeln!(text, "  {:8} {}", format!("{}:", remedy.proxy), remedy.line);
        }
    }
    if findings.iter().any(|finding| !finding.remedies.is_empty()) {
        let name = proxy.map_or("NAME", Proxy::name);
        let _ = writeln!(
            text,
            "\n`bob-auth proxy-config {name}` prints a whole configuration with these lines in their places."
        );
    }
    let count = |outcome| checked.iter().filter(|one| one.verdict.outcome() == outcome).count();
    let _ = writeln!(
        text,
        "\n{} checks by {requests} requests: {} ok, {} to know, {} broken, {} UNSAFE",
        checked.len(),
        count(Outcome::Ok),
        count(Outcome::Note),
        count(Outcome::Broken),
        count(Outcome::Unsafe)
    );
    text
}
