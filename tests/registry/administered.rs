//! A registry at work while its administering body changes things with `bob-auth registry-admin`.

use std::fs;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::protocol::metadata::{Environment, MetadataSet, SignedSet, TrustAnchors};
use bob_auth::value::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::asker::{Participant, get_set};
use crate::site::{Running, Site, new_key, pid, public_jwk, until};

fn done(site: &Site, words: &[&str]) -> Value {
    let output = site.command(words).args(["--output", "json"]).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The set as somebody sees it who trusts these anchors; `None` while changes are folded into the next.
fn set(running: &Running, trust: &Value) -> Option<MetadataSet> {
    let answer = get_set(running, &[]);
    if answer.status == 409 {
        return None;
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    let anchors = TrustAnchors::parse(trust.to_string().as_bytes(), Environment::Production).unwrap();
    Some(SignedSet::verify(&answer.body, &anchors, SystemClock.now()).unwrap())
}

/// The anchors whose signatures this trust finds on the set.
fn signers(running: &Running, trust: &Value) -> Option<Vec<String>> {
    Some(set(running, trust)?.header().anchors.iter().map(ToString::to_string).collect())
}

fn only(export: &Value, kid: &str) -> Value {
    let keys = export["keys"].as_array().unwrap().iter().filter(|key| key["kid"] == kid);
    json!({ "keys": keys.collect::<Vec<_>>() })
}

#[test]
fn a_participant_comes_publishes_and_goes_without_a_restart() {
    let site = Site::new();
    let running = site.start();
    let trust = done(&site, &["registry-admin", "anchor", "export"]);
    let key = new_key("52:metadata_1", Algorithm::Es256);
    let stranger = Participant { number: 52, ..Participant::new(&site, &running, 34).with_key(key.clone()) };
    assert_eq!(stranger.send(&stranger.ask("GET", "", "")).status, 401);

    done(&site, &["registry-admin", "participant", "add", "52", "--name", "Newcomer"]);
    let file = site.path("52.jwk");
    fs::write(&file, public_jwk(&key).to_string()).unwrap();
    done(&site, &["registry-admin", "metadata-key", "add", "52", file.to_str().unwrap()]);
    assert_eq!(stranger.get("").json(), json!({"pid": 52, "organisationName": "Newcomer"}));
    stranger.must(204, "PUT", "/domainName", "\"example.se\"");
    until("the newcomer in the set", || {
        set(&running, &trust)?.participant(pid(52)).filter(|one| one.domain_name.is_some()).map(drop)
    });

    done(&site, &["registry-admin", "participant", "rename", "52", "--name", "Settled"]);
    until("the new name in the set", || {
        set(&running, &trust)?.participant(pid(52)).filter(|one| &*one.organisation_name == "Settled").map(drop)
    });
    done(&site, &["registry-admin", "metadata-key", "revoke", "52", "52:metadata_1"]);
    assert_eq!(stranger.send(&stranger.ask("GET", "", "")).status, 401, "a revoked key proves nothing");
    done(&site, &["registry-admin", "participant", "remove", "52"]);
    until("nobody of that name in the set", || set(&running, &trust)?.participant(pid(52)).is_none().then_some(()));
}

#[test]
fn an_anchor_is_rotated_and_nobody_is_left_out_at_any_step() {
    let site = Site::new();
    let running = site.start();
    let old = done(&site, &["registry-admin", "anchor", "export"]);
    let before = until("the first set", || signers(&running, &old));
    done(&site, &["registry-admin", "anchor", "rotate", "--kid", "16:next"]);
    let both = done(&site, &["registry-admin", "anchor", "export"]);
    let only_new = only(&both, "16:next");
    // Whoever holds the old file reads every set on the way.
    let during = until("both signatures", || {
        assert_eq!(signers(&running, &old).unwrap_or_else(|| before.clone()), before);
        signers(&running, &both).filter(|signers| signers.len() == 2)
    });
    assert_eq!(during, [before[0].as_str(), "16:next"]);
    assert_eq!(signers(&running, &only_new).unwrap(), ["16:next"]);
    done(&site, &["registry-admin", "anchor", "rotate", "--finish"]);
    until("the new signature alone", || signers(&running, &both).filter(|signers| *signers == ["16:next"]));
    assert_eq!(done(&site, &["registry-admin", "anchor", "export"]), only_new);
}

#[test]
fn the_key_of_answers_is_rotated_under_participants_that_know_both() {
    let site = Site::new();
    let running = site.start();
    let old = Participant::new(&site, &running, 34);
    old.must(404, "GET", "/domainName", "");
    done(&site, &["registry-admin", "anchor", "rotate", "--role", "response", "--kid", "16:answers"]);
    // Announced is not in force: who knows the old key only still reads all answers.
    old.must(404, "GET", "/domainName", "");
    site.export_trust();
    let both = Participant::new(&site, &running, 34);
    assert_eq!(both.answers.len(), 2);
    done(&site, &["registry-admin", "anchor", "rotate", "--role", "response", "--finish"]);
    site.export_trust();
    let new = Participant::new(&site, &running, 34);
    until("answers signed with the new key", || {
        let ask = both.ask("GET", "/domainName", "");
        let answer = both.send(&ask);
        let signature = answer.header("x-bob-response-pop").unwrap();
        let header = base64_text(signature.split('.').next().unwrap());
        header.contains("16:answers").then_some(())
    });
    new.must(404, "GET", "/domainName", "");
}

fn base64_text(text: &str) -> String {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}
