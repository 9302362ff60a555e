//! [`Published`]: the public keys of issuers, where they are given: signatures can be verified with them.

use std::path::PathBuf;

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::input::read;
use crate::crypto::public_key::PublicKey;
use crate::protocol::jwk::{JwkSet, PublicJwk};
use crate::protocol::key_set::KeySet;
use crate::protocol::metadata::{Environment, SignedSet, TrustAnchors};
use crate::value::{Kid, Pid, Timestamp};

/// Where public keys are.
#[derive(Debug, Args)]
pub(super) struct KeyFiles {
    /// The issuer's public keys as a JWK set
    #[arg(long, value_name = "FILE", conflicts_with = "metadata")]
    jwks: Option<PathBuf>,
    /// The keys as a signed metadata set
    #[arg(long, value_name = "FILE", requires = "trust")]
    metadata: Option<PathBuf>,
    /// The trust anchors of the metadata set, as a JWK set that came another way
    #[arg(long, value_name = "JWKS", requires = "metadata")]
    trust: Option<PathBuf>,
    /// Accept as an anchor the key that is printed in RFC 7515 and signs the sets of a BoB test environment
    #[arg(long, requires = "metadata")]
    test_environment: bool,
}

/// The public keys of one issuer, or of a whole federation.
#[derive(Debug)]
pub(super) enum Published {
    /// Of whoever is examined.
    OfOne(Vec<PublicJwk>),
    /// Of every participant.
    OfAll(KeySet),
}

impl KeyFiles {
    /// The keys, if any were given.
    pub(super) fn read(&self, now: Timestamp) -> Result<Option<Published>, CliError> {
        if let Some(path) = &self.jwks {
            let set = JwkSet::parse(&read(path)?).map_err(|error| {
                CliError::new(error).at(path).next("name a JWK set, such as `bob-auth key export --jwks` writes")
            })?;
            return Ok(Some(Published::OfOne(set.keys)));
        }
        let (Some(path), Some(trust)) = (&self.metadata, &self.trust) else { return Ok(None) };
        let environment = if self.test_environment { Environment::Test } else { Environment::Production };
        let anchors = TrustAnchors::parse(&read(trust)?, environment).map_err(|error| {
            CliError::new(error).at(trust).next("the anchors come from the administering body, out of band")
        })?;
        let set = SignedSet::verify(&read(path)?, &anchors, now).map_err(|error| CliError::new(error).at(path))?;
        Ok(Some(Published::OfAll(set.into_key_set())))
    }
}

impl Published {
    /// The key of this issuer with this id.
    pub(super) fn find(&self, issuer: &str, kid: &str) -> Option<PublicKey> {
        let (issuer, kid) = (issuer.parse::<Pid>().ok()?, kid.parse::<Kid>().ok()?);
        match self {
            Self::OfOne(keys) => keys.iter().find(|key| key.kid == kid).map(|key| key.key.clone()),
            Self::OfAll(keys) => keys.find(issuer, &kid).ok().cloned(),
        }
    }
}
