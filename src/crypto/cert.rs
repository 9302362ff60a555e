//! [`Certificate`]: an X.509 certificate that was read, with what enrolment keeps of it. Making one is `issue_cert`'s task;
//! whom it belongs to is the store's.

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::nid::Nid;
use openssl::pkey::Id;
use openssl::x509::{X509, X509NameRef};

use super::digest::{sha1_fingerprint, sha256_fingerprint};
use super::private_key::PrivateKey;
use crate::value::{Sha1Fingerprint, Sha256Fingerprint, Timestamp};

/// A certificate that was parsed, whoever signed it. BoB needs no PKI: it is told apart by its fingerprint.
#[derive(Clone)]
pub struct Certificate {
    /// The DER that the fingerprints are of.
    pub der: Vec<u8>,
    /// SHA-1 of the DER.
    pub sha1: Sha1Fingerprint,
    /// SHA-256 of the DER.
    pub sha256: Sha256Fingerprint,
    /// The serial number in decimal.
    pub serial: String,
    /// The subject as text, `CN=validator37, O=...`, control characters escaped.
    pub subject: String,
    /// The subject's common name, if it has exactly one.
    pub common_name: Option<String>,
    /// First second of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
    /// Kind and size of its public key, for people: `EC P-256`, `RSA 2048`.
    pub key: String,
    /// Why its key is too weak to be enrolled, if it is.
    pub weakness: Option<Weakness>,
}

/// A public key that can be forged with today's means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its {kind} key has {bits} bits, at least {least} are needed")]
pub struct Weakness {
    kind: &'static str,
    bits: u32,
    least: u32,
}

/// Why bytes are no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertError {
    /// Neither PEM with a certificate in it nor the DER of one.
    #[error("no certificate in here: neither PEM (-----BEGIN CERTIFICATE-----) nor DER")]
    NotACertificate,
    /// The n-th PEM block is broken.
    #[error("certificate number {number} in this file cannot be read")]
    Broken {
        /// Counted from 1.
        number: usize,
    },
    /// Bytes follow the end of the certificate, or it is BER and not DER.
    #[error("this is not exactly one certificate in DER: bytes follow its end, or it is encoded in another way")]
    NotCanonical,
}

impl Certificate {
    /// Reads one DER certificate, to its last byte.
    pub fn from_der(der: &[u8]) -> Result<Self, CertError> {
        let x509 = X509::from_der(der).map_err(|_| CertError::NotACertificate)?;
        let canonical = x509.to_der().map_err(|_| CertError::NotACertificate)?;
        // The fingerprint is of the bytes that the TLS peer sends, which are these.
        if canonical != der {
            return Err(CertError::NotCanonical);
        }
        Self::from_x509(&x509, canonical).ok_or(CertError::NotACertificate)
    }

    /// Reads every certificate of a file: PEM with one or several, or one in DER.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, CertError> {
        const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
        if !bytes.windows(BEGIN.len()).any(|w| w == BEGIN) {
            return Ok(vec![Self::from_der(bytes)?]);
        }
        let stack =
            X509::stack_from_pem(bytes).map_err(|_| CertError::Broken { number: first_broken(bytes, BEGIN) })?;
        if stack.is_empty() {
            return Err(CertError::NotACertificate);
        }
        let read = |x509: &X509| Self::from_x509(x509, x509.to_der().ok()?);
        (1..).zip(&stack).map(|(number, x509)| read(x509).ok_or(CertError::Broken { number })).collect()
    }

    fn from_x509(x509: &X509, der: Vec<u8>) -> Option<Self> {
        let (key, weakness) = describe_key(x509);
        Some(Self {
            sha1: sha1_fingerprint(&der),
            sha256: sha256_fingerprint(&der),
            serial: x509.serial_number().to_bn().ok()?.to_dec_str().ok()?.to_string(),
            subject: describe_name(x509.subject_name()),
            common_name: single_common_name(x509.subject_name()),
            not_before: timestamp(x509.not_before())?,
            not_after: timestamp(x509.not_after())?,
            key,
            weakness,
            der,
        })
    }

    /// As PEM.
    pub fn to_pem(&self) -> Result<String, CertError> {
        let pem = X509::from_der(&self.der).and_then(|x509| x509.to_pem()).map_err(|_| CertError::NotACertificate)?;
        String::from_utf8(pem).map_err(|_| CertError::NotACertificate)
    }

    /// Whether this is the private key of the certificate.
    pub fn belongs_to(&self, key: &PrivateKey) -> bool {
        let public = X509::from_der(&self.der).and_then(|x509| x509.public_key());
        public.is_ok_and(|public| key.0.public_eq(&public))
    }

    /// Whether `now` lies after its last second.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now > self.not_after
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({}, {})", self.subject, self.sha1)
    }
}

