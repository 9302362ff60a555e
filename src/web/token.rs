//! `GET /api/v1/auth/{entityId}`: from a request to the flow `issue`, and from its outcome to answer, metrics, audit row
//! and access line.

use std::time::Instant;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::answered::{self, Answered};
use super::identity::IdentitySource;
use super::peer::Peer;
use super::problem::Problem;
use super::state::Service;
use crate::crypto::digest::sha256;
use crate::flow::issue::{Issued, Request, issue};
use crate::flow::refusal::Refusal;
use crate::protocol::presented::Presented;
use crate::protocol::wire;
use crate::store::{AuditResult, AuditRow};
use crate::value::{EntityId, Pid};

/// A request for a token, as far as the route and the listener know it.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// The participant asked.
    pub pid: Pid,
    /// The entity id as it was written, percent-decoded.
    pub entity: Option<&'a str>,
    /// Where this listener takes identities from.
    pub identity: &'a IdentitySource,
}

/// Answers a request for a token.
pub(super) fn answer(service: &Service, http: &HttpRequest, peer: &Peer, request: &TokenRequest<'_>) -> Answered {
    let began = Instant::now();
    let presented = Peer::presented(http, request.identity);
    let outcome = presented.clone().and_then(|presented| {
        let snapshot = service.snapshot();
        let limits = service.limits();
        let limiter = limits.as_ref().and_then(|limits| limits.fingerprint.as_ref());
        let asked = Request { pid: request.pid, entity: request.entity, presented };
        issue(&service.context, &snapshot, limiter, &asked)
    });
    let row = audit_row(service, request, peer, presented.ok().flatten(), &outcome);
    let response = match &outcome {
        Ok(issued) => success(service, request.pid, issued),
        Err(refusal) => {
            service.metrics.refused(refusal);
            Problem::of(refusal)
        }
    };
    service.metrics.took(began.elapsed());
    Answered { row: Some(row), response }
}

fn success(service: &Service, pid: Pid, issued: &Issued) -> HttpResponse {
    service.metrics.issued(pid, issued.expired.is_some());
    if let Some(expired) = issued.expired {
        tracing::warn!(%pid, entity = %issued.entity, sha1 = %expired.sha1, not_after = %expired.not_after,
            "a token was issued for a certificate whose dates are over");
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, wire::JSON))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(issued.key.answer_json(&issued.token))
}

fn audit_row(
    service: &Service,
    request: &TokenRequest<'_>,
    peer: &Peer,
    presented: Option<Presented>,
    outcome: &Result<Issued, Refusal>,
) -> AuditRow {
    let result = if outcome.is_ok() { AuditResult::Issued } else { AuditResult::Refused };
    let mut row = answered::row(service, peer, "token.issue", result);
    row.pid = Some(request.pid);
    row.sha1 = presented.map(|presented| presented.sha1);
    row.sha256 = presented.and_then(|presented| presented.sha256);
    match outcome {
        Ok(issued) => {
            row.entity_id = Some(issued.entity.clone());
            row.class = Some(issued.class.clone());
            row.kid = Some(issued.key.kid().clone());
            row.token_sha256 = Some(sha256(issued.token.compact.as_str().as_bytes()));
        }
        Err(refusal) => {
            // Only a well-formed id: what cannot be an entity id must not reach a log.
            row.entity_id = request.entity.and_then(|text| text.parse::<EntityId>().ok());
            row.reason = Some(refusal.reason().into());
        }
    }
    row
}
