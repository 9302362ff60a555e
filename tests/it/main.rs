//! The program from outside: the real binary over real TLS and HTTP, one module per topic. Everything runs on 127.0.0.1
//! with ports that the system chooses, in directories of its own, and any number of tests at once.

#![cfg(test)]
#![cfg(feature = "service")]

mod client;
mod jwt;
mod ports;
mod process;
#[path = "../registry/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod registry_site;
mod site;
mod verify_site;

mod behind_proxy;
mod certificates;
mod durability;
mod entities;
mod explain;
mod handshake;
mod internal;
mod limits;
mod logs;
mod odd_curves;
mod participants;
mod problems;
mod proxy_doors;
mod registry_problems;
mod reload;
mod shutdown;
mod token;
mod verify_answers;
mod verify_batch;
mod verify_life;
mod verify_metadata;
mod verify_problems;
mod verify_published;
mod verify_reasons;
mod verify_registry;
mod verify_rules;
mod wire;
