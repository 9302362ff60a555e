//! [`Caller`]: who calls, as a handler asks for it.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError};

use super::desk::Desk;
use crate::flow::verify::VerifiedCaller;
use crate::web::problem::Problem;
use crate::web::verdict::Denial;

/// Who calls, verified by the guard ([`BobAuth`](super::BobAuth)) around the handler.
///
/// Take it as an argument: the handler then runs for verified callers only. `Option<Caller>` is for handlers that serve
/// everybody, as in shadow mode; `None` is nobody in particular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(VerifiedCaller);

/// Why a handler that asks for a [`Caller`] does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallerError {
    /// A mistake in the program.
    #[error(
        "a handler asks for a Caller and no guard stands before it: wrap its route, resource, scope or app in BobAuth"
    )]
    NotGuarded,
    /// In shadow mode the guard lets everybody through; a handler that asks for a caller still needs one.
    #[error(transparent)]
    Denied(#[from] Denial),
}

/// What a guard leaves in a request for those behind it.
pub(super) enum Presence {
    /// Verified, at this desk.
    Verified(Caller, Arc<Desk>),
    /// Let through although there was this to object.
    LetThrough(Denial),
}

/// What the caller learns of a handler without a guard.
const NOT_GUARDED: Problem = Problem {
    id: "not-guarded",
    status: 500,
    title: "This service is not set up as it should be",
    detail: "The service has a mistake that its log tells of. Nothing that a caller sends can mend it.",
};

impl Caller {
    pub(super) const fn new(verified: VerifiedCaller) -> Self {
        Self(verified)
    }

    /// Takes it out of its wrapper.
    pub fn into_inner(self) -> VerifiedCaller {
        self.0
    }
}

/// `caller.pid()`, `caller.entity()`, `caller.class()`, `caller.fingerprint()`, `caller.expires()`, `caller.kid()`.
impl Deref for Caller {
    type Target = VerifiedCaller;

    fn deref(&self) -> &VerifiedCaller {
        &self.0
    }
}

impl FromRequest for Caller {
    type Error = CallerError;
    type Future = Ready<Result<Self, CallerError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.extensions().get::<Presence>() {
            Some(Presence::Verified(caller, _)) => Ok(caller.clone()),
            Some(Presence::LetThrough(denial)) => Err(CallerError::Denied(denial.clone())),
            None => Err(CallerError::NotGuarded),
        })
    }
}

impl ResponseError for CallerError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotGuarded => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Denied(denial) => denial.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::NotGuarded => {
                tracing::error!("{self}");
                NOT_GUARDED.builder().body(NOT_GUARDED.body())
            }
            Self::Denied(denial) => denial.response(),
        }
    }
}
