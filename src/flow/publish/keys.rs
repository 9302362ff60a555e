//! Keys: published, repaired, withdrawn. A key under an id that another key has is never passed over in silence.

use super::error::PublishError;
use super::publisher::{Published, Publisher, Standing, Withdrawn, gone, settle, standing};
use crate::crypto::public_key::PublicKey;
use crate::protocol::jwk::PublicJwk;
use crate::protocol::metadata::MtbKey;
use crate::protocol::registry::operation::Verb;
use crate::registry_client::{Believed, ClientError, RegistryClient, Tagged};
use crate::value::Kid;

/// How often a key is posted whose answers are lost.
const POSTS: u32 = 3;

/// A key of one of the two lists.
trait Key: PartialEq {
    fn kid(&self) -> &Kid;
    fn key(&self) -> &PublicKey;
    async fn read(&self, client: &RegistryClient) -> Result<Tagged<Self>, ClientError>
    where
        Self: Sized;
    async fn post(&self, client: &RegistryClient) -> Result<Believed, ClientError>;
    async fn put(&self, client: &RegistryClient, etag: Option<&str>) -> Result<Believed, ClientError>;
}

impl Publisher {
    /// Publishes a key that checks tokens.
    pub async fn publish_authtoken_key(&self, key: &PublicJwk) -> Result<Published, PublishError> {
        self.publish(key).await
    }

    /// Puts this key in the place of a wrong one with the same id.
    pub async fn replace_authtoken_key(&self, key: &PublicJwk) -> Result<Published, PublishError> {
        self.replace(key).await
    }

    /// Takes away a key that checks tokens.
    pub async fn withdraw_authtoken_key(&self, kid: &Kid) -> Result<Withdrawn, PublishError> {
        gone(self.client.delete_authtoken_key(kid, None).await)
    }

    /// Publishes a key that checks tickets.
    pub async fn publish_mtb_key(&self, key: &MtbKey) -> Result<Published, PublishError> {
        self.publish(key).await
    }

    /// Puts this key in the place of a wrong one with the same id.
    pub async fn replace_mtb_key(&self, key: &MtbKey) -> Result<Published, PublishError> {
        self.replace(key).await
    }

    /// Takes away a key that checks tickets.
    pub async fn withdraw_mtb_key(&self, kid: &Kid) -> Result<Withdrawn, PublishError> {
        gone(self.client.delete_mtb_key(kid, None).await)
    }

    /// Looks, posts, and looks again after whatever leaves a doubt. A refusal of the id may come from our own first try, or
    /// from another instance that was quicker.
    async fn publish<K: Key>(&self, key: &K) -> Result<Published, PublishError> {
        let mut failed: Option<ClientError> = None;
        for tried in 0..=POSTS {
            match standing(key.read(&self.client).await, key)? {
                Standing::Same if failed.is_some() => return Ok(Published::Now),
                Standing::Same => return Ok(Published::AlreadyThere),
                Standing::Other(found) => return Err(other(&found.value, key)),
                Standing::Absent => {}
            }
            if let Some(error) = failed.take() {
                // It would be safe to repeat: a key is taken once under its id.
                if tried == POSTS || !error.is_retried(Verb::Put) {
                    return Err(error.into());
                }
                self.client.pause(tried).await;
            }
            match key.post(&self.client).await {
                Ok(_) => return Ok(Published::Now),
                Err(error) if error.leaves_doubt() || matches!(error, ClientError::KidUsedUp { .. }) => {
                    failed = Some(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(failed.unwrap_or(ClientError::NotFound).into())
    }

    async fn replace<K: Key>(&self, key: &K) -> Result<Published, PublishError> {
        match standing(key.read(&self.client).await, key)? {
            Standing::Same => Ok(Published::AlreadyThere),
            Standing::Absent => Err(ClientError::NotFound.into()),
            Standing::Other(found) => {
                let put = key.put(&self.client, found.etag.as_deref());
                settle(put, key.read(&self.client), key).await
            }
        }
    }
}

fn other<K: Key>(theirs: &K, ours: &K) -> PublishError {
    let kid = ours.kid().clone();
    if theirs.key() == ours.key() {
        return PublishError::OtherScope(kid);
    }
    PublishError::OtherKey { kid, theirs: theirs.key().thumbprint(), ours: ours.key().thumbprint() }
}

impl Key for PublicJwk {
    fn kid(&self) -> &Kid {
        &self.kid
    }

    fn key(&self) -> &PublicKey {
        &self.key
    }

    async fn read(&self, client: &RegistryClient) -> Result<Tagged<Self>, ClientError> {
        client.authtoken_key(&self.kid).await
    }

    async fn post(&self, client: &RegistryClient) -> Result<Believed, ClientError> {
        client.post_authtoken_key(self).await
    }

    async fn put(&self, client: &RegistryClient, etag: Option<&str>) -> Result<Believed, ClientError> {
        client.put_authtoken_key(self, etag).await
    }
}

impl Key for MtbKey {
    fn kid(&self) -> &Kid {
        &self.kid
    }

    fn key(&self) -> &PublicKey {
        &self.key
    }

    async fn read(&self, client: &RegistryClient) -> Result<Tagged<Self>, ClientError> {
        client.mtb_key(&self.kid).await
    }

    async fn post(&self, client: &RegistryClient) -> Result<Believed, ClientError> {
        client.post_mtb_key(self).await
    }

    async fn put(&self, client: &RegistryClient, etag: Option<&str>) -> Result<Believed, ClientError> {
        client.put_mtb_key(self, etag).await
    }
}
