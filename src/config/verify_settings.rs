//! `[verify]` as plain structures: whose tokens count, and where the keys come from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::registry_settings::RegistryOrigin;
use crate::flow::route_rules::RouteRules;
use crate::flow::verify::{CacheSize, Policy};
use crate::protocol::metadata::Environment;
use crate::value::Pid;

/// `[verify]` with the tables below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifySettings {
    /// Where the keys come from.
    pub origins: KeyOrigins,
    /// What a token must be like, and whose.
    pub policy: Policy,
    /// `[verify.rule.NAME]`
    pub rules: RouteRules,
    /// How many verified tokens are remembered; `None` for none.
    pub cache: Option<CacheSize>,
}

/// Where the keys come from. At least one of `metadata`, `registry` and `issuers` is there, and not both of the first two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOrigins {
    /// A signed metadata set.
    pub metadata: Option<MetadataFiles>,
    /// The signed metadata set of `[registry]`.
    pub registry: Option<RegistryOrigin>,
    /// `[verify.issuer.PID]`
    pub issuers: BTreeMap<Pid, IssuerOrigin>,
    /// Which keys may be trust anchors of `metadata`.
    pub environment: Environment,
    /// How often URLs are fetched.
    pub refresh: Duration,
}

impl KeyOrigins {
    /// The files that say whom to believe: trust anchors and CAs.
    pub fn trusted_files(&self) -> impl Iterator<Item = &PathBuf> {
        let authorities = self.issuers.values().filter_map(|origin| match origin {
            IssuerOrigin::Url { ca, .. } => ca.as_ref(),
            IssuerOrigin::File(_) => None,
        });
        let registry = self.registry.iter().flat_map(|registry| registry.ca.iter().chain([&registry.trust]));
        self.metadata.iter().map(|metadata| &metadata.trust).chain(registry).chain(authorities)
    }
}

/// A signed metadata set and who may have signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataFiles {
    /// The set itself.
    pub set: PathBuf,
    /// The trust anchors, a JWK set.
    pub trust: PathBuf,
}

/// Where the keys of one issuer come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerOrigin {
    /// A file.
    File(PathBuf),
    /// A URL.
    Url {
        /// Which; `https`, unless it is on this machine.
        url: String,
        /// The CA of its server, if the system's do not do.
        ca: Option<PathBuf>,
    },
}
