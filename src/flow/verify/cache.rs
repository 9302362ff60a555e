//! Tokens that were verified already. A hit is as good as a verification: same token to the last byte, same certificate, same
//! key set, same policy (each verifier has a cache of its own), and a time at which the token counts without leeway.

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::caller::VerifiedCaller;
use crate::crypto::digest::sha256;
use crate::protocol::presented::Presented;
use crate::value::Timestamp;

/// How much a cache may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSize {
    /// Tokens.
    pub entries: usize,
    /// Bytes, about.
    pub bytes: u64,
}

/// Tokens that were verified.
pub(super) struct VerifiedTokens(Cache<Key, VerifiedCaller, Weight>);

/// What a verdict hangs on, besides the policy and the time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Of the whole token: a signature that was changed in a way that still verifies is another token.
    token: [u8; 32],
    sha1: Option<[u8; 20]>,
    sha256: Option<[u8; 32]>,
    generation: u64,
}

#[derive(Clone)]
struct Weight {
    /// So that the bound on bytes bounds the entries as well.
    least: u64,
}

/// An entry beside its texts: key, facts, counters of references, the tables of the cache.
const ENTRY_BYTES: u64 = 320;

impl Default for CacheSize {
    /// 16,384 tokens: every gate of a large city, for some 7 MiB.
    fn default() -> Self {
        Self { entries: 16_384, bytes: 8 << 20 }
    }
}

impl Key {
    pub(super) fn new(token: &str, presented: Option<&Presented>, generation: u64) -> Self {
        Self {
            token: sha256(token.as_bytes()),
            sha1: presented.map(|presented| *presented.sha1.as_bytes()),
            sha256: presented.and_then(|presented| presented.sha256).map(|sha256| *sha256.as_bytes()),
            generation,
        }
    }
}

impl VerifiedTokens {
    /// An empty cache; `None` for a size of nothing.
    pub(super) fn new(size: CacheSize) -> Option<Self> {
        let entries = u64::try_from(size.entries).unwrap_or(u64::MAX);
        let least = size.bytes.checked_div(entries).filter(|least| *least > 0)?;
        Some(Self(Cache::with_weighter(size.entries, size.bytes, Weight { least })))
    }

    /// Who presented this token before, if it counts now as it stands.
    pub(super) fn find(&self, key: &Key, now: Timestamp) -> Option<VerifiedCaller> {
        let caller = self.0.get(key)?;
        let facts = caller.facts();
        if now >= facts.expires {
            self.0.remove(key);
            return None;
        }
        (now >= facts.begins).then_some(caller)
    }

    pub(super) fn remember(&self, key: Key, caller: VerifiedCaller) {
        self.0.insert(key, caller);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Weighter<Key, VerifiedCaller> for Weight {
    fn weight(&self, _: &Key, caller: &VerifiedCaller) -> u64 {
        let facts = caller.facts();
        let texts = facts.entity.as_str().len() + facts.class.as_str().len() + facts.kid.as_str().len();
        self.least.max(ENTRY_BYTES + texts as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::verify::caller::Facts;

    #[test]
    fn an_entry_weighs_its_texts_and_never_less_than_the_bound_on_entries_says() {
        let caller = VerifiedCaller::new(Facts {
            issuer: "34".parse().unwrap(),
            entity: "validator37".parse().unwrap(),
            class: "val".parse().unwrap(),
            kid: "34:20261122_1".parse().unwrap(),
            fingerprint: None,
            expires: Timestamp::from_seconds(2),
            begins: Timestamp::from_seconds(1),
        });
        let key = Key::new("a.b.c", None, 0);
        assert_eq!(Weight { least: 1 }.weight(&key, &caller), ENTRY_BYTES + 11 + 3 + 13);
        assert_eq!(Weight { least: 4096 }.weight(&key, &caller), 4096);
    }
}
