//! The whole system: a registry, a token service that moves its keys by itself, and a partner that knows nothing but the
//! registry's sets. While keys come and go, whatever fails, no token is refused. Everything runs on 127.0.0.1, in
//! directories of its own, and ends with its test.

#![cfg(test)]
#![cfg(feature = "service")]

#[path = "../it/client.rs"]
#[expect(dead_code, reason = "one client for all; not every test needs all of it")]
mod client;
mod front;
mod moved_clock;
mod partner;
#[path = "../it/ports.rs"]
mod ports;
#[path = "../it/process.rs"]
#[expect(dead_code, reason = "one way to run the service; not every test needs all of it")]
mod process;
#[path = "../registry/site.rs"]
#[expect(dead_code, reason = "one kind of registry; not every test needs all of it")]
mod registry_site;
#[path = "../it/site.rs"]
#[expect(dead_code, reason = "one kind of site; not every test needs all of it")]
mod site;
mod union;

mod by_hand;
mod clocks;
mod crashes;
mod faults;
mod interference;
mod metrics;
mod rotation;
