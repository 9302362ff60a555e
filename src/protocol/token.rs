//! Tokens made: claims become a compact JWS and the answer of the Authentication API. Checking tokens is not here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;

use super::claims::Claims;
use crate::crypto::algorithm::Algorithm;
use crate::crypto::jws::verify_compact;
use crate::crypto::public_key::PublicKey;
use crate::crypto::signer::{Signer, SignerError};
use crate::value::{CompactJws, Kid};

/// A key that signs tokens, with everything of a token's header worked out once.
pub struct TokenKey {
    kid: Kid,
    signer: Box<dyn Signer>,
    header_json: String,
    /// base64url of the header and the full stop behind it: how every token of this key begins.
    prefix: String,
}

/// A token that was just made.
#[derive(Debug, Clone)]
pub struct MintedToken {
    /// The token.
    pub compact: CompactJws,
    payload_json: String,
}

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The claims are no JSON; does not happen with [`Claims`].
    #[error("the claims could not be written")]
    Claims(#[from] serde_json::Error),
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// What was made does not verify or does not say what it was to say: it must not leave.
    #[error("the token that was just signed does not verify under its own key")]
    SelfCheck,
}

impl TokenKey {
    /// The key `kid`, signing with `signer`.
    pub fn new(kid: Kid, signer: Box<dyn Signer>) -> Self {
        // A Kid needs no escaping in JSON.
        let header_json = format!(r#"{{"alg":"{}","kid":"{kid}"}}"#, signer.algorithm());
        let prefix = URL_SAFE_NO_PAD.encode(&header_json) + ".";
        Self { kid, signer, header_json, prefix }
    }

    /// Its key id.
    pub const fn kid(&self) -> &Kid {
        &self.kid
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        self.signer.public_key()
    }

    /// Signs the claims.
    pub fn mint(&self, claims: &Claims, rng: &dyn SecureRandom) -> Result<MintedToken, MintError> {
        let payload_json = serde_json::to_string(claims)?;
        let mut token = String::with_capacity(self.prefix.len() + payload_json.len() * 4 / 3 + 360);
        token.push_str(&self.prefix);
        URL_SAFE_NO_PAD.encode_string(&payload_json, &mut token);
        let mut signature = Vec::with_capacity(64);
        self.signer.sign(rng, token.as_bytes(), &mut signature)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(MintedToken { compact: CompactJws::from_joined(token), payload_json })
    }

    /// Checks a token that this key just signed as a stranger would: signature by the public half, then the claims.
    pub fn check(&self, minted: &MintedToken, claims: &Claims) -> Result<(), MintError> {
        let (header, read) =
            verify_compact::<Claims>(minted.compact.as_str(), self.public_key()).map_err(|_| MintError::SelfCheck)?;
        if header.kid.as_deref() == Some(self.kid.as_str()) && read == *claims {
            return Ok(());
        }
        Err(MintError::SelfCheck)
    }

    /// The body of the answer (Authentication API 1.3.3): the token, and its header and payload to spare the parsing.
    pub fn answer_json(&self, minted: &MintedToken) -> String {
        let (header, payload, compact) = (&self.header_json, &minted.payload_json, minted.compact.as_str());
        let mut body = String::with_capacity(compact.len() + header.len() + payload.len() + 48);
        for part in [r#"{"jwtCompact":""#, compact, r#"","header":"#, header, r#","payload":"#, payload, "}"] {
            body.push_str(part);
        }
        body
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKey({}, {})", self.kid, self.algorithm())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use ring::rand::SystemRandom;
    use serde_json::Value;

    use super::*;
    use crate::crypto::private_key::PrivateKey;
    use crate::crypto::signer::SoftwareSigner;
    use crate::protocol::claims::{HokCase, Subject, Window};
    use crate::value::{Lifetime, Pid, Timestamp};

    fn key(algorithm: Algorithm) -> TokenKey {
        let private = PrivateKey::generate_for(algorithm).unwrap();
        let signer = SoftwareSigner::new(&private, &SystemRandom::new()).unwrap();
        TokenKey::new("34:20261122_1".parse().unwrap(), Box::new(signer))
    }

    fn claims() -> Claims {
        let subject = Subject {
            pid: Pid::new(34).unwrap(),
            entity: &"validator37".parse().unwrap(),
            class: &"val".parse().unwrap(),
            sha1: "0a9a063eb8d540cbf7dfba7697c674d14a174f7d".parse().unwrap(),
            confirm: None,
        };
        let now = Timestamp::from_seconds(1_489_998_201);
        Claims::new(&subject, &Window { now, lifetime: Lifetime::CUSTOMARY, backdate: 0 }, HokCase::Lower)
    }

    #[test]
    fn a_minted_token_verifies_and_its_answer_repeats_what_is_inside() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let key = key(algorithm);
            let minted = key.mint(&claims(), &SystemRandom::new()).unwrap();
            key.check(&minted, &claims()).unwrap();
            let answer: Value = serde_json::from_str(&key.answer_json(&minted)).unwrap();
            let token = answer["jwtCompact"].as_str().unwrap();
            let decode = |n: usize| -> Value {
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(n).unwrap()).unwrap()).unwrap()
            };
            assert_eq!(answer["header"], decode(0));
            assert_eq!(answer["payload"], decode(1));
            assert_eq!(answer["header"]["kid"], "34:20261122_1");
        }
    }

    #[test]
    fn the_check_of_our_own_product_notices_other_claims_and_another_key() {
        let es256 = key(Algorithm::Es256);
        let minted = es256.mint(&claims(), &SystemRandom::new()).unwrap();
        let mut other = claims();
        other.sub = "inspector5".to_owned();
        assert!(matches!(es256.check(&minted, &other), Err(MintError::SelfCheck)));
        assert!(matches!(key(Algorithm::Es256).check(&minted, &claims()), Err(MintError::SelfCheck)));
    }
}
