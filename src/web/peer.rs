//! Who is on the other end of a request for a token, in the words of the token service: the source for limits and the audit
//! trail, and the certificate or the refusal.

use std::net::IpAddr;

use actix_web::HttpRequest;

use super::identity::{IdentityFault, IdentitySource, ProxyIdentity, ProxyIdentityError, connection_address};
use crate::config::ProxyListener;
use crate::flow::refusal::Refusal;
use crate::protocol::presented::Presented;
use crate::store::Source;

/// The other end of a request.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The client's address, for limits and the audit trail: the connection's, or the one that the proxy names.
    pub source: Option<Source>,
}

/// The identity behind a proxy, as configured for the listener.
pub fn proxy_identity(settings: &ProxyListener) -> Result<ProxyIdentity, ProxyIdentityError> {
    let mut builder = ProxyIdentity::builder().trust(settings.trusted_peers.clone());
    if let Some(name) = &settings.fingerprint_header {
        builder = builder.fingerprint_header(name);
    }
    if let Some(header) = &settings.certificate_header {
        builder = builder.certificate_header(&header.name, header.dialect);
    }
    if let Some(name) = &settings.source_header {
        builder = builder.source_header(name);
    }
    if let Some(secret) = &settings.secret {
        builder = builder.secret_header(&secret.header, secret.value.clone());
    }
    builder.build()
}

impl Peer {
    /// The other end of this request.
    pub fn of(request: &HttpRequest, identity: &IdentitySource) -> Self {
        let address = identity.claimed_source(request).or_else(|| connection_address(request));
        Self { source: Some(address.map_or(Source::Unix, Source::Address)) }
    }

    /// The address that limits are counted for: behind a proxy only if the proxy names the client's, since the proxy's
    /// own stands for everybody.
    pub const fn limited_address(&self, identity: &IdentitySource) -> Option<IpAddr> {
        match self.source {
            Some(Source::Address(address)) if identity.tells_clients_apart() => Some(address),
            _ => None,
        }
    }

    /// The certificate that the client presented, by this listener's source of identity.
    pub fn presented(request: &HttpRequest, identity: &IdentitySource) -> Result<Option<Presented>, Refusal> {
        identity.presented(request).map_err(Refusal::from)
    }
}

impl From<IdentityFault> for Refusal {
    fn from(fault: IdentityFault) -> Self {
        match fault {
            IdentityFault::UntrustedPeer => Self::UntrustedPeer,
            IdentityFault::ProxySecret => Self::ProxySecret,
            IdentityFault::DuplicateHeader(_) => Self::DuplicateHeader,
            IdentityFault::Header { fault, .. } | IdentityFault::Item { fault, .. } => {
                Self::IdentityHeader { reason: fault.reason() }
            }
            IdentityFault::HeaderMismatch => Self::HeaderMismatch,
            // A connection without TLS: it cannot have had a certificate.
            IdentityFault::ConnectionNotRead => Self::NoCertificate,
        }
    }
}
