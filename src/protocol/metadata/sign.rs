//! Sets made: for the registry's side, and for everything that tries out the reading side.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;
use serde_json::{Value, json};

use super::envelope::SignedSet;
use super::header::SetTerms;
use crate::crypto::signer::{Signer, SignerError};
use crate::value::Kid;

/// Which of the two JSON serialisations is written (RFC 7515 section 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With any number of signatures.
    General,
    /// With one.
    Flattened,
}

/// Why no set could be made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A number of keys that the form has no place for.
    #[error("a metadata set has 1 to {max} signatures, one in the flattened form; {0} keys are given", max = SignedSet::MAX_SIGNATURES)]
    Keys(usize),
    /// A serial that readers of JSON would disagree about.
    #[error("the serial {0} is larger than 2^53")]
    Serial(u64),
    /// A signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// What was made does not verify: it must not leave.
    #[error("the signature that {0} just made does not verify under its own key")]
    SelfCheck(Kid),
}

/// Signs a payload (an array of participants as JSON) with every key.
pub fn sign_set(
    payload: &str,
    terms: &SetTerms,
    keys: &[(Kid, &dyn Signer)],
    form: Form,
    rng: &dyn SecureRandom,
) -> Result<String, SignError> {
    let most = if form == Form::Flattened { 1 } else { SignedSet::MAX_SIGNATURES };
    if !(1..=most).contains(&keys.len()) {
        return Err(SignError::Keys(keys.len()));
    }
    if terms.serial > SetTerms::MAX_SERIAL {
        return Err(SignError::Serial(terms.serial));
    }
    let payload = URL_SAFE_NO_PAD.encode(payload);
    let signatures: Vec<Value> =
        keys.iter().map(|(kid, signer)| sign(&payload, terms, kid, *signer, rng)).collect::<Result<_, _>>()?;
    let set = match (form, &signatures[..]) {
        (Form::Flattened, [one]) => {
            json!({"payload": payload, "protected": one["protected"], "signature": one["signature"]})
        }
        _ => json!({"payload": payload, "signatures": signatures}),
    };
    Ok(set.to_string())
}

fn sign(
    payload: &str,
    terms: &SetTerms,
    kid: &Kid,
    signer: &dyn Signer,
    rng: &dyn SecureRandom,
) -> Result<Value, SignError> {
    let protected = URL_SAFE_NO_PAD.encode(terms.protected(signer.algorithm().as_str(), kid).to_string());
    let input = [&protected, ".", payload].concat();
    let mut signature = Vec::new();
    signer.sign(rng, input.as_bytes(), &mut signature)?;
    if signer.public_key().verify(input.as_bytes(), &signature).is_err() {
        return Err(SignError::SelfCheck(kid.clone()));
    }
    Ok(json!({"protected": protected, "signature": URL_SAFE_NO_PAD.encode(signature)}))
}
