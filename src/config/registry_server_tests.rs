//! `[registry_server]` and the listener that needs it.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::protocol::pop::{Part, PopProfile};

const LISTENER: &str = "[listener.registry]\nlisten = \"127.0.0.1:8444\"\n";

fn parse(server: &str, listener: &str) -> Result<Config, Faults> {
    let text = format!("default_participant = 16\n[registry_server]\nauthid = 16\n{server}\n{LISTENER}{listener}");
    Config::parse(&text, Path::new("config.toml"), Path::new("/etc/bob-auth"), &|_| None)
}

fn settings(server: &str) -> RegistryServerSettings {
    parse(server, "").unwrap().registry_server.unwrap()
}

fn faults(server: &str, listener: &str) -> String {
    parse(server, listener).unwrap_err().to_string()
}

#[test]
fn there_is_no_registry_unless_it_is_written() {
    let config =
        Config::parse("default_participant = 34", Path::new("config.toml"), Path::new("/etc"), &|_| None).unwrap();
    assert!(config.registry_server.is_none() && config.listeners.registry.is_none());
}

#[test]
fn what_is_not_written_is_what_the_field_does_today() {
    let settings = settings("");
    let day = Duration::from_hours(24);
    assert_eq!((settings.authid.get(), settings.anchors.as_path()), (16, Path::new("/etc/bob-auth/anchors")));
    assert_eq!((settings.set.valid_for, settings.set.renew_after), (7 * day, day));
    assert_eq!((settings.set.interval, settings.set.max_age), (Some(day), Duration::from_hours(1)));
    assert_eq!(settings.fold.readers_get, WhileFolding::Conflict);
    assert!(settings.hosts.is_empty() && settings.passphrase.is_none());
    assert_eq!(settings.pop, PopProfile::default());
    let listener = parse("", "").unwrap().listeners.registry.unwrap();
    assert!(listener.tls.is_none() && listener.source_header.is_none());
}

#[test]
fn the_profile_of_proofs_is_taken_as_written_and_always_has_the_time() {
    let settings = settings(
        "pop_scheme = \"off\"\npop_request_header = \"X-PoP\"\npop_answer_header = \"X-Answer\"\npop_window = \"60s\"\n\
         pop_required = [\"method\"]\npop_headers = []",
    );
    let wanted = PopProfile {
        scheme: String::new(),
        request_header: "x-pop".to_owned(),
        answer_header: "x-answer".to_owned(),
        window: 60,
        required: vec![Part::Time, Part::Method],
        headers: Vec::new(),
    };
    assert_eq!(settings.pop, wanted);
}

#[test]
fn times_that_contradict_each_other_are_faults() {
    assert!(faults("set_valid_for = \"1h\"", "").contains("is not shorter than set_valid_for 1h"));
    assert!(faults("fold_quiet = \"20s\"", "").contains("fold_quiet 20s is longer than fold_at_most 10s"));
    assert!(faults("pop_window = \"1h\"", "").contains("registry_server.pop_window"));
}

#[test]
fn a_registry_that_nobody_can_name_is_a_fault() {
    let everywhere = LISTENER.replace("127.0.0.1", "0.0.0.0");
    let text = |hosts: &str| format!("default_participant = 16\n[registry_server]\nauthid = 16\n{hosts}\n{everywhere}");
    let parse = |text: &str| Config::parse(text, Path::new("config.toml"), Path::new("/etc"), &|_| None);
    let fault = parse(&text("")).unwrap_err().to_string();
    assert!(fault.contains("registry_server.hosts: nobody can make a proof for 0.0.0.0:8444"), "{fault}");
    let named = parse(&text("hosts = [\"Registry.example.se\"]")).unwrap();
    assert_eq!(named.registry_server.unwrap().hosts, ["registry.example.se"]);
    assert!(faults("hosts = [\"https://registry.example.se\"]", "").contains("is no name of a host"));
}

#[test]
fn a_listener_without_a_registry_is_a_fault() {
    let text = format!("default_participant = 16\n{LISTENER}");
    let fault = Config::parse(&text, Path::new("config.toml"), Path::new("/etc"), &|_| None).unwrap_err().to_string();
    assert!(fault.contains("nothing says whose registry it is"), "{fault}");
    assert!(faults("", "certificate = \"a.pem\"").contains("is written without private_key"));
}

#[test]
fn a_process_that_is_only_a_registry_reads_only_its_own_tables() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    write(&format!("[registry_server]\nauthid = 16\n{LISTENER}"));
    let config = RegistryServerConfig::load(&file, &|_| None).unwrap();
    assert_eq!(config.store.path, directory.path().join("bob-auth.sqlite"));
    assert!(config.check_files().to_string().contains("registry_server.anchors"));
    write("[registry_server]\nauthid = 16\n");
    let fault = RegistryServerConfig::load(&file, &|_| None).unwrap_err().to_string();
    assert!(fault.contains("has no table [listener.registry]"), "{fault}");
    assert_eq!(RegistryAdminConfig::load(&file, &|_| None).unwrap().registry.authid.get(), 16);
    write(LISTENER);
    let fault = RegistryServerConfig::load(&file, &|_| None).unwrap_err().to_string();
    assert!(fault.contains("has no table [registry_server]"), "{fault}");
}
