//! [`Owner`], who proves itself with a certificate.

use std::fmt;

use crate::value::EntityId;

/// Who proves itself with a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// One entity. For a revoked certificate possibly one that has been removed since.
    Entity(EntityId),
    /// Any entity of the participant that has no active certificate of its own.
    Participant,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entity(id) => write!(f, "entity {id}"),
            Self::Participant => f.write_str("all entities"),
        }
    }
}
