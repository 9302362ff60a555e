//! `[registry]` and `[rotation]` as plain structures: where keys are published, and when.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::crypto::algorithm::Algorithm;
use crate::protocol::metadata::Environment;
use crate::protocol::pop::PopProfile;
use crate::value::{Kid, Pid};

/// Where the whole set is, below the base path (Participant Metadata API 2.3.1).
const WHOLE_SET: &str = "/participantMetadata";

/// `[registry]` with the tables below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySettings {
    /// The API with its base path; `https`, unless it is on this machine.
    pub url: String,
    /// The CA of its server, if the system's do not do.
    pub ca: Option<PathBuf>,
    /// The trust anchors of metadata sets, a JWK set.
    pub trust: PathBuf,
    /// The keys that sign answers, a JWK set; those of `trust` if there is none.
    pub answer_trust: Option<PathBuf>,
    /// Which keys may be trust anchors.
    pub environment: Environment,
    /// Where the last good set is kept.
    pub cache: PathBuf,
    /// How often the set is fetched at least.
    pub refresh: Duration,
    /// How long a set may be used after its end.
    pub grace: Duration,
    /// How long one request may take.
    pub timeout: Duration,
    /// How possession of a metadata key is proven.
    pub pop: PopProfile,
    /// `[registry.participant.PID]`: those that publish from here.
    pub participants: BTreeMap<Pid, MetadataKeyFile>,
}

/// What of `[registry]` its metadata set is read with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryOrigin {
    /// See [`RegistrySettings::url`].
    pub url: String,
    /// See [`RegistrySettings::ca`].
    pub ca: Option<PathBuf>,
    /// See [`RegistrySettings::trust`].
    pub trust: PathBuf,
    /// See [`RegistrySettings::environment`].
    pub environment: Environment,
    /// See [`RegistrySettings::cache`].
    pub cache: PathBuf,
    /// See [`RegistrySettings::refresh`].
    pub refresh: Duration,
    /// See [`RegistrySettings::grace`].
    pub grace: Duration,
    /// See [`RegistrySettings::timeout`].
    pub timeout: Duration,
}

impl RegistrySettings {
    /// Where its metadata set comes from.
    pub fn origin(&self) -> RegistryOrigin {
        RegistryOrigin {
            url: self.url.clone(),
            ca: self.ca.clone(),
            trust: self.trust.clone(),
            environment: self.environment,
            cache: self.cache.clone(),
            refresh: self.refresh,
            grace: self.grace,
            timeout: self.timeout,
        }
    }
}

impl RegistryOrigin {
    /// The URL of the metadata set.
    pub fn set_url(&self) -> String {
        format!("{}{WHOLE_SET}", self.url.trim_end_matches('/'))
    }
}

/// `[registry.participant.PID]`: the key with which a participant proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataKeyFile {
    /// Its id.
    pub kid: Kid,
    /// The private key, PEM.
    pub file: PathBuf,
}

/// `[rotation]`: the life of keys that sign tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationSettings {
    /// Whether a running service does it by itself.
    pub automatic: bool,
    /// How long a key signs.
    pub every: Duration,
    /// How long a key must have been in the set before it signs.
    pub wait: Duration,
    /// How long a key stays published after its last token expired.
    pub leeway: Duration,
    /// What new keys are for.
    pub algorithm: Algorithm,
    /// How often is looked what is due.
    pub check_every: Duration,
    /// How long a step may fail before it is an alarm.
    pub alarm_after: Duration,
}
