//! [`Failure`]: what went otherwise than the story says, with the evidence.

use std::fmt;

use crate::cli::error::CliError;

/// Why the story ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) what: String,
    /// What had to come, and what came.
    pub(super) expected: Option<(String, String)>,
    /// Whose log it is, and its end.
    pub(super) log: Option<(String, Vec<String>)>,
}

impl Failure {
    pub(super) fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), expected: None, log: None }
    }

    /// Something else came than had to.
    pub(super) fn unexpected(what: impl fmt::Display, expected: impl fmt::Display, seen: impl fmt::Display) -> Self {
        Self { expected: Some((expected.to_string(), seen.to_string())), ..Self::new(what) }
    }

    /// With the end of somebody's log.
    pub(super) fn with_log(self, name: &str, end: Vec<String>) -> Self {
        Self { log: Some((name.to_owned(), end)), ..self }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        Self::new(error.to_string().trim_start_matches("bob-auth: "))
    }
}
