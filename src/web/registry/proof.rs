//! Who asks: the checks of a proof of possession, in their order. Every one of them is made before the next, and nothing is
//! looked up by anything that the proof says but the id of its key, among the keys of the participant in the path.

use std::sync::LazyLock;

use actix_web::http::header::{HeaderMap, HeaderValue};

use super::refusal::Refusal;
use super::replay::Seen;
use super::state::{InForce, RegistryFace};
use crate::crypto::public_key::{ExampleKeys, PublicKey};
use crate::flow::register::ProofMark;
use crate::protocol::pop::{PopError, RequestParts, UnverifiedPop};
use crate::value::{Kid, Pid, Timestamp};

/// A participant that proved itself.
#[derive(Debug, Clone)]
pub(super) struct Proven {
    pub(super) pid: Pid,
    /// The metadata key that it did it with.
    pub(super) kid: Kid,
    /// When it signed.
    pub(super) signed_at: Timestamp,
    /// What is remembered of the proof.
    pub(super) mark: ProofMark,
}

/// The proof in the headers, and no second one.
pub(super) fn only_proof<'h>(headers: &'h HeaderMap, in_force: &InForce) -> Result<&'h str, PopError> {
    let mut values = headers.get_all(in_force.profile.request_header.as_str());
    let first = values.next().ok_or(PopError::Missing)?;
    if values.next().is_some() {
        return Err(PopError::Malformed);
    }
    let text = first.to_str().map_err(|_| PopError::Malformed)?;
    in_force.profile.proof_of(text).ok_or(PopError::Malformed)
}

/// The headers as a proof may be about them. One of those that are to be signed must not be there twice: which of the two
/// would be meant?
pub(super) fn signable_headers<'h>(
    headers: &'h HeaderMap,
    in_force: &InForce,
) -> Result<Vec<(&'h str, &'h str)>, Refusal> {
    let twice = |name: &String| headers.get_all(name.as_str()).nth(1).is_some();
    if in_force.profile.headers.iter().any(twice) {
        return Err(Refusal::MalformedHeader);
    }
    let text = |value: &'h HeaderValue| value.to_str().ok();
    Ok(headers.iter().filter_map(|(name, value)| Some((name.as_str(), text(value)?))).collect())
}

/// Verifies the proof with the metadata key of this participant. An unknown participant, an unknown key, a revoked one and
/// one of another participant get the same answer, and cost about the time of a signature of an EC key that does not verify.
pub(super) async fn prove(
    state: &RegistryFace,
    in_force: &InForce,
    (pid, proof): (Pid, UnverifiedPop<'_>),
    request: &RequestParts<'_>,
) -> Result<Proven, Refusal> {
    let keys = state.register.metadata_keys(pid).await?;
    let kid = proof.kid().clone();
    let key = keys.iter().find(|key| key.kid == kid);
    let now = state.now();
    let (profile, hosts) = (&in_force.profile, &in_force.hosts);
    let Some(key) = key else {
        if let Some(decoy) = &*DECOY {
            let _ = proof.verify(decoy, profile, (request, hosts), now);
        }
        return Err(PopError::UnknownKey.into());
    };
    let proof = proof.verify(&key.key, profile, (request, hosts), now)?;
    let until = proof.signed_at.plus_seconds(i64::from(profile.window) + 1);
    Ok(Proven { pid, kid, signed_at: proof.signed_at, mark: ProofMark { sha256: proof.digest, until } })
}

/// Uses the proof up: it counts once, and the participant's limit is counted for those that count.
pub(super) fn use_up(state: &RegistryFace, proven: &Proven) -> Result<(), Refusal> {
    let mark = &proven.mark;
    if !state.proofs().is_new(&mark.sha256, mark.until) {
        return Err(PopError::Replayed.into());
    }
    state.admit_participant(proven.pid).map_err(Refusal::ParticipantRate)?;
    let remembered = state.proofs().remember(mark.sha256, mark.until, state.now());
    remembered.map_err(|seen| match seen {
        Seen::Before => PopError::Replayed.into(),
        Seen::NoRoom => Refusal::ProofsFull,
    })
}

/// A key of nobody: the base point of P-256.
static DECOY: LazyLock<Option<PublicKey>> = LazyLock::new(|| {
    const X: [u8; 32] = [
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
        0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    ];
    const Y: [u8; 32] = [
        0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
        0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    ];
    PublicKey::p256(&X, &Y, ExampleKeys::Refuse).ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decoy_is_a_key() {
        assert!(DECOY.is_some());
    }
}
