//! Requests: signed by a participant, checked by the registry.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;
use serde_json::json;

use super::hashes::{chosen_headers, covers_headers, covers_query, hash, of_headers, of_query, query_pairs};
use super::jws::{Envelope, EnvelopeFault, MAX_BYTES, PopKey, sign};
use super::profile::{Part, PopProfile};
use crate::crypto::digest::sha256;
use crate::crypto::public_key::PublicKey;
use crate::crypto::signer::SignerError;
use crate::protocol::strict_json::{Json, Object};
use crate::protocol::unverified::DecodedToken;
use crate::value::{Kid, Timestamp};

/// The type of a request's proof.
const TYPE: &str = "pop";
/// A random id, so that two equal requests in one second are two proofs, with RSA as well. Assumed; nobody has to look at it.
const ID: &str = "jti";

/// A request as it is on the wire.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// What `Host` says: name, and port if it is not the usual one. It is signed; who verifies compares what was signed with the
    /// names that he knows himself by, and does not look at this.
    pub host: &'a str,
    /// The path, percent-encoded as it was sent.
    pub path: &'a str,
    /// The query without its question mark, if there is one.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

/// A proof in good form that nobody has verified. It tells which key is to be asked, and nothing else.
pub struct UnverifiedPop<'d>(Envelope<'d>);

/// What a verified proof is remembered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// SHA-256 of what was signed. Not of the whole text: an ECDSA signature has a second form that verifies as well.
    pub digest: [u8; 32],
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// Why a request proves nothing. The texts are for the registry's log; the answer holds [`PopError::reason`] and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PopError {
    /// No proof at all.
    #[error("the request has no proof of possession")]
    Missing,
    /// No compact JWS of the right type.
    #[error("the proof of possession is no compact JWS of type pop in good form")]
    Malformed,
    /// Another algorithm than that of the key.
    #[error("the proof names another algorithm than that of its key")]
    Algorithm,
    /// The signature is not the key's.
    #[error("the signature of the proof does not verify")]
    Signature,
    /// A required part that is not signed.
    #[error("the proof does not sign the {0}, which it must")]
    Unsigned(Part),
    /// A part that differs from what was signed.
    #[error("the {0} of the request is not what was signed")]
    Differs(Part),
    /// Signed too long ago, or in the future.
    #[error("the proof was signed at {signed_at}, and it is {now}: more than the clocks may be apart")]
    Time {
        /// When it was signed.
        signed_at: Timestamp,
        /// The time here.
        now: Timestamp,
    },
    /// No such key, revoked, or another participant's.
    #[error("the participant has no such metadata key")]
    UnknownKey,
    /// Seen before.
    #[error("this proof was used before")]
    Replayed,
}

/// Signs a request: everything in it that the profile names.
pub fn sign_request(
    profile: &PopProfile,
    key: &PopKey,
    request: &RequestParts<'_>,
    now: Timestamp,
    rng: &dyn SecureRandom,
) -> Result<String, SignerError> {
    let mut id = [0_u8; 16];
    rng.fill(&mut id).map_err(|_| SignerError::Signing)?;
    let mut payload = json!({
        Part::Time.member(): now,
        Part::Method.member(): request.method,
        Part::Host.member(): request.host,
        Part::Path.member(): request.path,
        ID: URL_SAFE_NO_PAD.encode(id),
    });
    if let Some(query) = request.query {
        payload[Part::Query.member()] = of_query(&query_pairs(query));
    }
    let headers = signed_headers(profile, request);
    if !headers.is_empty() {
        payload[Part::Headers.member()] = of_headers(&headers);
    }
    if !request.body.is_empty() {
        payload[Part::Body.member()] = hash(request.body).into();
    }
    sign(key, TYPE, &payload, rng)
}

fn signed_headers<'r>(profile: &'r PopProfile, request: &RequestParts<'r>) -> Vec<(&'r str, &'r str)> {
    let names: Vec<&str> = profile.headers.iter().map(String::as_str).collect();
    chosen_headers(&names, request.headers)
}

/// Takes a proof apart, for [`UnverifiedPop::read`] to stand on.
pub fn decode(proof: &str) -> Result<DecodedToken<'_>, PopError> {
    DecodedToken::decode(proof, MAX_BYTES).map_err(|_| PopError::Malformed)
}

