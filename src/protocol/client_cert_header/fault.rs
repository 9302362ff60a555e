//! Why a certificate header is refused, with the evidence and a stable reason id. Nothing here holds bytes of the header.

use std::fmt;

use super::dialect::CertificateDialect;

/// The longest header value that is looked at, in bytes: a certificate of 12 KiB as percent-encoded PEM has 18 KiB.
pub const MAX_VALUE_LEN: usize = 24 * 1024;

/// Why a header value gives neither a fingerprint nor a certificate.
///
/// The text is for the operator of the proxy: it says what was seen and what to change there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// The value is longer than [`MAX_VALUE_LEN`].
    #[error("the header has {length} bytes, at most {MAX_VALUE_LEN} are read; let the proxy forward the leaf only")]
    TooLarge {
        /// Length of the value in bytes.
        length: usize,
    },
    /// Apache's `(null)`, or a variable that the proxy sent as it stands in its configuration.
    #[error(
        "the proxy sent a placeholder instead of a value (Apache \"(null)\", Caddy before the fix of #7534); it means \
         that there was no client certificate, or that the variable's name is wrong"
    )]
    Placeholder,
    /// 32 hex digits.
    #[error("32 hex digits are an MD5 fingerprint (F5 BIG-IP X509::hash); let the proxy send the certificate instead")]
    Md5,
    /// 64 hex digits, or 32 bytes in base64.
    #[error(
        "this is a SHA-256 fingerprint (Envoy Hash, Caddy, Google Cloud, Azure Container Apps); BoB needs SHA-1: let the \
         proxy send the certificate instead"
    )]
    Sha256,
    /// The value has the length of an unencoded digest.
    #[error("20 raw bytes where hex digits are wanted; in HAProxy write ssl_c_sha1,hex")]
    RawDigest,
    /// All zeros, or the digest of an empty input.
    #[error(
        "this is the fingerprint of no certificate (all zeros, or the digest of an empty input, as Apache's \
         expr=%{{sha1:...}} gives it)"
    )]
    OfNothing,
    /// Anything else that is no SHA-1 fingerprint.
    #[error(
        "{length} bytes that are no SHA-1 fingerprint: 40 hex digits, with or without a colon after every second one"
    )]
    Fingerprint {
        /// Length of the value in bytes, without surrounding blanks and quotes.
        length: usize,
    },
    /// The value is not in the configured dialect, and not recognisably in another one.
    #[error("the header is not {dialect}: {problem}")]
    Malformed {
        /// The dialect that is configured.
        dialect: CertificateDialect,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The value looks like another form than the configured one.
    #[error("the header is not {configured}; it looks like {seen}")]
    OtherForm {
        /// The dialect that is configured.
        configured: CertificateDialect,
        /// The form that was seen. Nothing was decoded from it.
        seen: SeenForm,
    },
    /// What was decoded is not exactly one DER structure.
    #[error("the certificate in the header is not exactly one DER sequence: {0}")]
    NotDer(DerFault),
    /// Envoy's header without `Cert`.
    #[error(
        "x-forwarded-client-cert has no Cert{}; BoB needs the certificate: set \
         set_current_client_cert_details.cert: true in Envoy",
        if *hash { " (its Hash is a SHA-256 fingerprint)" } else { "" }
    )]
    XfccWithoutCert {
        /// Whether `Hash` was there.
        hash: bool,
    },
    /// Envoy's header may hold text that a client wrote into its certificate's names.
    #[error(
        "x-forwarded-client-cert has a certificate behind URI or DNS, which Envoy copies unescaped from the client's \
         certificate; use SANITIZE_SET and switch uri and dns off in set_current_client_cert_details"
    )]
    XfccAfterNames,
}

