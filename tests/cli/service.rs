//! The service run by `serve`, and tokens got from it.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::home::Home;

/// The service, ended with the test.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(home: &Home) -> Self {
        let mut child = home.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            let token = line["message"] == "listening" && line["listener"] == "token";
            token.then(|| line["url"].as_str().map(|url| url.replace("127.0.0.1", "localhost")))?
        });
        // Goes on reading, so that the service never waits for its log.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: url.unwrap() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_token_is_got_from_the_service_and_looked_at() {
    let home = Home::with_service();
    home.done(&["entity", "add", "validator37", "--class", "val"]);
    home.done(&["entity", "add", "tvm8", "--class", "tvm"]);
    home.done(&["cert", "issue", "validator37"]);
    home.done(&["cert", "issue", "stranger", "--no-enrol"]);
    let service = Running::start(&home);
    let get = |entity, name: &str, ca| {
        let (cert, key) = (format!("{name}.pem"), format!("{name}.key"));
        let mut words = vec!["token", "get", &service.url, entity, "--cert", &cert, "--key", &key];
        if ca {
            words.extend(["--ca", "svc/tls/ca.pem"]);
        }
        home.run(&words)
    };

    let token = get("validator37", "validator37", true);
    assert_eq!(token.code, 0, "{}", token.stderr);
    let shown = home.done(&["token", "show", token.stdout.trim()]);
    for word in ["participant 34", "validator37", "val (validator)", "(in 1 hour)", "Nothing was verified"] {
        assert!(shown.contains(word) || word == "(in 1 hour)" && shown.contains("(in 59 minutes"), "{word}: {shown}");
    }
    fs::write(home.path("answer"), &token.stdout).unwrap();
    let stdin = fs::File::open(home.path("answer")).unwrap();
    let output = home.command(&["token", "show", "-", "--output", "json"]).stdin(stdin).output().unwrap();
    let view: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&view["payload"]["sub"], &view["verified"]), (&"validator37".into(), &false.into()));

    let not_mine = get("tvm8", "validator37", true);
    assert_eq!(not_mine.code, 1);
    assert!(not_mine.stderr.contains("No such entity (status 404)"), "{}", not_mine.stderr);
    let stranger = get("validator37", "stranger", true);
    assert!(stranger.stderr.contains("(status 401)") && stranger.stderr.contains("cert enrol"), "{}", stranger.stderr);
    let no_ca = get("validator37", "validator37", false);
    assert!(no_ca.stderr.contains("this side refused the server") && no_ca.stderr.contains("--ca"), "{}", no_ca.stderr);

    home.done(&["entity", "suspend", "validator37"]);
    let mut suspended = get("validator37", "validator37", true);
    for _ in 0..100 {
        if suspended.code == 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        suspended = get("validator37", "validator37", true);
    }
    assert!(suspended.stderr.contains("no token"), "{}", suspended.stderr);
}

#[test]
fn a_service_whose_server_key_others_may_read_does_not_start() {
    let home = Home::with_service();
    fs::set_permissions(home.path("svc/tls/server.key"), Permissions::from_mode(0o644)).unwrap();
    let refusal = home.refused(&["serve"]);
    assert!(refusal.contains("svc/tls/server.key") && refusal.contains("chmod 600"), "{refusal}");
}

#[test]
fn a_service_whose_store_was_cut_short_says_where_and_what_to_do() {
    let home = Home::with_service();
    let store = fs::OpenOptions::new().write(true).open(home.path("svc/bob-auth.sqlite")).unwrap();
    store.set_len(20_000).unwrap();
    let refusal = home.refused(&["serve"]);
    assert!(refusal.contains("svc/bob-auth.sqlite: the store is damaged"), "{refusal}");
    assert!(refusal.contains("restore a backup"), "{refusal}");
}

#[test]
fn a_key_file_that_is_closed_to_others_signs_without_a_restart() {
    let home = Home::with_service();
    home.done(&["entity", "add", "v", "--class", "val"]);
    home.done(&["cert", "issue", "v"]);
    let key = fs::read_dir(home.path("svc/keys")).unwrap().next().unwrap().unwrap().path();
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let service = Running::start(&home);
    let get = ["token", "get", &service.url, "v", "--cert", "v.pem", "--key", "v.key", "--ca", "svc/tls/ca.pem"];
    assert!(home.refused(&get).contains("(status 503)"));
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let signs = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        home.run(&get).code == 0
    });
    assert!(signs);
}

#[test]
fn a_key_of_another_certificate_is_noticed_before_anything_is_sent() {
    let home = Home::with_service();
    home.done(&["cert", "issue", "a", "--no-enrol"]);
    home.done(&["cert", "issue", "b", "--no-enrol"]);
    let refusal = home.refused(&["token", "get", "https://localhost:1", "a", "--cert", "a.pem", "--key", "b.key"]);
    assert!(refusal.contains("does not belong to the certificate a.pem"), "{refusal}");
}

#[test]
fn what_is_no_token_is_refused_with_a_reason() {
    let home = Home::empty();
    assert!(home.refused(&["token", "show", "a.b"]).contains("three parts"));
    assert!(home.refused(&["token", "show", "e30.e30.=="]).contains("signature"));
    assert!(home.refused(&["token", "show", "-"]).contains("empty"));
}
