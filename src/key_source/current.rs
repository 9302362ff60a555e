//! [`CurrentKeys`]: the key set in force. It is replaced whole, never changed in place, and each replacement counts.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use crate::protocol::key_set::KeySet;

/// The key set in force, shared by verifiers and by whoever keeps it fresh.
pub struct CurrentKeys {
    held: ArcSwap<Held>,
    /// One replacement at a time, so that no two share a generation.
    replacing: Mutex<()>,
}

/// A key set and which one it is.
#[derive(Debug)]
pub struct Held {
    /// Rises with every replacement, so that nothing worked out with an earlier set is taken for this one's.
    pub generation: u64,
    /// The keys.
    pub set: KeySet,
}

/// A key set without keys, with which nothing could ever be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key set holds no key that could verify a token")]
pub struct NoKeys;

impl CurrentKeys {
    /// Starts with this set, unless it is empty: that is a mistake, and better noticed at the start.
    pub fn new(set: KeySet) -> Result<Self, NoKeys> {
        if set.is_empty() { Err(NoKeys) } else { Ok(Self::possibly_empty(set)) }
    }

    /// Starts with this set even if it is empty, for a source that will fill it.
    pub fn possibly_empty(set: KeySet) -> Self {
        Self { held: ArcSwap::from_pointee(Held { generation: 0, set }), replacing: Mutex::default() }
    }

    /// The set as of now; a verification keeps the one it began with.
    pub fn load(&self) -> Guard<Arc<Held>> {
        self.held.load()
    }

    /// Puts another set in force, and says of which generation it is. An empty one withdraws every key.
    pub fn replace(&self, set: KeySet) -> u64 {
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.held.load().generation + 1;
        self.held.store(Arc::new(Held { generation, set }));
        generation
    }
}

impl fmt::Debug for CurrentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.load();
        write!(f, "CurrentKeys(generation {}, {} keys)", held.generation, held.set.len())
    }
}
