//! A registry over time: killed, stopped, started again, given other files and settings.

use std::collections::BTreeSet;
use std::io::Write as _;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::protocol::metadata::{Environment, SignedSet, TrustAnchors};
use bob_auth::value::{Clock as _, SystemClock};
use rustix::process::Signal;
use serde_json::Value;

use crate::asker::{Participant, get_set, internal, metric, reason};
use crate::client::Client;
use crate::site::{Running, Site, new_key, public_jwk, until};

fn serial(site: &Site, running: &Running) -> u64 {
    let answer = until("the set is served", || Some(get_set(running, &[])).filter(|answer| answer.status == 200));
    let anchors = TrustAnchors::parse(&std::fs::read(site.files().trust).unwrap(), Environment::Production).unwrap();
    SignedSet::verify(&answer.body, &anchors, SystemClock.now()).unwrap().header().serial
}

#[test]
fn every_acknowledged_change_survives_a_kill_and_the_serial_never_falls() {
    let site = Site::configured("[registry_server]\nfold_quiet = '10ms'\nfold_at_most = '20ms'");
    let mut acknowledged = BTreeSet::new();
    let mut highest = 0;
    for round in 0..4 {
        let running = site.start();
        let now = serial(&site, &running);
        assert!(now >= highest, "{now} after {highest}");
        let participant = Participant::new(&site, &running, 34);
        let writer = std::thread::spawn({
            let participant = participant.clone();
            move || {
                let mut done = Vec::new();
                for number in 0..60 {
                    let kid = format!("34:{round}_{number}");
                    let key = public_jwk(&new_key(&kid, Algorithm::Es256)).to_string();
                    let ask = participant.ask("POST", "/authtokenPublicKey", &key);
                    let Ok(mut connection) = Client::anonymous().try_connect(participant.address) else { break };
                    if connection.stream.write_all(ask.text(&participant.host).as_bytes()).is_err() {
                        break;
                    }
                    match connection.answer(false) {
                        Some(answer) if answer.status == 201 => done.push(kid),
                        Some(answer) => panic!("{answer:?}"),
                        None => break,
                    }
                }
                done
            }
        });
        until("some changes are made", || {
            let text = internal(&running, "/metrics").text();
            text.contains("operation=\"postAuthtokenPublicKey\",status=\"201\"").then_some(())
        });
        highest = until("a set with some of them", || Some(serial(&site, &running)).filter(|serial| *serial > now));
        running.kill();
        let done = writer.join().unwrap();
        assert!(!done.is_empty());
        acknowledged.extend(done);
    }
    let running = site.start();
    assert!(serial(&site, &running) >= highest);
    let keys = Participant::new(&site, &running, 34).get("/authtokenPublicKey").json();
    let there: BTreeSet<String> =
        keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
    assert!(acknowledged.is_subset(&there), "lost: {:?}", acknowledged.difference(&there).collect::<Vec<_>>());
    // Whatever was written without being acknowledged is in the set as well, or nowhere.
    until("the set has them all", || {
        let set = get_set(&running, &[]);
        (set.status == 200)
            .then(|| crate::attacks::payload_of(&set))
            .filter(|set| set[1]["authtokenPublicKeys"].as_array().map_or(0, Vec::len) == there.len())
    });
}

#[test]
fn a_restart_serves_the_set_that_was_built_before_byte_for_byte() {
    let site = Site::new();
    let running = site.start();
    serial(&site, &running);
    let before = get_set(&running, &[]);
    assert!(running.stop().success());
    let running = site.start();
    let after = get_set(&running, &[("If-None-Match", before.header("etag").unwrap())]);
    assert_eq!(after.status, 304);
    assert_eq!(get_set(&running, &[]).body, before.body);
}

#[test]
fn requests_under_way_are_answered_at_the_end() {
    let site = Site::configured("[workers]\nthreads = 1");
    let running = site.start();
    let participant = Participant::new(&site, &running, 34);
    let ask = participant.ask("PUT", "/domainName", "\"bob.example.se\"");
    let text = ask.text(&participant.host);
    let (head, body) = text.split_at(text.len() - 5);
    let mut connection = Client::anonymous().connect(running.address());
    connection.stream.write_all(head.as_bytes()).unwrap();
    // The request is known to be under way when another one behind it has been answered.
    assert_eq!(participant.send(&participant.ask("GET", "", "")).status, 200);
    running.signal(Signal::TERM);
    until("it is stopping", || running.log_text().contains("stopping").then_some(()));
    connection.stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(connection.answer(false).unwrap().status, 204);
    let running = {
        drop(running);
        site.start()
    };
    Participant::new(&site, &running, 34).get("/domainName");
}

