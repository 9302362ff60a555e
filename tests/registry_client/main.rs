//! The registry's client against a registry that lies in every way, on real sockets; and `bob-auth registry` against
//! `bob-auth registry-server`.

#![cfg(test)]
#![cfg(feature = "service")]
#![expect(clippy::disallowed_methods, reason = "tests are an edge: here time and randomness enter")]

mod cli;
mod lies;
mod lying;
mod operations;
#[path = "../it/ports.rs"]
mod ports;
mod publish;
mod refusals;
#[path = "../registry/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod registry_site;
