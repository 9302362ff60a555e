//! `bob-auth conformance` before servers that keep every rule, before servers that break one of them, and before our own: each
//! check has a server that makes it fail, and no right server does.

#![cfg(test)]

mod certificates;
mod fault;
mod faults;
#[path = "../it/ports.rs"]
mod ports;
mod probe;
mod server;

mod api;
mod auth;
mod metadata;
