//! [`VerifierBuilder`]: a verifier made, strict unless told otherwise.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Verifier;
use super::cache::{CacheSize, VerifiedTokens};
use super::policy::{Allowed, HolderOfKey, Policy};
use crate::key_source::CurrentKeys;
use crate::value::{Kid, Lifetime, Pid, Sha1Fingerprint, Sha256Fingerprint};

/// Collects what a [`Verifier`] is to accept.
#[derive(Debug)]
pub struct VerifierBuilder {
    keys: Arc<CurrentKeys>,
    policy: Policy,
    cache: Option<CacheSize>,
}

/// Why there is no verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Nobody is allowed to call.
    #[error("nobody is allowed: say who with allow(), or let every verified caller pass with allow(Allowed::ANYONE)")]
    NobodyAllowed,
    /// A leeway that would make expiry a matter of taste.
    #[error("a leeway of {0} s is too long: the field uses up to 300 s")]
    Leeway(u32),
}

/// The longest leeway, in seconds.
pub(crate) const MAX_LEEWAY: u32 = 300;

impl VerifierBuilder {
    pub(super) fn new(keys: Arc<CurrentKeys>) -> Self {
        Self { keys, policy: Policy::strict(), cache: Some(CacheSize::default()) }
    }

    /// Takes a whole policy in place of everything said so far.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// How many seconds clocks may be apart; 60 unless said, at most 300.
    #[must_use]
    pub fn leeway(mut self, seconds: u32) -> Self {
        self.policy.leeway = seconds;
        self
    }

    /// The longest life of a token; a day unless said.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.policy.max_lifetime = lifetime;
        self
    }

    /// Whether tokens must be bound to the certificate presented; required unless said.
    #[must_use]
    pub fn holder_of_key(mut self, holder_of_key: HolderOfKey) -> Self {
        self.policy.holder_of_key = holder_of_key;
        self
    }

    /// Lets these callers pass, besides those already named.
    #[must_use]
    pub fn allow(mut self, allowed: Allowed) -> Self {
        self.policy.allow.push(allowed);
        self
    }

    /// Accepts tokens for this audience, and then no token without one.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.policy.audience.push(audience.into());
        self
    }

    /// Refuses every token of this issuer.
    #[must_use]
    pub fn distrust_issuer(mut self, issuer: Pid) -> Self {
        self.policy.distrust.issuers.push(issuer);
        self
    }

    /// Refuses every token signed with this key of this issuer.
    #[must_use]
    pub fn distrust_key(mut self, issuer: Pid, kid: Kid) -> Self {
        self.policy.distrust.kids.push((Some(issuer), kid));
        self
    }

    /// Refuses every token presented with this certificate.
    #[must_use]
    pub fn distrust_certificate(mut self, sha1: Sha1Fingerprint) -> Self {
        self.policy.distrust.sha1.push(sha1);
        self
    }

    /// The same by SHA-256; it counts where the certificate itself is seen.
    #[must_use]
    pub fn distrust_certificate_sha256(mut self, sha256: Sha256Fingerprint) -> Self {
        self.policy.distrust.sha256.push(sha256);
        self
    }

    /// How many verified tokens are remembered; `None` for none.
    #[must_use]
    pub fn cache(self, cache: Option<CacheSize>) -> Self {
        Self { cache, ..self }
    }

    /// The verifier.
    pub fn build(self) -> Result<Verifier, BuildError> {
        let Self { keys, policy, cache } = self;
        if policy.allow.is_empty() {
            return Err(BuildError::NobodyAllowed);
        }
        if policy.leeway > MAX_LEEWAY {
            return Err(BuildError::Leeway(policy.leeway));
        }
        Ok(Verifier { keys, policy, cache: cache.and_then(VerifiedTokens::new), hits: AtomicU64::new(0) })
    }
}
