//! [`Answered`]: an answer and the audit row that goes with it, so that none is forgotten.

use actix_web::HttpResponse;

use super::peer::Peer;
use super::problem::Problem;
use super::state::Service;
use crate::flow::refusal::Refusal;
use crate::store::{AuditResult, AuditRow};

/// What a request came to.
#[derive(Debug)]
pub(super) struct Answered {
    /// For the audit trail and the access line; `None` only in a flood, of which one row was written already.
    pub(super) row: Option<AuditRow>,
    /// For the caller.
    pub(super) response: HttpResponse,
}

impl Answered {
    /// A request that asked for no token and was served.
    pub(super) fn done(service: &Service, peer: &Peer, action: &'static str, response: HttpResponse) -> Self {
        Self { row: Some(row(service, peer, action, AuditResult::Done)), response }
    }

    /// A request that was refused before it was known to be one for a token.
    pub(super) fn refused(service: &Service, peer: &Peer, refusal: &Refusal) -> Self {
        service.metrics.refused(refusal);
        let mut row = row(service, peer, "http.request", AuditResult::Refused);
        row.reason = Some(refusal.reason().into());
        Self { row: Some(row), response: Problem::of(refusal) }
    }

    /// The same answer, counted and not recorded.
    pub(super) fn unrecorded(self) -> Self {
        Self { row: None, ..self }
    }
}

/// The facts that every request has.
pub(super) fn row(service: &Service, peer: &Peer, action: &'static str, result: AuditResult) -> AuditRow {
    let mut row = AuditRow::new(service.context.clock.now(), "service", action, result);
    row.source = peer.source;
    row
}
