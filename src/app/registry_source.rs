//! The registry's metadata set as a source of keys: for verification, for the life of our own keys, or for both at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::web;

use crate::config::{RegistryOrigin, RegistrySettings};
use crate::key_source::{KeySource, KeySourceBuilder, KeySourceError, MetadataKeeping, OriginKind};
use crate::protocol::metadata::{AnchorError, TrustAnchors};
use crate::value::Clock;
use crate::web::forward_auth::ForwardAuth;

/// The files that say whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RegistryFiles {
    trust: Vec<u8>,
    ca: Option<Vec<u8>>,
}

/// The source that has the registry's set, whoever runs it: two would fetch twice what is one set.
#[derive(Clone)]
pub(super) enum RegistryKeys {
    /// The verification's, which a reload may replace.
    OfVerification(web::Data<ForwardAuth>),
    /// One of its own.
    Own(Arc<Running>),
}

/// A source that is kept fresh for as long as this lives.
pub(super) struct Running {
    source: Arc<KeySource>,
    task: JoinHandle<()>,
}

/// Why there is no such source.
#[derive(Debug, thiserror::Error)]
pub enum RegistrySourceError {
    /// A file with trust anchors or a CA.
    #[error("{path} cannot be read: {error}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The trust anchors.
    #[error("registry.trust: {path}: {error}")]
    Anchors {
        /// Their file.
        path: PathBuf,
        /// Why.
        error: AnchorError,
    },
    /// The set.
    #[error("[registry]: {0}")]
    Keys(#[from] KeySourceError),
}

impl RegistryFiles {
    pub(super) fn read(origin: &RegistryOrigin) -> Result<Self, RegistrySourceError> {
        let read =
            |path: &Path| fs::read(path).map_err(|error| RegistrySourceError::Read { path: path.to_owned(), error });
        Ok(Self { trust: read(&origin.trust)?, ca: origin.ca.as_deref().map(read).transpose()? })
    }

    /// The anchors, with a warning of those that everybody can sign with.
    fn anchors(&self, origin: &RegistryOrigin) -> Result<TrustAnchors, RegistrySourceError> {
        let anchors = TrustAnchors::parse(&self.trust, origin.environment)
            .map_err(|error| RegistrySourceError::Anchors { path: origin.trust.clone(), error })?;
        for (kid, printed_in) in anchors.examples() {
            tracing::warn!(%kid, printed_in, "everybody can sign with this trust anchor of the registry; for tests only");
        }
        Ok(anchors)
    }

    /// The source with this origin besides its others. `read_only`: the last good set on disk is left as it is.
    pub(super) fn origin_of(
        &self,
        builder: KeySourceBuilder,
        origin: &RegistryOrigin,
        read_only: bool,
    ) -> Result<KeySourceBuilder, RegistrySourceError> {
        let keeping = MetadataKeeping {
            file: Some(origin.cache.clone()),
            read_only,
            grace: origin.grace,
            refresh: Some(origin.refresh),
            timeout: Some(origin.timeout),
        };
        Ok(builder.metadata_url(origin.set_url(), self.ca.clone(), self.anchors(origin)?, keeping))
    }
}

/// What is wrong with the registry's trust anchors and CA: key of the configuration, problem, remedy. Nobody is asked.
pub(super) fn check_trust(origin: &RegistryOrigin) -> Option<(String, String, &'static str)> {
    let error = RegistryFiles::read(origin).and_then(|files| files.anchors(origin)).err()?;
    Some(("registry.trust".to_owned(), error.to_string(), "get the trust anchors anew, out of band"))
}

/// The registry's set by itself. A registry that is down keeps nobody from starting.
pub async fn registry_source(
    settings: &RegistrySettings,
    clock: Arc<dyn Clock>,
    seed: u64,
) -> Result<Arc<KeySource>, RegistrySourceError> {
    Ok(alone(settings)?.build(clock, seed).await?)
}

/// The same, for somebody who only looks: nothing is written.
pub async fn registry_source_to_look(
    settings: &RegistrySettings,
    clock: Arc<dyn Clock>,
    seed: u64,
) -> Result<Arc<KeySource>, RegistrySourceError> {
    let origin = settings.origin();
    let builder = KeySource::builder().allow_unreachable_start(true);
    let builder = RegistryFiles::read(&origin)?.origin_of(builder, &origin, true)?;
    Ok(builder.build(clock, seed).await?)
}

fn alone(settings: &RegistrySettings) -> Result<KeySourceBuilder, RegistrySourceError> {
    let origin = settings.origin();
    let builder = KeySource::builder().allow_unreachable_start(true);
    RegistryFiles::read(&origin)?.origin_of(builder, &origin, false)
}

impl RegistryKeys {
    /// The verification's source if it has the registry's set, and otherwise one of its own.
    pub(super) async fn start(
        settings: &RegistrySettings,
        verification: Option<&web::Data<ForwardAuth>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RegistrySourceError> {
        let shared = verification.map(|state| Self::OfVerification(state.clone()));
        if let Some(shared) = shared.filter(|shared| shared.current().is_some()) {
            return Ok(shared);
        }
        // Tokens are not to wait for the registry.
        let source = alone(settings)?.wait_at_start(Duration::ZERO);
        let source = source.build(clock, u64::from(std::process::id())).await.map_err(RegistrySourceError::Keys)?;
        let running = source.clone();
        let task = actix_web::rt::spawn(async move { match running.run().await {} });
        Ok(Self::Own(Arc::new(Running { source, task })))
    }

    /// The source, if nobody else tells how it is doing.
    pub(super) fn own(&self) -> Option<Arc<KeySource>> {
        match self {
            Self::Own(running) => Some(running.source.clone()),
            Self::OfVerification(_) => None,
        }
    }

    /// The source as of now; none if a reload has taken the registry out of the verification that had it.
    pub(super) fn current(&self) -> Option<Arc<KeySource>> {
        let source = match self {
            Self::Own(running) => running.source.clone(),
            Self::OfVerification(state) => state.in_force().verifier.source()?.clone(),
        };
        source.status().iter().any(|origin| origin.kind == OriginKind::MetadataUrl).then_some(source)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
