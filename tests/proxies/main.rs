//! nginx, HAProxy and Apache httpd themselves, each with what `bob-auth proxy-config` prints, between a client and this
//! program. `scripts/setup --for test` installs them. Everything runs on 127.0.0.1, in directories of its own, and ends with
//! its test.

#![cfg(test)]

#[path = "../it/client.rs"]
#[expect(dead_code, reason = "one client for all; not every test needs all of it")]
mod client;
#[path = "../it/ports.rs"]
mod ports;
#[path = "../conformance/probe.rs"]
#[expect(dead_code, reason = "one way to run the probe; here nothing is wrong on purpose")]
mod probe;
#[path = "../it/process.rs"]
#[expect(dead_code, reason = "one way to run the service; not every test needs all of it")]
mod process;
#[path = "../it/site.rs"]
#[expect(dead_code, reason = "one kind of site; not every test needs all of it")]
mod site;

mod certificates;
mod partner;
mod proxy;
mod upstream;

mod conformance;
mod doctor;
mod forged;
mod rules;
mod token_service;
mod traffic;
mod verified;
