//! JWS signatures checked: ring as the crypto provider of `jsonwebtoken`, and one function that verifies a compact JWS
//! with one key. Times and claims are checked above, by the given clock.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self as signature_crate, Verifier};
use jsonwebtoken::{Algorithm as JwtAlgorithm, DecodingKey, DecodingKeyKind, EncodingKey, Header, Validation};
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::de::DeserializeOwned;

use super::algorithm::Algorithm;
use super::public_key::PublicKey;

/// Why a JWS was not accepted under a key.
#[derive(Debug, thiserror::Error)]
#[error("the JWS does not verify under this key")]
pub struct VerifyError(#[from] Error);

/// ring behind `jsonwebtoken`. Verification only: tokens are signed by `signer`, which parses a key once, not per token.
static RING: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: ring_verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

struct RingVerifier {
    algorithm: JwtAlgorithm,
    key: DecodingKey,
}

impl From<Algorithm> for JwtAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::ES256,
            Algorithm::Rs256 => Self::RS256,
        }
    }
}

/// Verifies the signature of `token` with `key`, by the algorithm of the *key* (RFC 8725 section 3.1), and gives its
/// header and claims. No claim is judged here.
pub fn verify_compact<T: DeserializeOwned + Clone>(token: &str, key: &PublicKey) -> Result<(Header, T), VerifyError> {
    // Fails when it is installed already, which is as good.
    let _ = RING.install_default();
    let mut validation = Validation::new(key.algorithm().into());
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let data = jsonwebtoken::decode::<T>(token, &key.decoding_key(), &validation)?;
    Ok((data.header, data.claims))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is the library's")]
fn no_signer(_: &JwtAlgorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is the library's")]
fn ring_verifier(algorithm: &JwtAlgorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if !matches!(algorithm, JwtAlgorithm::ES256 | JwtAlgorithm::RS256) || algorithm.family() != key.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(RingVerifier { algorithm: *algorithm, key: key.clone() }))
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature_crate::Error> {
        let outcome = match self.key.kind() {
            DecodingKeyKind::SecretOrDer(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        outcome.map_err(|_| signature_crate::Error::new())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use serde_json::{Value, json};

    use super::*;
    use crate::crypto::private_key::PrivateKey;
    use crate::crypto::signer::{Signer, SoftwareSigner};

    fn signer(algorithm: Algorithm) -> SoftwareSigner {
        let key = match algorithm {
            Algorithm::Es256 => PrivateKey::generate_p256(),
            Algorithm::Rs256 => PrivateKey::generate_rsa(2048),
        };
        SoftwareSigner::new(&key.unwrap(), &SystemRandom::new()).unwrap()
    }

    fn sign(header: &Value, claims: &Value, signer: &SoftwareSigner) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let mut signature = Vec::new();
        signer.sign(&SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn what_a_key_signed_verifies_under_it_and_under_no_other() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let key = signer(algorithm);
            let token = sign(&json!({"alg": algorithm.as_str()}), &json!({"sub": "validator37"}), &key);
            let (_, claims): (_, Value) = verify_compact(&token, key.public_key()).unwrap();
            assert_eq!(claims["sub"], "validator37");
            assert!(verify_compact::<Value>(&token, signer(algorithm).public_key()).is_err());
        }
    }

    #[test]
    fn the_algorithm_is_that_of_the_key_whatever_the_header_says() {
        let key = signer(Algorithm::Rs256);
        for alg in ["none", "HS256", "ES256", "RS512", "PS256"] {
            let token = sign(&json!({"alg": alg}), &json!({}), &key);
            assert!(verify_compact::<Value>(&token, key.public_key()).is_err(), "{alg}");
        }
    }

    #[test]
    fn a_changed_claim_or_an_empty_signature_is_refused() {
        let key = signer(Algorithm::Es256);
        let token = sign(&json!({"alg": "ES256"}), &json!({"sub": "a"}), &key);
        let parts: Vec<&str> = token.split('.').collect();
        let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(r#"{"sub":"b"}"#), parts[2]);
        assert!(verify_compact::<Value>(&forged, key.public_key()).is_err());
        assert!(verify_compact::<Value>(&format!("{}.{}.", parts[0], parts[1]), key.public_key()).is_err());
    }
}
