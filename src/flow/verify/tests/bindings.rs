//! Holder of key: the token and the certificate belong together.

use super::*;

fn other_certificate() -> Presented {
    Presented::of_certificate(b"the DER of another certificate")
}

fn only_sha1() -> Presented {
    Presented::of_fingerprint(certificate().sha1)
}

fn thumbprint(presented: Presented) -> Value {
    json!({"x5t#S256": presented.sha256.unwrap().to_base64url()})
}

fn lax(issuer: &Issuer) -> Verifier {
    builder(&[issuer]).holder_of_key(HolderOfKey::IfPresent).build().unwrap()
}

#[test]
fn a_token_with_another_certificate_is_refused() {
    let issuer = Issuer::new(34, "34:1");
    for verifier in [verifier(&issuer), lax(&issuer)] {
        let refusal = verifier.verify(&issuer.token(), Some(other_certificate()), now()).unwrap_err();
        let (bound, presented) = (certificate().sha1, other_certificate().sha1);
        assert_eq!(refusal, VerifyError::HolderMismatch { bound, presented });
    }
}

#[test]
fn a_bound_token_without_a_certificate_is_refused() {
    let issuer = Issuer::new(34, "34:1");
    for verifier in [verifier(&issuer), lax(&issuer)] {
        let refusal = verifier.verify(&issuer.token(), None, now()).unwrap_err();
        assert_eq!(refusal, VerifyError::NothingPresented);
    }
}

#[test]
fn an_unbound_token_is_refused_unless_policy_says_otherwise() {
    let issuer = Issuer::new(34, "34:1");
    let token = issuer.token_with("bobHok", json!(null));
    assert_eq!(refusal(&verifier(&issuer), &token), VerifyError::NotBound);
    assert_eq!(check(&lax(&issuer), &token).unwrap().fingerprint(), None);
    assert!(lax(&issuer).verify(&token, None, now()).is_ok());
}

#[test]
fn only_the_policy_with_the_dangerous_name_looks_at_no_binding() {
    let issuer = Issuer::new(34, "34:1");
    let off = builder(&[&issuer]).holder_of_key(HolderOfKey::DangerouslyOff).build().unwrap();
    assert_eq!(off.verify(&issuer.token(), Some(other_certificate()), now()).unwrap().fingerprint(), None);
    assert_eq!(Policy::strict().holder_of_key, HolderOfKey::Required);
}

#[test]
fn the_case_and_the_colons_of_the_fingerprint_do_not_matter() {
    let issuer = Issuer::new(34, "34:1");
    let hex = certificate().sha1.to_string().to_uppercase();
    let pairs: Vec<&str> = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
    for spelling in [hex.clone(), pairs.join(":")] {
        check(&verifier(&issuer), &issuer.token_with("bobHok", json!(spelling))).unwrap();
    }
}

#[test]
fn a_binding_that_is_no_fingerprint_is_refused_also_where_none_is_required() {
    let issuer = Issuer::new(34, "34:1");
    let values = [
        json!(""),
        json!(1),
        json!({}),
        json!(false),
        json!(["0a"]),
        json!("0".repeat(40)),
        json!("0a".repeat(16)),
        json!("0a".repeat(32)),
        json!("da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        json!(format!(" {}", certificate().sha1)),
    ];
    for value in values {
        for verifier in [verifier(&issuer), lax(&issuer)] {
            let refusal = refusal(&verifier, &issuer.token_with("bobHok", value.clone()));
            assert!(
                matches!(refusal, VerifyError::Claim(ClaimError::Form { name: "bobHok", .. })),
                "{value}: {refusal:?}"
            );
        }
    }
    let mut claims = issuer.claims();
    claims["bobHok"] = json!(null);
    assert_eq!(refusal(&lax(&issuer), &issuer.sign(&issuer.header(), &claims)).reason(), "claim_form");
}

#[test]
fn a_token_with_both_bindings_must_satisfy_both() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    check(&verifier, &issuer.token_with("cnf", thumbprint(certificate()))).unwrap();
    let refusal = refusal(&verifier, &issuer.token_with("cnf", thumbprint(other_certificate())));
    let (bound, presented) = (other_certificate().sha256.unwrap(), certificate().sha256);
    assert_eq!(refusal, VerifyError::ThumbprintMismatch { bound, presented });
    assert_eq!(refusal.culprit(), Culprit::Caller);
}

#[test]
fn the_thumbprint_is_left_to_the_sha_1_where_the_certificate_itself_was_not_seen() {
    let issuer = Issuer::new(34, "34:1");
    let token = issuer.token_with("cnf", thumbprint(certificate()));
    verifier(&issuer).verify(&token, Some(only_sha1()), now()).unwrap();
}

#[test]
fn a_token_with_nothing_but_a_thumbprint_does_not_go_unchecked() {
    let issuer = Issuer::new(34, "34:1");
    let claims = with(with(issuer.claims(), "bobHok", json!(null)), "cnf", thumbprint(certificate()));
    let token = issuer.sign(&issuer.header(), &claims);
    assert_eq!(refusal(&verifier(&issuer), &token), VerifyError::NotBound);
    check(&lax(&issuer), &token).unwrap();
    for presented in [None, Some(only_sha1()), Some(other_certificate())] {
        let refusal = lax(&issuer).verify(&token, presented, now()).unwrap_err();
        assert_eq!(refusal.reason(), "thumbprint_mismatch");
    }
}

#[test]
fn a_confirmation_that_we_could_not_check_is_refused() {
    let issuer = Issuer::new(34, "34:1");
    let good = thumbprint(certificate());
    let values = [
        json!("x"),
        json!([]),
        json!({}),
        json!({"jkt": "a"}),
        with(good.clone(), "jwk", json!({})),
        json!({"x5t#S256": 1}),
        json!({"x5t#S256": "AAAA"}),
        json!({"x5t#S256": format!("{}=", good["x5t#S256"].as_str().unwrap())}),
    ];
    for value in values {
        let refusal = refusal(&verifier(&issuer), &issuer.token_with("cnf", value.clone()));
        assert!(matches!(refusal, VerifyError::Claim(ClaimError::Form { name: "cnf", .. })), "{value}: {refusal:?}");
    }
}

#[test]
fn two_certificates_with_one_sha_1_are_told_apart_by_the_thumbprint() {
    let issuer = Issuer::new(34, "34:1");
    let ours = certificate();
    let twin = Presented { sha1: ours.sha1, sha256: Some(Sha256Fingerprint::from_bytes([7; 32])) };
    let token = issuer.token_with("cnf", thumbprint(certificate()));
    let verifier = verifier(&issuer);
    verifier.verify(&token, Some(ours), now()).unwrap();
    // After a verification that was remembered, too.
    let refusal = verifier.verify(&token, Some(twin), now()).unwrap_err();
    assert_eq!(refusal.reason(), "thumbprint_mismatch");
}

#[test]
fn a_fingerprint_that_differs_in_any_one_bit_is_refused() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    for bit in 0..160 {
        let mut bytes = *certificate().sha1.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let presented = Presented::of_fingerprint(Sha1Fingerprint::from_bytes(bytes));
        assert_eq!(verifier.verify(&issuer.token(), Some(presented), now()).unwrap_err().reason(), "holder_mismatch");
    }
}
