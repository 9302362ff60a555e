//! Explanations agree with the verifier and name the likely cause.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::*;
use crate::crypto::cert::Certificate;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::signer::{Signer as _, SoftwareSigner};
use crate::flow::verify::Allowed;
use crate::key_source::CurrentKeys;
use crate::protocol::jwk::PublicJwk;
use crate::protocol::key_set::KeySet;
use crate::protocol::presented::Presented;
use crate::value::Timestamp;

const NOW: i64 = 1_800_000_000;
const CERTIFICATE: &str = include_str!("../../../keys-example/validator37.pem");

fn certificate() -> Certificate {
    Certificate::read_all(CERTIFICATE.as_bytes()).unwrap().remove(0)
}

#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
fn signer() -> SoftwareSigner {
    SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &SystemRandom::new()).unwrap()
}

/// Two participants, each with a key of its own.
struct World {
    ours: SoftwareSigner,
    theirs: SoftwareSigner,
    verifier: Verifier,
}

impl World {
    fn new() -> Self {
        let (ours, theirs) = (signer(), signer());
        let mut set = KeySet::new();
        for (pid, kid, signer) in [(34, "34:1", &ours), (35, "35:1", &theirs)] {
            let key = PublicJwk { kid: kid.parse().unwrap(), key: signer.public_key().clone() };
            set.add(Pid::new(pid).unwrap(), vec![key]).unwrap();
        }
        let keys = Arc::new(CurrentKeys::new(set).unwrap());
        let verifier = Verifier::builder(keys).allow(Allowed::class("val".parse().unwrap())).build().unwrap();
        Self { ours, theirs, verifier }
    }

    fn explain(&self, token: &str) -> Explanation {
        let certificate = certificate();
        let presented = Some(Presented::of_certificate(&certificate.der));
        let now = Timestamp::from_seconds(NOW + 10);
        explain(&self.verifier, &Question { token, presented, certificate: Some(&certificate), now })
    }

    /// The reason and the first cause.
    fn cause(&self, token: &str) -> (&'static str, String) {
        let explanation = self.explain(token);
        let failed: Vec<&VerifyError> = explanation.checks.iter().filter_map(failure).collect();
        let verdict = explanation.verdict.unwrap_err();
        assert_eq!(failed[0], &verdict, "the first check that fails is the verdict");
        (verdict.reason(), explanation.causes.first().cloned().unwrap_or_default())
    }
}

fn failure(checked: &Checked) -> Option<&VerifyError> {
    if let Outcome::Failed(error) = &checked.outcome { Some(error) } else { None }
}

fn claims() -> Value {
    json!({"iss": "34", "sub": "validator37", "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
        "bobHok": certificate().sha1.to_string(), "bobAuthZ": "val"})
}

fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[claim] = value;
    claims
}

