//! [`PublicKey`]: the public half of a token key, checked when it is read, ready to be published and to check signatures.

use std::cell::RefCell;
use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
    KeyAlgorithm, PublicKeyUse, RSAKeyParameters, RSAKeyType,
};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::rsa::Rsa;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};

use super::algorithm::Algorithm;
use super::digest::sha256;

/// The public half of a token key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Material);

/// Kept small: a verifier may hold a hundred thousand of them.
#[derive(Clone, PartialEq, Eq)]
enum Material {
    /// The point, uncompressed (SEC 1 section 2.3.3).
    P256([u8; 65]),
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa { n: Box<[u8]>, e: Box<[u8]> },
}

/// Why a public key is not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// A coordinate of another length than 32 bytes (RFC 7518 section 6.2.1.2).
    #[error("a coordinate of a P-256 key has 32 bytes, this one has {0}")]
    CoordinateLength(usize),
    /// Two coordinates that belong to no point of the curve (RFC 8725 section 3.4).
    #[error("the coordinates are no point on the curve P-256")]
    NotOnCurve,
    /// RSA of fewer bits than are safe, or of more than are checked.
    #[error("an RSA key has 2048 to 8192 bits here, this one has {bits}")]
    RsaSize {
        /// How many it has.
        bits: usize,
    },
    /// An even modulus or one with a zero in front.
    #[error("the modulus is even, or has a zero in front")]
    RsaModulus,
    /// A public exponent that is even, smaller than 65537, larger than is used, or has a zero in front.
    #[error("the public exponent is to be odd and from 65537 up to 2^33")]
    RsaExponent,
    /// A key whose private half is printed in a standard.
    #[error("this is the example key of {0}: everybody knows its private half")]
    Example(&'static str),
}

/// The signature is not that of this key for this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify under this key")]
pub struct BadSignature;

/// What to do with keys whose private halves are printed in standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExampleKeys {
    /// Refuse them: the rule.
    Refuse,
    /// Take them: for trying things out only. One is the trust anchor of a BoB test environment.
    AdmitForTests,
}

/// A key that is printed with its private half.
struct Example {
    /// RFC 7638, base64url.
    thumbprint: &'static str,
    /// The first bytes of x or n, so that other keys need no thumbprint to be told apart.
    leading: [u8; 4],
    printed_in: &'static str,
}

const fn example(thumbprint: &'static str, leading: [u8; 4], printed_in: &'static str) -> Example {
    Example { thumbprint, leading, printed_in }
}

const EXAMPLES: [Example; 5] = [
    example("IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8", [0xa1, 0xf8, 0x16, 0x0a], "RFC 7515 appendix A.2"),
    example("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", [0x7f, 0xcd, 0xce, 0x27], "RFC 7515 appendix A.3"),
    example("cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s", [0x30, 0xa0, 0x42, 0x4c], "RFC 7517 appendix A.1 (EC)"),
    example("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", [0xd2, 0xfc, 0x7b, 0x6a], "RFC 7517 appendix A.1 (RSA)"),
    example("9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI", [0x9f, 0x81, 0x0f, 0xb4], "RFC 7520 section 3.4"),
];

const UNCOMPRESSED: u8 = 4;
const COORDINATE: usize = 32;

impl PublicKey {
    /// The P-256 key with these coordinates, 32 bytes each.
    pub fn p256(x: &[u8], y: &[u8], examples: ExampleKeys) -> Result<Self, PublicKeyError> {
        for coordinate in [x, y] {
            if coordinate.len() != COORDINATE {
                return Err(PublicKeyError::CoordinateLength(coordinate.len()));
            }
        }
        let mut point = [UNCOMPRESSED; 1 + 2 * COORDINATE];
        point[1..=COORDINATE].copy_from_slice(x);
        point[1 + COORDINATE..].copy_from_slice(y);
        // The cofactor of P-256 is 1: on the curve is in the group (RFC 8725 section 3.4 wants no more).
        if !is_on_p256(&point) {
            return Err(PublicKeyError::NotOnCurve);
        }
        Self(Material::P256(point)).unless_example(x, examples)
    }

