//! `bob-auth conformance metadata` before a registry of ours that keeps every rule, or breaks one.

mod faults;
mod forms;
mod keys;
mod own;
mod registry;
mod set;

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use self::faults::{Anchors, CHANGES, CONTENT, ENVELOPE, Fault, MEMBERS, Reach, SERVING, STRANGERS};
use self::keys::{Keys, PRINTED_X, PRINTED_Y, public_jwk, write_set};
use self::registry::{Bend, KID, OWN, Registry};
use crate::faults::{are_the_checks_of, each_is_found};
use crate::probe::{Findings, probe, run};

/// What needs a participant's key.
const OF_MEMBERS: [&str; 14] = [
    "metadata.own_read",
    "metadata.own_lists",
    "metadata.own_in_set",
    "metadata.unknown_thing",
    "metadata.others",
    "metadata.tampered",
    "metadata.replay",
    "metadata.other_path",
    "metadata.other_method",
    "metadata.other_host",
    "metadata.old",
    "metadata.future",
    "metadata.answer_signed",
    "metadata.answer_verifies",
];

/// What needs leave to write.
const OF_WRITERS: [&str; 12] = [
    "metadata.created",
    "metadata.location",
    "metadata.read_back",
    "metadata.put",
    "metadata.unacceptable",
    "metadata.reason",
    "metadata.unproven_change",
    "metadata.other_body",
    "metadata.deleted",
    "metadata.info_changes",
    "metadata.domain_changes",
    "metadata.serial_rises",
];

/// The arguments that examine this registry.
fn arguments(registry: &Registry, reach: Reach, anchors: Anchors) -> Vec<String> {
    let keys = Keys::get();
    let file = |name: &str| registry.server.file(name).to_str().unwrap().to_owned();
    let printed = json!({
        "kty": "EC", "crv": "P-256", "kid": "16:printed",
        "x": PRINTED_X, "y": PRINTED_Y,
    });
    let trust = match anchors {
        Anchors::One => vec![public_jwk(&keys.primary)],
        Anchors::Two => vec![public_jwk(&keys.primary), public_jwk(&keys.fallback)],
        Anchors::Printed => vec![printed],
    };
    write_set(&trust, &registry.server.file("trust.jwks"));
    let mut arguments = vec!["metadata".to_owned(), registry.server.url(""), "--ca".to_owned(), registry.server.ca()];
    arguments.extend(["--trust".to_owned(), file("trust.jwks")]);
    if reach >= Reach::Member {
        keys.write_participant(&registry.server.file("34.key"));
        write_set(&[public_jwk(&keys.answers)], &registry.server.file("answers.jwks"));
        let pid = OWN.to_string();
        let more =
            ["--pid", &pid, "--kid", KID, "--metadata-key", &file("34.key"), "--answer-trust", &file("answers.jwks")];
        arguments.extend(more.map(str::to_owned));
    }
    if reach == Reach::Write {
        arguments.push("--write".to_owned());
    }
    arguments
}

