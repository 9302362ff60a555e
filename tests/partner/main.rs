//! The example `partner_api` from outside: a partner's service with the guard before it, and tokens that the real token service
//! issued over mutual TLS. Everything runs on 127.0.0.1, in directories of its own, and ends with its test.

#![cfg(test)]
#![cfg(feature = "service")]

#[path = "../it/client.rs"]
#[expect(dead_code, reason = "one client for all; not every test needs all of it")]
mod client;
mod partner;
#[path = "../conformance/probe.rs"]
#[expect(dead_code, reason = "one way to run the probe; here nothing is wrong on purpose")]
mod probe;
#[path = "../it/process.rs"]
#[expect(dead_code, reason = "one way to run the service; not every test needs all of it")]
mod process;
#[path = "../it/site.rs"]
#[expect(dead_code, reason = "one kind of site; not every test needs all of it")]
mod site;

mod direct;
mod proxied;
mod running;
