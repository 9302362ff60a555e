//! What a proof proves, and every way in which it does not.
#![expect(clippy::disallowed_methods, reason = "tests are an edge")]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::jws::sign;
use super::*;
use crate::crypto::algorithm::Algorithm;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::signer::SoftwareSigner;
use crate::protocol::jwk::PublicJwk;
use crate::protocol::unverified::UnverifiedToken;
use crate::value::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);
const HOST: &str = "registry.example.se";

fn key(kid: &str, algorithm: Algorithm) -> PopKey {
    let private = match algorithm {
        Algorithm::Es256 => PrivateKey::generate_p256(),
        Algorithm::Rs256 => PrivateKey::generate_rsa(2048),
    };
    let signer = SoftwareSigner::new(&private.unwrap(), &SystemRandom::new()).unwrap();
    PopKey { kid: kid.parse().unwrap(), signer: Arc::new(signer) }
}

fn request<'a>() -> RequestParts<'a> {
    RequestParts {
        method: "PUT",
        host: HOST,
        path: "/api/v2/participantMetadata/34/mtbPublicKey/34%3A1",
        query: Some("a=1&b=2"),
        headers: &[("If-Match", "\"7\""), ("accept", "*/*")],
        body: b"{}",
    }
}

fn signed(key: &PopKey, request: &RequestParts<'_>) -> String {
    sign_request(&PopProfile::default(), key, request, NOW, &SystemRandom::new()).unwrap()
}

fn verify_at(proof: &str, key: &PopKey, request: &RequestParts<'_>, now: Timestamp) -> Result<Proof, PopError> {
    let decoded = decode(proof)?;
    let unverified = UnverifiedPop::read(&decoded)?;
    assert_eq!(unverified.kid().as_str(), "34:m1");
    let own_hosts = [HOST.to_owned()];
    unverified.verify(key.signer.public_key(), &PopProfile::default(), (request, &own_hosts), now)
}

fn verify(proof: &str, key: &PopKey, request: &RequestParts<'_>) -> Result<Proof, PopError> {
    verify_at(proof, key, request, NOW)
}

/// A proof over the right request whose payload was changed before it was signed.
fn resigned(key: &PopKey, proof: &str, change: impl FnOnce(&mut Value)) -> String {
    let payload = proof.split('.').nth(1).unwrap();
    let mut payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    change(&mut payload);
    sign(key, "pop", &payload, &SystemRandom::new()).unwrap()
}

#[test]
fn a_request_proves_possession_with_either_kind_of_key() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let key = key("34:m1", algorithm);
        let proof = verify(&signed(&key, &request()), &key, &request()).unwrap();
        assert_eq!(proof.signed_at, NOW);
    }
}

#[test]
fn two_equal_requests_in_one_second_are_two_proofs() {
    let key = key("34:m1", Algorithm::Rs256);
    let [first, second] = [(); 2].map(|()| verify(&signed(&key, &request()), &key, &request()).unwrap());
    assert_ne!(first.digest, second.digest);
}

#[test]
fn a_proof_counts_for_its_own_request_only() {
    let key = key("34:m1", Algorithm::Es256);
    let proof = signed(&key, &request());
    let differs = |change: fn(&mut RequestParts<'_>), part| {
        let mut other = request();
        change(&mut other);
        assert_eq!(verify(&proof, &key, &other), Err(PopError::Differs(part)));
    };
    differs(|request| request.method = "DELETE", Part::Method);
    differs(|request| request.path = "/api/v2/participantMetadata/34/mtbPublicKey/34%3a1", Part::Path);
    differs(|request| request.path = "/api/v2/participantMetadata/41/mtbPublicKey/34%3A1", Part::Path);
    differs(|request| request.query = None, Part::Query);
    differs(|request| request.query = Some("a=1"), Part::Query);
    differs(|request| request.query = Some("a=1&b=3"), Part::Query);
    differs(|request| request.query = Some("a=1&b=2&c=3"), Part::Query);
    differs(|request| request.query = Some("a=1&b=2&b=2"), Part::Query);
    differs(|request| request.headers = &[("if-match", "\"8\"")], Part::Headers);
    differs(|request| request.headers = &[], Part::Headers);
    differs(|request| request.body = b"{ }", Part::Body);
    differs(|request| request.body = b"", Part::Body);
    // The order of parameters may change on the way; what they say may not.
    assert!(verify(&proof, &key, &RequestParts { query: Some("b=2&a=1"), ..request() }).is_ok());
}

