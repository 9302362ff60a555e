//! [`SignedSet`]: the envelope of a set, a JWS in JSON serialisation (RFC 7515 section 7.2), general or flattened. What it
//! holds is not trusted here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::MetadataError;
use crate::protocol::strict_json::{Json, Object, read_object};

/// A set as it came: anybody can have made it.
#[derive(Debug)]
pub struct SignedSet<'a> {
    envelope: Object<'a>,
}

/// One signature and its headers, still encoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature<'s> {
    pub(super) protected: &'s str,
    pub(super) unprotected: Option<&'s Object<'s>>,
    pub(super) value: &'s str,
}

impl<'a> SignedSet<'a> {
    /// The most bytes of a set: more than twice what a hundred thousand keys take, and little enough to hold in memory.
    pub const MAX_BYTES: usize = 64 << 20;

    /// The most signatures of a set. Two are usual (EC and RSA), four while the anchors change.
    pub const MAX_SIGNATURES: usize = 8;

    /// The most values in the envelope, payload and protected headers being one each.
    const MAX_VALUES: u32 = 512;

    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, MetadataError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(MetadataError::TooLarge { bytes: bytes.len(), most: Self::MAX_BYTES });
        }
        let envelope = read_object(bytes, Self::MAX_VALUES).map_err(MetadataError::Envelope)?;
        Ok(Self { envelope })
    }

    /// The payload, still encoded: what the signatures cover.
    pub(super) fn payload(&self) -> Result<&str, MetadataError> {
        text(&self.envelope, "payload")?.ok_or(MetadataError::Form("it has no payload"))
    }

    /// Whether it is in the flattened form.
    pub(super) fn is_flattened(&self) -> bool {
        self.envelope.get("signatures").is_none()
    }

    /// The signatures, of whichever form.
    pub(super) fn signatures(&self) -> Result<Vec<Signature<'_>>, MetadataError> {
        let flattened = ["signature", "protected", "header"].iter().any(|name| self.envelope.get(name).is_some());
        match self.envelope.get("signatures") {
            None => Ok(vec![signature(&self.envelope)?]),
            Some(_) if flattened => Err(MetadataError::Form("it mixes the general form with the flattened one")),
            Some(Json::Array(signatures)) if signatures.len() > Self::MAX_SIGNATURES => {
                Err(MetadataError::Form("it has more than 8 signatures"))
            }
            Some(Json::Array(signatures)) => signatures.iter().map(entry).collect(),
            Some(_) => Err(MetadataError::Form("its signatures are no array")),
        }
    }
}

fn entry<'s>(entry: &'s Json<'_>) -> Result<Signature<'s>, MetadataError> {
    let Json::Object(entry) = entry else { return Err(MetadataError::Form("a signature is no object")) };
    signature(entry)
}

fn signature<'s>(object: &'s Object<'_>) -> Result<Signature<'s>, MetadataError> {
    let unprotected = match object.get("header") {
        None => None,
        Some(Json::Object(header)) => Some(header),
        Some(_) => return Err(MetadataError::Form("a header is no object")),
    };
    Ok(Signature {
        protected: text(object, "protected")?.unwrap_or_default(),
        unprotected,
        value: text(object, "signature")?.ok_or(MetadataError::Form("it has no signature"))?,
    })
}

fn text<'s>(object: &'s Object<'_>, name: &str) -> Result<Option<&'s str>, MetadataError> {
    match object.get(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(MetadataError::Form("payload, protected and signature are strings")),
    }
}

/// Decodes base64url without padding, in its one spelling.
pub(super) fn decode(text: &str, what: &'static str) -> Result<Vec<u8>, MetadataError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| MetadataError::Base64(what))
}
