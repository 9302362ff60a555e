//! [`StoreError`], by culprit: the caller, the file, the disk, or the data. SQLite's result codes are read here only.

use std::path::PathBuf;

use crate::value::{EntityId, Kid, Pid, Sha1Fingerprint};

use super::key_state::KeyState;
use super::owner::Owner;
use super::register::RegisterFault;

/// What this module returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The caller named something that is not there.
    #[error("there is no {0}")]
    NotFound(Noun),
    /// The caller's change contradicts what is there.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The same, in the register.
    #[error(transparent)]
    Register(#[from] RegisterFault),
    /// The caller gave a value that no record may have.
    #[error("{field}: {rule}")]
    Invalid {
        /// Which field of the record.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A store is to be made where a file is already.
    #[error("{} exists already and is left as it is", .0.display())]
    Exists(PathBuf),
    /// There is no file at the path.
    #[error("there is no store at {}; `bob-auth init` makes one", .0.display())]
    Missing(PathBuf),
    /// The file is something else.
    #[error("{} is not a bob-auth store", .0.display())]
    NotAStore(PathBuf),
    /// The store was made or upgraded by a newer program.
    #[error(
        "the store has schema {found}, this program knows schemas up to {known}: \
         run the newer bob-auth, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// The schema in the file.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// The store has an older schema and may not be written, so that it cannot be upgraded.
    #[error(
        "the store has schema {found} and needs schema {known}, but it is read-only: \
         make it writable for one start, or upgrade it with any bob-auth command that changes it"
    )]
    OlderSchema {
        /// The schema in the file.
        found: i64,
        /// The schema needed.
        known: i64,
    },
    /// The file or its directory may not be written.
    #[error("the store is read-only")]
    ReadOnly,
    /// The file, or the helper files beside it, may not be opened.
    #[error("the store cannot be opened: the permissions of its file or directory forbid it")]
    Forbidden,
    /// Changes wait in the write-ahead log, which cannot be read where the directory is read-only.
    #[error("the store's directory is read-only and {} holds changes that cannot be read from there", .0.display())]
    UnreadableLog(PathBuf),
    /// Another process held the store for longer than the five seconds of patience.
    #[error("the store is in use by another process for too long")]
    Busy,
    /// The disk is full, or refuses writes.
    #[error("the store cannot be written: the disk is full or failing")]
    Full,
    /// What is in the file contradicts its schema.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The file system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Anything else that SQLite says.
    #[error("the store failed: {0}")]
    Database(#[source] sqlx::Error),
}

/// A thing that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Noun {
    /// A participant.
    #[error("participant {0}")]
    Participant(Pid),
    /// An entity of a participant.
    #[error("entity {id} of participant {pid}")]
    Entity {
        /// The participant.
        pid: Pid,
        /// The entity.
        id: EntityId,
    },
    /// A certificate, by its fingerprint in hex.
    #[error("certificate {0}")]
    Certificate(String),
    /// A key of a participant.
    #[error("key {kid} of participant {pid}")]
    Key {
        /// The participant.
        pid: Pid,
        /// The key.
        kid: Kid,
    },
}

/// A contradiction between a change and what is in the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// The participant is there already.
    #[error("participant {0} exists already")]
    ParticipantExists(Pid),
    /// Another participant has the host.
    #[error("the host {host} belongs to participant {pid}")]
    HostTaken {
        /// The host.
        host: String,
        /// Whose it is.
        pid: Pid,
    },
    /// Another participant has the base path.
    #[error("the base path {base_path} belongs to participant {pid}")]
    BasePathTaken {
        /// The base path.
        base_path: String,
        /// Whose it is.
        pid: Pid,
    },
    /// A participant with possessions cannot be removed.
    #[error(
        "participant {pid} has {entities} entities, {certificates} certificates (revoked ones included) and {keys} keys"
    )]
    ParticipantInUse {
        /// The participant.
        pid: Pid,
        /// How many entities.
        entities: i64,
        /// How many certificates, also revoked ones.
        certificates: i64,
        /// How many keys, also retired ones.
        keys: i64,
    },
    /// The entity is there already.
    #[error("entity {id} of participant {pid} exists already")]
    EntityExists {
        /// The participant.
        pid: Pid,
        /// The entity.
        id: EntityId,
    },
    /// One certificate cannot serve two owners.
    #[error("the certificate is already enrolled for {owner} of participant {pid}")]
    CertificateTaken {
        /// The participant of its owner.
        pid: Pid,
        /// Its owner.
        owner: Owner,
    },
    /// A revoked certificate cannot be enrolled again, by anybody.
    #[error("the certificate {sha1} has been revoked and cannot be enrolled again; make a new one")]
    CertificateRevoked {
        /// Its fingerprint.
        sha1: Sha1Fingerprint,
    },
    /// Two different certificates with one SHA-1: one of them was made to impersonate.
    #[error(
        "another certificate with the SHA-1 {sha1} is enrolled, but its SHA-256 differs: this is an attack or an error"
    )]
    Sha1Collision {
        /// The common fingerprint.
        sha1: Sha1Fingerprint,
    },
    /// A kid is used once.
    #[error("participant {pid} has or had a key {kid}; a kid is never used again")]
    KidUsed {
        /// The participant.
        pid: Pid,
        /// The kid.
        kid: Kid,
    },
    /// One key on its way to sign is enough.
    #[error("the key {kid} of participant {pid} is on its way to sign already")]
    SuccessorExists {
        /// The participant.
        pid: Pid,
        /// The key.
        kid: Kid,
    },
    /// A key that others may know does not come to sign.
    #[error("others may know the key {0}: it must not sign")]
    Distrusted(Kid),
    /// Somebody else took this step meanwhile.
    #[error("the step {step} of the key {kid} was taken already")]
    StepTaken {
        /// The key.
        kid: Kid,
        /// The action of the audit trail.
        step: &'static str,
    },
    /// The key is in a state from which this step is not possible.
    #[error("the key {kid} is {state} and cannot become {wanted}")]
    KeyState {
        /// The key.
        kid: Kid,
        /// Its state.
        state: KeyState,
        /// The state that was asked for.
        wanted: KeyState,
    },
}

impl StoreError {
    /// The extended result code of SQLite behind this error, if there is one.
    fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
        error.as_database_error()?.code()?.parse().ok()
    }
}

impl From<sqlx::Error> for StoreError {
    /// By SQLite's result codes (<https://www.sqlite.org/rescode.html>), never by their text.
    fn from(error: sqlx::Error) -> Self {
        const IOERR_WRITE: i32 = 778;
        const IOERR_FSYNC: i32 = 1034;
        const IOERR_TRUNCATE: i32 = 1546;
        // The index of the log could not be made or made longer.
        const IOERR_SHMOPEN: i32 = 4618;
        const IOERR_SHMSIZE: i32 = 4874;
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        let Some(code) = Self::sqlite_code(&error) else { return Self::Database(error) };
        match (code, code & 0xff) {
            (IOERR_WRITE | IOERR_FSYNC | IOERR_TRUNCATE | IOERR_SHMOPEN | IOERR_SHMSIZE, _) | (_, 13) => Self::Full,
            (_, 5 | 6) => Self::Busy,
            (_, 8) => Self::ReadOnly,
            (_, 3 | 14) => Self::Forbidden,
            (_, 11 | 26) => Self::Corrupt(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_is_explained_with_both_versions() {
        let text = StoreError::NewerSchema { found: 9, known: 1 }.to_string();
        assert!(text.contains("schema 9") && text.contains("up to 1") && text.contains("restore a backup"), "{text}");
    }
}
