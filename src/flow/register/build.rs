//! Builds the signed set: the content of one revision, a serial that was never there, and a signature of every anchor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ring::rand::SecureRandom;
use secrecy::SecretString;

use crate::protocol::metadata::sign::SignError;
use crate::store::key_files::KeyFiles;
use crate::store::{Change, StoreError};
use crate::value::Pid;

use super::built::BuiltSet;
use super::handle::Register;

/// What sets are to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetRules {
    /// The pid of the authority.
    pub authid: Pid,
    /// How long a set is good.
    pub valid_for: Duration,
    /// How often a new one is made, as it is told to participants.
    pub interval: Option<Duration>,
    /// A set of this age is built again although nothing changed; less than `valid_for`.
    pub renew_after: Duration,
}

/// Where the anchors are, and what they are used with.
#[derive(Clone)]
pub struct AnchorRoom {
    /// Their private halves.
    pub files: KeyFiles,
    /// What the files are encrypted with, if they are.
    pub passphrase: Option<SecretString>,
    /// For the signatures.
    pub rng: Arc<dyn SecureRandom + Send + Sync>,
}

/// What came of a look whether there is something to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// A new set.
    New(BuiltSet),
    /// The set that there was says everything, for long enough.
    Kept(BuiltSet),
}

/// Why there is no new set. The one that was built before is as good as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nobody could read it: a set has at least one participant, the authority itself.
    #[error("the register has no participant, and a set without one is refused by everybody who reads it")]
    Empty,
    /// Nobody can sign.
    #[error("the register has no anchor; `bob-auth registry-admin anchor generate` makes one")]
    NoAnchor,
    /// More bytes than those who read it take.
    #[error("the set would have {bytes} bytes, more than the {most} that are read")]
    TooLarge {
        /// How many it would have.
        bytes: usize,
        /// How many are read.
        most: usize,
    },
    /// The register changes faster than sets are built; to be tried again.
    #[error("the register changed while the set was built")]
    Changing,
    /// A signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Register {
    /// Builds a new set if there is need for one: something changed, the rules are others, or the end of the set is near.
    /// The signing is done on a thread of its own. Two processes that build at the same time never give one serial to two
    /// contents.
    pub async fn build_set(
        &self,
        _room: &AnchorRoom,
        _rules: &SetRules,
        _change: &Change,
    ) -> Result<Built, BuildError> {
        unimplemented!()
    }
}

impl fmt::Debug for AnchorRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnchorRoom").field("files", &self.files).finish_non_exhaustive()
    }
}
