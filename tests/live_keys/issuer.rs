//! Issuers of tokens: keys that sign, and the JWK sets and metadata sets that a test publishes of them.

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer as _, SoftwareSigner};
use bob_auth::protocol::claims::Claims;
use bob_auth::protocol::metadata::sign::{Form, sign_set};
use bob_auth::protocol::metadata::{Environment, SetTerms, TrustAnchors};
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

/// The authority that signs metadata sets.
pub(crate) struct Authority {
    signer: SoftwareSigner,
}

impl Authority {
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn new() -> Self {
        let private = PrivateKey::generate_p256().unwrap();
        Self { signer: SoftwareSigner::new(&private, &SystemRandom::new()).unwrap() }
    }

    pub(crate) fn anchors(&self) -> TrustAnchors {
        let jwks = json!({"keys": [self.signer.public_key().to_jwk("16:authority")]});
        TrustAnchors::parse(jwks.to_string().as_bytes(), Environment::Production).unwrap()
    }

    /// A set that is good for an hour, with these keys of these participants.
    pub(crate) fn set(&self, serial: u64, keys: &[&Key]) -> String {
        self.set_until(now().plus_seconds(3600), serial, keys)
    }

    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn set_until(&self, not_valid_after: Timestamp, serial: u64, keys: &[&Key]) -> String {
        let participant = |key: &&Key| {
            let jwk = key.key.public_key().to_jwk(key.key.kid().as_str());
            json!({"pid": key.pid, "organisationName": "Example Transport", "authtokenPublicKeys": [jwk]})
        };
        let payload = keys.iter().map(participant).collect::<serde_json::Value>().to_string();
        let terms = SetTerms { authid: pid(16), serial, not_valid_after, interval: None };
        let kid = "16:authority".parse().unwrap();
        sign_set(&payload, &terms, &[(kid, &self.signer)], Form::General, &SystemRandom::new()).unwrap()
    }
}