fn examine(registry: &Registry, reach: Reach, anchors: Anchors) -> Findings {
    let arguments = arguments(registry, reach, anchors);
    probe(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Each registry breaks its rule, as far as the probe can tell, and no other.
fn each_breaks_its_rule_alone(faults: &[Fault]) {
    let more = Mutex::new(Vec::new());
    each_is_found(
        faults,
        |fault| (fault.check, fault.outcome),
        |fault| {
            let registry = Registry::start(fault.bend);
            let findings = examine(&registry, fault.reach, fault.anchors);
            let broken: Vec<&str> =
                [findings.with("fail"), findings.with("warning")].concat().into_iter().map(|(id, _)| id).collect();
            if broken != [fault.check] {
                more.lock().unwrap().push(format!("{}: {broken:?}", fault.check));
            }
            if !registry.left().is_empty() {
                more.lock().unwrap().push(format!("{}: left behind {:?}", fault.check, registry.left()));
            }
            findings
        },
    );
    let more = more.into_inner().unwrap();
    assert!(more.is_empty(), "more was broken, or left:\n{}", more.join("\n"));
}

#[test]
fn a_registry_that_keeps_every_rule_breaks_none() {
    let alone = ["metadata.agreement", "metadata.fallback"];
    let registry = Registry::start(Bend::None);
    let findings = examine(&registry, Reach::Write, Anchors::One);
    findings.all_kept_but(&alone);
    assert_eq!(registry.left(), Vec::<String>::new());
    let findings = examine(&registry, Reach::Member, Anchors::One);
    findings.all_kept_but(&[&alone[..], &OF_WRITERS].concat());
    let findings = examine(&registry, Reach::Set, Anchors::One);
    findings.all_kept_but(&[&alone[..], &OF_MEMBERS, &OF_WRITERS].concat());
}

#[test]
fn a_set_in_either_form_and_with_two_signatures_is_right() {
    let rest = [&OF_MEMBERS[..], &OF_WRITERS].concat();
    let two = Registry::start(Bend::Set(|draft| {
        let fallback = &draft.keys.fallback;
        draft.also_by(fallback);
    }));
    examine(&two, Reach::Set, Anchors::Two).all_kept_but(&rest);
    let flattened = Registry::start(Bend::Set(|draft| draft.flattened = true));
    let alone = ["metadata.agreement", "metadata.fallback"];
    examine(&flattened, Reach::Set, Anchors::One).all_kept_but(&[&alone[..], &rest].concat());
}

#[test]
fn each_fault_of_serving_is_found() {
    each_breaks_its_rule_alone(SERVING);
}

#[test]
fn each_fault_of_an_envelope_is_found() {
    each_breaks_its_rule_alone(ENVELOPE);
}

#[test]
fn each_fault_of_a_content_is_found() {
    each_breaks_its_rule_alone(CONTENT);
}

#[test]
fn each_fault_towards_strangers_is_found() {
    each_breaks_its_rule_alone(STRANGERS);
}

#[test]
fn each_fault_towards_a_participant_is_found() {
    each_breaks_its_rule_alone(MEMBERS);
}

#[test]
fn each_fault_of_a_change_is_found_and_nothing_is_left_behind() {
    each_breaks_its_rule_alone(CHANGES);
}

#[test]
fn every_check_of_a_registry_has_a_registry_that_breaks_it() {
    let all = [SERVING, ENVELOPE, CONTENT, STRANGERS, MEMBERS, CHANGES];
    are_the_checks_of("metadata", all.into_iter().flatten().map(|fault| fault.check));
}

#[test]
fn what_was_added_is_removed_though_the_registry_fails_in_between() {
    // The first removal is not done: it is only said to be impossible.
    let registry = Registry::start(Bend::FirstDelete);
    let findings = examine(&registry, Reach::Write, Anchors::One);
    assert_eq!(findings.of("metadata.deleted").0, "fail");
    assert_eq!(registry.left(), Vec::<String>::new());
}

#[test]
fn what_a_run_that_was_killed_left_is_removed_by_the_next() {
    let registry = Registry::start(Bend::None);
    let uri = "https://bob-auth-conformance.invalid/changed";
    registry.give("interfaceEndpoint/3", json!({ "endpointId": 3, "version": 1, "type": "resource", "uri": uri }));
    registry.give(
        "interfaceEndpoint/4",
        json!({ "endpointId": 4, "version": 1, "type": "ticket", "uri": "https://a.example" }),
    );
    examine(&registry, Reach::Write, Anchors::One);
    assert_eq!(registry.left(), ["interfaceEndpoint/4"]);
}

#[test]
fn a_key_without_a_participant_is_no_call() {
    let registry = Registry::start(Bend::None);
    let mut arguments = arguments(&registry, Reach::Member, Anchors::One);
    let pid = arguments.iter().position(|argument| argument == "--pid").unwrap();
    arguments.drain(pid..pid + 2);
    let output = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("name the participant with --pid"), "{output:?}");
}

#[test]
fn a_set_that_nobody_can_read_is_no_pass() {
    let registry = Registry::start(Bend::Answer(|asked, told| {
        if asked.target.ends_with("/participantMetadata") {
            *told = told.clone().with("Content-Encoding", "gzip");
        }
    }));
    let findings = examine(&registry, Reach::Set, Anchors::One);
    assert_eq!((findings.of("metadata.jws").0, findings.code), ("fail", 1));
}

#[test]
fn an_interrupted_run_removes_what_it_added() {
    // The set never shows the change, for which the probe waits.
    let registry = Registry::start(Bend::Set(|draft| draft.participants[1]["interfaceEndpoints"] = json!([])));
    let arguments = arguments(&registry, Reach::Write, Anchors::One);
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    command.env_remove("BOB_AUTH_CONFIG").arg("conformance").args(arguments);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while registry.left().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing was added");
        thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("interrupted; what was added"), "{output:?}");
    assert_eq!(registry.left(), Vec::<String>::new());
}
