//! Tokens as a verifier sees them: decoded and checked by OpenSSL alone, with the keys that the service publishes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use openssl::sign::Verifier;
use serde_json::Value;

/// Header and payload, nothing checked.
pub(crate) fn decode(compact: &str) -> (Value, Value) {
    let parts: Vec<&str> = compact.split('.').collect();
    assert_eq!(parts.len(), 3, "{compact}");
    (serde_json::from_slice(&bytes(parts[0])).unwrap(), serde_json::from_slice(&bytes(parts[1])).unwrap())
}

/// Whether one of these keys, the one with the token's kid, signed it.
pub(crate) fn verifies(compact: &str, jwks: &Value) -> bool {
    let (header, _) = decode(compact);
    let keys = jwks["keys"].as_array().unwrap();
    let jwk = keys.iter().find(|jwk| jwk["kid"] == header["kid"]).expect("the key is published");
    assert_eq!(jwk["alg"], header["alg"]);
    assert!(jwk.get("d").is_none(), "a private key is published");
    let (signed, signature) = compact.rsplit_once('.').unwrap();
    let number = |member: &str| BigNum::from_slice(&bytes(jwk[member].as_str().unwrap())).unwrap();
    let signature = bytes(signature);
    match header["alg"].as_str().unwrap() {
        "ES256" => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            let key = EcKey::from_public_key_affine_coordinates(&group, &number("x"), &number("y")).unwrap();
            assert_eq!(signature.len(), 64);
            let half = |half: &[u8]| BigNum::from_slice(half).unwrap();
            let signature = EcdsaSig::from_private_components(half(&signature[..32]), half(&signature[32..])).unwrap();
            signature.verify(&sha256(signed.as_bytes()), &key).unwrap()
        }
        "RS256" => {
            let key = PKey::from_rsa(Rsa::from_public_components(number("n"), number("e")).unwrap()).unwrap();
            let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
            verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap()
        }
        other => panic!("alg {other}"),
    }
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
