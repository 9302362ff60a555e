//! [`Signer`]: what signs tokens, and its software form on ring. Which key of which participant signs is decided above.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
    KeyAlgorithm, PublicKeyUse, RSAKeyParameters, RSAKeyType,
};
use ring::rand::SecureRandom;
use ring::signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};

use super::algorithm::Algorithm;
use super::digest::sha256;
use super::private_key::{PrivateKey, PrivateKeyError};

/// Why a key cannot sign tokens, or a signature could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// Neither P-256 nor RSA of 2048 to 4096 bits.
    #[error("tokens are signed with a P-256 key or an RSA key of 2048 to 4096 bits; this key is neither")]
    UnfitKey,
    /// A key whose private half is printed in a standard.
    #[error("this is the example key of {source_document}: everybody knows its private half")]
    ExampleKey {
        /// Where it is printed.
        source_document: &'static str,
    },
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

/// The public half of a token key, ready to be published and to check signatures with.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    parameters: AlgorithmParameters,
    decoding: DecodingKey,
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

/// RFC 7638 thumbprints of keys whose private halves are printed in standards. One of them has been an anchor of a BoB
/// test environment.
const EXAMPLE_KEYS: [(&str, &str); 5] = [
    ("IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8", "RFC 7515 appendix A.2"),
    ("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", "RFC 7515 appendix A.3"),
    ("cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s", "RFC 7517 appendix A.1 (EC)"),
    ("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RFC 7517 appendix A.1 (RSA)"),
    ("9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI", "RFC 7520 section 3.4"),
];

impl PublicKey {
    fn p256(point: &[u8]) -> Result<Self, SignerError> {
        let (Some(x), Some(y), Some(4)) = (point.get(1..33), point.get(33..65), point.first()) else {
            return Err(SignerError::UnfitKey);
        };
        let parameters = AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
            key_type: EllipticCurveKeyType::EC,
            curve: EllipticCurve::P256,
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        });
        Self { algorithm: Algorithm::Es256, parameters, decoding: DecodingKey::from_ec_der(point) }.refuse_examples()
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, SignerError> {
        let parameters = AlgorithmParameters::RSA(RSAKeyParameters {
            key_type: RSAKeyType::RSA,
            n: URL_SAFE_NO_PAD.encode(modulus),
            e: URL_SAFE_NO_PAD.encode(exponent),
        });
        let decoding = DecodingKey::from_rsa_raw_components(modulus, exponent);
        Self { algorithm: Algorithm::Rs256, parameters, decoding }.refuse_examples()
    }

    fn refuse_examples(self) -> Result<Self, SignerError> {
        let thumbprint = self.thumbprint();
        match EXAMPLE_KEYS.iter().find(|(known, _)| *known == thumbprint) {
            Some((_, source_document)) => Err(SignerError::ExampleKey { source_document }),
            None => Ok(self),
        }
    }

    /// The algorithm that goes with the key.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key in the form that `jsonwebtoken` verifies with.
    pub const fn decoding_key(&self) -> &DecodingKey {
        &self.decoding
    }

    /// As a JWK (RFC 7517) for signatures, with this `kid`.
    pub fn to_jwk(&self, kid: &str) -> Jwk {
        let key_algorithm = match self.algorithm {
            Algorithm::Es256 => KeyAlgorithm::ES256,
            Algorithm::Rs256 => KeyAlgorithm::RS256,
        };
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(key_algorithm),
            key_id: Some(kid.to_owned()),
            ..CommonParameters::default()
        };
        Jwk { common, algorithm: self.parameters.clone() }
    }

    /// The RFC 7638 thumbprint (SHA-256, base64url): the same key has the same thumbprint everywhere.
    pub fn thumbprint(&self) -> String {
        let canonical = match &self.parameters {
            AlgorithmParameters::EllipticCurve(ec) => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, ec.x, ec.y)
            }
            AlgorithmParameters::RSA(rsa) => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, rsa.e, rsa.n),
            // The two constructors above make no others.
            _ => String::new(),
        };
        URL_SAFE_NO_PAD.encode(sha256(canonical.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.algorithm, self.thumbprint())
    }
}

impl SoftwareSigner {
    /// Takes a private key into memory, if tokens can be signed with it.
    pub fn new(key: &PrivateKey, rng: &dyn SecureRandom) -> Result<Self, SignerError> {
        let pkcs8 = key.to_pkcs8_der()?;
        match key.token_algorithm() {
            Some(Algorithm::Es256) => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, rng)
                    .map_err(|_| SignerError::UnfitKey)?;
                let public = PublicKey::p256(pair.public_key().as_ref())?;
                Ok(Self { pair: Pair::Es256(pair), public })
            }
            Some(Algorithm::Rs256) => {
                let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| SignerError::UnfitKey)?;
                let components = signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                let public = PublicKey::rsa(&components.n, &components.e)?;
                Ok(Self { pair: Pair::Rs256(pair), public })
            }
            None => Err(SignerError::UnfitKey),
        }
    }
}

impl Signer for SoftwareSigner {
    fn algorithm(&self) -> Algorithm {
        self.public.algorithm
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
        assert!(matches!(refusal, SignerError::ExampleKey { source_document: "RFC 7515 appendix A.3" }), "{refusal}");
    }

    #[test]
    fn the_thumbprints_of_the_example_keys_are_those_of_the_keys() {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let mut point = vec![4];
        point.extend(decode("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"));
        point.extend(decode("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"));
        assert!(matches!(PublicKey::p256(&point), Err(SignerError::ExampleKey { .. })));
        for (n, document) in EXAMPLE_MODULI {
            let refusal = PublicKey::rsa(&decode(n), &[1, 0, 1]).unwrap_err();
            assert!(matches!(refusal, SignerError::ExampleKey { source_document } if source_document == document));
        }
    }

    const EXAMPLE_MODULI: [(&str, &str); 3] = [
        (
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV\
                 4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0\
                 zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-cs\
                 FCur-kEgU8awapJzKnqDKgw",
            "RFC 7517 appendix A.1 (RSA)",
        ),
        (
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS\
             -pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2C\
             apHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb\
             54h4FRWyuXpoQ",
            "RFC 7515 appendix A.2",
        ),
        (
            "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wq\
             VwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJl\
             sde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQk\
             qgc5gHdrNP5zw",
            "RFC 7520 section 3.4",
        ),
    ];

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
