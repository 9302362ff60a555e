//! Floor 7: the wiring. Settings become store, snapshot, limits and listeners; signals and changed files become reloads;
//! and at the end everything stops in order.

pub mod check;
mod load;
mod reload;
mod stop;

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web;
use ring::rand::SystemRandom;

use self::load::{LoadError, Loader, limiters, server_certificates};
use self::reload::{Reloader, TlsSlot};
use crate::config::{ByteSize, Config, ListenAddress};
use crate::flow::issue::{Context, SelfCheck};
use crate::store::{Access, AuditWriter, Pace, Store, StoreError};
use crate::telemetry::Telemetry;
use crate::value::SystemClock;
use crate::web::listener::{Bound, ListenerError, ListenerTls, PublicListener, Running, serve_internal, serve_public};
use crate::web::metrics::Metrics;
use crate::web::peer::{HeaderNameError, IdentitySource, ProxyIdentity};
use crate::web::state::{Parts, Service};
use crate::web::tls::TlsSettings;

/// Of how many tokens one is looked at before it leaves: often enough to notice a signer gone wrong within a second of
/// load, seldom enough to cost nothing. The first token of a process is always among them.
const SELF_CHECK_EVERY: u32 = 256;

/// How long audit rows may take to reach the disk at the end.
const AUDIT_FLUSH: Duration = Duration::from_secs(10);

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

/// A listener that runs.
struct Started {
    handle: ServerHandle,
    server: Server,
}

/// Runs the service until it is told to stop.
pub async fn serve(config: Config, telemetry: Telemetry) -> Result<(), AppError> {
    keep_secrets_out_of_core_files();
    let config = Arc::new(config);
    let store = Store::open(&config.store.path, Access::Service).await?;
    if store.is_read_only() {
        tracing::warn!(path = %config.store.path.display(), "the store is read-only: tokens are issued, nothing is recorded");
    }
    let loader = Loader::new(store.clone(), &config);
    let snapshot = loader.snapshot(&config).await?;
    let pace = Pace { queue: config.audit.queue.get(), ..Pace::default() };
    let writer = AuditWriter::spawn(store.clone(), pace);
    let metrics = Arc::new(Metrics::new().map_err(|error| AppError::Metrics(error.to_string()))?);
    let parts = Parts {
        default_participant: config.default_participant,
        context: Context {
            clock: Arc::new(SystemClock),
            rng: system_random(),
            self_check: SelfCheck::one_of(SELF_CHECK_EVERY),
        },
        metrics,
        audit: writer.sink(),
    };
    let service = web::Data::new(Service::new(parts, snapshot));
    service.replace_limits(limiters(&config.limits));
    service.access_log.store(config.log.access, std::sync::atomic::Ordering::Relaxed);
    service.metrics.set_keys(loader.key_facts());

    let (public, slots) = start_public(&config, &service)?;
    let internal = start_internal(&config, &service)?;
    service.metrics.set_server_certificates(server_certificates(&slots));
    report_readiness(&service);

    let reloader = Reloader::new(Arc::clone(&config), loader, service.clone(), slots, telemetry);
    stop::run_until_told(&config.shutdown, &service, reloader, public, internal).await?;
    writer.close(AUDIT_FLUSH).await;
    tracing::info!(audit_rows_lost = service.audit.lost(), "stopped");
    Ok(())
}

/// A core file of this process would hold private keys.
fn keep_secrets_out_of_core_files() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "core files could not be switched off");
    }
}

#[expect(clippy::disallowed_methods, reason = "the wiring is where randomness comes from")]
fn system_random() -> Arc<SystemRandom> {
    Arc::new(SystemRandom::new())
}

fn report_readiness(service: &Service) {
    if service.is_ready() {
        return;
    }
    tracing::error!(
        pid = %service.default_participant,
        "no active key: no token will be issued until `bob-auth key generate` and `bob-auth key activate` made one"
    );
}

fn start_public(config: &Config, service: &web::Data<Service>) -> Result<(Vec<Started>, Vec<TlsSlot>), AppError> {
    let running = running(config);
    let header_bytes = config.limits.header_bytes.map(ByteSize::as_usize);
    let (mut started, mut slots) = (Vec::new(), Vec::new());
    if let Some(listener) = &config.listeners.token {
        let addresses: Vec<ListenAddress> = listener.listen.iter().copied().map(ListenAddress::Tcp).collect();
        let slot = TlsSlot::read("token", &listener.tls)?;
        let tls = ListenerTls { settings: listener.into(), identity: &slot.identity, current: &slot.current };
        let public = PublicListener { identity: IdentitySource::Connection, jwks: listener.jwks, header_bytes };
        let sockets = bind_all("token", "https", &addresses)?;
        started.push(serve_public(service, public, sockets, Some(&tls), &running)?.into());
        slots.push(slot);
    }
    if let Some(listener) = &config.listeners.behind_proxy {
        let identity = IdentitySource::Proxy(ProxyIdentity::new(listener)?);
        let public = PublicListener { identity, jwks: listener.jwks, header_bytes };
        let slot = listener.tls.as_ref().map(|files| TlsSlot::read("behind_proxy", files)).transpose()?;
        let tls = slot.as_ref().map(|slot| ListenerTls {
            settings: TlsSettings::behind_proxy(),
            identity: &slot.identity,
            current: &slot.current,
        });
        let scheme = if tls.is_some() { "https" } else { "http" };
        let sockets = bind_all("behind_proxy", scheme, &listener.listen)?;
        started.push(serve_public(service, public, sockets, tls.as_ref(), &running)?.into());
        slots.extend(slot);
    }
    Ok((started, slots))
}

fn start_internal(config: &Config, service: &web::Data<Service>) -> Result<Option<Started>, AppError> {
    let Some(listener) = &config.listeners.internal else { return Ok(None) };
    let addresses: Vec<ListenAddress> = listener.listen.iter().copied().map(ListenAddress::Tcp).collect();
    let sockets = bind_all("internal", "http", &addresses)?;
    Ok(Some(serve_internal(service, sockets, &running(config))?.into()))
}

fn bind_all(listener: &'static str, scheme: &str, addresses: &[ListenAddress]) -> Result<Vec<Bound>, ListenerError> {
    let mut bound = Vec::with_capacity(addresses.len());
    for address in addresses {
        let socket = Bound::bind(address)?;
        tracing::info!(listener, url = %socket.url(scheme), "listening");
        bound.push(socket);
    }
    Ok(bound)
}

fn running(config: &Config) -> Running {
    let cores = || available_parallelism().map_or(1, std::num::NonZero::get);
    Running {
        limits: config.limits,
        workers: config.workers.threads.map_or_else(cores, std::num::NonZero::get),
        drain: config.shutdown.drain,
    }
}

impl From<Server> for Started {
    fn from(server: Server) -> Self {
        Self { handle: server.handle(), server }
    }
}
