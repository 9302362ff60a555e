//! A verdict that is remembered is never more than the verdict that would be given.

use super::*;

fn hits(verifier: &Verifier) -> u64 {
    verifier.cached().1
}

#[test]
fn a_token_that_comes_again_is_not_verified_again() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let token = issuer.token();
    let first = check(&verifier, &token).unwrap();
    assert_eq!((verifier.cached(), check(&verifier, &token).unwrap()), ((1, 0), first));
    assert_eq!(hits(&verifier), 1);
}

#[test]
fn a_remembered_token_is_refused_with_another_certificate_or_none() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let token = issuer.token();
    check(&verifier, &token).unwrap();
    let other = Presented::of_certificate(b"another");
    assert_eq!(verifier.verify(&token, Some(other), now()).unwrap_err().reason(), "holder_mismatch");
    assert_eq!(verifier.verify(&token, None, now()).unwrap_err().reason(), "nothing_presented");
    assert_eq!(hits(&verifier), 0);
}

#[test]
fn a_remembered_token_with_another_last_letter_is_another_token() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let token = issuer.token();
    check(&verifier, &token).unwrap();
    // 64 bytes end with four bits in the last letter: A and Q are both good spellings.
    let (rest, last) = token.split_at(token.len() - 1);
    let other = if last == "A" { "Q" } else { "A" };
    assert_eq!(refusal(&verifier, &format!("{rest}{other}")).reason(), "bad_signature");
}

#[test]
fn no_memory_outlives_the_token() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = builder(&[&issuer]).leeway(60).build().unwrap();
    let token = issuer.token();
    let at = |seconds| verifier.verify(&token, Some(certificate()), Timestamp::from_seconds(seconds));
    at(NOW).unwrap();
    at(NOW + 3599).unwrap();
    assert_eq!(hits(&verifier), 1);
    // From exp on the leeway decides, and a verification anew.
    at(NOW + 3600).unwrap();
    assert_eq!(hits(&verifier), 1);
    assert_eq!(at(NOW + 3660).unwrap_err().reason(), "expired");
    // A clock that was set back finds no memory from the future.
    at(NOW).unwrap();
    assert_eq!(at(NOW - 61).unwrap_err().reason(), "not_yet_valid");
}

#[test]
fn a_key_that_is_withdrawn_takes_its_remembered_tokens_along() {
    let (issuer, successor) = (Issuer::new(34, "34:1"), Issuer::new(34, "34:2"));
    let verifier = verifier(&issuer);
    check(&verifier, &issuer.token()).unwrap();
    let mut set = KeySet::new();
    set.add(successor.pid, vec![successor.jwk()]).unwrap();
    verifier.keys().replace(set);
    assert_eq!(refusal(&verifier, &issuer.token()).reason(), "unknown_key");
    check(&verifier, &successor.token()).unwrap();
    verifier.keys().replace(KeySet::new());
    assert_eq!(refusal(&verifier, &successor.token()).reason(), "unknown_issuer");
}

#[test]
fn a_policy_of_its_own_means_a_memory_of_its_own() {
    let issuer = Issuer::new(34, "34:1");
    let lax = verifier(&issuer);
    check(&lax, &issuer.token()).unwrap();
    let strict =
        Verifier::builder(Arc::clone(lax.keys())).allow(Allowed::class("ins".parse().unwrap())).build().unwrap();
    assert_eq!(refusal(&strict, &issuer.token()).reason(), "not_allowed");
}

#[test]
fn what_was_refused_is_not_remembered() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    assert!(check(&verifier, &Issuer::new(34, "34:1").token()).is_err());
    assert_eq!(verifier.cached(), (0, 0));
}

#[test]
fn the_memory_is_bounded_in_tokens_and_in_bytes() {
    let issuer = Issuer::new(34, "34:1");
    let fill = |size: CacheSize| {
        let verifier = builder(&[&issuer]).cache(Some(size)).build().unwrap();
        for n in 0..60 {
            check(&verifier, &issuer.token_with("sub", json!(format!("validator{n}")))).unwrap();
        }
        verifier.cached().0
    };
    assert!((1..=20).contains(&fill(CacheSize { entries: 20, bytes: 1 << 20 })));
    assert!((1..=10).contains(&fill(CacheSize { entries: 1000, bytes: 10 * 340 })));
    assert_eq!(fill(CacheSize { entries: 0, bytes: 1 << 20 }), 0);
    let off = builder(&[&issuer]).cache(None).build().unwrap();
    check(&off, &issuer.token()).unwrap();
    assert_eq!(off.cached(), (0, 0));
}

#[test]
fn a_token_that_is_too_long_is_refused_with_and_without_a_memory() {
    let issuer = Issuer::new(34, "34:1");
    let long = issuer.token_with("extra", json!("x".repeat(8192)));
    let expected = FormError::TooLong { len: long.len(), most: 8192 };
    assert_eq!(refusal(&verifier(&issuer), &long), expected.clone().into());
    assert_eq!(refusal(&builder(&[&issuer]).cache(None).build().unwrap(), &long), expected.into());
}

#[test]
fn many_threads_share_one_verifier() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let tokens: Vec<String> = (0..8).map(|n| issuer.token_with("sub", json!(format!("v{n}")))).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (n, token) in tokens.iter().enumerate().cycle().take(200) {
                    assert_eq!(check(&verifier, token).unwrap().entity().as_str(), format!("v{n}"));
                }
            });
        }
    });
}

#[test]
fn a_verifier_shows_its_policy_and_no_token_in_debug() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let token = issuer.token();
    check(&verifier, &token).unwrap();
    let text = format!("{verifier:?}");
    assert!(text.contains("Required") && text.contains("1 keys") && !text.contains(&token), "{text}");
}
