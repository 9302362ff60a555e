//! The register as a part of the store: what no caller can make it do, and what stays.

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::*;
use crate::protocol::registry::operation::{KeyList, Place};
use crate::store::register::{Kind, MetadataKey, ProofMark, RegisterChange, RegisterFault, UsedKid};
use crate::store::{Access, AuditResult, AuditRow, StoreError};

fn used(kid: &str, thumbprint: &str) -> UsedKid {
    UsedKid {
        pid: pid(34),
        list: KeyList::Authtoken,
        kid: kid.parse().unwrap(),
        thumbprint: thumbprint.into(),
        added: at(1_000),
        removed: None,
    }
}

fn row() -> AuditRow {
    AuditRow::new(at(1_000), "tester", "test", AuditResult::Done)
}

fn metadata_key(kid: &str, thumbprint: &str) -> MetadataKey {
    MetadataKey {
        pid: pid(34),
        kid: kid.parse().unwrap(),
        thumbprint: thumbprint.into(),
        jwk: "{}".into(),
        added: at(0),
        revoked: None,
    }
}

fn fault<T: std::fmt::Debug>(result: crate::store::Result<T>) -> RegisterFault {
    match result.unwrap_err() {
        StoreError::Register(fault) => fault,
        other => panic!("{other:?}"),
    }
}

async fn registered() -> (TempDir, Store) {
    let (directory, store) = empty().await;
    store.add_registered(pid(34), "Östgötatrafiken", &change()).await.unwrap();
    (directory, store)
}

async fn raw(change: &mut RegisterChange, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(&mut *change.tx).await.map(drop)
}

