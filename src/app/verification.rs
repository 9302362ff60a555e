//! [`Verification`]: from `[verify]` to a verifier that runs, and to another one when the settings change. Keys, policy and
//! rules come into force together or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::web;

use super::registry_source::{RegistryFiles, RegistrySourceError, check_trust};
use crate::config::{IssuerOrigin, KeyOrigins, VerifyListener, VerifyMode, VerifySettings};
use crate::flow::verify::{BuildError, CacheSize, HolderOfKey, Verifier};
use crate::flow::verify_live::{LiveVerifier, OtherKeys};
use crate::key_source::{KeySource, KeySourceError, read_files};
use crate::protocol::metadata::{AnchorError, Environment, MetadataError, TrustAnchors};
use crate::value::{Pid, SystemClock};
use crate::web::forward_auth::{ForwardAuth, InForce, Parts};
use crate::web::identity::{IdentitySource, ProxyIdentityError};
use crate::web::metrics::VerifyMetrics;
use crate::web::peer::proxy_identity;

/// A verification that runs.
pub(super) struct Verification {
    pub(super) state: web::Data<ForwardAuth>,
    keys: RunningKeys,
    cache: Option<CacheSize>,
}

/// A source of keys, read in the background for as long as this lives.
struct RunningKeys {
    source: Arc<KeySource>,
    made_of: Materials,
    task: JoinHandle<()>,
}

/// What a source of keys is made of: another source is needed only if this is another.
#[derive(PartialEq, Eq)]
struct Materials {
    origins: KeyOrigins,
    anchors: Option<Vec<u8>>,
    registry: Option<RegistryFiles>,
    authorities: BTreeMap<Pid, Vec<u8>>,
}

/// What happens if a URL gives no keys at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unreachable {
    /// At a start: one partner that is down keeps nobody else waiting.
    Wait,
    /// At a reload: the keys that are in force are better than none.
    Refuse,
}

