//! What the administering body decides about participants: who takes part, and with which keys it proves itself.

use crate::protocol::jwk::{PublicJwk, bare_jwk};
use crate::protocol::registry::body::{BodyError, read_entry};
use crate::store::register::{MetadataKey, Registered};
use crate::store::{Change, StoreError};
use crate::value::{Kid, Pid};

use super::handle::Register;

/// Why a metadata key is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum MetadataKeyFault {
    /// It is no public key, or one that must not be used.
    #[error("this is no public key that a participant could prove itself with: {0}")]
    NoKey(#[from] BodyError),
    /// The public half cannot be written down; does not happen.
    #[error("the public key could not be written")]
    Jwk(#[from] serde_json::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Register {
    /// All participants by pid, those that were removed among them.
    pub async fn participants(&self) -> Result<Vec<Registered>, StoreError> {
        self.store.registered().await
    }

    /// Adds a participant, possibly one that was removed: its kids stay used, and its metadata keys revoked.
    pub async fn add_participant(&self, pid: Pid, name: &str, change: &Change) -> Result<Registered, StoreError> {
        self.store.add_registered(pid, name, change).await
    }

    /// Gives a participant another name.
    pub async fn rename_participant(&self, pid: Pid, name: &str, change: &Change) -> Result<Registered, StoreError> {
        self.store.rename_registered(pid, name, change).await
    }

    /// Removes a participant with everything that it published, and revokes its metadata keys.
    pub async fn remove_participant(&self, pid: Pid, change: &Change) -> Result<Registered, StoreError> {
        self.store.remove_registered(pid, change).await
    }

    /// All metadata keys, or those of one participant; revoked ones among them.
    pub async fn all_metadata_keys(&self, pid: Option<Pid>) -> Result<Vec<MetadataKey>, StoreError> {
        self.store.metadata_keys(pid).await
    }

    /// Takes the JWK of a participant in: a public key, no private member, none that is printed in a standard.
    pub async fn add_metadata_key(
        &self,
        pid: Pid,
        jwk: &[u8],
        change: &Change,
    ) -> Result<MetadataKey, MetadataKeyFault> {
        let PublicJwk { kid, key } = read_entry(jwk)?;
        let key = MetadataKey {
            pid,
            thumbprint: key.thumbprint(),
            jwk: serde_json::to_string(&bare_jwk(&kid, &key))?,
            kid,
            added: change.at,
            revoked: None,
        };
        Ok(self.store.add_metadata_key(&key, change).await?)
    }

    /// Revokes a metadata key: nothing that it signs is taken from now on.
    pub async fn revoke_metadata_key(&self, pid: Pid, kid: &Kid, change: &Change) -> Result<MetadataKey, StoreError> {
        self.store.revoke_metadata_key(pid, kid, change).await
    }
}
