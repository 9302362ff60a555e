//! The flow `verify`: from a token and a presented certificate to a [`VerifiedCaller`], or the reason why not.
//!
//! | file | what lives there |
//! |---|---|
//! | `policy` | what a verifier accepts |
//! | `checks` | the checks, one function each |
//! | `caller` | who calls, proven |
//! | `cache` | tokens that were verified already |
//! | `error` | every reason for a no |
//! | `builder` | a verifier made |

mod builder;
mod cache;
mod caller;
pub(in crate::flow) mod checks;
mod error;
mod policy;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use self::builder::{BuildError, VerifierBuilder};
pub use self::cache::CacheSize;
use self::cache::{Key, VerifiedTokens};
use self::caller::Facts;
pub use self::caller::VerifiedCaller;
pub use self::error::{Culprit, VerifyError};
pub use self::policy::{Allowed, AllowedError, Distrust, HolderOfKey, Policy};
use crate::key_source::{CurrentKeys, Held};
use crate::protocol::presented::Presented;
use crate::protocol::token_claims::{TokenClaims, TokenTimes};
use crate::protocol::unverified::{DecodedToken, UnverifiedToken};
use crate::value::Timestamp;

/// Checks tokens against a key set and a policy. Shared by all threads; does no I/O and reads no clock.
///
/// ```
/// use std::sync::Arc;
///
/// use bob_auth::flow::verify::{Allowed, Verifier};
/// use bob_auth::key_source::CurrentKeys;
/// use bob_auth::protocol::jwk::JwkSet;
/// use bob_auth::protocol::key_set::KeySet;
/// use bob_auth::protocol::presented::Presented;
/// use bob_auth::value::{Clock, Pid, SystemClock};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let jwks = br#"{"keys":[{"kty":"EC","crv":"P-256","kid":"34:1",
/// #     "x":"7M-zL3YeGVYHYSEMHbZSVIVXwPoqNTnKqFtXTMnRVQY","y":"AtAJ17e_IZ0Uo6b1DPHzvnzLcdRGqGCZYVEn4oFwQ1g"}]}"#;
/// let mut keys = KeySet::new();
/// keys.add(Pid::new(34)?, JwkSet::parse(jwks)?.keys)?;
/// # if keys.is_empty() { return Ok(()) }
/// let verifier = Verifier::builder(Arc::new(CurrentKeys::new(keys)?))
///     .allow(Allowed::class("val".parse()?).from(Pid::new(34)?))
///     .build()?;
/// let fingerprint = "0a9a063eb8d540cbf7dfba7697c674d14a174f7d".parse()?;
/// let refusal = verifier.verify("no.token.at_all", Some(Presented::of_fingerprint(fingerprint)), SystemClock.now());
/// assert_eq!(refusal.unwrap_err().reason(), "token_base64url");
/// # Ok(())
/// # }
/// ```
pub struct Verifier {
    keys: Arc<CurrentKeys>,
    policy: Policy,
    cache: Option<VerifiedTokens>,
    hits: AtomicU64,
}

impl Verifier {
    /// A verifier with these keys, to be given its policy.
    pub fn builder(keys: Arc<CurrentKeys>) -> VerifierBuilder {
        VerifierBuilder::new(keys)
    }

    /// Verifies a token that came with this certificate, at this time.
    pub fn verify(
        &self,
        token: &str,
        presented: Option<Presented>,
        now: Timestamp,
    ) -> Result<VerifiedCaller, VerifyError> {
        let held = self.keys.load();
        checks::set_is_fresh(&held.set, now)?;
        let Some(cache) = self.cache.as_ref().filter(|_| token.len() <= self.policy.max_token_bytes) else {
            return self.verify_anew(&held, token, presented.as_ref(), now);
        };
        let key = Key::new(token, presented.as_ref(), held.generation);
        if let Some(caller) = cache.find(&key, now) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(caller);
        }
        let caller = self.verify_anew(&held, token, presented.as_ref(), now)?;
        cache.remember(key, caller.clone());
        Ok(caller)
    }

    /// Every check, in the order in which a stranger can be told least: form, key, signature, times, claims, holder, policy.
    fn verify_anew(
        &self,
        held: &Held,
        token: &str,
        presented: Option<&Presented>,
        now: Timestamp,
    ) -> Result<VerifiedCaller, VerifyError> {
        let policy = &self.policy;
        let decoded = DecodedToken::decode(token, policy.max_token_bytes)?;
        let unverified = UnverifiedToken::read(&decoded)?;
        let (issuer, kid) = (unverified.issuer(), unverified.kid().clone());
        let key = checks::key_of(&held.set, policy, &unverified)?;

        let signed = unverified.verify(key)?;
        let times = TokenTimes::read(&signed)?;
        checks::counts_now(&times, policy, now)?;

        let claims = TokenClaims::read(&signed)?;
        let fingerprint = checks::holder(&claims, policy, presented)?;
        checks::certificate_is_trusted(policy, presented)?;
        checks::is_for_us(&claims, policy)?;
        checks::may_call(&policy.allow, issuer, &claims.class)?;

        let begins = times.nbf.max(times.iat).unwrap_or(now);
        let TokenClaims { entity, class, .. } = claims;
        Ok(VerifiedCaller::new(Facts { issuer, entity, class, kid, fingerprint, expires: times.exp, begins }))
    }

    /// What it accepts.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its keys.
    pub const fn keys(&self) -> &Arc<CurrentKeys> {
        &self.keys
    }

    /// How many tokens the cache holds, and how often it spared a verification.
    pub fn cached(&self) -> (usize, u64) {
        (self.cache.as_ref().map_or(0, VerifiedTokens::len), self.hits.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys).field("policy", &self.policy).finish_non_exhaustive()
    }
}
