//! bob-auth: authentication for BoB, the Swedish standard for public-transport tickets.
//!
//! # The floors
//!
//! A lower floor never imports a higher one, and siblings on one floor do not import each other; `tests/floors.rs`
//! reads the table below and holds the sources against it.
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 0 | `value` | the words of the field as types |
//! | 3 | `store` | participants, entities, certificates, keys and the audit trail in SQLite, and the snapshot of them |

#[cfg(feature = "service")]
pub mod store;
pub mod value;
