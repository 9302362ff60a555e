//! From settings to listeners that run.

use std::sync::Arc;
use std::thread::available_parallelism;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web;

use super::error::AppError;
use super::tls_slot::TlsSlot;
use crate::config::{
    ByteSize, Config, InternalListener, Limits, ListenAddress, ProxyListener, RegistryListener, ShutdownSettings,
    VerifyListener, WorkerSettings,
};
use crate::web::forward_auth::{self, ForwardAuth};
use crate::web::identity::IdentitySource;
use crate::web::listener::{Bound, ListenerError, ListenerTls, Running, serve, serve_internal};
use crate::web::metrics::ProcessMetrics;
use crate::web::peer::proxy_identity;
use crate::web::registry::{self, RegistryFace};
use crate::web::routes::{PublicListener, public_routes};
use crate::web::state::Service;
use crate::web::tls::TlsSettings;

/// A listener that runs.
pub(super) struct Started {
    pub(super) handle: ServerHandle,
    pub(super) server: Server,
}

/// For listeners that have no Unix sockets.
const SOCKET_MODE: u32 = 0o600;

/// Starts the listeners at which tokens are asked for.
pub(super) fn start_public(
    config: &Config,
    service: &web::Data<Service>,
    running: &Running,
) -> Result<(Vec<Started>, Vec<TlsSlot>), AppError> {
    let process = &service.metrics.process;
    let header_bytes = config.limits.header_bytes.map(ByteSize::as_usize);
    let (mut started, mut slots) = (Vec::new(), Vec::new());
    if let Some(listener) = &config.listeners.token {
        let addresses: Vec<ListenAddress> = listener.listen.iter().copied().map(ListenAddress::Tcp).collect();
        let slot = TlsSlot::read("token", &listener.tls)?;
        let tls = ListenerTls { settings: listener.into(), identity: &slot.identity, current: &slot.current };
        let public = PublicListener { identity: IdentitySource::Connection, jwks: listener.jwks, header_bytes };
        let sockets = bind_all("token", "https", &addresses, SOCKET_MODE)?;
        started.push(serve(public_routes(service.clone(), public), process, sockets, Some(&tls), running)?.into());
        slots.push(slot);
    }
    if let Some(listener) = &config.listeners.behind_proxy {
        let identity = IdentitySource::Proxy(proxy_identity(&listener.proxy)?);
        let public = PublicListener { identity, jwks: listener.jwks, header_bytes };
        let routes = public_routes(service.clone(), public);
        let (server, slot) = start_behind_proxy("behind_proxy", &listener.proxy, routes, process, running)?;
        started.push(server);
        slots.extend(slot);
    }
    Ok((started, slots))
}

/// Starts the listener at which proxies ask whether a request may pass.
pub(super) fn start_verify(
    listener: &VerifyListener,
    state: &web::Data<ForwardAuth>,
    process: &Arc<ProcessMetrics>,
    running: &Running,
) -> Result<(Started, Option<TlsSlot>), AppError> {
    start_behind_proxy("verify", &listener.proxy, forward_auth::routes(state.clone()), process, running)
}

/// Binds the addresses of the registry: its names may depend on them.
pub(super) fn bind_registry(listener: &RegistryListener) -> Result<Vec<Bound>, ListenerError> {
    let scheme = if listener.tls.is_some() { "https" } else { "http" };
    bind_all("registry", scheme, &listener.listen, listener.socket_mode)
}

/// Starts the listener of the registry on its sockets.
pub(super) fn start_registry(
    listener: &RegistryListener,
    sockets: Vec<Bound>,
    state: &web::Data<RegistryFace>,
    process: &Arc<ProcessMetrics>,
    running: &Running,
) -> Result<(Started, Option<TlsSlot>), AppError> {
    let slot = listener.tls.as_ref().map(|files| TlsSlot::read("registry", files)).transpose()?;
    let tls = slot.as_ref().map(|slot| ListenerTls {
        settings: TlsSettings::behind_proxy(),
        identity: &slot.identity,
        current: &slot.current,
    });
    let server = serve(registry::routes(state.clone()), process, sockets, tls.as_ref(), running)?;
    Ok((server.into(), slot))
}

fn start_behind_proxy(
    name: &'static str,
    listener: &ProxyListener,
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    process: &Arc<ProcessMetrics>,
    running: &Running,
) -> Result<(Started, Option<TlsSlot>), AppError> {
    let slot = listener.tls.as_ref().map(|files| TlsSlot::read(name, files)).transpose()?;
    let tls = slot.as_ref().map(|slot| ListenerTls {
        settings: TlsSettings::behind_proxy(),
        identity: &slot.identity,
        current: &slot.current,
    });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let sockets = bind_all(name, scheme, &listener.listen, listener.socket_mode)?;
    let server = serve(routes, process, sockets, tls.as_ref(), running)?;
    Ok((server.into(), slot))
}

/// Starts the internal listener, if there is one.
pub(super) fn start_internal(
    listener: Option<&InternalListener>,
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    running: &Running,
) -> Result<Option<Started>, AppError> {
    let Some(listener) = listener else { return Ok(None) };
    let addresses: Vec<ListenAddress> = listener.listen.iter().copied().map(ListenAddress::Tcp).collect();
    let sockets = bind_all("internal", "http", &addresses, SOCKET_MODE)?;
    Ok(Some(serve_internal(routes, sockets, running)?.into()))
}

fn bind_all(
    listener: &'static str,
    scheme: &str,
    addresses: &[ListenAddress],
    socket_mode: u32,
) -> Result<Vec<Bound>, ListenerError> {
    let mut bound = Vec::with_capacity(addresses.len());
    for address in addresses {
        let socket = Bound::bind(address, socket_mode)?;
        tracing::info!(listener, url = %socket.url(scheme), "listening");
        bound.push(socket);
    }
    Ok(bound)
}

/// How the listeners of a process run.
pub(super) fn running(limits: Limits, workers: WorkerSettings, shutdown: ShutdownSettings) -> Running {
    let cores = || available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = workers.threads.map_or_else(cores, std::num::NonZero::get);
    Running { limits, workers, drain: shutdown.drain }
}

impl From<Server> for Started {
    fn from(server: Server) -> Self {
        Self { handle: server.handle(), server }
    }
}

/// Takes the Unix sockets among these away at the end, so that nobody waits at one.
pub(super) fn remove_sockets<'a>(listen: impl IntoIterator<Item = &'a ListenAddress>) {
    for address in listen {
        if let ListenAddress::Unix(path) = address
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(path = %path.display(), %error, "the socket could not be removed");
        }
    }
}
