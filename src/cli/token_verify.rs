//! `bob-auth token verify`: what a verifier would say of a token, in a line.

use serde::Serialize;

use super::error::CliError;
use super::output::Answer;
use super::verifying::Given;
use super::words;

/// The verdict for programs.
#[derive(Debug, Default, Serialize)]
struct Verdict {
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// Exit code 0 for a yes, 1 for a no.
pub(super) fn verify(given: &Given) -> Result<Answer, CliError> {
    let question = given.question();
    let answer = match given.verifier.verify(question.token, question.presented, question.now) {
        Ok(caller) => {
            let left = words::in_words(caller.expires().seconds_since(question.now));
            let text = format!(
                "accepted: {}, class {}, of participant {}, for {left} more",
                caller.entity(),
                caller.class(),
                caller.pid()
            );
            let verdict = Verdict {
                accepted: true,
                pid: Some(caller.pid().to_string()),
                entity: Some(caller.entity().to_string()),
                class: Some(caller.class().to_string()),
                kid: Some(caller.kid().to_string()),
                sha1: caller.fingerprint().map(|sha1| sha1.to_string()),
                expires: Some(caller.expires().to_string()),
                ..Verdict::default()
            };
            Answer::new(text, &verdict)?
        }
        Err(error) => {
            let (reason, detail) = (error.reason(), error.to_string());
            let text = format!("refused ({reason}): {detail}");
            let verdict = Verdict { reason: Some(reason), detail: Some(detail), ..Verdict::default() };
            Answer::new(text, &verdict)?.failed_if(true).note("`bob-auth explain` tells more, with the same options")
        }
    };
    Ok(answer.notes(given.notes.clone()))
}
