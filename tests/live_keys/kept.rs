//! The last good set on disk: a start without the registry, files that are torn or changed, memory of the newest serial, and
//! a disk that takes no more.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bob_auth::key_source::{Alarm, KeySourceBuilder, MetadataKeeping};
use bob_auth::protocol::metadata::SignedSet;
use bob_auth::value::SystemClock;
use tempfile::TempDir;

use super::issuer::{Authority, Key, now};
use super::origin::{Answer, OriginServer, nobody};
use super::{Door, builder};

/// A registry, and a place to keep its set.
struct Place {
    directory: TempDir,
    authority: Authority,
    server: OriginServer,
}

impl Place {
    fn new() -> Self {
        let server = OriginServer::tls(Answer::Nothing);
        Self { directory: tempfile::tempdir().unwrap(), authority: Authority::new(), server }
    }

    fn offer(&self, set: &str) {
        self.server.answer(Answer::keys(set));
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("metadata.jws")
    }

    fn backup(&self) -> PathBuf {
        self.directory.path().join("metadata.jws.backup")
    }

    fn keeping(&self) -> MetadataKeeping {
        MetadataKeeping { file: Some(self.file()), ..MetadataKeeping::default() }
    }

    fn builder(&self) -> KeySourceBuilder {
        let (url, ca) = (self.server.url(), self.server.ca.clone());
        let builder = builder().refresh_every(Duration::from_secs(1)).cool_down(Duration::from_secs(1));
        builder.metadata_url(url, ca, self.authority.anchors(), self.keeping())
    }

    /// Without a registry.
    fn offline(&self) -> KeySourceBuilder {
        builder().metadata_url(nobody(), None, self.authority.anchors(), self.keeping())
    }

    /// Starts with each of these sets once, the registry being well.
    async fn after(sets: &[&dyn Fn(&Authority) -> String]) -> Self {
        let place = Self::new();
        for set in sets {
            place.offer(&set(&place.authority));
            Door::open(place.builder()).await;
        }
        place
    }
}

async fn refusal(builder: KeySourceBuilder) -> String {
    builder.build(Arc::new(SystemClock), 7).await.unwrap_err().to_string()
}

