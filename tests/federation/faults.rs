//! The registry, or the way to it, fails at every stage of a life.

use std::thread;
use std::time::Duration;

use crate::front::Fault;
use crate::partner::Seen;
use crate::process::until;
use crate::union::Union;

/// Whenever a key comes into another state, the way to the registry is like this for two seconds.
fn life_with(fault: Fault) -> (Union, Seen) {
    let union = Union::new();
    let service = union.serve();
    union.settle();
    let clients = union.partner.clients(&union.services());
    union.through_a_life(|| {
        union.front.set(fault);
        thread::sleep(Duration::from_secs(2));
        union.front.set(Fault::None);
    });
    let seen = clients.content();
    union.check_stories();
    drop(service);
    (union, seen)
}

#[test]
fn a_registry_that_is_down_slow_or_lies_delays_a_life_and_nothing_else() {
    use Fault::{Down, Errors, Forged, OldSet, Silent, Slow};
    // Some at once: each of them mostly waits.
    for faults in [[Down, Slow, Silent], [Errors, Forged, OldSet]] {
        thread::scope(|scope| {
            for fault in faults {
                scope.spawn(move || {
                    let (_, seen) = life_with(fault);
                    assert!(seen.kids.len() >= 2, "{fault:?}: {seen:?}");
                });
            }
        });
    }
}

#[test]
fn a_registry_that_is_killed_is_an_alarm_and_tokens_go_on() {
    let mut union = Union::new();
    let service = union.serve();
    union.settle();
    let clients = union.partner.clients(&union.services());
    union.kill_registry();
    union.site.run(&["key", "generate"]);
    let is_told = |what: &str| service.lines().iter().any(|line| line["message"] == what);
    until("it is an alarm", || is_told("a step in the life of a key has failed for too long").then_some(()));
    let blocked = |service: &crate::process::Service| service.metric_sum("bob_auth_rotation_blocked");
    assert!(blocked(&service) > 0.5);
    let before = clients.seen().verified;
    until("tokens are issued and verified", || (clients.seen().verified > before + 20).then_some(()));
    union.start_registry();
    union.through_a_life(|| {});
    clients.content();
    union.check_stories();
    assert!(is_told("a step in the life of a key fails no more"));
    until("all is well", || (blocked(&service) < 0.5).then_some(()));
}

#[test]
fn a_last_good_set_that_cannot_be_kept_delays_nothing() {
    let union = Union::new();
    // A file where the directory should be refuses every write, as a full disk does, also to the superuser.
    std::fs::write(union.site.file("full"), "").unwrap();
    union.site.configure("[registry]\ncache = 'full/metadata.jws'\n");
    let service = union.serve();
    union.settle();
    let clients = union.partner.clients(&union.services());
    union.through_a_life(|| {});
    clients.content();
    union.check_stories();
    union.front.set(Fault::Down);
    union.kill(service);
    let service = union.serve();
    let clients = union.partner.clients(&union.services());
    until("tokens are issued without any set", || (clients.seen().verified > 20).then_some(()));
    clients.content();
    drop(service);
}
