//! The keys that sign sets, through their life.

use super::*;
use crate::protocol::metadata::MetadataError;
use crate::store::StoreError;
use crate::store::register::{AnchorState, RegisterFault};

fn anchors_of(set: &BuiltSet, trust: &TrustAnchors) -> Vec<String> {
    read(set, trust).header().anchors.iter().map(ToString::to_string).collect()
}

fn fault(result: Result<impl std::fmt::Debug, AnchorFault>) -> RegisterFault {
    match result.unwrap_err() {
        AnchorFault::Store(StoreError::Register(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_set_carries_the_signatures_of_primary_and_fallback_and_of_no_other() {
    let home = Home::new().await;
    home.anchor(AnchorRole::Response, Algorithm::Es256).await;
    let fallback = home.anchor(AnchorRole::Fallback, Algorithm::Rs256).await;
    assert_eq!((fallback.kid.as_str(), fallback.alg.as_str()), ("16:20261122_3", "RS256"));
    let set = home.built(NOW).await;
    assert_eq!(anchors_of(&set, &home.trust().await), ["16:20261122_1", "16:20261122_3"]);
    let envelope: Value = serde_json::from_slice(&set.json).unwrap();
    assert_eq!(envelope["signatures"].as_array().unwrap().len(), 2);
    let answers = home.register.response_anchors().await.unwrap();
    let trust = TrustAnchors::parse(&jwks(&answers), Environment::Production).unwrap();
    let refusal = SignedSet::verify(&set.json, &trust, NOW).unwrap_err();
    assert!(matches!(refusal, MetadataError::NoTrustedSignature { .. }), "{refusal}");
    assert_eq!(home.register.response_key(&home.room).await.unwrap().0.as_str(), "16:20261122_2");
}

#[tokio::test]
async fn a_rotation_breaks_nobody_at_any_step() {
    let home = Home::new().await;
    let old = home.trust().await;
    let first = home.built(NOW).await;
    let announced =
        home.register.rotate_anchor(&home.room, &wanted(AnchorRole::Primary, Algorithm::Es256), &now()).await.unwrap();
    assert_eq!(announced.state, AnchorState::Announced);
    let only_new = TrustAnchors::parse(&jwks(std::slice::from_ref(&announced)), Environment::Production).unwrap();
    let both = home.trust().await;
    assert_eq!(both.keys().len(), 2);
    // While it lasts, everybody reads the set: whoever holds the old file, the new one, or the new key alone.
    let during = home.built(NOW).await;
    assert!(during.serial > first.serial);
    for trust in [&old, &both, &only_new] {
        SignedSet::verify(&during.json, trust, NOW).unwrap();
    }
    assert_eq!(anchors_of(&during, &both), ["16:20261122_1", "16:20261122_2"]);
    let (new, retired) = home.register.finish_anchor_rotation(&home.room, AnchorRole::Primary, &now()).await.unwrap();
    assert_eq!((new.kid.as_str(), new.state), ("16:20261122_2", AnchorState::Active));
    assert_eq!((retired.kid.as_str(), retired.state), ("16:20261122_1", AnchorState::Retired));
    let after = home.built(NOW).await;
    for trust in [&both, &only_new, &home.trust().await] {
        assert_eq!(anchors_of(&after, trust), ["16:20261122_2"]);
    }
    assert!(SignedSet::verify(&after.json, &old, NOW).is_err());
    assert_eq!(home.trust().await.keys().len(), 1);
}

#[tokio::test]
async fn with_a_fallback_a_participant_that_overslept_a_rotation_still_reads() {
    let home = Home::new().await;
    home.anchor(AnchorRole::Fallback, Algorithm::Es256).await;
    let old = home.trust().await;
    home.register.rotate_anchor(&home.room, &wanted(AnchorRole::Primary, Algorithm::Es256), &now()).await.unwrap();
    home.register.finish_anchor_rotation(&home.room, AnchorRole::Primary, &now()).await.unwrap();
    assert_eq!(anchors_of(&home.built(NOW).await, &old), ["16:20261122_2"]);
}

#[tokio::test]
async fn a_rotation_that_is_given_up_leaves_everything_as_it_was() {
    let home = Home::new().await;
    let wanted = wanted(AnchorRole::Primary, Algorithm::Es256);
    home.register.rotate_anchor(&home.room, &wanted, &now()).await.unwrap();
    let given_up = home.register.cancel_anchor_rotation(AnchorRole::Primary, &now()).await.unwrap();
    assert_eq!(given_up.state, AnchorState::Retired);
    assert_eq!(anchors_of(&home.built(NOW).await, &home.trust().await), ["16:20261122_1"]);
    // Its id stays used.
    let next = home.register.rotate_anchor(&home.room, &wanted, &now()).await.unwrap();
    assert_eq!(next.kid.as_str(), "16:20261122_3");
}

#[tokio::test]
async fn a_role_has_one_anchor_in_force_and_at_most_one_to_follow() {
    let home = Home::new().await;
    let primary = wanted(AnchorRole::Primary, Algorithm::Es256);
    let fallback = wanted(AnchorRole::Fallback, Algorithm::Es256);
    let refusal = fault(home.register.generate_anchor(&home.room, &primary, &now()).await);
    assert!(matches!(refusal, RegisterFault::AnchorThere { state: AnchorState::Active, .. }), "{refusal}");
    let refusal = fault(home.register.rotate_anchor(&home.room, &fallback, &now()).await);
    assert!(matches!(refusal, RegisterFault::NoneInState { .. }), "{refusal}");
    let refusal = fault(home.register.finish_anchor_rotation(&home.room, AnchorRole::Primary, &now()).await);
    assert_eq!(refusal.to_string(), "the primary role has no anchor that is announced");
    home.register.rotate_anchor(&home.room, &primary, &now()).await.unwrap();
    let refusal = fault(home.register.rotate_anchor(&home.room, &primary, &now()).await);
    assert!(matches!(refusal, RegisterFault::AnchorThere { state: AnchorState::Announced, .. }), "{refusal}");
    let files = std::fs::read_dir(home.directory.path().join("anchors")).unwrap().count();
    assert_eq!(files, 2, "what was refused left no file");
}

#[tokio::test]
async fn a_kid_of_an_anchor_is_never_used_again_and_no_file_is_overwritten() {
    let home = Home::new().await;
    let named =
        |kid: &str| NewAnchor { kid: Some(kid.parse().unwrap()), ..wanted(AnchorRole::Fallback, Algorithm::Es256) };
    let refusal = fault(home.register.generate_anchor(&home.room, &named("16:20261122_1"), &now()).await);
    assert_eq!(refusal, RegisterFault::AnchorKid("16:20261122_1".parse().unwrap()));
    home.room.files.write_new("x.pem", b"mine").unwrap();
    let refusal = home.register.generate_anchor(&home.room, &named("x"), &now()).await.unwrap_err();
    assert!(matches!(refusal, AnchorFault::FileInTheWay(_)), "{refusal}");
    assert_eq!(home.room.files.read("x.pem").unwrap().as_slice(), b"mine");
}

#[tokio::test]
async fn an_anchor_that_cannot_sign_is_not_put_in_force_and_another_key_signs_nothing() {
    let home = Home::new().await;
    let next = home.register.rotate_anchor(&home.room, &wanted(AnchorRole::Primary, Algorithm::Es256), &now()).await;
    let next = next.unwrap();
    let file = home.directory.path().join("anchors").join(&next.file);
    let other = PrivateKey::generate_p256().unwrap().to_pkcs8_pem(None).unwrap();
    std::fs::write(&file, &other).unwrap();
    let refusal = home.register.finish_anchor_rotation(&home.room, AnchorRole::Primary, &now()).await.unwrap_err();
    assert!(matches!(&refusal, AnchorFault::AnotherKey(kid) if *kid == next.kid), "{refusal}");
    let refusal = home.register.build_set(&home.room, &rules(), &now()).await.unwrap_err();
    assert!(matches!(refusal, BuildError::Anchor { fault: AnchorFault::AnotherKey(_), .. }), "{refusal}");
    std::fs::remove_file(&file).unwrap();
    let refusal = home.register.finish_anchor_rotation(&home.room, AnchorRole::Primary, &now()).await.unwrap_err();
    assert!(matches!(refusal, AnchorFault::File(_)), "{refusal}");
}

#[tokio::test]
async fn with_a_passphrase_private_halves_are_encrypted() {
    let mut home = Home::without_anchor().await;
    home.room.passphrase = Some("correct horse".into());
    let anchor = home.anchor(AnchorRole::Primary, Algorithm::Es256).await;
    let pem = home.room.files.read(&anchor.file).unwrap();
    assert!(pem.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY"));
    home.built(NOW).await;
    home.room.passphrase = None;
    home.register.rename_participant(pid(34), "Other", &now()).await.unwrap();
    let refusal = home.register.build_set(&home.room, &rules(), &now()).await.unwrap_err();
    assert!(refusal.to_string().contains("passphrase"), "{refusal}");
}
