//! The metadata set behind a registry's URL: how it is asked for, how often, and what is told when it is held back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bob_auth::flow::verify::{Allowed, Verifier};
use bob_auth::key_source::{Alarm, KeySourceBuilder, MetadataKeeping, OriginKind};
use bob_auth::protocol::metadata::SetTerms;
use bob_auth::protocol::presented::Presented;
use bob_auth::value::{Clock, SystemClock, Timestamp};

use super::issuer::{Authority, Key, now, pid, presented, terms};
use super::origin::{Answer, OriginServer};
use super::{Door, builder};

const SECOND: Duration = Duration::from_secs(1);

fn over(server: &OriginServer, authority: &Authority, builder: KeySourceBuilder) -> KeySourceBuilder {
    builder.metadata_url(server.url(), server.ca.clone(), authority.anchors(), MetadataKeeping::default())
}

/// As often as a test wants it.
fn eager() -> KeySourceBuilder {
    builder().refresh_every(SECOND).cool_down(SECOND)
}

fn updating(headers: &str) -> Answer {
    let head = format!("HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n{headers}Connection: close\r\n\r\n");
    Answer::Raw(head.into_bytes())
}

#[tokio::test]
async fn the_keys_of_every_participant_come_over_tls_and_a_new_one_counts_at_its_first_token() {
    let (one, two, new) = (Key::new(1, "1:a"), Key::new(2, "2:a"), Key::new(2, "2:b"));
    let authority = Authority::new();
    let server = OriginServer::tls(Answer::keys(&authority.set(7, &[&one, &two])));
    let door = Door::open(over(&server, &authority, builder())).await;
    for key in [&one, &two] {
        assert_eq!(door.reason(&key.token()).await, "accepted");
    }
    assert_eq!(server.requests(), 1);
    server.answer(Answer::keys(&authority.set(8, &[&one, &new])));
    assert_eq!(door.reason(&new.token()).await, "accepted");
    assert_eq!(door.reason(&two.token()).await, "unknown_key");
    let status = door.status();
    assert_eq!((status.kind, status.keys, &status.issuers[..]), (OriginKind::MetadataUrl, 2, &[pid(1), pid(2)][..]));
    assert_eq!(status.metadata.unwrap().serial, 8);
    assert!(now().seconds_since(status.set.since.unwrap()) < 60 && status.set.alarms.is_empty());
}

#[tokio::test]
async fn a_set_that_has_not_changed_is_not_sent_again() {
    let (key, authority) = (Key::new(1, "1:a"), Authority::new());
    let server = OriginServer::tls(Answer::with("ETag: \"seven\"\r\n", &authority.set(7, &[&key])));
    let door = Door::open(over(&server, &authority, eager())).await;
    assert!(server.last_request().contains("accept: application/jose+json"));
    let generation = door.status().generation;
    door.until(|_| server.requests() >= 3).await;
    assert!(server.last_request().contains("if-none-match: \"seven\""));
    assert_eq!((door.status().generation, door.status().last_error), (generation, None));
}

#[tokio::test]
async fn a_registry_that_folds_updates_in_is_asked_again_and_not_for_ever() {
    let (key, authority) = (Key::new(1, "1:a"), Authority::new());
    let busy = || updating("Retry-After: 0\r\n");
    let set = Answer::keys(&authority.set(7, &[&key])).after(busy()).after(busy());
    let server = OriginServer::plain(set);
    let door = Door::open(over(&server, &authority, builder())).await;
    assert_eq!((door.reason(&key.token()).await, server.requests()), ("accepted", 3));
    assert_eq!((door.status().failures, door.status().last_error), (0, None));

    let server = OriginServer::plain(busy());
    let error = over(&server, &authority, builder()).build(Arc::new(SystemClock), 7).await.unwrap_err();
    assert!(error.to_string().contains("status 409"), "{error}");
    assert_eq!(server.requests(), 4);
    // Only a registry has this excuse.
    let server = OriginServer::plain(busy());
    let jwks = builder().jwks_url(pid(1), server.url(), None).build(Arc::new(SystemClock), 7).await;
    assert!(jwks.is_err() && server.requests() == 1);
}

#[tokio::test]
async fn max_age_and_the_interval_that_was_signed_shorten_the_hour() {
    let (key, authority) = (Key::new(1, "1:a"), Authority::new());
    let every = SetTerms { interval: Some(Duration::from_secs(3)), ..terms(7) };
    for answer in [
        Answer::with("Cache-Control: max-age=1\r\n", &authority.set(7, &[&key])),
        Answer::keys(&authority.set_on(&every, &[&key])),
    ] {
        let server = OriginServer::plain(answer);
        let door = Door::open(over(&server, &authority, builder().cool_down(SECOND))).await;
        door.until(|_| server.requests() >= 3).await;
    }
    // And not below the rest that was set.
    let server = OriginServer::plain(Answer::keys(&authority.set_on(&every, &[&key])));
    let door = Door::open(over(&server, &authority, builder())).await;
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(server.requests(), 1);
    drop(door);
}

