//! Floor 4: use cases, each a list of steps. No HTTP, no SQL, no environment; time, randomness and the state to read are
//! given.

pub mod issue;
pub mod key_ring;
pub mod policy;
pub mod rate_limit;
pub mod refusal;
