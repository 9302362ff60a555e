//! Loads the private half of a key that the store knows, and checks that it is the right one. Which keys are to be loaded
//! is decided by the caller.

use jsonwebtoken::jwk::Jwk;
use ring::rand::SecureRandom;
use secrecy::SecretString;

use crate::crypto::private_key::{PrivateKey, PrivateKeyError};
use crate::crypto::signer::{SignerError, SoftwareSigner};
use crate::protocol::token::TokenKey;
use crate::store::AuthtokenKey;
use crate::store::key_files::{KeyFileError, KeyFiles};
use crate::value::Kid;

/// Why a key cannot sign. Its public half is published all the same.
#[derive(Debug, thiserror::Error)]
pub enum KeyLoadError {
    /// Its file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// What is in its file.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// What is in its file does not sign tokens.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The file holds another key than the one that is published.
    #[error("the private key in this file does not belong to the public key {kid} in the store")]
    AnotherKey {
        /// The key in the store.
        kid: Kid,
    },
    /// The public half in the store is no JWK.
    #[error("the public key {kid} in the store is no JWK")]
    NoJwk {
        /// The key in the store.
        kid: Kid,
    },
}

/// Reads the private half of a key and checks that it belongs to the public one that the store has.
pub fn load_token_key(
    files: &KeyFiles,
    passphrase: Option<&SecretString>,
    row: &AuthtokenKey,
    rng: &dyn SecureRandom,
) -> Result<TokenKey, KeyLoadError> {
    let pem = files.read(&row.file)?;
    let private = PrivateKey::from_pem(&pem, passphrase)?;
    let key = TokenKey::new(row.kid.clone(), Box::new(SoftwareSigner::new(&private, rng)?));
    let published: Jwk =
        serde_json::from_str(&row.public_jwk).map_err(|_| KeyLoadError::NoJwk { kid: row.kid.clone() })?;
    if key.public_key().to_jwk(row.kid.as_str()).algorithm != published.algorithm {
        return Err(KeyLoadError::AnotherKey { kid: row.kid.clone() });
    }
    Ok(key)
}
