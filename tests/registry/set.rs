//! The signed set as its readers get it: built once per change, the same for everybody, and never asked for in vain.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::digest::sha256;
use bob_auth::protocol::metadata::{Environment, MetadataSet, SignedSet, TrustAnchors};
use bob_auth::store::register::AnchorRole;
use bob_auth::value::{Clock as _, SystemClock};
use serde_json::json;

use crate::asker::{Participant, get_set, internal, metric, reason};
use crate::client::{Answer, Client};
use crate::site::{PATIENCE, Running, Site, change, new_key, pid, public_jwk, until};

fn anchors(site: &Site) -> TrustAnchors {
    TrustAnchors::parse(&std::fs::read(site.files().trust).unwrap(), Environment::Production).unwrap()
}

/// The set, as a reader believes it.
fn verified(site: &Site, answer: &Answer) -> MetadataSet {
    SignedSet::verify(&answer.body, &anchors(site), SystemClock.now()).unwrap()
}

fn serial(site: &Site, answer: &Answer) -> u64 {
    verified(site, answer).header().serial
}

/// The next answer that is a set.
fn set(running: &Running) -> Answer {
    until("the set is served", || Some(get_set(running, &[])).filter(|answer| answer.status == 200))
}

fn max_age(answer: &Answer) -> u64 {
    answer.header("cache-control").unwrap().strip_prefix("max-age=").unwrap().parse().unwrap()
}

