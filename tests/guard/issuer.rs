//! An issuer of tokens that says whatever a test wants, and guards that believe it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer as _, SoftwareSigner};
use bob_auth::flow::verify::{Allowed, Verifier};
use bob_auth::flow::verify_live::LiveVerifier;
use bob_auth::key_source::CurrentKeys;
use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::key_set::KeySet;
use bob_auth::value::{Pid, Timestamp, time::FixedClock};
use bob_auth::web::guard::BobAuth;
use bob_auth::web::identity::ProxyIdentity;
use ring::rand::SystemRandom;
use serde_json::json;

/// The time of every test.
pub(crate) const NOW: i64 = 1_800_000_000;
/// The fingerprint that tokens are bound to.
pub(crate) const FINGERPRINT: &str = "0a9a063eb8d540cbf7dfba7697c674d14a174f7d";

/// Participant 1 with one key.
pub(crate) struct Issuer {
    signer: SoftwareSigner,
}

impl Issuer {
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn new() -> Self {
        let key = PrivateKey::generate_for(Algorithm::Es256).unwrap();
        Self { signer: SoftwareSigner::new(&key, &SystemRandom::new()).unwrap() }
    }

    /// A token of validator37 with this class, good for an hour.
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn token(&self, class: &str) -> String {
        let header = json!({"alg": "ES256", "kid": "1:1"});
        let claims = json!({
            "iss": "1", "sub": "validator37", "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
            "bobHok": FINGERPRINT, "bobAuthZ": class,
        });
        let encode = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = Vec::new();
        self.signer.sign(&SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Lets everybody pass whose token this issuer signed.
    pub(crate) fn verifier(&self) -> LiveVerifier {
        let mut keys = KeySet::new();
        let jwk = PublicJwk { kid: "1:1".parse().unwrap(), key: self.signer.public_key().clone() };
        keys.add(Pid::new(1).unwrap(), vec![jwk]).unwrap();
        let keys = Arc::new(CurrentKeys::new(keys).unwrap());
        LiveVerifier::fixed(Verifier::builder(keys).allow(Allowed::ANYONE).build().unwrap())
    }

    /// The same, behind a proxy on this machine, at the time of the test.
    pub(crate) fn guard(&self) -> BobAuth {
        let proxy =
            ProxyIdentity::builder().trust("127.0.0.1".parse().unwrap()).fingerprint_header("X-SSL-Client-SHA1");
        BobAuth::behind_proxy(self.verifier(), proxy.build().unwrap()).clock(clock(0))
    }
}

/// A clock that stands so many seconds after [`NOW`].
pub(crate) fn clock(seconds: i64) -> FixedClock {
    FixedClock(Timestamp::from_seconds(NOW + seconds))
}
