//! Keys that come and go while a verifier runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use bob_auth::flow::verify::{Allowed, HolderOfKey, Verifier};
use bob_auth::key_source::CurrentKeys;
use bob_auth::protocol::key_set::KeySet;

use super::issuer::{Key, jwks, pid};
use super::origin::{Answer, OriginServer};
use super::{Door, builder};

#[tokio::test]
async fn a_token_with_a_new_key_is_accepted_at_the_first_attempt_over_tls() {
    let (old, new) = (Key::new(34, "34:1"), Key::new(34, "34:2"));
    let server = OriginServer::tls(Answer::keys(&jwks(&[&old])));
    let door = Door::open(builder().jwks_url(pid(34), server.url(), server.ca.clone())).await;
    assert_eq!(door.reason(&old.token()).await, "accepted");
    assert_eq!(server.requests(), 1, "a known key is verified without asking anybody");
    server.answer(Answer::keys(&jwks(&[&old, &new])));
    assert_eq!(door.reason(&new.token()).await, "accepted");
    assert_eq!(server.requests(), 2);
    assert_eq!(door.status().keys, 2);
}

#[tokio::test]
async fn a_key_that_its_issuer_has_withdrawn_is_refused_after_the_refresh_also_for_a_token_seen_before() {
    let (stolen, good) = (Key::new(34, "34:1"), Key::new(34, "34:2"));
    let server = OriginServer::plain(Answer::keys(&jwks(&[&stolen])));
    let door = Door::open(builder().jwks_url(pid(34), server.url(), None)).await;
    let token = stolen.token();
    for _ in 0..2 {
        assert_eq!(door.reason(&token).await, "accepted");
    }
    assert_eq!(door.verifier.current().cached(), (1, 1));
    server.answer(Answer::keys(&jwks(&[&good])));
    assert_eq!(door.reason(&good.token()).await, "accepted");
    assert_eq!(door.reason(&token).await, "unknown_key");
}

#[tokio::test]
async fn an_issuer_may_withdraw_every_key() {
    let key = Key::new(34, "34:1");
    let server = OriginServer::plain(Answer::with("Cache-Control: max-age=1\r\n", &jwks(&[&key])));
    let door = Door::open(builder().cool_down(Duration::from_secs(1)).jwks_url(pid(34), server.url(), None)).await;
    server.answer(Answer::keys(&jwks(&[])));
    // The origin's own max-age shortens the hour.
    door.until(|status| status.keys == 0).await;
    assert_eq!(door.reason(&key.token()).await, "unknown_key");
}

#[tokio::test]
async fn an_answer_that_has_not_changed_is_asked_for_by_its_etag_and_changes_nothing() {
    let (key, other) = (Key::new(34, "34:1"), Key::new(34, "34:2"));
    let tagged = Answer::with("ETag: \"one\"\r\nCache-Control: max-age=1\r\n", &jwks(&[&key]));
    let server = OriginServer::plain(tagged);
    let door = Door::open(builder().cool_down(Duration::from_secs(1)).jwks_url(pid(34), server.url(), None)).await;
    assert!(!server.last_request().contains("if-none-match"));
    let generation = door.status().generation;
    door.until(|_| server.requests() >= 3).await;
    assert!(server.last_request().contains("if-none-match: \"one\""));
    assert_eq!((door.status().generation, door.status().last_error), (generation, None));
    // And a changed one is taken, whatever was asked for.
    server.answer(Answer::with("ETag: \"two\"\r\n", &jwks(&[&key, &other])));
    door.until(|status| status.keys == 2).await;
}

#[tokio::test]
async fn a_changed_file_is_in_force_at_the_next_token_and_without_any_within_a_second_or_two() {
    let (old, new, newest) = (Key::new(34, "34:1"), Key::new(34, "34:2"), Key::new(34, "34:3"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    fs::write(&path, jwks(&[&old])).unwrap();
    let door = Door::open(builder().jwks_file(pid(34), &path)).await;
    fs::write(&path, jwks(&[&new])).unwrap();
    assert_eq!(door.reason(&new.token()).await, "accepted");
    assert_eq!(door.reason(&old.token()).await, "unknown_key");
    let generation = door.status().generation;
    fs::write(&path, jwks(&[&newest, &new])).unwrap();
    door.until(|status| status.generation > generation).await;
    assert_eq!(door.status().keys, 2);
}

#[tokio::test]
async fn the_same_keys_again_are_no_new_set_and_what_was_verified_stays_remembered() {
    let key = Key::new(34, "34:1");
    let server = OriginServer::plain(Answer::with("Cache-Control: max-age=1\r\n", &jwks(&[&key])));
    let door = Door::open(builder().cool_down(Duration::from_secs(1)).jwks_url(pid(34), server.url(), None)).await;
    let (token, generation) = (key.token(), door.status().generation);
    assert_eq!(door.reason(&token).await, "accepted");
    door.until(|_| server.requests() >= 3).await;
    assert_eq!(door.status().generation, generation);
    assert_eq!(door.reason(&token).await, "accepted");
    assert_eq!(door.verifier.current().cached(), (1, 1));
}

#[tokio::test]
async fn a_symbolic_link_that_is_swapped_is_a_changed_file() {
    let (old, new) = (Key::new(34, "34:1"), Key::new(34, "34:2"));
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for (name, key) in [("v1", &old), ("v2", &new)] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("jwks.json"), jwks(&[key])).unwrap();
    }
    symlink("v1", path("data")).unwrap();
    let door = Door::open(builder().jwks_file(pid(34), path("data").join("jwks.json"))).await;
    symlink("v2", path("next")).unwrap();
    fs::rename(path("next"), path("data")).unwrap();
    assert_eq!(door.reason(&new.token()).await, "accepted");
}

#[tokio::test]
async fn another_policy_is_in_force_at_once_and_never_with_other_keys() {
    let key = Key::new(34, "34:1");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    fs::write(&path, jwks(&[&key])).unwrap();
    let door = Door::open(builder().jwks_file(pid(34), &path)).await;
    assert_eq!(door.reason(&key.token()).await, "accepted");
    let only_inspectors = |keys| {
        let allowed = Allowed::class("ins".parse().unwrap());
        Verifier::builder(keys).allow(allowed).holder_of_key(HolderOfKey::IfPresent).build().unwrap()
    };
    door.verifier.replace(only_inspectors(door.source.keys())).unwrap();
    assert_eq!(door.reason(&key.token()).await, "not_allowed");
    let others = std::sync::Arc::new(CurrentKeys::possibly_empty(KeySet::new()));
    assert!(door.verifier.replace(only_inspectors(others)).is_err());
}
