//! The store as a file: made, opened, refused, copied.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::*;
use crate::store::{Access, Directory, Enrolled, Fingerprint, StoreError};

async fn raw(path: &std::path::Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
}

#[tokio::test]
async fn a_new_store_is_for_its_owner_only_and_never_replaces_a_file() {
    let (directory, store) = peopled().await;
    for name in fs::read_dir(directory.path()).unwrap() {
        let mode = name.as_ref().unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name:?}");
    }
    let again = Store::create(store.path()).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    assert_eq!(store.participants().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_acknowledged_change_is_there_after_opening_again() {
    let (_directory, store) = peopled().await;
    let new = certificate(74, own("a"), 1);
    let Enrolled::New(enrolled) = store.enrol(&new, &change()).await.unwrap() else { panic!("it is new") };
    // Not closed: what counts is in the file and its log already.
    let other = Store::open(store.path(), Access::ReadWrite).await.unwrap();
    assert_eq!(other.certificate(&Fingerprint::Sha1(new.sha1)).await.unwrap(), enrolled);
    other.close().await;
    store.close().await;
    let third = Store::open(store.path(), Access::Service).await.unwrap();
    assert_eq!(third.certificate(&Fingerprint::Sha1(new.sha1)).await.unwrap(), enrolled);
}

#[tokio::test]
async fn two_openers_of_one_store_see_each_others_changes() {
    let (_directory, one) = peopled().await;
    let two = Store::open(one.path(), Access::Service).await.unwrap();
    assert!(!two.is_read_only());
    let before = two.revision().await.unwrap();
    one.add_entity(&entity(74, "c"), &change()).await.unwrap();
    assert_eq!(two.revision().await.unwrap(), before + 1);
    two.add_entity(&entity(74, "d"), &change()).await.unwrap();
    assert_eq!(one.revision().await.unwrap(), before + 2);
}

#[tokio::test]
async fn changes_from_two_openers_at_once_all_happen() {
    let (_directory, one) = peopled().await;
    let two = Store::open(one.path(), Access::ReadWrite).await.unwrap();
    let add = async |store: &Store, prefix: &str| {
        for number in 0..20 {
            store.add_entity(&entity(74, &format!("{prefix}{number}")), &change()).await.unwrap();
        }
    };
    tokio::join!(add(&one, "x"), add(&two, "y"));
    assert_eq!(one.revision().await.unwrap(), 43);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_directory, store) = empty().await;
    store.close().await;
    raw(store.path(), "PRAGMA user_version = 7").await;
    for access in [Access::ReadWrite, Access::Service] {
        let result = Store::open(store.path(), access).await;
        assert!(matches!(result, Err(StoreError::NewerSchema { found: 7, known: 3 })), "{result:?}");
    }
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other.sqlite");
    raw(&other, "CREATE TABLE t (x)").await;
    let text = directory.path().join("text");
    fs::write(&text, "certainly no database, but long enough to have a head of its own".repeat(40)).unwrap();
    let hollow = directory.path().join("hollow");
    fs::write(&hollow, "").unwrap();
    for path in [&other, &text, &hollow, &directory.path().to_path_buf()] {
        for access in [Access::ReadWrite, Access::Service] {
            let before = fs::read(path).ok();
            let result = Store::open(path, access).await;
            assert!(matches!(result, Err(StoreError::NotAStore(_))), "{}: {result:?}", path.display());
            assert_eq!(fs::read(path).ok(), before);
        }
    }
    let missing = Store::open(directory.path().join("missing"), Access::Service).await;
    assert!(matches!(missing, Err(StoreError::Missing(_))), "{missing:?}");
}

#[tokio::test]
async fn a_store_that_was_cut_short_is_damaged_and_no_other_file() {
    let (_directory, store) = peopled().await;
    store.close().await;
    let length = fs::metadata(store.path()).unwrap().len();
    for kept in [length / 2, 100] {
        fs::OpenOptions::new().write(true).open(store.path()).unwrap().set_len(kept).unwrap();
        let result = Store::open(store.path(), Access::Service).await;
        assert!(matches!(result, Err(StoreError::Corrupt(_))), "{kept}: {result:?}");
    }
}

#[tokio::test]
async fn a_read_only_store_serves_and_refuses_changes() {
    use crate::store::schema::Mode;
    let (_directory, store) = peopled().await;
    store.close().await;
    for mode in [Mode::ReadOnly, Mode::Immutable] {
        let read_only = Store::open_as(store.path(), mode).await.unwrap();
        assert!(read_only.is_read_only());
        assert_eq!(Directory::load(&read_only).await.unwrap().participants()[0].entity_count(), 2);
        let refused = read_only.add_entity(&entity(74, "c"), &change()).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
        read_only.close().await;
    }
}

#[tokio::test]
async fn a_store_in_a_read_only_directory_is_served_from() {
    let (directory, store) = peopled().await;
    store.close().await;
    fs::set_permissions(store.path(), fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(directory.path().join("probe"), "").is_ok() {
        // The superuser may write everywhere, so this shows nothing; the test above takes the same steps by name.
        return;
    }
    let served = Store::open(store.path(), Access::Service).await.unwrap();
    assert!(served.is_read_only());
    assert_eq!(Directory::load(&served).await.unwrap().participants()[0].entity_count(), 2);
    let refused = Store::open(store.path(), Access::ReadWrite).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly | StoreError::Forbidden)), "{refused:?}");

    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(directory.path().join("bob-auth.sqlite-wal"), "changes").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let unreadable = Store::open(store.path(), Access::Service).await;
    assert!(matches!(unreadable, Err(StoreError::UnreadableLog(_))), "{unreadable:?}");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_full_disk_is_named_and_costs_no_earlier_change() {
    let (_directory, store) = peopled().await;
    let mut tx = store.begin().await.unwrap();
    // SQLite reports its own limit as it reports a full disk.
    sqlx::raw_sql("PRAGMA max_page_count = 1").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let many: Vec<_> = (0..500)
        .map(|seed| (entity(74, &format!("x{seed}")), certificate(74, own(&format!("x{seed}")), seed)))
        .collect();
    let result = store.enrol_many(&many, &change()).await;
    assert!(matches!(result, Err(StoreError::Full)), "{result:?}");
    assert_eq!(store.revision().await.unwrap(), 3);
    assert_eq!(Directory::load(&store).await.unwrap().participants()[0].entity_count(), 2);
}

#[tokio::test]
async fn a_backup_is_a_store_of_its_own_and_private() {
    let (directory, store) = peopled().await;
    let to = directory.path().join("copy.sqlite");
    store.backup(&to).await.unwrap();
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(store.backup(&to).await, Err(StoreError::Exists(_))));
    store.add_entity(&entity(74, "later"), &change()).await.unwrap();
    let copy = Store::open(&to, Access::ReadWrite).await.unwrap();
    assert_eq!(copy.revision().await.unwrap(), 3);
    assert!(copy.entity(pid(74), &id("a")).await.is_ok());
}
