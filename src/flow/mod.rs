//! Floor 4: use cases, each a list of steps. No HTTP, no SQL, no environment; time, randomness and the state to read are
//! given.

#[cfg(feature = "service")]
pub mod enrol;
pub mod explain;
#[cfg(feature = "service")]
pub mod issue;
#[cfg(feature = "service")]
pub mod issue_certificate;
#[cfg(feature = "service")]
pub mod key_ring;
#[cfg(feature = "service")]
pub mod load_key;
#[cfg(feature = "service")]
pub mod new_files;
#[cfg(feature = "service")]
pub mod new_key;
#[cfg(feature = "service")]
pub mod policy;
#[cfg(feature = "service")]
pub mod publish;
#[cfg(feature = "service")]
pub mod rate_limit;
#[cfg(feature = "service")]
pub mod refusal;
#[cfg(feature = "service")]
pub mod register;
#[cfg(feature = "service")]
pub mod rotate;
pub mod route_rules;
#[cfg(feature = "service")]
pub mod set_up;
pub mod verify;
#[cfg(feature = "live")]
pub mod verify_live;
