//! Kept when things go wrong: killed processes, a full disk, a store that cannot be written or that is too new.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::client::{Client, Secure, auth, get};
use crate::process::{Service, until};
use crate::site::{Site, set_mode};

const ROUNDS: u64 = 24;

fn entities(site: &Site) -> BTreeSet<String> {
    let list = site.json(&["entity", "list", "--limit", "1000"]);
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Starts commands that each add an entity, kills them after a while or never, and says which of them have said "done".
fn add_and_kill(site: &Site, names: &[String], after: Option<Duration>) -> Vec<String> {
    let spawn = |name: &String| {
        let mut command = site.command(&["entity", "add", name, "--class", "val"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut writers: Vec<_> = names.iter().map(spawn).collect();
    let began = Instant::now();
    // The moment of the kill is what this test is about; there is nothing to wait for.
    thread::sleep(after.unwrap_or_default().saturating_sub(began.elapsed()));
    let mut acknowledged = Vec::new();
    for (writer, name) in writers.iter_mut().zip(names) {
        if after.is_some() {
            writer.kill().unwrap();
        }
        if writer.wait().unwrap().success() {
            acknowledged.push(name.clone());
        }
    }
    acknowledged
}

#[test]
fn kill_9_at_any_moment_loses_nothing_that_was_acknowledged_and_the_next_start_is_clean() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'");
    let (mut acknowledged, mut begun) = (BTreeSet::new(), 0);
    for round in 0..ROUNDS {
        let service = Service::start(&site);
        let mut connection = Client::example("validator37").connect(service.token());
        for _ in 0..20 {
            assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200, "round {round}");
        }
        let names: Vec<String> = (0..3).map(|number| format!("gate-{round}-{number}")).collect();
        // From before the first write to long after the last one; and for once not at all, on however slow a machine.
        let after = (round + 1 < ROUNDS).then(|| Duration::from_millis(5 + round * 12));
        begun += names.len();
        acknowledged.extend(add_and_kill(&site, &names, after));
        service.kill();
        let kept = entities(&site);
        assert!(acknowledged.is_subset(&kept), "round {round}: lost {:?}", acknowledged.difference(&kept));
    }
    assert!(!acknowledged.is_empty() && acknowledged.len() < begun, "{} of {begun}", acknowledged.len());
    // A name that was lost before it was acknowledged is free, and the store takes writes as ever.
    site.run(&["entity", "add", "after", "--class", "val"]);
    let service = Service::start(&site);
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
    let lines = service.lines();
    assert!(lines.iter().all(|line| line["level"] != "ERROR"), "{lines:?}");
}

#[test]
fn commands_at_the_same_time_all_succeed_while_the_service_issues() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'");
    let service = Service::start(&site);
    let add = |writer: usize| {
        let site = &site;
        move || {
            for number in 0..4 {
                site.run(&["entity", "add", &format!("gate-{writer}-{number}"), "--class", "val"]);
            }
        }
    };
    thread::scope(|scope| {
        for writer in 0..6 {
            scope.spawn(add(writer));
        }
        let mut connection = Client::example("validator37").connect(service.token());
        for _ in 0..100 {
            assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200);
        }
    });
    assert_eq!(entities(&site).iter().filter(|id| id.starts_with("gate-")).count(), 24);
    assert_eq!(site.token_audit(100).len(), 100);
}

/// A service that may be forbidden to make files longer, which for SQLite is what a full disk is: an error instead of a
/// signal.
fn with_a_disk_that_can_be_full(site: &Site) -> Service {
    let serve = site.command(&["serve"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "bash"]).arg(serve.get_program()).args(serve.get_args());
    Service::spawn(&mut shell)
}

fn allow_files_of(service: &Service, bytes: &str) {
    let status = Command::new("prlimit")
        .args(["--pid", &service.pid().to_string(), &format!("--fsize={bytes}:unlimited")])
        .status()
        .unwrap();
    assert!(status.success());
}

fn tokens(connection: &mut Secure, count: usize) {
    for _ in 0..count {
        assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200);
    }
}

