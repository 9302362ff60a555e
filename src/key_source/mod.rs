//! Floor 3: where a verifier's keys come from, and the set in force that every verification reads. What a key set *is*, and
//! how a signed one is checked, is in `protocol`.

mod current;

pub use current::{CurrentKeys, Held, NoKeys};
