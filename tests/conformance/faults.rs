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

/// What is expected of one fault: the check that finds it, how that comes out (`fail` or `warning`), and the other checks that are
/// broken with it; without those nobody looks at them.
pub(crate) struct Expected {
    pub(crate) check: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) also: Option<&'static [&'static str]>,
}

/// Examines a server with each of these faults; the check that it names must have this outcome.
pub(crate) fn each_is_found<F: Sync>(
    faults: &[F],
    names: impl Fn(&F) -> (&'static str, &'static str) + Sync,
    examine: impl Fn(&F) -> Findings + Sync,
) {
    let expected = |fault: &F| {
        let (check, outcome) = names(fault);
        Expected { check, outcome, also: None }
    };
    each_is_as_expected(faults, expected, examine);
}

/// Examines a server with each of these faults; what was expected of it must come out, and nothing else.
pub(crate) fn each_is_as_expected<F: Sync>(
    faults: &[F],
    expected: impl Fn(&F) -> Expected + Sync,
    examine: impl Fn(&F) -> Findings + Sync,
) {
    let (next, missed) = (Mutex::new(faults.iter()), Mutex::new(Vec::new()));
    let work = || {
        while let Some(fault) = { next.lock().unwrap().next() } {
            if let Some(what) = unlike(&expected(fault), &examine(fault)) {
                missed.lock().unwrap().push(what);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "not as expected:\n{}", missed.join("\n"));
}

/// In what the findings are not those that were expected.
fn unlike(expected: &Expected, findings: &Findings) -> Option<String> {
    let (check, found) = (expected.check, findings.of(expected.check));
    let code = i32::from(!findings.with("fail").is_empty());
    if found.0 != expected.outcome || findings.code != code {
        return Some(format!("{check}: {found:?}, exit code {}", findings.code));
    }
    let broken = [findings.with("fail"), findings.with("warning")].concat();
    let others: BTreeSet<&str> = broken.into_iter().map(|(id, _)| id).filter(|id| *id != check).collect();
    let also = expected.also?;
    let unlike = others != also.iter().copied().collect();
    unlike.then(|| format!("{check}: broken besides it {others:?}, expected {also:?}"))
}
