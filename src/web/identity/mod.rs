//! Which certificate the client presented: the one of the connection itself, or what a trusted proxy says of it. Never both:
//! a server has one source of identity and is blind to the other.

mod builder;
mod fault;

use std::fmt;
use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

pub use self::builder::{ProxyIdentityBuilder, ProxyIdentityError};
pub use self::fault::IdentityFault;
use super::client_certificate::ConnectionCertificate;
use crate::protocol::client_cert_header::{CertificateDialect, parse_certificate, parse_fingerprint};
use crate::protocol::presented::Presented;
use crate::value::TrustedPeers;

/// Where a server takes identities from.
#[derive(Debug)]
pub enum IdentitySource {
    /// The client certificate of the TLS connection. Headers are not looked at.
    Connection,
    /// Headers of a trusted proxy. The connection's certificate is not looked at.
    Proxy(ProxyIdentity),
}

/// Which proxies are believed, and what they say in which header.
///
/// ```
/// use bob_auth::protocol::client_cert_header::CertificateDialect;
/// use bob_auth::web::identity::ProxyIdentity;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let nginx = ProxyIdentity::builder()
///     .trust("127.0.0.1".parse()?)
///     .trust("10.0.0.0/8".parse()?)
///     .fingerprint_header("X-SSL-Client-SHA1")
///     .certificate_header("X-SSL-Client-Cert", CertificateDialect::UrlPem)
///     .build()?;
/// # let _ = nginx;
/// # Ok(())
/// # }
/// ```
pub struct ProxyIdentity {
    trusted: TrustedPeers,
    fingerprint: Option<HeaderName>,
    certificate: Option<(HeaderName, CertificateDialect)>,
    source: Option<HeaderName>,
    secret: Option<(HeaderName, SecretString)>,
}

impl IdentitySource {
    /// The certificate that the client of this request presented; `None` if it presented none.
    pub fn presented(&self, request: &HttpRequest) -> Result<Option<Presented>, IdentityFault> {
        match self {
            Self::Connection => {
                let certificate = request.conn_data::<ConnectionCertificate>();
                certificate.map(|certificate| certificate.0).ok_or(IdentityFault::ConnectionNotRead)
            }
            Self::Proxy(proxy) => proxy.presented(connection_address(request), request.headers()),
        }
    }

    /// The client's address, if the proxy names it and may. A source that an untrusted peer claims is not believed.
    pub fn claimed_source(&self, request: &HttpRequest) -> Option<IpAddr> {
        match self {
            Self::Proxy(proxy) if proxy.trusts(connection_address(request)) => {
                proxy.source.as_ref().and_then(|name| last_address(request.headers(), name))
            }
            Self::Proxy(_) | Self::Connection => None,
        }
    }

    /// Whether the address of a connection is the client's own, or the client's is named by the proxy: else one address
    /// stands for everybody.
    pub const fn tells_clients_apart(&self) -> bool {
        !matches!(self, Self::Proxy(ProxyIdentity { source: None, .. }))
    }
}

impl ProxyIdentity {
    /// To be told who is believed, and in which headers.
    pub fn builder() -> ProxyIdentityBuilder {
        ProxyIdentityBuilder::default()
    }

    /// Whether the peer with this address is believed; one without an address is at a Unix socket, whose file permissions
    /// decide.
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        self.trusted.trusts(peer)
    }

    /// The headers that name the certificate.
    pub fn identity_headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.fingerprint.iter().chain(self.certificate.iter().map(|(name, _)| name))
    }

    /// The normaliser: trusted peer, its secret, each header at most once, then one certificate that both headers mean.
    pub fn presented(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Result<Option<Presented>, IdentityFault> {
        if !self.trusts(peer) {
            return Err(IdentityFault::UntrustedPeer);
        }
        if let Some((name, expected)) = &self.secret {
            let given = only_value(headers, name)?.unwrap_or_default();
            let equal: bool = given.ct_eq(expected.expose_secret().as_bytes()).into();
            if !equal {
                return Err(IdentityFault::ProxySecret);
            }
        }
        let fingerprint = match &self.fingerprint {
            Some(name) => match only_value(headers, name)? {
                Some(value) => {
                    parse_fingerprint(value).map_err(|fault| IdentityFault::Header { name: name.clone(), fault })?
                }
                None => None,
            },
            None => None,
        };
        let certificate = match &self.certificate {
            Some((name, dialect)) => match only_value(headers, name)? {
                Some(value) => parse_certificate(*dialect, value)
                    .map_err(|fault| IdentityFault::Header { name: name.clone(), fault })?,
                None => None,
            },
            None => None,
        };
        match (fingerprint, certificate.map(|der| Presented::of_certificate(&der))) {
            (Some(sha1), Some(presented)) if presented.sha1 != sha1 => Err(IdentityFault::HeaderMismatch),
            (None, Some(_)) | (Some(_), None) if self.fingerprint.is_some() && self.certificate.is_some() => {
                Err(IdentityFault::HeaderMismatch)
            }
            (_, Some(presented)) => Ok(Some(presented)),
            (Some(sha1), None) => Ok(Some(Presented::of_fingerprint(sha1))),
            (None, None) => Ok(None),
        }
    }
}

/// The address at the other end of the connection; `None` at a Unix socket.
pub fn connection_address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip().to_canonical())
}

/// The value of a header that stands there once; twice is refused, whatever the values.
fn only_value<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h [u8]>, IdentityFault> {
    let mut values = headers.get_all(name);
    let first = values.next().map(HeaderValue::as_bytes);
    match values.next() {
        None => Ok(first),
        Some(_) => Err(IdentityFault::DuplicateHeader(name.clone())),
    }
}

/// The last address of a list like `X-Forwarded-For`: the one that our own proxy wrote.
pub(super) fn last_address(headers: &HeaderMap, name: &HeaderName) -> Option<IpAddr> {
    let last = headers.get_all(name).last()?.to_str().ok()?;
    let text = last.rsplit(',').next()?.trim();
    text.parse().ok().or_else(|| text.parse().map(|address: std::net::SocketAddr| address.ip()).ok())
}

impl fmt::Debug for ProxyIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyIdentity")
            .field("trusted", &self.trusted)
            .field("fingerprint", &self.fingerprint)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}