    /// The RSA key with this modulus and public exponent, big-endian.
    pub fn rsa(n: &[u8], e: &[u8], examples: ExampleKeys) -> Result<Self, PublicKeyError> {
        let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
        if n.first() == Some(&0) || n.last().is_some_and(|last| last.is_multiple_of(2)) {
            return Err(PublicKeyError::RsaModulus);
        }
        if !(2048..=8192).contains(&bits) {
            return Err(PublicKeyError::RsaSize { bits });
        }
        let value = e.iter().take(6).fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let usual = (65_537..1 << 33).contains(&value) && value % 2 == 1;
        if e.len() > 5 || e.first() == Some(&0) || !usual {
            return Err(PublicKeyError::RsaExponent);
        }
        Self(Material::Rsa { n: n.into(), e: e.into() }).unless_example(n, examples)
    }

    fn unless_example(self, leading: &[u8], examples: ExampleKeys) -> Result<Self, PublicKeyError> {
        match self.example_among(leading) {
            Some(printed_in) if examples == ExampleKeys::Refuse => Err(PublicKeyError::Example(printed_in)),
            _ => Ok(self),
        }
    }

    fn example_among(&self, leading: &[u8]) -> Option<&'static str> {
        let known = EXAMPLES.iter().find(|example| leading.starts_with(&example.leading))?;
        (self.thumbprint() == known.thumbprint).then_some(known.printed_in)
    }

    /// Where the private half of this key is printed, if it is an example of a standard.
    pub fn printed_in(&self) -> Option<&'static str> {
        match &self.0 {
            Material::P256(point) => self.example_among(&point[1..]),
            Material::Rsa { n, .. } => self.example_among(n),
        }
    }

    /// The algorithm that goes with the key.
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Material::P256(_) => Algorithm::Es256,
            Material::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// Checks a signature in the form of RFC 7518 (64 bytes r and s for ES256) by the algorithm of the key.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match &self.0 {
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature),
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        }
        .map_err(|_| BadSignature)
    }

    /// The key in the form that `jsonwebtoken` verifies with.
    pub fn decoding_key(&self) -> DecodingKey {
        match &self.0 {
            Material::P256(point) => DecodingKey::from_ec_der(point),
            Material::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
        }
    }

    /// As `SubjectPublicKeyInfo` in PEM, the form in which most programs keep it.
    pub fn to_pem(&self) -> Result<Vec<u8>, ErrorStack> {
        match &self.0 {
            Material::P256(point) => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
                let point = EcPoint::from_bytes(&group, point, &mut *BigNumContext::new()?)?;
                EcKey::from_public_key(&group, &point)?.public_key_to_pem()
            }
            Material::Rsa { n, e } => {
                let (n, e) = (BigNum::from_slice(n)?, BigNum::from_slice(e)?);
                Rsa::from_public_components(n, e)?.public_key_to_pem()
            }
        }
    }

    fn parameters(&self) -> AlgorithmParameters {
        match &self.0 {
            Material::P256(point) => AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                key_type: EllipticCurveKeyType::EC,
                curve: EllipticCurve::P256,
                x: URL_SAFE_NO_PAD.encode(&point[1..=COORDINATE]),
                y: URL_SAFE_NO_PAD.encode(&point[1 + COORDINATE..]),
            }),
            Material::Rsa { n, e } => AlgorithmParameters::RSA(RSAKeyParameters {
                key_type: RSAKeyType::RSA,
                n: URL_SAFE_NO_PAD.encode(n),
                e: URL_SAFE_NO_PAD.encode(e),
            }),
        }
    }

    /// As a JWK (RFC 7517) for signatures, with this `kid`.
    pub fn to_jwk(&self, kid: &str) -> Jwk {
        let key_algorithm = match self.algorithm() {
            Algorithm::Es256 => KeyAlgorithm::ES256,
            Algorithm::Rs256 => KeyAlgorithm::RS256,
        };
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(key_algorithm),
            key_id: Some(kid.to_owned()),
            ..CommonParameters::default()
        };
        Jwk { common, algorithm: self.parameters() }
    }

    /// The RFC 7638 thumbprint (SHA-256, base64url): the same key has the same thumbprint everywhere.
    pub fn thumbprint(&self) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let canonical = match &self.0 {
            Material::P256(point) => {
                let (x, y) = (encode(&point[1..=COORDINATE]), encode(&point[1 + COORDINATE..]));
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Material::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n)),
        };
        encode(&sha256(canonical.as_bytes()))
    }
}

