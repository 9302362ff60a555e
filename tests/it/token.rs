//! A token over mutual TLS: what is in it, under every version of HTTP and TLS, and what the settings change.

use std::collections::BTreeSet;

use bob_auth::value::{Clock as _, SystemClock};
use openssl::ssl::SslVersion;
use serde_json::{Value, json};

use crate::client::{Client, Identity, auth, curl, get};
use crate::jwt::{decode, verifies};
use crate::process::{Service, until};
use crate::site::Site;

fn now() -> i64 {
    SystemClock.now().as_seconds()
}

/// The payload of validator37's token under these settings.
fn payload_under(settings: &str) -> Value {
    let site = Site::configured(settings);
    let service = Service::start(&site);
    Client::example("validator37").token(service.token(), "validator37").payload()
}

fn lifetime(payload: &Value) -> i64 {
    payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap()
}

#[test]
fn an_enrolled_certificate_gets_a_token_over_tls_1_2_and_1_3() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let before = now();
        let answer = Client::example("validator37").version(version).token(service.token(), "validator37");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.version, "HTTP/1.1");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let payload = answer.payload();
        let iat = payload["iat"].as_i64().unwrap();
        assert!((before..=now()).contains(&iat), "{payload}");
        let bob_hok = Identity::example("validator37").sha1();
        let expected = json!({
            "iss": "34", "sub": "validator37", "iat": iat, "nbf": iat, "exp": iat + 3600,
            "bobHok": bob_hok, "bobAuthZ": "val",
        });
        assert_eq!(payload, expected);
    }
}

#[test]
fn header_and_payload_of_the_answer_are_those_of_the_token_and_the_published_key_verifies_it() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let jwks = service.internal("/.well-known/jwks.json").json();
    for (certificate, entity, class) in
        [("validator37", "validator37", "val"), ("inspector5", "inspector5", "ins"), ("rsa-tvm8", "tvm8", "tvm")]
    {
        let answer = Client::example(certificate).token(service.token(), entity);
        let (header, payload) = decode(&answer.compact());
        assert_eq!(answer.json()["header"], header);
        assert_eq!(answer.json()["payload"], payload);
        assert_eq!(header["alg"], "ES256");
        assert!(header["kid"].as_str().unwrap().starts_with("34:"), "{header}");
        assert_eq!(payload["bobAuthZ"], class);
        assert!(verifies(&answer.compact(), &jwks));
    }
}

#[test]
fn a_token_with_one_letter_changed_does_not_verify() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let jwks = service.internal("/.well-known/jwks.json").json();
    let compact = Client::example("validator37").token(service.token(), "validator37").compact();
    let middle = compact.find('.').unwrap() + 20;
    let letter = if &compact[middle..=middle] == "A" { "B" } else { "A" };
    assert!(!verifies(&format!("{}{letter}{}", &compact[..middle], &compact[middle + 1..]), &jwks));
}

#[test]
fn curl_gets_a_token_over_http_1_1_and_http_2_with_tls_1_2_and_1_3() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let (certificate, key) = site.copy_of("validator37");
    let url = format!("https://{}{}", service.token(), auth("validator37"));
    for (http, version) in [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")] {
        for tls in [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3", "--tls-max", "1.3"]] {
            let mut arguments = vec![http];
            arguments.extend(tls);
            arguments.extend(["--cert", &certificate, "--key", &key, &url]);
            let answer = curl(&arguments);
            assert_eq!(answer.version, version);
            assert_eq!(answer.payload()["sub"], "validator37");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
}

#[test]
fn over_http_2_a_client_without_certificate_gets_the_same_refusal_as_over_http_1_1() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let url = format!("https://{}{}", service.token(), auth("validator37"));
    let old = curl(&["--http1.1", &url]);
    let new = curl(&["--http2", &url]);
    assert_eq!((old.status, new.status, new.version.as_str()), (401, 401, "HTTP/2"));
    assert_eq!(old.body, new.body);
}

#[test]
fn the_server_certificate_made_by_init_verifies_under_the_local_ca() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let (certificate, key) = site.copy_of("validator37");
    let ca = site.file("tls/ca.pem");
    let url = format!("https://localhost:{}{}", service.token().port(), auth("validator37"));
    let output = std::process::Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--ipv4", "--cert", &certificate, "--key", &key])
        .arg("--cacert")
        .args([ca.to_str().unwrap(), &url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn head_answers_like_get_without_the_body() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    let head = connection.ask("HEAD /api/v1/auth/validator37 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/json")));
    assert!(head.body.is_empty());
    // Nothing of a body lies in the way of the next answer.
    assert_eq!(connection.ask(&get("/api/v1/auth/validator37")).status, 200);
    let refused = connection.ask("HEAD /api/v1/auth/nobody HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((refused.status, refused.body.len()), (404, 0));
}

#[test]
fn other_methods_are_405_and_the_answer_says_which_are_allowed() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let request =
            format!("{method} /api/v1/auth/validator37 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        for client in [Client::example("validator37"), Client::anonymous()] {
            let answer = client.ask(service.token(), &request);
            assert_eq!((answer.status, answer.problem().as_str()), (405, "method-not-allowed"), "{method}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
        }
    }
    assert!(service.metric_sum("bob_auth_tokens_issued_total") < 1.0);
}

