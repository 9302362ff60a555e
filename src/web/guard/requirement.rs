//! [`Requirement`]: whom a route lets pass, written as short as `class("val").from(pid(1))`. A mistake in it is kept until the
//! server starts, and keeps it from starting.

use crate::flow::verify::Allowed;
use crate::value::{Class, ClassError, Pid, PidError};

/// Callers whom a route lets pass: of a class, of a participant, or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement(Result<Allowed, RequirementError>);

/// A participant, as a route names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant(Result<Pid, RequirementError>);

/// Why a requirement is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// A text that is no class.
    #[error("class({text:?}): {error}")]
    Class {
        /// What was written.
        text: String,
        /// Why.
        error: ClassError,
    },
    /// A number that is no participant id.
    #[error("pid({number}): {error}")]
    Pid {
        /// What was written.
        number: i64,
        /// Why.
        error: PidError,
    },
}

/// Callers of this class (`bobAuthZ`), of any participant: `class("val")`.
pub fn class(text: &str) -> Requirement {
    let class = text.parse().map_err(|error| RequirementError::Class { text: text.to_owned(), error });
    Requirement(class.map(Allowed::class))
}

/// Callers of this participant, of any class: `pid(1)`.
pub const fn pid(number: i64) -> Participant {
    match Pid::new(number) {
        Ok(pid) => Participant(Ok(pid)),
        Err(error) => Participant(Err(RequirementError::Pid { number, error })),
    }
}

impl Requirement {
    /// The same, of this participant only: `class("val").from(pid(1))`.
    #[must_use]
    pub fn from(self, participant: impl Into<Participant>) -> Self {
        Self(self.0.and_then(|allowed| Ok(allowed.from(participant.into().0?))))
    }

    /// The pair of class and participant, unless there was a mistake.
    pub fn check(&self) -> Result<&Allowed, RequirementError> {
        self.0.as_ref().map_err(Clone::clone)
    }
}

impl From<Class> for Requirement {
    fn from(class: Class) -> Self {
        Self(Ok(Allowed::class(class)))
    }
}

impl From<Allowed> for Requirement {
    fn from(allowed: Allowed) -> Self {
        Self(Ok(allowed))
    }
}

impl From<Participant> for Requirement {
    fn from(participant: Participant) -> Self {
        Self(participant.0.map(Allowed::issuer))
    }
}

impl From<Pid> for Participant {
    fn from(pid: Pid) -> Self {
        Self(Ok(pid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(requirement: impl Into<Requirement>) -> String {
        match requirement.into().check() {
            Ok(allowed) => allowed.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_requirement_names_a_class_a_participant_or_both() {
        assert_eq!(written(class("val")), "*:val");
        assert_eq!(written(pid(1)), "1:*");
        assert_eq!(written(class("val").from(pid(1))), "1:val");
    }

    #[test]
    fn a_mistake_is_kept_and_never_means_anyone() {
        for (mistake, named) in [
            (class("a b"), "class(\"a b\"): "),
            (class(""), "class(\"\"): "),
            (class("val").from(pid(0)), "pid(0): "),
            (class("*").from(pid(-1)), "class(\"*\"): "),
            (pid(0).into(), "pid(0): "),
        ] {
            assert!(written(mistake).starts_with(named));
        }
    }
}
