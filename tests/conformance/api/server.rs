//! [`Service`]: a service of a partner that takes tokens of participant 34 and keeps every rule. What a fault changes is said in
//! `faults`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::flow::verify::{Allowed, Verifier};
use bob_auth::key_source::CurrentKeys;
use bob_auth::protocol::jwk::JwkSet;
use bob_auth::protocol::key_set::KeySet;
use bob_auth::protocol::presented::Presented;
use bob_auth::value::Pid;
use serde_json::{Value, json};

use crate::auth::server::{Api, parts, problem};
use crate::certificates::{example_certificate, now};
use crate::server::{Asked, Told};

/// A service that validators may call, and inspectors may not.
pub(crate) struct Service {
    verifier: Verifier,
    /// A token of validator37.
    pub(crate) good: String,
    /// One of inspector5.
    pub(crate) forbidden: String,
    /// One of validator37 that has expired.
    pub(crate) expired: String,
    /// How often the good token was seen.
    seen: AtomicUsize,
}

impl Service {
    /// With the keys and tokens of this issuer.
    pub(crate) fn of(api: &Api) -> Self {
        let mut keys = KeySet::new();
        keys.add(Pid::new(34).unwrap(), JwkSet::parse(api.jwks().to_string().as_bytes()).unwrap().keys).unwrap();
        let verifier = Verifier::builder(Arc::new(CurrentKeys::new(keys).unwrap())).allow(Allowed::ANYONE);
        let token = |entity: &str, change: &dyn Fn(&mut Value)| {
            let (header, mut payload) = parts(entity, &example_certificate(entity).sha1.to_string());
            change(&mut payload);
            api.signed(&header.to_string(), &payload.to_string())
        };
        let over = |payload: &mut Value| {
            payload["exp"] = json!(now().as_seconds() - 1_000);
            payload["iat"] = json!(now().as_seconds() - 4_600);
            payload["nbf"] = payload["iat"].clone();
        };
        Self {
            verifier: verifier.build().unwrap(),
            good: token("validator37", &|_| {}),
            forbidden: token("inspector5", &|payload| payload["bobAuthZ"] = json!("ins")),
            expired: token("validator37", &over),
            seen: AtomicUsize::new(0),
        }
    }

    /// The right answer.
    pub(crate) fn right(&self, asked: &Asked) -> Told {
        let certificate = asked.certificate.as_ref().map(|shown| shown.der.clone());
        match asked.headers("X-BoB-AuthToken")[..] {
            [token] => self.for_token(token, certificate.as_deref()),
            _ => refused(),
        }
    }

    /// The right answer to this token with this certificate.
    pub(crate) fn for_token(&self, token: &str, certificate: Option<&[u8]>) -> Told {
        match self.verifier.verify(token, certificate.map(Presented::of_certificate), now()) {
            Ok(caller) if caller.class().as_str() == "val" => welcome(),
            Ok(_) => problem(403, "Not yours"),
            Err(_) => refused(),
        }
    }

    /// The right answer, if the good token's certificate had been shown.
    pub(crate) fn with_its_certificate(&self, asked: &Asked) -> Told {
        let certificate = example_certificate("validator37");
        self.for_token(token(asked), Some(&certificate.der))
    }

    /// How often the good token was seen, this time included.
    pub(crate) fn count(&self) -> usize {
        self.seen.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The token of a request, or nothing.
pub(crate) fn token(asked: &Asked) -> &str {
    asked.header("X-BoB-AuthToken").unwrap_or_default()
}

/// A part of a token, as far as it is JSON.
pub(crate) fn part(token: &str, number: usize) -> Value {
    let text = token.split('.').nth(number).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

pub(crate) fn welcome() -> Told {
    Told::json(200, &json!({ "status": "open" }))
}

pub(crate) fn refused() -> Told {
    problem(401, "Not with this token").with("WWW-Authenticate", "BoB").with("Cache-Control", "no-store")
}