impl<'d> UnverifiedPop<'d> {
    /// Checks the form of a proof.
    pub fn read(decoded: &'d DecodedToken<'d>) -> Result<Self, PopError> {
        Envelope::read(decoded, TYPE).map(Self).map_err(PopError::from)
    }

    /// Which of the participant's metadata keys is said to have signed it.
    pub const fn kid(&self) -> &Kid {
        &self.0.kid
    }

    /// Verifies the signature with that key, and that it covers this request. `own_hosts` are the names under which we are
    /// known: a proof that was meant for another registry is none, whatever the request's `Host` says.
    pub fn verify(
        self,
        key: &PublicKey,
        profile: &PopProfile,
        (request, own_hosts): (&RequestParts<'_>, &[String]),
        now: Timestamp,
    ) -> Result<Proof, PopError> {
        let digest = sha256(self.0.signing_input().as_bytes());
        let payload = self.0.verify(key)?;
        let signed_at = check_time(profile, &payload, now)?;
        check(profile, &payload, Part::Method, true, is(request.method))?;
        check(profile, &payload, Part::Host, true, |member| is_our_host(member, own_hosts))?;
        check(profile, &payload, Part::Path, true, is(request.path))?;
        let pairs = request.query.map(query_pairs).unwrap_or_default();
        check(profile, &payload, Part::Query, request.query.is_some(), |member| covers_query(member, &pairs))?;
        let needed = signed_headers(profile, request);
        check(profile, &payload, Part::Headers, !needed.is_empty(), |member| {
            covers_headers(member, &needed, request.headers)
        })?;
        let body = hash(request.body);
        check(profile, &payload, Part::Body, !request.body.is_empty(), is(&body))?;
        Ok(Proof { digest, signed_at })
    }
}

/// A part that is there must be right, whether it is required or not; one that the request has must be there if it is
/// required.
fn check(
    profile: &PopProfile,
    payload: &Object<'_>,
    part: Part,
    request_has_it: bool,
    is_right: impl FnOnce(&Json<'_>) -> bool,
) -> Result<(), PopError> {
    match payload.get(part.member()) {
        Some(member) if is_right(member) => Ok(()),
        Some(_) => Err(PopError::Differs(part)),
        None if request_has_it && profile.requires(part) => Err(PopError::Unsigned(part)),
        None => Ok(()),
    }
}

/// The time is never optional: without it a proof would count for ever.
fn check_time(profile: &PopProfile, payload: &Object<'_>, now: Timestamp) -> Result<Timestamp, PopError> {
    let signed_at = match payload.get(Part::Time.member()) {
        Some(Json::Integer(seconds)) => Timestamp::from_seconds(*seconds),
        Some(_) => return Err(PopError::Malformed),
        None => return Err(PopError::Unsigned(Part::Time)),
    };
    if now.seconds_since(signed_at).unsigned_abs() > u64::from(profile.window) {
        return Err(PopError::Time { signed_at, now });
    }
    Ok(signed_at)
}

fn is(wanted: &str) -> impl FnOnce(&Json<'_>) -> bool {
    move |member| member.as_text() == Some(wanted)
}

fn is_our_host(member: &Json<'_>, own_hosts: &[String]) -> bool {
    let Some(signed) = member.as_text() else { return false };
    let same = |own: &str| usual(signed).eq_ignore_ascii_case(usual(own));
    own_hosts.iter().any(|own| same(own))
}

/// Without the port that https has anyway.
fn usual(host: &str) -> &str {
    host.strip_suffix(":443").unwrap_or(host)
}

impl PopError {
    /// The stable id of the reason, for answers, logs and metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "pop_missing",
            Self::Malformed => "pop_malformed",
            Self::Algorithm => "pop_algorithm",
            Self::Signature => "pop_signature",
            Self::Unsigned(_) => "pop_unsigned_part",
            Self::Differs(_) => "pop_other_request",
            Self::Time { .. } => "pop_time",
            Self::UnknownKey => "pop_unknown_key",
            Self::Replayed => "pop_replayed",
        }
    }
}

impl From<EnvelopeFault> for PopError {
    fn from(fault: EnvelopeFault) -> Self {
        match fault {
            EnvelopeFault::Form => Self::Malformed,
            EnvelopeFault::Algorithm => Self::Algorithm,
            EnvelopeFault::Signature => Self::Signature,
        }
    }
}

impl std::fmt::Debug for UnverifiedPop<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnverifiedPop(kid {})", self.0.kid)
    }
}
