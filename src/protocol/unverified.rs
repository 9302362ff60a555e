//! [`UnverifiedToken`]: the form of a token checked, strictly, before anything in it is believed. It tells whose key is to be
//! asked, and nothing else; the claims come out once that key has verified the signature.
//!
//! Form is RFC 7515 section 7.1 with every choice made: one spelling of base64url, no member named twice at any depth, no
//! `crit`, no key inside the token, no compression, no nesting. What the claims must be is `verified_claims`' affair.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::strict_json::{Json, JsonFault, Object, read_object};
use super::token_claims::ClaimSource;
use super::token_text::Part;
use crate::crypto::public_key::{BadSignature, PublicKey};
use crate::value::{Kid, Pid};

/// The most bytes of a token, if nobody says otherwise; a BoB token has about 500.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The most JSON values in a header or payload; a BoB token has about ten.
const MAX_VALUES: u32 = 256;

/// A token with its base64url undone: room for an [`UnverifiedToken`] to stand in. Borrows the text.
#[derive(Clone)]
pub struct DecodedToken<'t> {
    pub(super) signing_input: &'t str,
    pub(super) header: Vec<u8>,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A token in good form that nobody has verified. It gives out only what is needed to find the key.
pub struct UnverifiedToken<'d> {
    decoded: &'d DecodedToken<'d>,
    issuer: Pid,
    kid: Kid,
    algorithm: Option<String>,
    payload: Object<'d>,
}

/// The claims of a token whose signature was verified. Nothing but [`UnverifiedToken::verify`] makes one.
#[derive(Debug)]
pub struct SignedClaims<'d>(Object<'d>);

/// The claims of a token that nobody verified, to be shown to people who ask why it is refused. Nothing may be decided by
/// them, and no verifier reads them.
#[derive(Debug)]
pub struct PeekedClaims<'d>(Object<'d>);

/// What is wrong with the form of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More bytes than any token has.
    #[error("the token has {len} bytes, at most {most} are read")]
    TooLong {
        /// How many it has.
        len: usize,
        /// How many are read.
        most: usize,
    },
    /// Another number of parts than three: a JWE has five (RFC 7516), JSON none.
    #[error("a token has three parts with a full stop between them, this text has {0}")]
    Parts(usize),
    /// A part that is not base64url in its one spelling (RFC 7515 section 2): padding, white space, `+` and `/`, bits left over.
    #[error("the {0} is not base64url in its one spelling")]
    Base64(Part),
    /// A part that is not the JSON object it should be.
    #[error("the {0} {1}")]
    Json(Part, JsonFault),
    /// A header member that no BoB token has and that would change what the signature means, or where the key comes from.
    #[error("the header has the member {0:?}, which is not accepted")]
    HeaderMember(&'static str),
    /// `typ` other than JWT (RFC 8725 section 3.11).
    #[error("the type of the token is not JWT")]
    Type,
    /// No `kid`, or one that is none.
    #[error("the header has no key id (kid) that could be one")]
    Kid,
    /// No `iss`, or one that is no participant id written as a string.
    #[error("the issuer (iss) is no participant id, written as a string")]
    Issuer,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// `alg` is not the algorithm of the key (RFC 8725 section 3.1).
    #[error("the token says {} and its key is for {key}", said.as_deref().unwrap_or("no algorithm").escape_debug())]
    Algorithm {
        /// What the header says, its first few characters.
        said: Option<String>,
        /// What the key is for.
        key: &'static str,
    },
    /// The signature is not the key's.
    #[error(transparent)]
    Bad(#[from] BadSignature),
}

/// Members that are refused wherever a header has them, and why.
pub(super) const REFUSED_MEMBERS: [&str; 9] = [
    "crit", // extensions that must be understood: we understand none (RFC 7515 section 4.1.11)
    "b64",  // an unencoded payload (RFC 7797)
    "zip",  // compression (RFC 8725 section 3.6)
    "enc",  // encryption (RFC 7516)
    "cty",  // a token inside the token (RFC 7519 section 5.2)
    "jwk",  // a key inside the token, or where to fetch one: keys come from the registry alone (RFC 8725 section 3.10)
    "jku", "x5u", "x5c",
];

impl<'t> DecodedToken<'t> {
    /// Takes a compact token of at most `most` bytes apart.
    pub fn decode(token: &'t str, most: usize) -> Result<Self, FormError> {
        if token.len() > most {
            return Err(FormError::TooLong { len: token.len(), most });
        }
        let parts = || FormError::Parts(token.split('.').count());
        let (signing_input, signature) = token.rsplit_once('.').ok_or_else(parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or_else(parts)?;
        if payload.contains('.') {
            return Err(parts());
        }
        let decode = |text: &str, part| URL_SAFE_NO_PAD.decode(text).map_err(|_| FormError::Base64(part));
        Ok(Self {
            signing_input,
            header: decode(header, Part::Header)?,
            payload: decode(payload, Part::Payload)?,
            signature: decode(signature, Part::Signature)?,
        })
    }

    /// Header, payload and signature as bytes, to be shown or judged; nothing may be decided by them.
    pub fn parts(&self) -> (&[u8], &[u8], &[u8]) {
        (&self.header, &self.payload, &self.signature)
    }
}

impl<'d> PeekedClaims<'d> {
    /// The claims as they stand there.
    pub fn of(decoded: &'d DecodedToken<'d>) -> Result<Self, FormError> {
        let object = read_object(&decoded.payload, MAX_VALUES);
        object.map(Self).map_err(|fault| FormError::Json(Part::Payload, fault))
    }
}

impl ClaimSource for PeekedClaims<'_> {
    fn claim(&self, name: &str) -> Option<&Json<'_>> {
        self.0.get(name)
    }
}

