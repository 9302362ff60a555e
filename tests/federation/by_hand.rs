//! The same steps by commands, without a service that runs.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::union::Union;

/// Everything by hand, and a wait that a test can wait for.
fn union() -> Union {
    let union = Union::new();
    union.site.configure("[rotation]\nautomatic = false\nevery = '90d'\nwait = '2s'\n");
    union
}

fn said(union: &Union, arguments: &[&str]) -> (bool, String) {
    let output = union.site.try_run(arguments);
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn steps(answer: &Value, what: &str) -> Vec<String> {
    answer[what].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_key_that_nobody_can_know_is_activated_by_force_only() {
    let union = union();
    let kid = union.site.json(&["key", "generate"])["kid"].as_str().unwrap().to_owned();
    let (done, text) = said(&union, &["key", "activate", &kid]);
    assert!(!done && text.contains("was not seen in a verified metadata set"), "{text}");

    // It says what it would do, with a code that tells that somebody must look: `init` made a key that nobody knows.
    let (_, text) = said(&union, &["key", "rotate", "--dry-run"]);
    assert!(text.contains(&format!("due: publish {kid}")) && text.contains("ALARM"), "{text}");
    let done: Value = union.site.json(&["key", "rotate"]);
    assert!(steps(&done, "done").iter().any(|step| step == "publish"), "{done}");
    union.until("it was seen", |keys| {
        said(&union, &["key", "rotate"]);
        keys.iter().all(|key| key.life.seen.is_some())
    });
    let (done, text) = said(&union, &["key", "activate", &kid]);
    assert!(done || text.contains("not every verifier can know the key"), "{text}");
    let status = union.site.json(&["key", "status"]);
    assert_eq!(status["items"][1]["kid"], kid.as_str());
    thread::sleep(Duration::from_secs(2));
    if !done {
        union.site.run(&["key", "activate", &kid]);
    }
    let other = union.site.json(&["key", "generate"])["kid"].as_str().unwrap().to_owned();
    union.site.run(&["key", "activate", &other, "--force"]);
    let status = union.site.run(&["key", "status"]);
    assert!(status.contains("retiring") && status.contains("until its last token is over"), "{status}");
}

#[test]
fn in_an_emergency_every_key_is_replaced_within_seconds() {
    let union = union();
    let (_, text) = said(&union, &["key", "rotate"]);
    assert!(text.contains("publish"), "{text}");
    union.settle();
    let old = union.keys()[0].kid.to_string();
    let (_, text) = said(&union, &["key", "rotate", "--emergency"]);
    assert!(text.contains("--yes"), "{text}");
    let done = union.site.json(&["key", "rotate", "--emergency", "--yes"]);
    for step in ["generate", "publish", "mark-seen", "activate", "withdraw"] {
        assert!(steps(&done, "done").iter().any(|taken| taken == step), "{step}: {done}");
    }
    let new = union.keys()[1].kid.to_string();
    crate::process::until("the partner knows the new key only", || {
        (union.partner.knows(&new) && !union.partner.knows(&old)).then_some(())
    });
    let clients = union.partner.clients(&union.services());
    let service = union.serve();
    crate::process::until("tokens of the new key are verified", || (clients.seen().verified > 10).then_some(()));
    assert_eq!(clients.content().kids.into_iter().collect::<Vec<_>>(), [new]);
    drop(service);
}

#[test]
fn a_service_that_leads_is_left_to_take_the_steps() {
    let union = Union::new();
    let service = union.serve();
    union.settle();
    let (_, text) = said(&union, &["key", "rotate"]);
    assert!(text.contains("a running service"), "{text}");
    assert!(service.stop().success());
    let (_, text) = said(&union, &["key", "rotate"]);
    assert!(!text.contains("a running service"), "{text}");
}
