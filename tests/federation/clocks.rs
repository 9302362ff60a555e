//! Clocks are set while everything runs: forth, back, and right again.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::protocol::metadata::{Environment, SignedSet, TrustAnchors};
use bob_auth::store::KeyState;
use bob_auth::value::{Clock as _, SystemClock};
use chrono::DateTime;

use crate::client::Client;
use crate::moved_clock::MovedClock;
use crate::process::{Service, until};
use crate::union::Union;

#[test]
fn a_token_service_whose_clock_is_set_shortens_no_wait() {
    let union = Union::new();
    union.site.configure("[rotation]\nevery = '8s'\nwait = '6s'\n");
    let clock = MovedClock::new();
    let service = Service::spawn(clock.shown_to(&mut union.site.command(&["serve"])));
    union.services.lock().unwrap().push(service.token());
    union.settle();
    let clients = union.partner.clients(&union.services());
    let first = union.keys()[0].kid.to_string();

    let successor = |state| move |keys: &[bob_auth::store::AuthtokenKey]| keys.len() > 1 && keys[1].state == state;
    union.until("the successor is in the set", successor(KeyState::Seen));
    let seen = Instant::now();
    clock.set(20);
    until_ahead(20, service.token());
    union.until("the successor signs", successor(KeyState::Active));
    assert!(seen.elapsed() > Duration::from_secs(4), "it signs {:?} after it was seen", seen.elapsed());
    // Now the last token of the first key seems to be long over.
    clock.set(40);
    union.until("the first key is withdrawn", |keys| keys[0].state == KeyState::Retired);
    clock.set(-40);
    thread::sleep(Duration::from_secs(3));
    clock.set(0);
    let before = clients.seen().verified;
    until("tokens are issued and verified", || (clients.seen().verified > before + 20).then_some(()));
    assert!(clients.content().kids.contains(&first));
    union.check_stories();
    assert!(service.stop().success());
}

#[test]
fn a_registry_whose_clock_is_set_lowers_no_serial_and_delays_a_life_at_most() {
    let mut union = Union::new();
    let clock = MovedClock::new();
    union.kill_registry();
    union.start_registry_by(&clock);
    let service = union.serve();
    union.settle();
    let clients = union.partner.clients(&union.services());
    let mut highest = serial(&union);
    let mut made = 0;
    union.through_a_life(|| {
        for seconds in [3600, -3600, 0] {
            clock.set(seconds);
            made += 1;
            union.registry_site.add_metadata_key(41, &format!("41:made_{made}"), Algorithm::Es256);
            until_ahead(seconds, union.registry.as_ref().unwrap().address());
            highest = until("a change makes a newer set", || Some(serial(&union)).filter(|serial| *serial > highest));
            thread::sleep(Duration::from_secs(1));
        }
    });
    assert!(made >= 9 && clients.content().kids.len() >= 2);
    union.check_stories();
    assert!(service.stop().success());
}

/// Waits until whoever is there says in `Date` that its clock is so many seconds ahead.
fn until_ahead(seconds: i64, address: SocketAddr) {
    until("the clock is as it was set", || {
        let answer = Client::anonymous().get(address, "/");
        let date = DateTime::parse_from_rfc2822(answer.header("date").unwrap()).unwrap();
        let ahead = date.timestamp() - SystemClock.now().as_seconds();
        ((ahead - seconds).abs() < 3).then_some(())
    });
}

/// Of the set that the registry serves.
fn serial(union: &Union) -> u64 {
    let address = union.registry.as_ref().unwrap().address();
    let answer = until("the set is served", || {
        Some(Client::anonymous().get(address, "/api/v2/participantMetadata")).filter(|answer| answer.status == 200)
    });
    let anchors = std::fs::read(union.registry_site.files().trust).unwrap();
    let anchors = TrustAnchors::parse(&anchors, Environment::Production).unwrap();
    SignedSet::verify_at_any_time(&answer.body, &anchors).unwrap().header().serial
}
