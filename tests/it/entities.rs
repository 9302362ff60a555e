//! What a caller learns of entities: nothing. Four kinds of no, and every malformed id, look the same to the last byte.

use std::collections::BTreeSet;

use crate::client::{Client, auth, curl, get};
use crate::process::{Service, until};
use crate::site::Site;

/// Ids that are none, as they stand in the path.
fn malformed() -> Vec<String> {
    let mut ids: Vec<String> = [
        "",
        "%2F",
        "..",
        "%2e%2e",
        "../validator37",
        "%00",
        "validator37%00",
        "%ff",
        "%c3%28",
        "%0d%0aX-Forged:%20yes",
        "a%20b",
        "%e5%85%ac",
        "%C3%A5sa",
        "%2561",
        "validator%33%37%2F",
        "validator37/",
        "validator37/x",
        "a'b",
        "a\"b",
        "%22%3e",
        "%",
        "%zz",
        "*",
        "${jndi}",
        "validator37;x",
    ]
    .map(str::to_owned)
    .to_vec();
    ids.push("A".repeat(5 * 1024));
    ids
}

#[test]
fn unknown_foreign_suspended_and_malformed_entities_are_answered_alike() {
    let site = Site::with_entities();
    site.run(&["entity", "suspend", "tvm8"]);
    let service = Service::start(&site);
    let mut client = Client::example("validator37").connect(service.token());
    let unknown = client.ask(&get(&auth("nobody")));
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "entity-not-found"));
    let mut asked = vec!["inspector5".to_owned(), "tvm8".to_owned(), "VALIDATOR37".to_owned()];
    asked.extend(malformed());
    for id in &asked {
        let answer = client.ask(&get(&auth(id)));
        assert_eq!(answer.appearance(), unknown.appearance(), "{id:?}");
    }
    let suspended = Client::example("rsa-tvm8").token(service.token(), "tvm8");
    assert_eq!(suspended.appearance(), unknown.appearance());
}

#[test]
fn over_http_2_they_are_answered_alike_as_well() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let (certificate, key) = site.copy_of("validator37");
    let answers: BTreeSet<_> = ["nobody", "inspector5", "%00", "%ff", "%2F", "%2561"]
        .into_iter()
        .map(|id| {
            let url = format!("https://{}{}", service.token(), auth(id));
            curl(&["--http2", "--path-as-is", "--cert", &certificate, "--key", &key, &url]).appearance()
        })
        .collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().unwrap().0, 404);
}

#[test]
fn without_an_enrolled_certificate_the_entity_does_not_matter() {
    let site = Site::with_entities();
    site.run(&["entity", "suspend", "tvm8"]);
    let service = Service::start(&site);
    for client in [Client::anonymous(), Client::example("impostors/same-name")] {
        let mut connection = client.connect(service.token());
        let known = connection.ask(&get(&auth("validator37")));
        assert_eq!(known.status, 401);
        let mut asked = vec!["nobody".to_owned(), "tvm8".to_owned()];
        asked.extend(malformed());
        for id in &asked {
            assert_eq!(connection.ask(&get(&auth(id))).appearance(), known.appearance(), "{id:?}");
        }
    }
}

#[test]
fn the_audit_trail_tells_them_apart() {
    let site = Site::with_entities();
    site.run(&["entity", "suspend", "tvm8"]);
    let service = Service::start(&site);
    for (certificate, entity) in [
        ("validator37", "nobody"),
        ("validator37", "inspector5"),
        ("rsa-tvm8", "tvm8"),
        ("validator37", "%00"),
        ("impostors/same-name", "validator37"),
        ("validator37", "validator37"),
    ] {
        Client::example(certificate).token(service.token(), entity);
    }
    Client::anonymous().token(service.token(), "validator37");
    let expected = [
        "unknown_entity",
        "not_your_entity",
        "suspended_entity",
        "malformed_entity_id",
        "unknown_certificate",
        "issued",
        "no_certificate",
    ];
    assert_eq!(site.reasons(7), expected);
    for reason in expected.into_iter().filter(|reason| *reason != "issued") {
        let counted = service.metric(&format!("bob_auth_refusals_total{{reason=\"{reason}\"}}"));
        assert!((counted - 1.0).abs() < 0.1, "{reason}: {counted}");
    }
    let of_validator = site.json(&["audit", "list", "--action", "token.issue", "--entity", "validator37"]);
    assert_eq!(of_validator["items"].as_array().unwrap().len(), 3);
    let refused = site.json(&["audit", "list", "--result", "refused", "--reason", "not_your_entity"]);
    assert_eq!(refused["items"][0]["entity"], "inspector5");
}

#[test]
fn an_id_that_is_none_never_reaches_log_or_audit_trail() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let mut client = Client::example("validator37").connect(service.token());
    let ids = ["zzForged%0d%0aX:%20y", "zzForged%00", "zzForged/..", "zzForged%ff", "zzForged%25"];
    for id in ids {
        assert_eq!(client.ask(&get(&auth(id))).status, 404);
        assert_eq!(client.ask(&get(&format!("/zzForged/{id}"))).status, 404);
    }
    let rows = site.token_audit(ids.len());
    assert!(rows.iter().all(|row| row["entity"].is_null()), "{rows:?}");
    until("every request has its line", || (service.access_lines().len() >= 2 * ids.len()).then_some(()));
    assert!(!service.log_text().contains("zzForged"));
    assert!(!site.run(&["audit", "list", "--output", "json"]).contains("zzForged"));
}

#[test]
fn an_id_is_percent_decoded_once() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let client = Client::example("validator37");
    let payload = client.token(service.token(), "%76alidator%33%37").payload();
    assert_eq!(payload["sub"], "validator37");
    assert_eq!(client.token(service.token(), "%2576alidator37").status, 404);
}

#[test]
fn a_suspended_entity_is_served_again_when_it_is_resumed() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let client = Client::example("validator37");
    for (verb, status) in [("suspend", 404), ("resume", 200)] {
        site.run(&["entity", verb, "validator37"]);
        until(verb, || (client.token(service.token(), "validator37").status == status).then_some(()));
    }
}

#[test]
fn a_removed_entity_is_unknown_and_its_certificate_too() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    site.run(&["entity", "remove", "inspector5"]);
    until("the entity is gone", || {
        (Client::example("inspector5").token(service.token(), "inspector5").status == 401).then_some(())
    });
    assert_eq!(Client::example("validator37").token(service.token(), "inspector5").status, 404);
}
