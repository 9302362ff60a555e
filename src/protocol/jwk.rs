//! JSON Web Keys (RFC 7517) with which signatures of tokens are checked: one key, or a set of one issuer's keys. Whose
//! keys they are is not written in them; that is `key_set`'s affair.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;

use super::strict_json::{Json, JsonFault, Object, read_object};
use crate::crypto::public_key::{ExampleKeys, PublicKey, PublicKeyError};
use crate::value::Kid;

/// A public key and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicJwk {
    /// Its id, unique among the keys of its owner.
    pub kid: Kid,
    /// The key.
    pub key: PublicKey,
}

/// The keys of a JWK set that can check tokens, and what was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JwkSet {
    /// The keys; no kid is there twice.
    pub keys: Vec<PublicJwk>,
    /// The others, with the reason.
    pub skipped: Vec<SkippedKey>,
}

/// A key of a set that is not used; the set is none the worse for it (RFC 7517 section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its id, if it has one.
    pub kid: Option<String>,
    /// Why.
    pub why: Unusable,
}

/// Why a JWK does not check tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Another type of key.
    #[error("its type (kty, crv) is neither EC with P-256 nor RSA")]
    Type,
    /// A key for something else (`use`, `key_ops`, `alg`).
    #[error("its {0} says that it is not for checking signatures of ES256 or RS256")]
    Purpose(&'static str),
    /// A member that is missing or malformed.
    #[error("its member {0} is missing or malformed")]
    Member(&'static str),
    /// The key itself.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
}

/// Why a JWK or a set of them is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// Not the JSON that it should be.
    #[error("the key set {0}")]
    Json(#[from] JsonFault),
    /// No array `keys` of objects (RFC 7517 section 5.1).
    #[error("the key set has no array \"keys\" of objects")]
    NoKeys,
    /// A private key among public ones: whoever published it has given it away (RFC 7517 section 9.2).
    #[error(
        "the key {} comes with its private half ({member}): it has been given away and must be replaced",
        shown(kid.as_deref())
    )]
    Private {
        /// Its id, if it has one.
        kid: Option<String>,
        /// The member that no public key has.
        member: &'static str,
    },
    /// Two keys with one id.
    #[error("the key id {0} is there twice")]
    DuplicateKid(Kid),
}

/// Members that only private or symmetric keys have (RFC 7518 section 6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The most values of one set: some eight thousand keys.
const MAX_VALUES: u32 = 65_536;

impl JwkSet {
    /// Reads a JWK set. Keys that are not for tokens are skipped; what casts doubt on the set as a whole refuses it.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwkError> {
        Self::parse_with(bytes, ExampleKeys::Refuse)
    }

    /// The same, and says what to do with keys that are printed in standards.
    pub fn parse_with(bytes: &[u8], examples: ExampleKeys) -> Result<Self, JwkError> {
        let set = read_object(bytes, MAX_VALUES)?;
        let Some(Json::Array(keys)) = set.get("keys") else { return Err(JwkError::NoKeys) };
        let mut read = Self::default();
        for key in keys {
            let Json::Object(key) = key else { return Err(JwkError::NoKeys) };
            match PublicJwk::from_object(key, examples)? {
                Ok(key) if read.keys.iter().any(|other| other.kid == key.kid) => {
                    return Err(JwkError::DuplicateKid(key.kid));
                }
                Ok(key) => read.keys.push(key),
                Err(why) => read.skipped.push(SkippedKey { kid: kid_of(key), why }),
            }
        }
        Ok(read)
    }
}

impl PublicJwk {
    /// Reads one key: refused as a danger, or unusable, or here it is.
    pub fn from_object(jwk: &Object<'_>, examples: ExampleKeys) -> Result<Result<Self, Unusable>, JwkError> {
        if let Some(member) = PRIVATE_MEMBERS.into_iter().find(|name| jwk.get(name).is_some()) {
            return Err(JwkError::Private { kid: kid_of(jwk), member });
        }
        Ok(usable(jwk, examples))
    }
}

/// A key as it is published in participant metadata: the members that make it, and its id; nothing about its use.
pub fn bare_jwk(kid: &Kid, key: &PublicKey) -> Jwk {
    let mut jwk = key.to_jwk(kid.as_str());
    jwk.common.public_key_use = None;
    jwk.common.key_algorithm = None;
    jwk
}

fn usable(jwk: &Object<'_>, examples: ExampleKeys) -> Result<PublicJwk, Unusable> {
    let text = |name: &'static str| jwk.get(name).and_then(Json::as_text).ok_or(Unusable::Member(name));
    let bytes = |name| URL_SAFE_NO_PAD.decode(text(name)?).map_err(|_| Unusable::Member(name));
    let key_type = text("kty")?;
    if !(key_type == "RSA" || key_type == "EC" && text("crv")? == "P-256") {
        return Err(Unusable::Type);
    }
    check_purpose(jwk)?;
    let key = if key_type == "RSA" {
        PublicKey::rsa(&bytes("n")?, &bytes("e")?, examples)?
    } else {
        PublicKey::p256(&bytes("x")?, &bytes("y")?, examples)?
    };
    if jwk.get("alg").is_some_and(|alg| alg.as_text() != Some(key.algorithm().as_str())) {
        return Err(Unusable::Purpose("alg"));
    }
    let kid = text("kid")?.parse().map_err(|_| Unusable::Member("kid"))?;
    Ok(PublicJwk { kid, key })
}

