//! `[verify] registry = true`: keys of a metadata set that is fetched, what is kept of it on disk, and what operators see.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::protocol::metadata::SetTerms;
use bob_auth::protocol::metadata::sign::{Form, sign_set};
use bob_auth::value::{Clock as _, Pid, SystemClock};
use serde_json::{Value, json};

use crate::process::{Service, until};
use crate::verify_site::{Door, present, refusal};

/// A registry that signs, and answers `GET .../participantMetadata` with the set it holds, or with nothing.
struct Registry {
    signer: SoftwareSigner,
    address: SocketAddr,
    set: Arc<Mutex<Option<String>>>,
}

impl Registry {
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    fn start() -> Self {
        let private = PrivateKey::generate_p256().unwrap();
        let signer = SoftwareSigner::new(&private, &ring::rand::SystemRandom::new()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, set) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(None)));
        let held = Arc::clone(&set);
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &held)));
        Self { signer, address, set }
    }

    /// A door whose keys come from this registry alone, with an internal listener.
    fn door(&self, toml: &str) -> Door {
        let door = Door::new("[verify]\nregistry = true\nrefresh = '1h'\n");
        let text = fs::read_to_string(door.site.file("config.toml")).unwrap();
        let mut config: toml::Table = text.parse().unwrap();
        config["verify"].as_table_mut().unwrap().remove("issuer");
        fs::write(door.site.file("config.toml"), config.to_string()).unwrap();
        let (url, trust) = (format!("http://{}/api/v2", self.address), self.trust());
        door.site.configure(&format!("[registry]\nurl = '{url}'\ntrust = 'trust.jwks'\nrefresh = '1s'\n{toml}"));
        fs::write(door.site.file("trust.jwks"), trust).unwrap();
        door
    }

    fn trust(&self) -> String {
        json!({"keys": [self.signer.public_key().to_jwk("16:authority")]}).to_string()
    }

    /// From now on it offers a set with the keys of this door's service.
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    fn offer(&self, door: &Door, serial: u64, seconds: i64) {
        let keys: Value = serde_json::from_str(&door.site.run(&["key", "export", "--jwks"])).unwrap();
        // A set of many keys, so that a small disk is too small for it.
        let others = (1000..1020).map(|pid| json!({"pid": pid, "organisationName": "x".repeat(100)}));
        let ours = json!({"pid": 34, "organisationName": "Example", "authtokenPublicKeys": keys["keys"]});
        let participants: Vec<Value> = others.chain([ours]).collect();
        let not_valid_after = SystemClock.now().plus_seconds(seconds);
        let terms = SetTerms { authid: Pid::new(16).unwrap(), serial, not_valid_after, interval: None };
        let signers = [("16:authority".parse().unwrap(), &self.signer as &dyn Signer)];
        let rng = ring::rand::SystemRandom::new();
        let set = sign_set(&json!(participants).to_string(), &terms, &signers, Form::General, &rng).unwrap();
        *self.set.lock().unwrap() = Some(set);
    }

    fn goes_down(&self) {
        *self.set.lock().unwrap() = None;
    }
}

fn answer(mut stream: TcpStream, held: &Mutex<Option<String>>) {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => request.push(byte[0]),
            _ => return,
        }
    }
    let is_asked_for = request.starts_with(b"GET /api/v2/participantMetadata HTTP/1.1\r\n");
    let Some(set) = held.lock().unwrap().clone().filter(|_| is_asked_for) else { return };
    let start = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", set.len());
    let _ = stream.write_all(start.as_bytes()).and_then(|()| stream.write_all(set.as_bytes()));
}

fn alarm(service: &Service, alarm: &str) -> bool {
    let metrics = service.internal("/metrics").text();
    metrics
        .lines()
        .any(|line| line.starts_with("bob_auth_metadata_alarm{") && line.contains(alarm) && line.ends_with(" 1"))
}

#[test]
fn the_keys_of_a_registry_verify_tokens_and_a_restart_does_without_it() {
    let registry = Registry::start();
    let door = registry.door("");
    registry.offer(&door, 7, 3600);
    let service = door.open();
    assert_eq!(present(&service, &door.validator).status, 200);
    assert!((service.metric_sum("bob_auth_metadata_serial") - 7.0).abs() < 0.5);
    assert!((3000.0..3601.0).contains(&service.metric_sum("bob_auth_metadata_expires_in_seconds")));
    assert!((0.0..60.0).contains(&service.metric_sum("bob_auth_metadata_age_seconds")));
    until("the set is on disk", || door.site.file("metadata.jws").exists().then_some(()));
    drop(service);

    registry.goes_down();
    let service = door.open();
    assert_eq!(service.internal("/health/ready").status, 200);
    assert_eq!(present(&service, &door.validator).status, 200);
    registry.offer(&door, 6, 3600);
    until("the rollback is an alarm", || alarm(&service, "rollback").then_some(()));
    assert!(service.metric_sum("bob_auth_metadata_rollbacks_total") > 0.5);
    assert_eq!(present(&service, &door.validator).status, 200);
    service.until_logged("an older metadata set is offered");
    registry.offer(&door, 8, 3600);
    until("it is over", || (!alarm(&service, "rollback")).then_some(()));
}

