//! The registry's client against a registry that lies in every way, on real sockets; and `bob-auth registry` against
//! `bob-auth registry-server`.

#![cfg(test)]
#![cfg(feature = "service")]
#![expect(clippy::disallowed_methods, reason = "tests are an edge: here time and randomness enter")]

mod lies;
mod lying;
mod publish;
mod refusals;
