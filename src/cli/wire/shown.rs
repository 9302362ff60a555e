//! [`Shown`]: a certificate to show, with its key, and to compare with: one from files, or one made for an examination.

use std::path::Path;

use ring::rand::SecureRandom;

use crate::cli::error::CliError;
use crate::cli::input::read;
use crate::crypto::cert::Certificate;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::probe_cert::{Nature, namesake};
use crate::crypto::tls_client::ClientIdentity;
use crate::value::Timestamp;

/// A certificate to show, and to compare with.
#[derive(Clone)]
pub(in crate::cli) struct Shown {
    pub(in crate::cli) certificate: Certificate,
    pub(in crate::cli) identity: ClientIdentity,
}

impl Shown {
    /// The certificate in one file with the key in the other.
    pub(in crate::cli) fn of_files(certificate: &Path, key: &Path) -> Result<Self, CliError> {
        let chain =
            Certificate::read_all(&read(certificate)?).map_err(|error| CliError::from(error).at(certificate))?;
        let private = PrivateKey::from_pem(&read(key)?, None).map_err(|error| CliError::from(error).at(key))?;
        match chain.first() {
            Some(leaf) if leaf.belongs_to(&private) => {
                let identity =
                    ClientIdentity::new(&chain, &private).map_err(|error| CliError::new(error).at(certificate))?;
                Ok(Self { certificate: leaf.clone(), identity })
            }
            _ => {
                let what = format!("this private key does not belong to the certificate {}", certificate.display());
                Err(CliError::new(what).at(key).next("name the key that was made with this certificate"))
            }
        }
    }

    /// One that nobody knows.
    pub(in crate::cli) fn made(nature: Nature, now: Timestamp, rng: &dyn SecureRandom) -> Result<Self, CliError> {
        Self::alone(nature.make(now, rng).map_err(CliError::new)?)
    }

    /// One that nobody knows, with the names and the serial number of this one.
    pub(in crate::cli) fn namesake(of: &Certificate, now: Timestamp, rng: &dyn SecureRandom) -> Result<Self, CliError> {
        Self::alone(namesake(of, now, rng).map_err(CliError::new)?)
    }

    fn alone((certificate, key): (Certificate, PrivateKey)) -> Result<Self, CliError> {
        let identity = ClientIdentity::new(std::slice::from_ref(&certificate), &key).map_err(CliError::new)?;
        Ok(Self { certificate, identity })
    }
}
