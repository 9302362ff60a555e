//! Claims, and who may call.

use super::*;

#[test]
fn claims_of_another_type_are_refused_and_nothing_is_coerced() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let wrong = [
        ("sub", json!(123)),
        ("sub", json!("")),
        ("sub", json!("a b")),
        ("sub", json!("a\nb")),
        ("sub", json!("..")),
        ("sub", json!(["validator37"])),
        ("bobAuthZ", json!(["val"])),
        ("bobAuthZ", json!("")),
        ("bobAuthZ", json!("val ")),
        ("bobAuthZ", json!(1)),
        ("bobAuthZ", json!({"class": "val"})),
        ("aud", json!(1)),
        ("aud", json!(["a", 1])),
    ];
    for (claim, value) in wrong {
        let refusal = refusal(&verifier, &issuer.token_with(claim, value.clone()));
        assert!(
            matches!(refusal, VerifyError::Claim(ClaimError::Form { name, .. }) if name == claim),
            "{claim} {value}: {refusal:?}"
        );
    }
}

#[test]
fn a_token_without_subject_or_class_is_refused() {
    let issuer = Issuer::new(34, "34:1");
    for claim in ["sub", "bobAuthZ"] {
        let refusal = refusal(&verifier(&issuer), &issuer.token_with(claim, json!(null)));
        assert_eq!(refusal, ClaimError::Missing(claim).into());
    }
}

#[test]
fn claims_that_nobody_knows_do_no_harm() {
    let issuer = Issuer::new(34, "34:1");
    check(&verifier(&issuer), &issuer.token_with("extra", json!({"deep": [1, {"x": null}]}))).unwrap();
    check(&verifier(&issuer), &issuer.token_with("jti", json!("1"))).unwrap();
}

#[test]
fn only_the_pairs_of_issuer_and_class_that_are_named_may_call() {
    let (one, other) = (Issuer::new(34, "34:1"), Issuer::new(35, "35:1"));
    let class = |text: &str| Allowed::class(text.parse().unwrap());
    let keys = keys(&[&one, &other]);
    let with = |allowed: &[Allowed]| {
        let builder = Verifier::builder(Arc::clone(&keys));
        allowed.iter().cloned().fold(builder, VerifierBuilder::allow).build().unwrap()
    };
    let inspector = |issuer: &Issuer| issuer.token_with("bobAuthZ", json!("ins"));

    let exact = with(&[class("val").from(one.pid)]);
    check(&exact, &one.token()).unwrap();
    for token in [other.token(), inspector(&one), one.token_with("bobAuthZ", json!("VAL"))] {
        assert!(matches!(refusal(&exact, &token), VerifyError::NotAllowed { .. }));
    }
    let two = with(&[class("val").from(one.pid), class("ins").from(other.pid)]);
    check(&two, &inspector(&other)).unwrap();
    assert!(check(&two, &inspector(&one)).is_err(), "pairs are pairs, not two lists");
    check(&with(&[Allowed::issuer(other.pid)]), &inspector(&other)).unwrap();
    assert!(check(&with(&[Allowed::issuer(other.pid)]), &one.token()).is_err());
    check(&with(&[class("ins")]), &inspector(&one)).unwrap();
    check(&with(&[Allowed::ANYONE]), &inspector(&one)).unwrap();
}

#[test]
fn a_verifier_that_allows_nobody_or_grants_any_time_is_not_built() {
    let issuer = Issuer::new(34, "34:1");
    assert_eq!(Verifier::builder(keys(&[&issuer])).build().unwrap_err(), BuildError::NobodyAllowed);
    assert_eq!(builder(&[&issuer]).leeway(301).build().unwrap_err(), BuildError::Leeway(301));
    assert!(CurrentKeys::new(KeySet::new()).is_err(), "no keys is a mistake");
}

#[test]
fn what_is_distrusted_is_refused_ahead_of_the_key_set() {
    let issuer = Issuer::new(34, "34:1");
    let kid: crate::value::Kid = "34:1".parse().unwrap();
    let presented = certificate();
    let refused = |builder: VerifierBuilder| refusal(&builder.build().unwrap(), &issuer.token());
    let fresh = || builder(&[&issuer]);
    assert_eq!(refused(fresh().distrust_issuer(issuer.pid)), VerifyError::DistrustedIssuer(issuer.pid));
    let key = VerifyError::DistrustedKey { issuer: issuer.pid, kid: kid.clone() };
    assert_eq!(refused(fresh().distrust_key(issuer.pid, kid.clone())), key);
    let mut everywhere = fresh().build().unwrap().policy().clone();
    everywhere.distrust.kids.push((None, kid.clone()));
    assert_eq!(refused(fresh().policy(everywhere)), key);
    let certificate = VerifyError::DistrustedCertificate(presented.sha1);
    assert_eq!(refused(fresh().distrust_certificate(presented.sha1)), certificate);
    assert_eq!(refused(fresh().distrust_certificate_sha256(presented.sha256.unwrap())), certificate);
    // Somebody else's misfortune is none of ours.
    let other = Pid::new(35).unwrap();
    let verifier = fresh().distrust_issuer(other).distrust_key(other, kid).build().unwrap();
    check(&verifier, &issuer.token()).unwrap();
}

#[test]
fn a_token_for_somebody_else_is_refused_and_one_for_us_is_not() {
    let issuer = Issuer::new(34, "34:1");
    let none = verifier(&issuer);
    let ours = builder(&[&issuer]).audience("https://partner.example").build().unwrap();
    let token = |aud: Value| issuer.token_with("aud", aud);
    for aud in [json!("https://partner.example"), json!(["x", "https://partner.example"])] {
        check(&ours, &token(aud.clone())).unwrap();
        assert_eq!(refusal(&none, &token(aud)), VerifyError::Audience);
    }
    for aud in [json!("https://partner.example/"), json!("x"), json!([])] {
        assert_eq!(refusal(&ours, &token(aud)), VerifyError::Audience);
    }
    assert_eq!(refusal(&ours, &issuer.token()), VerifyError::Audience, "who wants an audience wants it always");
}

#[test]
fn pairs_are_written_as_pid_and_class() {
    for text in ["1:val", "*:ins", "34:*", "*:*"] {
        assert_eq!(text.parse::<Allowed>().unwrap().to_string(), text);
    }
    for text in ["", "val", "1", "1:", ":val", "01:val", "1:v l", "1:val:x", "**:val"] {
        assert!(text.parse::<Allowed>().is_err(), "{text:?}");
    }
}
