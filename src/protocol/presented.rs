//! [`Presented`]: what a connection or a proxy showed of the client's certificate. Whose it is, is asked above.

use crate::crypto::digest::{sha1_fingerprint, sha256_fingerprint};
use crate::value::{Sha1Fingerprint, Sha256Fingerprint};

/// The fingerprints of the certificate that a client proved possession of.
///
/// The SHA-256 is there whenever the certificate itself was seen; a proxy that hands over a bare fingerprint leaves it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// What `bobHok` is made of and compared with.
    pub sha1: Sha1Fingerprint,
    /// What `cnf.x5t#S256` is made of.
    pub sha256: Option<Sha256Fingerprint>,
}

impl Presented {
    /// Of a whole certificate in DER.
    pub fn of_certificate(der: &[u8]) -> Self {
        Self { sha1: sha1_fingerprint(der), sha256: Some(sha256_fingerprint(der)) }
    }

    /// Of a bare fingerprint.
    pub const fn of_fingerprint(sha1: Sha1Fingerprint) -> Self {
        Self { sha1, sha256: None }
    }
}
