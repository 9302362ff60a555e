//! Tables of faults: for each check of the catalogue a server that breaks its rule, and nothing in the table that is no check.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use crate::probe::{Findings, probe};

/// How many servers are examined at once: the probe waits most of the time.
const AT_ONCE: usize = 8;

/// Fails the test unless these are the checks of this kind of server, each at least once.
pub(crate) fn are_the_checks_of(subject: &str, checks: impl IntoIterator<Item = &'static str>) {
    let faults: BTreeSet<String> = checks.into_iter().map(str::to_owned).collect();
    let list = probe(&["checks"]).report;
    let items = list["items"].as_array().unwrap().iter().filter(|item| item["subject"] == subject);
    let ids: BTreeSet<String> = items.map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.difference(&faults).collect::<Vec<_>>(), Vec::<&String>::new(), "checks that nothing breaks");
    assert_eq!(
        faults.difference(&ids).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "faults of checks that there are not"
    );
}

/// Examines a server with each of these faults; the check that it names must have this outcome: `fail` or `warning`.
pub(crate) fn each_is_found<F: Sync>(
    faults: &[F],
    names: impl Fn(&F) -> (&'static str, &'static str) + Sync,
    examine: impl Fn(&F) -> Findings + Sync,
) {
    let (next, missed) = (Mutex::new(faults.iter()), Mutex::new(Vec::new()));
    let work = || {
        while let Some(fault) = { next.lock().unwrap().next() } {
            let (check, outcome) = names(fault);
            let findings = examine(fault);
            let found = findings.of(check);
            let code = i32::from(!findings.with("fail").is_empty());
            if found.0 != outcome || findings.code != code {
                missed.lock().unwrap().push(format!("{check}: {found:?}, exit code {}", findings.code));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
}
