//! [`IdentityFault`]: why it could not be told which certificate a client presented.

use actix_web::http::header::HeaderName;

use crate::protocol::client_cert_header::HeaderFault;

/// Why it could not be told which certificate a client presented. That it presented none is not one of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFault {
    /// A peer that is not trusted to speak for clients.
    #[error("the peer is not among the trusted proxies")]
    UntrustedPeer,
    /// The header that proves that the proxy is ours is missing or wrong.
    #[error("the proxy's secret is missing or wrong")]
    ProxySecret,
    /// An identity header that stands in the request more than once.
    #[error(
        "the header {0} stands in the request more than once: the proxy must remove the client's before it sets its own"
    )]
    DuplicateHeader(HeaderName),
    /// An identity header that cannot be read.
    #[error("the header {name} cannot be used: {fault}")]
    Header {
        /// Which.
        name: HeaderName,
        /// Why.
        fault: HeaderFault,
    },
    /// The same in a body that names certificates instead of a header.
    #[error("the {name} of an item cannot be used: {fault}")]
    Item {
        /// The member.
        name: &'static str,
        /// Why.
        fault: HeaderFault,
    },
    /// Fingerprint and certificate header speak of different certificates, or one of them is missing.
    #[error("the fingerprint header and the certificate header disagree")]
    HeaderMismatch,
    /// The server was not told to read certificates. Nothing that a client or a proxy could mend.
    #[error(
        "nobody reads the certificates of this server's connections: give \
         web::client_certificate::read_certificate to HttpServer::on_connect, before the server is bound"
    )]
    ConnectionNotRead,
}

impl IdentityFault {
    /// The stable id of the reason: the same in answers, log, metrics and documentation.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UntrustedPeer => "untrusted_peer",
            Self::ProxySecret => "proxy_secret",
            Self::DuplicateHeader(_) => "duplicate_header",
            Self::Header { fault, .. } | Self::Item { fault, .. } => fault.reason(),
            Self::HeaderMismatch => "header_mismatch",
            Self::ConnectionNotRead => "connection_not_read",
        }
    }
}
