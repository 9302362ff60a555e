//! [`MetadataSet`]: what the federation says about its participants, after a trust anchor's signature was verified. There is
//! no other way to get one.

use super::anchors::TrustAnchors;
use super::envelope::{Signature, SignedSet, decode};
use super::error::MetadataError;
use super::header::{SetHeader, SetTerms, forbidden_member};
use super::participant::{Participant, Skipped};
use super::payload::Payload;
use super::sign::Form;
use crate::crypto::digest::sha256;
use crate::protocol::jwk::PublicJwk;
use crate::protocol::key_set::KeySet;
use crate::protocol::strict_json::{Json, Object, read_object};
use crate::value::{Kid, Pid, Timestamp};

/// A verified set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataSet {
    header: SetHeader,
    participants: Vec<Participant>,
    skipped: Vec<Skipped>,
}

/// One signature of a set, for somebody who looks at the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureView {
    /// The name that it gives in its protected header; anybody can give any.
    pub kid: Option<String>,
    /// The algorithm that it names there.
    pub alg: Option<String>,
    /// What it is worth.
    pub verdict: SignatureVerdict,
}

/// What one signature of a set is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// This anchor made it.
    Anchor(Kid),
    /// Nobody who is trusted claims it. It counts for nothing, and does no harm.
    Stranger,
    /// It claims to be an anchor's and is not: the whole set is refused.
    Refused(MetadataError),
}

/// What one signature is worth.
enum Verdict {
    /// An anchor made it, and this is what it said.
    Trusted(Kid, SetTerms),
    /// Nobody who is trusted claims it; this is the name it gives.
    Stranger(Option<String>),
}

/// The most values of a protected header.
const MAX_HEADER_VALUES: u32 = 128;
/// The most characters of a stranger's kid that an error repeats.
const SHOWN: usize = 128;

impl SignedSet<'_> {
    /// Verifies a set: at least one anchor signed it, no anchor is made to say what it did not, and it is in force `now`.
    pub fn verify(bytes: &[u8], anchors: &TrustAnchors, now: Timestamp) -> Result<MetadataSet, MetadataError> {
        let (header, payload) = trusted(&SignedSet::read(bytes)?, anchors)?;
        header.check_time(now)?;
        MetadataSet::read(header, &payload)
    }

    /// The same without a look at the time: for looking at a set, or for a caller with a rule of its own for sets past
    /// their end ([`SetHeader::check_time`]).
    pub fn verify_at_any_time(bytes: &[u8], anchors: &TrustAnchors) -> Result<MetadataSet, MetadataError> {
        let (header, payload) = trusted(&SignedSet::read(bytes)?, anchors)?;
        MetadataSet::read(header, &payload)
    }
}

impl SignatureView {
    /// The form of a set, and what each of its signatures is worth. Says nothing of what they cover.
    pub fn of_set(bytes: &[u8], anchors: &TrustAnchors) -> Result<(Form, Vec<Self>), MetadataError> {
        let signed = SignedSet::read(bytes)?;
        let payload = signed.payload()?;
        let form = if signed.is_flattened() { Form::Flattened } else { Form::General };
        let signatures = signed.signatures()?;
        let views =
            signatures.iter().enumerate().map(|(index, signature)| Self::new(signature, payload, index, anchors));
        Ok((form, views.collect()))
    }

    fn new(signature: &Signature<'_>, payload: &str, index: usize, anchors: &TrustAnchors) -> Self {
        let bytes = decode(signature.protected, "protected header").unwrap_or_default();
        let protected = read_object(&bytes, MAX_HEADER_VALUES).ok();
        let text = |name| {
            let text = protected.as_ref()?.get(name)?.as_text()?;
            Some(text.chars().take(SHOWN).collect())
        };
        let verdict = match judge(signature, payload, index, anchors) {
            Ok(Verdict::Trusted(kid, _)) => SignatureVerdict::Anchor(kid),
            Ok(Verdict::Stranger(_)) => SignatureVerdict::Stranger,
            Err(error) => SignatureVerdict::Refused(error),
        };
        Self { kid: text("kid"), alg: text("alg"), verdict }
    }
}

