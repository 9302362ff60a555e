//! The envelope of proofs: a compact JWS with a type of its own, so that no token is ever taken for a proof or a proof for a
//! token (RFC 8725 section 3.11).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;
use serde_json::{Value, json};

use crate::crypto::public_key::PublicKey;
use crate::crypto::signer::{Signer, SignerError};
use crate::protocol::strict_json::{Json, Object, read_object};
use crate::protocol::unverified::{DecodedToken, REFUSED_MEMBERS};
use crate::value::Kid;

/// A key that proves possession, and its id.
#[derive(Clone)]
pub struct PopKey {
    /// Its id.
    pub kid: Kid,
    /// The key.
    pub signer: Arc<dyn Signer>,
}

/// The most bytes of a proof; one has about 500.
pub(super) const MAX_BYTES: usize = 8 * 1024;
const MAX_VALUES: u32 = 256;

/// A proof in good form that nobody has verified.
pub(super) struct Envelope<'d> {
    decoded: &'d DecodedToken<'d>,
    pub(super) kid: Kid,
    alg: String,
    payload: Object<'d>,
}

/// Why a text is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EnvelopeFault {
    Form,
    Algorithm,
    Signature,
}

/// Signs a payload.
pub(super) fn sign(key: &PopKey, typ: &str, payload: &Value, rng: &dyn SecureRandom) -> Result<String, SignerError> {
    let header = json!({"alg": key.signer.algorithm().as_str(), "kid": key.kid, "typ": typ});
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut compact = format!("{}.{}", encode(&header), encode(payload));
    let mut signature = Vec::new();
    key.signer.sign(rng, compact.as_bytes(), &mut signature)?;
    compact.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut compact);
    Ok(compact)
}

impl<'d> Envelope<'d> {
    /// Checks the form.
    pub(super) fn read(decoded: &'d DecodedToken<'d>, typ: &str) -> Result<Self, EnvelopeFault> {
        let object = |bytes| read_object(bytes, MAX_VALUES).map_err(|_| EnvelopeFault::Form);
        let (header, payload) = (object(&decoded.header)?, object(&decoded.payload)?);
        let text = |name| header.get(name).and_then(Json::as_text);
        if REFUSED_MEMBERS.into_iter().any(|name| header.get(name).is_some())
            || !text("typ").is_some_and(|found| found.eq_ignore_ascii_case(typ))
        {
            return Err(EnvelopeFault::Form);
        }
        let kid = text("kid").and_then(|kid| kid.parse().ok()).ok_or(EnvelopeFault::Form)?;
        let alg = text("alg").ok_or(EnvelopeFault::Form)?.to_owned();
        Ok(Self { decoded, kid, alg, payload })
    }

    /// What was signed.
    pub(super) const fn signing_input(&self) -> &str {
        self.decoded.signing_input
    }

    /// Verifies the signature, by the algorithm of the *key*, and gives out the payload.
    pub(super) fn verify(self, key: &PublicKey) -> Result<Object<'d>, EnvelopeFault> {
        if self.alg != key.algorithm().as_str() {
            return Err(EnvelopeFault::Algorithm);
        }
        let verified = key.verify(self.decoded.signing_input.as_bytes(), &self.decoded.signature);
        verified.map(|()| self.payload).map_err(|_| EnvelopeFault::Signature)
    }
}

impl fmt::Debug for PopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PopKey({})", self.kid)
    }
}
