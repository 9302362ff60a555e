//! The end of a service: told to balancers first, cutting nobody short, in bounded time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::{Client, auth, get};
use crate::process::{Service, until};
use crate::site::Site;

/// A client that asks and asks on kept connections until it gets none any more.
fn ask_until_the_end(address: SocketAddr, asked: Arc<AtomicUsize>, stopping: Arc<AtomicBool>) -> JoinHandle<usize> {
    thread::spawn(move || {
        let mut cut = 0;
        while let Ok(mut connection) = Client::example("validator37").try_connect(address) {
            let mut first = true;
            loop {
                let request = get(&auth("validator37"));
                if std::io::Write::write_all(&mut connection.stream, request.as_bytes()).is_err() {
                    break;
                }
                match connection.answer(false) {
                    Some(answer) => {
                        assert_eq!(answer.status, 200);
                        asked.fetch_add(1, Ordering::Relaxed);
                        if answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
                            break;
                        }
                    }
                    // A kept connection may be closed between two requests; nobody may lose an answer before the end.
                    None if stopping.load(Ordering::SeqCst) => {
                        cut += usize::from(!first && connection.has_begun());
                        break;
                    }
                    None => panic!("a connection was closed while nothing had ended"),
                }
                first = false;
            }
        }
        cut
    })
}

#[test]
fn sigterm_under_load_cuts_no_answer_and_ends_with_exit_code_0() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'\nrequests_per_source = 'off'");
    let mut service = Service::start(&site);
    let (asked, stopping) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> =
        (0..6).map(|_| ask_until_the_end(service.token(), Arc::clone(&asked), Arc::clone(&stopping))).collect();
    until("there is load", || (asked.load(Ordering::Relaxed) > 200).then_some(()));
    stopping.store(true, Ordering::SeqCst);
    let began = Instant::now();
    service.signal(Signal::TERM);
    let status = service.wait();
    // The clients go on asking on their kept connections: they are told to go, not waited for.
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert!(status.success(), "{status}");
    let cut: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert_eq!(cut, 0, "answers that were cut");
    let issued = || service.access_lines().iter().filter(|line| line["result"] == "issued").count();
    // The log may still be on its way.
    service.until_logged("\"stopped\"");
    assert_eq!(issued(), asked.load(Ordering::Relaxed), "tokens that were issued and tokens that clients hold");
}

#[test]
fn every_token_that_was_answered_is_in_the_audit_trail_after_the_end() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'\nrequests_per_source = 'off'");
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    for _ in 0..300 {
        assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200);
    }
    drop(connection);
    assert!(service.stop().success());
    assert_eq!(site.token_audit(300).len(), 300);
}

#[test]
fn readiness_ends_first_and_tokens_are_issued_during_the_delay() {
    let site = Site::configured("[shutdown]\ndelay = '5s'");
    let mut service = Service::start(&site);
    service.signal(Signal::TERM);
    let answer = until("it is not ready", || Some(service.internal("/health/ready")).filter(|a| a.status == 503));
    assert_eq!(answer.json()["draining"], true);
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
    assert_eq!(service.internal("/health/live").status, 200);
    assert!(service.wait().success());
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let site = Site::configured("[shutdown]\ndrain = '2s'");
    let service = Service::start(&site);
    let mut idle = Client::example("validator37").connect(service.token());
    assert_eq!(idle.ask(&get(&auth("validator37"))).status, 200);
    let _silent = std::net::TcpStream::connect(service.token()).unwrap();
    let began = Instant::now();
    assert!(service.stop().success());
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
}

#[test]
fn a_request_that_never_ends_is_cut_after_the_drain_time() {
    let site = Site::configured("[shutdown]\ndrain = '1s'\n[limits]\nheader_time = '5m'");
    let service = Service::start(&site);
    let mut endless = Client::example("validator37").connect(service.token());
    endless.send(b"GET / HTTP/1.1\r\nX-Never: ");
    let began = Instant::now();
    assert!(service.stop().success());
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
}

#[test]
fn sigint_ends_it_as_well() {
    let site = Site::with_entities();
    let mut service = Service::start(&site);
    service.signal(Signal::INT);
    assert!(service.wait().success());
}
