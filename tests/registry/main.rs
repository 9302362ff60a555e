//! A registry from the outside: the real binary, over TLS, asked as participants ask, and as nobody should.

#![cfg(test)]

mod administered;
mod asker;
mod attacks;
#[path = "../it/client.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod client;
mod life;
mod operations;
mod operator;
#[path = "../it/ports.rs"]
mod ports;
mod refusals;
mod set;
mod site;