#[test]
fn settings_and_certificates_change_while_it_runs() {
    let mut site = Site::new();
    let running = site.start();
    let participant = Participant::new(&site, &running, 34);
    participant.get("");
    let (address, fresh) = (running.address(), Site::new());
    for file in ["server.pem", "server.key"] {
        std::fs::copy(fresh.path(file), site.path(file)).unwrap();
    }
    site.configure(&format!(
        "[listener.registry]\nlisten = '{address}'\n[registry_server]\nhosts = ['registry.example.se']\nmax_age = '5m'"
    ));
    running.signal(Signal::HUP);
    let named = Participant { host: "registry.example.se".to_owned(), ..participant.clone() };
    until("the name is known", || (named.send(&named.ask("GET", "", "")).status == 200).then_some(()));
    assert_eq!(reason(&participant.send(&participant.ask("GET", "", ""))), "pop_other_request");
    until("the age is another", || {
        (get_set(&running, &[]).header("cache-control") == Some("max-age=300")).then_some(())
    });
    let served = Client::anonymous().connect(address).stream.ssl().peer_certificate().unwrap().to_pem().unwrap();
    assert_eq!(served, std::fs::read(site.path("server.pem")).unwrap());
    let h2 = Client::anonymous().http2().connect(address);
    assert_eq!(h2.stream.ssl().selected_alpn_protocol(), Some(&b"h2"[..]), "HTTP/2 is spoken as before");
    site.configure("[registry_server]\nauthid = 0");
    running.signal(Signal::HUP);
    until("the fault is told", || running.log_text().contains("the old one stays in force").then_some(()));
    named.get("");
    assert!(running.stop().success());
}

#[test]
fn health_and_metrics_tell_how_the_set_is() {
    let site = Site::new();
    let running = site.start();
    let serial = serial(&site, &running);
    let ready: Value = internal(&running, "/health/ready").json();
    assert_eq!((&ready["status"], &ready["serial"]), (&Value::from("ready"), &Value::from(serial)));
    assert_eq!(internal(&running, "/health/live").status, 200);
    assert_eq!(metric(&running, "bob_auth_registry_set_serial", ""), i64::try_from(serial).unwrap());
    let expires = metric(&running, "bob_auth_registry_set_expires_in_seconds", "");
    assert!((604_000..=604_800).contains(&expires), "{expires}");
    assert!(metric(&running, "bob_auth_registry_set_age_seconds", "") < 60);
    assert_eq!(metric(&running, "bob_auth_registry_ready", ""), 1);
    assert_eq!(metric(&running, "bob_auth_ready", ""), 1);
    assert!(metric(&running, "bob_auth_registry_set_bytes", "gzip") > 100);
    assert!(metric(&running, "bob_auth_server_certificate_expiry_seconds", "registry") > 1000);
}

#[test]
fn the_access_line_names_operation_participant_and_key_and_no_secret() {
    let site = Site::new();
    let running = site.start();
    let participant = Participant::new(&site, &running, 34);
    let ask = participant.ask("PUT", "/domainName", "\"bob.example.se\"");
    participant.send(&ask);
    participant.send(&ask);
    let lines = until("both are logged", || {
        let lines: Vec<Value> = running.lines().into_iter().filter(|line| line["target"] == "access").collect();
        (lines.len() == 2).then_some(lines)
    });
    assert_eq!((&lines[0]["action"], &lines[0]["status"]), (&Value::from("putDomainName"), &Value::from(204)));
    assert_eq!((&lines[0]["pid"], &lines[0]["kid"]), (&Value::from("34"), &Value::from("34:metadata_1")));
    assert_eq!((&lines[1]["reason"], &lines[1]["status"]), (&Value::from("pop_replayed"), &Value::from(401)));
    assert!(!running.log_text().contains(&ask.proof) && !running.log_text().contains("bob.example.se"));
}
