//! Issuers of tokens: keys that sign, and the JWK sets that a test publishes of them.

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::SoftwareSigner;
use bob_auth::protocol::claims::Claims;
use bob_auth::protocol::token::TokenKey;
use bob_auth::value::{Clock as _, Pid, Sha1Fingerprint, SystemClock, Timestamp};
use ring::rand::SystemRandom;
use serde_json::json;

/// A participant's key.
pub(crate) struct Key {
    pid: Pid,
    key: TokenKey,
}

pub(crate) fn pid(number: i64) -> Pid {
    Pid::new(number).unwrap()
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// The certificate that every token here is bound to.
pub(crate) fn presented() -> Sha1Fingerprint {
    "0a9a063eb8d540cbf7dfba7697c674d14a174f7d".parse().unwrap()
}

impl Key {
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn new(pid_number: i64, kid: &str) -> Self {
        let private = PrivateKey::generate_p256().unwrap();
        let signer = SoftwareSigner::new(&private, &SystemRandom::new()).unwrap();
        Self { pid: pid(pid_number), key: TokenKey::new(kid.parse().unwrap(), Box::new(signer)) }
    }

    /// A token of this hour.
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn token(&self) -> String {
        let iat = now().as_seconds();
        let claims = Claims {
            iss: self.pid.to_string(),
            sub: "validator37".to_owned(),
            iat,
            nbf: iat,
            exp: iat + 3600,
            jti: None,
            aud: None,
            bob_hok: presented().to_string(),
            cnf: None,
            bob_authz: "val".to_owned(),
        };
        self.key.mint(&claims, &SystemRandom::new()).unwrap().compact.as_str().to_owned()
    }
}

/// The JWK set with these keys.
pub(crate) fn jwks(keys: &[&Key]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.key.public_key().to_jwk(key.key.kid().as_str())).collect();
    json!({"keys": keys}).to_string()
}
