//! [`CompactJws`], a token as it travels. Making one is `protocol::token`'s, checking one the verifier's affair.

use std::fmt;

use serde::{Serialize, Serializer};

/// A JWS in compact serialisation (RFC 7515 section 7.1) that this program made.
///
/// It is a credential for as long as it lives, so neither [`fmt::Debug`] nor a log shows it: only [`CompactJws::as_str`]
/// and serialisation give it out.
#[derive(Clone, PartialEq, Eq)]
pub struct CompactJws(String);

impl CompactJws {
    /// Takes the three finished parts, joined.
    pub fn from_joined(token: String) -> Self {
        Self(token)
    }

    /// The token itself, for the one who asked for it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CompactJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompactJws({} bytes)", self.0.len())
    }
}

impl Serialize for CompactJws {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
