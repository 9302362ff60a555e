//! What the bytes of an origin mean: a JWK set of one participant, or the signed set of all of them.

use std::sync::Arc;

use super::file::MAX_BYTES;
use crate::protocol::jwk::{JwkError, JwkSet};
use crate::protocol::key_set::{KeySet, KeySetError};
use crate::protocol::metadata::{MetadataError, SetHeader, SignedSet, TrustAnchors};
use crate::value::{Pid, Timestamp};

/// How to read the bytes of an origin.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    /// The keys of this participant.
    Jwks(Pid),
    /// A set that one of these anchors signed, and that may take the place of the one that is held.
    Metadata { anchors: Arc<TrustAnchors>, held: Option<SetHeader> },
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
            Self::Metadata { anchors, held } => metadata(anchors, held.as_ref(), bytes, now),
        }
    }

    /// The most bytes that can mean anything.
    pub(super) const fn max_bytes(&self) -> usize {
        match self {
            Self::Jwks(_) => MAX_BYTES,
            Self::Metadata { .. } => SignedSet::MAX_BYTES,
        }
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

fn metadata(
    anchors: &TrustAnchors,
    held: Option<&SetHeader>,
    bytes: &[u8],
    now: Timestamp,
) -> Result<Content, ContentError> {
    let metadata = SignedSet::verify(bytes, anchors, now)?;
    if let Some(held) = held {
        metadata.may_replace(held)?;
    }
    let skipped = metadata.skipped();
    let first_left_out = skipped
        .first()
        .map(|entry| format!("{} of participant {}, {:?}: {}", entry.list, entry.pid, entry.id, entry.why));
    let (left_out, header) = (skipped.len(), Some(metadata.header().clone()));
    Ok(Content { set: metadata.into_key_set(), header, left_out, first_left_out })
}
