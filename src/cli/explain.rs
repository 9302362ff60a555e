//! `bob-auth explain`: every check of a token with its outcome, and what is likely behind a no.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::error::CliError;
use super::output::{Answer, printable};
use super::session::Global;
use super::verifying::Verifying;
use crate::flow::explain::{Checked, Explanation, Outcome, explain};
use crate::value::{Clock as _, SystemClock};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bob-auth explain eyJhbGciOiJFUzI1NiIs... --cert validator37.pem --jwks partner.jwks.json\n  \
    bob-auth token get ... | bob-auth explain - --fingerprint 0A:9A:06:... --jwks partner.jwks.json --at 2h\n\n\
    Without --jwks and --metadata, keys and policy are those of [verify] in the configuration. The token is sent nowhere. Exit code 0 if it would be accepted, 1 if not."
)]
pub(super) struct Explain {
    #[command(flatten)]
    verifying: Verifying,
}

/// An explanation for programs.
#[derive(Debug, Serialize)]
struct View<'a> {
    accepted: bool,
    reason: Option<&'static str>,
    checks: Vec<CheckView<'a>>,
    causes: &'a [String],
}

#[derive(Debug, Serialize)]
struct CheckView<'a> {
    check: &'a str,
    outcome: &'static str,
    detail: Option<String>,
    reason: Option<&'static str>,
}

impl Explain {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let given = self.verifying.read(global, SystemClock.now()).await?;
        let explanation = explain(&given.verifier, &given.question());
        let reason = explanation.verdict.as_ref().err().map(crate::flow::verify::VerifyError::reason);
        let view = View {
            accepted: reason.is_none(),
            reason,
            checks: explanation.checks.iter().map(CheckView::from).collect(),
            causes: &explanation.causes,
        };
        Ok(Answer::new(text(&explanation), &view)?.failed_if(reason.is_some()).notes(given.notes))
    }
}

fn text(explanation: &Explanation) -> String {
    let mut text = String::new();
    let width = explanation.checks.iter().map(|checked| checked.check.len()).max().unwrap_or_default();
    for checked in &explanation.checks {
        let view = CheckView::from(checked);
        let detail = view.detail.as_deref().map(printable).unwrap_or_default();
        let mark = match view.outcome {
            "passed" => "ok    ",
            "failed" => "FAILED",
            _ => "-     ",
        };
        let _ = writeln!(text, "{mark}  {:width$}  {detail}", checked.check);
    }
    let _ = match &explanation.verdict {
        Ok(caller) => writeln!(text, "\naccepted: {} of participant {}", caller.entity(), caller.pid()),
        Err(error) => writeln!(text, "\nrefused ({}): {}", error.reason(), printable(&error.to_string())),
    };
    for cause in &explanation.causes {
        let _ = writeln!(text, "- {}", printable(cause));
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

impl<'a> From<&'a Checked> for CheckView<'a> {
    fn from(checked: &'a Checked) -> Self {
        let (outcome, detail, reason) = match &checked.outcome {
            Outcome::Passed(found) => ("passed", Some(found.clone()), None),
            Outcome::Failed(error) => ("failed", Some(error.to_string()), Some(error.reason())),
            Outcome::NotReached => ("not reached", None, None),
        };
        Self { check: checked.check, outcome, detail, reason }
    }
}
