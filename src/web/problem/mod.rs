//! [`Problem`]: a kind of answer that is no success, as a problem document (RFC 9457). Which refusal gets which problem is
//! told by the tables beside it: `refusals` for the token service, [`verdict`](super::verdict) for the verification.

#[cfg(feature = "service")]
mod refusals;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};

#[cfg(feature = "service")]
pub use self::refusals::{
    ALL, CERTIFICATE_NOT_ACCEPTED, CERTIFICATE_REQUIRED, ENTITY_NOT_FOUND, HEADERS_TOO_LARGE, METHOD_NOT_ALLOWED,
    NOT_FOUND, TOKENS_UNAVAILABLE, TOO_MANY_REQUESTS, of_refusal,
};
use crate::protocol::wire;

/// A kind of answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// The last part of its `type`, stable.
    pub id: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// `title`: what kind of problem this is.
    pub title: &'static str,
    /// `detail`: what the caller can do.
    pub detail: &'static str,
}

/// What every `type` starts with.
pub const TYPE_PREFIX: &str = "urn:bob-auth:problem:";

/// A proxy did not hand over the identity as agreed.
pub const IDENTITY_NOT_ESTABLISHED: Problem = Problem {
    id: "identity-not-established",
    status: 401,
    title: "The client's identity could not be established",
    detail: "What stands between you and this service did not hand over a client certificate in the agreed form. \
             The operator finds the reason in the log.",
};

impl Problem {
    /// The body: `type`, `title`, `status`, `detail`. None of the texts needs escaping.
    pub fn body(self) -> String {
        let Self { id, status, title, detail } = self;
        format!(r#"{{"type":"{TYPE_PREFIX}{id}","title":"{title}","status":{status},"detail":"{detail}"}}"#)
    }

    /// The body with the member `reason` besides. A reason id needs no escaping.
    pub fn body_with_reason(self, reason: &'static str) -> String {
        let mut body = self.body();
        body.truncate(body.len() - 1);
        format!(r#"{body},"reason":"{reason}"}}"#)
    }

    /// Status, media type, and that nobody keeps a copy. A 401 wants a challenge besides, which depends on what is missing.
    pub(super) fn builder(self) -> HttpResponseBuilder {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut builder = HttpResponse::build(status);
        builder.insert_header((header::CONTENT_TYPE, wire::PROBLEM_JSON));
        builder.insert_header((header::CACHE_CONTROL, "no-store"));
        builder
    }
}
