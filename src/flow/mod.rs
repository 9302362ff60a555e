//! Floor 4: use cases, each a list of steps. No HTTP, no SQL, no environment; time, randomness and the state to read are
//! given.

pub mod enrol;
pub mod issue;
pub mod issue_certificate;
pub mod key_ring;
pub mod load_key;
pub mod new_files;
pub mod new_key;
pub mod policy;
pub mod rate_limit;
pub mod refusal;
pub mod set_up;
