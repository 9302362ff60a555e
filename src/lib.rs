//! bob-auth: authentication for BoB, the Swedish standard for public-transport tickets.
//!
//! A client proves possession of a certificate's key in a TLS handshake and gets a short-lived signed token that holds
//! the certificate's fingerprint (`bobHok`) and an authorisation class (`bobAuthZ`).
//!
//! # The floors
//!
//! A lower floor never imports a higher one, and siblings on one floor do not import each other; `tests/floors.rs`
//! reads the table below and holds the sources against it.
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 0 | `value` | the words of the field as types |
//! | 1 | `crypto` | digests, certificates, keys and signatures: typed faces of libraries |
//! | 2 | `https` | asking other services over HTTP, protected and bounded |
//! | 2 | `protocol` | what BoB and its neighbours say on the wire, pure |
//! | 3 | `key_source` | where a verifier's keys come from, and the set in force |
//! | 3 | `registry_client` | asking the registry in a participant's name |
//! | 3 | `store` | what is remembered (SQLite, key files), and the snapshot of it that answers requests |
//! | 4 | `flow` | use cases, each a list of steps; no HTTP, no SQL, no environment |
//! | 5 | `config` | the configuration, the only reader of its file and of the environment |
//! | 6 | `web` | the HTTP face, the only place that knows actix-web |
//! | 6 | `telemetry` | the log |
//! | 7 | `app` | the wiring: settings to a running service, reloads, the end |
//! | 8 | `cli` | the command line, one file per family of verbs |
//!
//! # The walk of a token request
//!
//! `web::tls` reads the certificate once per connection; `web::public` finds the route; `web::token` asks `web::peer` who
//! is there and calls [`flow::issue`](crate::flow::issue::issue); its outcome becomes answer, audit row, metrics and
//! access line.
//!
//! # Features
//!
//! `service` (default) is the whole program. Without it the crate is the library that verifies tokens
//! ([`flow::verify`]); `live` adds keys that are fetched, `actix` the face for services on actix-web.
//! `vendored-openssl` or `aws-lc` builds a TLS library in, in place of the system's OpenSSL.

#[cfg(all(feature = "vendored-openssl", feature = "aws-lc"))]
compile_error!("`vendored-openssl` and `aws-lc` are two TLS libraries for one place: choose one of them");

#[cfg(feature = "service")]
pub mod app;
#[cfg(feature = "service")]
pub mod cli;
#[cfg(feature = "service")]
pub mod config;
pub mod crypto;
pub mod flow;
#[cfg(feature = "live")]
pub mod https;
pub mod key_source;
pub mod protocol;
#[cfg(feature = "service")]
pub mod registry_client;
#[cfg(feature = "service")]
pub mod store;
#[cfg(feature = "service")]
pub mod telemetry;
pub mod value;
#[cfg(feature = "actix")]
pub mod web;
