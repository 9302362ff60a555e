//! [`TlsSlot`]: the server certificate of one listener, between its files and its acceptor.

use std::sync::Arc;

use crate::config::TlsFiles;
use crate::store::key_files::{KeyFileError, read_private};
use crate::value::Timestamp;
use crate::web::tls::{CurrentIdentity, ServerIdentity, TlsError};

/// The server certificate of one listener: which files, what was read, what is in force.
pub(super) struct TlsSlot {
    pub(super) listener: &'static str,
    pub(super) files: TlsFiles,
    pub(super) identity: ServerIdentity,
    pub(super) current: Arc<CurrentIdentity>,
}

/// Why the certificate of a listener is not served.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file of the private key: missing, or open to others.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// What is in the files.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl TlsSlot {
    pub(super) fn read(listener: &'static str, files: &TlsFiles) -> Result<Self, IdentityError> {
        let identity = read_identity(files)?;
        Ok(Self { listener, files: files.clone(), identity, current: Arc::default() })
    }
}

/// Reads certificate and key, unless others could have read the key too.
pub(super) fn read_identity(files: &TlsFiles) -> Result<ServerIdentity, IdentityError> {
    read_private(&files.private_key)?;
    Ok(ServerIdentity::read(files)?)
}

/// Which server certificate each TLS listener has, and until when.
pub(super) fn server_certificates(slots: &[TlsSlot]) -> Vec<(String, Timestamp)> {
    slots.iter().map(|slot| (slot.listener.to_owned(), slot.identity.not_after)).collect()
}