impl HeaderFault {
    /// The stable reason id, the same in log, problem type, metric label and audit row.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "cert_header_too_large",
            Self::Placeholder => "cert_header_placeholder",
            Self::Md5 => "fingerprint_md5",
            Self::Sha256 => "fingerprint_sha256",
            Self::RawDigest => "fingerprint_raw_bytes",
            Self::OfNothing => "fingerprint_of_nothing",
            Self::Fingerprint { .. } => "fingerprint_malformed",
            Self::Malformed { .. } => "cert_header_malformed",
            Self::OtherForm { .. } => "cert_header_other_form",
            Self::NotDer(_) => "cert_header_not_der",
            Self::XfccWithoutCert { .. } => "xfcc_without_cert",
            Self::XfccAfterNames => "xfcc_after_names",
        }
    }
}

/// What is wrong with a value of the configured dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// A `%` that is not followed by two hex digits.
    Escape,
    /// No `-----BEGIN CERTIFICATE-----` at the start.
    NoPem,
    /// A PEM block without its end line.
    PemEnd,
    /// Something between or behind the PEM blocks.
    PemTrailing,
    /// Not canonical standard base64: a foreign character, wrong padding, or trailing bits.
    Base64,
    /// An empty member in a comma-separated chain.
    EmptyMember,
    /// No colon at the start and the end.
    NoColons,
    /// Several members where one item is wanted.
    SeveralMembers,
    /// White space inside the value.
    InnerSpace,
    /// An element of `x-forwarded-client-cert` that is not `key=value;key="value"`.
    XfccSyntax,
    /// A key twice in one element of `x-forwarded-client-cert`.
    XfccTwice,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Escape => "a % without two hex digits behind it",
            Self::NoPem => "no -----BEGIN CERTIFICATE----- at its start",
            Self::PemEnd => "no -----END CERTIFICATE-----",
            Self::PemTrailing => "something other than certificates behind the first one",
            Self::Base64 => "not canonical base64 (foreign character, padding or trailing bits)",
            Self::EmptyMember => "an empty member in the chain",
            Self::NoColons => "no colon before and behind the base64",
            Self::SeveralMembers => "several members, where RFC 9440 has one item without parameters",
            Self::InnerSpace => "white space inside the value",
            Self::XfccSyntax => "an element is not made of key=value or key=\"value\" separated by semicolons",
            Self::XfccTwice => "an element has Cert or Hash twice",
        })
    }
}

/// A form of certificate header that was recognised without being decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenForm {
    /// Percent-encoded PEM.
    UrlPem,
    /// PEM that is not percent-encoded.
    Pem,
    /// Percent-encoded base64 without armour.
    EscapedBase64,
    /// Bare base64.
    Base64Der,
    /// Base64 in the alphabet of URLs.
    Base64Url,
    /// Base64 between colons.
    Rfc9440,
    /// `Hash=...;Cert=...`.
    Xfcc,
    /// A fingerprint in hex digits.
    Fingerprint,
}

impl fmt::Display for SeenForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::UrlPem => "percent-encoded PEM (url-pem: nginx, AWS ALB)",
            Self::Pem => "PEM (url-pem: Apache)",
            Self::EscapedBase64 => {
                "percent-encoded base64, as Traefik up to 2.9.1 sends it (update Traefik to 2.9.4 or later)"
            }
            Self::Base64Der => "bare base64 (base64-der: Traefik, Caddy, HAProxy)",
            Self::Base64Url => "base64url, which no dialect uses",
            Self::Rfc9440 => "base64 between colons (rfc9440)",
            Self::Xfcc => "x-forwarded-client-cert (xfcc: Envoy)",
            Self::Fingerprint => "a fingerprint; is the header's name the right one?",
        })
    }
}

/// Why bytes are not exactly one DER sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DerFault {
    /// The first byte is not the tag of a SEQUENCE.
    NotSequence,
    /// The length is indefinite, too long, or not in its shortest form.
    Length,
    /// Fewer bytes than the length says.
    Truncated {
        /// How many are missing.
        missing: usize,
    },
    /// More bytes than the length says.
    Trailing {
        /// How many there are too many.
        extra: usize,
    },
}

impl fmt::Display for DerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSequence => f.write_str("no SEQUENCE at its start"),
            Self::Length => f.write_str("the length is not written as DER wants it"),
            Self::Truncated { missing } => write!(f, "{missing} bytes are missing"),
            Self::Trailing { extra } => write!(f, "{extra} bytes too many"),
        }
    }
}
