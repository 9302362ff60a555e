//! Issuers of tokens: keys that sign, and the JWK sets and metadata sets that a test publishes of them.

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::protocol::claims::Claims;
use bob_auth::protocol::metadata::sign::{Form, sign_set};
use bob_auth::protocol::metadata::{Environment, SetTerms, TrustAnchors};
use bob_auth::protocol::token::TokenKey;
use bob_auth::value::{Clock as _, Kid, Pid, Sha1Fingerprint, SystemClock, Timestamp};
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
    pub(crate) fn new(pid_number: i64, kid: &str) -> Self {
        Self::of(&PrivateKey::generate_p256().unwrap(), pid_number, kid)
    }

    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn of(private: &PrivateKey, pid_number: i64, kid: &str) -> Self {
        let signer = SoftwareSigner::new(private, &SystemRandom::new()).unwrap();
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
    kid: Kid,
    signer: SoftwareSigner,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::of(&PrivateKey::generate_p256().unwrap(), "16:authority")
    }

    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn of(private: &PrivateKey, kid: &str) -> Self {
        let signer = SoftwareSigner::new(private, &SystemRandom::new()).unwrap();
        Self { kid: kid.parse().unwrap(), signer }
    }

    pub(crate) fn anchors(&self) -> TrustAnchors {
        Self::anchors_of(&[self])
    }

    pub(crate) fn anchors_of(all: &[&Self]) -> TrustAnchors {
        TrustAnchors::parse(Self::trust_of(all).as_bytes(), Environment::Production).unwrap()
    }

    /// The anchors as a JWK set.
    pub(crate) fn trust_of(all: &[&Self]) -> String {
        let keys: Vec<_> = all.iter().map(|one| one.signer.public_key().to_jwk(one.kid.as_str())).collect();
        json!({"keys": keys}).to_string()
    }

    /// A set that is good for an hour, with these keys of these participants.
    pub(crate) fn set(&self, serial: u64, keys: &[&Key]) -> String {
        self.set_until(now().plus_seconds(3600), serial, keys)
    }

    pub(crate) fn set_until(&self, not_valid_after: Timestamp, serial: u64, keys: &[&Key]) -> String {
        self.set_on(&SetTerms { not_valid_after, ..terms(serial) }, keys)
    }

    pub(crate) fn set_on(&self, terms: &SetTerms, keys: &[&Key]) -> String {
        Self::set_of_all(&[self], terms, keys)
    }

    /// A set that several have signed.
    pub(crate) fn set_of_all(all: &[&Self], terms: &SetTerms, keys: &[&Key]) -> String {
        let participant = |key: &&Key| {
            let jwk = key.key.public_key().to_jwk(key.key.kid().as_str());
            json!({"pid": key.pid, "organisationName": "Example Transport", "authtokenPublicKeys": [jwk]})
        };
        let payload = keys.iter().map(participant).collect::<serde_json::Value>().to_string();
        Self::sign(all, terms, &payload, Form::General)
    }

    /// A set with this payload.
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn sign(all: &[&Self], terms: &SetTerms, payload: &str, form: Form) -> String {
        let signers: Vec<(Kid, &dyn Signer)> =
            all.iter().map(|one| (one.kid.clone(), &one.signer as &dyn Signer)).collect();
        sign_set(payload, terms, &signers, form, &SystemRandom::new()).unwrap()
    }
}

/// Of a set that is good for an hour.
pub(crate) fn terms(serial: u64) -> SetTerms {
    SetTerms { authid: pid(16), serial, not_valid_after: now().plus_seconds(3600), interval: None }
}
