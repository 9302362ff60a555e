//! The verifier, attack by attack. The form of tokens has its own tests, beside `protocol::unverified`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::*;
use crate::crypto::algorithm::Algorithm;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::signer::{Signer as _, SoftwareSigner};
use crate::protocol::jwk::PublicJwk;
use crate::protocol::key_set::KeySet;
use crate::protocol::token_claims::ClaimError;
use crate::protocol::unverified::{FormError, SignatureError};
use crate::value::{Lifetime, Pid, Sha1Fingerprint, Sha256Fingerprint};

mod bindings;
mod caches;
mod forgeries;
mod policies;
mod times;

const NOW: i64 = 1_800_000_000;
const CERTIFICATE: &[u8] = b"the DER of some certificate";

/// A participant with one key.
struct Issuer {
    pid: Pid,
    kid: &'static str,
    signer: SoftwareSigner,
}

impl Issuer {
    fn new(pid: i64, kid: &'static str) -> Self {
        Self::with(Algorithm::Es256, pid, kid)
    }

    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    fn with(algorithm: Algorithm, pid: i64, kid: &'static str) -> Self {
        let key = match algorithm {
            Algorithm::Es256 => PrivateKey::generate_p256().unwrap(),
            Algorithm::Rs256 => PrivateKey::generate_rsa(2048).unwrap(),
        };
        let signer = SoftwareSigner::new(&key, &SystemRandom::new()).unwrap();
        Self { pid: Pid::new(pid).unwrap(), kid, signer }
    }

    fn header(&self) -> Value {
        json!({"alg": self.signer.algorithm().as_str(), "kid": self.kid})
    }

    /// The claims of a token as they should be.
    fn claims(&self) -> Value {
        json!({
            "iss": self.pid.to_string(), "sub": "validator37", "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
            "bobHok": Presented::of_certificate(CERTIFICATE).sha1.to_string(), "bobAuthZ": "val",
        })
    }

    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let mut signature = Vec::new();
        self.signer.sign(&SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self) -> String {
        self.sign(&self.header(), &self.claims())
    }

    /// A token with one claim changed; `null` takes it out.
    fn token_with(&self, claim: &str, value: Value) -> String {
        self.sign(&self.header(), &with(self.claims(), claim, value))
    }

    fn jwk(&self) -> PublicJwk {
        PublicJwk { kid: self.kid.parse().unwrap(), key: self.signer.public_key().clone() }
    }
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    if value.is_null() {
        object.as_object_mut().unwrap().remove(member);
    } else {
        object[member] = value;
    }
    object
}

fn message(header: &Value, claims: &Value) -> String {
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

fn keys(issuers: &[&Issuer]) -> Arc<CurrentKeys> {
    let mut set = KeySet::new();
    for issuer in issuers {
        set.add(issuer.pid, vec![issuer.jwk()]).unwrap();
    }
    Arc::new(CurrentKeys::new(set).unwrap())
}

/// Knows these issuers and lets everyone pass whose token verifies.
fn builder(issuers: &[&Issuer]) -> VerifierBuilder {
    Verifier::builder(keys(issuers)).allow(Allowed::ANYONE)
}

fn verifier(issuer: &Issuer) -> Verifier {
    builder(&[issuer]).build().unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_seconds(NOW + 10)
}

fn certificate() -> Presented {
    Presented::of_certificate(CERTIFICATE)
}

fn check(verifier: &Verifier, token: &str) -> Result<VerifiedCaller, VerifyError> {
    verifier.verify(token, Some(certificate()), now())
}

fn refusal(verifier: &Verifier, token: &str) -> VerifyError {
    check(verifier, token).unwrap_err()
}

#[test]
fn a_token_of_a_known_issuer_with_its_certificate_opens_the_door() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let issuer = Issuer::with(algorithm, 34, "34:1");
        let caller = check(&verifier(&issuer), &issuer.token()).unwrap();
        assert_eq!(caller.pid(), issuer.pid);
        assert_eq!(caller.entity().as_str(), "validator37");
        assert_eq!(caller.class().as_str(), "val");
        assert_eq!(caller.kid().as_str(), "34:1");
        assert_eq!(caller.fingerprint(), Some(certificate().sha1));
        assert_eq!(caller.expires().as_seconds(), NOW + 3600);
    }
}

#[test]
fn a_token_of_our_own_making_verifies() {
    use crate::protocol::claims::{Claims, HokCase, Subject, Window};
    use crate::protocol::token::TokenKey;

    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let key = TokenKey::new("34:1".parse().unwrap(), Box::new(issuer.signer));
    for case in [HokCase::Lower, HokCase::Upper] {
        let presented = certificate();
        let subject = Subject {
            pid: Pid::new(34).unwrap(),
            entity: &"validator37".parse().unwrap(),
            class: &"val".parse().unwrap(),
            sha1: presented.sha1,
            confirm: presented.sha256,
        };
        let window = Window { now: now(), lifetime: Lifetime::CUSTOMARY, backdate: 60 };
        #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
        let minted = key.mint(&Claims::new(&subject, &window, case), &SystemRandom::new()).unwrap();
        check(&verifier, minted.compact.as_str()).unwrap();
    }
}

#[test]
fn every_refusal_has_a_reason_id_of_its_own_and_a_culprit() {
    let issuer = Issuer::new(34, "34:1");
    let verifier = verifier(&issuer);
    let expired = refusal(&verifier, &issuer.token_with("exp", json!(NOW - 60)));
    assert_eq!((expired.reason(), expired.culprit()), ("expired", Culprit::Caller));
    let unknown = refusal(&verifier, &Issuer::new(35, "34:1").token());
    assert_eq!((unknown.reason(), unknown.culprit()), ("unknown_issuer", Culprit::KeySet));
    let unbound = verifier.verify(&issuer.token(), None, now()).unwrap_err();
    assert_eq!((unbound.reason(), unbound.culprit()), ("nothing_presented", Culprit::Proxy));
}
