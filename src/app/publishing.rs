//! From `[registry]` to a [`Publisher`] in a participant's name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::rand::SecureRandom;
use secrecy::SecretString;

use crate::config::RegistrySettings;
use crate::crypto::private_key::{PrivateKey, PrivateKeyError};
use crate::crypto::signer::{SignerError, SoftwareSigner};
use crate::flow::publish::Publisher;
use crate::https::{HttpsClient, HttpsUrl, UrlError};
use crate::protocol::metadata::{AnchorError, TrustAnchors};
use crate::protocol::pop::PopKey;
use crate::registry_client::{Pace, Party, RegistryClient, World};
use crate::store::key_files::{KeyFileError, read_private};
use crate::value::{Kid, Pid};

/// Why nothing can be published.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// It has no metadata key here.
    #[error("the configuration has no table [registry.participant.{0}]")]
    NoMetadataKey(Pid),
    /// The registry's URL, or its CA.
    #[error("registry.url {0}")]
    Url(#[from] UrlError),
    /// A file that cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of the metadata key.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// What is in it.
    #[error("{}: {source}", path.display())]
    PrivateKey {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: PrivateKeyError,
    },
    /// It does not sign.
    #[error("{}: {source}", path.display())]
    Unfit {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: SignerError,
    },
    /// The keys that sign answers.
    #[error("{}: {source}", path.display())]
    Trust {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: AnchorError,
    },
}

/// A publisher in the name of this participant; `passphrase` opens its metadata key if that is encrypted.
pub fn publisher(
    settings: &RegistrySettings,
    pid: Pid,
    passphrase: Option<&SecretString>,
    world: World,
) -> Result<Publisher, PublisherError> {
    let named = settings.participants.get(&pid).ok_or(PublisherError::NoMetadataKey(pid))?;
    let key = metadata_key(&named.file, &named.kid, passphrase, &*world.rng)?;
    let trust = settings.answer_trust.as_ref().unwrap_or(&settings.trust);
    let anchors = TrustAnchors::parse(&read(trust)?, settings.environment)
        .map_err(|source| PublisherError::Trust { path: trust.clone(), source })?;
    let ca = settings.ca.as_deref().map(read).transpose()?;
    let http = HttpsClient::new(ca.as_deref(), settings.timeout)?;
    let party = Party {
        pid,
        api: HttpsUrl::parse(&settings.url)?,
        key,
        trusted: anchors.keys().to_vec(),
        profile: settings.pop.clone(),
    };
    let pace = Pace::default();
    let pace = Pace { deadline: settings.timeout * pace.tries, ..pace };
    Ok(Publisher::new(RegistryClient::new(party, http, world, pace)))
}

/// The metadata key in this file, which only its owner may read.
pub fn metadata_key(
    path: &Path,
    kid: &Kid,
    passphrase: Option<&SecretString>,
    rng: &dyn SecureRandom,
) -> Result<PopKey, PublisherError> {
    let pem = read_private(path)?;
    let private = PrivateKey::from_pem(&pem, passphrase)
        .map_err(|source| PublisherError::PrivateKey { path: path.to_owned(), source })?;
    let signer =
        SoftwareSigner::new(&private, rng).map_err(|source| PublisherError::Unfit { path: path.to_owned(), source })?;
    Ok(PopKey { kid: kid.clone(), signer: Arc::new(signer) })
}

fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, PublisherError> {
    let path = path.as_ref();
    fs::read(path).map_err(|source| PublisherError::Unreadable { path: path.to_owned(), source })
}
