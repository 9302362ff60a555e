//! Floor 0: the words of the field as types.
//!
//! A value here is canonical from its construction on: it is parsed once at the edge, holds one form, and prints that
//! form. Nothing here does I/O, hashes, or knows what a token is.

mod class;
mod compact_jws;
mod entity_id;
mod fingerprint;
mod kid;
mod pid;
mod steady;
mod text;
pub mod time;
mod trusted_peers;

pub use class::{Class, ClassError};
pub use compact_jws::CompactJws;
pub use entity_id::{EntityId, EntityIdError};
pub use fingerprint::{FingerprintError, Sha1Fingerprint, Sha256Fingerprint};
pub use kid::{Kid, KidError};
pub use pid::{Pid, PidError};
pub use steady::{SteadyClock, SteadyTime};
pub use time::{Clock, Lifetime, SystemClock, Timestamp};
pub use trusted_peers::{TrustedPeers, TrustedPeersError};