#[test]
fn one_connection_serves_many_requests() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'\nrequests_per_source = 'off'");
    let service = Service::start(&site);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let mut connection = Client::example("validator37").version(version).connect(service.token());
        for _ in 0..200 {
            assert_eq!(connection.ask(&get("/api/v1/auth/validator37")).status, 200);
            assert_eq!(connection.ask(&get("/api/v1/auth/nobody")).status, 404);
        }
    }
    let handshakes = service.metric_sum("bob_auth_tls_handshakes_completed_total");
    assert!((handshakes - 2.0).abs() < 0.5, "{handshakes}");
}

#[test]
fn requests_sent_ahead_of_their_answers_are_answered_in_order() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    let requests = [get("/api/v1/auth/validator37"), get("/api/v1/auth/nobody"), get("/api/v1/auth/validator37")];
    connection.send(requests.concat().as_bytes());
    let statuses: Vec<u16> = requests.iter().map(|_| connection.answer(false).unwrap().status).collect();
    assert_eq!(statuses, [200, 404, 200]);
}

#[test]
fn a_participant_may_sign_with_rs256() {
    let site = Site::with_entities();
    site.run(&["key", "generate", "--alg", "RS256", "--bits", "2048", "--kid", "34:rsa"]);
    site.run(&["key", "activate", "34:rsa"]);
    let service = Service::start(&site);
    let compact = Client::example("validator37").token(service.token(), "validator37").compact();
    assert_eq!(decode(&compact).0, json!({"alg": "RS256", "kid": "34:rsa"}));
    let jwks = service.internal("/.well-known/jwks.json").json();
    assert!(verifies(&compact, &jwks));
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2, "the key that signed before is still published");
}

#[test]
fn a_lifetime_is_that_of_the_entity_else_of_the_class_else_of_the_participant_and_never_above_the_cap() {
    let settings = "[token]\nlifetime = '30m'\nmax_lifetime = '3h'\nlifetime_by_class = { ins = '2h', tvm = '3h' }";
    let site = Site::configured(settings);
    site.run(&["entity", "set", "tvm8", "--lifetime", "90m"]);
    site.run(&["entity", "add", "patient", "--class", "val", "--lifetime", "7h"]);
    site.enrol("patient", "impostors/p384");
    let service = Service::start(&site);
    let cases = [
        ("validator37", "validator37", 30 * 60),
        ("inspector5", "inspector5", 2 * 3600),
        ("rsa-tvm8", "tvm8", 90 * 60),
        ("impostors/p384", "patient", 3 * 3600),
    ];
    for (certificate, entity, expected) in cases {
        let payload = Client::example(certificate).token(service.token(), entity).payload();
        assert_eq!(lifetime(&payload), expected, "{entity}");
    }
}

#[test]
fn nbf_may_lie_before_the_time_of_issue() {
    let payload = payload_under("[token]\nnbf_backdate = '2m'");
    assert_eq!(payload["iat"].as_i64().unwrap() - payload["nbf"].as_i64().unwrap(), 120);
    assert_eq!(lifetime(&payload), 3600);
}

#[test]
fn an_audience_may_be_one_or_several() {
    assert_eq!(payload_under("[token]\naudience = 'https://b.example'")["aud"], "https://b.example");
    assert_eq!(payload_under("[token]\naudience = ['one', 'two']")["aud"], json!(["one", "two"]));
}

#[test]
fn a_token_may_name_its_certificate_by_both_fingerprints() {
    let payload = payload_under("[token]\ncertificate_binding = 'sha1+sha256'");
    let identity = Identity::example("validator37");
    assert_eq!(payload["bobHok"], identity.sha1());
    let thumbprint = openssl::sha::sha256(&identity.der());
    let expected = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, thumbprint);
    assert_eq!(payload["cnf"], json!({"x5t#S256": expected}));
}

#[test]
fn bob_hok_may_be_written_in_upper_case() {
    assert_eq!(
        payload_under("[token]\nhok_case = 'upper'")["bobHok"],
        Identity::example("validator37").sha1().to_uppercase()
    );
}

#[test]
fn with_jti_every_token_has_an_id_of_its_own() {
    let site = Site::configured("[token]\njti = true");
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    let ids: BTreeSet<String> = (0..40)
        .map(|_| connection.ask(&get("/api/v1/auth/validator37")).payload()["jti"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 40);
}

#[test]
fn a_participant_may_have_token_settings_of_its_own() {
    let site = Site::configured("[participant.34.token]\nlifetime = '10m'\njti = true");
    let service = Service::start(&site);
    let payload = Client::example("validator37").token(service.token(), "validator37").payload();
    assert_eq!(lifetime(&payload), 600);
    assert!(payload["jti"].is_string());
}

#[test]
fn the_command_token_get_fetches_what_the_service_issues() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let (certificate, key) = site.copy_of("validator37");
    let url = format!("https://localhost:{}", service.token().port());
    let ca = site.file("tls/ca.pem");
    let arguments =
        ["token", "get", &url, "validator37", "--cert", &certificate, "--key", &key, "--ca", ca.to_str().unwrap()];
    let compact = site.run(&arguments);
    assert!(verifies(compact.trim(), &service.internal("/.well-known/jwks.json").json()));
    let whole = site.json(&arguments);
    assert_eq!(decode(whole["jwtCompact"].as_str().unwrap()).1, whole["payload"]);
    until("both are counted", || (service.metric("bob_auth_tokens_issued_total{pid=\"34\"}") > 1.5).then_some(()));
}
