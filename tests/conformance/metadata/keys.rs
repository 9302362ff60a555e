//! Keys for a registry and its participants, made once for all tests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::SoftwareSigner;
use bob_auth::protocol::pop::PopKey;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::registry::KID;

/// The EC key of RFC 7515 appendix A.3.
pub(crate) const PRINTED: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49
AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b
focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END EC PRIVATE KEY-----
";

/// Its public half.
pub(crate) const PRINTED_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
pub(crate) const PRINTED_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

/// Everybody's keys.
pub(crate) struct Keys {
    /// The anchors.
    pub(crate) primary: PopKey,
    pub(crate) fallback: PopKey,
    pub(crate) answers: PopKey,
    /// The metadata key of participant 34.
    pub(crate) participant: PopKey,
    participant_pem: Vec<u8>,
    /// A token key of participant 34, as it is published.
    pub(crate) token_jwk: Value,
    /// A ticket key and a token key of participant 41.
    pub(crate) ticket_jwk: Value,
    pub(crate) rsa_jwk: Value,
}

#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
pub(crate) fn rng() -> SystemRandom {
    SystemRandom::new()
}

pub(crate) fn key_of(kid: &str, private: &PrivateKey) -> PopKey {
    PopKey { kid: kid.parse().unwrap(), signer: Arc::new(SoftwareSigner::new(private, &rng()).unwrap()) }
}

/// A new key.
pub(crate) fn new_key(kid: &str, algorithm: Algorithm) -> PopKey {
    key_of(kid, &PrivateKey::generate_for(algorithm).unwrap())
}

/// Its public half as it is published.
pub(crate) fn public_jwk(key: &PopKey) -> Value {
    let mut jwk = serde_json::to_value(key.signer.public_key().to_jwk(key.kid.as_str())).unwrap();
    jwk.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "use" | "alg"));
    jwk
}

impl Keys {
    pub(crate) fn get() -> &'static Self {
        static KEYS: OnceLock<Keys> = OnceLock::new();
        KEYS.get_or_init(|| {
            let private = PrivateKey::generate_p256().unwrap();
            let mut ticket = public_jwk(&new_key("41:ticket", Algorithm::Es256));
            ticket["bob_sc"] = "ticket".into();
            Self {
                ticket_jwk: ticket,
                rsa_jwk: public_jwk(&new_key("41:token", Algorithm::Rs256)),
                primary: new_key("16:primary", Algorithm::Es256),
                fallback: new_key("16:fallback", Algorithm::Rs256),
                answers: new_key("16:answers", Algorithm::Es256),
                participant: key_of(KID, &private),
                participant_pem: private.to_pkcs8_pem(None).unwrap().to_vec(),
                token_jwk: public_jwk(&new_key("34:1", Algorithm::Es256)),
            }
        })
    }

    /// Writes the metadata key of participant 34 into a file that only its owner may read.
    pub(crate) fn write_participant(&self, file: &Path) {
        fs::write(file, &self.participant_pem).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Writes a JWK set.
pub(crate) fn write_set(keys: &[Value], file: &Path) {
    fs::write(file, json!({ "keys": keys }).to_string()).unwrap();
}
