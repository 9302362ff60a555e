//! A report with something of everything in it, and with what a stranger would like to see in it.

use super::content::Report;
use crate::cli::conformance::check::{Check, Subject};
use crate::cli::conformance::ledger::{Judgement, Ledger};
use crate::value::Timestamp;

static KEPT: Check = Check::must("auth.kept", "It is kept.", "BoB Authentication API 1.3.3");
static BROKEN: Check = Check::must("auth.broken", "It is broken.", "BoB Authentication API 1.3.3");
static ADVISED: Check = Check::should("auth.advised", "It should be kept.", "RFC 9110 section 8.8");
static ABSENT: Check = Check::must("auth.absent", "It says nothing here.", "BoB Manual");

pub(super) const EVIL: &str = "status 200 | <script>alert(1)</script> `x` ``` ]]> \" ' & \u{1b}[31m\u{0}\u{202e}\u{fffe} @somebody \\| [a](http://b)\nX-Evil: **b**";

pub(super) fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.enter(&KEPT, "GET https://a.example/", Judgement::holds("status 401"));
    ledger.enter(&BROKEN, "GET https://a.example/?a=<b>&c=\"d\"\nX-A: ````", Judgement::broken(EVIL));
    ledger.enter(&ADVISED, "", Judgement::broken("no ETag"));
    ledger.enter(&ABSENT, "", Judgement::not_applicable("no key was given"));
    ledger
}

pub(super) fn report(ledger: &Ledger) -> Report<'_> {
    Report::new(Subject::Auth, "https://a.example/<i>".to_owned(), Timestamp::from_seconds(1_795_330_811), 7, ledger)
}
