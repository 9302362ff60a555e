//! The audit trail: what requests leave, what is lost and counted, what is read.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::store::{Access, AuditFilter, AuditResult, AuditRow, AuditSink, AuditWriter, Pace, Source};

const BOUND: Duration = Duration::from_secs(10);

fn issued(second: i64) -> AuditRow {
    let known = certificate(74, own("a"), 1);
    AuditRow {
        reason: None,
        pid: Some(pid(74)),
        entity_id: Some(id("a")),
        sha1: Some(known.sha1),
        sha256: Some(known.sha256),
        source: Some(Source::Address(IpAddr::from([192, 0, 2, 1]))),
        class: Some("val".parse().unwrap()),
        kid: Some("74:1".parse().unwrap()),
        token_sha256: Some([7; 32]),
        detail: Some("x".into()),
        ..AuditRow::new(at(second), "service", "token.issue", AuditResult::Issued)
    }
}

fn quick() -> Pace {
    let (delay, probe) = (Duration::from_millis(5), Duration::from_millis(50));
    Pace { delay, probe, ..Pace::default() }
}

async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(BOUND, wait).await.expect("it should have happened by now");
}

async fn count(store: &Store) -> usize {
    store.audit(&AuditFilter::default(), None, 100_000).await.unwrap().items.len()
}

#[tokio::test]
async fn rows_of_requests_are_kept_field_for_field() {
    let (_directory, store) = empty().await;
    let writer = AuditWriter::spawn(store.clone(), quick());
    let unix = AuditRow {
        reason: Some("certificate_unknown".into()),
        source: Some(Source::Unix),
        ..AuditRow::new(at(2), "service", "token.issue", AuditResult::Refused)
    };
    writer.sink().record(issued(1));
    writer.sink().record(unix.clone());
    assert_eq!(writer.close(BOUND).await, 0);
    let lines = store.audit(&AuditFilter::default(), None, 9).await.unwrap().items;
    assert_eq!(lines.iter().map(|line| &line.row).collect::<Vec<_>>(), [&unix, &issued(1)]);
}

#[tokio::test]
async fn many_rows_are_written_in_their_order() {
    let (_directory, store) = empty().await;
    let writer = AuditWriter::spawn(store.clone(), quick());
    let sink: AuditSink = writer.sink();
    for second in 0..2_500 {
        sink.record(issued(second));
    }
    assert_eq!(writer.close(BOUND).await, 0);
    assert_eq!((sink.written(), sink.waiting()), (2_500, 0));
    let lines = store.audit(&AuditFilter::default(), None, 3_000).await.unwrap().items;
    assert!(lines.iter().rev().map(|line| line.row.at.as_seconds()).eq(0..2_500));
    sink.record(issued(0));
    assert_eq!(sink.lost(), 1, "a row after the end is lost, and counted");
}

#[tokio::test]
async fn what_finds_the_queue_full_is_counted() {
    let (_directory, store) = empty().await;
    let writer = AuditWriter::spawn(store.clone(), Pace { queue: 10, ..quick() });
    let sink = writer.sink();
    // The writer does not run before this task waits for the first time.
    for second in 0..25 {
        sink.record(issued(second));
    }
    assert_eq!(sink.lost(), 15);
    writer.close(BOUND).await;
    assert_eq!((sink.written(), count(&store).await), (10, 10));
}

#[tokio::test]
async fn rows_wait_while_the_store_cannot_be_written_and_are_written_after_that() {
    let (_directory, store) = empty().await;
    let hidden = store.path().with_extension("hidden");
    store.close().await;
    std::fs::rename(store.path(), &hidden).unwrap();
    let writer = AuditWriter::spawn(store.clone(), quick());
    let sink = writer.sink();
    sink.record(issued(1));
    until(|| !sink.store_writable()).await;
    sink.record(issued(2));
    assert_eq!((sink.written(), sink.waiting(), sink.lost()), (0, 2, 0));
    std::fs::rename(&hidden, store.path()).unwrap();
    until(|| sink.store_writable() && sink.written() == 2).await;
    assert_eq!(writer.close(BOUND).await, 0);
    assert_eq!(count(&Store::open(store.path(), Access::ReadWrite).await.unwrap()).await, 2);
}

#[tokio::test]
async fn closing_gives_up_in_time_and_counts_what_was_not_written() {
    let (_directory, store) = empty().await;
    store.close().await;
    std::fs::remove_file(store.path()).unwrap();
    let writer = AuditWriter::spawn(store, quick());
    for second in 0..3 {
        writer.sink().record(issued(second));
    }
    assert_eq!(writer.close(Duration::from_millis(200)).await, 3);
}

#[tokio::test]
async fn an_idle_writer_notices_that_the_store_cannot_be_written() {
    let (_directory, store) = empty().await;
    let writer = AuditWriter::spawn(store.clone(), quick());
    let sink = writer.sink();
    let mut lock = store.begin().await.unwrap();
    sqlx::raw_sql("CREATE TRIGGER t BEFORE UPDATE ON heartbeat BEGIN SELECT RAISE(FAIL, 'no'); END")
        .execute(&mut *lock)
        .await
        .unwrap();
    lock.commit().await.unwrap();
    until(|| !sink.store_writable()).await;
    let mut lock = store.begin().await.unwrap();
    sqlx::raw_sql("DROP TRIGGER t").execute(&mut *lock).await.unwrap();
    lock.commit().await.unwrap();
    until(|| sink.store_writable()).await;
    writer.close(BOUND).await;
}

#[tokio::test]
async fn lines_are_listed_by_page_and_filter_and_pruned_by_age() {
    let (_directory, store) = empty().await;
    let writer = AuditWriter::spawn(store.clone(), quick());
    for second in 0..5_000 {
        writer.sink().record(issued(second));
    }
    let refused = AuditRow::new(at(5_000), "service", "token.issue", AuditResult::Refused);
    writer.sink().record(AuditRow { reason: Some("rate".into()), ..refused });
    writer.close(BOUND).await;
    let all = AuditFilter::default();
    let first = store.audit(&all, None, 2).await.unwrap();
    let second = store.audit(&all, first.next, 2).await.unwrap();
    let times: Vec<_> = first.items.iter().chain(&second.items).map(|line| line.row.at.as_seconds()).collect();
    assert_eq!(times, [5_000, 4_999, 4_998, 4_997]);
    let count = async |filter| store.audit(&filter, None, 9_999).await.unwrap().items.len();
    assert_eq!(count(AuditFilter { since: Some(at(10)), until: Some(at(20)), ..all.clone() }).await, 10);
    assert_eq!(count(AuditFilter { pid: Some(pid(75)), ..all.clone() }).await, 0);
    assert_eq!(count(AuditFilter { entity: Some(id("a")), ..all.clone() }).await, 5_000);
    assert_eq!(count(AuditFilter { action: Some("token.issue".into()), ..all.clone() }).await, 5_001);
    assert_eq!(count(AuditFilter { result: Some(AuditResult::Refused), ..all.clone() }).await, 1);
    assert_eq!(count(AuditFilter { reason: Some("rate".into()), ..all.clone() }).await, 1);
    assert_eq!(store.prune_audit(at(4_500)).await.unwrap(), 4_500);
    assert_eq!(count(all).await, 501);
}
