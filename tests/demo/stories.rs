//! The whole story, with each proxy and without.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::running::{Demo, Over, assert_nothing_left, demo};

/// Every attack with the refusal that the documentation names.
const REFUSALS: [(Option<u16>, &str); 12] = [
    (Some(401), "holder_mismatch"),
    (Some(401), "holder_mismatch"),
    (Some(401), "nothing_presented"),
    (Some(401), "unknown_key"),
    (Some(401), "unknown_key"),
    (Some(401), "bad_signature"),
    (Some(403), "not_allowed"),
    (Some(401), "unknown_certificate"),
    (Some(404), "suspended_entity"),
    (None, "metadata_signature"),
    (None, "metadata_rollback"),
    (Some(401), "expired"),
];

/// All of it was told, and as it had to be.
fn check(over: &Over) {
    assert_eq!(over.code, Some(0), "{:#?} {}", over.lines, over.stderr);
    let begun: Vec<u64> = steps(over, "begin");
    assert_eq!(begun, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(steps(over, "done"), begun);
    let wanted = REFUSALS.map(|(status, reason)| (Value::from(status), reason.to_owned()));
    assert_eq!(over.refusals(), wanted);
    let load = over.event("load");
    assert_eq!(load["refused"], 0);
    assert!(load["tokens"].as_u64().unwrap() > 10 && load["calls"].as_u64().unwrap() >= 40, "{load}");
    assert_ne!(load["old"], load["new"]);
    let summary = over.event("summary");
    assert_eq!((&summary["ok"], &summary["refused"]), (&Value::from(true), &Value::from(REFUSALS.len())));
    let accepted = over.events().iter().filter(|event| event["event"] == "accepted").count();
    assert_eq!(accepted, 3);
}

fn steps(over: &Over, event: &str) -> Vec<u64> {
    let events = over.events().into_iter().filter(|told| told["event"] == event);
    events.map(|told| told["step"].as_u64().unwrap()).collect()
}

#[test]
fn behind_nginx_every_attack_is_refused_for_its_reason_and_the_directory_that_was_named_stays() {
    let home = TempDir::new().unwrap();
    let directory = home.path().join("federation");
    let mut command = demo(&["--proxy", "nginx", "--dir", directory.to_str().unwrap(), "--json"]);
    let mut running = Demo::start(&mut command);
    running.until_step(5);
    let servers = running.servers();
    let names: Vec<&str> = servers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["registry", "token service 1", "token service 2", "proxy"]);
    let over = running.over();
    check(&over);
    assert_eq!(over.event("proxy")["kind"], "nginx");
    assert_eq!(over.event("summary")["kept"], true);
    assert_nothing_left(&directory.canonicalize().unwrap(), &servers, true);
    // What stays can be looked at with the commands that were shown.
    for file in
        ["registry/config.toml", "participant-1/validator37.pem", "participant-2/tls/ca.pem", "proxy/nginx.conf"]
    {
        assert!(directory.join(file).is_file(), "{file}");
    }
    let mut list = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    let listed = list.current_dir(directory.join("participant-1")).args(["key", "list"]).output().unwrap();
    assert!(listed.status.success() && String::from_utf8(listed.stdout).unwrap().contains("retired"));
}

#[test]
fn behind_haproxy_it_is_told_in_plain_lines_where_there_is_no_terminal() {
    let over = Demo::start(&mut demo(&["--proxy", "haproxy"])).over();
    assert_eq!(over.code, Some(0), "{:#?} {}", over.lines, over.stderr);
    let text = over.lines.join("\n");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    for words in [
        "== 1. The registry",
        "registry$ bob-auth registry-admin init --name Samordnaren",
        "participant-1$ bob-auth serve &",
        "proxy$ haproxy -db -f haproxy.cfg &",
        "200 validator37 (val)",
        "404 suspended_entity",
        "set metadata_rollback",
        ", 0 refused",
        "== 7. The end",
        "every answer as expected",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("FAILED"), "{text}");
}

#[test]
fn without_a_proxy_and_without_root_it_takes_the_built_in_tls_and_says_why() {
    let home = TempDir::new().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (program, scratch) = (home.path().join("bob-auth"), home.path().join("scratch"));
    fs::copy(env!("CARGO_BIN_EXE_bob-auth"), &program).unwrap();
    fs::create_dir(&scratch).unwrap();
    fs::set_permissions(&scratch, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "env", "PATH=/nowhere"])
            .arg(&program);
        command
    } else {
        let mut command = Command::new(&program);
        command.env("PATH", "/nowhere");
        command
    };
    command.args(["demo", "--output", "json"]).env("TMPDIR", &scratch).env("HOME", "/nowhere").current_dir("/");
    let mut running = Demo::start(&mut command);
    let directory = running.directory();
    assert!(directory.starts_with(scratch.canonicalize().unwrap()));
    running.until_step(5);
    let servers = running.servers();
    let over = running.over();
    check(&over);
    let proxy = over.event("proxy");
    assert_eq!((&proxy["kind"], &proxy["why"]), (&"built-in".into(), &"neither nginx nor HAProxy is installed".into()));
    assert_nothing_left(&directory, &servers, false);
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
}