#[test]
fn a_proof_for_another_registry_is_none_whatever_host_says() {
    let key = key("34:m1", Algorithm::Es256);
    let elsewhere = RequestParts { host: "test-registry.example.se", ..request() };
    let proof = signed(&key, &elsewhere);
    assert_eq!(verify(&proof, &key, &elsewhere), Err(PopError::Differs(Part::Host)));
    let proof = signed(&key, &RequestParts { host: "Registry.example.se:443", ..request() });
    assert!(verify(&proof, &key, &request()).is_ok(), "letters and the usual port make no difference");
}

#[test]
fn a_proof_counts_for_as_long_as_clocks_may_be_apart() {
    let key = key("34:m1", Algorithm::Es256);
    let proof = signed(&key, &request());
    for seconds in [-300, 0, 300] {
        assert!(verify_at(&proof, &key, &request(), NOW.plus_seconds(seconds)).is_ok(), "{seconds}");
    }
    for seconds in [-301, 301, i64::MAX, i64::MIN] {
        let late = verify_at(&proof, &key, &request(), NOW.plus_seconds(seconds)).unwrap_err();
        assert_eq!(late.reason(), "pop_time", "{seconds}");
    }
    let extreme = resigned(&key, &proof, |payload| payload["ts"] = i64::MIN.into());
    assert_eq!(verify(&extreme, &key, &request()).unwrap_err().reason(), "pop_time");
    for ts in [json!("1795000000"), json!(1_795_000_000.5), json!(null)] {
        let odd = resigned(&key, &proof, |payload| payload["ts"] = ts);
        assert_eq!(verify(&odd, &key, &request()), Err(PopError::Malformed));
    }
}

#[test]
fn every_part_that_the_profile_requires_must_be_signed() {
    let key = key("34:m1", Algorithm::Es256);
    let proof = signed(&key, &request());
    for part in Part::ALL {
        let without = resigned(&key, &proof, |payload| {
            payload.as_object_mut().unwrap().remove(part.member());
        });
        assert_eq!(verify(&without, &key, &request()), Err(PopError::Unsigned(part)));
        let lax = PopProfile { required: Vec::new(), ..PopProfile::default() };
        let decoded = decode(&without).unwrap();
        let unverified = UnverifiedPop::read(&decoded).unwrap();
        let own_hosts = [HOST.to_owned()];
        let read = unverified.verify(key.signer.public_key(), &lax, (&request(), &own_hosts), NOW);
        assert_eq!(read.is_ok(), part != Part::Time, "{part}: only the time is never optional");
    }
    let bare = RequestParts { method: "GET", query: None, headers: &[], body: b"", ..request() };
    let few = resigned(&key, &signed(&key, &bare), |payload| {
        assert_eq!(payload.as_object().unwrap().len(), 5, "ts, m, u, p and jti");
    });
    assert!(verify(&few, &key, &bare).is_ok());
}

