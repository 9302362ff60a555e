//! Several participants in one service: found by base path and host name, with keys, entities and certificates apart.

use crate::client::{Answer, Client, auth, curl, get};
use crate::jwt::{decode, verifies};
use crate::process::{Service, until};
use crate::site::{Site, example_file};

/// The usual site, and participant 74 with a gate of its own that has the name of one of 34's.
fn two_participants() -> Site {
    let site = Site::with_entities();
    site.run(&["participant", "add", "74", "--name", "Other", "--host", "auth.other.example", "--base-path", "/p/74"]);
    site.run(&["entity", "add", "validator37", "--class", "pos", "--pid", "74"]);
    site.run(&["cert", "enrol", "validator37", &example_file("impostors/same-name"), "--pid", "74"]);
    site
}

fn with_its_own_key() -> Site {
    let site = two_participants();
    site.run(&["key", "generate", "--kid", "74:one", "--pid", "74"]);
    site.run(&["key", "activate", "74:one", "--pid", "74"]);
    site
}

fn ask(service: &Service, certificate: &str, host: &str, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    Client::example(certificate).ask(service.token(), &request)
}

#[test]
fn a_participant_is_found_by_host_name_and_by_base_path() {
    let site = with_its_own_key();
    let service = Service::start(&site);
    let path = auth("validator37");
    let ways = [
        ("auth.other.example", path.clone()),
        ("auth.other.example:8443", path.clone()),
        ("AUTH.Other.Example", path.clone()),
        ("localhost", format!("/p/74{path}")),
        ("elsewhere.example", format!("/p/74{path}")),
    ];
    for (host, path) in ways {
        let payload = ask(&service, "impostors/same-name", host, &path).payload();
        assert_eq!((payload["iss"].as_str(), payload["bobAuthZ"].as_str()), (Some("74"), Some("pos")), "{host} {path}");
    }
    for host in ["localhost", "unknown.example", "127.0.0.1"] {
        let payload = ask(&service, "validator37", host, &path).payload();
        assert_eq!(payload["iss"], "34", "{host}");
    }
}

#[test]
fn over_http_2_the_authority_is_the_host_name() {
    let site = with_its_own_key();
    let service = Service::start(&site);
    let (certificate, key) = site.copy_of("impostors/same-name");
    let to = format!("auth.other.example:443:127.0.0.1:{}", service.token().port());
    let url = format!("https://auth.other.example{}", auth("validator37"));
    let answer = curl(&["--http2", "--connect-to", &to, "--cert", &certificate, "--key", &key, &url]);
    assert_eq!((answer.version.as_str(), answer.payload()["iss"].as_str()), ("HTTP/2", Some("74")));
}

#[test]
fn the_name_in_the_tls_handshake_chooses_no_participant() {
    let site = with_its_own_key();
    let service = Service::start(&site);
    let client = Client::example("validator37").naming("auth.other.example");
    assert_eq!(client.token(service.token(), "validator37").payload()["iss"], "34");
}

#[test]
fn a_certificate_of_one_participant_is_unknown_to_the_other() {
    let site = with_its_own_key();
    let service = Service::start(&site);
    let there = ask(&service, "validator37", "auth.other.example", &auth("validator37"));
    let by_path = ask(&service, "validator37", "localhost", "/p/74/api/v1/auth/validator37");
    let here = ask(&service, "impostors/same-name", "localhost", &auth("validator37"));
    for answer in [&there, &by_path, &here] {
        assert_eq!((answer.status, answer.problem().as_str()), (401, "certificate-not-accepted"));
    }
}

#[test]
fn each_participant_signs_with_its_own_key_and_publishes_no_other() {
    let site = with_its_own_key();
    site.configure("[listener.token]\njwks = true");
    let service = Service::start(&site);
    let ours = ask(&service, "validator37", "localhost", &auth("validator37")).compact();
    let theirs = ask(&service, "impostors/same-name", "auth.other.example", &auth("validator37")).compact();
    assert_eq!(decode(&theirs).0["kid"], "74:one");
    let our_keys = ask(&service, "validator37", "localhost", "/.well-known/jwks.json").json();
    for (host, path) in [("auth.other.example", "/.well-known/jwks.json"), ("localhost", "/p/74/.well-known/jwks.json")]
    {
        let their_keys = ask(&service, "validator37", host, path).json();
        assert_eq!(their_keys["keys"].as_array().unwrap().len(), 1);
        assert!(verifies(&theirs, &their_keys));
        assert_ne!(their_keys, our_keys);
    }
    assert!(verifies(&ours, &our_keys));
    assert!(our_keys["keys"].as_array().unwrap().iter().all(|key| key["kid"] != "74:one"));
}

#[test]
fn an_unknown_base_path_is_no_participant() {
    let site = with_its_own_key();
    let service = Service::start(&site);
    for path in [
        "/p/75/api/v1/auth/validator37",
        "/p/74//api/v1/auth/validator37",
        "/P/74/api/v1/auth/validator37",
        "/p%2f74/api/v1/auth/validator37",
    ] {
        let answer = ask(&service, "impostors/same-name", "localhost", path);
        assert_eq!((answer.status, answer.problem().as_str()), (404, "not-found"), "{path}");
    }
}

#[test]
fn a_participant_without_an_active_key_is_503_and_the_others_go_on() {
    let site = two_participants();
    let service = Service::start(&site);
    let there = ask(&service, "impostors/same-name", "auth.other.example", &auth("validator37"));
    assert_eq!((there.status, there.problem().as_str()), (503, "tokens-unavailable"));
    assert_eq!(ask(&service, "validator37", "localhost", &auth("validator37")).status, 200);
    assert_eq!(service.internal("/health/ready").status, 200);
}

#[test]
fn a_participant_added_while_the_service_runs_is_served() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    site.run(&["participant", "add", "75", "--name", "Late", "--base-path", "/late"]);
    site.run(&["entity", "add", "gate", "--class", "val", "--pid", "75"]);
    site.run(&["cert", "enrol", "gate", &example_file("impostors/p384"), "--pid", "75"]);
    site.run(&["key", "generate", "--kid", "75:one", "--pid", "75"]);
    site.run(&["key", "activate", "75:one", "--pid", "75"]);
    let mut connection = Client::example("impostors/p384").connect(service.token());
    let answer = until("the participant is served", || {
        let answer = connection.ask(&get("/late/api/v1/auth/gate"));
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(answer.payload()["iss"], "75");
}
