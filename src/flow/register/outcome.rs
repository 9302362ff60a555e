//! What comes of a [`Request`](super::Request): [`Done`] or [`Refused`]. Each variant has one status.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::digest::sha256;
use crate::protocol::registry::body::BodyError;
use crate::protocol::registry::operation::Place;
use crate::store::StoreError;
use crate::value::Kid;

/// A strong validator (RFC 9110 section 8.8.3) without its quotation marks; derived from the content alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Etag(Box<str>);

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// GET, 200.
    Read {
        /// What is there, as JSON.
        json: String,
        /// Its validator.
        etag: Etag,
    },
    /// POST, and PUT of `participantInfo`, 201. Also when the same thing was there already: a request whose answer was
    /// lost may be made again.
    Created {
        /// Where it is.
        location: Place,
        /// The thing itself, for an endpoint: the register chose its id.
        body: Option<String>,
        /// Its validator.
        etag: Etag,
    },
    /// PUT of a key, 200.
    Repaired {
        /// Where it is.
        location: Place,
        /// Its validator.
        etag: Etag,
    },
    /// PUT of anything else, 204.
    Replaced {
        /// The validator of what is there now.
        etag: Etag,
    },
    /// DELETE, 204.
    Removed,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// 404: there is no such thing, or no longer, or the participant itself is gone.
    #[error("there is nothing at {0}")]
    NotFound(Place),
    /// 401, told like an unknown key: a participant acts and reads under its own pid only.
    #[error("{0} belongs to another participant")]
    NotYours(Place),
    /// 405: the place has no such operation.
    #[error("there is no such operation at {0}")]
    MethodNotHere(Place),
    /// 403: the id names, or named, another key; or its key was deleted.
    #[error("the key id {0} has been used already; a new key needs a new id")]
    KidReused(Kid),
    /// 400: the body is not what it should be.
    #[error(transparent)]
    Malformed(#[from] BodyError),
    /// 422: the body is well-formed, and this stands against it. The text is for whoever sent it.
    #[error("{0}")]
    Unacceptable(String),
    /// 422: more of its kind than one participant may have.
    #[error("a participant has at most {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it may have.
        most: u32,
    },
    /// 412: the thing is not, or no longer, what `If-Match` says.
    #[error("what is there is not what If-Match names")]
    PreconditionFailed,
    /// 401: the proof was used before.
    #[error("the proof of possession was used before")]
    Replayed,
    /// 500 or 503: the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Etag {
    /// The validator with this text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The validator of this content.
    pub fn of(content: &str) -> Self {
        Self::of_bytes(content.as_bytes())
    }

    /// The same.
    pub(super) fn of_bytes(content: &[u8]) -> Self {
        let digest = sha256(content);
        Self(URL_SAFE_NO_PAD.encode(&digest[..16]).into())
    }

    /// Its text, without quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Refused {
    /// A stable name for logs, metrics and problems.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::NotYours(_) => "not_yours",
            Self::MethodNotHere(_) => "method_not_allowed",
            Self::KidReused(_) => "kid_reused",
            Self::Malformed(_) => "malformed_body",
            Self::Unacceptable(_) => "unacceptable",
            Self::TooMany { .. } => "too_many_entries",
            Self::PreconditionFailed => "precondition_failed",
            Self::Replayed => "pop_replayed",
            Self::Store(_) => "store_failed",
        }
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
