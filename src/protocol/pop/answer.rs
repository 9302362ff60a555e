//! Answers of the registry: signed with its key, bound to the request that they answer, checked before they are believed.

use ring::rand::SecureRandom;
use serde_json::json;

use super::hashes::{chosen_headers, covers_headers, hash, of_headers};
use super::jws::{Envelope, EnvelopeFault, MAX_BYTES, PopKey, sign};
use super::profile::{Part, PopProfile};
use crate::crypto::signer::SignerError;
use crate::protocol::jwk::PublicJwk;
use crate::protocol::strict_json::Json;
use crate::protocol::unverified::DecodedToken;
use crate::value::Timestamp;

/// The type of an answer's signature.
const TYPE: &str = "pop-response";
/// The status.
const STATUS: &str = "s";
/// The hash of the request's proof.
const REQUEST: &str = "rq";

/// An answer as it is on the wire.
#[derive(Debug, Clone, Copy)]
pub struct AnswerParts<'a> {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty if there is none.
    pub body: &'a [u8],
    /// The proof of the request, without its scheme.
    pub request: &'a str,
}

/// Why an answer is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No signature.
    #[error("the answer is not signed: it need not come from the registry")]
    Missing,
    /// No compact JWS of the right type.
    #[error("the signature of the answer is no compact JWS of type {TYPE} in good form")]
    Malformed,
    /// Not by a key that is trusted.
    #[error("the answer is signed with the key {kid}, which is not among the trusted ones")]
    UnknownKey {
        /// What it says.
        kid: String,
    },
    /// The signature does not verify.
    #[error("the signature of the answer does not verify")]
    Signature,
    /// It signs another answer.
    #[error("the answer's {0} is not what was signed")]
    Differs(&'static str),
    /// Signed at another time.
    #[error("the answer was signed at {signed_at}, and it is {now}: more than the clocks may be apart")]
    Time {
        /// When it was signed.
        signed_at: Timestamp,
        /// The time here.
        now: Timestamp,
    },
}

/// Signs an answer.
pub fn sign_answer(
    key: &PopKey,
    answer: &AnswerParts<'_>,
    now: Timestamp,
    rng: &dyn SecureRandom,
) -> Result<String, SignerError> {
    let mut payload = json!({
        Part::Time.member(): now,
        STATUS: answer.status,
        Part::Body.member(): hash(answer.body),
        REQUEST: hash(answer.request.as_bytes()),
    });
    let headers = chosen_headers(&PopProfile::ANSWER_HEADERS, answer.headers);
    if !headers.is_empty() {
        payload[Part::Headers.member()] = of_headers(&headers);
    }
    sign(key, TYPE, &payload, rng)
}

/// Verifies that one of these keys signed this answer to this request, within the profile's window.
pub fn verify_answer(
    signature: &str,
    keys: &[PublicJwk],
    profile: &PopProfile,
    answer: &AnswerParts<'_>,
    now: Timestamp,
) -> Result<(), AnswerError> {
    let decoded = DecodedToken::decode(signature, MAX_BYTES).map_err(|_| AnswerError::Malformed)?;
    let envelope = Envelope::read(&decoded, TYPE)?;
    let key = keys.iter().find(|key| key.kid == envelope.kid);
    let key = key.ok_or_else(|| AnswerError::UnknownKey { kid: envelope.kid.to_string() })?;
    let payload = envelope.verify(&key.key)?;
    let Some(Json::Integer(signed_at)) = payload.get(Part::Time.member()) else { return Err(AnswerError::Malformed) };
    let signed_at = Timestamp::from_seconds(*signed_at);
    if now.seconds_since(signed_at).unsigned_abs() > u64::from(profile.window) {
        return Err(AnswerError::Time { signed_at, now });
    }
    let text = |name: &str| payload.get(name).and_then(Json::as_text);
    if text(REQUEST) != Some(&hash(answer.request.as_bytes())) {
        return Err(AnswerError::Differs("request"));
    }
    if payload.get(STATUS) != Some(&Json::Integer(answer.status.into())) {
        return Err(AnswerError::Differs("status"));
    }
    if text(Part::Body.member()) != Some(&hash(answer.body)) {
        return Err(AnswerError::Differs("body"));
    }
    let headers = chosen_headers(&PopProfile::ANSWER_HEADERS, answer.headers);
    match payload.get(Part::Headers.member()) {
        None if headers.is_empty() => Ok(()),
        Some(member) if covers_headers(member, &headers, answer.headers) => Ok(()),
        _ => Err(AnswerError::Differs("headers")),
    }
}

impl From<EnvelopeFault> for AnswerError {
    fn from(fault: EnvelopeFault) -> Self {
        match fault {
            EnvelopeFault::Form => Self::Malformed,
            EnvelopeFault::Algorithm | EnvelopeFault::Signature => Self::Signature,
        }
    }
}
