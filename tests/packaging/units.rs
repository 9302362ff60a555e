//! The units of systemd: that systemd reads them, how far each is shut off, and that they agree with the program.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{PATIENCE, Service};
use super::site::Site;
use super::tools::{done, installed};

fn units() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut units: Vec<_> = all.filter(|path| path.extension().is_some_and(|end| end == "service")).collect();
    units.sort();
    assert_eq!(units.len(), 3);
    units
}

/// The value of a setting that stands once.
fn setting(unit: &str, name: &str) -> String {
    let values: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect();
    assert_eq!(values.len(), 1, "{name} in\n{unit}");
    values[0].to_owned()
}

#[test]
fn systemd_finds_no_fault_in_a_unit() {
    if !installed("systemd-analyze", "systemd's reading of the units") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for unit in units() {
        // The program is not installed here.
        let text = fs::read_to_string(&unit).unwrap().replace("/usr/bin/bob-auth", env!("CARGO_BIN_EXE_bob-auth"));
        let copy = directory.path().join(unit.file_name().unwrap());
        fs::write(&copy, text).unwrap();
        let said = done(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(copy));
        assert_eq!(said, "");
    }
}

#[test]
fn a_unit_is_shut_off_as_far_as_a_server_can_be() {
    if !installed("systemd-analyze", "its opinion of the units") {
        return;
    }
    for unit in units() {
        // In tenths: what is left is that it serves a network.
        let mut opinion = Command::new("systemd-analyze");
        opinion.args(["security", "--offline=true", "--threshold=12"]).arg(&unit);
        done(&mut opinion);
    }
}

#[test]
fn a_unit_runs_a_verb_that_exists_on_the_file_that_it_waits_for() {
    for unit in units() {
        let text = fs::read_to_string(&unit).unwrap();
        let words = setting(&text, "ExecStart");
        let words: Vec<&str> = words.split(' ').collect();
        assert!(bob_auth::cli::command().try_get_matches_from(&words).is_ok(), "{words:?}");
        assert_eq!(words[2..], ["--config", &setting(&text, "ConditionPathExists")]);
        assert_eq!(setting(&text, "Documentation"), format!("man:bob-auth-{}(1)", words[1]));
        assert_eq!(setting(&text, "User"), "bob-auth");
        assert_eq!(setting(&text, "StateDirectory"), unit.file_stem().unwrap().to_str().unwrap());
    }
}

/// The next thing that a supervisor is told.
fn told(socket: &UnixDatagram) -> String {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = [0; 64];
    let length = socket.recv(&mut bytes).unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[test]
fn a_supervisor_is_told_when_the_service_is_ready_and_when_it_ends() {
    for unit in units() {
        assert_eq!(setting(&fs::read_to_string(unit).unwrap(), "Type"), "notify");
    }
    let site = Site::new();
    let path = site.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let service = Service::spawn(site.command(&["serve"]).env("NOTIFY_SOCKET", &path));
    assert_eq!(told(&socket), "READY=1");
    assert_eq!(service.internal("/health/ready").status, 200);
    assert!(service.stop().success());
    assert_eq!(told(&socket), "STOPPING=1");
    // One that is gone keeps nobody from serving.
    fs::remove_file(&path).unwrap();
    let service = Service::spawn(site.command(&["serve"]).env("NOTIFY_SOCKET", &path));
    service.until_logged("the supervisor could not be told: Ready");
    assert!(service.stop().success());
}

#[test]
fn all_units_are_shut_off_alike() {
    let sandbox = |unit: &PathBuf| {
        let text = fs::read_to_string(unit).unwrap();
        let from = text.split_once("\nCapabilityBoundingSet=").unwrap().1;
        let kept = from.lines().filter(|line| !line.starts_with('#') && !line.starts_with("InaccessiblePaths="));
        kept.map(str::to_owned).collect::<Vec<_>>()
    };
    let units = units();
    for unit in &units[1..] {
        assert_eq!(sandbox(unit), sandbox(&units[0]), "{}", unit.display());
    }
}
