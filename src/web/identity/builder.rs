//! [`ProxyIdentityBuilder`]: says which proxies are believed and what they say in which header.

use actix_web::http::header::HeaderName;
use secrecy::SecretString;

use super::ProxyIdentity;
use crate::protocol::client_cert_header::CertificateDialect;
use crate::value::TrustedPeers;

/// Collects what a [`ProxyIdentity`] is made of. Without [`trust`](Self::trust) nobody is believed.
#[derive(Debug, Default)]
pub struct ProxyIdentityBuilder {
    trusted: TrustedPeers,
    fingerprint: Option<String>,
    certificate: Option<(String, CertificateDialect)>,
    source: Option<String>,
    secret: Option<(String, SecretString)>,
}

/// Why there is no [`ProxyIdentity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyIdentityError {
    /// A text that is no header name.
    #[error("{0:?} is no header name")]
    HeaderName(String),
    /// Nothing names the certificate.
    #[error("nothing says which header names the certificate: say fingerprint_header, certificate_header, or both")]
    NoIdentityHeader,
    /// One header cannot mean two things.
    #[error("the header {0} is to mean two things: use one header for one thing")]
    SameHeader(HeaderName),
    /// A secret that a request without any would know.
    #[error("the proxy's secret is empty")]
    EmptySecret,
}

impl ProxyIdentityBuilder {
    /// Believes these peers, besides those already named. They are the proxies themselves, as their connections show them.
    #[must_use]
    pub fn trust(mut self, peers: TrustedPeers) -> Self {
        self.trusted = self.trusted.and(peers);
        self
    }

    /// The header with the SHA-1 fingerprint of the client's certificate.
    #[must_use]
    pub fn fingerprint_header(mut self, name: impl Into<String>) -> Self {
        self.fingerprint = Some(name.into());
        self
    }

    /// The header with the certificate itself, and how it is written there. If there is a fingerprint header as well, both
    /// must be in the request and agree.
    #[must_use]
    pub fn certificate_header(mut self, name: impl Into<String>, dialect: CertificateDialect) -> Self {
        self.certificate = Some((name.into(), dialect));
        self
    }

    /// The header with the client's address, which the proxy sets or adds to.
    #[must_use]
    pub fn source_header(mut self, name: impl Into<String>) -> Self {
        self.source = Some(name.into());
        self
    }

    /// A secret by which the proxy shows that it is the proxy, besides its address.
    #[must_use]
    pub fn secret_header(mut self, name: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.secret = Some((name.into(), secret.into()));
        self
    }

    /// The identity.
    pub fn build(self) -> Result<ProxyIdentity, ProxyIdentityError> {
        use secrecy::ExposeSecret as _;

        if self.fingerprint.is_none() && self.certificate.is_none() {
            return Err(ProxyIdentityError::NoIdentityHeader);
        }
        if self.secret.as_ref().is_some_and(|(_, secret)| secret.expose_secret().is_empty()) {
            return Err(ProxyIdentityError::EmptySecret);
        }
        let mut seen = Vec::new();
        let mut name = |text: String| {
            let name = HeaderName::from_bytes(text.to_ascii_lowercase().as_bytes())
                .map_err(|_| ProxyIdentityError::HeaderName(text))?;
            if seen.contains(&name) {
                return Err(ProxyIdentityError::SameHeader(name));
            }
            seen.push(name.clone());
            Ok(name)
        };
        Ok(ProxyIdentity {
            trusted: self.trusted,
            fingerprint: self.fingerprint.map(&mut name).transpose()?,
            certificate: self.certificate.map(|(text, dialect)| Ok((name(text)?, dialect))).transpose()?,
            source: self.source.map(&mut name).transpose()?,
            secret: self.secret.map(|(text, secret)| Ok((name(text)?, secret))).transpose()?,
        })
    }
}
