//! The settings as plain structures, all of them checked. How they are written in the file is in `keys`, how they are
//! read in the sections' own files.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::address::ListenAddress;
use super::rate::Rate;
use super::size::ByteSize;
use crate::protocol::client_cert_header::CertificateDialect;
use crate::value::TrustedPeers;

/// `[store]`: where the state lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The SQLite file.
    pub path: PathBuf,
}

/// `[keys]`: where the private keys that sign tokens live.
#[derive(Debug, Clone)]
pub struct KeySettings {
    /// The directory with one PKCS#8 file per key.
    pub directory: PathBuf,
    /// What the key files are encrypted with, if they are.
    pub passphrase: Option<SecretString>,
}

/// `[listener.*]`: the doors. At least one of `token` and `behind_proxy` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listeners {
    /// Mutual TLS that ends here.
    pub token: Option<TokenListener>,
    /// Requests whose TLS ended at a reverse proxy.
    pub behind_proxy: Option<BehindProxyListener>,
    /// Questions of proxies whether a request may pass.
    pub verify: Option<VerifyListener>,
    /// The Participant Metadata API.
    pub registry: Option<RegistryListener>,
    /// Health, metrics and key set, in plain HTTP.
    pub internal: Option<InternalListener>,
}

/// `[listener.token]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenListener {
    /// Where it listens; never empty.
    pub listen: Vec<SocketAddr>,
    /// The server's own certificate and key.
    pub tls: TlsFiles,
    /// The oldest version of TLS that is spoken.
    pub min_tls: TlsVersion,
    /// How many session tickets a TLS 1.3 handshake hands out, 0 to 2.
    pub session_tickets: u8,
    /// Whether TLS 1.2 sessions may be resumed.
    pub session_resumption_tls12: bool,
    /// Whether `/.well-known/jwks.json` is served here too.
    pub jwks: bool,
}

/// `[listener.behind_proxy]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BehindProxyListener {
    /// Where it listens and whom it believes.
    pub proxy: ProxyListener,
    /// Whether `/.well-known/jwks.json` is served here too.
    pub jwks: bool,
}

/// What every listener behind a proxy has. At least one of the two headers is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyListener {
    /// Where it listens; never empty.
    pub listen: Vec<ListenAddress>,
    /// Without it, plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Whose word is taken for the client's certificate.
    pub trusted_peers: TrustedPeers,
    /// The permissions of a Unix socket.
    pub socket_mode: u32,
    /// The header with the SHA-1 fingerprint, in lower case.
    pub fingerprint_header: Option<String>,
    /// The header with the certificate itself.
    pub certificate_header: Option<CertificateHeader>,
    /// The header with the client's address, in lower case.
    pub source_header: Option<String>,
    /// A secret by which the proxy shows that it is the proxy.
    pub secret: Option<ProxySecret>,
}

/// `[listener.verify]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyListener {
    /// Where it listens and whom it believes.
    pub proxy: ProxyListener,
    /// Whether a refusal is one.
    pub mode: VerifyMode,
    /// Where method and path of the client's request stand.
    pub original_request: OriginalRequestIn,
    /// How many tokens one question may be about; zero: no such questions.
    pub batch: usize,
    /// Whether `/probe` answers.
    pub probe: bool,
}

/// What comes of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyMode {
    /// It is one.
    Enforce,
    /// It is logged and counted, and the request passes without a caller's name.
    Shadow,
}

/// Where a proxy writes method and path of the client's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginalRequestIn {
    /// `X-Original-Method` and `X-Original-URI`.
    XOriginal,
    /// `X-Forwarded-Method` and `X-Forwarded-Uri`.
    XForwarded,
    /// The method of the question, and what follows `/verify` in its path.
    Path,
}

/// `[listener.registry]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryListener {
    /// Where it listens; never empty.
    pub listen: Vec<ListenAddress>,
    /// Without it, plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The permissions of a Unix socket.
    pub socket_mode: u32,
    /// Whose word is taken for the client's address.
    pub trusted_peers: TrustedPeers,
    /// The header with the client's address, in lower case.
    pub source_header: Option<String>,
}

/// `[listener.internal]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternalListener {
    /// Where it listens; never empty.
    pub listen: Vec<SocketAddr>,
}

