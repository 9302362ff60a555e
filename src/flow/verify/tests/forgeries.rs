//! Tokens that somebody else made, or changed: key, algorithm, signature.

use super::*;

fn replaced_signature(token: &str, signature: &[u8]) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token.rsplit_once('.').unwrap().1).unwrap()
}

fn bad(verifier: &Verifier, token: &str) {
    let refusal = refusal(verifier, token);
    assert!(matches!(refusal, VerifyError::Signature(SignatureError::Bad(_))), "{refusal:?}");
}

#[test]
fn a_token_signed_with_another_key_of_the_same_id_is_refused() {
    let issuer = Issuer::new(34, "34:1");
    bad(&verifier(&issuer), &Issuer::new(34, "34:1").token());
}

#[test]
fn a_key_of_another_participant_with_the_same_kid_does_not_serve() {
    let (one, other) = (Issuer::new(34, "shared"), Issuer::new(35, "shared"));
    let verifier = builder(&[&one, &other]).build().unwrap();
    check(&verifier, &one.token()).unwrap();
    check(&verifier, &other.token()).unwrap();
    // 35 signs for 34.
    bad(&verifier, &other.sign(&other.header(), &one.claims()));
}

#[test]
fn a_kid_of_another_participant_only_is_unknown() {
    let (one, other) = (Issuer::new(34, "34:1"), Issuer::new(35, "35:1"));
    let verifier = builder(&[&one, &other]).build().unwrap();
    let token = other.sign(&other.header(), &one.claims());
    let expected = VerifyError::UnknownKey { issuer: one.pid, kid: "35:1".parse().unwrap() };
    assert_eq!(refusal(&verifier, &token), expected);
}

#[test]
fn an_issuer_that_is_not_in_the_key_set_is_refused() {
    let verifier = verifier(&Issuer::new(34, "34:1"));
    let stranger = Issuer::new(99, "34:1");
    assert_eq!(refusal(&verifier, &stranger.token()), VerifyError::UnknownIssuer(stranger.pid));
}

#[test]
fn a_kid_that_is_a_path_a_query_or_a_command_finds_no_key() {
    let issuer = Issuer::new(34, "34:1");
    for kid in ["../../dev/null", "'OR'1'='1", "34:1%00", "34:1;", "*", "34:", "34:11"] {
        let token = issuer.sign(&with(issuer.header(), "kid", json!(kid)), &issuer.claims());
        let refusal = refusal(&verifier(&issuer), &token);
        assert!(matches!(refusal, VerifyError::UnknownKey { .. }), "{kid}: {refusal:?}");
    }
}

#[test]
fn the_algorithm_must_be_that_of_the_key_in_exactly_its_spelling() {
    for issuer in [Issuer::new(34, "34:1"), Issuer::with(Algorithm::Rs256, 34, "34:1")] {
        let right = issuer.signer.algorithm().as_str();
        let names =
            ["none", "None", "nOnE", "", "HS256", "ES256", "RS256", "es256", "ES384", "PS256", "ES256 ", " RS256"];
        for alg in names.into_iter().filter(|alg| *alg != right) {
            let token = issuer.sign(&with(issuer.header(), "alg", json!(alg)), &issuer.claims());
            let expected = SignatureError::Algorithm { said: Some(alg.to_owned()), key: right };
            assert_eq!(refusal(&verifier(&issuer), &token), expected.into(), "{alg:?}");
        }
        for alg in [json!(null), json!(1), json!(["ES256"])] {
            let mut header = issuer.header();
            header["alg"] = alg;
            let refusal = refusal(&verifier(&issuer), &issuer.sign(&header, &issuer.claims()));
            assert_eq!(refusal, SignatureError::Algorithm { said: None, key: right }.into());
        }
    }
}

#[test]
fn a_mac_with_the_public_key_as_its_secret_is_refused() {
    for issuer in [Issuer::new(34, "34:1"), Issuer::with(Algorithm::Rs256, 34, "34:1")] {
        let jwk = serde_json::to_string(&issuer.signer.public_key().to_jwk("34:1")).unwrap();
        for secret in [jwk.clone(), format!(" {jwk}"), issuer.signer.public_key().thumbprint()] {
            for alg in ["HS256", issuer.signer.algorithm().as_str()] {
                let message = message(&with(issuer.header(), "alg", json!(alg)), &issuer.claims());
                let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes());
                let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()));
                assert!(matches!(refusal(&verifier(&issuer), &token), VerifyError::Signature(_)));
            }
        }
    }
}

