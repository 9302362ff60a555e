//! Floor 7: the wiring. Settings become store, snapshot, limits and listeners; signals and changed files become reloads;
//! and at the end everything stops in order.

mod agreements;
pub mod check;
mod error;
mod hardening;
mod listeners;
mod load;
mod publishing;
mod registry;
mod registry_server;
mod registry_source;
mod reload;
mod rotation;
mod rotation_told;
mod set_builder;
mod stop;
mod supervisor;
mod tls_slot;
mod uptime;
mod verification;
mod verify_server;
mod watch;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::web;
use arc_swap::ArcSwap;

use self::agreements::{lax, warn_of};
pub use self::error::AppError;
use self::hardening::{allow_connections, keep_secrets_out_of_core_files, system_random};
use self::listeners::{Started, remove_sockets, running, start_internal, start_public, start_verify};
use self::load::{Loader, limiters};
pub use self::publishing::{PublisherError, metadata_key, publisher};
use self::registry::{Registry, RegistryTables};
pub use self::registry_server::registry_server;
use self::registry_source::RegistryKeys;
pub use self::registry_source::{RegistrySourceError, registry_source, registry_source_to_look};
use self::reload::{PassphraseSlot, Reloader};
use self::rotation::Rotation;
pub use self::rotation::{ROTATION_LEASE, name_of_this_process, terms};
use self::tls_slot::{TlsSlot, server_certificates};
pub use self::uptime::UptimeClock;
use self::verification::Verification;
pub use self::verification::{VerificationError, verifier_as_configured};
pub use self::verify_server::verify_server;
use self::watch::Watch;
use crate::config::Config;
use crate::flow::issue::{Context, SelfCheck, Snapshot};
use crate::store::{Access, AuditSink, AuditWriter, Pace, Store};
use crate::telemetry::Telemetry;
use crate::value::SystemClock;
use crate::web::forward_auth::ForwardAuth;
use crate::web::listener::Running;
use crate::web::metrics::Metrics;
use crate::web::routes::{Beside, internal_routes};
use crate::web::state::{Parts, Service};

/// Of how many tokens one is looked at before it leaves: often enough to notice a signer gone wrong within a second of
/// load, seldom enough to cost nothing. The first token of a process is always among them.
const SELF_CHECK_EVERY: u32 = 256;

/// How long audit rows may take to reach the disk at the end.
const AUDIT_FLUSH: Duration = Duration::from_secs(10);

/// Runs the service until it is told to stop.
pub async fn serve(config: Config, telemetry: &Telemetry) -> Result<(), AppError> {
    keep_secrets_out_of_core_files();
    let told = stop::Told::listen()?;
    allow_connections(config.limits.connections);
    warn_of(lax(Some(&config.rotation), config.registry_server.as_ref()));
    let config = Arc::new(config);
    let origins = config.verify.as_ref().filter(|_| config.listeners.verify.is_some()).map(|verify| &verify.origins);
    let watch = Watch::start(&reload::files(&config, config.listeners.tls_files(), origins))?;
    let store = Store::open(&config.store.path, Access::Service).await?;
    if store.is_read_only() {
        tracing::warn!(path = %config.store.path.display(), "the store is read-only: tokens are issued, nothing is recorded");
    }
    let loader = Loader::new(store.clone(), &config);
    let snapshot = loader.snapshot(&config).await?;
    let pace = Pace { queue: config.audit.queue.get(), ..Pace::default() };
    let writer = AuditWriter::spawn(store.clone(), pace);
    let service = token_service(&config, snapshot, writer.sink())?;
    service.metrics.set_keys(loader.key_facts());

    let verification = match (&config.verify, &config.listeners.verify) {
        (Some(settings), Some(listener)) => Some(Verification::start(settings, listener, config.log.access).await?),
        _ => None,
    };
    let running = running(config.limits, config.workers, config.shutdown);
    let Doors { public, slots, served } =
        open_doors(&config, &store, &service, verification.as_ref(), &running).await?;
    let state = verification.as_ref().map(|verification| verification.state.clone());
    let registry = registry_keys(&config, state.as_ref()).await?;
    let keys = registry.as_ref().and_then(RegistryKeys::own);
    let face = served.as_ref().map(|served| served.state.clone());
    let beside = Beside { verification: state.clone(), keys, registry: face.clone() };
    let routes = internal_routes(service.clone(), beside);
    let internal = start_internal(config.listeners.internal.as_ref(), routes, &running)?;
    let process = &service.metrics.process;
    process.set_server_certificates(server_certificates(&slots));
    report_readiness(&service);
    let (rotation, passphrase) = start_rotation(&config, &store, &service, registry)?;

    let parts = reload::Parts { watch, slots, verification, served, level: telemetry.level(), passphrase };
    let reloader = Reloader::new(Arc::clone(&config), loader, service.clone(), parts);
    let drain = || {
        service.start_draining();
        if let Some(state) = &state {
            state.start_draining();
        }
        if let Some(face) = &face {
            face.start_draining();
        }
    };
    stop::run_until_told(told, &config.shutdown, drain, reloader.run(), (public, internal)).await?;
    if let Some(rotation) = rotation {
        rotation.stop().await;
    }
    remove_sockets(config.listeners.with_sockets());
    writer.close(AUDIT_FLUSH).await;
    store.close().await;
    tracing::info!(audit_rows_lost = service.audit.lost(), "stopped");
    Ok(())
}