#[test]
fn with_a_full_disk_tokens_are_issued_and_what_cannot_be_recorded_is_counted() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'\n[audit]\nqueue = 100");
    let service = with_a_disk_that_can_be_full(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    tokens(&mut connection, 5);
    site.token_audit(5);
    assert_eq!(service.internal("/health/ready/writes").status, 200);

    allow_files_of(&service, "1024");
    tokens(&mut connection, 5);
    until("the failure is noticed", || (service.internal("/health/ready/writes").status == 503).then_some(()));
    let ready = service.internal("/health/ready");
    assert_eq!((ready.status, ready.json()["store_writes"].as_str()), (200, Some("failing")));
    assert!(service.metric("bob_auth_store_writable") < 0.5);
    assert!(service.metric("bob_auth_audit_rows_lost") < 0.5, "the queue holds them");
    tokens(&mut connection, 200);
    // 100 of the 205 rows wait; the others found the queue full.
    until("lost rows are counted", || ((service.metric("bob_auth_audit_rows_lost") - 105.0).abs() < 0.5).then_some(()));
    assert_eq!(service.internal("/health/ready").json()["audit_rows_lost"], 105);

    allow_files_of(&service, "unlimited");
    until("it recovers", || (service.internal("/health/ready/writes").status == 200).then_some(()));
    assert_eq!(site.token_audit(105).len(), 105, "those that waited are written");
    tokens(&mut connection, 3);
    assert_eq!(site.token_audit(108).len(), 108);
    assert!(service.log_text().lines().filter(|line| line.contains("ERROR") || line.contains("WARN")).count() < 20);
}

#[test]
fn a_start_on_a_full_disk_issues_tokens() {
    let site = Site::with_entities();
    let serve = site.command(&["serve"]);
    let mut shell = Command::new("bash");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "bash"])
        .arg(serve.get_program())
        .args(serve.get_args());
    let service = Service::spawn(&mut shell);
    let mut connection = Client::example("validator37").connect(service.token());
    tokens(&mut connection, 5);
    assert_eq!(service.internal("/health/ready").status, 200);
    until("the failure is noticed", || (service.internal("/health/ready/writes").status == 503).then_some(()));
}

#[test]
fn a_command_on_a_full_disk_fails_and_changes_nothing() {
    let site = Site::with_entities();
    let add = site.command(&["entity", "add", "gate", "--class", "val"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "bash"]).arg(add.get_program()).args(add.get_args());
    let output = shell.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!output.stderr.is_empty());
    assert!(!entities(&site).contains("gate"));
    site.run(&["entity", "add", "gate", "--class", "val"]);
}

#[test]
fn a_service_whose_log_nobody_reads_any_more_goes_on() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'");
    let mut command = site.command(&["serve"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = lines.find(|line| line.as_ref().unwrap().contains("\"token\"")).unwrap().unwrap();
    drop(lines);
    let line: Value = serde_json::from_str(&listening).unwrap();
    let address = line["url"].as_str().unwrap().strip_prefix("https://").unwrap().parse().unwrap();
    let asked = std::panic::catch_unwind(|| tokens(&mut Client::example("validator37").connect(address), 100));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let status = crate::process::within(crate::process::PATIENCE, || child.try_wait().unwrap());
    let _ = child.kill();
    let _ = child.wait();
    assert!(asked.is_ok(), "a token was not issued");
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

/// Runs the service without the right to overrule file modes, which root has.
fn without_privileges(site: &Site) -> Command {
    let serve = site.command(&["serve"]);
    if !rustix::process::getuid().is_root() {
        return serve;
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]);
    command.arg(serve.get_program()).args(serve.get_args());
    command
}

/// Gives a directory its mode back, so that it can be removed.
struct WritableAgain<'a>(&'a Site);

impl Drop for WritableAgain<'_> {
    fn drop(&mut self) {
        set_mode(&self.0.file(""), 0o700);
    }
}

#[test]
fn a_read_only_store_issues_tokens_and_says_that_it_takes_no_writes() {
    let site = Site::with_entities();
    let _again = WritableAgain(&site);
    set_mode(&site.file("bob-auth.sqlite"), 0o400);
    set_mode(&site.file(""), 0o500);
    let service = Service::spawn(&mut without_privileges(&site));
    let mut connection = Client::example("validator37").connect(service.token());
    tokens(&mut connection, 5);
    let ready = service.internal("/health/ready");
    assert_eq!((ready.status, ready.json()["store_writes"].as_str()), (200, Some("failing")));
    assert_eq!(service.internal("/health/ready/writes").status, 503);
    service.until_logged("the store is read-only");
    assert!(service.stop().success());
    assert!(!site.file("bob-auth.sqlite-wal").exists());
}

