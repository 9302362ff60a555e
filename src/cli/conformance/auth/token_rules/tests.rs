//! What an answer with a token shows.
#![expect(clippy::disallowed_methods, reason = "tests are an edge")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use serde_json::json;

use super::*;
use crate::crypto::probe_cert::Nature;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn judged_as(header: &Value, claims: &Value, signature: &[u8], certificate: &Certificate) -> Vec<Finding> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let compact = format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature));
    let fields = [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "private, No-Store")];
    let answer = Answer {
        status: 200,
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: json!({ "jwtCompact": compact }).to_string().into_bytes(),
        complete: true,
    };
    judged(&answer, &Wanted { entity: "validator37", certificate, now: NOW, keys: None })
}

fn broken(found: &[Finding]) -> Vec<&str> {
    let broken = found.iter().filter(|(_, judgement)| matches!(judgement, Judgement::Broken(_)));
    broken.map(|(check, _)| check.id).collect()
}

fn good(certificate: &Certificate) -> (Value, Value) {
    let now = NOW.as_seconds();
    let claims = json!({ "iss": "34", "sub": "validator37", "bobAuthZ": "val", "bobHok": certificate.sha1.to_string(),
        "exp": now + 3_600, "iat": now, "nbf": now });
    (json!({ "alg": "ES256", "kid": "34:1" }), claims)
}

#[test]
fn a_token_without_the_optional_members_keeps_every_rule() {
    let (certificate, _) = Nature::Leaf.make(NOW, &SystemRandom::new()).unwrap();
    let (header, mut claims) = good(&certificate);
    assert_eq!(broken(&judged_as(&header, &claims, &[1; 64], &certificate)), Vec::<&str>::new());
    for name in ["iat", "nbf"] {
        claims.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(broken(&judged_as(&header, &claims, &[1; 64], &certificate)), Vec::<&str>::new());
}

#[test]
fn another_token_is_held_against_the_first() {
    let (certificate, _) = Nature::Leaf.make(NOW, &SystemRandom::new()).unwrap();
    let (header, claims) = good(&certificate);
    let of = |claims: &Value| judged_as(&header, claims, &[1; 64], &certificate);
    let mut changed = claims.clone();
    changed["sub"] = json!("somebody");
    assert!(matches!(as_good_as(&of(&claims), &of(&changed)), Judgement::Broken(seen) if seen.starts_with("auth.sub")));
    // What is wrong with both is told of the first.
    assert!(matches!(as_good_as(&of(&changed), &of(&changed)), Judgement::Holds(_)));
}

#[test]
fn each_claim_at_its_edge_is_judged_as_the_rule_has_it() {
    let (certificate, _) = Nature::Leaf.make(NOW, &SystemRandom::new()).unwrap();
    let (header, claims) = good(&certificate);
    let now = NOW.as_seconds();
    for (name, value, expected) in [
        ("iat", json!(now + SKEW), &[][..]),
        ("iat", json!(now + SKEW + 1), &["auth.iat"]),
        ("nbf", json!(now + SKEW + 1), &["auth.nbf"]),
        ("exp", json!(now + LONGEST), &[]),
        ("exp", json!(now + LONGEST + 1), &["auth.lifetime"]),
        ("exp", json!(now), &["auth.exp"]),
        ("exp", json!(1_800_003_600.5), &["auth.exp"]),
        ("iss", json!("034"), &["auth.iss"]),
        ("iss", json!(34), &["auth.iss"]),
        ("sub", json!("validator38"), &["auth.sub"]),
        ("bobAuthZ", json!(""), &["auth.bob_authz"]),
        ("bobHok", json!(certificate.sha1.to_string().to_uppercase()), &["auth.bob_hok_form"]),
        ("bobHok", json!("00"), &["auth.bob_hok_form", "auth.bob_hok_true"]),
    ] {
        let mut changed = claims.clone();
        changed[name] = value.clone();
        assert_eq!(broken(&judged_as(&header, &changed, &[1; 64], &certificate)), expected, "{name}: {value}");
    }
}

#[test]
fn what_a_finding_shows_is_no_whole_token() {
    let (certificate, _) = Nature::Leaf.make(NOW, &SystemRandom::new()).unwrap();
    let (header, mut claims) = good(&certificate);
    claims["sub"] = json!("x".repeat(500));
    for (check, judgement) in judged_as(&header, &claims, &[1; 64], &certificate) {
        let (Judgement::Holds(seen) | Judgement::Broken(seen) | Judgement::NotApplicable(seen)) = judgement;
        assert!(seen.len() < 160, "{}: {seen}", check.id);
    }
}