/// Which PEM block, counted from 1, OpenSSL cannot read.
fn first_broken(bytes: &[u8], begin: &[u8]) -> usize {
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(begin)).collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let broken = starts.iter().zip(ends).position(|(start, end)| X509::from_pem(&bytes[*start..end]).is_err());
    broken.unwrap_or_default() + 1
}

fn timestamp(time: &Asn1TimeRef) -> Option<Timestamp> {
    let epoch = Asn1Time::from_unix(0).ok()?;
    let since = epoch.diff(time).ok()?;
    Some(Timestamp::from_seconds(i64::from(since.days) * 86_400 + i64::from(since.secs)))
}

fn describe_name(name: &X509NameRef) -> String {
    let part = |entry: &openssl::x509::X509NameEntryRef| {
        let label = entry.object().nid().short_name().unwrap_or("?").to_owned();
        let value = entry.data().to_string().unwrap_or_else(|_| "?".to_owned());
        format!("{label}={}", escape_for_people(&value))
    };
    name.entries().map(part).collect::<Vec<_>>().join(", ")
}

/// Keeps letters of every script and escapes what could forge a line of a log or turn the direction of writing.
fn escape_for_people(text: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || (c.is_ascii() && !c.is_ascii_control() && c != ',' && c != '\\');
    text.chars().flat_map(|c| if harmless(c) { vec![c] } else { c.escape_default().collect() }).collect()
}

fn single_common_name(name: &X509NameRef) -> Option<String> {
    let mut names = name.entries_by_nid(Nid::COMMONNAME);
    let first = names.next()?.data().to_string().ok()?;
    names.next().is_none().then_some(first)
}

fn describe_key(x509: &X509) -> (String, Option<Weakness>) {
    let Ok(key) = x509.public_key() else { return ("unknown".to_owned(), None) };
    let bits = key.bits();
    let weaker_than = |least, kind| (bits < least).then_some(Weakness { kind, bits, least });
    match key.id() {
        Id::RSA | Id::RSA_PSS => (format!("RSA {bits}"), weaker_than(2048, "RSA")),
        Id::EC => {
            let curve = key.ec_key().ok().and_then(|ec| ec.group().curve_name());
            let name = match curve {
                Some(Nid::X9_62_PRIME256V1) => "P-256",
                Some(Nid::SECP384R1) => "P-384",
                Some(Nid::SECP521R1) => "P-521",
                Some(other) => other.short_name().unwrap_or("of an unnamed curve"),
                None => "of an unnamed curve",
            };
            (format!("EC {name}"), weaker_than(224, "EC"))
        }
        Id::ED25519 => ("Ed25519".to_owned(), None),
        #[cfg(not(feature = "aws-lc"))] // AWS-LC knows no Ed448: such a key is "unknown"
        Id::ED448 => ("Ed448".to_owned(), None),
        Id::DSA => (format!("DSA {bits}"), weaker_than(2048, "DSA")),
        other => (format!("kind {}", other.as_raw()), None),
    }
}