/// What answers requests for tokens.
fn token_service(config: &Config, snapshot: Snapshot, audit: AuditSink) -> Result<web::Data<Service>, AppError> {
    let metrics = Arc::new(Metrics::new().map_err(|error| AppError::Metrics(error.to_string()))?);
    let context =
        Context { clock: Arc::new(SystemClock), rng: system_random(), self_check: SelfCheck::one_of(SELF_CHECK_EVERY) };
    let parts = Parts { default_participant: config.default_participant, context, metrics, audit };
    let service = web::Data::new(Service::new(parts, snapshot));
    service.replace_limits(limiters(&config.limits));
    service.access_log.store(config.log.access, Ordering::Relaxed);
    Ok(service)
}

/// What is open to others.
struct Doors {
    public: Vec<Started>,
    slots: Vec<TlsSlot>,
    served: Option<Registry>,
}

/// Opens every public listener.
async fn open_doors(
    config: &Config,
    store: &Store,
    service: &web::Data<Service>,
    verification: Option<&Verification>,
    running: &Running,
) -> Result<Doors, AppError> {
    let process = &service.metrics.process;
    let (mut public, mut slots) = start_public(config, service, running)?;
    if let (Some(verification), Some(listener)) = (verification, &config.listeners.verify) {
        let (started, slot) = start_verify(listener, &verification.state, process, running)?;
        public.push(started);
        slots.extend(slot);
    }
    let Some(tables) = RegistryTables::of(config) else {
        if config.registry_server.is_some() {
            tracing::warn!("[registry_server] is written and [listener.registry] is not: no registry is served here");
        }
        return Ok(Doors { public, slots, served: None });
    };
    let (registry, started, slot) = Registry::start(tables, store.clone(), process, running).await?;
    public.push(started);
    slots.extend(slot);
    Ok(Doors { public, slots, served: Some(registry) })
}

/// The life of our keys, if it goes on by itself, and the passphrase that it follows.
fn start_rotation(
    config: &Config,
    store: &Store,
    service: &web::Data<Service>,
    registry: Option<RegistryKeys>,
) -> Result<(Option<Rotation>, PassphraseSlot), AppError> {
    let passphrase: PassphraseSlot = Arc::new(ArcSwap::from_pointee(config.keys.passphrase.clone()));
    let rotation = match registry {
        Some(registry) => Rotation::start(config, store, service, (registry, Arc::clone(&passphrase)))?,
        None => None,
    };
    Ok((rotation, passphrase))
}

/// The registry's set, where the life of our keys depends on it.
async fn registry_keys(
    config: &Config,
    verification: Option<&web::Data<ForwardAuth>>,
) -> Result<Option<RegistryKeys>, AppError> {
    let Some(settings) = config.registry.as_ref().filter(|_| config.rotation.automatic) else { return Ok(None) };
    Ok(Some(RegistryKeys::start(settings, verification, Arc::new(SystemClock)).await?))
}

fn report_readiness(service: &Service) {
    if service.is_ready() {
        return;
    }
    tracing::error!(
        pid = %service.default_participant,
        "no key that signs: no token will be issued until the file of the active key can be read, or, if there is none, until \
         `bob-auth key generate` and `bob-auth key activate` made one"
    );
}