#[test]
fn the_set_is_signed_by_every_anchor_and_says_who_takes_part() {
    let site = Site::new();
    site.add_anchor(AnchorRole::Fallback, Algorithm::Rs256);
    let running = site.start();
    let answer = set(&running);
    assert_eq!(answer.json()["signatures"].as_array().unwrap().len(), 2);
    let signed = verified(&site, &answer);
    assert_eq!(signed.header().authid, pid(16));
    let left = signed.header().not_valid_after.seconds_since(SystemClock.now());
    assert!((7 * 86_400 - 60..=7 * 86_400).contains(&left), "{left}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(max_age(&answer), 3600);
    assert!(answer.header("x-bob-response-pop").is_none(), "it is signed itself");
    // Either anchor alone is enough for a reader who has but one.
    let both = std::fs::read(site.files().trust).unwrap();
    let both: serde_json::Value = serde_json::from_slice(&both).unwrap();
    for key in both["keys"].as_array().unwrap() {
        let one = json!({ "keys": [key] }).to_string();
        let anchors = TrustAnchors::parse(one.as_bytes(), Environment::Production).unwrap();
        SignedSet::verify(&answer.body, &anchors, SystemClock.now()).unwrap();
    }
}

#[test]
fn the_compressed_set_is_the_same_set_with_a_validator_of_its_own() {
    let site = Site::new();
    let running = site.start();
    let plain = set(&running);
    let packed = get_set(&running, &[("Accept-Encoding", "br, gzip")]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(packed.body.len() < plain.body.len());
    assert_ne!(packed.header("etag"), plain.header("etag"));
    for answer in [&plain, &packed] {
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
    }
    assert!(plain.header("content-encoding").is_none());
}

#[test]
fn a_reader_who_has_the_set_is_told_so() {
    let site = Site::new();
    let running = site.start();
    let plain = set(&running).header("etag").unwrap().to_owned();
    let packed = get_set(&running, &[("Accept-Encoding", "gzip")]).header("etag").unwrap().to_owned();
    for (has, headers) in
        [(&plain, vec![]), (&packed, vec![("Accept-Encoding", "gzip")]), (&plain, vec![("Accept-Encoding", "gzip")])]
    {
        let answer = get_set(&running, &[&headers[..], &[("If-None-Match", has.as_str())]].concat());
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{headers:?}");
        assert!([&plain, &packed].contains(&&answer.header("etag").unwrap().to_owned()));
        assert_eq!(max_age(&answer), 3600);
    }
    for other in ["\"1-x\"", "nonsense", ""] {
        assert_eq!(get_set(&running, &[("If-None-Match", other)]).status, 200, "{other}");
    }
    let head = "HEAD /api/v2/participantMetadata HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = Client::anonymous().ask(running.address(), head);
    assert_eq!((answer.status, answer.header("etag")), (200, Some(plain.as_str())));
    assert_eq!(metric(&running, "bob_auth_registry_set_builds_total", "new"), 1, "reading builds nothing");
}

#[test]
fn while_changes_are_folded_in_readers_come_again_and_get_all_of_them() {
    let site = Site::configured("[registry_server]\nfold_quiet = '4s'\nfold_at_most = '1m'");
    let running = site.start();
    let before = serial(&site, &set(&running));
    let participant = Participant::new(&site, &running, 34);
    for number in 0..20 {
        let key = public_jwk(&new_key(&format!("34:burst_{number}"), Algorithm::Es256)).to_string();
        participant.must(201, "POST", "/authtokenPublicKey", &key);
        let answer = get_set(&running, &[]);
        assert_eq!((answer.status, reason(&answer).as_str()), (409, "set_changing"), "after change {number}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=61).contains(&wait), "{wait}");
    }
    let answer = set(&running);
    assert!(serial(&site, &answer) > before);
    assert_eq!(answer.json().to_string().matches("signatures").count(), 1);
    assert_eq!(crate::attacks::payload_of(&answer)[1]["authtokenPublicKeys"].as_array().unwrap().len(), 20);
    assert_eq!(metric(&running, "bob_auth_registry_set_builds_total", "new"), 2, "one set for the whole burst");
}

#[test]
fn readers_may_get_the_last_set_while_changes_are_folded_in() {
    let fold = "fold_quiet = '4s'\nfold_at_most = '8s'\nwhile_folding = 'last-set'";
    let site = Site::configured(&format!("[registry_server]\n{fold}"));
    let running = site.start();
    let before = set(&running);
    Participant::new(&site, &running, 34).must(204, "PUT", "/domainName", "\"bob.example.se\"");
    assert_eq!(get_set(&running, &[]).body, before.body);
    until("the new set is served", || (get_set(&running, &[]).body != before.body).then_some(()));
}

#[test]
fn readers_are_not_kept_away_for_longer_than_agreed_however_much_is_written() {
    let site = Site::configured(
        "[registry_server]\nfold_quiet = '200ms'\nfold_at_most = '400ms'\nrequests_per_participant = 'off'",
    );
    let running = site.start();
    let participant = Participant::new(&site, &running, 34);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                participant.must(204, "PUT", "/domainName", &format!("\"n{count}.example.se\""));
                count += 1;
            }
        }
    });
    let (began, mut longest, mut refused_since) = (Instant::now(), Duration::ZERO, None);
    while began.elapsed() < Duration::from_secs(4) {
        if get_set(&running, &[]).status == 200 {
            refused_since = None;
        } else {
            longest = longest.max(refused_since.get_or_insert_with(Instant::now).elapsed());
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    assert!(longest < Duration::from_millis(3500), "{longest:?}");
}

#[test]
fn two_readers_never_see_one_serial_with_two_contents() {
    let site = Site::configured(
        "[registry_server]\nfold_quiet = '10ms'\nfold_at_most = '30ms'\nrequests_per_participant = 'off'",
    );
    let running = site.start();
    set(&running);
    let began = Instant::now();
    let seen: Mutex<BTreeMap<u64, BTreeSet<[u8; 32]>>> = Mutex::default();
    let enough = || seen.lock().unwrap().len() >= 5 || began.elapsed() > PATIENCE;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut last = 0;
                while !enough() {
                    let answer = get_set(&running, &[]);
                    if answer.status == 200 {
                        let serial = serial(&site, &answer);
                        assert!(serial >= last, "{serial} after {last}");
                        last = serial;
                        seen.lock().unwrap().entry(serial).or_default().insert(sha256(&answer.body));
                    }
                }
            });
        }
        for number in [16, 34, 41] {
            let participant = Participant::new(&site, &running, number);
            scope.spawn(move || {
                for count in 0..2000 {
                    participant.must(204, "PUT", "/domainName", &format!("\"n{count}.example.se\""));
                    if enough() {
                        return;
                    }
                }
            });
        }
    });
    let last = set(&running);
    let seen = seen.lock().unwrap();
    assert!(seen.len() >= 5, "{} sets in {PATIENCE:?}", seen.len());
    assert!(seen.values().all(|contents| contents.len() == 1));
    assert!(seen.keys().all(|seen| *seen <= serial(&site, &last)));
}

