//! From when to when a token counts.

use super::*;

fn at(verifier: &Verifier, token: &str, seconds: i64) -> Result<VerifiedCaller, VerifyError> {
    verifier.verify(token, Some(certificate()), Timestamp::from_seconds(seconds))
}

fn strict(issuer: &Issuer) -> Verifier {
    builder(&[issuer]).leeway(0).build().unwrap()
}

#[test]
fn a_token_is_refused_on_its_last_second_and_after() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = strict(&issuer);
    at(&verifier, &issuer.token(), NOW + 3599).unwrap();
    for late in [0, 1, 1_000_000] {
        let refusal = at(&verifier, &issuer.token(), NOW + 3600 + late).unwrap_err();
        let exp = Timestamp::from_seconds(NOW + 3600);
        assert_eq!(refusal, VerifyError::Expired { exp, now: exp.plus_seconds(late), leeway: 0 });
    }
}

#[test]
fn leeway_moves_both_ends_by_as_much_and_no_more() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = builder(&[&issuer]).leeway(60).build().unwrap();
    let token = issuer.token();
    at(&verifier, &token, NOW + 3659).unwrap();
    assert_eq!(at(&verifier, &token, NOW + 3660).unwrap_err().reason(), "expired");
    at(&verifier, &token, NOW - 60).unwrap();
    assert_eq!(at(&verifier, &token, NOW - 61).unwrap_err().reason(), "not_yet_valid");
}

#[test]
fn a_token_from_the_future_is_refused_by_nbf_and_by_iat() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = strict(&issuer);
    let refusal = at(&verifier, &issuer.token_with("nbf", json!(NOW + 11)), NOW + 10).unwrap_err();
    let (from, now) = (Timestamp::from_seconds(NOW + 11), now());
    assert_eq!(refusal, VerifyError::NotYet { claim: "nbf", from, now, leeway: 0 });
    let refusal = at(&verifier, &issuer.token_with("iat", json!(NOW + 11)), NOW + 10).unwrap_err();
    assert_eq!(
        (refusal.reason(), refusal),
        ("issued_in_future", VerifyError::NotYet { claim: "iat", from, now, leeway: 0 })
    );
    at(&verifier, &issuer.token_with("nbf", json!(NOW + 10)), NOW + 10).unwrap();
}

#[test]
fn a_token_without_an_end_is_refused_and_one_without_a_beginning_is_not() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = strict(&issuer);
    let missing = refusal(&verifier, &issuer.token_with("exp", json!(null)));
    assert_eq!(missing, ClaimError::Missing("exp").into());
    check(&verifier, &issuer.token_with("nbf", json!(null))).unwrap();
    check(&verifier, &issuer.token_with("iat", json!(null))).unwrap();
}

#[test]
fn a_time_that_is_no_whole_number_of_seconds_is_refused() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = strict(&issuer);
    let values = [
        json!("never"),
        json!((NOW + 3600).to_string()),
        json!(1_800_003_600.5),
        json!(1.8e9),
        json!(-1),
        json!({}),
        json!([NOW + 3600]),
        json!(true),
        json!(1_u64 << 63),
        json!((1_i64 << 53) + 1),
    ];
    for value in values {
        for claim in ["exp", "nbf", "iat"] {
            let refusal = refusal(&verifier, &issuer.token_with(claim, value.clone()));
            assert!(
                matches!(refusal, VerifyError::Claim(ClaimError::Form { name, .. }) if name == claim),
                "{claim} {value}: {refusal:?}"
            );
        }
    }
    let explicit_null = {
        let mut claims = issuer.claims();
        claims["nbf"] = json!(null);
        issuer.sign(&issuer.header(), &claims)
    };
    assert_eq!(refusal(&verifier, &explicit_null).reason(), "claim_form");
}

#[test]
fn a_token_that_lives_longer_than_a_day_is_refused_however_its_times_are_written() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = strict(&issuer);
    let day = 86_400;
    check(&verifier, &issuer.token_with("exp", json!(NOW + day))).unwrap();
    let long = issuer.token_with("exp", json!(NOW + day + 1));
    let seconds = day + 1;
    assert_eq!(refusal(&verifier, &long), VerifyError::LivesTooLong { seconds, most: 86_400 });
    // Without iat, from nbf; without both, from now.
    let mut claims = with(issuer.claims(), "iat", json!(null));
    claims["exp"] = json!(NOW + day + 1);
    assert_eq!(refusal(&verifier, &issuer.sign(&issuer.header(), &claims)).reason(), "lives_too_long");
    let mut claims = with(claims, "nbf", json!(null));
    check(&verifier, &issuer.sign(&issuer.header(), &claims)).unwrap();
    claims["exp"] = json!(NOW + 10 + day + 1);
    assert_eq!(refusal(&verifier, &issuer.sign(&issuer.header(), &claims)).reason(), "lives_too_long");
    claims["exp"] = json!(1_i64 << 53);
    assert_eq!(refusal(&verifier, &issuer.sign(&issuer.header(), &claims)).reason(), "lives_too_long");
}

#[test]
fn a_token_that_ends_before_it_begins_is_refused_also_inside_the_leeway() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = builder(&[&issuer]).leeway(60).build().unwrap();
    for nbf in [NOW + 5, NOW + 6] {
        let mut claims = issuer.claims();
        (claims["nbf"], claims["exp"]) = (json!(nbf), json!(NOW + 5));
        let refusal = refusal(&verifier, &issuer.sign(&issuer.header(), &claims));
        assert!(matches!(refusal, VerifyError::TimesContradict { .. }), "{refusal:?}");
    }
}

#[test]
fn a_clock_at_the_end_of_time_refuses_and_does_not_panic() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = builder(&[&issuer]).leeway(300).build().unwrap();
    for seconds in [i64::MIN, i64::MAX] {
        assert!(at(&verifier, &issuer.token(), seconds).is_err());
    }
}

#[test]
fn a_key_set_past_its_end_verifies_nothing() {
    let issuer = Issuer::new(34, "34:1");
    let mut set = KeySet::new();
    set.add(issuer.pid, vec![issuer.jwk()]).unwrap();
    let end = Timestamp::from_seconds(NOW + 100);
    set.not_valid_after = Some(end);
    let keys = Arc::new(CurrentKeys::new(set).unwrap());
    let verifier = Verifier::builder(keys).allow(Allowed::ANYONE).build().unwrap();
    at(&verifier, &issuer.token(), NOW + 100).unwrap();
    // Also for a token that was verified before.
    let refusal = at(&verifier, &issuer.token(), NOW + 101).unwrap_err();
    assert_eq!(refusal, VerifyError::KeySetExpired { not_valid_after: end });
}
