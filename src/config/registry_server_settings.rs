//! `[registry_server]` as a plain structure: whose registry, what its sets are like, and what one participant may take.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::settings::RateLimit;
use super::size::ByteSize;
use crate::protocol::pop::PopProfile;
use crate::value::Pid;

/// `[registry_server]`
#[derive(Debug, Clone)]
pub struct RegistryServerSettings {
    /// The administering body.
    pub authid: Pid,
    /// The directory with the private keys that sign the set and the answers.
    pub anchors: PathBuf,
    /// What these files are encrypted with, if they are.
    pub passphrase: Option<SecretString>,
    /// What sets are like.
    pub set: SetSettings,
    /// What happens while changes are folded into a new set.
    pub fold: FoldSettings,
    /// The names by which this registry is known, in lower case; none: the addresses that it is bound to.
    pub hosts: Vec<String>,
    /// The most bytes of a body.
    pub body_bytes: ByteSize,
    /// Requests of one participant.
    pub requests_per_participant: Option<RateLimit>,
    /// How many proofs are remembered.
    pub proofs: NonZeroUsize,
    /// What was agreed upon for proof of possession.
    pub pop: PopProfile,
}

/// What sets are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetSettings {
    /// How long a set may be used.
    pub valid_for: Duration,
    /// At which age it is built again; less than `valid_for`.
    pub renew_after: Duration,
    /// How often there is a new one, as participants are told.
    pub interval: Option<Duration>,
    /// How long somebody who fetched it need not ask again.
    pub max_age: Duration,
}

/// What happens while changes are folded into a new set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldSettings {
    /// A set is built when nothing has changed for so long.
    pub quiet: Duration,
    /// Or after this time at the latest.
    pub at_most: Duration,
    /// What readers get meanwhile.
    pub readers_get: WhileFolding,
}

/// What readers of the set get while changes are folded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhileFolding {
    /// 409, and when to come again.
    Conflict,
    /// The set that was built last.
    LastSet,
}

/// Two passphrases are the same if their bytes are; nobody outside measures the time.
impl PartialEq for RegistryServerSettings {
    fn eq(&self, other: &Self) -> bool {
        let secret = |settings: &Self| settings.passphrase.as_ref().map(|secret| secret.expose_secret().to_owned());
        let rest = |settings: &Self| {
            (
                (settings.authid, settings.anchors.clone(), settings.set, settings.fold),
                (settings.hosts.clone(), settings.body_bytes, settings.requests_per_participant, settings.proofs),
                settings.pop.clone(),
            )
        };
        secret(self) == secret(other) && rest(self) == rest(other)
    }
}

impl Eq for RegistryServerSettings {}
