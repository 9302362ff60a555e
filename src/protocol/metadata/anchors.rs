//! [`TrustAnchors`]: the keys of the authority, which every participant holds out of band (MTS 4). Nothing that comes over
//! the network adds one.

use crate::crypto::public_key::{ExampleKeys, PublicKeyError};
use crate::protocol::jwk::{JwkError, JwkSet, PublicJwk, SkippedKey, Unusable, shown};
use crate::value::Kid;

/// The keys that may sign a metadata set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchors {
    keys: Vec<PublicJwk>,
    skipped: Vec<SkippedKey>,
    environment: Environment,
}

/// Which federation the anchors are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// The real one.
    Production,
    /// One for trying things out, whose anchor may be a key that everybody knows: BoB's test anchor is that of RFC 7515.
    Test,
}

/// Why there are no trust anchors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Not a key set, or one with a private or doubled key.
    #[error(transparent)]
    Set(#[from] JwkError),
    /// A key that everybody can sign with.
    #[error(
        "the trust anchor {} is the example key of {printed_in}: everybody can sign with it; tests only",
        shown(kid.as_deref())
    )]
    Example {
        /// Its id, if it has one.
        kid: Option<String>,
        /// Where its private half is printed.
        printed_in: &'static str,
    },
    /// No key at all, or none that can be used: nothing could ever be trusted.
    #[error("there is no trust anchor among the keys that are given; {skipped} of them cannot be used")]
    Empty {
        /// How many keys were left out.
        skipped: usize,
    },
}

impl TrustAnchors {
    /// Reads a JWK set of anchors.
    pub fn parse(bytes: &[u8], environment: Environment) -> Result<Self, AnchorError> {
        let examples = match environment {
            Environment::Production => ExampleKeys::Refuse,
            Environment::Test => ExampleKeys::AdmitForTests,
        };
        let JwkSet { keys, skipped } = JwkSet::parse_with(bytes, examples)?;
        for key in &skipped {
            if let Unusable::Key(PublicKeyError::Example(printed_in)) = key.why {
                return Err(AnchorError::Example { kid: key.kid.clone(), printed_in });
            }
        }
        if keys.is_empty() {
            return Err(AnchorError::Empty { skipped: skipped.len() });
        }
        Ok(Self { keys, skipped, environment })
    }

    /// The anchor with this id.
    pub(super) fn find(&self, kid: &str) -> Option<&PublicJwk> {
        self.keys.iter().find(|anchor| anchor.kid.as_str() == kid)
    }

    /// The anchors.
    pub fn keys(&self) -> &[PublicJwk] {
        &self.keys
    }

    /// The keys that were given and cannot be used.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Which federation they are of.
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// The anchors that everybody can sign with, and where they are printed: something to warn of at every start.
    pub fn examples(&self) -> impl Iterator<Item = (&Kid, &'static str)> {
        self.keys.iter().filter_map(|anchor| Some((&anchor.kid, anchor.key.printed_in()?)))
    }
}
