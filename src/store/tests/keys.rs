//! The life of a key between generated and retired, and who leads.

use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::*;
use crate::store::{Access, AuditFilter, Conflict, KeyNews, StoreError};
use crate::value::{Kid, SteadyTime};

fn steady(millis: i64) -> SteadyTime {
    SteadyTime { clock: "boot".into(), millis }
}

fn kid(text: &str) -> Kid {
    text.parse().unwrap()
}

fn is_taken(result: &Result<AuthtokenKey, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict(Conflict::StepTaken { .. })))
}

/// A store as the first schema made it, with an active key and a retiring one.
async fn of_schema_1(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    for sql in [
        "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x626f6241; PRAGMA user_version = 1",
        include_str!("../../../migrations/sqlite/0001_initial.sql"),
        "INSERT INTO participant (pid, name, created) VALUES (74, 'a', 1);
         INSERT INTO authtoken_key VALUES (74, '74:1', 'ES256', 'retiring', '{}', 'a', 1, 2, 3, NULL, 99);
         INSERT INTO authtoken_key VALUES (74, '74:2', 'ES256', 'active', '{}', 'b', 2, 3, NULL, NULL, NULL);",
    ] {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
    sqlx::Connection::close(connection).await.unwrap();
}

#[tokio::test]
async fn a_store_of_the_first_schema_keeps_its_keys_and_learns_the_new_states() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.sqlite");
    of_schema_1(&path).await;
    let look = Store::open(&path, Access::Look).await;
    assert!(matches!(look, Err(StoreError::OlderSchema { found: 1, .. })), "{look:?}");

    let store = Store::open(&path, Access::ReadWrite).await.unwrap();
    let keys = store.keys(None).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.state).collect::<Vec<_>>(), [KeyState::Retiring, KeyState::Active]);
    assert_eq!((keys[0].retiring_since, keys[0].not_after), (Some(at(3)), Some(at(99))));
    assert!(keys.iter().all(|key| key.life == KeyLife::default()));

    store.add_key(&key(74, "74:3"), &change()).await.unwrap();
    let at_once = (&steady(0), &change());
    let published = store.note_key(pid(74), &kid("74:3"), KeyNews::Published { before: None }, at_once).await.unwrap();
    assert_eq!(published.state, KeyState::Published);
    store.retire_key(pid(74), &kid("74:1"), &change()).await.unwrap();
    store.activate_key(pid(74), &kid("74:3"), &by_hand(), &change()).await.unwrap();
    store.close().await;
    let again = Store::open(&path, Access::Look).await.unwrap();
    assert_eq!(again.keys(None).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_key_goes_through_its_whole_life_and_every_step_is_in_the_audit_trail_once() {
    let (_directory, store) = peopled().await;
    let (old, new) = (kid("74:1"), kid("74:2"));
    store.add_key(&key(74, "74:1"), &change()).await.unwrap();
    store.activate_key(pid(74), &old, &by_hand(), &change()).await.unwrap();
    store.add_successor(&key(74, "74:2"), &change()).await.unwrap();
    let when = change();
    let note = async |kid: &Kid, news| store.note_key(pid(74), kid, news, (&steady(1_000), &when)).await;

    let unheard = KeyNews::Published { before: None };
    assert_eq!(note(&new, unheard).await.unwrap().life.published, Some(at(1_000)));
    assert!(is_taken(&note(&new, unheard).await));
    let seen = note(&new, KeyNews::Seen { serial: 7 }).await.unwrap();
    assert_eq!((seen.state, seen.life.seen_serial), (KeyState::Seen, Some(7)));
    let again = note(&new, KeyNews::Seen { serial: 8 }).await;
    assert!(matches!(again, Err(StoreError::Conflict(Conflict::KeyState { state: KeyState::Seen, .. }))), "{again:?}");

    let activation = Activation { from: &[KeyState::Seen], last_exp: at(5_000), steady: Some(steady(2_000)) };
    assert_eq!(store.activate_key(pid(74), &new, &activation, &change()).await.unwrap().state, KeyState::Active);
    let twice = store.activate_key(pid(74), &new, &activation, &change()).await;
    assert!(matches!(twice, Err(StoreError::Conflict(Conflict::KeyState { .. }))), "{twice:?}");
    let retiring = store.key(pid(74), &old).await.unwrap();
    assert_eq!((retiring.state, retiring.life.last_exp), (KeyState::Retiring, Some(at(5_000))));
    assert_eq!(retiring.life.waited.until(&steady(5_500)), Duration::from_millis(3_500));

    note(&old, KeyNews::Withdrawn).await.unwrap();
    assert!(is_taken(&note(&old, KeyNews::Withdrawn).await));
    store.retire_key(pid(74), &old, &change()).await.unwrap();
    let lines = store.audit(&AuditFilter::default(), None, 7).await.unwrap().items;
    let actions: Vec<_> = lines.iter().rev().map(|line| line.row.action.as_ref()).collect();
    let whole = ["key.activate", "key.add", "key.publish", "key.seen", "key.activate", "key.withdraw", "key.retire"];
    assert_eq!(actions, whole);
}

#[tokio::test]
async fn one_key_on_its_way_is_enough_unless_it_is_refused_or_distrusted() {
    let (_directory, store) = peopled().await;
    let one = kid("74:1");
    store.add_successor(&key(74, "74:1"), &change()).await.unwrap();
    let second = store.add_successor(&key(74, "74:2"), &change()).await;
    assert!(matches!(second, Err(StoreError::Conflict(Conflict::SuccessorExists { .. }))), "{second:?}");
    store.note_key(pid(74), &one, KeyNews::Refused, (&steady(0), &change())).await.unwrap();
    store.add_successor(&key(74, "74:2"), &change()).await.unwrap();
    store.note_key(pid(74), &kid("74:2"), KeyNews::Distrusted, (&steady(0), &change())).await.unwrap();
    store.add_successor(&key(74, "74:3"), &change()).await.unwrap();
}

#[tokio::test]
async fn a_key_that_others_may_know_never_comes_to_sign() {
    let (_directory, store) = peopled().await;
    store.add_key(&key(74, "74:1"), &change()).await.unwrap();
    let distrusted = store.note_key(pid(74), &kid("74:1"), KeyNews::Distrusted, (&steady(0), &change())).await.unwrap();
    assert!(!distrusted.may_be_told());
    let refused = store.activate_key(pid(74), &kid("74:1"), &by_hand(), &change()).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::Distrusted(_)))), "{refused:?}");
}

