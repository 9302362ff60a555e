//! [`TlsSlot`]: the server certificate of one listener, between its files and its acceptor.

use std::sync::Arc;

use crate::config::TlsFiles;
use crate::store::key_files::{KeyFileError, read_private};
use crate::value::Timestamp;
use crate::web::metrics::{ProcessMetrics, Reload};
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

/// Reads every certificate again; a faulty one leaves the old one in force.
pub(super) fn reload_certificates(slots: &mut [TlsSlot], metrics: &ProcessMetrics) {
    for slot in &mut *slots {
        let listener = slot.listener;
        let replaced =
            read_identity(&slot.files).and_then(|identity| Ok(slot.current.replace(&identity).map(|()| identity)?));
        match replaced {
            Ok(identity) => {
                tracing::info!(listener, not_after = %identity.not_after, "server certificate read");
                slot.identity = identity;
                metrics.reloaded("certificate", Reload::Done);
            }
            Err(error) => {
                tracing::error!(listener, %error, "the server certificate is faulty; the old one stays in force");
                metrics.reloaded("certificate", Reload::Failed);
            }
        }
    }
    metrics.set_server_certificates(server_certificates(slots));
}