/// `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3) must not speak against it.
fn check_purpose(jwk: &Object<'_>) -> Result<(), Unusable> {
    if jwk.get("use").is_some_and(|purpose| purpose.as_text() != Some("sig")) {
        return Err(Unusable::Purpose("use"));
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Json::Array(operations)) if operations.iter().any(|one| one.as_text() == Some("verify")) => Ok(()),
        Some(_) => Err(Unusable::Purpose("key_ops")),
    }
}

/// An id that anybody may have written, or that there is none.
pub(super) fn shown(kid: Option<&str>) -> String {
    kid.map_or_else(|| "without an id".to_owned(), |kid| format!("{kid:?}"))
}

fn kid_of(jwk: &Object<'_>) -> Option<String> {
    jwk.get("kid").and_then(Json::as_text).map(|kid| kid.chars().take(Kid::MAX_LEN).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::crypto::private_key::PrivateKey;
    use crate::crypto::signer::{Signer as _, SoftwareSigner};

    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    fn jwk(kid: &str) -> Value {
        let private = PrivateKey::generate_p256().unwrap();
        let signer = SoftwareSigner::new(&private, &ring::rand::SystemRandom::new()).unwrap();
        serde_json::to_value(signer.public_key().to_jwk(kid)).unwrap()
    }

    fn with(mut jwk: Value, member: &str, value: Value) -> Value {
        jwk[member] = value;
        jwk
    }

    fn parse(keys: &[Value]) -> Result<JwkSet, JwkError> {
        JwkSet::parse(json!({"keys": keys}).to_string().as_bytes())
    }

    fn skipped(key: Value) -> Unusable {
        let set = parse(&[key]).unwrap();
        assert!(set.keys.is_empty());
        set.skipped[0].why.clone()
    }

    #[test]
    fn a_published_key_reads_back_as_itself() {
        let published = jwk("34:20261122_1");
        let set = parse(&[published.clone(), jwk("2")]).unwrap();
        assert_eq!(set.keys.len(), 2);
        let again = serde_json::to_value(set.keys[0].key.to_jwk(set.keys[0].kid.as_str())).unwrap();
        assert_eq!(again, published);
    }

    #[test]
    fn keys_of_other_types_and_purposes_are_skipped_without_harm_to_the_set() {
        assert_eq!(skipped(json!({"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "1"})), Unusable::Type);
        assert_eq!(skipped(with(jwk("1"), "crv", json!("P-384"))), Unusable::Type);
        assert_eq!(skipped(with(jwk("1"), "use", json!("enc"))), Unusable::Purpose("use"));
        assert_eq!(skipped(with(jwk("1"), "key_ops", json!(["encrypt"]))), Unusable::Purpose("key_ops"));
        assert_eq!(skipped(with(jwk("1"), "alg", json!("ES384"))), Unusable::Purpose("alg"));
        assert_eq!(skipped(with(jwk("1"), "x", json!("AQ=="))), Unusable::Member("x"));
        assert_eq!(skipped(with(jwk("1"), "kid", json!("with blank"))), Unusable::Member("kid"));
        assert_eq!(skipped(with(jwk("1"), "x", jwk("2")["x"].clone())), PublicKeyError::NotOnCurve.into());
        let mixed = parse(&[json!({"kty": "oct2", "kid": "0"}), jwk("1")]).unwrap();
        assert_eq!((mixed.keys.len(), mixed.skipped.len()), (1, 1));
        assert_eq!(parse(&[with(jwk("1"), "key_ops", json!(["verify"]))]).unwrap().keys.len(), 1);
    }

    #[test]
    fn a_private_key_a_double_id_and_a_double_member_refuse_the_whole_set() {
        let private = with(jwk("1"), "d", json!("AAAA"));
        assert_eq!(
            parse(&[jwk("2"), private]).unwrap_err(),
            JwkError::Private { kid: Some("1".to_owned()), member: "d" }
        );
        let refusal = parse(&[with(jwk("1"), "d", json!("AAAA"))]).unwrap_err().to_string();
        assert!(refusal.starts_with("the key \"1\" comes with its private half (d)"), "{refusal}");
        let refusal = parse(&[json!({"kty": "oct", "k": "AA"})]).unwrap_err().to_string();
        assert!(refusal.starts_with("the key without an id comes with its private half (k)"), "{refusal}");
        assert!(matches!(parse(&[json!({"kty": "oct", "k": "AA"})]), Err(JwkError::Private { member: "k", .. })));
        assert_eq!(parse(&[jwk("1"), jwk("1")]).unwrap_err(), JwkError::DuplicateKid("1".parse().unwrap()));
        let twice = br#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#;
        assert!(matches!(JwkSet::parse(twice), Err(JwkError::Json(JsonFault::Duplicate { .. }))));
        for text in ["{}", "[]", r#"{"keys":{}}"#, r#"{"keys":["a"]}"#, "null", ""] {
            assert!(JwkSet::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
