//! [`ClientError`]: why there is no answer that could be used. Each says what to do next.

use std::time::Duration;

use crate::crypto::signer::SignerError;
use crate::https::{FetchError, UrlError};
use crate::protocol::pop::AnswerError;
use crate::protocol::registry::body::BodyError;
use crate::protocol::registry::operation::Verb;

/// Why a call failed. What the registry says is escaped wherever it is shown.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The transport.
    #[error("the registry cannot be asked: {0}")]
    Fetch(#[from] FetchError),
    /// A proxy says that the registry is not to be had. It need not be true, and costs nothing but time.
    #[error(
        "a proxy in front of the registry answered with status {status}, or the registry itself without its signature"
    )]
    Gateway {
        /// The status.
        status: u16,
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// An answer without signature. Nothing in it is believed.
    #[error("the answer (status {status}) is not signed, so it is not believed{}", claimed(says.as_ref()))]
    Unsigned {
        /// The status.
        status: u16,
        /// What it says, for whoever searches for the cause.
        says: Option<String>,
    },
    /// A signature that does not count.
    #[error("the answer (status {status}) is not believed: {why}")]
    Untrusted {
        /// The status.
        status: u16,
        /// Why.
        why: AnswerError,
    },
    /// 401
    #[error("the registry does not accept our proof of possession{}", because(reason.as_ref()))]
    Unauthorised {
        /// The reason id, if one is given.
        reason: Option<String>,
    },
    /// 403
    #[error("the registry has seen this key id before and takes no key under it again{}", because(reason.as_ref()))]
    KidUsedUp {
        /// What it says.
        reason: Option<String>,
    },
    /// 404
    #[error("the registry has no such thing")]
    NotFound,
    /// 409
    #[error("the registry is busy with other changes{}", because(reason.as_ref()))]
    Conflict {
        /// What it says.
        reason: Option<String>,
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// 412
    #[error("it was changed at the registry since it was read")]
    ChangedMeanwhile,
    /// 400 and 422
    #[error("the registry refuses it (status {status}){}", because(reason.as_ref()))]
    Unacceptable {
        /// The status.
        status: u16,
        /// The reason that it gives.
        reason: Option<String>,
    },
    /// 413
    #[error("it is larger than the registry takes")]
    TooLarge,
    /// 429
    #[error("the registry has had too many requests from us")]
    TooMany {
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// 5xx, signed
    #[error("the registry failed with status {status}{}", because(reason.as_ref()))]
    Fault {
        /// The status.
        status: u16,
        /// What it says.
        reason: Option<String>,
    },
    /// A status that this operation does not have.
    #[error("the registry answered with status {status}, which means nothing here{}", because(reason.as_ref()))]
    Unexpected {
        /// The status.
        status: u16,
        /// What it says.
        reason: Option<String>,
    },
    /// The answer is signed and makes no sense.
    #[error("the registry's answer cannot be read: {0}")]
    Answer(#[from] BodyError),
    /// A key id that is a step in a path.
    #[error("the key id {0:?} cannot be written into a URL: it would be read as a step in the path")]
    Unaddressable(String),
    /// The URL.
    #[error("the registry's URL {0}")]
    Url(#[from] UrlError),
    /// The proof could not be made.
    #[error("the proof of possession cannot be made: {0}")]
    Proof(#[from] SignerError),
    /// The body could not be written.
    #[error("the body cannot be written: {0}")]
    Write(#[from] serde_json::Error),
}

impl ClientError {
    /// Whether the same call may work later without anything being done here. An answer that is not believed counts as
    /// well: whatever stood between us and the registry may be gone by then.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Fetch(error) => !matches!(error, FetchError::Request(_)),
            Self::Gateway { .. }
            | Self::Unsigned { .. }
            | Self::Untrusted { .. }
            | Self::Conflict { .. }
            | Self::ChangedMeanwhile
            | Self::TooMany { .. }
            | Self::Fault { .. } => true,
            Self::Unauthorised { .. }
            | Self::KidUsedUp { .. }
            | Self::NotFound
            | Self::Unacceptable { .. }
            | Self::TooLarge
            | Self::Unexpected { .. }
            | Self::Answer(_)
            | Self::Unaddressable(_)
            | Self::Url(_)
            | Self::Proof(_)
            | Self::Write(_) => false,
        }
    }

    /// Whether the registry may have done what it was asked all the same: nobody told us that it did not.
    pub const fn leaves_doubt(&self) -> bool {
        match self {
            Self::Fetch(error) => {
                !matches!(error, FetchError::Unreachable(_) | FetchError::Tls(_) | FetchError::Request(_))
            }
            Self::Gateway { .. }
            | Self::Unsigned { .. }
            | Self::Untrusted { .. }
            | Self::Fault { .. }
            | Self::Unexpected { .. }
            | Self::Answer(_) => true,
            _ => false,
        }
    }

    /// Whether such a call is made again. What leaves doubt is repeated only if doing it twice does no harm.
    pub const fn is_retried(&self, verb: Verb) -> bool {
        let repeatable = !matches!(verb, Verb::Post);
        match self {
            Self::Fetch(FetchError::Unreachable(_)) | Self::TooMany { .. } => true,
            Self::Conflict { retry_after, .. } => retry_after.is_some(),
            Self::Fetch(FetchError::Timeout | FetchError::Connection(_))
            | Self::Gateway { .. }
            | Self::Fault { .. } => repeatable,
            _ => false,
        }
    }

    /// How long the other side asks us to wait.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Gateway { retry_after, .. } | Self::Conflict { retry_after, .. } | Self::TooMany { retry_after } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// What to do next, if that is known.
    pub const fn next(&self) -> Option<&'static str> {
        Some(match self {
            Self::Fetch(FetchError::Tls(_)) => {
                "name the CA of the registry's certificate as registry.ca, and use a host name that the certificate has"
            }
            Self::Fetch(FetchError::Redirect(_)) | Self::Url(_) => "correct registry.url in the configuration",
            Self::Fetch(FetchError::Request(_)) | Self::Write(_) | Self::Proof(_) => return None,
            Self::Fetch(_) | Self::Gateway { .. } | Self::Fault { .. } => {
                "try again later; what was changed before stays as it is, and doing it twice does no harm"
            }
            Self::Unsigned { status: 401, .. } => {
                "if the registry itself wrote this, it does not know our metadata key: compare the kid and the key with \
                 what the administering body has (`bob-auth registry metadata-key show`), and this clock with the time"
            }
            Self::Unsigned { .. } => {
                "look who answers under registry.url: something between here and the registry may write its own answers"
            }
            Self::Untrusted { why: AnswerError::UnknownKey { .. }, .. } => {
                "if the registry has a new key, get it from the administering body by a way that you trust, and add it to \
                 the file that the configuration names for its answers"
            }
            Self::Untrusted { why: AnswerError::Time { .. }, .. } => {
                "set the clock of this machine right; if it is, the answer may be an old one played back"
            }
            Self::Untrusted { .. } => "do not go on before you know who changes answers between here and the registry",
            Self::Unauthorised { .. } => {
                "compare kid and key with what the administering body has (`bob-auth registry metadata-key show`), and \
                 this machine's clock with the time"
            }
            Self::KidUsedUp { .. } => "choose another key id: one that was used stays used, also after its deletion",
            Self::NotFound => "look what is there with the verbs list and show",
            Self::Conflict { .. } | Self::TooMany { .. } => "wait and try again",
            Self::ChangedMeanwhile => "look at it again and decide anew",
            Self::Unacceptable { .. } | Self::TooLarge => "correct it and try again",
            Self::Unexpected { .. } | Self::Answer(_) => {
                "compare this program's version with the registry's; docs/interop.md says what is assumed"
            }
            Self::Unaddressable(_) => "use another key id",
        })
    }
}

/// What somebody else wrote, so that it can be shown and ends somewhere.
fn escaped(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut shown = String::new();
    for c in text.chars().take(LONGEST) {
        // Only what steers a terminal; quotation marks do not.
        match c {
            '"' | '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown
}

fn because(reason: Option<&String>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {}", escaped(reason)))
}

fn claimed(says: Option<&String>) -> String {
    says.map_or_else(String::new, |says| format!("; it says: {}", escaped(says)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_registry_says_steers_no_terminal_and_ends_somewhere() {
        let reason = format!("\"no\"\n\u{1b}[2J\u{202e}{}", "x".repeat(1000));
        let text = ClientError::Unacceptable { status: 422, reason: Some(reason) }.to_string();
        assert!(text.contains(r#""no"\n\u{1b}[2J\u{202e}xxx"#), "{text}");
        assert!(text.chars().count() < 500 && text.ends_with("..."), "{text}");
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_that_does_no_harm() {
        let lost = ClientError::Fetch(FetchError::Timeout);
        assert!(lost.leaves_doubt() && lost.is_retried(Verb::Put) && !lost.is_retried(Verb::Post));
        let unsent = ClientError::Fetch(FetchError::Unreachable(String::new()));
        assert!(!unsent.leaves_doubt() && unsent.is_retried(Verb::Post));
        let unsigned = ClientError::Unsigned { status: 200, says: None };
        assert!(unsigned.leaves_doubt() && !unsigned.is_retried(Verb::Get));
    }
}
