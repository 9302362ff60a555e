//! Tokens that nobody should accept, made of a good one: changed, stripped, signed by a key of ours. Pure, but for the key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;
use serde_json::{Map, Value, json};

use super::rules as rule;
use crate::cli::conformance::check::Check;
use crate::cli::conformance::compact::Compact;
use crate::cli::error::CliError;
use crate::crypto::algorithm::Algorithm;
use crate::crypto::digest::hmac_sha256;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::public_key::PublicKey;
use crate::crypto::signer::{Signer as _, SoftwareSigner};

/// A kid that nobody has published.
const UNKNOWN: &str = "bob-auth-probe-7f3a9c";
/// Kids that do something if somebody looks them up without care.
const PATHS: [&str; 4] =
    ["../../../../../../dev/null", "x' UNION SELECT 'AA' -- ", "https://127.0.0.1:9/jwks.json", "x\u{0}y"];

/// A token that is to be refused, and why.
pub(super) struct Forgery {
    pub(super) check: &'static Check,
    /// What tells it from others of its check.
    pub(super) what: String,
    pub(super) token: String,
}

/// Makes tokens of one good one.
pub(super) struct Forger<'a> {
    good: &'a Compact,
    signer: SoftwareSigner,
    rng: &'a dyn SecureRandom,
}

impl<'a> Forger<'a> {
    /// With a new key of the kind that signed the good one.
    pub(super) fn new(good: &'a Compact, rng: &'a dyn SecureRandom) -> Result<Self, CliError> {
        let key = match good.header_text("alg").and_then(|alg| alg.parse().ok()) {
            Some(Algorithm::Rs256) => PrivateKey::generate_rsa(2048)?,
            _ => PrivateKey::generate_p256()?,
        };
        let signer = SoftwareSigner::new(&key, rng).map_err(CliError::new)?;
        Ok(Self { good, signer, rng })
    }

    /// All of them; with the issuer's public key, if it is known.
    pub(super) fn all(&self, public: Option<&PublicKey>) -> Result<Vec<Forgery>, CliError> {
        let mut all = self.changed();
        all.extend(self.unsigned());
        all.extend(self.of_own_key()?);
        all.extend(self.in_parts());
        if let Some(public) = public {
            all.extend(self.confused(public)?);
        }
        Ok(all)
    }

    /// The good one with something changed and its signature left as it is.
    fn changed(&self) -> Vec<Forgery> {
        let (header, _, signature) = self.texts();
        let with = |name: &str, value: Value| {
            let mut payload = self.good.payload.clone();
            payload.insert(name.to_owned(), value);
            format!("{header}.{}.{signature}", encoded(&payload))
        };
        let class = if self.good.claim_text("bobAuthZ") == Some("ins") { "val" } else { "ins" };
        let later = self.good.payload.get("exp").and_then(Value::as_i64).unwrap_or_default() + 3_600;
        let mut bytes = self.good.signature.clone();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        vec![
            forgery(&rule::CHANGED_PAYLOAD, "another class", with("bobAuthZ", json!(class))),
            forgery(&rule::CHANGED_PAYLOAD, "a later end", with("exp", json!(later))),
            forgery(
                &rule::CHANGED_SIGNATURE,
                "",
                format!("{}.{}", self.good.signing_input(), URL_SAFE_NO_PAD.encode(bytes)),
            ),
        ]
    }

    /// Without a signature.
    fn unsigned(&self) -> Vec<Forgery> {
        let (header, payload, signature) = self.texts();
        let mut all = vec![
            forgery(&rule::NO_SIGNATURE, "an empty one", format!("{header}.{payload}.")),
            forgery(&rule::NO_SIGNATURE, "none", format!("{header}.{payload}")),
        ];
        for alg in ["none", "None", "nOnE"] {
            let header = encoded(&self.header(&[("alg", json!(alg))]));
            all.push(forgery(&rule::ALG_NONE, &format!("alg {alg}"), format!("{header}.{payload}.")));
            all.push(forgery(
                &rule::ALG_NONE,
                &format!("alg {alg} with the old signature"),
                format!("{header}.{payload}.{signature}"),
            ));
        }
        all
    }

    /// Signed by a key of ours.
    fn of_own_key(&self) -> Result<Vec<Forgery>, CliError> {
        let kid = self.good.header_text("kid").unwrap_or_default();
        let jwk = |kid: &str| serde_json::to_value(self.signer.public_key().to_jwk(kid));
        let payload = &self.good.payload;
        let mut stranger = payload.clone();
        stranger.insert("iss".to_owned(), json!("999999999999"));
        let mut nameless = self.header(&[("jwk", jwk(kid)?)]);
        nameless.remove("kid");
        let plain = self.header(&[]);
        let mut all = vec![
            forgery(&rule::OWN_KEY, "", self.signed(&plain, payload)?),
            forgery(&rule::UNKNOWN_KID, "", self.signed(&self.header(&[("kid", json!(UNKNOWN))]), payload)?),
            forgery(&rule::UNKNOWN_ISSUER, "", self.signed(&plain, &stranger)?),
            forgery(
                &rule::EMBEDDED_KEY,
                "the kid of the issuer",
                self.signed(&self.header(&[("jwk", jwk(kid)?)]), payload)?,
            ),
            forgery(&rule::EMBEDDED_KEY, "no kid", self.signed(&nameless, payload)?),
            forgery(
                &rule::EMBEDDED_KEY,
                "a kid of its own",
                self.signed(&self.header(&[("kid", json!(UNKNOWN)), ("jwk", jwk(UNKNOWN)?)]), payload)?,
            ),
        ];
        for path in PATHS {
            let what = format!("{path:?}");
            all.push(forgery(&rule::KID_PATH, &what, self.signed(&self.header(&[("kid", json!(path))]), payload)?));
        }
        // Whoever opens the file of that name finds an empty secret.
        let header = self.header(&[("kid", json!(PATHS[0])), ("alg", json!("HS256"))]);
        all.push(forgery(&rule::KID_PATH, "an empty file as secret", keyed(&header, payload, b"")));
        Ok(all)
    }

