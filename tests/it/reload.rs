//! What changes while the service runs: files, settings, and what the command line does in another process.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use openssl::x509::X509;
use rustix::process::Signal;

use crate::client::{Client, Identity, auth, examples, get};
use crate::process::{Service, until, within};
use crate::site::{Site, example_file, set_mode};

/// The second that the operator is promised, and what a busy machine may add.
const A_SECOND: Duration = Duration::from_secs(5);

fn served(service: &Service) -> X509 {
    Client::anonymous().connect(service.token()).stream.ssl().peer_certificate().unwrap()
}

/// Puts a file in the place of another one at once, as a renewal does.
fn replace(site: &Site, name: &str, content: &[u8]) {
    let new = site.path("replacement");
    fs::write(&new, content).unwrap();
    set_mode(&new, 0o600);
    fs::rename(new, site.file(name)).unwrap();
}

fn example(name: &str) -> Vec<u8> {
    fs::read(examples().join(name)).unwrap()
}

fn reloads(service: &Service, what: &str, result: &str) -> f64 {
    service.metric(&format!("bob_auth_reloads_total{{result=\"{result}\",what=\"{what}\"}}"))
}

#[test]
fn a_new_server_certificate_is_seen_by_new_connections_and_old_ones_go_on() {
    for by_signal in [false, true] {
        let site = Site::configured(&format!("[reload]\nwatch_files = {}", !by_signal));
        let service = Service::start(&site);
        let old = served(&service);
        let mut kept = Client::example("validator37").connect(service.token());
        assert_eq!(kept.ask(&get(&auth("validator37"))).status, 200);
        replace(&site, "tls/server.key", &example("server.key"));
        replace(&site, "tls/server.pem", &example("server.pem"));
        if by_signal {
            service.signal(Signal::HUP);
        }
        let new = X509::from_pem(&example("server.pem")).unwrap();
        until("the new certificate is served", || (served(&service) == new).then_some(()));
        assert_ne!(old.to_der().unwrap(), new.to_der().unwrap());
        assert_eq!(kept.ask(&get(&auth("validator37"))).status, 200, "the connection from before goes on");
        // Client certificates are asked for as before.
        assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
        assert_eq!(Client::anonymous().token(service.token(), "validator37").status, 401);
        assert!(reloads(&service, "certificate", "done") > 0.5);
    }
}

#[test]
fn a_directory_that_is_swapped_by_a_symbolic_link_is_noticed() {
    let site = Site::with_entities();
    fs::create_dir(site.file("renewed")).unwrap();
    for name in ["server.pem", "server.key"] {
        fs::write(site.file("renewed").join(name), example(name)).unwrap();
        set_mode(&site.file("renewed").join(name), 0o600);
    }
    symlink("tls", site.file("current")).unwrap();
    site.configure("[listener.token]\ncertificate = 'current/server.pem'\nprivate_key = 'current/server.key'");
    let service = Service::start(&site);
    symlink("renewed", site.file("next")).unwrap();
    fs::rename(site.file("next"), site.file("current")).unwrap();
    let new = X509::from_pem(&example("server.pem")).unwrap();
    until("the new certificate is served", || (served(&service) == new).then_some(()));
}

#[test]
fn a_certificate_without_its_key_changes_nothing_and_is_told() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let old = served(&service);
    for (name, content) in [("tls/server.pem", example("server.pem")), ("tls/server.key", b"rubbish".to_vec())] {
        let before = reloads(&service, "certificate", "failed");
        replace(&site, name, &content);
        service.signal(Signal::HUP);
        until("the failure is counted", || (reloads(&service, "certificate", "failed") > before + 0.5).then_some(()));
        assert_eq!(served(&service), old);
    }
    service.until_logged("the server certificate is faulty; the old one stays in force");
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
}

#[test]
fn a_new_lifetime_takes_effect_and_a_faulty_file_does_not() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'");
    let service = Service::start(&site);
    let lifetime = || {
        let payload = Client::example("validator37").token(service.token(), "validator37").payload();
        payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap()
    };
    assert_eq!(lifetime(), 3600);
    site.configure("[token]\nlifetime = '20m'");
    service.signal(Signal::HUP);
    until("the new lifetime counts", || (lifetime() == 1200).then_some(()));
    let good = fs::read(site.file("config.toml")).unwrap();
    for faulty in ["[token]\nlifetime = 'soon'", "[token]\nlifetime = '5m'\nlivetime = '5m'"] {
        let before = reloads(&service, "config", "failed");
        site.configure(faulty);
        service.signal(Signal::HUP);
        until("the failure is counted", || (reloads(&service, "config", "failed") > before + 0.5).then_some(()));
        assert_eq!(lifetime(), 1200);
        replace(&site, "config.toml", &good);
    }
    fs::write(site.file("config.toml"), "no toml [").unwrap();
    let before = reloads(&service, "config", "failed");
    service.signal(Signal::HUP);
    until("the failure is counted", || (reloads(&service, "config", "failed") > before + 0.5).then_some(()));
    assert_eq!(lifetime(), 1200);
}

