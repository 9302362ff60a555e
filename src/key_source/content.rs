//! What the bytes of an origin mean: a JWK set of one participant, or the signed set of all of them.

use std::sync::Arc;
use std::time::Duration;

use super::file::MAX_BYTES;
use crate::protocol::jwk::{JwkError, JwkSet};
use crate::protocol::key_set::{KeySet, KeySetError};
use crate::protocol::metadata::{MetadataError, MetadataSet, SetHeader, SignedSet, TrustAnchors};
use crate::value::{Pid, Timestamp};

/// A registry that fails is asked at least so often.
const LONGEST_WITHOUT: Duration = Duration::from_mins(5);

/// How to read the bytes of an origin.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    /// The keys of this participant.
    Jwks(Pid),
    /// A set that one of these anchors signed, and that may take the place of the one that is held. It is used so long
    /// beyond its end.
    Metadata { anchors: Arc<TrustAnchors>, held: Option<SetHeader>, grace: Duration },
}

/// What an origin holds.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) set: KeySet,
    pub(super) header: Option<SetHeader>,
    /// How many entries are not used, and which one and why for the first of them.
    pub(super) left_out: usize,
    pub(super) first_left_out: Option<String>,
}

/// Why bytes are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// No JWK set.
    #[error(transparent)]
    Jwks(#[from] JwkError),
    /// No keys that go together.
    #[error(transparent)]
    Set(#[from] KeySetError),
    /// No metadata set, or none that is trusted, or an old one.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Meaning {
    /// Reads the bytes.
    pub(super) fn read(&self, bytes: &[u8], now: Timestamp) -> Result<Content, ContentError> {
        match self {
            Self::Jwks(pid) => jwks(*pid, bytes),
            Self::Metadata { anchors, held, grace } => {
                let metadata = SignedSet::verify(bytes, anchors, now)?;
                if let Some(held) = held {
                    metadata.may_replace(held)?;
                }
                Ok(content(metadata, *grace))
            }
        }
    }

    /// Reads bytes that were good once, and kept since: verified as any, and whether their time is over is judged where all
    /// sets are that have come into force.
    pub(super) fn read_kept(&self, bytes: &[u8]) -> Result<Content, ContentError> {
        match self {
            Self::Jwks(pid) => jwks(*pid, bytes),
            Self::Metadata { anchors, grace, .. } => {
                Ok(content(SignedSet::verify_at_any_time(bytes, anchors)?, *grace))
            }
        }
    }

    /// The most bytes that can mean anything.
    pub(super) const fn max_bytes(&self) -> usize {
        match self {
            Self::Jwks(_) => MAX_BYTES,
            Self::Metadata { .. } => SignedSet::MAX_BYTES,
        }
    }

    /// How long the next reading may be put off. A set is to be fetched twice in each of its intervals (MTS 4), and while
    /// half of the time is left that it may be used; and when a set is wanted, no time of its life is given away.
    pub(super) fn at_most(&self, is_failing: bool, now: Timestamp) -> Option<Duration> {
        let Self::Metadata { held, .. } = self else { return None };
        let interval = held.as_ref().and_then(|held| held.interval).map(|interval| interval / 2);
        let left = held.as_ref().map(|held| held.not_valid_after.seconds_since(now));
        let left = left.map(|left| Duration::from_secs(u64::try_from(left).unwrap_or(0)) / 2);
        [interval, left, is_failing.then_some(LONGEST_WITHOUT)].into_iter().flatten().min()
    }

    /// A set with this header is in force: from now on no older one counts.
    pub(super) fn hold(&mut self, header: SetHeader) {
        if let Self::Metadata { held, .. } = self {
            *held = Some(header);
        }
    }
}

fn jwks(pid: Pid, bytes: &[u8]) -> Result<Content, ContentError> {
    let JwkSet { keys, skipped } = JwkSet::parse(bytes)?;
    let mut set = KeySet::new();
    set.add(pid, keys)?;
    let first_left_out = skipped.first().map(|key| format!("{:?}: {}", key.kid, key.why));
    Ok(Content { set, header: None, left_out: skipped.len(), first_left_out })
}

fn content(metadata: MetadataSet, grace: Duration) -> Content {
    let skipped = metadata.skipped();
    let first_left_out = skipped
        .first()
        .map(|entry| format!("{} of participant {}, {:?}: {}", entry.list, entry.pid, entry.id, entry.why));
    let (left_out, header) = (skipped.len(), Some(metadata.header().clone()));
    let mut set = metadata.into_key_set();
    let grace = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX);
    set.not_valid_after = set.not_valid_after.map(|end| end.plus_seconds(grace));
    Content { set, header, left_out, first_left_out }
}