/// The header that the anchors signed, and the payload.
fn trusted(signed: &SignedSet<'_>, anchors: &TrustAnchors) -> Result<(SetHeader, Vec<u8>), MetadataError> {
    let encoded = signed.payload()?;
    let (mut kids, mut agreed, mut signers) = (Vec::new(), None::<SetTerms>, Vec::new());
    for (index, signature) in signed.signatures()?.iter().enumerate() {
        match judge(signature, encoded, index, anchors)? {
            Verdict::Trusted(kid, terms) => {
                agreed = Some(agreed.map_or(Ok(terms), |known| known.agree(&terms))?);
                kids.push(kid);
            }
            Verdict::Stranger(name) => signers.extend(name),
        }
    }
    let terms = agreed.ok_or(MetadataError::NoTrustedSignature { signers })?;
    let payload = decode(encoded, "payload")?;
    Ok((SetHeader::new(terms, kids, sha256(&payload)), payload))
}

fn judge(
    signature: &Signature<'_>,
    payload: &str,
    index: usize,
    anchors: &TrustAnchors,
) -> Result<Verdict, MetadataError> {
    if signature.protected.is_empty() {
        return Ok(Verdict::Stranger(None));
    }
    let bytes = decode(signature.protected, "protected header")?;
    let protected =
        read_object(&bytes, MAX_HEADER_VALUES).map_err(|fault| MetadataError::Protected { index, fault })?;
    // The kid in the unprotected header can be anybody's: nobody signed it.
    let Some(kid) = protected.get("kid").and_then(Json::as_text) else { return Ok(Verdict::Stranger(None)) };
    let Some(anchor) = anchors.find(kid) else {
        return Ok(Verdict::Stranger(Some(kid.chars().take(SHOWN).collect())));
    };
    check_signature(signature, &protected, payload, anchor)?;
    let terms = SetTerms::read(&protected, &anchor.kid)?;
    Ok(Verdict::Trusted(anchor.kid.clone(), terms))
}

/// A signature in an anchor's name is the anchor's, or the set is a forgery, whatever other signatures it has.
fn check_signature(
    signature: &Signature<'_>,
    protected: &Object<'_>,
    payload: &str,
    anchor: &PublicJwk,
) -> Result<(), MetadataError> {
    let kid = || anchor.kid.clone();
    if let Some(member) = forbidden_member(protected, signature.unprotected) {
        return Err(MetadataError::Forbidden { kid: kid(), member });
    }
    // The key decides how it verifies (RFC 8725 section 3.1); the header may only agree.
    let expected = anchor.key.algorithm();
    if protected.get("alg").and_then(Json::as_text) != Some(expected.as_str()) {
        return Err(MetadataError::Algorithm { kid: kid(), expected });
    }
    let value = decode(signature.value, "signature")?;
    let input = [signature.protected, ".", payload].concat();
    anchor.key.verify(input.as_bytes(), &value).map_err(|_| MetadataError::Signature { kid: kid() })
}

impl MetadataSet {
    fn read(header: SetHeader, payload: &[u8]) -> Result<Self, MetadataError> {
        let Payload { participants, skipped } = Payload::read(payload)?;
        Ok(Self { header, participants, skipped })
    }

    /// What the authority says about the set.
    pub const fn header(&self) -> &SetHeader {
        &self.header
    }

    /// The participants, by pid.
    pub fn participants(&self) -> &[Participant] {
        &self.participants
    }

    /// The participant with this pid.
    pub fn participant(&self, pid: Pid) -> Option<&Participant> {
        let index = self.participants.binary_search_by_key(&pid, |participant| participant.pid).ok()?;
        self.participants.get(index)
    }

    /// What is in the set and not used, most of all keys: something to tell the operator.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The keys that check tokens, each under its participant; MTB keys are not among them.
    pub fn key_set(&self) -> KeySet {
        let keys = self.participants.iter().map(|participant| (participant.pid, participant.authtoken_keys.clone()));
        key_set(&self.header, keys)
    }

    /// The same, when nothing else of the set is wanted: the keys are not copied.
    pub fn into_key_set(self) -> KeySet {
        let keys = self.participants.into_iter().map(|participant| (participant.pid, participant.authtoken_keys));
        key_set(&self.header, keys)
    }

    /// Whether this set may take the place of the one that is held, see [`SetHeader::may_replace`].
    pub fn may_replace(&self, held: &SetHeader) -> Result<(), MetadataError> {
        self.header.may_replace(held)
    }
}

fn key_set(header: &SetHeader, keys: impl Iterator<Item = (Pid, Vec<PublicJwk>)>) -> KeySet {
    let mut set = KeySet::new();
    set.not_valid_after = Some(header.not_valid_after);
    for (pid, keys) in keys {
        // Pids and kids were found to be unique when the set was read; a list that were not would be left out.
        let added = set.add(pid, keys);
        debug_assert!(added.is_ok(), "{added:?}");
    }
    set
}
