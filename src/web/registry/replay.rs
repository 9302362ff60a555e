//! [`ReplayGuard`]: the proofs of possession that were seen and still could be shown again. Bounded, and closed when full: a
//! proof that cannot be remembered does not count.

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;

use crate::value::Timestamp;

/// How many proofs are remembered.
pub type Capacity = NonZeroUsize;

/// Remembers proofs until they are too old to count.
#[derive(Debug)]
pub struct ReplayGuard {
    capacity: Capacity,
    seen: HashSet<[u8; 32]>,
    by_end: BTreeSet<(i64, [u8; 32])>,
    /// The latest end among what was forgotten. If the clock goes back, proofs that end before cannot be told from those.
    forgotten: i64,
}

/// Why a proof does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was shown before, or nobody can tell.
    Before,
    /// There is no room to remember it.
    NoRoom,
}

impl ReplayGuard {
    /// Remembers so many.
    pub fn new(capacity: Capacity) -> Self {
        Self { capacity, seen: HashSet::new(), by_end: BTreeSet::new(), forgotten: i64::MIN }
    }

    /// Whether this proof, which counts until `until`, was shown before.
    pub fn is_new(&self, digest: &[u8; 32], until: Timestamp) -> bool {
        until.as_seconds() > self.forgotten && !self.seen.contains(digest)
    }

    /// Remembers it.
    pub fn remember(&mut self, digest: [u8; 32], until: Timestamp, now: Timestamp) -> Result<(), Seen> {
        self.forget_old(now);
        if !self.is_new(&digest, until) {
            return Err(Seen::Before);
        }
        if self.seen.len() >= self.capacity.get() {
            return Err(Seen::NoRoom);
        }
        self.seen.insert(digest);
        self.by_end.insert((until.as_seconds(), digest));
        Ok(())
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Forgets those that ended before now.
    pub fn forget_old(&mut self, now: Timestamp) {
        while let Some(&(end, digest)) = self.by_end.first() {
            if end >= now.as_seconds() {
                break;
            }
            self.by_end.pop_first();
            self.seen.remove(&digest);
            self.forgotten = self.forgotten.max(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn guard() -> ReplayGuard {
        ReplayGuard::new(NonZeroUsize::new(2).unwrap())
    }

    #[test]
    fn a_proof_counts_once() {
        let mut guard = guard();
        assert_eq!(guard.remember([1; 32], at(400), at(100)), Ok(()));
        assert!(!guard.is_new(&[1; 32], at(400)) && guard.is_new(&[2; 32], at(400)));
        assert_eq!(guard.remember([1; 32], at(400), at(400)), Err(Seen::Before));
    }

    #[test]
    fn what_cannot_be_remembered_does_not_count_until_there_is_room() {
        let mut guard = guard();
        for digest in [1, 2] {
            assert_eq!(guard.remember([digest; 32], at(400), at(100)), Ok(()));
        }
        assert_eq!(guard.remember([3; 32], at(400), at(100)), Err(Seen::NoRoom));
        assert_eq!(guard.remember([3; 32], at(800), at(401)), Ok(()));
        assert_eq!(guard.len(), 1);
    }

    #[test]
    fn a_clock_that_goes_back_brings_no_old_proof_back() {
        let mut guard = guard();
        assert_eq!(guard.remember([1; 32], at(400), at(100)), Ok(()));
        // The clock runs away, everything is forgotten, and it is set right again.
        guard.forget_old(at(100_000));
        assert_eq!(guard.remember([1; 32], at(400), at(100)), Err(Seen::Before));
        assert_eq!(guard.remember([2; 32], at(399), at(100)), Err(Seen::Before), "it might have been seen");
        assert_eq!(guard.remember([3; 32], at(401), at(101)), Ok(()), "and it is over as soon as that time is");
    }
}
