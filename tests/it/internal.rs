//! The internal listener: alive, ready, counting, and nowhere else.

use std::collections::BTreeSet;

use crate::client::{Client, auth, get, plain};
use crate::process::{Service, until};
use crate::site::{Site, example_file};

#[test]
fn a_running_service_is_alive_and_ready_and_takes_writes() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for path in ["/health/live", "/health/ready", "/health/ready/writes"] {
        let answer = until(path, || Some(service.internal(path)).filter(|answer| answer.status == 200));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let ready = service.internal("/health/ready").json();
    assert_eq!((ready["status"].as_str(), ready["store_writes"].as_str()), (Some("ready"), Some("ok")));
    assert!(ready["signing_key"].as_str().unwrap().starts_with("34:"));
}

#[test]
fn without_an_active_key_it_is_not_ready_until_the_command_line_activates_one() {
    let site = Site::with_entities();
    site.run(&["participant", "add", "74", "--name", "Other"]);
    site.run(&["entity", "add", "gate", "--class", "val", "--pid", "74"]);
    site.run(&["cert", "enrol", "gate", &example_file("impostors/p384"), "--pid", "74"]);
    site.configure("default_participant = 74");
    let service = Service::start(&site);
    assert_eq!(service.internal("/health/ready").status, 503);
    assert_eq!(service.internal("/health/live").status, 200);
    let refused = Client::example("impostors/p384").token(service.token(), "gate");
    assert_eq!((refused.status, refused.problem().as_str()), (503, "tokens-unavailable"));
    site.run(&["key", "generate", "--kid", "74:first"]);
    site.run(&["key", "activate", "74:first"]);
    until("it is ready", || (service.internal("/health/ready").status == 200).then_some(()));
    let answer = Client::example("impostors/p384").token(service.token(), "gate");
    assert_eq!(answer.json()["header"]["kid"], "74:first");
}

#[test]
fn the_metrics_have_their_names_and_count() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    for id in ["validator37", "validator37", "nobody"] {
        connection.ask(&get(&auth(id)));
    }
    until("three audit rows are written", || (service.metric("bob_auth_audit_rows_written") > 2.5).then_some(()));
    let text = service.internal("/metrics").text();
    let names: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for name in [
        "bob_auth_tokens_issued_total",
        "bob_auth_refusals_total",
        "bob_auth_expired_certificates_admitted_total",
        "bob_auth_tls_handshakes_started_total",
        "bob_auth_tls_handshakes_completed_total",
        "bob_auth_token_request_duration_seconds",
        "bob_auth_reloads_total",
        "bob_auth_audit_rows_written",
        "bob_auth_audit_rows_lost",
        "bob_auth_store_writable",
        "bob_auth_ready",
        "bob_auth_build_info",
        "bob_auth_client_certificate_expiry_seconds",
        "bob_auth_server_certificate_expiry_seconds",
        "bob_auth_key_age_seconds",
    ] {
        // What has not happened yet has no labels and so no line.
        assert!(names.contains(name) || name == "bob_auth_reloads_total", "{name} is not among {names:?}");
    }
    let exactly = [
        ("bob_auth_tokens_issued_total{pid=\"34\"}", 2.0),
        ("bob_auth_refusals_total{reason=\"unknown_entity\"}", 1.0),
        ("bob_auth_tls_handshakes_started_total", 1.0),
        ("bob_auth_tls_handshakes_completed_total{resumed=\"no\",version=\"TLSv1.3\"}", 1.0),
        ("bob_auth_token_request_duration_seconds_count", 3.0),
        ("bob_auth_audit_rows_lost", 0.0),
        ("bob_auth_store_writable", 1.0),
        ("bob_auth_ready", 1.0),
    ];
    for (name, value) in exactly {
        assert!((service.metric(name) - value).abs() < 0.01, "{name}: {}", service.metric(name));
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("bob_auth_client_certificate_expiry_seconds{")).count(), 3);
    assert!(service.metric("bob_auth_server_certificate_expiry_seconds{listener=\"token\"}") > 86_400.0);
}

#[test]
fn the_key_set_holds_public_halves_only() {
    let site = Site::with_entities();
    site.run(&["key", "generate", "--kid", "34:next"]);
    let service = Service::start(&site);
    let answer = service.internal("/.well-known/jwks.json");
    assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "a key that does not sign yet is published already");
    for key in keys {
        assert_eq!((key["kty"].as_str(), key["crv"].as_str()), (Some("EC"), Some("P-256")));
        assert!(["d", "p", "q", "k"].iter().all(|member| key.get(member).is_none()), "{key}");
    }
}

#[test]
fn it_is_only_read() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for path in ["/health/live", "/health/ready", "/health/ready/writes", "/metrics", "/.well-known/jwks.json"] {
        let posted = plain(service.address("internal"), &get(path).replace("GET", "POST"));
        assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")), "{path}");
        let head = plain(service.address("internal"), &get(path).replace("GET", "HEAD"));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
}

#[test]
fn nothing_of_it_is_on_the_public_listener() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let paths = ["/health/live", "/health/ready", "/metrics", "/.well-known/jwks.json", "/", "/api/v1/auth"];
    for path in paths {
        for client in [Client::anonymous(), Client::example("validator37")] {
            let answer = client.get(service.token(), path);
            assert_eq!((answer.status, answer.problem().as_str()), (404, "not-found"), "{path}");
        }
    }
    let other = plain(service.address("internal"), &get("/api/v1/auth/validator37"));
    assert_eq!((other.status, other.problem().as_str()), (404, "not-found"), "and no tokens on the internal one");
}

#[test]
fn the_key_set_may_be_put_on_the_public_listener() {
    let site = Site::configured("[listener.token]\njwks = true");
    let service = Service::start(&site);
    let public = Client::anonymous().get(service.token(), "/.well-known/jwks.json");
    assert_eq!((public.status, public.header("cache-control")), (200, Some("max-age=300")));
    assert_eq!(public.json(), service.internal("/.well-known/jwks.json").json());
    let posted = Client::anonymous()
        .ask(service.token(), "POST /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(posted.status, 405);
}

#[test]
fn a_key_past_its_last_day_signs_nothing() {
    let site = Site::with_entities();
    site.run(&["key", "generate", "--kid", "34:short", "--expires", "5s"]);
    site.run(&["key", "activate", "34:short"]);
    let service = Service::start(&site);
    let client = Client::example("validator37");
    let refused = until("the key expires", || {
        Some(client.token(service.token(), "validator37")).filter(|answer| answer.status == 503)
    });
    assert_eq!(refused.problem(), "tokens-unavailable");
    assert!(service.metric("bob_auth_refusals_total{reason=\"key_expired\"}") > 0.5);
}