#[test]
fn empty_zero_and_out_of_range_signatures_are_refused() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let pair = |r: &[u8], s: &[u8]| [r, s].concat();
    let signature = signature_of(&issuer.token());
    let forgeries = [
        Vec::new(),
        vec![0; 64],
        pair(&order, &order),
        pair(&[0; 32], &signature[32..]),
        pair(&signature[..32], &[0; 32]),
        pair(&signature[..32], &order),
        vec![0xff; 64],
        signature[..63].to_vec(),
        [&signature[..], &[0]].concat(),
        pair(&signature[32..], &signature[..32]),
    ];
    for forgery in forgeries {
        bad(&verifier, &replaced_signature(&issuer.token(), &forgery));
    }
}

#[test]
fn an_ecdsa_signature_in_der_is_refused() {
    let issuer = Issuer::new(34, "34:1");
    let token = issuer.token();
    let signature = signature_of(&token);
    let number = |bytes: &[u8]| openssl::bn::BigNum::from_slice(bytes).unwrap();
    let der = openssl::ecdsa::EcdsaSig::from_private_components(number(&signature[..32]), number(&signature[32..]))
        .unwrap()
        .to_der()
        .unwrap();
    bad(&verifier(&issuer), &replaced_signature(&token, &der));
}

#[test]
fn an_rsa_signature_is_as_long_as_the_modulus() {
    let issuer = Issuer::with(Algorithm::Rs256, 34, "34:1");
    let verifier = verifier(&issuer);
    let signature = signature_of(&issuer.token());
    bad(&verifier, &replaced_signature(&issuer.token(), &[&[0], &signature[..]].concat()));
    bad(&verifier, &replaced_signature(&issuer.token(), &signature[1..]));
    bad(&verifier, &replaced_signature(&issuer.token(), &[1; 256]));
    bad(&verifier, &replaced_signature(&issuer.token(), &[0; 256]));
}

#[test]
fn a_changed_header_or_payload_breaks_the_signature() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let token = issuer.token();
    let parts: Vec<&str> = token.split('.').collect();
    let other_claims = message(&issuer.header(), &with(issuer.claims(), "bobAuthZ", json!("ins")));
    bad(&verifier, &format!("{other_claims}.{}", parts[2]));
    let other_header = message(&with(issuer.header(), "typ", json!("JWT")), &issuer.claims());
    bad(&verifier, &format!("{other_header}.{}", parts[2]));
}

#[test]
fn a_key_inside_the_token_is_never_used() {
    let (issuer, attacker) = (Issuer::new(34, "34:1"), Issuer::new(34, "34:1"));
    let jwk = serde_json::to_value(attacker.signer.public_key().to_jwk("34:1")).unwrap();
    for (member, value) in [("jwk", jwk), ("jku", json!("http://127.0.0.1:1/")), ("x5u", json!("http://127.0.0.1:1/"))]
    {
        let token = attacker.sign(&with(attacker.header(), member, value), &attacker.claims());
        assert!(matches!(refusal(&verifier(&issuer), &token), VerifyError::Form(FormError::HeaderMember(_))));
    }
}

#[test]
fn form_is_judged_before_any_key_is_looked_up() {
    let stranger = Issuer::new(99, "99:1");
    let token = stranger.sign(&with(stranger.header(), "crit", json!(["exp"])), &stranger.claims());
    let refusal = refusal(&verifier(&Issuer::new(34, "34:1")), &token);
    assert_eq!(refusal, FormError::HeaderMember("crit").into());
}

#[test]
fn the_signature_is_judged_before_times_and_claims() {
    let issuer = Issuer::new(34, "34:1");
    let forger = Issuer::new(34, "34:1");
    bad(&verifier(&issuer), &forger.token_with("exp", json!("never")));
    bad(&verifier(&issuer), &forger.token_with("exp", json!(1)));
}