#[test]
fn a_registry_that_is_down_at_the_first_start_refuses_tokens_until_it_is_back() {
    let registry = Registry::start();
    let door = registry.door("");
    let service = door.open();
    assert_eq!(service.internal("/health/ready").status, 503);
    assert_eq!(refusal(&present(&service, &door.validator)), "unknown_issuer");
    registry.offer(&door, 7, 3600);
    until("its keys are in force", || (present(&service, &door.validator).status == 200).then_some(()));
    assert_eq!(service.internal("/health/ready").status, 200);
}

#[test]
fn a_set_that_ends_while_the_registry_is_down_closes_the_door_and_nothing_else() {
    let registry = Registry::start();
    let door = registry.door("");
    registry.offer(&door, 7, 8);
    // The token service verifies as well.
    let service = Service::spawn(&mut door.site.command(&["serve"]));
    assert_eq!(service.internal("/health/ready/verification").status, 200);
    registry.goes_down();
    until("the set is past its end", || (service.internal("/health/ready/verification").status == 503).then_some(()));
    assert_eq!(service.internal("/health/ready").status, 200, "tokens are issued all the same");
    assert!(service.metric_sum("bob_auth_metadata_expires_in_seconds") < 0.5);
    until("the end is an alarm", || alarm(&service, "\"end\"").then_some(()));
    assert!(alarm(&service, "\"age\""));
    registry.offer(&door, 8, 3600);
    until("a newer set counts", || (service.internal("/health/ready/verification").status == 200).then_some(()));
}

#[test]
fn grace_lets_a_set_be_used_beyond_its_end_and_every_start_warns_of_it() {
    let registry = Registry::start();
    let door = registry.door("grace = '1h'");
    registry.offer(&door, 7, 2);
    let service = door.open();
    until("the set has ended", || (service.metric_sum("bob_auth_metadata_expires_in_seconds") < -0.5).then_some(()));
    registry.goes_down();
    assert_eq!(present(&service, &door.validator).status, 200);
    assert!(service.metric("bob_auth_key_set_expires_in_seconds") > 3000.0);
    service.until_logged("used beyond its end");
}

#[test]
fn a_full_disk_under_the_last_good_set_stops_no_verification_and_is_made_up_for() {
    let registry = Registry::start();
    let door = registry.door("");
    registry.offer(&door, 7, 3600);
    let serve = door.site.command(&["verify-server"]);
    let mut shell = Command::new("bash");
    // For a file system, no file growing is what a full disk is: an error instead of a signal.
    shell
        .args(["-c", "trap '' XFSZ; ulimit -S -f 1; exec \"$@\"", "bash"])
        .arg(serve.get_program())
        .args(serve.get_args());
    let service = Service::spawn(&mut shell);
    assert_eq!(present(&service, &door.validator).status, 200);
    let failures = || service.metric_sum("bob_auth_metadata_write_failures_total");
    until("the failure is counted", || (failures() > 0.5).then_some(()));
    assert_eq!((service.internal("/health/ready").status, present(&service, &door.validator).status), (200, 200));
    service.until_logged("cannot be kept on disk");
    let left = |name: &str| door.site.file(name).exists();
    assert!(!left("metadata.jws") && !left("metadata.jws.backup"));

    let freed = Command::new("prlimit")
        .args(["--pid", &service.pid().to_string(), "--fsize=unlimited:unlimited"])
        .status()
        .unwrap();
    assert!(freed.success());
    until("it is written as soon as it can be", || left("metadata.jws").then_some(()));
    service.until_logged("kept on disk again");
    drop(service);
    registry.goes_down();
    assert_eq!(present(&door.open(), &door.validator).status, 200);
}

#[test]
fn new_anchors_are_taken_up_without_a_restart_and_sets_of_the_old_ones_count_no_more() {
    let old = Registry::start();
    let door = old.door("");
    old.offer(&door, 7, 3600);
    let service = door.open();
    assert_eq!(present(&service, &door.validator).status, 200);
    let new = Registry::start();
    new.offer(&door, 8, 3600);
    let failed = || service.metric("bob_auth_reloads_total{result=\"failed\",what=\"config\"}");
    fs::write(door.site.file("trust.jwks"), new.trust()).unwrap();
    until("the set that is offered is not by the new anchors", || (failed() > 0.5).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 200, "the old configuration stays in force");
    door.site.configure(&format!("[registry]\nurl = 'http://{}/api/v2'\n", new.address));
    let serial = || service.metric_sum("bob_auth_metadata_serial");
    until("the new registry's set is in force", || ((serial() - 8.0).abs() < 0.5).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 200);
    service.until_logged("cannot be used");
}

#[test]
fn config_check_looks_at_the_anchors_of_the_registry() {
    let registry = Registry::start();
    let door = registry.door("");
    let check = |verb| {
        let checked = door.site.try_run(&["config", "check", "--for", verb]);
        let said = [checked.stdout, checked.stderr].concat();
        (checked.status.success(), String::from_utf8(said).unwrap())
    };
    let both = ["verify-server", "serve"];
    for verb in both {
        let (good, said) = check(verb);
        assert!(good, "{said}");
    }
    fs::write(door.site.file("trust.jwks"), "{\"keys\":[]}").unwrap();
    for verb in both {
        let (good, said) = check(verb);
        assert!(!good && said.matches("registry.trust").count() == 2, "named as the place and in the error: {said}");
    }
}
