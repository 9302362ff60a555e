//! [`LiveVerifier`]: a verifier whose keys are kept fresh and whose policy can be replaced. A token that names a key which is
//! not known yet waits for one refresh; everything else is verified at once.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::verify::{VerifiedCaller, Verifier, VerifyError};
use crate::key_source::{CurrentKeys, KeySource};
use crate::protocol::presented::Presented;
use crate::value::Timestamp;

/// The verifier in force, and who keeps its keys fresh. Shared by all requests.
pub struct LiveVerifier {
    verifier: ArcSwap<Verifier>,
    keys: Arc<CurrentKeys>,
    source: Option<Arc<KeySource>>,
}

/// A verifier that reads other keys than those that are kept fresh for it: it would never see a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this verifier reads another key set: build it with Verifier::builder and the same keys()")]
pub struct OtherKeys;

impl LiveVerifier {
    /// A verifier whose keys nobody keeps fresh.
    pub fn fixed(verifier: Verifier) -> Self {
        Self::with(verifier, None)
    }

    /// A verifier that was built with the keys of this source.
    pub fn new(verifier: Verifier, source: Arc<KeySource>) -> Result<Self, OtherKeys> {
        if !Arc::ptr_eq(verifier.keys(), &source.keys()) {
            return Err(OtherKeys);
        }
        Ok(Self::with(verifier, Some(source)))
    }

    fn with(verifier: Verifier, source: Option<Arc<KeySource>>) -> Self {
        let keys = verifier.keys().clone();
        Self { verifier: ArcSwap::from_pointee(verifier), keys, source }
    }

    /// Verifies a token that came with this certificate, at this time. Waits only for a key that is not known, of an issuer
    /// that is, and no longer than the source was told.
    pub async fn verify(
        &self,
        token: &str,
        presented: Option<Presented>,
        now: Timestamp,
    ) -> Result<VerifiedCaller, VerifyError> {
        let verdict = self.verifier.load().verify(token, presented, now);
        let (Some(source), Err(VerifyError::UnknownKey { issuer, kid })) = (&self.source, &verdict) else {
            return verdict;
        };
        if !source.refresh_for(*issuer, kid).await {
            return verdict;
        }
        self.verifier.load().verify(token, presented, now)
    }

    /// Puts another verifier in force, with another policy and the same keys. A request that waits for a key meets the
    /// new one.
    pub fn replace(&self, verifier: Verifier) -> Result<(), OtherKeys> {
        if !Arc::ptr_eq(verifier.keys(), &self.keys) {
            return Err(OtherKeys);
        }
        self.verifier.store(Arc::new(verifier));
        Ok(())
    }

    /// The verifier in force.
    pub fn current(&self) -> Arc<Verifier> {
        self.verifier.load_full()
    }

    /// Who keeps its keys fresh, if anybody does.
    pub const fn source(&self) -> Option<&Arc<KeySource>> {
        self.source.as_ref()
    }
}

impl fmt::Debug for LiveVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.current();
        f.debug_struct("LiveVerifier").field("verifier", &current).field("source", &self.source).finish_non_exhaustive()
    }
}
