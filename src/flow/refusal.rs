//! [`Refusal`]: every reason for which a caller gets no token, each with its stable id. What a caller is told of it is
//! decided at the face, in `web::problem`.

use std::time::Duration;

use crate::value::{Sha1Fingerprint, Timestamp};

/// Why a request was refused: whose fault, with the evidence for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller: a path at which there is nothing.
    #[error("there is nothing at this path")]
    NothingHere,
    /// The caller: a method other than reading.
    #[error("the resource is only read")]
    MethodNotAllowed,
    /// The caller: more bytes of headers than are read.
    #[error("the headers are too large")]
    HeadersTooLarge,
    /// The caller: no client certificate.
    #[error("no client certificate was presented")]
    NoCertificate,
    /// The caller: a certificate that nobody enrolled.
    #[error("the certificate is not enrolled")]
    UnknownCertificate,
    /// The caller: a certificate that was withdrawn.
    #[error("the certificate was revoked")]
    RevokedCertificate,
    /// The caller: a certificate with an enrolled SHA-1 and another SHA-256.
    #[error("a certificate with the SHA-1 of an enrolled one, but another SHA-256: an impostor")]
    Impostor,
    /// The caller: an enrolled certificate whose dates are over, where policy refuses those.
    #[error("the certificate expired at {not_after}")]
    ExpiredCertificate {
        /// When.
        not_after: Timestamp,
    },
    /// The proxy: a peer that is not trusted to speak for clients.
    #[error("the peer is not among the trusted proxies")]
    UntrustedPeer,
    /// The proxy: the header that proves it is ours is missing or wrong.
    #[error("the proxy's secret is missing or wrong")]
    ProxySecret,
    /// The proxy: an identity header that stands there more than once.
    #[error("an identity header stands in the request more than once")]
    DuplicateHeader,
    /// The proxy: an identity header that cannot be read; the id says how.
    #[error("the identity header cannot be used: {reason}")]
    IdentityHeader {
        /// The reason id of the reader.
        reason: &'static str,
    },
    /// The proxy: fingerprint and certificate header speak of different certificates.
    #[error("the fingerprint header and the certificate header disagree")]
    HeaderMismatch,
    /// The caller: a text that cannot be an entity id.
    #[error("the entity id is malformed")]
    MalformedEntityId,
    /// The caller: an entity that does not exist.
    #[error("the entity does not exist")]
    UnknownEntity,
    /// The caller: an entity that this certificate may not ask for.
    #[error("the certificate belongs to another entity")]
    NotYourEntity,
    /// The caller: the participant's certificate for an entity that has one of its own.
    #[error("the entity has a certificate of its own, the participant's no longer serves for it")]
    OwnCertificateTakesPrecedence,
    /// The caller: an entity that is suspended.
    #[error("the entity is suspended")]
    SuspendedEntity,
    /// The caller: more requests than one certificate may make.
    #[error("more requests than one certificate may make")]
    FingerprintRate {
        /// When the next one may come.
        retry_after: Duration,
    },
    /// The caller: more requests than one source may make.
    #[error("more requests than one source address may make")]
    SourceRate {
        /// When the next one may come.
        retry_after: Duration,
    },
    /// Ours: the participant has no active key.
    #[error("the participant has no active key")]
    NoActiveKey,
    /// Ours: the active key is past its last day.
    #[error("the active key expired at {not_after}")]
    KeyExpired {
        /// When.
        not_after: Timestamp,
    },
    /// Ours: the key did not sign.
    #[error("signing failed")]
    SigningFailed,
    /// Ours: what was signed does not verify.
    #[error("the token that was just signed does not verify")]
    SelfCheckFailed,
}

impl Refusal {
    /// The stable id of the reason: the same in log, metric, audit row and documentation.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NothingHere => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::HeadersTooLarge => "headers_too_large",
            Self::NoCertificate => "no_certificate",
            Self::UnknownCertificate => "unknown_certificate",
            Self::RevokedCertificate => "revoked_certificate",
            Self::Impostor => "impostor",
            Self::ExpiredCertificate { .. } => "expired_certificate",
            Self::UntrustedPeer => "untrusted_peer",
            Self::ProxySecret => "proxy_secret",
            Self::DuplicateHeader => "duplicate_header",
            Self::IdentityHeader { reason } => reason,
            Self::HeaderMismatch => "header_mismatch",
            Self::MalformedEntityId => "malformed_entity_id",
            Self::UnknownEntity => "unknown_entity",
            Self::NotYourEntity => "not_your_entity",
            Self::OwnCertificateTakesPrecedence => "own_certificate_takes_precedence",
            Self::SuspendedEntity => "suspended_entity",
            Self::FingerprintRate { .. } => "fingerprint_rate",
            Self::SourceRate { .. } => "source_rate",
            Self::NoActiveKey => "no_active_key",
            Self::KeyExpired { .. } => "key_expired",
            Self::SigningFailed => "signing_failed",
            Self::SelfCheckFailed => "self_check_failed",
        }
    }
}

/// A certificate that was admitted although its dates are over: worth a warning, not a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiredButPinned {
    /// Which.
    pub sha1: Sha1Fingerprint,
    /// When it expired.
    pub not_after: Timestamp,
}
