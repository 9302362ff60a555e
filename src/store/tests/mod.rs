//! Tests of the store as its users see it, on files in temporary directories.

mod audit;
mod directory;
mod files;
mod keys;
mod register;
mod rules;

use tempfile::TempDir;

use crate::value::{EntityId, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

use super::{
    Activation, AuthtokenKey, Certificate, CertificateState, Change, Entity, EntityState, KeyLife, KeyState, Owner,
    Participant, Store,
};

pub(super) fn pid(number: i64) -> Pid {
    Pid::new(number).unwrap()
}

pub(super) fn id(text: &str) -> EntityId {
    text.parse().unwrap()
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(super) fn change() -> Change {
    Change { at: at(1_000), actor: "cli:tester".into() }
}

pub(super) fn participant(number: i64) -> Participant {
    Participant {
        pid: pid(number),
        name: format!("Participant {number}"),
        hosts: vec![],
        base_path: None,
        created: at(0),
    }
}

pub(super) fn entity(number: i64, name: &str) -> Entity {
    Entity {
        pid: pid(number),
        id: id(name),
        class: "val".parse().unwrap(),
        lifetime: None,
        email: None,
        external_id: None,
        state: EntityState::Active,
        created: at(0),
        changed: at(0),
    }
}

/// A certificate whose fingerprints are made of a number, each in its own way.
pub(super) fn certificate(number: i64, owner: Owner, seed: u64) -> Certificate {
    let mut sha1 = [0; 20];
    let mut sha256 = [0; 32];
    let mut state = seed + 1;
    for byte in sha1.iter_mut().chain(&mut sha256) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 56) as u8;
    }
    Certificate {
        pid: pid(number),
        owner,
        sha1: Sha1Fingerprint::from_bytes(sha1),
        sha256: Sha256Fingerprint::from_bytes(sha256),
        serial: seed.to_string(),
        subject: format!("CN=device {seed}"),
        not_before: at(0),
        not_after: at(2_000_000_000),
        key: "EC P-256".into(),
        der: vec![0x30; 400],
        state: CertificateState::Active,
        enrolled: at(0),
        changed: at(0),
    }
}

pub(super) fn own(name: &str) -> Owner {
    Owner::Entity(id(name))
}

pub(super) fn key(number: i64, kid: &str) -> AuthtokenKey {
    AuthtokenKey {
        pid: pid(number),
        kid: kid.parse().unwrap(),
        alg: "ES256".into(),
        state: KeyState::Pending,
        public_jwk: "{}".into(),
        file: format!("{kid}.pem"),
        created: at(0),
        activated: None,
        retiring_since: None,
        retired: None,
        not_after: None,
        life: KeyLife::default(),
    }
}

/// An activation by hand.
pub(super) fn by_hand() -> Activation<'static> {
    Activation::by_hand(at(9_000))
}

/// A new store in a directory that lives as long as the first value.
pub(super) async fn empty() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::create(directory.path().join("bob-auth.sqlite")).await.unwrap();
    (directory, store)
}

/// A store with participant 74 and its entities `a` and `b`.
pub(super) async fn peopled() -> (TempDir, Store) {
    let (directory, store) = empty().await;
    store.add_participant(&participant(74), &change()).await.unwrap();
    for name in ["a", "b"] {
        store.add_entity(&entity(74, name), &change()).await.unwrap();
    }
    (directory, store)
}
