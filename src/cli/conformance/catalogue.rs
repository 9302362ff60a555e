//! Every check there is, of all three examinations, and the list of them.

use std::fmt::Write as _;

use serde::Serialize;

use super::check::{Check, Subject};
use super::{api, auth, metadata};
use crate::cli::error::CliError;
use crate::cli::output::{Answer, List};

/// The checks of each kind of server. Each examination has its table beside its steps.
const ALL: [(Subject, &[&Check]); 3] =
    [(Subject::Auth, auth::CHECKS), (Subject::Api, api::CHECKS), (Subject::Metadata, metadata::CHECKS)];

#[derive(Debug, Serialize)]
struct View {
    subject: Subject,
    #[serde(flatten)]
    check: &'static Check,
}

/// The list of checks, two lines each: a table of them would fit no terminal.
pub(super) fn list() -> Result<Answer, CliError> {
    let mut text = String::new();
    let mut items = Vec::new();
    for (subject, checks) in ALL {
        for check in checks {
            let _ =
                writeln!(text, "{:6}  {}  ({})\n        {}", check.level.word(), check.id, check.source, check.title);
            items.push(View { subject, check });
        }
    }
    Answer::new(text, &List { items, next: None })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_begin_with_their_subject_and_every_rule_is_a_sentence_with_a_source() {
        let mut ids = BTreeSet::new();
        for (subject, checks) in ALL {
            for check in checks {
                assert!(ids.insert(check.id), "{} twice", check.id);
                let rest = check.id.strip_prefix(subject.word()).and_then(|rest| rest.strip_prefix('.')).unwrap();
                assert!(rest.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()), "{}", check.id);
                assert!(check.title.ends_with('.') && !check.source.is_empty(), "{}", check.id);
            }
        }
    }
}