    /// Of more or fewer parts.
    fn in_parts(&self) -> Vec<Forgery> {
        let (text, (header, payload, signature)) = (&self.good.text, self.texts());
        [
            ("a fourth one", format!("{text}.{signature}")),
            ("an empty fourth one", format!("{text}.")),
            ("an empty first one", format!(".{text}")),
            ("five", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
            ("one", header.to_owned()),
        ]
        .map(|(what, token)| forgery(&rule::EXTRA_PARTS, what, token))
        .into()
    }

    /// With the public key as the secret of HS256, in the forms in which programs keep it.
    fn confused(&self, public: &PublicKey) -> Result<Vec<Forgery>, CliError> {
        let header = self.header(&[("alg", json!("HS256"))]);
        let pem = public.to_pem().map_err(CliError::new)?;
        let jwk = serde_json::to_string(&public.to_jwk(self.good.header_text("kid").unwrap_or_default()))?;
        let secrets: [(&str, &[u8]); 3] =
            [("PEM", &pem), ("PEM without its last line end", pem.trim_ascii_end()), ("a JWK", jwk.as_bytes())];
        let keyed = |(what, secret): (&str, &[u8])| {
            forgery(&rule::ALG_CONFUSION, what, keyed(&header, &self.good.payload, secret))
        };
        Ok(secrets.map(keyed).into())
    }

    /// The good header with these members.
    fn header(&self, members: &[(&str, Value)]) -> Map<String, Value> {
        let mut header = self.good.header.clone();
        header.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        header
    }

    fn signed(&self, header: &Map<String, Value>, payload: &Map<String, Value>) -> Result<String, CliError> {
        let message = format!("{}.{}", encoded(header), encoded(payload));
        let mut signature = Vec::new();
        self.signer.sign(self.rng, message.as_bytes(), &mut signature).map_err(CliError::new)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The parts of the good one as they are written.
    fn texts(&self) -> (&str, &str, &str) {
        let (input, signature) = self.good.text.rsplit_once('.').unwrap_or_default();
        let (header, payload) = input.split_once('.').unwrap_or_default();
        (header, payload, signature)
    }
}

fn forgery(check: &'static Check, what: &str, token: String) -> Forgery {
    Forgery { check, what: what.to_owned(), token }
}

fn encoded(part: &Map<String, Value>) -> String {
    URL_SAFE_NO_PAD.encode(Value::Object(part.clone()).to_string())
}

fn keyed(header: &Map<String, Value>, payload: &Map<String, Value>, secret: &[u8]) -> String {
    let message = format!("{}.{}", encoded(header), encoded(payload));
    let signature = hmac_sha256(secret, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use std::collections::BTreeSet;

    use ring::rand::SystemRandom;

    use super::*;

    fn good(algorithm: Algorithm) -> (Compact, SoftwareSigner) {
        let rng = SystemRandom::new();
        let key = match algorithm {
            Algorithm::Es256 => PrivateKey::generate_p256(),
            Algorithm::Rs256 => PrivateKey::generate_rsa(2048),
        };
        let signer = SoftwareSigner::new(&key.unwrap(), &rng).unwrap();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({ "alg": algorithm.as_str(), "kid": "34:1" }));
        let message = format!("{header}.{}", part(json!({ "iss": "34", "exp": 1, "bobAuthZ": "val" })));
        let mut signature = Vec::new();
        signer.sign(&rng, message.as_bytes(), &mut signature).unwrap();
        (Compact::read(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))).unwrap(), signer)
    }

    #[test]
    fn no_forgery_verifies_under_the_key_of_the_issuer() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let (good, issuer) = good(algorithm);
            let rng = SystemRandom::new();
            let all = Forger::new(&good, &rng).unwrap().all(Some(issuer.public_key())).unwrap();
            let checks: BTreeSet<&str> = all.iter().map(|forgery| forgery.check.id).collect();
            assert_eq!((all.len(), checks.len()), (30, 11), "{checks:?}");
            for Forgery { what, token, .. } in &all {
                assert_ne!(*token, good.text, "{what}");
                let Ok(read) = Compact::read(token) else { continue };
                let verifies = issuer.public_key().verify(read.signing_input().as_bytes(), &read.signature).is_ok();
                assert!(!verifies, "{what}");
            }
        }
    }

    #[test]
    fn the_public_key_as_a_secret_signs_what_a_confused_verifier_accepts() {
        let (good, issuer) = good(Algorithm::Es256);
        let rng = SystemRandom::new();
        let forged = Forger::new(&good, &rng).unwrap().confused(issuer.public_key()).unwrap();
        let read = Compact::read(&forged[0].token).unwrap();
        let pem = issuer.public_key().to_pem().unwrap();
        assert!(pem.starts_with(b"-----BEGIN PUBLIC KEY-----"));
        assert_eq!(read.signature, hmac_sha256(&pem, read.signing_input().as_bytes()));
        assert_eq!((read.header_text("alg"), read.header_text("kid")), (Some("HS256"), Some("34:1")));
    }
}