impl<'d> UnverifiedToken<'d> {
    /// Checks the form of a token.
    pub fn read(decoded: &'d DecodedToken<'d>) -> Result<Self, FormError> {
        let object = |bytes, part| read_object(bytes, MAX_VALUES).map_err(|fault| FormError::Json(part, fault));
        let header = object(&decoded.header, Part::Header)?;
        let payload = object(&decoded.payload, Part::Payload)?;
        check_header(&header)?;
        let text = |object: &Object<'_>, name| object.get(name).and_then(Json::as_text).map(str::to_owned);
        Ok(Self {
            decoded,
            kid: text(&header, "kid").and_then(|kid| kid.parse().ok()).ok_or(FormError::Kid)?,
            issuer: text(&payload, "iss").and_then(|iss| iss.parse().ok()).ok_or(FormError::Issuer)?,
            algorithm: text(&header, "alg"),
            payload,
        })
    }

    /// Who is said to have issued it: whose keys are to be asked.
    pub const fn issuer(&self) -> Pid {
        self.issuer
    }

    /// Which of the issuer's keys is said to have signed it.
    pub const fn kid(&self) -> &Kid {
        &self.kid
    }

    /// Verifies the signature, by the algorithm of the *key*, and gives out the claims.
    pub fn verify(self, key: &PublicKey) -> Result<SignedClaims<'d>, SignatureError> {
        let expected = key.algorithm().as_str();
        if self.algorithm.as_deref() != Some(expected) {
            let said = self.algorithm.map(|said| said.chars().take(SHOWN).collect());
            return Err(SignatureError::Algorithm { said, key: expected });
        }
        key.verify(self.decoded.signing_input.as_bytes(), &self.decoded.signature)?;
        Ok(SignedClaims(self.payload))
    }
}

/// The most characters of `alg` that an error repeats.
const SHOWN: usize = 16;

impl ClaimSource for SignedClaims<'_> {
    fn claim(&self, name: &str) -> Option<&Json<'_>> {
        self.0.get(name)
    }
}

fn check_header(header: &Object<'_>) -> Result<(), FormError> {
    if let Some(member) = REFUSED_MEMBERS.into_iter().find(|name| header.get(name).is_some()) {
        return Err(FormError::HeaderMember(member));
    }
    match header.get("typ") {
        None => Ok(()),
        Some(Json::Text(text)) if text.eq_ignore_ascii_case("JWT") => Ok(()),
        Some(_) => Err(FormError::Type),
    }
}

/// A token is a credential: `Debug` says how long it is.
impl std::fmt::Debug for DecodedToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DecodedToken({} bytes)", self.signing_input.len())
    }
}

impl std::fmt::Debug for UnverifiedToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnverifiedToken(iss {}, kid {})", self.issuer, self.kid)
    }
}

#[cfg(test)]
#[path = "unverified/tests.rs"]
mod tests;
