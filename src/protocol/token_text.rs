//! [`TokenText`]: a token taken apart to be shown to people. Nothing here is checked, so nothing may be decided by it;
//! what a verifier reads is `unverified`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// What a token says of itself. Anybody can have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenText {
    /// The JOSE header.
    pub header: Map<String, Value>,
    /// The claims.
    pub payload: Map<String, Value>,
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenTextError {
    /// Nothing at all.
    #[error("there is no token: the text is empty")]
    Empty,
    /// A JSON object that is no answer of the Authentication API.
    #[error("this is JSON, but no token answer: it has no member \"jwtCompact\" with a text")]
    NoJwtCompact,
    /// Another number of parts than a JWS in compact serialisation has.
    #[error("a token has three parts with a full stop between them, this text has {0}")]
    Parts(usize),
    /// A part that is not base64url.
    #[error("the {0} of this token is not base64url without padding")]
    Base64(Part),
    /// A part that is no JSON object.
    #[error("the {0} of this token is no JSON object")]
    Json(Part),
}

/// A part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Part {
    /// The first one.
    #[error("header")]
    Header,
    /// The second one.
    #[error("payload")]
    Payload,
    /// The third one.
    #[error("signature")]
    Signature,
}

impl TokenText {
    /// Takes a compact token apart, or the JSON answer of the Authentication API with one in it.
    pub fn read(text: &str) -> Result<Self, TokenTextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TokenTextError::Empty);
        }
        if text.starts_with('{') {
            let answer: Value = serde_json::from_str(text).map_err(|_| TokenTextError::NoJwtCompact)?;
            let compact = answer.get("jwtCompact").and_then(Value::as_str);
            return Self::read_compact(compact.ok_or(TokenTextError::NoJwtCompact)?);
        }
        Self::read_compact(text)
    }

    fn read_compact(text: &str) -> Result<Self, TokenTextError> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(TokenTextError::Parts(parts.len()));
        };
        decode(signature, Part::Signature)?;
        Ok(Self { header: object(header, Part::Header)?, payload: object(payload, Part::Payload)? })
    }
}

fn decode(text: &str, part: Part) -> Result<Vec<u8>, TokenTextError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenTextError::Base64(part))
}

fn object(text: &str, part: Part) -> Result<Map<String, Value>, TokenTextError> {
    serde_json::from_slice(&decode(text, part)?).map_err(|_| TokenTextError::Json(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> String {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        format!("{}.{}.AAAA", part(r#"{"alg":"ES256"}"#), part(r#"{"sub":"validator37"}"#))
    }

    #[test]
    fn a_token_is_read_bare_and_inside_its_answer() {
        let bare = TokenText::read(&format!(" {}\n", token())).unwrap();
        assert_eq!(bare.payload["sub"], "validator37");
        let answer = format!(r#"{{"jwtCompact":"{}","header":{{}}}}"#, token());
        assert_eq!(TokenText::read(&answer).unwrap(), bare);
    }

    #[test]
    fn what_is_no_token_is_refused_by_name() {
        let refusal = |text: &str| TokenText::read(text).unwrap_err();
        assert_eq!(refusal(""), TokenTextError::Empty);
        assert_eq!(refusal("{\"title\":\"no\"}"), TokenTextError::NoJwtCompact);
        assert_eq!(refusal("a.b"), TokenTextError::Parts(2));
        assert_eq!(refusal("e30.e30.a="), TokenTextError::Base64(Part::Signature));
        assert_eq!(refusal("e30.W10."), TokenTextError::Json(Part::Payload));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
            let _ = TokenText::read(&text);
        }
    }
}
