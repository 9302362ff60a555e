//! [`Signer`]: what signs tokens, and its software form on ring. Which key of which participant signs is decided above.

use std::fmt;

use ring::rand::SecureRandom;
use ring::signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};

use super::algorithm::Algorithm;
use super::private_key::{PrivateKey, PrivateKeyError};
use super::public_key::{ExampleKeys, PublicKey, PublicKeyError};

/// Why a key cannot sign tokens, or a signature could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// Neither P-256 nor RSA of 2048 to 4096 bits.
    #[error("tokens are signed with a P-256 key or an RSA key of 2048 to 4096 bits; this key is neither")]
    UnfitKey,
    /// Its public half is not to be used.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// The private key could not be read.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// ring refused to sign; with a key that was loaded this means that the source of randomness failed.
    #[error("signing failed")]
    Signing,
}

/// Something that can sign for one key: a key in memory today, a hardware module tomorrow.
pub trait Signer: Send + Sync {
    /// The algorithm of the key.
    fn algorithm(&self) -> Algorithm;
    /// The public half.
    fn public_key(&self) -> &PublicKey;
    /// Appends the signature of `message` to `out`, in the form of RFC 7518 (64 bytes r and s for ES256).
    fn sign(&self, rng: &dyn SecureRandom, message: &[u8], out: &mut Vec<u8>) -> Result<(), SignerError>;
}

/// A signing key in memory, parsed once.
pub struct SoftwareSigner {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl SoftwareSigner {
    /// Takes a private key into memory, if tokens can be signed with it.
    pub fn new(key: &PrivateKey, rng: &dyn SecureRandom) -> Result<Self, SignerError> {
        let pkcs8 = key.to_pkcs8_der()?;
        match key.token_algorithm() {
            Some(Algorithm::Es256) => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, rng)
                    .map_err(|_| SignerError::UnfitKey)?;
                let point = pair.public_key().as_ref();
                let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
                    return Err(SignerError::UnfitKey);
                };
                let public = PublicKey::p256(x, y, ExampleKeys::Refuse)?;
                Ok(Self { pair: Pair::Es256(pair), public })
            }
            Some(Algorithm::Rs256) => {
                let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| SignerError::UnfitKey)?;
                let components = signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                let public = PublicKey::rsa(&components.n, &components.e, ExampleKeys::Refuse)?;
                Ok(Self { pair: Pair::Rs256(pair), public })
            }
            None => Err(SignerError::UnfitKey),
        }
    }
}

impl Signer for SoftwareSigner {
    fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, rng: &dyn SecureRandom, message: &[u8], out: &mut Vec<u8>) -> Result<(), SignerError> {
        match &self.pair {
            Pair::Es256(pair) => {
                let signature = pair.sign(rng, message).map_err(|_| SignerError::Signing)?;
                out.extend_from_slice(signature.as_ref());
            }
            Pair::Rs256(pair) => {
                let start = out.len();
                out.resize(start + pair.public().modulus_len(), 0);
                pair.sign(&signature::RSA_PKCS1_SHA256, rng, message, &mut out[start..])
                    .map_err(|_| SignerError::Signing)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareSigner({:?})", self.public)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    /// The EC key of RFC 7515 appendix A.3, in PKCS#8.
    const RFC_7515_A3: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49
AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b
focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END EC PRIVATE KEY-----
";

    #[test]
    fn a_key_printed_in_a_standard_is_refused() {
        let key = PrivateKey::from_pem(RFC_7515_A3.as_bytes(), None).unwrap();
        let refusal = SoftwareSigner::new(&key, &SystemRandom::new()).unwrap_err();
        let expected = PublicKeyError::Example("RFC 7515 appendix A.3");
        assert!(matches!(refusal, SignerError::PublicKey(error) if error == expected), "{refusal}");
    }

    #[test]
    fn a_jwk_holds_the_public_members_and_no_private_one() {
        let rng = SystemRandom::new();
        let signer = SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &rng).unwrap();
        let jwk = serde_json::to_value(signer.public_key().to_jwk("34:20261122_1")).unwrap();
        let mut members: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
        members.sort();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }

    #[test]
    fn p_384_keys_do_not_sign_tokens() {
        let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::SECP384R1).unwrap();
        let key = openssl::ec::EcKey::generate(&group).unwrap();
        let key = PrivateKey(openssl::pkey::PKey::from_ec_key(key).unwrap());
        assert!(matches!(SoftwareSigner::new(&key, &SystemRandom::new()), Err(SignerError::UnfitKey)));
    }
}
