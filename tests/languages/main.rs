//! The examples in other languages, as they stand in examples/clients and examples/verifiers, with the service, nginx and the
//! verify server that they are written for. Where a language is not installed its tests say so and pass; nothing is installed
//! for them. Everything runs on 127.0.0.1, in directories of its own, and ends with its test.

#![cfg(test)]

#[path = "../it/client.rs"]
#[expect(dead_code, reason = "one client for all; not every test needs all of it")]
mod client;
#[path = "../it/ports.rs"]
mod ports;
#[path = "../it/process.rs"]
#[expect(dead_code, reason = "one way to run the service; not every test needs all of it")]
mod process;
#[path = "../proxies/proxy.rs"]
#[expect(dead_code, reason = "here it is always nginx")]
mod proxy;
#[path = "../it/site.rs"]
mod site;
#[path = "../proxies/upstream.rs"]
mod upstream;

mod language;
mod running;
mod scene;

mod clients;
mod verifiers;