#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
fn sign(signer: &SoftwareSigner, kid: &str, claims: &Value) -> String {
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", encode(&json!({"alg": "ES256", "kid": kid})), encode(claims));
    let mut signature = Vec::new();
    signer.sign(&SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_good_token_passes_every_check() {
    let world = World::new();
    let explanation = world.explain(&sign(&world.ours, "34:1", &claims()));
    assert!(explanation.verdict.is_ok());
    assert!(explanation.checks.iter().all(|checked| matches!(checked.outcome, Outcome::Passed(_))));
    assert!(explanation.causes.is_empty());
}

#[test]
fn a_fingerprint_in_upper_case_is_right_and_worth_a_word() {
    let world = World::new();
    let hok = certificate().sha1.to_string().to_uppercase();
    let explanation = world.explain(&sign(&world.ours, "34:1", &with("bobHok", json!(hok))));
    assert!(explanation.verdict.is_ok());
    assert!(explanation.causes[0].contains("upper case"), "{:?}", explanation.causes);
}

#[test]
fn checks_after_the_one_that_fails_are_shown_as_well() {
    let world = World::new();
    let mut claims = with("exp", json!(NOW - 100));
    claims["bobAuthZ"] = json!("ins");
    let explanation = world.explain(&sign(&world.theirs, "34:1", &claims));
    let reasons: Vec<&str> = explanation.checks.iter().filter_map(failure).map(VerifyError::reason).collect();
    assert_eq!(reasons, ["bad_signature", "expired", "not_allowed"]);
}

#[test]
fn clocks_that_differ_are_named_with_their_seconds() {
    let world = World::new();
    let (reason, cause) = world.cause(&sign(&world.ours, "34:1", &with("nbf", json!(NOW + 84))));
    assert_eq!(reason, "not_yet_valid");
    assert!(cause.contains("74 s"), "{cause}");
    let explanation = world.explain(&sign(&world.ours, "34:1", &with("exp", json!(NOW - 64))));
    assert!(
        explanation.causes.iter().any(|cause| cause.contains("clock here is 74 s ahead")),
        "{:?}",
        explanation.causes
    );
}

#[test]
fn a_kid_of_another_participant_is_named_with_its_owner() {
    let world = World::new();
    let (reason, cause) = world.cause(&sign(&world.theirs, "35:1", &claims()));
    assert_eq!(reason, "unknown_key");
    assert!(cause.contains("is known under participant 35"), "{cause}");
    let (_, cause) = world.cause(&sign(&world.ours, "34:2", &claims()));
    assert!(cause.contains("participant 34 is known with 34:1"), "{cause}");
    let (_, cause) = world.cause(&sign(&world.ours, "34:1", &with("iss", json!("36"))));
    assert!(cause.contains("knows 34, 35"), "{cause}");
}

#[test]
fn a_signature_of_another_key_that_is_known_is_named_with_that_key() {
    let world = World::new();
    let (reason, cause) = world.cause(&sign(&world.theirs, "34:1", &claims()));
    assert_eq!(reason, "bad_signature");
    assert!(cause.contains("key 35:1 of participant 35"), "{cause}");
    assert!(world.cause(&sign(&signer(), "34:1", &claims())).1.contains("another key than it published"));
}

#[test]
fn a_renewed_certificate_and_a_hash_of_pem_text_are_recognised() {
    let world = World::new();
    let old = "0a9a063eb8d540cbf7dfba7697c674d14a174f7d";
    let began = certificate().not_before;
    let mut claims = with("bobHok", json!(old));
    claims["iat"] = json!(began.as_seconds() - 5);
    claims["nbf"] = json!(began.as_seconds() - 5);
    claims["exp"] = json!(began.as_seconds() + 3600);
    let (certificate, token) = (certificate(), sign(&world.ours, "34:1", &claims));
    let presented = Some(Presented::of_certificate(&certificate.der));
    let now = began.plus_seconds(60);
    let question = Question { token: &token, presented, certificate: Some(&certificate), now };
    let explanation = explain(&world.verifier, &question);
    assert_eq!(explanation.verdict.unwrap_err().reason(), "holder_mismatch");
    assert!(explanation.causes[0].contains(&format!("begins at {began}")), "{:?}", explanation.causes);

    let of_text = crate::crypto::digest::sha1_fingerprint(CERTIFICATE.as_bytes()).to_string();
    let (reason, cause) = world.cause(&sign(&world.ours, "34:1", &with("bobHok", json!(of_text))));
    assert_eq!(reason, "holder_mismatch");
    assert!(cause.contains("PEM text"), "{cause}");
}

#[test]
fn what_is_no_token_at_all_is_recognised() {
    let world = World::new();
    let token = sign(&world.ours, "34:1", &claims());
    assert!(world.cause(&format!("{{\"jwtCompact\":\"{token}\"}}")).1.contains("jwtCompact"));
    assert!(world.cause(&format!("Bearer {token}")).1.contains("without a scheme"));
    assert!(world.cause(&format!("{token}\n")).1.contains("white space"));
    assert!(world.cause(&format!("{token}=")).1.contains("padding"));
    assert!(world.cause("a.b.c.d.e").1.contains("JWE"));
    assert!(world.cause(&token[..token.len() / 3]).1.contains("cut short"));
}
