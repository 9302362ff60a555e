//! The load bench: the real binary over real mutual TLS, the service on one core and its clients on the other.
//!
//! Run it with `cargo bench --bench load`, or one part with `cargo bench --bench load -- keep-alive`. Figures are per
//! core: a million over the CPU microseconds that the whole service process spent per request, and ratios between figures
//! of the same run. docs/performance.md explains them.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench ends with a message when its ground gives way, prints, and reckons in floating point"
)]

mod client;
mod guarded;
mod measure;
mod parts;
mod registry;
mod site;
mod verification;

use std::time::Duration;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(4);

fn main() {
    // The service that is measured runs in a process of its own: this one, called again.
    if let Some(directory) = std::env::args().skip_while(|word| word != guarded::ROLE).nth(1) {
        guarded::serve(directory.as_ref());
        return;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let run = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    println!("OpenSSL: {}; service on core 0, clients on core 1; {SPAN:?} per figure\n", openssl::version::version());
    measure::pin_to_core(1);
    let raw = parts::raw_signing(SPAN);
    if run("keep-alive") {
        parts::keep_alive(SPAN, &raw);
    }
    if run("fresh") {
        parts::fresh_connections(SPAN);
    }
    if run("latency") {
        parts::latency(SPAN);
    }
    if run("memory") {
        parts::memory();
    }
    if run("guard") {
        verification::guard(SPAN);
    }
    if run("forward-auth") {
        verification::forward_auth(SPAN);
    }
    if run("key-sets") {
        verification::key_sets();
    }
    if run("registry") {
        registry::figures(SPAN, &raw);
    }
    if run("start") {
        parts::start_up();
    }
}
