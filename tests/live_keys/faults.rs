//! Origins that fail while a verifier runs: the last good keys stay in force, and it is told.

use std::fs;
use std::time::Duration;

use super::issuer::{Key, jwks, pid};
use super::origin::{Answer, OriginServer};
use super::{Door, builder};

/// More than is read, in one piece or without saying how much.
fn oversize(head: &str, chunked: bool) -> Answer {
    let body = vec![b' '; (1 << 20) + 1];
    let body = if chunked {
        [format!("{:x}\r\n", body.len()).into_bytes(), body, b"\r\n0\r\n\r\n".to_vec()].concat()
    } else {
        body
    };
    Answer::Raw([format!("HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n").into_bytes(), body].concat())
}

#[tokio::test]
async fn whatever_a_server_answers_the_last_good_keys_stay_in_force_and_the_fault_is_told() {
    let (key, next) = (Key::new(34, "34:1"), Key::new(34, "34:2"));
    let good = jwks(&[&key]);
    let torn = Answer::Raw(format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{good}").into_bytes());
    let redirect =
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (answer, told) in [
        (Answer::Nothing, "connection broke off"),
        (torn, "connection broke off"),
        (Answer::status("404 Not Found"), "status 404"),
        (Answer::status("500 Internal Server Error"), "status 500"),
        (Answer::status("304 Not Modified"), "status 304"),
        (Answer::Raw(redirect.as_bytes().to_vec()), "redirect (302)"),
        (Answer::keys("<html>Welcome to our wireless network"), "the key set"),
        (Answer::keys(""), "the key set"),
        (Answer::keys(&good[..good.len() / 2]), "the key set"),
        (Answer::keys(r#"{"keys":[{"kty":"EC","kid":"34:1","d":"AA"}]}"#), "private half"),
        (Answer::keys(&jwks(&[&key, &Key::new(34, "34:1")])), "is there twice"),
        (oversize("Content-Length: 1048577\r\n", false), "larger than"),
        (oversize("Transfer-Encoding: chunked\r\n", true), "larger than"),
    ] {
        let server = OriginServer::plain(Answer::keys(&good));
        let cool_down = Duration::from_millis(10);
        let door = Door::open(builder().cool_down(cool_down).jwks_url(pid(34), server.url(), None)).await;
        server.answer(answer);
        assert_eq!(door.reason(&next.token()).await, "unknown_key");
        let error = door.status().last_error.unwrap();
        assert!(error.contains(told), "{error} does not say {told}");
        assert_eq!((door.reason(&key.token()).await, door.status().keys), ("accepted", 1), "{told}");
        // And when it is well again, so are we.
        tokio::time::sleep(cool_down * 3).await;
        server.answer(Answer::keys(&jwks(&[&key, &next])));
        assert_eq!(door.reason(&Key::new(34, "34:3").token()).await, "unknown_key");
        assert_eq!((door.reason(&next.token()).await, door.status().last_error), ("accepted", None), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_a_fault_like_others() {
    let key = Key::new(34, "34:1");
    let server = OriginServer::plain(Answer::keys(&jwks(&[&key])));
    let door = Door::open(builder().timeout(Duration::from_secs(2)).jwks_url(pid(34), server.url(), None)).await;
    server.answer(Answer::Late(Duration::from_secs(20), String::new()));
    assert_eq!(door.reason(&Key::new(34, "34:2").token()).await, "unknown_key");
    assert!(door.status().last_error.unwrap().contains("in time"));
    assert_eq!(door.reason(&key.token()).await, "accepted");
}

#[tokio::test]
async fn a_file_that_is_torn_false_or_gone_leaves_its_last_good_keys_in_force() {
    let (key, next) = (Key::new(34, "34:1"), Key::new(34, "34:2"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    let good = jwks(&[&key]);
    fs::write(&path, &good).unwrap();
    let door = Door::open(builder().jwks_file(pid(34), &path)).await;
    for bytes in [&good.as_bytes()[..good.len() / 2], b"", b"not JSON", &vec![b' '; (1 << 20) + 1][..]] {
        fs::write(&path, bytes).unwrap();
        door.until(|status| status.last_error.is_some()).await;
        assert_eq!(door.reason(&key.token()).await, "accepted");
        fs::write(&path, &good).unwrap();
        door.until(|status| status.last_error.is_none()).await;
    }
    fs::remove_file(&path).unwrap();
    door.until(|status| status.last_error.is_some()).await;
    let error = door.status().last_error.unwrap();
    assert!(error.contains(path.to_str().unwrap()), "{error}");
    assert_eq!(door.reason(&key.token()).await, "accepted");
    fs::write(&path, jwks(&[&next])).unwrap();
    door.until(|status| status.last_error.is_none()).await;
    assert_eq!(door.reason(&next.token()).await, "accepted");
    assert_eq!(door.reason(&key.token()).await, "unknown_key");
}

#[tokio::test]
async fn a_key_that_checks_no_tokens_is_left_out_and_counted() {
    let key = Key::new(34, "34:1");
    let encrypts = r#"{"kty":"OKP","crv":"X25519","x":"AA","kid":"34:e"}"#;
    let mixed = jwks(&[&key]).replacen('[', &format!("[{encrypts},"), 1);
    let server = OriginServer::plain(Answer::keys(&mixed));
    let door = Door::open(builder().jwks_url(pid(34), server.url(), None)).await;
    assert_eq!((door.status().keys, door.status().left_out), (1, 1));
    assert_eq!(door.reason(&key.token()).await, "accepted");
}
