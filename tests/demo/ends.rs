//! Ends that nobody planned: signals, and a server that dies. Each is a clean end.

use std::fs::{self, File};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::running::{Demo, assert_nothing_left, at_work_in, demo};

/// Ends it by this signal when this chapter begins.
fn ended_by(signal: Signal, step: u64, code: i32) {
    let mut running = Demo::start(&mut demo(&["--json"]));
    let directory = running.directory();
    running.until_step(step);
    let servers = running.servers();
    assert!(!servers.is_empty() && !at_work_in(&directory).is_empty(), "it was at work: {servers:?}");
    running.signal(signal);
    let over = running.over();
    assert_eq!(over.code, Some(code), "{:#?} {}", over.lines, over.stderr);
    assert!(over.event("interrupted")["step"].as_u64().unwrap() >= step);
    assert_eq!(over.event("summary")["ok"], false);
    assert_nothing_left(&directory, &servers, false);
}

#[test]
fn an_interrupt_while_it_is_set_up_leaves_nothing() {
    ended_by(Signal::INT, 2, 130);
}

#[test]
fn a_quit_at_the_terminal_leaves_nothing() {
    ended_by(Signal::QUIT, 3, 131);
}

#[test]
fn a_termination_amid_the_attacks_leaves_nothing() {
    ended_by(Signal::TERM, 5, 143);
}

#[test]
fn a_termination_under_load_leaves_nothing() {
    ended_by(Signal::TERM, 6, 143);
}

#[test]
fn a_server_that_dies_is_told_of_with_the_end_of_its_log() {
    let mut running = Demo::start(&mut demo(&["--json"]));
    let directory = running.directory();
    running.until_step(5);
    let servers = running.servers();
    let (_, registry) = servers.iter().find(|(name, _)| name == "registry").unwrap();
    kill_process(Pid::from_raw(*registry).unwrap(), Signal::KILL).unwrap();
    let over = running.over();
    assert_eq!(over.code, Some(1), "{:#?} {}", over.lines, over.stderr);
    let failure = over.event("failure");
    let what = failure["what"].as_str().unwrap();
    // Whoever notices first tells it: who watches the servers, or who wanted something of this one.
    let noticed = what.contains("registry ended by itself") || failure["step"] == 5;
    assert!(noticed, "{failure}");
    assert_eq!(over.event("summary")["ok"], false);
    assert_nothing_left(&directory, &servers, false);
}

#[test]
fn servers_do_not_outlive_a_demo_that_is_killed() {
    let mut running = Demo::start(&mut demo(&["--json"]));
    let directory = running.directory();
    running.until_step(4);
    assert!(!at_work_in(&directory).is_empty());
    running.signal(Signal::KILL);
    assert_eq!(running.over().code, None);
    let began = Instant::now();
    while !at_work_in(&directory).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", at_work_in(&directory));
        thread::sleep(Duration::from_millis(20));
    }
    // Nobody was left who could have done it.
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_story_that_nobody_can_read_is_no_success() {
    let home = TempDir::new().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = demo(&[]).env("TMPDIR", home.path()).stdin(Stdio::null()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("standard output: "), "{said}");
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    let output = demo(&[]).env("TMPDIR", home.path()).stdin(Stdio::null()).stdout(closed).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "it ends with its reader, quietly");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
