//! [`AppError`]: why the service does not start, or did not stop well.

use super::publishing::PublisherError;
use super::registry_source::RegistrySourceError;
use super::tls_slot::IdentityError;
use super::verification::VerificationError;
use crate::store::StoreError;
use crate::web::identity::ProxyIdentityError;
use crate::web::listener::ListenerError;

/// Why the service does not start, or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server certificate of a listener, or its key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A listener.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// What a proxy says in which header.
    #[error("listener.behind_proxy: {0}")]
    ProxyIdentity(#[from] ProxyIdentityError),
    /// The verification.
    #[error(transparent)]
    Verification(#[from] VerificationError),
    /// The registry's set.
    #[error(transparent)]
    Registry(#[from] RegistrySourceError),
    /// What proves to the registry who we are.
    #[error(transparent)]
    Publisher(#[from] PublisherError),
    /// The counters.
    #[error("the metrics could not be set up: {0}")]
    Metrics(String),
    /// The system.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}
