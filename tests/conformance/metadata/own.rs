//! Our own registry keeps every rule: the real binary, asked as by strangers, by a participant, and by one who writes.

#[path = "../../registry/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod site;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::flow::register::Request;
use bob_auth::protocol::registry::operation::{KeyList, Place, Verb};
use bob_auth::store::register::AnchorRole;
use serde_json::{Value, json};

use self::site::{Running, Site, change, new_key, pid, public_jwk};
use crate::probe::{Findings, probe};

/// Something of everything, in the name of participant 34.
fn publish(site: &Site) {
    let mut ticket = public_jwk(&new_key("34:ticket", Algorithm::Es256));
    ticket["bob_sc"] = "ticket".into();
    let tlsa = json!({ "usage": 3, "selector": 1, "type": 1, "data": "ab".repeat(32) });
    let uri = "https://tickets.example/api/v1";
    put(site, &Place::Keys(pid(34), KeyList::Mtb), Verb::Post, &ticket);
    for (kid, algorithm) in [("34:1", Algorithm::Es256), ("34:2", Algorithm::Rs256)] {
        put(site, &Place::Keys(pid(34), KeyList::Authtoken), Verb::Post, &public_jwk(&new_key(kid, algorithm)));
    }
    let endpoint = json!({ "version": 1, "type": "ticket", "uri": uri, "tlsa": tlsa });
    put(site, &Place::Endpoints(pid(34)), Verb::Post, &endpoint);
    put(site, &Place::Constraints(pid(34)), Verb::Post, &json!({ "pid": 41, "signatureLifetime": "P3W" }));
}

/// The same for participant 41, which has a domain name and an info as well.
fn describe(site: &Site) {
    put(site, &Place::DomainName(pid(41)), Verb::Put, &json!("another.example"));
    put(site, &Place::Info(pid(41)), Verb::Put, &json!({ "phone": "+46 1" }));
}

fn put(site: &Site, place: &Place, verb: Verb, body: &Value) {
    let caller = place.pid().unwrap();
    let body = body.to_string();
    site.with_register(async |register| {
        let change = change();
        let request =
            Request { caller, verb, place, if_match: None, proof: None, body: body.as_bytes(), change: &change };
        register.perform(&request).await.unwrap();
    });
}

fn examine(site: &Site, running: &Running, more: &[&str]) -> Findings {
    let files = site.files();
    let [ca, trust] = [&files.ca, &files.trust].map(|file| file.to_str().unwrap());
    probe(&[&["metadata", &running.url(), "--ca", ca, "--trust", trust], more].concat())
}

#[test]
fn our_own_registry_keeps_every_rule() {
    let site = Site::new();
    site.add_anchor(AnchorRole::Fallback, Algorithm::Rs256);
    publish(&site);
    describe(&site);
    let running = site.start();
    let (key, answers) = (site.key_file("34:metadata_1"), site.files().answer_trust);
    let [key, answers] = [&key, &answers].map(|file| file.to_str().unwrap());
    let member = ["--pid", "34", "--kid", "34:metadata_1", "--metadata-key", key, "--answer-trust", answers];
    examine(&site, &running, &[]).all_kept_but(&[&super::OF_MEMBERS[..], &super::OF_WRITERS].concat());
    examine(&site, &running, &member).all_kept_but(&super::OF_WRITERS);
    examine(&site, &running, &[&member[..], &["--write"]].concat()).all_kept_but(&[]);
    // What the participant had is there, and nothing else.
    let after = examine(&site, &running, &member);
    after.all_kept_but(&super::OF_WRITERS);
    assert_eq!(after.of("metadata.endpoint_ids").1, "1 looked at");
    running.stop();
}

#[test]
fn what_a_participant_had_before_is_left_alone() {
    let site = Site::new();
    describe(&site);
    let running = site.start();
    let key = site.key_file("41:metadata_1");
    let member = ["--pid", "41", "--kid", "41:metadata_1", "--metadata-key", key.to_str().unwrap(), "--write"];
    let findings = examine(&site, &running, &member);
    assert_eq!((findings.with("fail"), findings.with("warning")), (Vec::new(), Vec::new()));
    for check in ["metadata.info_changes", "metadata.domain_changes"] {
        assert_eq!(findings.of(check), ("not_applicable", "there is one already, which is left alone"));
    }
    assert_eq!(findings.of("metadata.domain_names"), ("pass", "1 looked at"));
    running.stop();
}
