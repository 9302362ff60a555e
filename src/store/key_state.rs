//! [`KeyState`], where a token key is in its life.

use std::fmt;
use std::str::FromStr;

/// Where a key is in its life; it only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Made, to be published, signs nothing yet.
    Pending,
    /// The registry has it.
    Published,
    /// It was in a metadata set that was fetched and verified; other verifiers may hold an older one.
    Seen,
    /// The one that signs; at most one for each participant.
    Active,
    /// Signs no more; its last tokens are still valid, so it stays published.
    Retiring,
    /// Done with.
    Retired,
}

/// A word that names no state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is pending, published, seen, active, retiring or retired")]
pub struct UnknownKeyState;

impl KeyState {
    /// All, in the order of a life.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Published, Self::Seen, Self::Active, Self::Retiring, Self::Retired];

    /// Whether it is on its way to sign.
    pub const fn is_coming(self) -> bool {
        matches!(self, Self::Pending | Self::Published | Self::Seen)
    }

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Published => "published",
            Self::Seen => "seen",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for KeyState {
    type Err = UnknownKeyState;

    fn from_str(text: &str) -> Result<Self, UnknownKeyState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownKeyState)
    }
}
