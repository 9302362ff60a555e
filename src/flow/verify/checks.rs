//! The checks of a verification, one function each, so that the verifier can walk them in order and an explanation can show
//! every one. None of them does more than its name says.

use super::error::VerifyError;
use super::policy::{Allowed, HolderOfKey, Policy};
use crate::crypto::public_key::PublicKey;
use crate::protocol::key_set::{KeySet, Missing};
use crate::protocol::presented::Presented;
use crate::protocol::token_claims::{TokenClaims, TokenTimes};
use crate::protocol::unverified::UnverifiedToken;
use crate::value::{Class, Pid, Sha1Fingerprint, Timestamp};

/// The set may still be used.
pub(in crate::flow) fn set_is_fresh(set: &KeySet, now: Timestamp) -> Result<(), VerifyError> {
    match set.not_valid_after {
        Some(not_valid_after) if now > not_valid_after => Err(VerifyError::KeySetExpired { not_valid_after }),
        _ => Ok(()),
    }
}

/// The key by (issuer, kid), in that issuer's own keys, and trusted.
pub(in crate::flow) fn key_of<'s>(
    set: &'s KeySet,
    policy: &Policy,
    token: &UnverifiedToken<'_>,
) -> Result<&'s PublicKey, VerifyError> {
    let (issuer, kid) = (token.issuer(), token.kid());
    if policy.distrust.issuers.contains(&issuer) {
        return Err(VerifyError::DistrustedIssuer(issuer));
    }
    if policy.distrust.covers_key(issuer, kid) {
        return Err(VerifyError::DistrustedKey { issuer, kid: kid.clone() });
    }
    set.find(issuer, kid).map_err(|missing| match missing {
        Missing::Issuer => VerifyError::UnknownIssuer(issuer),
        Missing::Key => VerifyError::UnknownKey { issuer, kid: kid.clone() },
    })
}

/// The token counts now. Refused on or after `exp` (RFC 7519 section 4.1.4); the same leeway for every clock.
pub(in crate::flow) fn counts_now(times: &TokenTimes, policy: &Policy, now: Timestamp) -> Result<(), VerifyError> {
    let TokenTimes { exp, nbf, iat } = *times;
    let leeway = policy.leeway;
    if now >= exp.plus_seconds(i64::from(leeway)) {
        return Err(VerifyError::Expired { exp, now, leeway });
    }
    for (claim, from) in [("nbf", nbf), ("iat", iat)] {
        if let Some(from) = from
            && from > now.plus_seconds(i64::from(leeway))
        {
            return Err(VerifyError::NotYet { claim, from, now, leeway });
        }
    }
    if let Some(nbf) = nbf.filter(|nbf| *nbf >= exp) {
        return Err(VerifyError::TimesContradict { nbf, exp });
    }
    let most = policy.max_lifetime.as_seconds();
    let seconds = exp.seconds_since(iat.or(nbf).unwrap_or(now));
    if seconds > i64::from(most) {
        return Err(VerifyError::LivesTooLong { seconds, most });
    }
    Ok(())
}

/// The caller holds the key that the token is bound to. Gives the fingerprint that was compared, if one was.
pub(in crate::flow) fn holder(
    claims: &TokenClaims,
    policy: &Policy,
    presented: Option<&Presented>,
) -> Result<Option<Sha1Fingerprint>, VerifyError> {
    let fingerprint = match (policy.holder_of_key, claims.bob_hok) {
        (HolderOfKey::DangerouslyOff, _) => return Ok(None),
        (HolderOfKey::Required, None) => return Err(VerifyError::NotBound),
        (HolderOfKey::IfPresent, None) => None,
        (_, Some(bound)) => {
            let presented = presented.ok_or(VerifyError::NothingPresented)?.sha1;
            // Equality of fingerprints takes the same time wherever they differ.
            if bound != presented {
                return Err(VerifyError::HolderMismatch { bound, presented });
            }
            Some(presented)
        }
    };
    thumbprint(claims, presented, fingerprint.is_some())?;
    Ok(fingerprint)
}

/// `cnf.x5t#S256` as well, where the certificate itself was seen. A token that has nothing else must not go unchecked.
fn thumbprint(claims: &TokenClaims, presented: Option<&Presented>, compared: bool) -> Result<(), VerifyError> {
    let Some(bound) = claims.x5t_s256 else { return Ok(()) };
    match presented.and_then(|presented| presented.sha256) {
        Some(presented) if presented == bound => Ok(()),
        None if compared => Ok(()),
        presented => Err(VerifyError::ThumbprintMismatch { bound, presented }),
    }
}

/// The certificate itself is not distrusted.
pub(in crate::flow) fn certificate_is_trusted(
    policy: &Policy,
    presented: Option<&Presented>,
) -> Result<(), VerifyError> {
    let Some(presented) = presented else { return Ok(()) };
    let by_sha256 = presented.sha256.is_some_and(|sha256| policy.distrust.sha256.contains(&sha256));
    if by_sha256 || policy.distrust.sha1.contains(&presented.sha1) {
        return Err(VerifyError::DistrustedCertificate(presented.sha1));
    }
    Ok(())
}

/// The token is for us, as far as it says for whom it is.
pub(in crate::flow) fn is_for_us(claims: &TokenClaims, policy: &Policy) -> Result<(), VerifyError> {
    let ours = |audience: &String| policy.audience.contains(audience);
    // Who wants an audience wants it in every token.
    if claims.audience.iter().any(ours) || claims.audience.is_empty() && policy.audience.is_empty() {
        return Ok(());
    }
    Err(VerifyError::Audience)
}

/// One of these pairs lets the caller pass.
pub(in crate::flow) fn may_call(allow: &[Allowed], issuer: Pid, class: &Class) -> Result<(), VerifyError> {
    if allow.iter().any(|allowed| allowed.permits(issuer, class)) {
        return Ok(());
    }
    Err(VerifyError::NotAllowed { issuer, class: class.clone() })
}
