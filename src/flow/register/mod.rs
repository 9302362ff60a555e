//! The register behind the Participant Metadata API: what participants publish with proof of possession, what the
//! administering body decides about them, and the signed set of all of it. Who the caller is was proven by the caller of
//! this module; paths, statuses and headers are not known here.
//!
//! | file | what lives there |
//! |---|---|
//! | `handle` | [`Register`], from which everything begins |
//! | `request` | what a participant asks for |
//! | `outcome` | what came of it, or why not |
//! | `perform` | the operations of the API |
//! | `wish`, `rules` | bodies read, and what the register demands beyond their form |
//! | `fulfil` | changes made |
//! | `content` | JSON put together |
//! | `built` | the set as it is served |
//! | `build` | how it is made |
//! | `anchors` | the keys that sign it |
//! | `admin` | who takes part |
//! | `document` | the whole register as one document |

mod admin;
mod anchors;
mod build;
mod built;
mod content;
mod document;
mod fulfil;
mod handle;
mod outcome;
mod perform;
mod request;
mod rules;
#[cfg(test)]
mod tests;
mod wish;

pub use admin::MetadataKeyFault;
pub use anchors::{AnchorFault, AnchorRoom, NewAnchor};
pub use build::{BuildError, Built, SelfCheck, SetRules};
pub use built::BuiltSet;
pub use document::{ExportError, ImportError};
pub use handle::{Limits, Register, Revisions};
pub use outcome::{Done, Etag, Refused};
pub use request::{IfMatch, Request};

pub use crate::store::register::ProofMark;
