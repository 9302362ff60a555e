//! Who is on the other end: the certificate of the connection itself, or what a trusted proxy says of it. Never both: a
//! listener has one source of identity and is blind to the other.

use std::fmt;
use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::tls::ConnectionCertificate;
use crate::config::{ProxyListener, TrustedPeers};
use crate::flow::refusal::Refusal;
use crate::protocol::client_cert_header::{CertificateDialect, parse_certificate, parse_fingerprint};
use crate::protocol::presented::Presented;
use crate::store::Source;

/// Where a listener takes identities from.
#[derive(Debug)]
pub enum IdentitySource {
    /// The client certificate of the TLS connection. Headers are not looked at.
    Connection,
    /// Headers of a trusted proxy. The connection's certificate is not looked at.
    Proxy(ProxyIdentity),
}

/// Which proxies are believed, and what they say in which header.
pub struct ProxyIdentity {
    trusted: TrustedPeers,
    secret: Option<(HeaderName, SecretString)>,
    fingerprint: Option<HeaderName>,
    certificate: Option<(HeaderName, CertificateDialect)>,
    source: Option<HeaderName>,
}

/// The other end of a request.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The client's address, for limits and the audit trail: the connection's, or the one that the proxy names.
    pub source: Option<Source>,
    /// The connection's address.
    connection: Option<IpAddr>,
}

/// A header name in the configuration that is none.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no header name")]
pub struct HeaderNameError(String);

impl ProxyIdentity {
    /// As configured for the listener.
    pub fn new(settings: &ProxyListener) -> Result<Self, HeaderNameError> {
        let name = |text: &String| {
            HeaderName::from_bytes(text.to_ascii_lowercase().as_bytes()).map_err(|_| HeaderNameError(text.clone()))
        };
        let secret = settings.secret.as_ref();
        let certificate = settings.certificate_header.as_ref();
        Ok(Self {
            trusted: settings.trusted_peers.clone(),
            secret: secret.map(|s| Ok((name(&s.header)?, s.value.clone()))).transpose()?,
            fingerprint: settings.fingerprint_header.as_ref().map(name).transpose()?,
            certificate: certificate.map(|c| Ok((name(&c.name)?, c.dialect))).transpose()?,
            source: settings.source_header.as_ref().map(name).transpose()?,
        })
    }

    fn is_trusted(&self, connection: Option<IpAddr>) -> bool {
        match connection {
            Some(address) => self.trusted.contains(address),
            // No address: a Unix socket, whose file permissions decide.
            None => self.trusted.unix,
        }
    }
}

impl Peer {
    /// The other end of this request. A source that an untrusted peer claims is not believed.
    pub fn of(request: &HttpRequest, identity: &IdentitySource) -> Self {
        let connection = request.peer_addr().map(|address| address.ip().to_canonical());
        let claimed = match identity {
            IdentitySource::Proxy(proxy) if proxy.is_trusted(connection) => {
                proxy.source.as_ref().and_then(|name| last_address(request.headers(), name))
            }
            IdentitySource::Proxy(_) | IdentitySource::Connection => None,
        };
        let source = claimed.or(connection).map_or(Source::Unix, Source::Address);
        Self { source: Some(source), connection }
    }

    /// The address that limits are counted for: behind a proxy only if the proxy names the client's, since the proxy's
    /// own stands for everybody.
    pub fn limited_address(&self, identity: &IdentitySource) -> Option<IpAddr> {
        match (identity, self.source) {
            (IdentitySource::Proxy(ProxyIdentity { source: None, .. }), _) | (_, Some(Source::Unix) | None) => None,
            (_, Some(Source::Address(address))) => Some(address),
        }
    }

    /// The certificate that the client presented, by this listener's source of identity.
    pub fn presented(&self, request: &HttpRequest, identity: &IdentitySource) -> Result<Option<Presented>, Refusal> {
        match identity {
            IdentitySource::Connection => {
                Ok(request.conn_data::<ConnectionCertificate>().and_then(|certificate| certificate.0))
            }
            IdentitySource::Proxy(proxy) => self.presented_by(proxy, request.headers()),
        }
    }

    /// The normaliser: trusted peer, its secret, each header at most once, then one certificate that both headers mean.
    fn presented_by(&self, proxy: &ProxyIdentity, headers: &HeaderMap) -> Result<Option<Presented>, Refusal> {
        if !proxy.is_trusted(self.connection) {
            return Err(Refusal::UntrustedPeer);
        }
        if let Some((name, expected)) = &proxy.secret {
            let given = only_value(headers, name)?.unwrap_or_default();
            let equal: bool = given.ct_eq(expected.expose_secret().as_bytes()).into();
            if !equal {
                return Err(Refusal::ProxySecret);
            }
        }
        let as_refusal = |reason| Refusal::IdentityHeader { reason };
        let fingerprint = match &proxy.fingerprint {
            Some(name) => match only_value(headers, name)? {
                Some(value) => parse_fingerprint(value).map_err(|fault| as_refusal(fault.reason()))?,
                None => None,
            },
            None => None,
        };
        let certificate = match &proxy.certificate {
            Some((name, dialect)) => match only_value(headers, name)? {
                Some(value) => parse_certificate(*dialect, value).map_err(|fault| as_refusal(fault.reason()))?,
                None => None,
            },
            None => None,
        };
        match (fingerprint, certificate.map(|der| Presented::of_certificate(&der))) {
            (Some(sha1), Some(presented)) if presented.sha1 != sha1 => Err(Refusal::HeaderMismatch),
            (None, Some(_)) | (Some(_), None) if proxy.fingerprint.is_some() && proxy.certificate.is_some() => {
                Err(Refusal::HeaderMismatch)
            }
            (_, Some(presented)) => Ok(Some(presented)),
            (Some(sha1), None) => Ok(Some(Presented::of_fingerprint(sha1))),
            (None, None) => Ok(None),
        }
    }
}

/// The value of a header that stands there once; twice is refused, whatever the values.
fn only_value<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h [u8]>, Refusal> {
    let mut values = headers.get_all(name);
    let first = values.next().map(actix_web::http::header::HeaderValue::as_bytes);
    match values.next() {
        None => Ok(first),
        Some(_) => Err(Refusal::DuplicateHeader),
    }
}

/// The last address of a list like `X-Forwarded-For`: the one that our own proxy wrote.
fn last_address(headers: &HeaderMap, name: &HeaderName) -> Option<IpAddr> {
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
