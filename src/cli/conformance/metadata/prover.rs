//! [`Prover`]: asks with a proof of possession, right or bent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use serde_json::json;

use crate::cli::conformance::asker::{Ask, Asker, Heard};
use crate::cli::error::CliError;
use crate::protocol::pop::{PopKey, PopProfile, RequestParts, sign_request};
use crate::protocol::registry::operation::Place;
use crate::value::{Clock as _, SystemClock, Timestamp};

/// Who asks, and where.
pub(super) struct Prover {
    pub(super) key: PopKey,
    pub(super) profile: PopProfile,
    pub(super) rng: SystemRandom,
    /// Host and port.
    pub(super) host: String,
    /// Where the API begins.
    pub(super) base: String,
}

/// What a proof is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) method: &'a str,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) body: &'a [u8],
    pub(super) at: Timestamp,
}

/// What was asked with a proof, and the proof.
pub(super) struct Proven {
    pub(super) heard: Heard,
    pub(super) proof: String,
}

impl Prover {
    /// The same with another key.
    pub(super) fn with(&self, key: PopKey) -> Self {
        let Self { profile, rng, host, base, .. } = self;
        Self { key, profile: profile.clone(), rng: rng.clone(), host: host.clone(), base: base.clone() }
    }

    /// The path of a place.
    pub(super) fn path(&self, place: &Place) -> String {
        format!("{}{place}", self.base)
    }

    /// What a right proof for reading this is about.
    pub(super) fn reading<'a>(&'a self, path: &'a str) -> About<'a> {
        About { method: "GET", host: &self.host, path, body: b"", at: SystemClock.now() }
    }

    /// A proof.
    pub(super) fn prove(&self, about: &About<'_>) -> Result<String, CliError> {
        let About { method, host, path, body, at } = *about;
        let parts = RequestParts { method, host, path, query: None, headers: &[], body };
        sign_request(&self.profile, &self.key, &parts, at, &self.rng).map_err(CliError::new)
    }

    /// Asks with a right proof.
    pub(super) async fn ask(
        &self,
        asker: &mut Asker,
        method: &str,
        place: &Place,
        body: Option<Vec<u8>>,
    ) -> Result<Proven, CliError> {
        let path = self.path(place);
        let about = About { method, body: body.as_deref().unwrap_or_default(), ..self.reading(&path) };
        let proof = self.prove(&about)?;
        let heard = self.ask_with(asker, (method, &path), &proof, body).await?;
        Ok(Proven { heard, proof })
    }

    /// Asks with this proof, whatever it is about.
    pub(super) async fn ask_with(
        &self,
        asker: &mut Asker,
        (method, target): (&str, &str),
        proof: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Heard, CliError> {
        let mut headers = vec![("Authorization", self.profile.credentials(proof))];
        if body.is_some() {
            headers.push(("Content-Type", "application/json".to_owned()));
        }
        asker.ask(&Ask { method, target, headers, body, ..Ask::default() }).await
    }
}

/// The same proof with another signature.
pub(super) fn tampered(proof: &str) -> String {
    let (signed, signature) = proof.rsplit_once('.').unwrap_or_default();
    // The first letter stands for six bits that all count.
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{other}{}", signature.get(1..).unwrap_or_default())
}

/// The same proof without a signature, and saying so.
pub(super) fn unsigned(proof: &str, kid: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": kid, "typ": "pop" }).to_string());
    let payload = proof.split('.').nth(1).unwrap_or_default();
    format!("{header}.{payload}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_proof_differs_where_it_should_and_nowhere_else() {
        assert_eq!(tampered("h.p.Axyz"), "h.p.Bxyz");
        assert_eq!(tampered("h.p.xxyz"), "h.p.Axyz");
        let bent = unsigned("h.p.s", "34:1");
        assert!(bent.ends_with(".p.") && bent.split('.').count() == 3);
        let header = URL_SAFE_NO_PAD.decode(bent.split('.').next().unwrap()).unwrap();
        assert_eq!(header, br#"{"alg":"none","kid":"34:1","typ":"pop"}"#);
    }
}
