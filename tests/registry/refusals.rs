//! Every other no: paths, methods, bodies, sizes and rates.

use std::collections::BTreeSet;
use std::io::Write as _;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::web::registry::REASONS;
use serde_json::{Value, json};

use crate::asker::{Participant, get_set, internal, metric, reason};
use crate::client::Client;
use crate::site::{Running, Site, new_key, public_jwk, until};

fn scene(toml: &str) -> (Site, Running, Participant) {
    let site = Site::configured(toml);
    let running = site.start();
    let participant = Participant::new(&site, &running, 34);
    (site, running, participant)
}

fn bare(running: &Running, method: &str, path: &str) -> crate::client::Answer {
    let length = if method == "GET" { "" } else { "Content-Length: 0\r\n" };
    Client::anonymous().ask(running.address(), &format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n"))
}

#[test]
fn what_is_no_place_is_nowhere_for_everybody() {
    let (_site, running, participant) = scene("");
    for path in [
        "/",
        "/api/v2",
        "/api/v2/",
        "/api/v1/participantMetadata",
        "/api/v2/participantMetadata/",
        "/api/v2/participantMetadata/034",
        "/api/v2/participantMetadata/-1",
        "/api/v2/participantMetadata/x",
        "/api/v2/participantMetadata/34/",
        "/api/v2/participantMetadata/34/domainname",
        "/api/v2/participantMetadata/34/domainName/",
        "/api/v2/participantMetadata/34/../34",
        "/api/v2//participantMetadata/34",
        "/api/v2/%70articipantMetadata/34",
        "/health/ready",
        "/metrics",
    ] {
        let answer = bare(&running, "GET", path);
        assert_eq!((answer.status, reason(&answer).as_str()), (404, "nothing_here"), "{path}");
    }
    let ask = participant.ask("GET", "/x", "");
    assert_eq!(participant.send(&ask).status, 404, "a proof makes no place");
}

#[test]
fn a_method_that_a_place_does_not_have_is_told_with_those_that_it_has() {
    let (_site, running, participant) = scene("");
    let base = "/api/v2/participantMetadata";
    for (path, allowed) in [
        ("", "GET, HEAD"),
        ("/34", "GET"),
        ("/34/domainName", "GET, PUT, DELETE"),
        ("/34/mtbPublicKey", "GET, POST"),
        ("/34/mtbPublicKey/x", "GET, PUT, DELETE"),
        ("/34/authtokenPublicKey", "GET, POST"),
        ("/34/interfaceEndpoint/1", "GET, PUT, DELETE"),
        ("/34/issuerSignatureConstraint", "GET, POST"),
        ("/34/participantInfo", "GET, PUT, DELETE"),
        // Also of somebody whom nobody knows.
        ("/99/participantInfo", "GET, PUT, DELETE"),
    ] {
        for method in ["PATCH", "OPTIONS", "get", "PROPFIND"] {
            let answer = bare(&running, method, &format!("{base}{path}"));
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
        }
    }
    let head = participant.ask("HEAD", "/domainName", "");
    assert_eq!(participant.send(&head).status, 405, "a proof is about the method that it names");
}

#[test]
fn a_body_that_does_not_read_is_400_in_words_and_changes_nothing() {
    let (_site, _running, participant) = scene("");
    let key = public_jwk(&new_key("34:1", Algorithm::Es256));
    let without = |member: &str| {
        let mut key = key.clone();
        key.as_object_mut().unwrap().remove(member);
        key.to_string()
    };
    let doubled = key.to_string().replacen('{', "{\"kid\":\"34:2\",", 1);
    for body in [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "\"34:1\"".to_owned(),
        "\u{feff}{}".to_owned(),
        format!("{key} {key}"),
        doubled,
        without("kid"),
        without("x"),
    ] {
        let answer = participant.must(400, "POST", "/authtokenPublicKey", &body);
        assert_eq!(reason(&answer), "malformed_body", "{body}");
    }
    let deep = "[".repeat(5000);
    assert_eq!(reason(&participant.must(400, "PUT", "/participantInfo", &deep)), "malformed_body");
    assert_eq!(participant.get("/authtokenPublicKey").json(), json!([]));
}

#[test]
fn what_reads_and_is_not_acceptable_is_422_with_the_reason_as_a_json_string() {
    let (_site, _running, participant) = scene("");
    let call = |member: &str, value: Value| {
        let mut call = json!({"version": 1, "type": "device", "uri": "https://api.example.se/"});
        call[member] = value;
        call.to_string()
    };
    let wrong_scope = {
        let mut key = public_jwk(&new_key("34:1", Algorithm::Es256));
        key["bob_sc"] = json!("everything");
        key.to_string()
    };
    for (method, below, body) in [
        ("PUT", "/domainName", "\"localhost\"".to_owned()),
        ("PUT", "/domainName", "\"10.0.0.1\"".to_owned()),
        ("POST", "/interfaceEndpoint", call("type", json!("teapot"))),
        ("POST", "/interfaceEndpoint", call("uri", json!("http://api.example.se/"))),
        ("POST", "/interfaceEndpoint", call("uri", json!("https://me@api.example.se/"))),
        ("POST", "/interfaceEndpoint", call("tlsa", json!({"usage": 3, "selector": 1, "type": 1, "data": "00"}))),
        ("POST", "/mtbPublicKey", wrong_scope),
        ("PUT", "/issuerSignatureConstraint/41", json!({"pid": 42, "signatureLifetime": "P3W"}).to_string()),
    ] {
        let answer = participant.must(422, method, below, &body);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.json().as_str().unwrap().len() > 10, "{body}: {}", answer.text());
    }
}