/// Why nothing is verified.
#[derive(Debug, thiserror::Error)]
pub enum VerificationError {
    /// A file with trust anchors or a CA.
    #[error("{path} cannot be read: {error}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The trust anchors.
    #[error("verify.metadata_trust: {path}: {error}")]
    Anchors {
        /// Their file.
        path: PathBuf,
        /// Why.
        error: AnchorError,
    },
    /// The registry's part.
    #[error(transparent)]
    Registry(#[from] RegistrySourceError),
    /// The keys.
    #[error("[verify]: {0}")]
    Keys(#[from] KeySourceError),
    /// A metadata set that is older than the one in force.
    #[error("{origin}: {error}")]
    Metadata {
        /// The key of the configuration that it comes from.
        origin: &'static str,
        /// What is wrong with it.
        error: MetadataError,
    },
    /// The policy.
    #[error("[verify]: {0}")]
    Policy(#[from] BuildError),
    /// Verifier and source do not belong together.
    #[error("[verify]: {0}")]
    OtherKeys(#[from] OtherKeys),
    /// A header name.
    #[error("listener.verify: {0}")]
    Header(#[from] ProxyIdentityError),
    /// The counters.
    #[error("the metrics could not be set up: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// How long a start waits for keys from URLs: others are served by the same process.
const PATIENCE_AT_START: Duration = Duration::from_secs(3);
/// How long somebody waits who asks once.
const PATIENCE_OF_VERBS: Duration = Duration::from_mins(1);

impl Verification {
    /// Reads the keys and starts to keep them fresh.
    pub(super) async fn start(
        settings: &VerifySettings,
        listener: &VerifyListener,
        access_log: bool,
    ) -> Result<Self, VerificationError> {
        let identity = IdentitySource::Proxy(proxy_identity(&listener.proxy)?);
        let parts = Parts { listener: listener.clone(), identity, metrics: VerifyMetrics::new()? };
        let keys = RunningKeys::start(Materials::read(&settings.origins)?, Unreachable::Wait).await?;
        let in_force = keys.in_force(settings)?;
        let state = web::Data::new(ForwardAuth::new(parts, Arc::new(SystemClock), in_force));
        state.access_log.store(access_log, Ordering::Relaxed);
        warn_of_policy(settings);
        warn_of_listener(listener);
        Ok(Self { state, keys, cache: settings.cache })
    }

    /// Puts new settings in force, or says what is wrong with them and leaves everything as it was.
    pub(super) async fn reload(&mut self, settings: &VerifySettings) -> Result<(), VerificationError> {
        let materials = Materials::read(&settings.origins)?;
        if materials != self.keys.made_of {
            let keys = RunningKeys::start(materials, Unreachable::Refuse).await?;
            keys.may_replace(&self.keys)?;
            self.state.replace(keys.in_force(settings)?);
            self.keys = keys;
        } else if self.is_news(settings) {
            self.state.replace(self.keys.in_force(settings)?);
        } else {
            return Ok(());
        }
        self.cache = settings.cache;
        warn_of_policy(settings);
        tracing::info!("a new policy is in force");
        Ok(())
    }

    /// Whether policy, rules or cache differ from those in force: the same ones would only empty the cache.
    fn is_news(&self, settings: &VerifySettings) -> bool {
        let in_force = self.state.in_force();
        let current = in_force.verifier.current();
        *current.policy() != settings.policy || in_force.rules != settings.rules || self.cache != settings.cache
    }

    /// Where its keys come from.
    pub(super) const fn origins(&self) -> &KeyOrigins {
        &self.keys.made_of.origins
    }
}

impl Materials {
    fn read(origins: &KeyOrigins) -> Result<Self, VerificationError> {
        let anchors = origins.metadata.as_ref().map(|metadata| read(&metadata.trust)).transpose()?;
        let registry = origins.registry.as_ref().map(RegistryFiles::read).transpose()?;
        let mut authorities = BTreeMap::new();
        for (pid, origin) in &origins.issuers {
            if let IssuerOrigin::Url { ca: Some(ca), .. } = origin {
                authorities.insert(*pid, read(ca)?);
            }
        }
        Ok(Self { origins: origins.clone(), anchors, registry, authorities })
    }

    async fn source(&self, unreachable: Unreachable, read_only: bool) -> Result<Arc<KeySource>, VerificationError> {
        let origins = &self.origins;
        let mut builder = KeySource::builder()
            .refresh_every(origins.refresh)
            .allow_unreachable_start(unreachable == Unreachable::Wait)
            .wait_at_start(if read_only { PATIENCE_OF_VERBS } else { PATIENCE_AT_START });
        if let (Some(metadata), Some(bytes)) = (&origins.metadata, &self.anchors) {
            builder = builder.metadata_file(&metadata.set, anchors(origins, &metadata.trust, bytes)?);
        }
        if let (Some(origin), Some(files)) = (&origins.registry, &self.registry) {
            builder = files.origin_of(builder, origin, read_only)?;
        }
        for (pid, origin) in &origins.issuers {
            builder = match origin {
                IssuerOrigin::File(path) => builder.jwks_file(*pid, path),
                IssuerOrigin::Url { url, .. } => builder.jwks_url(*pid, url, self.authorities.get(pid).cloned()),
            };
        }
        Ok(builder.build(Arc::new(SystemClock), u64::from(std::process::id())).await?)
    }
}

/// A verifier with the keys and the policy of these settings as of now, for somebody who asks once.
pub async fn verifier_as_configured(settings: &VerifySettings) -> Result<Verifier, VerificationError> {
    let source = Materials::read(&settings.origins)?.source(Unreachable::Wait, true).await?;
    Ok(Verifier::builder(source.keys()).policy(settings.policy.clone()).cache(None).build()?)
}

impl RunningKeys {
    async fn start(made_of: Materials, unreachable: Unreachable) -> Result<Self, VerificationError> {
        let source = made_of.source(unreachable, false).await?;
        let running = source.clone();
        let task = actix_web::rt::spawn(async move { match running.run().await {} });
        Ok(Self { source, made_of, task })
    }

    /// A reload is no way back to an older metadata set of the same authority.
    fn may_replace(&self, held: &Self) -> Result<(), VerificationError> {
        let header = |keys: &Self| keys.source.status().into_iter().find_map(|origin| origin.metadata);
        let (Some(new), Some(held)) = (header(self), header(held)) else { return Ok(()) };
        if new.authid != held.authid {
            return Ok(());
        }
        let origin = if self.made_of.registry.is_some() { "[registry]" } else { "verify.metadata" };
        new.may_replace(&held).map_err(|error| VerificationError::Metadata { origin, error })
    }

    fn in_force(&self, settings: &VerifySettings) -> Result<InForce, VerificationError> {
        let builder = Verifier::builder(self.source.keys()).policy(settings.policy.clone()).cache(settings.cache);
        let verifier = LiveVerifier::new(builder.build()?, self.source.clone())?;
        Ok(InForce { verifier, rules: settings.rules.clone() })
    }
}

impl Drop for RunningKeys {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The anchors, with a warning of those that everybody can sign with.
fn anchors(origins: &KeyOrigins, path: &Path, bytes: &[u8]) -> Result<TrustAnchors, VerificationError> {
    let anchors = TrustAnchors::parse(bytes, origins.environment)
        .map_err(|error| VerificationError::Anchors { path: path.to_owned(), error })?;
    for (kid, printed_in) in anchors.examples() {
        tracing::warn!(%kid, printed_in, "everybody can sign with this trust anchor: whoever wants is let in; for tests only");
    }
    Ok(anchors)
}

fn read(path: &Path) -> Result<Vec<u8>, VerificationError> {
    fs::read(path).map_err(|error| VerificationError::Read { path: path.to_owned(), error })
}

fn warn_of_policy(settings: &VerifySettings) {
    for laxity in laxities(settings) {
        tracing::warn!("{laxity}");
    }
}

/// What of a policy is laxer than it should be where it counts.
pub(super) fn laxities(settings: &VerifySettings) -> Vec<&'static str> {
    let mut found = Vec::new();
    match settings.policy.holder_of_key {
        HolderOfKey::Required => {}
        HolderOfKey::IfPresent => {
            found.push("verify.holder_of_key is \"if-present\": tokens that are bound to no certificate are accepted");
        }
        HolderOfKey::DangerouslyOff => found.push(
            "verify.holder_of_key is \"dangerously-off\": whoever gets hold of a token can use it; for finding faults only",
        ),
    }
    if settings.origins.environment == Environment::Test {
        found.push("verify.environment is \"test\": a trust anchor may be a key that everybody can sign with");
    }
    if settings.origins.registry.as_ref().is_some_and(|registry| registry.environment == Environment::Test) {
        found.push("registry.environment is \"test\": a trust anchor may be a key that everybody can sign with");
    }
    if settings.origins.registry.as_ref().is_some_and(|registry| !registry.grace.is_zero()) {
        found.push("registry.grace: a metadata set is used beyond its end, which the standard forbids");
    }
    found
}

/// What is wrong with the files of keys: key of the configuration, problem, remedy. URLs are not fetched.
pub(super) async fn check_keys(origins: &KeyOrigins) -> Vec<(String, String, &'static str)> {
    let mut found = Vec::new();
    for (pid, origin) in &origins.issuers {
        let IssuerOrigin::File(path) = origin else { continue };
        let key = format!("verify.issuer.{pid}.jwks");
        match read_files([(*pid, path)]) {
            Err(error) => found.push((key, error.to_string(), "let the issuer send its key set anew")),
            Ok(set) if set.is_empty() => {
                let problem = format!("{} holds no key that could verify a token", path.display());
                found.push((key, problem, "let the issuer send its key set anew"));
            }
            Ok(_) => {}
        }
    }
    found.extend(origins.registry.as_ref().and_then(check_trust));
    if let Err((key, error)) = check_metadata(origins).await {
        found.push((key.to_owned(), error.to_string(), "fetch the metadata anew, or correct the trust anchors"));
    }
    found
}

async fn check_metadata(origins: &KeyOrigins) -> Result<(), (&'static str, VerificationError)> {
    let Some(files) = &origins.metadata else { return Ok(()) };
    let bytes = read(&files.trust).map_err(|error| ("verify.metadata_trust", error))?;
    let anchors = anchors(origins, &files.trust, &bytes).map_err(|error| ("verify.metadata_trust", error))?;
    let source = KeySource::builder().metadata_file(&files.set, anchors);
    let built = source.build(Arc::new(SystemClock), 0).await;
    built.map(drop).map_err(|error| ("verify.metadata", error.into()))
}

fn warn_of_listener(listener: &VerifyListener) {
    if listener.mode == VerifyMode::Shadow {
        tracing::warn!("listener.verify.mode is \"shadow\": every request passes, also without a token");
    }
    if listener.probe {
        tracing::warn!("listener.verify.probe is on: whoever reaches the listener learns which headers its proxy sets");
    }
}
