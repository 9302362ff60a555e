//! [`Compact`]: a token taken apart, strictly, to be judged or forged. Nothing in it is verified here.

use serde_json::{Map, Value};

use crate::protocol::strict_json::read_object;
use crate::protocol::unverified::DecodedToken;

/// The most bytes of a token: far more than any has.
const LONGEST: usize = 32 * 1024;
/// The most values of one part of it.
const MAX_VALUES: u32 = 1_024;

/// A JWS in compact serialisation. It is a credential: there is no `Debug`.
pub(super) struct Compact {
    pub(super) text: String,
    pub(super) header: Map<String, Value>,
    pub(super) payload: Map<String, Value>,
    pub(super) signature: Vec<u8>,
}

impl Compact {
    /// Takes a token apart; says what is wrong with its form, and nothing of what is in it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let decoded = DecodedToken::decode(text, LONGEST).map_err(|error| error.to_string())?;
        let (header, payload, signature) = decoded.parts();
        Ok(Self {
            text: text.to_owned(),
            header: object(header).map_err(|fault| format!("the header {fault}"))?,
            payload: object(payload).map_err(|fault| format!("the payload {fault}"))?,
            signature: signature.to_vec(),
        })
    }

    /// What is signed.
    pub(super) fn signing_input(&self) -> &str {
        self.text.rsplit_once('.').map_or("", |(input, _)| input)
    }

    /// A member of the header, if it is a text.
    pub(super) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// A claim, if it is a text.
    pub(super) fn claim_text(&self, name: &str) -> Option<&str> {
        self.payload.get(name).and_then(Value::as_str)
    }
}

/// A JSON object in which no member is named twice, at any depth.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    read_object(bytes, MAX_VALUES).map_err(|fault| fault.to_string())?;
    serde_json::from_slice(bytes).map_err(|_| "is no JSON object".to_owned())
}
