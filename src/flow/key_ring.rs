//! [`KeyRing`]: the keys that sign and the keys that are published, as of now. Moving a key through its life is not here.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, JwkSet};

use crate::protocol::token::TokenKey;
use crate::value::{Pid, Timestamp};

/// The keys of all participants, replaced whole when one changes.
#[derive(Debug, Default)]
pub struct KeyRing {
    by_pid: HashMap<Pid, ParticipantKeys>,
}

/// The key that signs for a participant, and its last second if it has one.
#[derive(Debug, Clone)]
pub struct ActiveKey {
    /// The key.
    pub key: Arc<TokenKey>,
    /// It must not sign after that.
    pub not_after: Option<Timestamp>,
}

/// The keys of one participant.
#[derive(Debug, Default)]
pub struct ParticipantKeys {
    active: Option<ActiveKey>,
    published: Vec<Jwk>,
}

impl KeyRing {
    /// Adds a key that verifiers may know: its public half goes into the JWKS.
    pub fn publish(&mut self, pid: Pid, jwk: Jwk) {
        self.by_pid.entry(pid).or_default().published.push(jwk);
    }

    /// Makes this the key that signs for the participant.
    pub fn activate(&mut self, pid: Pid, key: ActiveKey) {
        self.by_pid.entry(pid).or_default().active = Some(key);
    }

    /// The key that signs for the participant.
    pub fn active(&self, pid: Pid) -> Option<&ActiveKey> {
        self.by_pid.get(&pid)?.active.as_ref()
    }

    /// The participant's JWKS (RFC 7517 section 5), without a key if it has none.
    pub fn jwks(&self, pid: Pid) -> JwkSet {
        JwkSet { keys: self.by_pid.get(&pid).map(|keys| keys.published.clone()).unwrap_or_default() }
    }
}
