//! The signed metadata set as an origin, alone and beside others.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bob_auth::key_source::{KeySourceBuilder, OriginKind};
use bob_auth::value::SystemClock;
use tempfile::TempDir;

use super::issuer::{Authority, Key, jwks, now, pid};
use super::{Door, builder};

/// A place for a set, with the first one in it.
struct Place {
    directory: TempDir,
    authority: Authority,
}

impl Place {
    fn new(keys: &[&Key]) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap(), authority: Authority::new() };
        place.put(&place.authority.set(7, keys));
        place
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("metadata.jws")
    }

    fn put(&self, set: &str) {
        fs::write(self.path(), set).unwrap();
    }

    fn builder(&self) -> KeySourceBuilder {
        builder().metadata_file(self.path(), self.authority.anchors())
    }
}

#[tokio::test]
async fn the_keys_of_every_participant_come_from_one_signed_set_and_a_newer_one_counts_at_once() {
    let (one, two, new) = (Key::new(1, "1:a"), Key::new(2, "2:a"), Key::new(2, "2:b"));
    let place = Place::new(&[&one, &two]);
    let door = Door::open(place.builder()).await;
    for key in [&one, &two] {
        assert_eq!(door.reason(&key.token()).await, "accepted");
    }
    assert_eq!(door.reason(&Key::new(3, "1:a").token()).await, "unknown_issuer");
    place.put(&place.authority.set(8, &[&one, &new]));
    assert_eq!(door.reason(&new.token()).await, "accepted");
    assert_eq!(door.reason(&two.token()).await, "unknown_key");
    let status = door.status();
    assert_eq!((status.kind, status.keys, &status.issuers[..]), (OriginKind::MetadataFile, 2, &[pid(1), pid(2)][..]));
    assert_eq!(status.metadata.unwrap().serial, 8);
}

#[tokio::test]
async fn an_old_set_a_changed_one_and_one_of_somebody_else_leave_the_good_one_in_force() {
    let (key, stolen) = (Key::new(1, "1:b"), Key::new(1, "1:a"));
    let place = Place::new(&[&key]);
    let door = Door::open(place.builder()).await;
    let good = place.authority.set(7, &[&key]);
    for (set, told) in [
        (place.authority.set(6, &[&stolen]), "an old set was handed over"),
        (place.authority.set(7, &[&stolen]), "another content"),
        (place.authority.set_until(now().plus_seconds(-1), 8, &[&stolen]), "ended at"),
        (Authority::new().set(8, &[&stolen]), "was changed, or the anchor"),
        (good[..good.len() - 9].to_owned(), "the metadata set"),
        (jwks(&[&stolen]), "no JWS"),
    ] {
        place.put(&set);
        door.until(|status| status.last_error.as_ref().is_some_and(|error| error.contains(told))).await;
        assert_eq!(door.reason(&key.token()).await, "accepted", "{told}");
        assert_eq!(door.reason(&stolen.token()).await, "unknown_key", "{told}");
    }
    place.put(&place.authority.set(7, &[&key]));
    door.until(|status| status.last_error.is_none()).await;
}

#[tokio::test]
async fn a_set_past_its_end_opens_no_door_and_that_is_told_before_a_token_comes() {
    let key = Key::new(1, "1:a");
    let place = Place::new(&[&key]);
    place.put(&place.authority.set_until(now().plus_seconds(4), 7, &[&key]));
    let door = Door::open(place.builder()).await;
    assert_eq!(door.reason(&key.token()).await, "accepted");
    door.until(|status| status.last_error.is_some()).await;
    assert!(door.status().last_error.unwrap().contains("every token is refused"));
    assert_eq!(door.reason(&key.token()).await, "key_set_expired");
    place.put(&place.authority.set(7, &[&key]));
    door.until(|status| status.last_error.is_none()).await;
    assert_eq!(door.reason(&key.token()).await, "accepted");
}

#[tokio::test]
async fn an_issuer_in_the_set_and_in_a_file_of_its_own_is_an_error_at_the_start() {
    let key = Key::new(1, "1:a");
    let place = Place::new(&[&key]);
    let own = place.directory.path().join("jwks.json");
    fs::write(&own, jwks(&[&key])).unwrap();
    let twice = place.builder().jwks_file(pid(1), own).build(Arc::new(SystemClock), 7).await.unwrap_err();
    assert!(twice.to_string().contains("another origin has the keys of participant 1"), "{twice}");
}

#[tokio::test]
async fn an_issuer_that_joins_the_set_later_keeps_its_own_file_and_the_rest_of_the_set_counts() {
    let (ours, joins, lies) = (Key::new(1, "1:a"), Key::new(9, "9:a"), Key::new(9, "9:a"));
    let place = Place::new(&[&ours]);
    let own = place.directory.path().join("jwks.json");
    fs::write(&own, jwks(&[&joins])).unwrap();
    let door = Door::open(place.builder().jwks_file(pid(9), &own)).await;
    let new = Key::new(1, "1:b");
    place.put(&place.authority.set(8, &[&new, &lies]));
    assert_eq!(door.reason(&new.token()).await, "accepted");
    assert_eq!(door.reason(&ours.token()).await, "unknown_key", "who was withdrawn is out");
    assert_eq!(door.reason(&joins.token()).await, "accepted");
    assert_eq!(door.reason(&lies.token()).await, "bad_signature");
    // It is still told when the file is looked at again, and it does not stand in the way of the other's changes.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let error = door.source.status()[0].last_error.clone().unwrap();
    assert!(error.contains("keys of participant 9"), "{error}");
    fs::write(&own, jwks(&[&lies])).unwrap();
    assert_eq!(door.reason(&Key::new(9, "9:z").token()).await, "unknown_key");
    assert_eq!(door.reason(&lies.token()).await, "accepted");
}