#[test]
fn another_key_another_algorithm_and_another_type_prove_nothing() {
    let (ec, rsa) = (key("34:m1", Algorithm::Es256), key("34:m1", Algorithm::Rs256));
    let proof = signed(&ec, &request());
    assert_eq!(verify(&proof, &key("34:m1", Algorithm::Es256), &request()), Err(PopError::Signature));
    assert_eq!(verify(&proof, &rsa, &request()), Err(PopError::Algorithm));
    let rewritten = |header: Value| {
        let (_, rest) = proof.split_once('.').unwrap();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    for alg in ["none", "None", "HS256", "ES384", ""] {
        let forged = rewritten(json!({"alg": alg, "kid": "34:m1", "typ": "pop"}));
        assert_eq!(verify(&forged, &ec, &request()), Err(PopError::Algorithm), "{alg}");
    }
    for header in [
        json!({"alg": "ES256", "kid": "34:m1"}),
        json!({"alg": "ES256", "kid": "34:m1", "typ": "JWT"}),
        json!({"alg": "ES256", "kid": "34:m1", "typ": "pop-response"}),
        json!({"alg": "ES256", "typ": "pop"}),
        json!({"kid": "34:m1", "typ": "pop"}),
        json!({"alg": "ES256", "kid": "34:m1", "typ": "pop", "crit": ["exp"]}),
        json!({"alg": "ES256", "kid": "34:m1", "typ": "pop", "jwk": {}}),
    ] {
        let decoded = rewritten(header);
        let decoded = decode(&decoded).unwrap();
        assert_eq!(UnverifiedPop::read(&decoded).unwrap_err(), PopError::Malformed);
    }
    let decoded = decode(&proof).unwrap();
    assert!(UnverifiedToken::read(&decoded).is_err(), "a proof is no token");
}

#[test]
fn the_second_form_of_a_signature_is_the_same_proof() {
    // (r, n - s) verifies as well as (r, s); whoever remembers the whole text would take it for another proof.
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let key = key("34:m1", Algorithm::Es256);
    let proof = signed(&key, &request());
    let (input, signature) = proof.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0_i16;
    for index in (0..32).rev() {
        let difference = i16::from(N[index]) - i16::from(signature[32 + index]) - borrow;
        borrow = i16::from(difference < 0);
        signature[32 + index] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let twin = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert_ne!(twin, proof);
    assert_eq!(verify(&twin, &key, &request()), verify(&proof, &key, &request()));
}

#[test]
fn credentials_have_the_scheme_that_was_agreed_upon() {
    let profile = PopProfile::default();
    assert_eq!(profile.credentials("x.y.z"), "PoP x.y.z");
    assert_eq!(profile.proof_of("pop x.y.z"), Some("x.y.z"));
    for value in ["x.y.z", "Bearer x.y.z", "PoPx.y.z", ""] {
        assert_eq!(profile.proof_of(value), None, "{value}");
    }
    let bare = PopProfile { scheme: String::new(), ..profile };
    assert_eq!((bare.credentials("x"), bare.proof_of("x")), ("x".to_owned(), Some("x")));
}

fn answer<'a>() -> AnswerParts<'a> {
    AnswerParts { status: 201, headers: &[("Location", "/x"), ("date", "now")], body: b"{}", request: "x.y.z" }
}

fn answer_at(change: fn(&mut AnswerParts<'_>), now: Timestamp) -> Result<(), AnswerError> {
    let key = key("16:a", Algorithm::Es256);
    let signature = sign_answer(&key, &answer(), NOW, &SystemRandom::new()).unwrap();
    let trusted = [PublicJwk { kid: key.kid.clone(), key: key.signer.public_key().clone() }];
    let mut got = answer();
    change(&mut got);
    verify_answer(&signature, &trusted, &PopProfile::default(), &got, now)
}

#[test]
fn an_answer_counts_for_its_own_request_status_headers_and_body_only() {
    assert_eq!(answer_at(|_| {}, NOW), Ok(()));
    assert_eq!(answer_at(|answer| answer.request = "x.y.a", NOW), Err(AnswerError::Differs("request")));
    assert_eq!(answer_at(|answer| answer.status = 200, NOW), Err(AnswerError::Differs("status")));
    assert_eq!(answer_at(|answer| answer.body = b"", NOW), Err(AnswerError::Differs("body")));
    assert_eq!(answer_at(|answer| answer.headers = &[], NOW), Err(AnswerError::Differs("headers")));
    assert_eq!(answer_at(|answer| answer.headers = &[("location", "/y")], NOW), Err(AnswerError::Differs("headers")));
    let more: fn(&mut AnswerParts<'_>) = |answer| answer.headers = &[("location", "/x"), ("etag", "\"1\"")];
    assert_eq!(answer_at(more, NOW), Err(AnswerError::Differs("headers")));
    assert!(matches!(answer_at(|_| {}, NOW.plus_seconds(301)), Err(AnswerError::Time { .. })));
    assert!(matches!(answer_at(|_| {}, NOW.plus_seconds(-301)), Err(AnswerError::Time { .. })));
}

#[test]
fn an_answer_of_somebody_else_is_not_believed() {
    let [key, other] = ["16:a", "16:b"].map(|kid| key(kid, Algorithm::Es256));
    let signature = sign_answer(&key, &answer(), NOW, &SystemRandom::new()).unwrap();
    let check = |signature: &str, kid: &PopKey, public: &PopKey| {
        let trusted = [PublicJwk { kid: kid.kid.clone(), key: public.signer.public_key().clone() }];
        verify_answer(signature, &trusted, &PopProfile::default(), &answer(), NOW)
    };
    assert_eq!(check(&signature, &other, &other), Err(AnswerError::UnknownKey { kid: "16:a".to_owned() }));
    assert_eq!(check(&signature, &key, &other), Err(AnswerError::Signature));
    assert_eq!(check("", &key, &key), Err(AnswerError::Malformed));
    let own_proof = signed(&key, &request());
    assert_eq!(
        check(&own_proof, &key, &key),
        Err(AnswerError::Malformed),
        "a request's proof is no answer's signature"
    );
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        if let Ok(decoded) = decode(&text) {
            let _ = UnverifiedPop::read(&decoded).is_ok();
        }
        let _ = verify_answer(&text, &[], &PopProfile::default(), &answer(), NOW).is_ok();
    }
}
