//! Certificates made: self-signed ones for entities, a local CA and the server certificates it signs, and signed CSRs.
//!
//! Convenience for participants without a PKI of their own; a token never depends on who signed a certificate.

use std::net::IpAddr;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{HasPublic, PKeyRef};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder, X509NameRef, X509Req};
use ring::rand::SecureRandom;

use super::cert::{CertError, Certificate};
use super::private_key::PrivateKey;
use crate::value::Timestamp;

/// What a new certificate is to say.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The subject's common name.
    pub common_name: String,
    /// First and last second of validity.
    pub validity: (Timestamp, Timestamp),
    /// What it is for.
    pub purpose: Purpose,
}

/// What a new certificate is for.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// TLS client authentication.
    Client,
    /// TLS server authentication under these names and addresses.
    Server {
        /// DNS names.
        names: Vec<String>,
        /// IP addresses.
        addresses: Vec<IpAddr>,
    },
    /// Signing other certificates, with no CA below.
    Ca,
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueCertError {
    /// The source of randomness failed.
    #[error("no randomness for a serial number")]
    Entropy,
    /// The request is no CSR in PEM or DER.
    #[error("this is no certificate signing request (PKCS#10) in PEM or DER")]
    NotARequest,
    /// The request is not signed by the key it names: no proof of possession.
    #[error("the certificate signing request is not signed with the key it names")]
    NoProofOfPossession,
    /// What was made cannot be read back.
    #[error(transparent)]
    Cert(#[from] CertError),
    /// OpenSSL could not do it.
    #[error("OpenSSL failed")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

/// A CA or another signer of certificates: its certificate and key.
#[derive(Debug, Clone)]
pub struct Issuer {
    certificate: Certificate,
    key: PrivateKey,
}

impl Issuer {
    /// The signer with this certificate and the private key that belongs to it; `None` if it does not.
    pub fn new(certificate: Certificate, key: PrivateKey) -> Option<Self> {
        certificate.belongs_to(&key).then_some(Self { certificate, key })
    }

    /// Its certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// Makes a certificate for `key`, signed by that key itself.
pub fn self_signed(profile: &Profile, key: &PrivateKey, rng: &dyn SecureRandom) -> Result<Certificate, IssueCertError> {
    let subject = common_name(&profile.common_name)?;
    let builder = begin(profile, &subject, &subject, &key.0, rng)?;
    finish(builder, profile, None, key)
}

/// Makes a certificate for the public half of `key`, signed by `issuer`.
pub fn signed_by(
    issuer: &Issuer,
    profile: &Profile,
    key: &PrivateKey,
    rng: &dyn SecureRandom,
) -> Result<Certificate, IssueCertError> {
    let ca = X509::from_der(&issuer.certificate.der)?;
    let subject = common_name(&profile.common_name)?;
    let builder = begin(profile, &subject, ca.subject_name(), &key.0, rng)?;
    finish(builder, profile, Some(&ca), &issuer.key)
}

/// Signs a CSR (PKCS#10, PEM or DER) after checking its proof of possession. Of the request only the public key is taken:
/// names and purpose are the profile's.
pub fn sign_request(
    issuer: &Issuer,
    profile: &Profile,
    request: &[u8],
    rng: &dyn SecureRandom,
) -> Result<Certificate, IssueCertError> {
    let request =
        X509Req::from_pem(request).or_else(|_| X509Req::from_der(request)).map_err(|_| IssueCertError::NotARequest)?;
    let public = request.public_key()?;
    if !request.verify(&public).unwrap_or(false) {
        return Err(IssueCertError::NoProofOfPossession);
    }
    let ca = X509::from_der(&issuer.certificate.der)?;
    let subject = common_name(&profile.common_name)?;
    let builder = begin(profile, &subject, ca.subject_name(), &public, rng)?;
    finish(builder, profile, Some(&ca), &issuer.key)
}

pub(super) fn common_name(text: &str) -> Result<X509Name, IssueCertError> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", text)?;
    Ok(name.build())
}

pub(super) fn begin<K: HasPublic>(
    profile: &Profile,
    subject: &X509NameRef,
    issuer: &X509NameRef,
    public: &PKeyRef<K>,
    rng: &dyn SecureRandom,
) -> Result<X509Builder, IssueCertError> {
    let mut serial = [0_u8; 16];
    rng.fill(&mut serial).map_err(|_| IssueCertError::Entropy)?;
    serial[0] = serial[0] & 0x7f | 0x40; // positive, and always 16 bytes long (RFC 5280 section 4.1.2.2)
    let (from, to) = profile.validity;
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*Asn1Integer::from_bn(&*BigNum::from_slice(&serial)?)?)?;
    builder.set_not_before(&*Asn1Time::from_unix(from.as_seconds())?)?;
    builder.set_not_after(&*Asn1Time::from_unix(to.as_seconds())?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(public)?;
    Ok(builder)
}

fn finish(
    mut builder: X509Builder,
    profile: &Profile,
    issuer: Option<&X509>,
    key: &PrivateKey,
) -> Result<Certificate, IssueCertError> {
    for extension in extensions(profile, &builder, issuer)? {
        builder.append_extension(extension)?;
    }
    builder.sign(&key.0, MessageDigest::sha256())?;
    Ok(Certificate::from_der(&builder.build().to_der()?)?)
}

fn extensions(
    profile: &Profile,
    builder: &X509Builder,
    issuer: Option<&X509>,
) -> Result<Vec<openssl::x509::X509Extension>, IssueCertError> {
    let context = builder.x509v3_context(issuer.map(AsRef::as_ref), None);
    let mut list = vec![SubjectKeyIdentifier::new().build(&context)?];
    if issuer.is_some() {
        list.push(AuthorityKeyIdentifier::new().keyid(true).build(&context)?);
    }
    match &profile.purpose {
        Purpose::Ca => {
            list.push(BasicConstraints::new().critical().ca().pathlen(0).build()?);
            list.push(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?);
        }
        Purpose::Client => {
            list.push(BasicConstraints::new().critical().build()?);
            list.push(KeyUsage::new().critical().digital_signature().build()?);
            list.push(ExtendedKeyUsage::new().client_auth().build()?);
        }
        Purpose::Server { names, addresses } => {
            list.push(BasicConstraints::new().critical().build()?);
            list.push(KeyUsage::new().critical().digital_signature().build()?);
            list.push(ExtendedKeyUsage::new().server_auth().build()?);
            let mut alternative = SubjectAlternativeName::new();
            for name in names {
                alternative.dns(name);
            }
            for address in addresses {
                alternative.ip(&address.to_string());
            }
            list.push(alternative.build(&context)?);
        }
    }
    Ok(list)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    fn profile(common_name: &str, purpose: Purpose) -> Profile {
        let validity = (Timestamp::from_seconds(1_700_000_000), Timestamp::from_seconds(4_000_000_000));
        Profile { common_name: common_name.to_owned(), validity, purpose }
    }

    fn ca() -> Issuer {
        let key = PrivateKey::generate_p256().unwrap();
        let certificate = self_signed(&profile("CA", Purpose::Ca), &key, &SystemRandom::new()).unwrap();
        Issuer::new(certificate, key).unwrap()
    }

    #[test]
    fn a_self_signed_certificate_says_what_its_profile_said() {
        let key = PrivateKey::generate_p256().unwrap();
        let made = self_signed(&profile("validator37", Purpose::Client), &key, &SystemRandom::new()).unwrap();
        assert_eq!(made.subject, "CN=validator37");
        assert_eq!(made.key, "EC P-256");
        assert_eq!(made.not_after, Timestamp::from_seconds(4_000_000_000));
        let read = Certificate::read_all(made.to_pem().unwrap().as_bytes()).unwrap();
        assert_eq!(read[0].sha256, made.sha256);
    }

    #[test]
    fn a_ca_signs_a_request_and_the_certificate_verifies_under_the_ca() {
        let device = PrivateKey::generate_p256().unwrap();
        let mut request = X509Req::builder().unwrap();
        request.set_pubkey(&device.0).unwrap();
        request.sign(&device.0, MessageDigest::sha256()).unwrap();
        let pem = request.build().to_pem().unwrap();
        let issuer = ca();
        let made = sign_request(&issuer, &profile("tvm8", Purpose::Client), &pem, &SystemRandom::new()).unwrap();
        let ca_key = X509::from_der(&issuer.certificate().der).unwrap().public_key().unwrap();
        assert!(X509::from_der(&made.der).unwrap().verify(&ca_key).unwrap());
    }

    #[test]
    fn a_request_signed_with_another_key_is_refused() {
        let (named, other) = (PrivateKey::generate_p256().unwrap(), PrivateKey::generate_p256().unwrap());
        let mut request = X509Req::builder().unwrap();
        request.set_pubkey(&named.0).unwrap();
        request.sign(&other.0, MessageDigest::sha256()).unwrap();
        let der = request.build().to_der().unwrap();
        let refusal = sign_request(&ca(), &profile("x", Purpose::Client), &der, &SystemRandom::new()).unwrap_err();
        assert!(matches!(refusal, IssueCertError::NoProofOfPossession), "{refusal}");
    }

    #[test]
    fn a_certificate_with_bytes_behind_it_is_refused() {
        let mut der = ca().certificate().der.clone();
        der.push(0);
        assert!(Certificate::from_der(&der).is_err());
    }

    #[test]
    fn an_issuer_needs_the_key_of_its_certificate() {
        let issuer = ca();
        assert!(Issuer::new(issuer.certificate().clone(), PrivateKey::generate_p256().unwrap()).is_none());
    }
}
