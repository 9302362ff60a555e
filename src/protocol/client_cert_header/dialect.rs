//! The dialects in which a proxy hands over a whole certificate, under the names the configuration uses.

use std::fmt;
use std::str::FromStr;

/// How a proxy writes the client certificate into a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateDialect {
    /// `url-pem`: percent-encoded PEM. nginx `$ssl_client_escaped_cert`, AWS ALB `X-Amzn-Mtls-Clientcert` (which leaves
    /// `+ = /` as they are), and Apache `%{SSL_CLIENT_CERT}s` (spaces for newlines, nothing escaped).
    UrlPem,
    /// `base64-der`: bare base64 of the DER. Traefik since 2.9.4 (a chain separated by commas, leaf first), Caddy
    /// `certificate_der_base64`, HAProxy `ssl_c_der,base64`.
    Base64Der,
    /// `rfc9440`: `:base64:`, RFC 9440 section 2.1. Google Cloud and Cloudflare.
    Rfc9440,
    /// `xfcc`: Envoy `x-forwarded-client-cert` with `Cert`.
    Xfcc,
}

/// A name that is no dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a certificate dialect is one of url-pem, base64-der, rfc9440, xfcc")]
pub struct UnknownDialect;

impl CertificateDialect {
    /// Every dialect, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::UrlPem, Self::Base64Der, Self::Rfc9440, Self::Xfcc];

    /// The name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UrlPem => "url-pem",
            Self::Base64Der => "base64-der",
            Self::Rfc9440 => "rfc9440",
            Self::Xfcc => "xfcc",
        }
    }
}

impl FromStr for CertificateDialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str() == text).ok_or(UnknownDialect)
    }
}

impl fmt::Display for CertificateDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_read_back_from_its_name() {
        for dialect in CertificateDialect::ALL {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
        }
    }

    #[test]
    fn other_names_are_refused() {
        for text in ["", "URL-PEM", "pem", "traefik", "alb", " xfcc"] {
            assert_eq!(text.parse::<CertificateDialect>(), Err(UnknownDialect), "{text:?}");
        }
    }
}
