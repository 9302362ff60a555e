//! Key ids that nobody has: they must not make a verifier fetch, wait or forget more than it can afford.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::issuer::{Key, jwks, pid};
use super::origin::{Answer, OriginServer, nobody};
use super::{Door, builder};

/// Verifies a token of this issuer with each of so many invented key ids, all at once; gives the reasons.
async fn flood(door: &Arc<Door>, issuer: i64, count: usize) -> Vec<&'static str> {
    let forger = Key::new(issuer, "invented");
    let token = forger.token();
    let mut requests = JoinSet::new();
    for number in 0..count {
        let (door, token) = (door.clone(), with_kid(&token, &format!("invented-{number}")));
        requests.spawn(async move { door.reason(&token).await });
    }
    requests.join_all().await
}

/// The token with another key id: its signature is none any more, which is found out only with a key.
fn with_kid(token: &str, kid: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#)))
}

#[tokio::test]
async fn two_hundred_requests_with_unknown_keys_are_one_fetch() {
    let key = Key::new(34, "34:1");
    let server = OriginServer::plain(Answer::keys(&jwks(&[&key])));
    let door = Arc::new(Door::open(builder().jwks_url(pid(34), server.url(), None)).await);
    let before = server.requests();
    let reasons = flood(&door, 34, 200).await;
    assert!(reasons.iter().all(|reason| *reason == "unknown_key") && reasons.len() == 200);
    assert_eq!(server.requests() - before, 1);
    assert_eq!(door.reason(&key.token()).await, "accepted", "nothing that was known is forgotten");
}

#[tokio::test]
async fn two_hundred_requests_with_the_new_key_are_one_fetch_and_all_accepted() {
    let (old, new) = (Key::new(34, "34:1"), Key::new(34, "34:2"));
    let server = OriginServer::plain(Answer::keys(&jwks(&[&old])));
    let door = Arc::new(Door::open(builder().jwks_url(pid(34), server.url(), None)).await);
    server.answer(Answer::Late(Duration::from_millis(200), jwks(&[&old, &new])));
    let mut requests = JoinSet::new();
    for _ in 0..200 {
        let (door, token) = (door.clone(), new.token());
        requests.spawn(async move { door.reason(&token).await });
    }
    assert!(requests.join_all().await.iter().all(|reason| *reason == "accepted"));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_flood_of_invented_keys_fetches_once_in_a_cool_down() {
    let server = OriginServer::plain(Answer::keys(&jwks(&[&Key::new(34, "34:1")])));
    let cool_down = Duration::from_millis(400);
    let door = Door::open(builder().cool_down(cool_down).jwks_url(pid(34), server.url(), None)).await;
    let door = Arc::new(door);
    let (before, began) = (server.requests(), Instant::now());
    let mut floods = 0;
    while began.elapsed() < Duration::from_secs(2) {
        flood(&door, 34, 50).await;
        floods += 1;
    }
    let fetches = server.requests() - before;
    let most = 1 + usize::try_from(began.elapsed().as_millis() / cool_down.as_millis()).unwrap();
    assert!((2..=most).contains(&fetches), "{fetches} fetches for {floods} floods, at most {most}");
}

#[tokio::test]
async fn the_cool_down_holds_also_when_the_fetch_fails() {
    let server = OriginServer::plain(Answer::keys(&jwks(&[&Key::new(34, "34:1")])));
    let door = Arc::new(Door::open(builder().jwks_url(pid(34), server.url(), None)).await);
    server.answer(Answer::Nothing);
    let before = server.requests();
    for _ in 0..5 {
        flood(&door, 34, 20).await;
    }
    assert_eq!(server.requests() - before, 1);
}

#[tokio::test]
async fn the_cool_down_holds_also_when_there_is_no_key_at_all() {
    let server = OriginServer::plain(Answer::status("503 Service Unavailable"));
    let source = builder().jwks_url(pid(34), server.url(), None).allow_unreachable_start(true);
    let door = Arc::new(Door::open(source).await);
    let before = server.requests();
    for _ in 0..5 {
        let reasons = flood(&door, 34, 20).await;
        assert!(reasons.iter().all(|reason| *reason == "unknown_key"), "the issuer is known, its keys are not");
    }
    assert_eq!(server.requests() - before, 1);
}

#[tokio::test]
async fn an_unknown_issuer_makes_nobody_fetch() {
    let server = OriginServer::plain(Answer::keys(&jwks(&[&Key::new(34, "34:1")])));
    let door = Arc::new(Door::open(builder().jwks_url(pid(34), server.url(), None)).await);
    let before = server.requests();
    let reasons = flood(&door, 35, 50).await;
    assert!(reasons.iter().all(|reason| *reason == "unknown_issuer"));
    assert_eq!(server.requests(), before);
}

#[tokio::test]
async fn invented_keys_of_one_issuer_do_not_hold_up_a_new_key_of_another() {
    let (ours, new) = (Key::new(34, "34:1"), Key::new(35, "35:2"));
    let victim = OriginServer::plain(Answer::keys(&jwks(&[&ours])));
    let other = OriginServer::plain(Answer::keys(&jwks(&[&Key::new(35, "35:1")])));
    let source = builder().jwks_url(pid(34), victim.url(), None).jwks_url(pid(35), other.url(), None);
    let door = Arc::new(Door::open(source).await);
    flood(&door, 34, 50).await;
    other.answer(Answer::keys(&jwks(&[&new])));
    assert_eq!(door.reason(&new.token()).await, "accepted");
}

#[tokio::test]
async fn a_slow_origin_holds_up_no_known_key_and_an_unknown_one_no_longer_than_was_set() {
    let key = Key::new(34, "34:1");
    let server = OriginServer::plain(Answer::keys(&jwks(&[&key])));
    let source = builder().wait_at_most(Duration::from_secs(10)).jwks_url(pid(34), server.url(), None);
    let door = Arc::new(Door::open(source).await);
    server.answer(Answer::Late(Duration::from_secs(30), jwks(&[&key])));
    let waits = tokio::spawn({
        let (door, token) = (door.clone(), Key::new(34, "34:2").token());
        async move {
            let began = Instant::now();
            (door.reason(&token).await, began.elapsed())
        }
    });
    door.until(|_| server.requests() >= 2).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let (token, began) = (key.token(), Instant::now());
        assert_eq!(door.reason(&token).await, "accepted");
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    let (reason, waited) = waits.await.unwrap();
    assert_eq!(reason, "unknown_key");
    assert!((9_900..25_000).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn nobody_waits_for_a_source_that_nobody_runs() {
    let source = builder().jwks_url(pid(34), nobody(), None).allow_unreachable_start(true);
    let door = Door::open(source).await;
    door.runs.abort();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    assert_eq!(door.reason(&Key::new(34, "34:1").token()).await, "unknown_key");
    assert!(began.elapsed() < Duration::from_millis(2_500));
}
