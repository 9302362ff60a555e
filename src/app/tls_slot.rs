//! [`TlsSlot`]: the server certificate of one listener, between its files and its acceptor.

use std::sync::Arc;

use crate::config::TlsFiles;
use crate::value::Timestamp;
use crate::web::listener::ListenerError;
use crate::web::tls::{CurrentIdentity, ServerIdentity};

/// The server certificate of one listener: which files, what was read, what is in force.
pub(super) struct TlsSlot {
    pub(super) listener: &'static str,
    pub(super) files: TlsFiles,
    pub(super) identity: ServerIdentity,
    pub(super) current: Arc<CurrentIdentity>,
}

impl TlsSlot {
    pub(super) fn read(listener: &'static str, files: &TlsFiles) -> Result<Self, ListenerError> {
        let identity = ServerIdentity::read(files)?;
        Ok(Self { listener, files: files.clone(), identity, current: Arc::default() })
    }
}

/// Which server certificate each TLS listener has, and until when.
pub(super) fn server_certificates(slots: &[TlsSlot]) -> Vec<(String, Timestamp)> {
    slots.iter().map(|slot| (slot.listener.to_owned(), slot.identity.not_after)).collect()
}
