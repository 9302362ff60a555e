//! A registry as its operator sets it up: by commands alone, in a process of its own or beside the token service.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bob_auth::crypto::algorithm::Algorithm;
use serde_json::Value;
use tempfile::TempDir;

use crate::asker::{Participant, get_set, internal, metric};
use crate::site::{Running, Site, new_key, public_jwk, until};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    command.env_remove("BOB_AUTH_CONFIG").current_dir(directory).args(arguments).output().unwrap()
}

fn must(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Sets the register up for participant 34 with a new metadata key, and writes the trust files.
fn set_up(directory: &Path) -> bob_auth::protocol::pop::PopKey {
    must(directory, &["registry-admin", "init", "--name", "Samordnaren"]);
    must(directory, &["registry-admin", "participant", "add", "34", "--name", "Östgötatrafiken"]);
    let key = new_key("34:metadata_1", Algorithm::Es256);
    fs::write(directory.join("metadata.jwk"), public_jwk(&key).to_string()).unwrap();
    must(directory, &["registry-admin", "metadata-key", "add", "34", "metadata.jwk"]);
    key
}

/// The participant at this registry; the answers are not checked here.
fn participant(running: &Running, key: bob_auth::protocol::pop::PopKey, answers: &str) -> Participant {
    let address = running.address();
    let answers = bob_auth::protocol::jwk::JwkSet::parse(answers.as_bytes()).unwrap().keys;
    Participant { number: 34, key, address, host: address.to_string(), answers }
}

#[test]
fn a_registry_is_set_up_with_a_few_commands() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let config = "[registry_server]\nauthid = 16\nfold_quiet = '50ms'\n[listener.registry]\nlisten = '127.0.0.1:0'\n\
                  certificate = 'server.pem'\nprivate_key = 'server.key'\n[listener.internal]\nlisten = '127.0.0.1:0'\n\
                  [log]\nformat = 'json'\n";
    fs::write(path.join("config.toml"), config).unwrap();
    let site = Site::new();
    for file in ["server.pem", "server.key"] {
        fs::copy(site.path(file), path.join(file)).unwrap();
    }
    let check = ["config", "check", "--for", "registry-server"];
    let before = run(path, &check);
    assert!(!before.status.success(), "there is nothing yet");
    assert!(String::from_utf8_lossy(&before.stdout).contains("registry_server.anchors"), "{before:?}");
    let key = set_up(path);
    assert!(must(path, &check).contains("registry      127.0.0.1:0  TLS, for participants"));

    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    let running = Running::spawn(command.env_remove("BOB_AUTH_CONFIG").current_dir(path).arg("registry-server"));
    let answers = must(path, &["registry-admin", "anchor", "export", "--answers"]);
    participant(&running, key, &answers).must(204, "PUT", "/domainName", "\"bob.example.se\"");
    until("the set says so", || {
        let set = get_set(&running, &[]);
        (set.status == 200 && crate::attacks::payload_of(&set)[1]["domainName"] == "bob.example.se").then_some(())
    });
    // What a participant did stands in the audit trail, with the key that proved it.
    let audit: Value = serde_json::from_str(&must(
        path,
        &["audit", "list", "--action", "registry.domain-name.put", "--output", "json"],
    ))
    .unwrap();
    assert_eq!(audit["items"][0]["actor"], "participant:34/34:metadata_1");
    fs::rename(path.join("anchors"), path.join("lost")).unwrap();
    fs::create_dir(path.join("anchors")).unwrap();
    let lost = run(path, &check);
    assert!(String::from_utf8_lossy(&lost.stdout).contains("cannot sign"), "{lost:?}");
    assert!(running.stop().success());
}

#[test]
fn the_token_service_has_a_registry_beside_itself() {
    let directory = TempDir::new().unwrap();
    let home = directory.path().join("site");
    let ports = ["--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"];
    must(directory.path(), &[&["init", home.to_str().unwrap(), "--pid", "16"][..], &ports].concat());
    let tables = "[registry_server]\nauthid = 16\nfold_quiet = '50ms'\n[listener.registry]\nlisten = '127.0.0.1:0'\n\
                  certificate = 'tls/server.pem'\nprivate_key = 'tls/server.key'\n";
    let config =
        fs::read_to_string(home.join("config.toml")).unwrap().replace("format = \"auto\"", "format = \"json\"");
    fs::write(home.join("config.toml"), config + tables).unwrap();
    let key = set_up(&home);
    assert!(must(&home, &["config", "check"]).contains("registry "));
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    let running = Running::spawn(command.env_remove("BOB_AUTH_CONFIG").current_dir(&home).arg("serve"));
    let answers = must(&home, &["registry-admin", "anchor", "export", "--answers"]);
    participant(&running, key, &answers).must(204, "PUT", "/domainName", "\"bob.example.se\"");
    assert_eq!(internal(&running, "/health/ready").status, 200);
    assert_eq!(internal(&running, "/health/ready/registry").json()["status"], "ready");
    assert_eq!(metric(&running, "bob_auth_registry_requests_total", "putDomainName"), 1);
    assert!(metric(&running, "bob_auth_server_certificate_expiry_seconds", "token") > 0);
    assert!(running.stop().success());
}
