//! What a source must have before anything is verified.

use std::fs;
use std::sync::Arc;

use bob_auth::flow::verify::{Allowed, Verifier};
use bob_auth::flow::verify_live::LiveVerifier;
use bob_auth::key_source::{CurrentKeys, KeySourceBuilder, OriginKind, read_files};
use bob_auth::protocol::presented::Presented;
use bob_auth::value::SystemClock;

use super::issuer::{Key, jwks, now, pid, presented};
use super::origin::{Answer, OriginServer, nobody};
use super::{Door, builder};

async fn refusal(builder: KeySourceBuilder) -> String {
    builder.build(Arc::new(SystemClock), 7).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_source_without_an_origin_or_without_any_key_does_not_start() {
    assert!(refusal(builder()).await.contains("name a file or a URL"));
    let server = OriginServer::plain(Answer::keys(&jwks(&[])));
    let empty = builder().jwks_url(pid(34), server.url(), None);
    assert!(refusal(empty.clone()).await.contains("no origin holds a key"));
    let allowed = refusal(empty.allow_unreachable_start(true)).await;
    assert!(allowed.contains("no origin holds a key"), "an empty set is not an unreachable one");
}

#[tokio::test]
async fn two_origins_for_one_issuer_are_an_error_before_anything_is_read() {
    let server = OriginServer::plain(Answer::keys(&jwks(&[&Key::new(34, "34:1")])));
    let twice = builder().jwks_url(pid(34), server.url(), None).jwks_file(pid(34), "/nowhere/jwks.json");
    assert!(refusal(twice).await.contains("participant 34 come from two sources"));
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn files_must_be_good_at_the_start_whatever_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    let source = builder().jwks_file(pid(34), &path).allow_unreachable_start(true);
    assert!(refusal(source.clone()).await.contains("jwks.json: cannot be read"));
    fs::write(&path, "{").unwrap();
    assert!(refusal(source).await.contains("jwks.json"));
}

#[tokio::test]
async fn a_url_that_is_down_at_the_start_says_what_to_do_and_if_allowed_its_keys_come_later() {
    let key = Key::new(34, "34:1");
    let down = refusal(builder().jwks_url(pid(34), nobody(), None)).await;
    assert!(down.contains("no connection") && down.contains("allow an unreachable start"), "{down}");
    let server = OriginServer::plain(Answer::Nothing);
    let source = builder().jwks_url(pid(34), server.url(), None).allow_unreachable_start(true);
    let door = Door::open(source).await;
    let status = door.status();
    assert_eq!((status.keys, status.generation, status.last_success), (0, 0, None));
    assert!(status.last_error.is_some() && status.issuers == [pid(34)]);
    server.answer(Answer::keys(&jwks(&[&key])));
    assert_eq!(door.reason(&key.token()).await, "accepted");
    let status = door.status();
    assert_eq!((status.keys, status.last_error, status.kind), (1, None, OriginKind::JwksUrl));
    assert!(now().seconds_since(status.last_success.unwrap()) < 60);
}

#[tokio::test]
async fn a_server_that_the_ca_does_not_vouch_for_gives_no_keys() {
    let key = Key::new(34, "34:1");
    let server = OriginServer::tls(Answer::keys(&jwks(&[&key])));
    let impostor = OriginServer::tls(Answer::keys(&jwks(&[&key])));
    for ca in [None, impostor.ca.clone()] {
        let error = refusal(builder().jwks_url(pid(34), server.url(), ca)).await;
        assert!(error.contains("certificate does not verify"), "{error}");
    }
    assert_eq!(server.requests(), 0);
    let right = builder().jwks_url(pid(34), server.url(), server.ca.clone());
    assert!(right.build(Arc::new(SystemClock), 7).await.is_ok());
}

#[tokio::test]
async fn the_query_of_a_url_is_used_and_shown_nowhere() {
    let server = OriginServer::plain(Answer::keys(&jwks(&[&Key::new(34, "34:1")])));
    let source = builder().jwks_url(pid(34), server.url() + "?code=hush", None);
    assert!(!format!("{source:?}").contains("hush"));
    let door = Door::open(source).await;
    assert!(server.last_request().starts_with("GET /jwks.json?code=hush HTTP/1.1\r\n"));
    assert_eq!(door.status().name, server.url());
    assert!(!format!("{:?}", door.source).contains("hush"));
    let down = refusal(builder().jwks_url(pid(34), nobody() + "?code=hush", None)).await;
    assert!(!down.contains("hush"), "{down}");
}

#[tokio::test]
async fn a_verifier_with_other_keys_is_not_taken() {
    let server = OriginServer::plain(Answer::keys(&jwks(&[&Key::new(34, "34:1")])));
    let build = || builder().jwks_url(pid(34), server.url(), None).build(Arc::new(SystemClock), 7);
    let (one, other) = (build().await.unwrap(), build().await.unwrap());
    let verifier = Verifier::builder(one.keys()).allow(Allowed::ANYONE).build().unwrap();
    assert!(LiveVerifier::new(verifier, other).unwrap_err().to_string().contains("another key set"));
}

#[tokio::test]
async fn a_verifier_with_fixed_keys_waits_for_nobody() {
    let key = Key::new(34, "34:1");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    fs::write(&path, jwks(&[&key])).unwrap();
    let keys = Arc::new(CurrentKeys::new(read_files([(pid(34), &path)]).unwrap()).unwrap());
    let verifier = LiveVerifier::fixed(Verifier::builder(keys).allow(Allowed::ANYONE).build().unwrap());
    let presented = Some(Presented::of_fingerprint(presented()));
    assert!(verifier.verify(&key.token(), presented, now()).await.is_ok());
    let unknown = verifier.verify(&Key::new(34, "34:2").token(), presented, now()).await;
    assert_eq!(unknown.unwrap_err().reason(), "unknown_key");
    assert!(verifier.source().is_none());
}

#[tokio::test]
async fn a_url_that_says_nothing_holds_no_start_up_that_does_not_want_to_wait() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", silent.local_addr().unwrap());
    let hour = std::time::Duration::from_hours(1);
    let source = builder().jwks_url(pid(34), url, None).allow_unreachable_start(true).timeout(hour);
    let source = source.wait_at_start(std::time::Duration::ZERO).build(Arc::new(SystemClock), 7);
    let source = tokio::time::timeout(hour / 60, source).await.expect("the start goes on").unwrap();
    let status = &source.status()[0];
    assert_eq!((status.keys, status.generation, status.last_success), (0, 0, None));
}