#[tokio::test]
async fn of_two_who_take_one_step_at_once_one_takes_it() {
    let (_directory, one) = peopled().await;
    let two = Store::open(one.path(), Access::ReadWrite).await.unwrap();
    for round in 0..10 {
        let name = format!("74:{round}");
        let (a, b) = (key(74, &name), key(74, &format!("74:other{round}")));
        let (when, steady) = (change(), steady(0));
        let made = tokio::join!(one.add_successor(&a, &when), two.add_successor(&b, &when));
        assert!(made.0.is_ok() != made.1.is_ok(), "{made:?}");
        let kid = made.0.or(made.1).unwrap().kid;
        let news = KeyNews::Published { before: None };
        let noted = tokio::join!(
            one.note_key(pid(74), &kid, news, (&steady, &when)),
            two.note_key(pid(74), &kid, news, (&steady, &when))
        );
        assert!(noted.0.is_ok() != noted.1.is_ok(), "{noted:?}");
        one.retire_key(pid(74), &kid, &when).await.unwrap();
    }
}

#[tokio::test]
async fn a_wait_is_measured_by_one_clock_and_never_made_up() {
    let (_directory, store) = peopled().await;
    store.add_key(&key(74, "74:1"), &change()).await.unwrap();
    let one = kid("74:1");
    store.note_key(pid(74), &one, KeyNews::Published { before: None }, (&steady(1_000), &change())).await.unwrap();
    let revision = store.revision().await.unwrap();
    let waited = async || store.key(pid(74), &one).await.unwrap().life.waited;
    store.measure_keys(pid(74), &steady(4_000)).await.unwrap();
    assert_eq!(waited().await.measured, Duration::from_secs(3));
    store.measure_keys(pid(74), &steady(3_000)).await.unwrap();
    assert_eq!(waited().await.until(&steady(5_000)), Duration::from_secs(4), "an earlier reading takes nothing away");
    let restarted = |millis| SteadyTime { clock: "another boot".into(), millis };
    assert_eq!(waited().await.until(&restarted(900_000)), Duration::from_secs(3));
    store.measure_keys(pid(74), &restarted(50)).await.unwrap();
    store.measure_keys(pid(74), &restarted(2_050)).await.unwrap();
    assert_eq!(waited().await.measured, Duration::from_secs(5));
    assert_eq!(store.revision().await.unwrap(), revision, "it is no change that anybody follows");
}

#[tokio::test]
async fn the_last_token_of_an_active_key_is_only_ever_later() {
    let (_directory, store) = peopled().await;
    store.add_key(&key(74, "74:1"), &change()).await.unwrap();
    store.activate_key(pid(74), &kid("74:1"), &by_hand(), &change()).await.unwrap();
    for last in [4_000, 6_000, 5_000] {
        store.raise_last_exp(pid(74), at(last)).await.unwrap();
    }
    assert_eq!(store.key(pid(74), &kid("74:1")).await.unwrap().life.last_exp, Some(at(6_000)));
}

#[tokio::test]
async fn one_leads_until_it_stops_or_its_lease_runs_out() {
    let (_directory, one) = peopled().await;
    let two = Store::open(one.path(), Access::ReadWrite).await.unwrap();
    let span = Duration::from_secs(10);
    assert!(one.take_lease("rotation", "a", &steady(0), span).await.unwrap());
    assert!(!two.take_lease("rotation", "b", &steady(9_000), span).await.unwrap());
    assert!(one.take_lease("rotation", "a", &steady(9_000), span).await.unwrap(), "kept");
    let held = two.lease("rotation", &steady(12_000)).await.unwrap().unwrap();
    assert_eq!((held.holder.as_str(), held.rest), ("a", Duration::from_secs(7)));
    assert!(two.take_lease("rotation", "b", &steady(19_000), span).await.unwrap(), "it ran out");
    two.give_lease("rotation", "a").await.unwrap();
    assert!(!one.take_lease("rotation", "a", &steady(19_001), span).await.unwrap(), "only the holder gives it up");
    two.give_lease("rotation", "b").await.unwrap();
    assert_eq!(one.lease("rotation", &steady(19_001)).await.unwrap(), None);
    assert!(one.take_lease("rotation", "a", &steady(19_001), span).await.unwrap());
    let after_a_boot = SteadyTime { clock: "another boot".into(), millis: 5 };
    assert!(two.take_lease("rotation", "b", &after_a_boot, span).await.unwrap());
}