#[test]
fn a_changed_configuration_is_noticed_without_a_signal() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'");
    let service = Service::start(&site);
    site.configure("[token]\njti = true");
    until("the setting counts", || {
        Client::example("validator37").token(service.token(), "validator37").payload().get("jti").map(drop)
    });
}

#[test]
fn a_change_that_needs_a_restart_is_told_and_changes_nothing() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    site.configure("[listener.token]\nlisten = '127.0.0.1:1'");
    service.signal(Signal::HUP);
    service.until_logged("this change takes effect at the next start");
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
}

#[test]
fn a_rate_limit_can_be_changed_while_running() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    site.configure("[limits]\nrequests_per_fingerprint = '1/h'\nburst_per_fingerprint = 1");
    service.signal(Signal::HUP);
    until("the limit counts", || {
        (Client::example("validator37").token(service.token(), "validator37").status == 429).then_some(())
    });
}

/// Runs a command and measures how long after its end the running service follows it.
fn is_in_force_within_a_second(site: &Site, command: &[&str], in_force: impl Fn() -> bool) {
    site.run(command);
    let began = Instant::now();
    let seen = within(A_SECOND, || in_force().then_some(()));
    assert!(seen.is_some(), "{command:?} was not in force after {:?}", began.elapsed());
}

#[test]
fn what_the_command_line_changes_is_in_force_within_a_second() {
    // The interval of the store's look as it is by default.
    let site = Site::configured("[reload]\npoll_store = '250ms'\n[limits]\nrequests_per_fingerprint = 'off'");
    let service = Service::start(&site);
    let token = |certificate: &str, entity: &str| Client::example(certificate).token(service.token(), entity);
    let odd = "impostors/p384";
    is_in_force_within_a_second(&site, &["entity", "add", "late", "--class", "val"], || {
        // It has no certificate yet; the key set is the witness that the store was read again.
        service.metric("bob_auth_reloads_total{result=\"done\",what=\"store\"}") > 0.5
    });
    is_in_force_within_a_second(&site, &["cert", "enrol", "late", &example_file(odd)], || {
        token(odd, "late").status == 200
    });
    is_in_force_within_a_second(&site, &["entity", "set", "late", "--class", "pos"], || {
        token(odd, "late").payload()["bobAuthZ"] == "pos"
    });
    is_in_force_within_a_second(&site, &["entity", "suspend", "late"], || token(odd, "late").status == 404);
    is_in_force_within_a_second(&site, &["entity", "resume", "late"], || token(odd, "late").status == 200);
    site.run(&["key", "generate", "--kid", "34:next"]);
    is_in_force_within_a_second(&site, &["key", "activate", "34:next"], || {
        token(odd, "late").json()["header"]["kid"] == "34:next"
    });
    is_in_force_within_a_second(&site, &["cert", "revoke", &Identity::example(odd).sha1()], || {
        token(odd, "late").status == 401
    });
    is_in_force_within_a_second(&site, &["entity", "remove", "inspector5"], || {
        token("inspector5", "inspector5").status == 401
    });
}

#[test]
fn requests_go_on_while_the_command_line_changes_things() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'\nrequests_per_source = 'off'");
    let service = Service::start(&site);
    let address = service.token();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopping = std::sync::Arc::clone(&stop);
    let asking = std::thread::spawn(move || {
        let mut connection = Client::example("validator37").connect(address);
        let mut count = 0;
        while !stopping.load(std::sync::atomic::Ordering::Relaxed) {
            assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200);
            count += 1;
        }
        count
    });
    for number in 0..10 {
        site.run(&["entity", "add", &format!("gate{number}"), "--class", "val"]);
        site.run(&["entity", "suspend", &format!("gate{number}")]);
        service.signal(Signal::HUP);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(asking.join().unwrap() > 20);
}
