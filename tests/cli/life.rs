//! Setting up, participants, entities, the audit trail, the configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use super::home::{Home, said};

#[test]
fn init_makes_private_files_and_says_what_comes_next() {
    let home = Home::empty();
    let said = home.done(&["init", "svc", "--pid", "74", "--name", "Öst", "--host", "Auth.Example.se"]);
    let mode = |name: &str| fs::metadata(home.path("svc").join(name)).unwrap().permissions().mode() & 0o777;
    for directory in ["", "tls", "keys"] {
        assert_eq!(mode(directory), 0o700, "{directory}");
    }
    for file in ["tls/ca.key", "tls/server.key", "bob-auth.sqlite"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    for word in ["bob-auth serve", "entity add", "cert issue", "token get https://auth.example.se:8443", "tls/ca.pem"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let participant = home.json(&["participant", "show", "74"]);
    assert_eq!(participant["name"], "Öst");
    assert_eq!(participant["hosts"][0], "auth.example.se");
    let keys = home.json(&["key", "list"]);
    assert_eq!(keys["items"][0]["state"], "active");
    assert_eq!(keys["items"][0]["alg"], "ES256");
    assert!(keys["items"][0]["kid"].as_str().unwrap().starts_with("74:20"), "{keys}");
    assert!(home.done(&["config", "check"]).contains("is in order"));
}

#[test]
fn what_changes_may_live_apart_from_the_configuration() {
    let home = Home::empty();
    home.done(&["init", "svc", "--state", "state"]);
    let there = |path: &str| home.path(path).exists();
    assert!(there("svc/config.toml") && there("svc/tls/server.key") && there("state/bob-auth.sqlite"));
    assert!(there("state/keys") && !there("svc/keys") && !there("svc/bob-auth.sqlite"));
    let mode = fs::metadata(home.path("state")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    assert!(home.done(&["config", "check"]).contains("is in order"));
    assert_eq!(home.json(&["key", "list"])["items"][0]["state"], "active");
    // The store of another service is not taken over.
    let refusal = home.refused(&["init", "other", "--state", "state"]);
    assert!(refusal.contains("state/bob-auth.sqlite") && !there("other"), "{refusal}");
}

#[test]
fn a_second_init_is_refused_and_changes_nothing() {
    let home = Home::with_service();
    let before = fs::read(home.path("svc/tls/ca.pem")).unwrap();
    let refusal = home.refused(&["init", "svc"]);
    assert!(refusal.contains("config.toml") && refusal.contains("ca.key") && refusal.contains("nothing was changed"));
    assert_eq!(fs::read(home.path("svc/tls/ca.pem")).unwrap(), before);
}

#[test]
fn an_init_that_fails_leaves_nothing_behind() {
    let home = Home::empty();
    fs::create_dir(home.path("svc")).unwrap();
    fs::write(home.path("svc/notes"), "mine").unwrap();
    home.refused(&["init", "svc", "--host", "not a host"]);
    let left: Vec<_> = fs::read_dir(home.path("svc")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes"]);
    home.done(&["init", "svc"]);
}

#[test]
fn a_participant_is_added_changed_and_removed() {
    let home = Home::with_service();
    home.done(&["participant", "add", "74", "--name", "Öst", "--base-path", "/p/74", "--host", "ost.example"]);
    assert!(home.refused(&["participant", "add", "74", "--name", "x"]).contains("exists already"));
    let refusal = home.refused(&["participant", "set", "34", "--host", "ost.example"]);
    assert!(refusal.contains("belongs to participant 74"), "{refusal}");
    let changed = home.json(&["participant", "set", "74", "--name", "Ny", "--no-hosts", "--no-base-path"]);
    assert_eq!((&changed["name"], &changed["hosts"][0]), (&"Ny".into(), &serde_json::Value::Null));
    assert_eq!(home.json(&["participant", "list"])["items"].as_array().unwrap().len(), 2);
    home.done(&["participant", "remove", "74"]);
    assert!(home.refused(&["participant", "remove", "34"]).contains("keys"));
    assert!(home.refused(&["entity", "list", "--pid", "74"]).contains("participant add 74"));
}

#[test]
fn an_entity_is_added_changed_suspended_and_removed() {
    let home = Home::with_service();
    home.done(&["entity", "add", "tvm8", "--class", "tvm", "--lifetime", "2h", "--email", "a@example.se"]);
    assert!(home.refused(&["entity", "add", "tvm8", "--class", "tvm"]).contains("entity set tvm8"));
    let entity = home.json(&["entity", "set", "tvm8", "--class", "pos", "--no-email", "--external-id", "X-1"]);
    assert_eq!(entity["class"], "pos");
    assert_eq!(entity["lifetime_seconds"], 7200);
    assert_eq!(entity["email"], serde_json::Value::Null);
    assert_eq!(home.json(&["entity", "suspend", "tvm8"])["state"], "suspended");
    assert_eq!(home.json(&["entity", "list", "--state", "suspended"])["items"][0]["id"], "tvm8");
    assert_eq!(home.json(&["entity", "resume", "tvm8"])["state"], "active");
    assert!(home.done(&["entity", "show", "tvm8"]).contains("pos (point of sale)"));
    home.done(&["entity", "remove", "tvm8"]);
    assert!(home.refused(&["entity", "show", "tvm8"]).contains("there is no entity tvm8"));
}

#[test]
fn a_long_list_comes_in_pages_and_says_how_to_go_on() {
    let home = Home::with_service();
    for id in ["a", "b", "c"] {
        home.done(&["entity", "add", id, "--class", "val"]);
    }
    let page = home.run(&["entity", "list", "--limit", "2"]);
    assert_eq!(page.stdout.lines().count(), 3, "{}", page.stdout);
    assert!(page.stderr.contains("--after b"), "{}", page.stderr);
    assert_eq!(home.json(&["entity", "list", "--limit", "2"])["next"], "b");
    let rest = home.json(&["entity", "list", "--limit", "2", "--after", "b"]);
    assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&"c".into(), &serde_json::Value::Null));
    let wide = home.done(&["audit", "list"]);
    assert!(wide.lines().all(|line| line.chars().count() <= 100), "{wide}");
}

#[test]
fn the_audit_trail_tells_the_newest_first_and_who_did_it() {
    let home = Home::with_service();
    home.done(&["entity", "add", "tvm8", "--class", "tvm"]);
    home.done(&["entity", "suspend", "tvm8"]);
    let trail = home.json(&["audit", "list", "--entity", "tvm8"]);
    assert_eq!(trail["items"][0]["action"], "entity.suspend");
    assert_eq!(trail["items"][1]["action"], "entity.add");
    assert_eq!(trail["items"][0]["actor"], "cli:tester");
    let first = home.json(&["audit", "list", "--limit", "1"]);
    let next = first["next"].as_str().unwrap();
    assert_ne!(home.json(&["audit", "list", "--limit", "1", "--before", next])["items"][0], first["items"][0]);
    let none = home.json(&["audit", "list", "--result", "refused", "--since", "1h"]);
    assert_eq!(none["items"].as_array().unwrap().len(), 0);
}

#[test]
fn behind_sudo_the_audit_trail_names_who_called_it() {
    let home = Home::with_service();
    let mut sudo = home.command(&["entity", "add", "tvm8", "--class", "tvm"]);
    assert!(said(&sudo.env("USER", "bob-auth").env("SUDO_USER", "karin").output().unwrap()).code == 0);
    assert_eq!(home.json(&["audit", "list", "--entity", "tvm8"])["items"][0]["actor"], "cli:karin");
}

#[test]
fn the_check_of_the_configuration_names_every_fault_at_once() {
    let home = Home::with_service();
    let file = home.path("svc/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("path = \"bob", "pth = \"bob").replace("lifetime = \"1h\"", "lifetime = 1")).unwrap();
    let said = home.run(&["config", "check", "--output", "json"]);
    assert_eq!(said.code, 1);
    let faults: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let keys: Vec<&str> = faults["faults"].as_array().unwrap().iter().filter_map(|f| f["key"].as_str()).collect();
    assert!(keys.contains(&"store.pth") && keys.contains(&"token.lifetime"), "{keys:?}");
    assert!(faults["faults"][0]["line"].as_u64().unwrap() > 1);
    assert!(home.refused(&["entity", "list"]).contains("store.pth"));
}

#[test]
fn the_check_opens_what_the_configuration_names() {
    let home = Home::with_service();
    fs::rename(home.path("svc/bob-auth.sqlite"), home.path("away")).unwrap();
    fs::copy(home.path("svc/tls/ca.key"), home.path("svc/tls/server.key")).unwrap();
    let said = home.run(&["config", "check"]);
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("there is no store"), "{}", said.stdout);
    let at_their_lines = said.stdout.lines().filter(|line| line.starts_with("svc/config.toml:")).count();
    assert_eq!(at_their_lines, 2, "{}", said.stdout);
    assert!(said.stdout.contains("does not belong to the certificate"), "{}", said.stdout);
    fs::rename(home.path("away"), home.path("svc/bob-auth.sqlite")).unwrap();
    for key in fs::read_dir(home.path("svc/keys")).unwrap() {
        fs::copy(home.path("svc/tls/ca.key"), key.unwrap().path()).unwrap();
    }
    let said = home.run(&["config", "check", "svc/config.toml"]);
    assert!(said.stdout.contains("does not belong to the public key"), "{}", said.stdout);
    assert!(said.stdout.ends_with("2 faults\n"), "{}", said.stdout);
}

#[test]
fn without_a_configuration_every_command_says_where_it_looked() {
    let home = Home::empty();
    let refusal = home.refused(&["entity", "list", "--config", "nowhere.toml"]);
    assert!(refusal.contains("nowhere.toml") && refusal.contains("bob-auth init"), "{refusal}");
    assert!(home.refused(&["serve"]).contains("svc/config.toml"));
}

#[test]
fn a_reader_that_closes_its_end_is_no_failure() {
    let home = Home::with_service();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home.command(&["key", "list"]).stdout(Stdio::from(writer)).output().unwrap();
    let said = said(&output);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}
