//! [`Api`]: an Authentication API of participant 34 that keeps every rule. What a fault changes is said in `faults`.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer as _, SoftwareSigner};
use percent_encoding::percent_decode_str;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use crate::certificates::{example_certificate, now};
use crate::server::{Asked, Told};

/// The id of the key that signs.
pub(crate) const KID: &str = "34:conformance_1";

/// A participant's token service, with a key of its own.
pub(crate) struct Api {
    signer: SoftwareSigner,
    /// Fingerprint and entity of every enrolled certificate.
    enrolled: Vec<(String, &'static str)>,
    /// How many requests came that get a token.
    asked: AtomicUsize,
}

impl Api {
    pub(crate) fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
        let signer = SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &SystemRandom::new()).unwrap();
        let enrolled = ["validator37", "inspector5"];
        let enrolled = enrolled.map(|name| (example_certificate(name).sha1.to_string(), name)).to_vec();
        Self { signer, enrolled, asked: AtomicUsize::new(0) }
    }

    /// Its public key, as a JWK set.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [self.signer.public_key().to_jwk(KID)] })
    }

    /// Writes its public key where `--jwks` can find it.
    pub(crate) fn write_jwks(&self, file: &std::path::Path) {
        fs::write(file, self.jwks().to_string()).unwrap();
    }

    /// The entity of this certificate, if it is enrolled.
    pub(crate) fn entity(&self, fingerprint: &str) -> Option<&'static str> {
        self.enrolled.iter().find(|(own, _)| own == fingerprint).map(|(_, entity)| *entity)
    }

    /// One more request.
    pub(crate) fn count(&self) -> usize {
        self.asked.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The right answer.
    pub(crate) fn right(&self, asked: &Asked) -> Told {
        self.for_fingerprint(asked, asked.fingerprint().as_deref())
    }

    /// The right answer, if this were the certificate.
    pub(crate) fn for_fingerprint(&self, asked: &Asked, fingerprint: Option<&str>) -> Told {
        let Some(own) = fingerprint.and_then(|fingerprint| self.entity(fingerprint)) else { return unauthorized() };
        let Some(entity) = entity_of(asked) else { return not_found() };
        match asked.method.as_str() {
            "GET" | "HEAD" if entity == own => self.given(&entity, fingerprint.unwrap(), |_, _| {}),
            "GET" | "HEAD" => not_found(),
            _ => problem(405, "Method not allowed").with("Allow", "GET, HEAD"),
        }
    }

    /// An answer with a token in which something is changed; header and payload repeat it.
    pub(crate) fn given(&self, entity: &str, fingerprint: &str, change: impl FnOnce(&mut Value, &mut Value)) -> Told {
        let (mut header, mut payload) = parts(entity, fingerprint);
        change(&mut header, &mut payload);
        let compact = self.signed(&header.to_string(), &payload.to_string());
        answer(&json!({ "jwtCompact": compact, "header": header, "payload": payload }))
    }

    /// Signs these texts.
    pub(crate) fn signed(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let mut signature = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
        self.signer.sign(&SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Header and payload of a token that is good for an hour.
pub(crate) fn parts(entity: &str, fingerprint: &str) -> (Value, Value) {
    let now = now().as_seconds();
    let payload = json!({
        "iss": "34", "sub": entity, "iat": now, "nbf": now, "exp": now + 3_600,
        "bobHok": fingerprint, "bobAuthZ": "val",
    });
    (json!({ "alg": "ES256", "kid": KID }), payload)
}

/// The entity that is asked for.
pub(crate) fn entity_of(asked: &Asked) -> Option<String> {
    let segment = asked.target.strip_prefix("/api/v1/auth/")?;
    percent_decode_str(segment).decode_utf8().ok().map(|entity| entity.to_string())
}

/// 200 with this body.
pub(crate) fn answer(body: &Value) -> Told {
    Told::json(200, body).with("Cache-Control", "no-store")
}

pub(crate) fn unauthorized() -> Told {
    problem(401, "The client certificate is not accepted").with("WWW-Authenticate", "Mutual-TLS")
}

pub(crate) fn not_found() -> Told {
    problem(404, "No such entity")
}

pub(crate) fn problem(status: u16, title: &str) -> Told {
    Told::json(status, &json!({ "title": title, "status": status })).with("Content-Type", "application/problem+json")
}
