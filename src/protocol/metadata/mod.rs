//! The participant metadata of BoB (MTS 4, Participant Metadata API 2.3.1): who takes part, with which keys, and where. It is
//! one set, signed by the authority; a key in it counts because a trust anchor signed the set, not because of where the set
//! came from. Fetching, keeping and refreshing sets is not done here.
//!
//! | file | what lives there |
//! |---|---|
//! | `anchors` | the keys of the authority, known out of band |
//! | `envelope` | a set as it came, not trusted |
//! | `set` | signatures verified; the only way to a [`MetadataSet`] |
//! | `header` | serial and end of a set; which set may replace which |
//! | `payload`, `draft`, `entry` | the content, read in one pass: array, participant, entry |
//! | `pass` | what such a pass knows |
//! | `participant` | the content as types |
//! | `free_object` | JSON that is not ours to understand |
//! | `duration` | durations of ISO 8601 |
//! | `changes` | what two sets say differently |
//! | `sign` | sets made |

pub mod anchors;
mod changes;
pub(in crate::protocol) mod draft;
pub mod duration;
pub mod entry;
mod envelope;
mod error;
pub mod free_object;
pub mod header;
pub mod participant;
mod pass;
mod payload;
mod set;
pub mod sign;
#[cfg(test)]
mod tests;

pub use anchors::{AnchorError, Environment, TrustAnchors};
pub use changes::Change;
pub use envelope::SignedSet;
pub use error::MetadataError;
pub use header::{SetHeader, SetTerms};
pub use participant::{
    Endpoint, EndpointCall, Interface, MtbKey, MtbScope, Participant, SignatureConstraint, Skipped, Tlsa, WhySkipped,
};
pub use set::{MetadataSet, SignatureVerdict, SignatureView};