#[test]
fn weak_keys_keys_off_the_curve_and_keys_of_standards_are_refused() {
    let (_site, _running, participant) = scene("");
    let good = public_jwk(&new_key("34:1", Algorithm::Es256));
    let mut off_curve = good.clone();
    off_curve["y"] = good["x"].clone();
    let mut short = public_jwk(&new_key("34:1", Algorithm::Rs256));
    let n = short["n"].as_str().unwrap()[..171].to_owned();
    short["n"] = json!(n);
    let rfc7515 = json!({"kty": "EC", "crv": "P-256", "kid": "34:1",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let mut symmetric = good.clone();
    symmetric["kty"] = json!("oct");
    let mut private = good.clone();
    private["d"] = json!("AA");
    for key in [off_curve, short, rfc7515, symmetric, private] {
        let answer = participant.send(&participant.ask("POST", "/authtokenPublicKey", &key.to_string()));
        assert!(matches!(answer.status, 400 | 422), "{key}: {answer:?}");
    }
    assert_eq!(participant.get("/authtokenPublicKey").json(), json!([]));
}

#[test]
fn a_body_that_is_too_large_or_does_not_come_is_refused() {
    let (_site, running, participant) = scene("[registry_server]\nbody_bytes = '2KiB'\n[limits]\nheader_time = '2s'");
    let answer = participant.send(&participant.ask("PUT", "/participantInfo", &format!("\"{}\"", "a".repeat(3000))));
    assert_eq!((answer.status, reason(&answer).as_str()), (413, "body_too_large"));
    let ask = participant.ask("PUT", "/participantInfo", "{}");
    let text = ask.text(&participant.host).replace("Content-Length: 2", "Content-Length: 20");
    let mut connection = Client::anonymous().connect(running.address());
    connection.stream.write_all(text.as_bytes()).unwrap();
    let answer = connection.answer(false).unwrap();
    assert_eq!((answer.status, reason(&answer).as_str()), (400, "body_unread"));
}

#[test]
fn a_participant_that_asks_too_often_waits_and_others_do_not() {
    let (site, running, participant) =
        scene("[registry_server]\nrequests_per_participant = '1/h'\nburst_per_participant = 2");
    participant.get("");
    participant.get("");
    let answer = participant.send(&participant.ask("GET", "", ""));
    assert_eq!((answer.status, reason(&answer).as_str()), (429, "participant_rate"));
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() > 1000);
    assert!(answer.header("x-bob-response-pop").is_some());
    Participant::new(&site, &running, 41).get("");
    // Whoever proves nothing uses nothing of it up.
    let forty_one = Participant::new(&site, &running, 41);
    let stranger = forty_one.with_key(new_key("41:metadata_1", Algorithm::Es256));
    for _ in 0..5 {
        assert_eq!(stranger.send(&stranger.ask("GET", "", "")).status, 401);
    }
    forty_one.get("");
}

#[test]
fn a_source_that_asks_too_often_waits_whatever_it_asks() {
    let (_site, running, participant) = scene("[limits]\nrequests_per_source = '1/h'\nburst_per_source = 3");
    for _ in 0..3 {
        assert!(matches!(get_set(&running, &[]).status, 200 | 409));
    }
    for answer in [get_set(&running, &[]), participant.send(&participant.ask("GET", "", ""))] {
        assert_eq!((answer.status, reason(&answer).as_str()), (429, "source_rate"));
        assert!(answer.header("retry-after").is_some());
    }
}

#[test]
fn without_a_key_for_answers_nothing_is_done() {
    let site = Site::new();
    let participant = {
        let running = site.start();
        Participant::new(&site, &running, 34)
    };
    std::fs::rename(site.path("anchors"), site.path("lost")).unwrap();
    let running = site.start();
    let answer = participant.send(&participant.ask("PUT", "/domainName", "\"bob.example.se\""));
    assert_eq!((answer.status, reason(&answer).as_str()), (503, "no_answer_key"));
    assert_eq!(internal(&running, "/health/ready").status, 503);
    // The set that was built before is as good as it was.
    until("the set is served", || (get_set(&running, &[]).status == 200).then_some(()));
    std::fs::rename(site.path("lost"), site.path("anchors")).unwrap();
    running.signal(rustix::process::Signal::HUP);
    until("the key is found", || (internal(&running, "/health/ready").status == 200).then_some(()));
    participant.must(404, "GET", "/domainName", "");
}

#[test]
fn every_reason_that_the_metrics_name_is_documented() {
    let (_site, running, participant) = scene("");
    bare(&running, "GET", "/nowhere");
    bare(&running, "PATCH", "/api/v2/participantMetadata");
    participant.send(&participant.ask("PUT", "/domainName", "nonsense"));
    participant.send(&participant.ask("PUT", "/domainName", "\"localhost\""));
    participant.send(&participant.ask("GET", "/domainName", ""));
    let known: BTreeSet<&str> = REASONS.iter().map(|(reason, _)| *reason).collect();
    let text = internal(&running, "/metrics").text();
    let named: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("bob_auth_registry_refusals_total{reason=\"")?.split('"').next())
        .collect();
    assert_eq!(named.len(), 5, "{named:?}");
    assert!(named.iter().all(|reason| known.contains(reason)), "{named:?}");
    assert_eq!(metric(&running, "bob_auth_registry_refusals_total", ""), 5);
}
