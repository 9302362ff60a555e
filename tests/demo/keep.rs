//! What goes on running can be tried by hand.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::running::{Demo, assert_nothing_left, demo};

#[test]
fn the_lines_that_are_printed_work_and_the_end_is_clean() {
    let mut running = Demo::start(&mut demo(&["--keep", "--json"]));
    let directory = running.directory();
    running.until("it goes on running", |event| event["event"] == "kept");
    let tries: Vec<Value> = running.events().into_iter().filter(|event| event["event"] == "try").collect();
    let blocks: Vec<String> = tries
        .iter()
        .map(|block| {
            block["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
        })
        .collect();
    let (place, rest) = blocks.split_first().unwrap();
    let wanted = [
        &["jwtCompact", "bobHok"][..],
        &["\"entityId\":\"validator37\"", "\"status\":\"open\""],
        &["holder_mismatch"],
        &["payload", "signatures"],
    ];
    assert_eq!(rest.len(), wanted.len(), "{blocks:#?}");
    for (block, words) in rest.iter().zip(wanted) {
        let output = Command::new("sh").arg("-ec").arg(format!("{place}\n{block}")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(words.iter().all(|word| said.contains(word)), "{block}: {said}");
    }
    let servers = running.servers();
    running.signal(Signal::TERM);
    let over = running.over();
    assert_eq!(over.code, Some(0), "{:#?} {}", over.lines, over.stderr);
    assert_eq!(over.event("summary")["ok"], true);
    assert_nothing_left(&directory, &servers, false);
}
