//! From store, key files and settings to the snapshot that answers requests.

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use secrecy::SecretString;

use super::hardening::system_random;
use crate::config::{Config, Limits};
use crate::flow::issue::Snapshot;
use crate::flow::key_ring::{ActiveKey, KeyRing};
use crate::flow::load_key::{KeyLoadError, load_token_key};
use crate::flow::policy::Policies;
use crate::flow::rate_limit::{RateLimit, RateLimiter};
use crate::protocol::token::TokenKey;
use crate::store::key_files::KeyFiles;
use crate::store::{AuthtokenKey, Directory, KeyState, Store, StoreError};
use crate::value::{Kid, Pid, Timestamp};
use crate::web::metrics::KeyFact;
use crate::web::state::Limiters;

/// Which file this is, if there is one.
pub(super) fn inode(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| metadata.ino())
}

/// Loads snapshots. Keeps the keys that it loaded, so that a key whose file goes missing goes on signing.
pub(super) struct Loader {
    store: Store,
    /// The inode of the store's file, which stays open whatever takes its place.
    pub(super) store_file: Option<u64>,
    files: KeyFiles,
    loaded: Mutex<HashMap<(Pid, Kid), Arc<TokenKey>>>,
    /// The key that signed last, per participant.
    active: Mutex<HashMap<Pid, Arc<TokenKey>>>,
    facts: Mutex<Vec<KeyFact>>,
}

impl Loader {
    pub(super) fn new(store: Store, config: &Config) -> Self {
        Self {
            store_file: inode(store.path()),
            store,
            files: KeyFiles::new(config.keys.directory.clone()),
            loaded: Mutex::default(),
            active: Mutex::default(),
            facts: Mutex::default(),
        }
    }

    /// The revision that the store has now.
    pub(super) async fn revision(&self) -> Result<i64, StoreError> {
        self.store.revision().await
    }

    /// Forgets audit rows from before `oldest`.
    pub(super) async fn prune_audit(&self, oldest: Timestamp) -> Result<u64, StoreError> {
        self.store.prune_audit(oldest).await
    }

    /// Everything as the store and the settings have it now. A key that cannot be loaded is reported and left out; then
    /// the participant goes on signing with the key that it had.
    pub(super) async fn snapshot(&self, config: &Config) -> Result<Snapshot, StoreError> {
        let directory = Directory::load(&self.store).await?;
        let keys = self.key_ring(&self.store.keys(None).await?, config.keys.passphrase.as_ref());
        let policies = Policies::new(config.token.clone(), config.participants.clone().into_iter().collect());
        Ok(Snapshot { directory, keys, policies })
    }

    pub(super) fn key_facts(&self) -> Vec<KeyFact> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn key_ring(&self, rows: &[AuthtokenKey], passphrase: Option<&SecretString>) -> KeyRing {
        let mut ring = KeyRing::default();
        let mut facts = Vec::new();
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.retain(|pid, key| {
            let signs = rows.iter().any(|row| row.pid == *pid && row.state == KeyState::Active);
            // A key that was withdrawn is of no use, also in place of one that cannot be loaded.
            let known = |row: &AuthtokenKey| row.state != KeyState::Retired && row.life.withdrawn.is_none();
            signs && rows.iter().any(|row| row.pid == *pid && row.kid == *key.kid() && known(row))
        });
        for row in rows.iter().filter(|row| row.state != KeyState::Retired) {
            facts.push(fact(row));
            match serde_json::from_str::<Jwk>(&row.public_jwk) {
                // Whoever else has it shall not be believed.
                Ok(_) if !row.may_be_told() => {}
                Ok(jwk) => ring.publish(row.pid, jwk),
                Err(error) => {
                    tracing::error!(pid = %row.pid, kid = %row.kid, %error, "a public key in the store is no JWK");
                }
            }
            if row.state == KeyState::Active {
                match self.token_key(row, passphrase) {
                    Ok(key) => drop(active.insert(row.pid, key)),
                    Err(error) => tracing::error!(pid = %row.pid, kid = %row.kid, %error,
                        "the active key cannot be loaded; the key that signed before, if there is one, goes on signing"),
                }
            }
        }
        for (pid, key) in active.iter() {
            let not_after =
                rows.iter().find(|row| row.pid == *pid && row.kid == *key.kid()).and_then(|row| row.not_after);
            ring.activate(*pid, ActiveKey { key: Arc::clone(key), not_after });
        }
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = facts;
        ring
    }

    fn token_key(&self, row: &AuthtokenKey, passphrase: Option<&SecretString>) -> Result<Arc<TokenKey>, KeyLoadError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (row.pid, row.kid.clone());
        if let Some(key) = loaded.get(&name) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(load_token_key(&self.files, passphrase, row, &*system_random())?);
        loaded.insert(name, Arc::clone(&key));
        Ok(key)
    }
}

fn fact(row: &AuthtokenKey) -> KeyFact {
    KeyFact {
        pid: row.pid,
        kid: row.kid.clone(),
        state: row.state.as_str(),
        created: row.created,
        not_after: row.not_after,
    }
}

/// A source that goes on beyond its limit is recorded once in ten seconds.
const FLOOD_NOTES: RateLimit = RateLimit { interval: Duration::from_secs(10), burst: NonZeroU32::MIN };

/// The limiters that these settings ask for.
pub(super) fn limiters(limits: &Limits) -> Limiters {
    let limit =
        |setting: crate::config::RateLimit| RateLimit { interval: setting.rate.interval(), burst: setting.burst };
    Limiters {
        fingerprint: limits.requests_per_fingerprint.and_then(|setting| RateLimiter::new(limit(setting))),
        source: limits.requests_per_source.and_then(|setting| RateLimiter::new(limit(setting))),
        flood_notes: RateLimiter::new(FLOOD_NOTES),
    }
}
