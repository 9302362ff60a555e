//! What the keys of the administering body are for, and where they are in their life.

use std::fmt;
use std::str::FromStr;

/// What a key of the administering body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnchorRole {
    /// Signs sets, first.
    Primary,
    /// Signs sets as well: for those who cannot do the primary's algorithm, and for the day when the primary is lost.
    Fallback,
    /// Signs answers to participants. No set counts for its signature.
    Response,
}

/// Where such a key is in its life; it only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnchorState {
    /// To take the place of the active one. It is told to participants, and signs sets beside it already.
    Announced,
    /// In force; one for each role.
    Active,
    /// Signs no more and is told to nobody.
    Retired,
}

/// A word that names no role or state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write one of {0}")]
pub struct UnknownWord(&'static str);

/// Gives a closed set of names its text form in both directions.
macro_rules! names {
    ($set:ident: $all:literal { $($name:ident = $text:literal),* }) => {
        impl $set {
            /// As it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }

        impl fmt::Display for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $set {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($text => Ok(Self::$name),)*
                    _ => Err(UnknownWord($all)),
                }
            }
        }
    };
}

names!(AnchorRole: "primary, fallback, response" { Primary = "primary", Fallback = "fallback", Response = "response" });
names!(AnchorState: "announced, active, retired" { Announced = "announced", Active = "active", Retired = "retired" });

impl AnchorRole {
    /// Whether its signature makes a set count.
    pub const fn signs_sets(self) -> bool {
        matches!(self, Self::Primary | Self::Fallback)
    }
}