/// Runs a start that must fail; what it said.
fn refusal_to_start(site: &Site) -> String {
    let mut child = site.command(&["serve"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let status = crate::process::within(crate::process::PATIENCE, || child.try_wait().unwrap());
    if status.is_none() {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(status.and_then(|status| status.code()), Some(1), "it started");
    String::from_utf8(output.stderr).unwrap()
}

fn sql(site: &Site, statement: &'static str) {
    let url = format!("sqlite://{}", site.file("bob-auth.sqlite").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn a_store_of_a_newer_schema_is_refused_and_left_alone() {
    let site = Site::with_entities();
    sql(&site, "PRAGMA user_version = 99");
    let before = fs::read(site.file("bob-auth.sqlite")).unwrap();
    let said = refusal_to_start(&site);
    assert!(said.contains("99") && said.contains("schema"), "{said}");
    let command = site.try_run(&["entity", "add", "gate", "--class", "val"]);
    assert_eq!(command.status.code(), Some(1));
    assert_eq!(fs::read(site.file("bob-auth.sqlite")).unwrap(), before);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let site = Site::with_entities();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    site.configure(&format!("[listener.token]\nlisten = '{address}'"));
    let said = refusal_to_start(&site);
    assert!(said.contains(&address), "{said}");
}

#[test]
fn a_server_certificate_without_its_key_is_named() {
    let site = Site::with_entities();
    fs::copy(crate::client::examples().join("server.pem"), site.file("tls/server.pem")).unwrap();
    let said = refusal_to_start(&site);
    assert!(said.contains("server.key"), "{said}");
}

#[test]
fn a_file_that_is_no_store_and_a_missing_one_are_refused() {
    let site = Site::with_entities();
    fs::write(site.file("bob-auth.sqlite"), "this is a letter to my aunt".repeat(100)).unwrap();
    let said = refusal_to_start(&site);
    assert!(said.contains("bob-auth.sqlite"), "{said}");
    fs::remove_file(site.file("bob-auth.sqlite")).unwrap();
    let said = refusal_to_start(&site);
    assert!(said.contains("bob-auth.sqlite"), "{said}");
    assert!(!site.file("bob-auth.sqlite").exists(), "nothing was made in its place");
}

#[test]
fn a_key_file_that_others_may_read_does_not_sign() {
    let site = Site::with_entities();
    for entry in fs::read_dir(site.file("keys")).unwrap() {
        set_mode(&entry.unwrap().path(), 0o644);
    }
    let service = Service::start(&site);
    assert_eq!(service.internal("/health/ready").status, 503);
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 503);
    assert!(service.lines().iter().any(|line: &Value| line["level"] == "ERROR" && line["kid"].is_string()));
}

#[test]
fn an_encrypted_key_file_needs_its_passphrase() {
    let site = Site::with_entities();
    fs::write(site.file("passphrase"), "open sesame\n").unwrap();
    set_mode(&site.file("passphrase"), 0o600);
    site.configure("[keys]\npassphrase_file = 'passphrase'");
    site.run(&["key", "generate", "--kid", "34:locked"]);
    site.run(&["key", "activate", "34:locked"]);
    let locked = fs::read_dir(site.file("keys"))
        .unwrap()
        .filter(|entry| fs::read_to_string(entry.as_ref().unwrap().path()).unwrap().contains("ENCRYPTED PRIVATE KEY"));
    assert_eq!(locked.count(), 1);
    let service = Service::start(&site);
    let answer = Client::example("validator37").token(service.token(), "validator37");
    assert_eq!(answer.json()["header"]["kid"], "34:locked");
    service.kill();
    fs::write(site.file("passphrase"), "open barley\n").unwrap();
    let service = Service::start(&site);
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 503);
    assert!(!service.log_text().contains("open barley"));
}
