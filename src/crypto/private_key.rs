//! [`PrivateKey`]: private keys in PKCS#8, made, read and written. Signing tokens with one is `signer`'s task.

use std::fmt;

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::algorithm::Algorithm;

/// A private key. Its bytes leave only through the functions that say so; `Debug` shows its kind.
#[derive(Clone)]
pub struct PrivateKey(pub(super) PKey<Private>);

/// Why a private key cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum PrivateKeyError {
    /// The text holds no private key in PEM, or one that OpenSSL cannot read.
    #[error("this is no private key in PEM (PKCS#8, PKCS#1 or SEC1)")]
    NotAKey,
    /// The key is encrypted and there is no passphrase.
    #[error("this private key is encrypted and no passphrase is configured")]
    PassphraseMissing,
    /// The passphrase does not open it.
    #[error("the passphrase does not open this private key")]
    PassphraseWrong,
    /// RSA of fewer bits than are safe, or of more than are signed with.
    #[error("an RSA key needs 2048 to 4096 bits, this one would have {bits}")]
    RsaSize {
        /// The size asked for.
        bits: u32,
    },
    /// OpenSSL could not do it.
    #[error("OpenSSL failed")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

impl PrivateKey {
    /// A new P-256 key.
    pub fn generate_p256() -> Result<Self, PrivateKeyError> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        Ok(Self(PKey::from_ec_key(EcKey::generate(&group)?)?))
    }

    /// A new RSA key of 2048 to 4096 bits.
    pub fn generate_rsa(bits: u32) -> Result<Self, PrivateKeyError> {
        if !(2048..=4096).contains(&bits) {
            return Err(PrivateKeyError::RsaSize { bits });
        }
        Ok(Self(PKey::from_rsa(Rsa::generate(bits)?)?))
    }

    /// A new key for this signature algorithm; RSA gets 3072 bits.
    pub fn generate_for(algorithm: Algorithm) -> Result<Self, PrivateKeyError> {
        match algorithm {
            Algorithm::Es256 => Self::generate_p256(),
            Algorithm::Rs256 => Self::generate_rsa(3072),
        }
    }

    /// Reads PEM; an encrypted key needs the passphrase.
    pub fn from_pem(pem: &[u8], passphrase: Option<&SecretString>) -> Result<Self, PrivateKeyError> {
        let encrypted = pem.windows(9).any(|w| w == b"ENCRYPTED");
        match (encrypted, passphrase) {
            // The empty passphrase keeps OpenSSL from asking the terminal for one.
            (false, _) => PKey::private_key_from_pem_passphrase(pem, b"").map_err(|_| PrivateKeyError::NotAKey),
            (true, None) => Err(PrivateKeyError::PassphraseMissing),
            (true, Some(passphrase)) => {
                PKey::private_key_from_pem_passphrase(pem, passphrase.expose_secret().as_bytes())
                    .map_err(|_| PrivateKeyError::PassphraseWrong)
            }
        }
        .map(Self)
    }

    /// As PKCS#8 in PEM, encrypted (PBES2, AES-256-CBC) when there is a passphrase.
    pub fn to_pkcs8_pem(&self, passphrase: Option<&SecretString>) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        let pem = match passphrase {
            None => self.0.private_key_to_pem_pkcs8()?,
            Some(passphrase) => {
                let passphrase = passphrase.expose_secret().as_bytes();
                self.0.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), passphrase)?
            }
        };
        Ok(Zeroizing::new(pem))
    }

    /// As PKCS#8 in DER.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        Ok(Zeroizing::new(self.0.private_key_to_pkcs8()?))
    }

    /// The algorithm that tokens can be signed with by this key, if any.
    pub fn token_algorithm(&self) -> Option<Algorithm> {
        match self.0.id() {
            Id::EC if self.0.ec_key().ok()?.group().curve_name() == Some(Nid::X9_62_PRIME256V1) => {
                Some(Algorithm::Es256)
            }
            Id::RSA if (2048..=4096).contains(&self.0.bits()) => Some(Algorithm::Rs256),
            _ => None,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?}, {} bits)", self.0.id(), self.0.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_writing_and_reading_with_and_without_a_passphrase() {
        let key = PrivateKey::generate_p256().unwrap();
        let passphrase = SecretString::from("correct horse");
        for passphrase in [None, Some(&passphrase)] {
            let pem = key.to_pkcs8_pem(passphrase).unwrap();
            let again = PrivateKey::from_pem(&pem, passphrase).unwrap();
            assert_eq!(again.to_pkcs8_der().unwrap(), key.to_pkcs8_der().unwrap());
        }
    }

    #[test]
    fn an_encrypted_key_says_whether_the_passphrase_is_missing_or_wrong() {
        let pem = PrivateKey::generate_p256().unwrap().to_pkcs8_pem(Some(&SecretString::from("right"))).unwrap();
        assert!(matches!(PrivateKey::from_pem(&pem, None), Err(PrivateKeyError::PassphraseMissing)));
        let wrong = SecretString::from("wrong");
        assert!(matches!(PrivateKey::from_pem(&pem, Some(&wrong)), Err(PrivateKeyError::PassphraseWrong)));
    }

    #[test]
    fn weak_rsa_is_neither_made_nor_used_for_tokens() {
        assert!(matches!(PrivateKey::generate_rsa(1024), Err(PrivateKeyError::RsaSize { bits: 1024 })));
        let weak = PrivateKey(PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap());
        assert_eq!(weak.token_algorithm(), None);
    }

    #[test]
    fn debug_shows_the_kind_and_nothing_else() {
        assert_eq!(format!("{:?}", PrivateKey::generate_p256().unwrap()), "PrivateKey(Id(408), 256 bits)");
    }
}
