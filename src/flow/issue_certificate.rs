//! Makes certificates for entities whose operators have no PKI: self-signed, or signed by a CA of their own. Enrolling
//! them is `enrol`'s task; a token never depends on who signed a certificate.

use ring::rand::SecureRandom;

use crate::crypto::cert::{CertError, Certificate};
use crate::crypto::issue_cert::{IssueCertError, Issuer, Profile, Purpose, self_signed, sign_request, signed_by};
use crate::crypto::private_key::{PrivateKey, PrivateKeyError};
use crate::value::{EntityId, Timestamp};

/// What the certificate is to be.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// For whom; becomes the common name.
    pub entity: &'a EntityId,
    /// For how many seconds from now.
    pub valid: i64,
    /// Whose key is certified.
    pub subject: SubjectKey<'a>,
    /// Who signs; `None` is the key itself.
    pub issuer: Option<&'a Issuer>,
}

/// Whose key is certified.
#[derive(Debug, Clone, Copy)]
pub enum SubjectKey<'a> {
    /// A new one on P-256.
    NewP256,
    /// A new RSA key of 3072 bits.
    NewRsa,
    /// The one in this request (PKCS#10, PEM or DER), which stays with its owner.
    Request(&'a [u8]),
}

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// The certificate.
    pub certificate: Certificate,
    /// Its private key, unless that stayed with the owner.
    pub key: Option<PrivateKey>,
}

/// Why no certificate was made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The certificate itself.
    #[error(transparent)]
    Issue(#[from] IssueCertError),
    /// Its key.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// A request cannot sign itself.
    #[error("a signing request needs a CA to sign it")]
    RequestWithoutCa,
}

/// Why there is no CA to sign with.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// Its certificate.
    #[error(transparent)]
    Certificate(#[from] CertError),
    /// Its key.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// They do not belong together.
    #[error("the private key does not belong to the CA certificate")]
    Mismatch,
}

/// The most characters that a common name has (X.520, `ub-common-name`).
const LONGEST_NAME: usize = 64;

/// For clocks that are behind: a certificate starts to count this many seconds before it was made.
const BACKDATE: i64 = 300;

/// Makes a certificate for TLS client authentication.
pub fn make(wanted: &Wanted<'_>, now: Timestamp, rng: &dyn SecureRandom) -> Result<Made, MakeError> {
    let name = wanted.entity.as_str();
    let profile = Profile {
        // An entity is known by its fingerprint: the name is for people, and may be cut.
        common_name: name.get(..LONGEST_NAME).unwrap_or(name).to_owned(),
        validity: (now.plus_seconds(-BACKDATE), now.plus_seconds(wanted.valid)),
        purpose: Purpose::Client,
    };
    let key = match (wanted.subject, wanted.issuer) {
        (SubjectKey::Request(request), Some(issuer)) => {
            return Ok(Made { certificate: sign_request(issuer, &profile, request, rng)?, key: None });
        }
        (SubjectKey::Request(_), None) => return Err(MakeError::RequestWithoutCa),
        (SubjectKey::NewP256, _) => PrivateKey::generate_p256()?,
        (SubjectKey::NewRsa, _) => PrivateKey::generate_rsa(3072)?,
    };
    let certificate = match wanted.issuer {
        Some(issuer) => signed_by(issuer, &profile, &key, rng)?,
        None => self_signed(&profile, &key, rng)?,
    };
    Ok(Made { certificate, key: Some(key) })
}

/// The CA in these two PEM files.
pub fn issuer(certificate: &[u8], key: &[u8]) -> Result<Issuer, IssuerError> {
    let certificate = Certificate::read_all(certificate)?.into_iter().next().ok_or(CertError::NotACertificate)?;
    Issuer::new(certificate, PrivateKey::from_pem(key, None)?).ok_or(IssuerError::Mismatch)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    #[test]
    fn the_longest_entity_id_still_gets_a_certificate() {
        let entity: EntityId = "x".repeat(EntityId::MAX_LEN).parse().unwrap();
        let wanted = Wanted { entity: &entity, valid: 60, subject: SubjectKey::NewP256, issuer: None };
        let now = Timestamp::from_seconds(1_800_000_000);
        let made = make(&wanted, now, &SystemRandom::new()).unwrap();
        assert_eq!(made.certificate.common_name.unwrap().len(), LONGEST_NAME);
        assert_eq!(made.certificate.not_after, now.plus_seconds(60));
    }

    #[test]
    fn a_request_without_a_ca_is_refused() {
        let entity: EntityId = "tvm8".parse().unwrap();
        let wanted = Wanted { entity: &entity, valid: 60, subject: SubjectKey::Request(b""), issuer: None };
        let refused = make(&wanted, Timestamp::from_seconds(0), &SystemRandom::new());
        assert!(matches!(refused, Err(MakeError::RequestWithoutCa)));
    }
}
