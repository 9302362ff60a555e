//! [`VerifiedCaller`]: who calls, proven. Only the verifier makes one.

use std::sync::Arc;

use crate::value::{Class, EntityId, Kid, Pid, Sha1Fingerprint, Timestamp};

/// A caller whose token was verified, with every check of the policy that verified it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCaller(Arc<Facts>);

/// What was verified.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) issuer: Pid,
    pub(super) entity: EntityId,
    pub(super) class: Class,
    pub(super) kid: Kid,
    /// The certificate presented, where the token is bound to it.
    pub(super) fingerprint: Option<Sha1Fingerprint>,
    pub(super) expires: Timestamp,
    /// From when on the token counts without any leeway.
    pub(super) begins: Timestamp,
}

impl VerifiedCaller {
    pub(super) fn new(facts: Facts) -> Self {
        Self(Arc::new(facts))
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.0
    }

    /// The participant that issued the token (`iss`).
    pub fn pid(&self) -> Pid {
        self.0.issuer
    }

    /// The entity, unique inside its participant (`sub`).
    pub fn entity(&self) -> &EntityId {
        &self.0.entity
    }

    /// Its authorisation class (`bobAuthZ`).
    pub fn class(&self) -> &Class {
        &self.0.class
    }

    /// The key that signed the token.
    pub fn kid(&self) -> &Kid {
        &self.0.kid
    }

    /// The fingerprint of the certificate that the token is bound to and that was presented; `None` for a bearer token,
    /// which a lax policy may accept.
    pub fn fingerprint(&self) -> Option<Sha1Fingerprint> {
        self.0.fingerprint
    }

    /// When the token ceases to count (`exp`).
    pub fn expires(&self) -> Timestamp {
        self.0.expires
    }
}
