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
//! | 2 | `protocol` | what BoB and its neighbours say on the wire; pure, no I/O |

pub mod protocol;
pub mod value;