/// Reading the point checks the equation of the curve. What OpenSSL cannot do counts as no.
fn is_on_p256(point: &[u8]) -> bool {
    // Making the group costs ten times as much as the check; new scratch numbers for every point add half of it.
    static GROUP: OnceLock<Option<EcGroup>> = OnceLock::new();
    thread_local! {
        static SCRATCH: RefCell<Option<BigNumContext>> = RefCell::new(BigNumContext::new().ok());
    }
    let Some(group) = GROUP.get_or_init(|| EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).ok()) else { return false };
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.as_mut().is_some_and(|scratch| EcPoint::from_bytes(group, point, scratch).is_ok())
    })
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.algorithm(), self.thumbprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn the_thumbprints_of_the_example_keys_are_those_of_the_keys() {
        let (x, y) = (
            decode("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"),
            decode("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"),
        );
        let refusal = PublicKey::p256(&x, &y, ExampleKeys::Refuse).unwrap_err();
        assert_eq!(refusal, PublicKeyError::Example("RFC 7517 appendix A.1 (EC)"));
        let admitted = PublicKey::p256(&x, &y, ExampleKeys::AdmitForTests).unwrap();
        assert_eq!(admitted.printed_in(), Some("RFC 7517 appendix A.1 (EC)"));
        for (n, document) in EXAMPLE_MODULI {
            let refusal = PublicKey::rsa(&decode(n), &[1, 0, 1], ExampleKeys::Refuse).unwrap_err();
            assert_eq!(refusal, PublicKeyError::Example(document));
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
    fn coordinates_off_the_curve_or_of_another_length_are_refused() {
        let refuse = |x: &[u8], y: &[u8]| PublicKey::p256(x, y, ExampleKeys::Refuse).unwrap_err();
        assert_eq!(refuse(&[1; 32], &[1; 32]), PublicKeyError::NotOnCurve);
        assert_eq!(refuse(&[0; 32], &[0; 32]), PublicKeyError::NotOnCurve);
        assert_eq!(refuse(&[255; 32], &[1; 32]), PublicKeyError::NotOnCurve);
        assert_eq!(refuse(&[1; 31], &[1; 32]), PublicKeyError::CoordinateLength(31));
        assert_eq!(refuse(&[1; 32], &[1; 33]), PublicKeyError::CoordinateLength(33));
    }

    #[test]
    fn weak_and_oddly_written_rsa_keys_are_refused() {
        let n = |len: usize| {
            let mut n = vec![0xff; len];
            n[len - 1] = 0xfd;
            n
        };
        let rsa = |n: &[u8], e: &[u8]| PublicKey::rsa(n, e, ExampleKeys::Refuse);
        assert!(rsa(&n(256), &[1, 0, 1]).is_ok());
        assert_eq!(rsa(&n(255), &[1, 0, 1]).unwrap_err(), PublicKeyError::RsaSize { bits: 2040 });
        assert_eq!(rsa(&n(1025), &[1, 0, 1]).unwrap_err(), PublicKeyError::RsaSize { bits: 8200 });
        assert_eq!(rsa(&[&[0], &n(256)[..]].concat(), &[1, 0, 1]).unwrap_err(), PublicKeyError::RsaModulus);
        assert_eq!(rsa(&[0xfe; 256], &[1, 0, 1]).unwrap_err(), PublicKeyError::RsaModulus);
        assert_eq!(rsa(&[], &[1, 0, 1]).unwrap_err(), PublicKeyError::RsaSize { bits: 0 });
        for e in [&[][..], &[1], &[3], &[1, 0, 0], &[0, 1, 0, 1], &[2, 0, 0, 0, 1], &[1, 0, 0, 0, 0, 1]] {
            assert_eq!(rsa(&n(256), e).unwrap_err(), PublicKeyError::RsaExponent, "{e:?}");
        }
    }
}
