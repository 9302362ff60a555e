//! Certificates as they are met in the field, good ones and odd ones, made for one examination of somebody's server: `bob-auth
//! doctor` and `bob-auth conformance` show them. Certificates that anybody is to keep are `issue_cert`'s task.

use openssl::hash::MessageDigest;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Extension};
use ring::rand::SecureRandom;

use super::cert::{CertError, Certificate};
use super::issue_cert::{IssueCertError, Profile, Purpose, begin, common_name};
use super::private_key::{PrivateKey, PrivateKeyError};
use crate::value::Timestamp;

/// What is odd about a certificate. Keys are EC P-256 unless said otherwise, issuers the certificates themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nature {
    /// Nothing: made for a client, and no CA.
    Leaf,
    /// It says that it is a CA.
    Authority,
    /// X.509 version 1, without extensions.
    Version1,
    /// Its last second was a day ago.
    Expired,
    /// Its first second comes in a day.
    NotYetValid,
    /// Its extended key usage names servers only.
    ServerOnly,
    /// Eleven kilobytes of names.
    Large,
    /// An RSA key of 2048 bits.
    Rsa,
    /// Signed by a CA that nobody knows, and shown without it.
    UnknownIssuer,
}

/// Why there is no such certificate.
#[derive(Debug, thiserror::Error)]
pub enum ProbeCertError {
    /// Its key could not be made.
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
    /// It could not be put together.
    #[error(transparent)]
    Issue(#[from] IssueCertError),
    /// What was made cannot be read back.
    #[error(transparent)]
    Cert(#[from] CertError),
    /// OpenSSL could not do it.
    #[error("OpenSSL failed")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

const DAY: i64 = 86_400;
/// What they are called.
const NAME: &str = "bob-auth-probe";
/// As many names as make eleven kilobytes.
const NAMES: usize = 260;

impl Nature {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Leaf,
        Self::Authority,
        Self::Version1,
        Self::Rsa,
        Self::UnknownIssuer,
        Self::Large,
        Self::ServerOnly,
        Self::Expired,
        Self::NotYetValid,
    ];

    /// Makes one, with its key.
    pub fn make(self, now: Timestamp, rng: &dyn SecureRandom) -> Result<(Certificate, PrivateKey), ProbeCertError> {
        let key = if self == Self::Rsa { PrivateKey::generate_rsa(2048)? } else { PrivateKey::generate_p256()? };
        let signer = if self == Self::UnknownIssuer { PrivateKey::generate_p256()? } else { key.clone() };
        let subject = common_name(NAME)?;
        let issuer =
            if self == Self::UnknownIssuer { common_name("nobody knows this CA")? } else { common_name(NAME)? };
        let profile = Profile { common_name: String::new(), validity: self.validity(now), purpose: Purpose::Client };
        let mut builder = begin(&profile, &subject, &issuer, &key.0, rng)?;
        if self == Self::Version1 {
            builder.set_version(0)?;
        }
        for extension in self.extensions(&builder)? {
            builder.append_extension(extension)?;
        }
        builder.sign(&signer.0, MessageDigest::sha256())?;
        Ok((Certificate::from_der(&builder.build().to_der()?)?, key))
    }

    fn validity(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let day = |number: i64| now.plus_seconds(number * DAY);
        match self {
            Self::Expired => (day(-30), day(-1)),
            Self::NotYetValid => (day(1), day(30)),
            _ => (day(-1), day(1)),
        }
    }

    fn extensions(self, builder: &X509Builder) -> Result<Vec<X509Extension>, ProbeCertError> {
        let mut constraints = BasicConstraints::new();
        let mut purpose = ExtendedKeyUsage::new();
        let signs = KeyUsage::new().critical().digital_signature().build()?;
        Ok(match self {
            Self::Version1 => Vec::new(),
            Self::Authority => vec![constraints.critical().ca().build()?],
            Self::ServerOnly => vec![constraints.critical().build()?, signs, purpose.server_auth().build()?],
            Self::Large => {
                let mut names = SubjectAlternativeName::new();
                for number in 0..NAMES {
                    names.dns(&format!("host-{number:04}.a-rather-long-name.example.org"));
                }
                vec![constraints.critical().build()?, signs, names.build(&builder.x509v3_context(None, None))?]
            }
            _ => vec![constraints.critical().build()?, signs, purpose.client_auth().build()?],
        })
    }
}

/// Makes a certificate with another key that has subject, issuer and serial number of this one: whoever looks at names takes
/// it for this one.
pub fn namesake(
    of: &Certificate,
    now: Timestamp,
    rng: &dyn SecureRandom,
) -> Result<(Certificate, PrivateKey), ProbeCertError> {
    let (nature, key) = (Nature::Leaf, PrivateKey::generate_p256()?);
    let original = X509::from_der(&of.der)?;
    let profile = Profile { common_name: String::new(), validity: nature.validity(now), purpose: Purpose::Client };
    let mut builder = begin(&profile, original.subject_name(), original.issuer_name(), &key.0, rng)?;
    builder.set_serial_number(original.serial_number())?;
    for extension in nature.extensions(&builder)? {
        builder.append_extension(extension)?;
    }
    builder.sign(&key.0, MessageDigest::sha256())?;
    Ok((Certificate::from_der(&builder.build().to_der()?)?, key))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    #[test]
    fn each_certificate_is_odd_in_its_own_way_and_belongs_to_its_key() {
        let now = Timestamp::from_seconds(1_800_000_000);
        for nature in Nature::ALL {
            let (made, key) = nature.make(now, &SystemRandom::new()).unwrap();
            let x509 = X509::from_der(&made.der).unwrap();
            assert!(made.belongs_to(&key), "{nature:?}");
            assert_eq!(x509.version(), if nature == Nature::Version1 { 0 } else { 2 }, "{nature:?}");
            assert_eq!(made.is_expired(now), nature == Nature::Expired, "{nature:?}");
            assert_eq!(made.not_before > now, nature == Nature::NotYetValid, "{nature:?}");
            assert_eq!(made.der.len() > 11_000, nature == Nature::Large, "{nature:?}");
            assert_eq!(made.key == "RSA 2048", nature == Nature::Rsa, "{nature:?}");
            assert_eq!(x509.verify(&key.0).unwrap(), nature != Nature::UnknownIssuer, "{nature:?}");
        }
    }

    #[test]
    fn a_namesake_has_every_name_of_the_original_and_another_key() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let rng = SystemRandom::new();
        let (original, original_key) = Nature::UnknownIssuer.make(now, &rng).unwrap();
        let (made, key) = namesake(&original, now, &rng).unwrap();
        assert_eq!((&made.subject, &made.serial), (&original.subject, &original.serial));
        assert!(made.belongs_to(&key) && !made.belongs_to(&original_key) && made.sha1 != original.sha1);
        let issuer = |one: &Certificate| X509::from_der(&one.der).unwrap().issuer_name().to_der().unwrap();
        assert_eq!(issuer(&made), issuer(&original));
    }
}
