//! From settings to listeners that run.

use std::thread::available_parallelism;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web;

use super::error::AppError;
use super::tls_slot::TlsSlot;
use crate::config::{ByteSize, Config, ListenAddress};
use crate::web::identity::IdentitySource;
use crate::web::listener::{Bound, ListenerError, ListenerTls, Running, serve_internal, serve_public};
use crate::web::peer::proxy_identity;
use crate::web::routes::PublicListener;
use crate::web::state::Service;
use crate::web::tls::TlsSettings;

/// A listener that runs.
pub(super) struct Started {
    pub(super) handle: ServerHandle,
    pub(super) server: Server,
}

/// For listeners that have no Unix sockets.
const SOCKET_MODE: u32 = 0o600;

/// Starts the listeners that clients and proxies connect to.
pub(super) fn start_public(
    config: &Config,
    service: &web::Data<Service>,
) -> Result<(Vec<Started>, Vec<TlsSlot>), AppError> {
    let running = running(config);
    let header_bytes = config.limits.header_bytes.map(ByteSize::as_usize);
    let (mut started, mut slots) = (Vec::new(), Vec::new());
    if let Some(listener) = &config.listeners.token {
        let addresses: Vec<ListenAddress> = listener.listen.iter().copied().map(ListenAddress::Tcp).collect();
        let slot = TlsSlot::read("token", &listener.tls)?;
        let tls = ListenerTls { settings: listener.into(), identity: &slot.identity, current: &slot.current };
        let public = PublicListener { identity: IdentitySource::Connection, jwks: listener.jwks, header_bytes };
        let sockets = bind_all("token", "https", &addresses, SOCKET_MODE)?;
        started.push(serve_public(service, public, sockets, Some(&tls), &running)?.into());
        slots.push(slot);
    }
    if let Some(listener) = &config.listeners.behind_proxy {
        let identity = IdentitySource::Proxy(proxy_identity(&listener.proxy)?);
        let public = PublicListener { identity, jwks: listener.jwks, header_bytes };
        let slot = listener.proxy.tls.as_ref().map(|files| TlsSlot::read("behind_proxy", files)).transpose()?;
        let tls = slot.as_ref().map(|slot| ListenerTls {
            settings: TlsSettings::behind_proxy(),
            identity: &slot.identity,
            current: &slot.current,
        });
        let scheme = if tls.is_some() { "https" } else { "http" };
        let sockets = bind_all("behind_proxy", scheme, &listener.proxy.listen, listener.proxy.socket_mode)?;
        started.push(serve_public(service, public, sockets, tls.as_ref(), &running)?.into());
        slots.extend(slot);
    }
    Ok((started, slots))
}

/// Starts the internal listener, if there is one.
pub(super) fn start_internal(config: &Config, service: &web::Data<Service>) -> Result<Option<Started>, AppError> {
    let Some(listener) = &config.listeners.internal else { return Ok(None) };
    let addresses: Vec<ListenAddress> = listener.listen.iter().copied().map(ListenAddress::Tcp).collect();
    let sockets = bind_all("internal", "http", &addresses, SOCKET_MODE)?;
    Ok(Some(serve_internal(service, sockets, &running(config))?.into()))
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

/// Takes the Unix sockets away at the end, so that nobody waits at one.
pub(super) fn remove_sockets(config: &Config) {
    let sockets = config.listeners.behind_proxy.iter().flat_map(|listener| &listener.proxy.listen);
    for address in sockets {
        if let ListenAddress::Unix(path) = address
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(path = %path.display(), %error, "the socket could not be removed");
        }
    }
}
