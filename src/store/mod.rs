//! Floor 3: what the service remembers, in SQLite, and the snapshot of it that answers requests.
//!
//! [`Store`] is the handle: one file per noun adds its records and methods to it. An administrative change, its audit row
//! and the step of the revision are one transaction, acknowledged when it is on the disk. [`Directory`] is the part that
//! a token request needs, read whole into memory; it is never patched, a changed revision means a new one.
//! [`AuditSink`] takes the rows of requests without ever making one wait.
//!
//! [`register`] is the register of an administering body, in tables of its own: whoever runs no registry has empty ones.
//!
//! Nothing here decides who may have a token; certificates and keys are opaque bytes and text here.

mod audit;
mod audit_row;
mod audit_writer;
mod certificates;
mod directory;
mod directory_load;
mod entities;
mod error;
pub mod key_files;
mod key_life;
mod key_state;
mod key_steps;
mod keys;
mod lease;
mod owner;
mod participants;
pub mod register;
mod revision;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

pub use audit::{AuditEntry, AuditFilter};
pub use audit_row::{AuditResult, AuditRow, Source};
pub use audit_writer::{AuditSink, AuditWriter, Pace};
pub use certificates::{Certificate, CertificateFilter, CertificateState, Enrolled, Fingerprint};
pub use directory::{CertificateView, Directory, EntityIndex, EntityView, Expiry, OwnerView, ParticipantDirectory};
pub use entities::{Entity, EntityFilter, EntityPatch, EntityState};
pub use error::{Conflict, Noun, Result, StoreError};
pub use key_life::{Activation, KeyLife, KeyNews, Waited};
pub use key_state::KeyState;
pub use keys::AuthtokenKey;
pub use lease::Lease;
pub use owner::Owner;
pub use participants::{Participant, ParticipantPatch};
pub use schema::{Access, Change, Store};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, Cursor> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page goes on; `None` on the last page.
    pub next: Option<Cursor>,
}
