//! Listeners: sockets bound, servers started on them with their limits, and stopped without cutting a request.

use std::any::Any;
use std::fs::Permissions;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Extensions, Server};
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};

use super::client_certificate::of_connection;
use super::idle::Idle;
use super::metrics::ProcessMetrics;
use super::read_off::read_off;
use super::tls::{self, CurrentIdentity, ServerIdentity, TlsError, TlsSettings};
use crate::config::{Limits, ListenAddress};

/// How a server runs, the same for every listener.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    /// The limits of connections and times.
    pub limits: Limits,
    /// How many threads serve.
    pub workers: usize,
    /// How long requests under way may take at the end.
    pub drain: Duration,
}

/// A socket that is bound.
#[derive(Debug)]
pub enum Bound {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// The TLS of a listener.
#[derive(Debug)]
pub struct ListenerTls<'a> {
    /// How it speaks.
    pub settings: TlsSettings,
    /// Its certificate at the start.
    pub identity: &'a ServerIdentity,
    /// Its certificate later on.
    pub current: &'a Arc<CurrentIdentity>,
}

/// Why a listener does not start.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {source}; choose another address, or end whoever listens there")]
    Bind {
        /// Which.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The server cannot be started on its sockets.
    #[error("cannot start the server: {0}")]
    Start(#[from] io::Error),
    /// Its TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Bound {
    /// Binds the address. A Unix socket gets the permissions `socket_mode`; an orphaned one, to which nobody listens, is
    /// replaced.
    pub fn bind(address: &ListenAddress, socket_mode: u32) -> Result<Self, ListenerError> {
        let bound = match address {
            ListenAddress::Tcp(address) => bind_tcp(*address).map(Self::Tcp),
            ListenAddress::Unix(path) => bind_unix(path, socket_mode).map(Self::Unix),
        };
        bound.map_err(|source| ListenerError::Bind { address: address.to_string(), source })
    }

    /// Where it listens, with the port that the system chose.
    pub fn url(&self, scheme: &str) -> String {
        match self {
            Self::Tcp(listener) => {
                let address = listener.local_addr().map(|address| address.to_string());
                format!("{scheme}://{}", address.unwrap_or_default())
            }
            Self::Unix(listener) => {
                let path = listener.local_addr().ok().and_then(|a| a.as_pathname().map(Path::to_path_buf));
                format!("unix:{}", path.unwrap_or_default().display())
            }
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn bind_unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if path.exists() && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Starts a listener that clients or proxies connect to. `routes` says what it answers.
pub fn serve(
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    metrics: &Arc<ProcessMetrics>,
    sockets: Vec<Bound>,
    tls: Option<&ListenerTls<'_>>,
    running: &Running,
) -> Result<Server, ListenerError> {
    let app = move || App::new().wrap(from_fn(read_off)).configure(&routes);
    let counters = Arc::clone(metrics);
    let idle = Idle::watch(&running.limits);
    let mut server = HttpServer::new(app)
        .on_connect(move |connection, extensions| on_connect(connection, extensions, &counters, idle.as_deref()))
        .workers(running.workers)
        .keep_alive(running.limits.idle_time.map_or(KeepAlive::Os, KeepAlive::Timeout))
        .client_request_timeout(running.limits.header_time.unwrap_or(Duration::ZERO))
        .client_disconnect_timeout(Duration::from_secs(2))
        .max_connections(per_worker(running.limits.connections, running.workers))
        // The ceiling on concurrent handshakes is the one on connections.
        .max_connection_rate(per_worker(running.limits.connections, running.workers))
        .backlog(4096)
        .tcp_nodelay(true)
        .shutdown_timeout(whole_seconds(running.drain))
        .disable_signals();
    if let Some(time) = running.limits.handshake_time {
        server = server.tls_handshake_timeout(time);
    } else {
        server = server.tls_handshake_timeout(Duration::from_hours(24));
    }
    for socket in sockets {
        server = match (socket, tls) {
            (Bound::Tcp(socket), Some(tls)) => {
                let acceptor = tls::acceptor(tls.settings, tls.identity, tls.current, metrics)?;
                server.listen_openssl(socket, acceptor)?
            }
            (Bound::Tcp(socket), None) => server.listen_auto_h2c(socket)?,
            (Bound::Unix(socket), _) => server.listen_uds(socket)?,
        };
    }
    Ok(server.run())
}

/// What is remembered of a fresh connection: its client certificate, and when it last brought a request.
fn on_connect(connection: &dyn Any, extensions: &mut Extensions, metrics: &ProcessMetrics, idle: Option<&Idle>) {
    let secure = of_connection(connection);
    if let Some(stream) = secure {
        tls::on_connect(stream, extensions, metrics);
    }
    let tcp = secure.map(|stream| stream.get_ref()).or_else(|| connection.downcast_ref::<TcpStream>());
    if let (Some(idle), Some(tcp)) = (idle, tcp) {
        match idle.connected(tcp) {
            Ok(watched) => drop(extensions.insert(watched)),
            Err(error) => tracing::warn!(%error, "a connection cannot be watched for being idle"),
        }
    }
}

/// Starts an internal listener.
pub fn serve_internal(
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    sockets: Vec<Bound>,
    running: &Running,
) -> Result<Server, ListenerError> {
    let mut server = HttpServer::new(move || App::new().wrap(from_fn(read_off)).configure(&routes))
        .workers(1)
        .keep_alive(Duration::from_secs(15))
        .max_connections(256)
        .shutdown_timeout(whole_seconds(running.drain))
        .disable_signals();
    for socket in sockets {
        server = match socket {
            Bound::Tcp(socket) => server.listen(socket)?,
            Bound::Unix(socket) => server.listen_uds(socket)?,
        };
    }
    Ok(server.run())
}

/// Rounded up, so that no time becomes none.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// A limit for the whole listener, shared out: at least one connection per worker.
fn per_worker(connections: Option<usize>, workers: usize) -> usize {
    connections.map_or(usize::MAX >> 8, |all| all.div_ceil(workers).max(1))
}
