//! What an answer says: [`Believed`] once its signature is verified, and a few words of it before, for whoever searches.

use std::time::Duration;

use super::error::ClientError;
use crate::https::Answer;
use crate::protocol::strict_json::{Json, Object, read_value};

/// An answer that the registry signed, with a status of success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    /// The status.
    pub status: u16,
    /// Where the new thing is.
    pub location: Option<String>,
    /// The version of what was read.
    pub etag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A thing as it was read, and its version, for `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged<T> {
    /// The thing.
    pub value: T,
    /// Its version, if the registry gives one.
    pub etag: Option<String>,
}

impl Believed {
    /// Sorts an answer whose signature was verified.
    pub(super) fn sort(answer: Answer) -> Result<Self, ClientError> {
        let retry_after = retry_after(&answer);
        let reason = || reason(&answer.body);
        match answer.status {
            200 | 201 | 204 => Ok(Self {
                status: answer.status,
                location: answer.header("location").map(str::to_owned),
                etag: answer.header("etag").map(str::to_owned),
                body: answer.body,
            }),
            401 => Err(ClientError::Unauthorised { reason: reason() }),
            403 => Err(ClientError::KidUsedUp { reason: reason() }),
            404 => Err(ClientError::NotFound),
            409 => Err(ClientError::Conflict { reason: reason(), retry_after }),
            412 => Err(ClientError::ChangedMeanwhile),
            status @ (400 | 422) => Err(ClientError::Unacceptable { status, reason: reason() }),
            413 => Err(ClientError::TooLarge),
            429 => Err(ClientError::TooMany { retry_after }),
            status @ 500.. => Err(ClientError::Fault { status, reason: reason() }),
            status => Err(ClientError::Unexpected { status, reason: reason() }),
        }
    }
}

/// What an answer without signature is.
pub(super) fn unsigned(answer: &Answer) -> ClientError {
    match answer.status {
        status @ (429 | 502..=504) => ClientError::Gateway { status, retry_after: retry_after(answer) },
        status => ClientError::Unsigned { status, says: reason(&answer.body) },
    }
}

/// What an answer without the set is. That changes are being folded in may be said without signature: it costs time only.
pub(super) fn no_set(answer: &Answer) -> ClientError {
    match answer.status {
        409 => ClientError::Conflict { reason: reason(&answer.body), retry_after: retry_after(answer) },
        _ => unsigned(answer),
    }
}

/// Nobody is waited for any longer. The wish may come without signature, and from anybody.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// Whole seconds only: a date would need both clocks to agree.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds: u64 = answer.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WISH))
}

/// The reason in a body: a JSON string, or a problem document (RFC 9457) with its `reason`.
fn reason(body: &[u8]) -> Option<String> {
    const MOST_VALUES: u32 = 64;
    let value = read_value(body, MOST_VALUES).ok()?;
    match &value {
        Json::Text(text) => Some(text.clone().into_owned()),
        Json::Object(problem) => of_problem(problem),
        _ => None,
    }
}

fn of_problem(problem: &Object<'_>) -> Option<String> {
    let text = |name| problem.get(name).and_then(Json::as_text);
    match (text("reason"), text("detail").or_else(|| text("title"))) {
        (Some(reason), Some(detail)) => Some(format!("{reason} ({detail})")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_string_or_stands_in_a_problem_document() {
        assert_eq!(reason(br#""the uri is no https""#).as_deref(), Some("the uri is no https"));
        assert_eq!(reason(br#"{"title":"T","reason":"pop_time"}"#).as_deref(), Some("pop_time (T)"));
        assert_eq!(reason(br#"{"title":"T","detail":"D"}"#).as_deref(), Some("D"));
        for body in ["", "<html>", "[]", "{}", "{\"reason\":1}", "\"a\" \"b\""] {
            assert_eq!(reason(body.as_bytes()), None, "{body}");
        }
    }
}
