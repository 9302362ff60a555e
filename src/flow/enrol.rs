//! Enrols certificates: reads them, refuses weak keys, and records the rest. What the store refuses (a certificate of
//! somebody else, a revoked one) is its own affair.

use crate::crypto::cert::{CertError, Certificate, Weakness};
use crate::store::{self, CertificateState, Change, Enrolled, Owner, Store, StoreError};
use crate::value::Pid;

/// For whom certificates are enrolled, and how strictly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The participant of the owner.
    pub pid: Pid,
    /// Who will prove itself with them.
    pub owner: Owner,
    /// Whether keys that can be forged are let through.
    pub allow_weak: bool,
}

/// What was enrolled, and what to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The record.
    pub enrolled: Enrolled,
    /// Why its key is weak, if it was let through all the same.
    pub weakness: Option<Weakness>,
    /// Whether its dates are over already.
    pub expired: bool,
}

/// Why a certificate was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Its key can be forged with today's means.
    #[error("the certificate {subject} is refused: {weakness}")]
    Weak {
        /// The subject of the certificate.
        subject: String,
        /// What is weak.
        weakness: Weakness,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a file of certificates holds.
#[derive(Debug, Clone)]
pub struct CertificateFile {
    /// The certificates; at least one.
    pub certificates: Vec<Certificate>,
    /// Whether there is a private key among them, which should not have come here.
    pub holds_private_key: bool,
}

/// Reads the bytes of a file: PEM with one or several certificates, or one in DER.
pub fn read(bytes: &[u8]) -> Result<CertificateFile, CertError> {
    const KEY: &[u8] = b"PRIVATE KEY-----";
    let holds_private_key = bytes.windows(KEY.len()).any(|w| w == KEY);
    Ok(CertificateFile { certificates: Certificate::read_all(bytes)?, holds_private_key })
}

/// Enrols one certificate. The same one for the same owner again is no error.
pub async fn enrol(
    store: &Store,
    certificate: &Certificate,
    enrolment: &Enrolment,
    change: &Change,
) -> Result<Outcome, EnrolError> {
    if let Some(weakness) = certificate.weakness.filter(|_| !enrolment.allow_weak) {
        return Err(EnrolError::Weak { subject: certificate.subject.clone(), weakness });
    }
    let record = store::Certificate {
        pid: enrolment.pid,
        owner: enrolment.owner.clone(),
        sha1: certificate.sha1,
        sha256: certificate.sha256,
        serial: certificate.serial.clone(),
        subject: certificate.subject.clone(),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        key: certificate.key.clone(),
        der: certificate.der.clone(),
        state: CertificateState::Active,
        enrolled: change.at,
        changed: change.at,
    };
    let enrolled = store.enrol(&record, change).await?;
    Ok(Outcome { enrolled, weakness: certificate.weakness, expired: certificate.is_expired(change.at) })
}
