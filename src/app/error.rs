//! [`AppError`]: why the service does not start, or did not stop well.

use super::load::LoadError;
use crate::store::StoreError;
use crate::web::listener::ListenerError;
use crate::web::peer::HeaderNameError;

/// Why the service does not start, or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in the store does not make a service.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A listener.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// A header name.
    #[error("listener.behind_proxy: {0}")]
    Header(#[from] HeaderNameError),
    /// The counters.
    #[error("the metrics could not be set up: {0}")]
    Metrics(String),
    /// The system.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}