#[tokio::test]
async fn a_kid_stays_what_it_was_whoever_writes_to_the_file() {
    let (_directory, store) = registered().await;
    let mut change = store.change_register().await.unwrap();
    change.use_kid(&used("a", "one")).await.unwrap();
    assert!(change.use_kid(&used("a", "two")).await.is_err());
    for sql in [
        "DELETE FROM register_kid",
        "UPDATE register_kid SET thumbprint = 'two'",
        "UPDATE register_kid SET kid = 'b'",
        "UPDATE register_kid SET list = 'mtb'",
        "UPDATE register_kid SET pid = 35",
    ] {
        assert!(raw(&mut change, sql).await.is_err(), "{sql}");
    }
    raw(&mut change, "UPDATE register_kid SET removed = 5").await.unwrap();
    assert!(raw(&mut change, "UPDATE register_kid SET removed = NULL").await.is_err());
    let kept = change.used_kid(pid(34), KeyList::Authtoken, &"a".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((kept.thumbprint.as_str(), kept.removed), ("one", Some(at(5))));
}

#[tokio::test]
async fn a_change_that_is_dropped_never_was() {
    let (_directory, store) = registered().await;
    let place = Place::DomainName(pid(34));
    let before = store.register_state().await.unwrap();
    let mut change = store.change_register().await.unwrap();
    change.put_entry(&place, "\"example.se\"", at(1)).await.unwrap();
    assert_eq!(change.new_endpoint_id().await.unwrap(), 1);
    drop(change);
    assert_eq!(store.register_entry(&place).await.unwrap(), None);
    assert_eq!(store.register_state().await.unwrap(), before);
    let mut change = store.change_register().await.unwrap();
    assert_eq!(change.new_endpoint_id().await.unwrap(), 1);
}

#[tokio::test]
async fn a_committed_change_is_there_after_opening_again_without_closing() {
    let (_directory, store) = registered().await;
    let place = Place::Key(pid(34), KeyList::Mtb, "34:1".parse().unwrap());
    let mut change = store.change_register().await.unwrap();
    change.put_entry(&place, "{}", at(1)).await.unwrap();
    change.commit(row()).await.unwrap();
    let other = Store::open(store.path(), Access::ReadWrite).await.unwrap();
    assert_eq!(other.register_entry(&place).await.unwrap().as_deref(), Some("{}"));
    assert_eq!(other.register_state().await.unwrap().revision, 2);
    let entries = other.register_list(pid(34), Kind::Mtb).await.unwrap().unwrap();
    assert_eq!((entries.len(), entries[0].kid.as_str()), (1, "34:1"));
    assert_eq!(other.register_list(pid(41), Kind::Mtb).await.unwrap(), None);
    // The token service of the same store has nothing to load anew.
    assert_eq!(other.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn what_belongs_to_nobody_stops_the_set_instead_of_emptying_it() {
    let (_directory, store) = registered().await;
    store.add_registered(pid(41), "Länstrafiken", &change()).await.unwrap();
    let mut change = store.change_register().await.unwrap();
    for number in [34, 41] {
        change.put_entry(&Place::Info(pid(number)), "{}", at(1)).await.unwrap();
    }
    change.commit(row()).await.unwrap();
    assert_eq!(store.set_source().await.unwrap().participants.len(), 2);
    let mut change = store.change_register().await.unwrap();
    raw(&mut change, "UPDATE register_participant SET removed = 5 WHERE pid = 34").await.unwrap();
    change.commit(row()).await.unwrap();
    let refusal = store.set_source().await.unwrap_err();
    assert!(matches!(refusal, StoreError::Corrupt(_)), "{refusal}");
}

#[tokio::test]
async fn a_list_is_no_place_for_a_single_thing() {
    let (_directory, store) = registered().await;
    for place in [Place::WholeSet, Place::Participant(pid(34)), Place::Endpoints(pid(34))] {
        assert!(matches!(store.register_entry(&place).await, Err(StoreError::Invalid { .. })), "{place}");
    }
}

#[tokio::test]
async fn a_used_proof_is_remembered_as_long_as_it_could_count() {
    let (_directory, store) = registered().await;
    let proof = ProofMark { sha256: [7; 32], until: at(10_000) };
    let mut change = store.change_register().await.unwrap();
    assert!(change.use_proof(&proof, at(9_700)).await.unwrap());
    change.commit_unchanged().await.unwrap();
    for now in [9_999, 10_300, 13_599] {
        let mut change = store.change_register().await.unwrap();
        assert!(!change.use_proof(&proof, at(now)).await.unwrap(), "{now}");
    }
    // A clock that ran ahead forgets it, and when it is right again the proof counts no more.
    let later = ProofMark { sha256: [8; 32], until: at(20_000) };
    let mut change = store.change_register().await.unwrap();
    assert!(change.use_proof(&later, at(13_601)).await.unwrap());
    change.commit_unchanged().await.unwrap();
    let mut change = store.change_register().await.unwrap();
    assert!(!change.use_proof(&proof, at(9_800)).await.unwrap());
    let fresh = ProofMark { sha256: [9; 32], until: at(10_001) };
    assert!(change.use_proof(&fresh, at(9_800)).await.unwrap());
}

#[tokio::test]
async fn a_metadata_key_is_taken_once_by_whatever_name_also_after_its_revocation() {
    let (_directory, store) = registered().await;
    let revoked = |key: MetadataKey| key.revoked.is_some();
    store.add_metadata_key(&metadata_key("a", "one"), &change()).await.unwrap();
    let refusal = fault(store.add_metadata_key(&metadata_key("a", "two"), &change()).await);
    assert!(matches!(refusal, RegisterFault::MetadataKid { .. }), "{refusal}");
    assert!(revoked(store.revoke_metadata_key(pid(34), &"a".parse().unwrap(), &change()).await.unwrap()));
    let refusal = fault(store.add_metadata_key(&metadata_key("b", "one"), &change()).await);
    assert!(matches!(refusal, RegisterFault::MetadataKeyKnown { .. }), "{refusal}");
    let refusal = fault(store.revoke_metadata_key(pid(34), &"a".parse().unwrap(), &change()).await);
    assert!(matches!(refusal, RegisterFault::NoMetadataKey { .. }), "{refusal}");
    let nobody = MetadataKey { pid: pid(41), ..metadata_key("a", "one") };
    let refusal = fault(store.add_metadata_key(&nobody, &change()).await);
    assert_eq!(refusal, RegisterFault::NotRegistered(pid(41)));
}

#[tokio::test]
async fn a_participant_that_comes_back_has_its_old_keys_revoked() {
    let (_directory, store) = registered().await;
    store.add_metadata_key(&metadata_key("a", "one"), &change()).await.unwrap();
    assert_eq!(fault(store.add_registered(pid(34), "x", &change()).await), RegisterFault::Registered(pid(34)));
    store.remove_registered(pid(34), &change()).await.unwrap();
    assert_eq!(fault(store.remove_registered(pid(34), &change()).await), RegisterFault::NotRegistered(pid(34)));
    assert_eq!(fault(store.rename_registered(pid(34), "x", &change()).await), RegisterFault::NotRegistered(pid(34)));
    store.add_registered(pid(34), "Back", &change()).await.unwrap();
    let keys = store.metadata_keys(Some(pid(34))).await.unwrap();
    assert!(keys.iter().all(|key| key.revoked.is_some()) && keys.len() == 1);
    let all = store.registered().await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].removed), ("Back", None));
}

#[tokio::test]
async fn a_name_is_something_that_can_be_shown() {
    let (_directory, store) = empty().await;
    for name in ["", "a\nb", &"x".repeat(201)] {
        let refused = store.add_registered(pid(34), name, &change()).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field: "name", .. })), "{name:?}");
    }
}

#[tokio::test]
async fn a_store_of_the_schema_before_gets_its_register_when_it_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.sqlite");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    for sql in [
        include_str!("../../../migrations/sqlite/0001_initial.sql"),
        include_str!("../../../migrations/sqlite/0002_key_life.sql"),
        "PRAGMA application_id = 0x626f6241; PRAGMA user_version = 2",
    ] {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
    sqlx::Connection::close(connection).await.unwrap();
    assert!(matches!(Store::open(&path, Access::Look).await, Err(StoreError::OlderSchema { found: 2, .. })));
    let store = Store::open(&path, Access::ReadWrite).await.unwrap();
    store.add_registered(pid(34), "Östgötatrafiken", &change()).await.unwrap();
}