/// A header with a certificate in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateHeader {
    /// Its name in lower case.
    pub name: String,
    /// How the certificate is written in it.
    pub dialect: CertificateDialect,
}

/// A header that only the proxy can fill.
#[derive(Debug, Clone)]
pub struct ProxySecret {
    /// The header's name in lower case.
    pub header: String,
    /// What it must hold.
    pub value: SecretString,
}

/// A certificate chain and its private key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those between it and its root.
    pub certificate: PathBuf,
    /// The private key.
    pub private_key: PathBuf,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// `[limits]`; `None` is a limit switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start of a connection to the end of the TLS handshake.
    pub handshake_time: Option<Duration>,
    /// From there (or from the first byte of a later request) to the end of the request's head.
    pub header_time: Option<Duration>,
    /// How long a connection may stay without a request.
    pub idle_time: Option<Duration>,
    /// The size of a request's head.
    pub header_bytes: Option<ByteSize>,
    /// Connections at once, per listener.
    pub connections: Option<usize>,
    /// Requests with one certificate.
    pub requests_per_fingerprint: Option<RateLimit>,
    /// Requests from one address.
    pub requests_per_source: Option<RateLimit>,
}

/// A rate that holds in the long run, and how many requests may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The rate in the long run.
    pub rate: Rate,
    /// How many may come at once after a pause.
    pub burst: NonZeroU32,
}

/// `[workers]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerSettings {
    /// How many threads serve requests; without a number, one per core.
    pub threads: Option<NonZeroUsize>,
}

/// `[audit]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSettings {
    /// How long a row is kept; without it, for ever.
    pub keep: Option<Duration>,
    /// How many rows may wait to be written.
    pub queue: NonZeroUsize,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// A filter in the words of `tracing-subscriber`, for example `info,bob_auth=debug`.
    pub level: String,
    /// Whether every request gets a line.
    pub access: bool,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Pretty,
}

/// `[reload]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadSettings {
    /// Whether changed certificate and key files are taken up while running.
    pub watch_files: bool,
    /// How often the store is asked whether something changed.
    pub poll_store: Duration,
}

/// `[shutdown]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownSettings {
    /// How long "not ready" is answered before the listeners close.
    pub delay: Duration,
    /// How long requests under way may take after that.
    pub drain: Duration,
}

impl Listeners {
    /// The certificates of all that speak TLS.
    pub fn tls_files(&self) -> impl Iterator<Item = &TlsFiles> {
        let token = self.token.as_ref().map(|listener| &listener.tls);
        let registry = self.registry.as_ref().and_then(|listener| listener.tls.as_ref());
        token.into_iter().chain(self.behind_proxies().filter_map(|proxy| proxy.tls.as_ref())).chain(registry)
    }

    /// The addresses among which there may be Unix sockets.
    pub fn with_sockets(&self) -> impl Iterator<Item = &ListenAddress> {
        let registry = self.registry.iter().flat_map(|listener| &listener.listen);
        self.behind_proxies().flat_map(|proxy| &proxy.listen).chain(registry)
    }

    /// Those that proxies connect to.
    pub fn behind_proxies(&self) -> impl Iterator<Item = &ProxyListener> {
        let verify = self.verify.as_ref().map(|listener| &listener.proxy);
        self.behind_proxy.as_ref().map(|listener| &listener.proxy).into_iter().chain(verify)
    }
}

impl Limits {
    /// The limits that belong to a listener's sockets and not to single requests.
    #[expect(clippy::type_complexity, reason = "a tuple to be compared, nothing else")]
    pub const fn connection_limits(
        &self,
    ) -> (Option<Duration>, Option<Duration>, Option<Duration>, Option<ByteSize>, Option<usize>) {
        (self.handshake_time, self.header_time, self.idle_time, self.header_bytes, self.connections)
    }
}

/// Two secrets are the same if their bytes are; nobody outside measures the time.
impl PartialEq for ProxySecret {
    fn eq(&self, other: &Self) -> bool {
        use secrecy::ExposeSecret as _;
        self.header == other.header && self.value.expose_secret() == other.value.expose_secret()
    }
}

impl Eq for ProxySecret {}
