//! [`Reply`]: an answer before it leaves: signed if the caller proved himself, and never kept by anybody in between.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use ring::rand::SecureRandom;

use crate::crypto::signer::SignerError;
use crate::flow::register::{Done, Etag};
use crate::protocol::pop::{AnswerParts, PopKey, PopProfile, sign_answer};
use crate::protocol::registry::operation::{BASE_PATH, Place};
use crate::protocol::wire;
use crate::value::Timestamp;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    headers: Vec<(HeaderName, String)>,
    body: String,
}

impl Reply {
    pub(super) const fn of(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub(super) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn content(mut self, media_type: &str, body: String) -> Self {
        self.body = body;
        self.with(CONTENT_TYPE, media_type.to_owned())
    }

    fn etag(self, etag: &Etag) -> Self {
        self.with(ETAG, format!("\"{etag}\""))
    }

    fn location(self, place: &Place) -> Self {
        self.with(LOCATION, format!("{BASE_PATH}{place}"))
    }

    /// What 401 asks for (RFC 9110 section 11.6.1).
    pub(super) fn challenge(self, profile: &PopProfile, reason: &str) -> Self {
        let scheme = if profile.scheme.is_empty() { PopProfile::default().scheme } else { profile.scheme.clone() };
        self.with(WWW_AUTHENTICATE, format!("{scheme} reason=\"{reason}\""))
    }

    /// The signature of this answer to the request with this proof.
    pub(super) fn sign(
        &self,
        key: &PopKey,
        proof: &str,
        now: Timestamp,
        rng: &dyn SecureRandom,
    ) -> Result<String, SignerError> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let parts = AnswerParts { status: self.status, headers: &headers, body: self.body.as_bytes(), request: proof };
        sign_answer(key, &parts, now, rng)
    }

    /// As it leaves.
    pub(super) fn response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut builder = HttpResponse::build(status);
        builder.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        for header in self.headers {
            builder.insert_header(header);
        }
        if self.body.is_empty() { builder.finish() } else { builder.body(self.body) }
    }
}

impl From<Done> for Reply {
    fn from(done: Done) -> Self {
        match done {
            Done::Read { json, etag } => Self::of(200).etag(&etag).content(wire::JSON, json),
            Done::Created { location, body, etag } => {
                let reply = Self::of(201).location(&location).etag(&etag);
                match body {
                    Some(body) => reply.content(wire::JSON, body),
                    None => reply,
                }
            }
            Done::Repaired { location, etag } => Self::of(200).location(&location).etag(&etag),
            Done::Replaced { etag } => Self::of(204).etag(&etag),
            Done::Removed => Self::of(204),
        }
    }
}
