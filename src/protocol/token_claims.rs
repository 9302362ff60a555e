//! The claims of a token as a verifier reads them: every type checked, nothing coerced (RFC 7519; Authentication API 1.3.3;
//! RFC 8705 for `cnf`). Whether they suffice is decided above; writing claims is `claims`' task.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::strict_json::Json;
use crate::value::{Class, EntityId, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

/// Where claims are read from: of a token that was verified, or of one that is only shown to people.
pub trait ClaimSource {
    /// The claim with this name.
    fn claim(&self, name: &str) -> Option<&Json<'_>>;
}

/// From when to when a token counts (RFC 7519 sections 4.1.4 to 4.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTimes {
    /// When it ceases to count.
    pub exp: Timestamp,
    /// When it begins to.
    pub nbf: Option<Timestamp>,
    /// When it was issued.
    pub iat: Option<Timestamp>,
}

/// The other claims that BoB knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenClaims {
    /// `sub`
    pub entity: EntityId,
    /// `bobAuthZ`
    pub class: Class,
    /// `bobHok`
    pub bob_hok: Option<Sha1Fingerprint>,
    /// `cnf.x5t#S256`
    pub x5t_s256: Option<Sha256Fingerprint>,
    /// `aud`, one or several; empty if there is none.
    pub audience: Vec<String>,
}

/// A claim that is not as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It is not there.
    #[error("the claim {0} is missing")]
    Missing(&'static str),
    /// It is there with another type or in another form.
    #[error("the claim {name} must be {wanted}, and is {found}")]
    Form {
        /// Which.
        name: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What kind of value it is.
        found: &'static str,
    },
}

/// The largest number that every JSON reader keeps whole (RFC 8259 section 6): the year 285,428,751.
const LAST_SECOND: i64 = 1 << 53;

const DATE: &str = "a whole number of seconds since 1970";

impl TokenTimes {
    /// Reads the times of a token.
    pub fn read(claims: &impl ClaimSource) -> Result<Self, ClaimError> {
        Ok(Self {
            exp: date(claims, "exp")?.ok_or(ClaimError::Missing("exp"))?,
            nbf: date(claims, "nbf")?,
            iat: date(claims, "iat")?,
        })
    }
}

impl TokenClaims {
    /// Reads the claims of a token.
    pub fn read(claims: &impl ClaimSource) -> Result<Self, ClaimError> {
        let entity = parsed(claims, "sub", "an entity id in a string")?;
        let class = parsed(claims, "bobAuthZ", "an authorisation class in a string")?;
        let bob_hok = parsed(claims, "bobHok", "a SHA-1 fingerprint of 40 hex digits in a string")?;
        Ok(Self {
            entity: entity.ok_or(ClaimError::Missing("sub"))?,
            class: class.ok_or(ClaimError::Missing("bobAuthZ"))?,
            bob_hok,
            x5t_s256: thumbprint(claims)?,
            audience: audience(claims)?,
        })
    }
}

fn date(claims: &impl ClaimSource, name: &'static str) -> Result<Option<Timestamp>, ClaimError> {
    match claims.claim(name) {
        None => Ok(None),
        Some(Json::Integer(seconds @ 0..=LAST_SECOND)) => Ok(Some(Timestamp::from_seconds(*seconds))),
        Some(Json::Integer(_)) => {
            Err(ClaimError::Form { name, wanted: DATE, found: "a number that no clock will show" })
        }
        Some(other) => Err(ClaimError::Form { name, wanted: DATE, found: other.kind() }),
    }
}

fn parsed<T: std::str::FromStr>(
    claims: &impl ClaimSource,
    name: &'static str,
    wanted: &'static str,
) -> Result<Option<T>, ClaimError> {
    let Some(value) = claims.claim(name) else { return Ok(None) };
    let parsed = value.as_text().and_then(|text| text.parse().ok());
    let found = if value.as_text().is_some() { "a string in another form" } else { value.kind() };
    parsed.map(Some).ok_or(ClaimError::Form { name, wanted, found })
}

/// A confirmation that holds anything but the one method of RFC 8705 is one that we could not check.
fn thumbprint(claims: &impl ClaimSource) -> Result<Option<Sha256Fingerprint>, ClaimError> {
    let Some(value) = claims.claim("cnf") else { return Ok(None) };
    let Json::Object(methods) = value else {
        return Err(ClaimError::Form { name: "cnf", wanted: "an object", found: value.kind() });
    };
    let bytes = methods.get("x5t#S256").and_then(Json::as_text).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
        Some(bytes) if methods.members().count() == 1 => Ok(Some(Sha256Fingerprint::from_bytes(bytes))),
        _ => Err(ClaimError::Form {
            name: "cnf",
            wanted: "an object with x5t#S256, a SHA-256 thumbprint in base64url, and nothing else",
            found: "an object with something else",
        }),
    }
}

fn audience(claims: &impl ClaimSource) -> Result<Vec<String>, ClaimError> {
    let wrong = |found| ClaimError::Form { name: "aud", wanted: "a string or an array of strings", found };
    match claims.claim("aud") {
        None => Ok(Vec::new()),
        Some(Json::Text(one)) => Ok(vec![one.to_string()]),
        Some(Json::Array(several)) => {
            let texts = several.iter().map(|one| one.as_text().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or_else(|| wrong("an array with something else"))
        }
        Some(other) => Err(wrong(other.kind())),
    }
}