fn files(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[tokio::test]
async fn a_start_needs_no_registry_if_a_good_set_is_on_disk_and_otherwise_it_does() {
    let key = Key::new(1, "1:a");
    let place = Place::after(&[&|authority| authority.set(7, &[&key])]).await;
    assert!(refusal(Place::new().offline()).await.contains("no connection"));
    let door = Door::open(place.offline()).await;
    assert_eq!(door.reason(&key.token()).await, "accepted");
    let status = door.status();
    assert_eq!((status.keys, status.last_success, status.metadata.map(|set| set.serial)), (1, None, Some(7)));
    assert!(status.last_error.unwrap().contains("no connection"));
    assert_eq!(files(place.directory.path()), 1, "one set was ever seen, and nothing else is left");
}

#[tokio::test]
async fn a_registry_that_never_answers_holds_up_no_start_with_a_good_set() {
    let (key, new) = (Key::new(1, "1:a"), Key::new(1, "1:b"));
    let place = Place::after(&[&|authority| authority.set(7, &[&key])]).await;
    place.server.answer(Answer::Late(Duration::from_secs(2), place.authority.set(8, &[&new])));
    let door = Door::open(place.builder().wait_at_most(Duration::from_millis(100))).await;
    assert_eq!(door.reason(&key.token()).await, "accepted");
    door.until(|status| status.metadata.as_ref().is_some_and(|set| set.serial == 8)).await;
    assert_eq!(door.reason(&new.token()).await, "accepted");
}

#[tokio::test]
async fn a_torn_file_is_refused_and_the_one_before_it_is_used_and_survives() {
    let (old, new) = (Key::new(1, "1:a"), Key::new(1, "1:b"));
    let place = Place::after(&[&|a| a.set(7, &[&old]), &|a| a.set(8, &[&new])]).await;
    let whole = fs::read(place.file()).unwrap();
    for torn in [&whole[..whole.len() / 2], b"", b"\0\0\0\0"] {
        fs::write(place.file(), torn).unwrap();
        let door = Door::open(place.offline()).await;
        assert_eq!((door.reason(&old.token()).await, door.reason(&new.token()).await), ("accepted", "unknown_key"));
    }
    fs::remove_file(place.file()).unwrap();
    assert_eq!(Door::open(place.offline()).await.reason(&old.token()).await, "accepted");
    // When the registry is back the file is made whole, and the backup was not given up for the torn one.
    fs::write(place.file(), &whole[..9]).unwrap();
    place.offer(&place.authority.set(8, &[&new]));
    let door = Door::open(place.builder()).await;
    assert_eq!(door.reason(&new.token()).await, "accepted");
    assert_ne!(fs::read(place.file()).unwrap(), &whole[..9]);
    assert_eq!(fs::read_to_string(place.backup()).unwrap().len(), place.authority.set(7, &[&old]).len());
    assert_eq!(Door::open(place.offline()).await.reason(&new.token()).await, "accepted");
}

#[tokio::test]
async fn an_older_set_that_somebody_put_back_is_an_alarm_and_the_newer_backup_is_used() {
    let (stolen, good) = (Key::new(1, "1:a"), Key::new(1, "1:b"));
    let place = Place::after(&[&|a| a.set(7, &[&stolen]), &|a| a.set(8, &[&good]), &|a| a.set(9, &[&good])]).await;
    fs::write(place.file(), place.authority.set(7, &[&stolen])).unwrap();
    let door = Door::open(place.offline()).await;
    assert_eq!((door.reason(&good.token()).await, door.reason(&stolen.token()).await), ("accepted", "unknown_key"));
    let status = door.status();
    assert_eq!((status.metadata.unwrap().serial, status.set.rollbacks), (8, 1));
    assert_eq!(status.set.alarms, [Alarm::Rollback]);
    // The registry puts it right, and the old one does not become the backup.
    place.offer(&place.authority.set(9, &[&good]));
    let door = Door::open(place.builder()).await;
    assert!(door.status().set.alarms.is_empty(), "{:?}", door.status());
    let backup = fs::read(place.backup()).unwrap();
    assert_eq!(SignedSet::verify(&backup, &place.authority.anchors(), now()).unwrap().header().serial, 8);
}

#[tokio::test]
async fn nothing_on_disk_is_believed_that_no_anchor_signed() {
    let (key, lies) = (Key::new(1, "1:a"), Key::new(1, "1:z"));
    let place = Place::after(&[&|authority| authority.set(7, &[&key])]).await;
    let forged = Authority::new().set(99, &[&lies]);
    fs::write(place.file(), &forged).unwrap();
    assert!(refusal(place.offline()).await.contains("no connection"));
    fs::write(place.backup(), &forged).unwrap();
    assert!(refusal(place.offline()).await.contains("no connection"));
    // Its serial counts for nothing either.
    let door = Door::open(place.builder()).await;
    assert_eq!((door.reason(&key.token()).await, door.reason(&lies.token()).await), ("accepted", "unknown_key"));
}

#[tokio::test]
async fn an_older_set_is_refused_also_after_a_restart_and_after_the_newer_one_has_ended() {
    let (stolen, good) = (Key::new(1, "1:a"), Key::new(1, "1:b"));
    let place = Place::after(&[&|authority| authority.set(8, &[&good])]).await;
    for older in [place.authority.set(7, &[&stolen]), place.authority.set(8, &[&stolen])] {
        place.offer(&older);
        let door = Door::open(place.builder()).await;
        assert_eq!((door.reason(&good.token()).await, door.reason(&stolen.token()).await), ("accepted", "unknown_key"));
        assert_eq!(door.status().set.alarms, [Alarm::Rollback]);
    }
    let ends_soon = |authority: &Authority| authority.set_until(now().plus_seconds(3), 9, &[&good]);
    let place = Place::after(&[&ends_soon]).await;
    tokio::time::sleep(Duration::from_millis(4500)).await;
    place.offer(&place.authority.set(8, &[&stolen]));
    assert!(refusal(place.builder()).await.contains("an old set was handed over"));
    place.offer(&place.authority.set(10, &[&good]));
    assert_eq!(Door::open(place.builder()).await.reason(&good.token()).await, "accepted");
}

#[tokio::test]
async fn a_set_on_disk_that_has_ended_starts_nothing_unless_by_grace() {
    let key = Key::new(1, "1:a");
    let place = Place::after(&[&|authority| authority.set_until(now().plus_seconds(3), 7, &[&key])]).await;
    tokio::time::sleep(Duration::from_millis(4500)).await;
    assert!(refusal(place.offline()).await.contains("no connection"));
    // Allowed to start, it opens no door.
    let door = Door::open(place.offline().allow_unreachable_start(true)).await;
    assert_eq!(door.reason(&key.token()).await, "key_set_expired");
    let graceful = MetadataKeeping { grace: Duration::from_mins(10), ..place.keeping() };
    let door = Door::open(builder().metadata_url(nobody(), None, place.authority.anchors(), graceful)).await;
    assert_eq!(door.reason(&key.token()).await, "accepted");
    assert_eq!(door.status().set.alarms, [Alarm::Age]);
}

#[tokio::test]
async fn a_set_that_cannot_be_written_is_in_force_and_written_as_soon_as_it_can_be() {
    let key = Key::new(1, "1:a");
    let place = Place::new();
    // Something else is in its place.
    fs::create_dir_all(place.file().join("in the way")).unwrap();
    place.server.answer(Answer::with("ETag: \"a\"\r\n", &place.authority.set(7, &[&key])));
    let door = Door::open(place.builder()).await;
    assert_eq!(door.reason(&key.token()).await, "accepted");
    door.until(|status| status.set.write_failures >= 2).await;
    let status = door.status();
    assert_eq!(status.last_error, None, "the keys are well");
    assert!(status.set.write_error.unwrap().contains("metadata.jws"));
    assert_eq!(files(place.directory.path()), 1, "no half written file is left");
    fs::remove_dir_all(place.file()).unwrap();
    door.until(|status| status.set.write_error.is_none()).await;
    assert!(server_says_not_modified(&place), "it was written from memory");
    drop(door);
    assert_eq!(Door::open(place.offline()).await.reason(&key.token()).await, "accepted");
}

fn server_says_not_modified(place: &Place) -> bool {
    place.server.last_request().contains("if-none-match: \"a\"")
}

#[tokio::test]
async fn who_only_looks_reads_the_file_and_leaves_it_as_it_is() {
    let (key, new) = (Key::new(1, "1:a"), Key::new(1, "1:b"));
    let place = Place::after(&[&|authority| authority.set(7, &[&key])]).await;
    let before = fs::read(place.file()).unwrap();
    place.offer(&place.authority.set(8, &[&new]));
    let looks = MetadataKeeping { read_only: true, ..place.keeping() };
    let (url, ca) = (place.server.url(), place.server.ca.clone());
    let door = Door::open(builder().metadata_url(url, ca, place.authority.anchors(), looks.clone())).await;
    assert_eq!(door.reason(&new.token()).await, "accepted");
    let offline = builder().metadata_url(nobody(), None, place.authority.anchors(), looks);
    assert_eq!(Door::open(offline).await.reason(&key.token()).await, "accepted");
    assert_eq!(fs::read(place.file()).unwrap(), before);
    assert_eq!(files(place.directory.path()), 1);
}

#[tokio::test]
async fn the_file_is_written_when_the_set_changes_and_not_at_every_reading() {
    let (key, new) = (Key::new(1, "1:a"), Key::new(1, "1:b"));
    let place = Place::new();
    let set = place.authority.set(7, &[&key]);
    place.offer(&set);
    let door = Door::open(place.builder()).await;
    door.until(|_| place.file().exists()).await;
    let written = || fs::metadata(place.file()).unwrap().modified().unwrap();
    let first = written();
    let asked = place.server.requests();
    door.until(|_| place.server.requests() >= asked + 2).await;
    assert_eq!(written(), first);
    place.offer(&place.authority.set(8, &[&new]));
    door.until(|_| place.backup().exists()).await;
    assert_eq!(fs::read_to_string(place.backup()).unwrap(), set);
}
