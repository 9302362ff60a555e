//! `bob-auth metadata verify`: whether a set may be used, and which rule says so.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::given::{Believing, of_skipped};
use crate::cli::error::CliError;
use crate::cli::output::{Answer, printable};
use crate::cli::session::Global;
use crate::cli::words;
use crate::protocol::metadata::sign::Form;
use crate::protocol::metadata::{MetadataError, MetadataSet, SignatureVerdict, SignatureView, SignedSet, TrustAnchors};
use crate::value::{Clock as _, SystemClock, Timestamp};

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// The set: a file, or where it is fetched [default: the registry of the configuration]
    #[arg(value_name = "FILE-or-URL")]
    set: Option<String>,
    #[command(flatten)]
    believing: Believing,
    /// As of when [default: now]
    #[arg(long, value_name = "TIME", value_parser = words::when)]
    at: Option<words::When>,
}

#[derive(Debug, Serialize)]
struct View {
    accepted: bool,
    reason: Option<&'static str>,
    rules: Vec<Rule>,
}

/// One rule and what came of it.
#[derive(Debug, Serialize)]
struct Rule {
    #[serde(rename = "rule")]
    name: &'static str,
    /// `passed`, `failed`, or `noted`: it decides nothing.
    outcome: &'static str,
    detail: String,
}

impl Verify {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let trust = self.believing.read(global, self.set.is_none())?;
        let place = trust.place(self.set.as_deref())?;
        let bytes = trust.bytes(&place).await?;
        let now = self.at.map_or_else(|| SystemClock.now(), |at| at.at(SystemClock.now()));
        let mut rules = signatures(&bytes, &trust.anchors);
        let verdict = SignedSet::verify(&bytes, &trust.anchors, now);
        match SignedSet::verify_at_any_time(&bytes, &trust.anchors) {
            Ok(set) => rules.extend(content(&set, now)),
            // It is told already if a signature is why.
            Err(error) if rules.iter().any(|rule| rule.outcome == "failed" && rule.detail == error.to_string()) => {}
            Err(error) => rules.push(Rule::failed(rule_of(&error), &error)),
        }
        let reason = verdict.as_ref().err().map(MetadataError::reason);
        let text = text(&rules, &verdict);
        let view = View { accepted: reason.is_none(), reason, rules };
        Ok(Answer::new(text, &view)?.failed_if(reason.is_some()).notes(trust.notes))
    }
}

/// Form and signatures: each of them, whatever the others are worth.
fn signatures(bytes: &[u8], anchors: &TrustAnchors) -> Vec<Rule> {
    let (form, views) = match SignatureView::of_set(bytes, anchors) {
        Err(error) => return vec![Rule::failed("form", &error)],
        Ok(read) => read,
    };
    let form = match form {
        Form::General => format!("a JWS in general JSON serialisation with {} signatures", views.len()),
        Form::Flattened => "a JWS in flattened JSON serialisation".to_owned(),
    };
    let mut rules = vec![Rule::passed("form", form)];
    for (index, view) in views.iter().enumerate() {
        let who = format!(
            "signature {} ({}, {})",
            index + 1,
            view.kid.as_deref().unwrap_or("without a protected kid"),
            view.alg.as_deref().unwrap_or("without an algorithm")
        );
        rules.push(match &view.verdict {
            SignatureVerdict::Anchor(kid) => Rule::passed("signature", format!("{who} was made by the anchor {kid}")),
            SignatureVerdict::Stranger => {
                Rule::noted("signature", format!("{who} is by nobody who is trusted: not counted"))
            }
            SignatureVerdict::Refused(error) => Rule::failed("signature", error),
        });
    }
    rules
}

/// What the trusted header and the payload say.
fn content(set: &MetadataSet, now: Timestamp) -> Vec<Rule> {
    let header = set.header();
    let keys: usize = set.participants().iter().map(|participant| participant.authtoken_keys.len()).sum();
    let mut rules = vec![
        Rule::passed(
            "serial",
            format!("{}, of the authority {}; nothing here says which came before", header.serial, header.authid),
        ),
        match header.check_time(now) {
            Ok(()) => {
                let left = words::in_words(header.not_valid_after.seconds_since(now));
                Rule::passed("end", format!("may be used until {}, {left} from now", header.not_valid_after))
            }
            Err(error) => Rule::failed("end", &error),
        },
        Rule::passed(
            "content",
            format!(
                "participants: {}, keys for tokens: {keys}; no pid or kid is there twice, and no private key",
                set.participants().len()
            ),
        ),
    ];
    rules.extend(set.skipped().iter().map(|skipped| Rule::noted("left out", of_skipped(skipped))));
    rules
}

/// The rule that an error is about, where it is told by no signature.
const fn rule_of(error: &MetadataError) -> &'static str {
    match error {
        MetadataError::NoTrustedSignature { .. } => "trust",
        MetadataError::Header { .. } | MetadataError::Disagreement(_) => "header",
        _ => "content",
    }
}

impl Rule {
    const fn passed(name: &'static str, detail: String) -> Self {
        Self { name, outcome: "passed", detail }
    }

    const fn noted(name: &'static str, detail: String) -> Self {
        Self { name, outcome: "noted", detail }
    }

    fn failed(name: &'static str, error: &MetadataError) -> Self {
        Self { name, outcome: "failed", detail: error.to_string() }
    }
}

fn text(rules: &[Rule], verdict: &Result<MetadataSet, MetadataError>) -> String {
    let mut text = String::new();
    for Rule { name, outcome, detail } in rules {
        let mark = match *outcome {
            "passed" => "ok    ",
            "failed" => "FAILED",
            _ => "-     ",
        };
        let _ = writeln!(text, "{mark}  {name:9}  {}", printable(detail));
    }
    let _ = match verdict {
        Ok(_) => writeln!(text, "\naccepted: the set may be used"),
        Err(error) => writeln!(text, "\nrefused ({}): {}", error.reason(), printable(&error.to_string())),
    };
    text
}