#[test]
fn two_servers_at_one_register_never_give_one_serial_to_two_contents() {
    let mut site = Site::configured("[registry_server]\nfold_quiet = '10ms'\nfold_at_most = '30ms'");
    let first = site.start();
    site.configure("[listener.registry]\nlisten = '127.0.0.1:0'");
    let second = Running::spawn(&mut site.command(&["registry-server"]));
    let participants = [(&first, 34), (&second, 41)].map(|(at, number)| Participant::new(&site, at, number));
    let mut seen: BTreeMap<u64, BTreeSet<[u8; 32]>> = BTreeMap::new();
    for count in 0..10 {
        for participant in &participants {
            participant.must(204, "PUT", "/domainName", &format!("\"n{count}.example.se\""));
        }
        for running in [&first, &second] {
            let answer = set(running);
            seen.entry(serial(&site, &answer)).or_default().insert(sha256(&answer.body));
        }
    }
    assert!(seen.values().all(|contents| contents.len() == 1), "{:?}", seen.keys());
    until("both serve the same", || (set(&first).body == set(&second).body).then_some(()));
}

#[test]
fn a_set_is_renewed_long_before_its_end_and_nobody_may_keep_it_beyond() {
    let site = Site::configured("[registry_server]\nset_valid_for = '30s'\nrenew_after = '1s'");
    let running = site.start();
    let first = set(&running);
    assert!((20..=30).contains(&max_age(&first)), "{}", max_age(&first));
    let second = until("a new one", || Some(set(&running)).filter(|second| second.body != first.body));
    let (first, second) = (verified(&site, &first), verified(&site, &second));
    assert!(second.header().serial > first.header().serial);
    assert!(second.header().not_valid_after > first.header().not_valid_after);
}

#[test]
fn a_registry_whose_anchors_are_lost_serves_its_last_set_to_the_end_and_then_none() {
    let site = Site::configured("[registry_server]\nset_valid_for = '4s'\nrenew_after = '3s'");
    let running = site.start();
    set(&running);
    assert_eq!(internal(&running, "/health/ready").status, 200);
    std::fs::rename(site.path("anchors"), site.path("lost")).unwrap();
    let ended = until("the set has ended", || Some(get_set(&running, &[])).filter(|answer| answer.status == 503));
    assert_eq!(reason(&ended), "no_set");
    assert!(ended.header("retry-after").is_some());
    assert_eq!(internal(&running, "/health/ready").status, 503);
    assert!(metric(&running, "bob_auth_registry_set_builds_total", "failed") >= 1);
    std::fs::rename(site.path("lost"), site.path("anchors")).unwrap();
    set(&running);
    assert_eq!(internal(&running, "/health/ready").status, 200);
}

#[test]
fn what_a_command_changes_is_in_the_next_set_and_a_new_key_signs_the_answers() {
    let site = Site::new();
    let running = site.start();
    set(&running);
    site.with_register(async |register| {
        register.add_participant(pid(74), "Participant 74", &change()).await.unwrap();
    });
    until("the set has participant 74", || {
        let answer = set(&running);
        (crate::attacks::payload_of(&answer).as_array().unwrap().len() == 4).then_some(())
    });
    let signed_by = |running: &Running| {
        let participant = Participant::new(&site, running, 34);
        let answer =
            Client::anonymous().ask(running.address(), &participant.ask("GET", "", "").text(&participant.host));
        answer.header("x-bob-response-pop").unwrap().split('.').next().unwrap().to_owned()
    };
    let before = signed_by(&running);
    let room = site.room();
    site.with_register(async |register| {
        let new = bob_auth::flow::register::NewAnchor {
            role: AnchorRole::Response,
            algorithm: Algorithm::Es256,
            kid: None,
            authid: pid(16),
        };
        register.rotate_anchor(&room, &new, &change()).await.unwrap();
        register.finish_anchor_rotation(&room, AnchorRole::Response, &change()).await.unwrap();
    });
    site.export_trust();
    until("the new key signs", || (signed_by(&running) != before).then_some(()));
    Participant::new(&site, &running, 34).get("");
}