#[tokio::test]
async fn a_set_is_asked_for_again_before_it_ends_whatever_was_set() {
    let (key, authority) = (Key::new(1, "1:a"), Authority::new());
    // Neither interval nor max-age, and an hour between two fetches.
    let first = Answer::keys(&authority.set_until(now().plus_seconds(6), 7, &[&key]));
    let server = OriginServer::plain(Answer::keys(&authority.set(8, &[&key])).after(first));
    let door = Door::open(over(&server, &authority, builder().cool_down(SECOND))).await;
    assert_eq!(door.status().metadata.unwrap().serial, 7);
    door.until(|status| status.metadata.as_ref().is_some_and(|set| set.serial == 8)).await;
    assert_eq!((door.status().failures, server.requests()), (0, 2), "in time, and not in haste");
}

#[tokio::test]
async fn an_older_set_raises_an_alarm_that_ends_when_the_right_one_is_offered_again() {
    let (key, stolen, authority) = (Key::new(1, "1:b"), Key::new(1, "1:a"), Authority::new());
    let server = OriginServer::plain(Answer::keys(&authority.set(7, &[&key])));
    let door = Door::open(over(&server, &authority, eager())).await;
    for set in [authority.set(6, &[&stolen]), authority.set(7, &[&stolen])] {
        let before = door.status().set.rollbacks;
        server.answer(Answer::keys(&set));
        door.until(|status| status.set.rollbacks >= before + 2).await;
        let status = door.status();
        assert_eq!(status.set.alarms, [Alarm::Rollback]);
        assert!(now().seconds_since(status.set.last_rollback.unwrap()) < 60);
        assert_eq!(door.reason(&key.token()).await, "accepted");
        assert_eq!(door.reason(&stolen.token()).await, "unknown_key");
    }
    server.answer(Answer::Nothing);
    let failures = door.status().failures;
    door.until(|status| status.failures > failures).await;
    assert_eq!(door.status().set.alarms, [Alarm::Rollback], "silence is no excuse");
    server.answer(Answer::keys(&authority.set(8, &[&key])));
    door.until(|status| status.set.alarms.is_empty()).await;
    assert!(door.status().set.rollbacks >= 4);
}

#[tokio::test]
async fn a_registry_that_is_frozen_is_told_from_one_that_is_down() {
    let (key, authority) = (Key::new(1, "1:a"), Authority::new());
    let every = |serial| SetTerms { interval: Some(SECOND), ..terms(serial) };
    let server = OriginServer::plain(Answer::with("ETag: \"a\"\r\n", &authority.set_on(&every(7), &[&key])));
    let door = Door::open(over(&server, &authority, eager())).await;
    assert!(door.status().set.alarms.is_empty());
    door.until(|status| status.set.alarms == [Alarm::Freeze]).await;
    assert_eq!((door.reason(&key.token()).await, door.status().last_error), ("accepted", None));
    server.answer(Answer::Nothing);
    door.until(|status| status.set.alarms == [Alarm::Age]).await;
    // A later copy of the same set is news enough.
    let later = SetTerms { not_valid_after: now().plus_seconds(7200), ..every(7) };
    server.answer(Answer::keys(&authority.set_on(&later, &[&key])));
    door.until(|status| status.set.alarms.is_empty()).await;
}

/// A clock that a test sets.
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn after_its_end_a_set_is_used_for_as_long_as_was_allowed_and_no_longer() {
    let (key, authority) = (Key::new(1, "1:a"), Authority::new());
    for grace in [0, 600] {
        let end = now().plus_seconds(1000);
        let set = authority.set_until(end, 7, &[&key]);
        let server = OriginServer::plain(Answer::with("ETag: \"a\"\r\n", &set));
        let keeping = MetadataKeeping { grace: Duration::from_secs(grace), ..MetadataKeeping::default() };
        let clock = Arc::new(SetClock(AtomicI64::new(now().as_seconds())));
        let source = eager().metadata_url(server.url(), None, authority.anchors(), keeping);
        let source = source.build(clock.clone(), 7).await.unwrap();
        let verifier = Verifier::builder(source.keys()).allow(Allowed::ANYONE).cache(None).build().unwrap();
        let runs = tokio::spawn(source.clone().run());
        let token = key.token();
        let verify = |at| verifier.verify(&token, Some(Presented::of_fingerprint(presented())), at);
        let last = end.plus_seconds(i64::try_from(grace).unwrap());
        assert!(verify(last).is_ok());
        assert_eq!(verify(last.plus_seconds(1)).unwrap_err().reason(), "key_set_expired");
        let status = &source.status()[0];
        assert_eq!(status.set.usable_until, Some(last));
        assert_eq!(status.metadata.as_ref().unwrap().not_valid_after, end, "what was signed is told as it is");

        clock.0.store(last.plus_seconds(1).as_seconds(), Ordering::Relaxed);
        let ended = || source.status()[0].set.alarms.contains(&Alarm::End);
        for _ in 0..400 {
            if ended() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert!(ended(), "{:?}", source.status());
        assert!(source.status()[0].last_error.as_ref().unwrap().contains("every token is refused"));
        // A set that is fetched gets no grace: a registry that is well signs anew.
        let restarted = eager().metadata_url(
            server.url(),
            None,
            authority.anchors(),
            MetadataKeeping { grace: Duration::from_hours(1), ..MetadataKeeping::default() },
        );
        let error = restarted.build(clock, 7).await.unwrap_err().to_string();
        assert!(error.contains("ended at"), "{error}");
        runs.abort();
    }
}
