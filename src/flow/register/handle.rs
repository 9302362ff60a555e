//! [`Register`], the handle.

use crate::protocol::jwk::PublicJwk;
use crate::protocol::registry::body::read_entry;
use crate::store::{Store, StoreError};
use crate::value::Pid;

/// The register. Clones share its store.
#[derive(Debug, Clone)]
pub struct Register {
    pub(super) store: Store,
    pub(super) limits: Limits,
}

/// How much one participant may publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys at one time in one list.
    pub keys: u32,
    /// Key ids ever used in one list; they are remembered for good.
    pub kids: u32,
    /// Endpoints.
    pub endpoints: u32,
    /// Signature constraints.
    pub constraints: u32,
    /// Bytes of `participantInfo`, without white space.
    pub info_bytes: u32,
}

/// Where the register is, and where the set that was built of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revisions {
    /// Rises with every change of what participants see.
    pub register: i64,
    /// The revision that the set was built of; `None` before the first set.
    pub built: Option<i64>,
    /// The serial of the set.
    pub serial: Option<u64>,
}

impl Limits {
    /// Far more than any participant has, and far from harm.
    pub const DEFAULT: Self =
        Self { keys: 256, kids: 16_384, endpoints: 256, constraints: 1024, info_bytes: 16 * 1024 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Revisions {
    /// Whether changes wait that the set does not have yet.
    pub fn is_behind(&self) -> bool {
        self.built != Some(self.register)
    }
}

impl Register {
    /// The register in this store.
    pub const fn new(store: Store, limits: Limits) -> Self {
        Self { store, limits }
    }

    /// The keys that this participant may prove itself with now; none if it is unknown or removed.
    pub async fn metadata_keys(&self, pid: Pid) -> Result<Vec<PublicJwk>, StoreError> {
        let keys = self.store.metadata_keys(Some(pid)).await?;
        let in_force = keys.iter().filter(|key| key.revoked.is_none());
        in_force
            .map(|key| {
                let damaged = |why: &dyn std::fmt::Display| {
                    StoreError::Corrupt(format!("the metadata key {} of participant {pid} is no key: {why}", key.kid))
                };
                read_entry(key.jwk.as_bytes()).map_err(|error| damaged(&error))
            })
            .collect()
    }

    /// How far the set is behind; a cheap read, made for polling.
    pub async fn revisions(&self) -> Result<Revisions, StoreError> {
        let state = self.store.register_state().await?;
        let (built, serial) = (state.set.map(|set| set.revision), state.set.map(|set| set.serial));
        Ok(Revisions { register: state.revision, built, serial })
    }
}
