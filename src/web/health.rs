//! The internal listener: is the process alive, does it issue tokens, does the store take writes, what does it count.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::forward_auth::ForwardAuth;
use super::metrics::{ServiceFacts, key_sources};
use super::registry::RegistryFace;
use super::state::Service;
use super::{jwks, problem};
use crate::key_source::KeySource;
use crate::protocol::wire;

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> HttpResponse {
    report(StatusCode::OK, &json!({"status": "alive"}))
}

/// `GET /health/ready`: tokens are issued. Whether the store takes writes is told beside it and does not change the
/// status: a full disk stops no gate.
pub(super) async fn ready(service: web::Data<Service>) -> HttpResponse {
    let body = json!({
        "status": if service.is_ready() { "ready" } else { "not ready" },
        "draining": service.is_draining(),
        "signing_key": service.snapshot().keys.active(service.default_participant).map(|active| active.key.kid().clone()),
        "store_writes": if service.audit.store_writable() { "ok" } else { "failing" },
        "audit_rows_lost": service.audit.lost(),
    });
    report(status(service.is_ready()), &body)
}

/// `GET /health/ready/writes`: the store takes writes.
pub(super) async fn ready_for_writes(service: web::Data<Service>) -> HttpResponse {
    let writable = service.audit.store_writable();
    report(status(writable), &json!({"status": if writable { "ready" } else { "not ready" }}))
}

/// `GET /health/ready/verification`: tokens of others can be verified, where that is asked for at all. A metadata set that
/// has ended is no reason to stop issuing tokens, and therefore none for `/health/ready`.
pub(super) async fn ready_to_verify(http: HttpRequest) -> HttpResponse {
    match http.app_data::<web::Data<ForwardAuth>>() {
        Some(state) => verification_report(state),
        None => not_found().await,
    }
}

/// Whether tokens can be verified, and with how many keys.
pub(super) fn verification_report(state: &ForwardAuth) -> HttpResponse {
    let in_force = state.in_force();
    let verifier = in_force.verifier.current();
    let held = verifier.keys().load();
    let is_ready = state.is_ready();
    let body = json!({
        "status": if is_ready { "ready" } else { "not ready" },
        "draining": state.is_draining(),
        "keys": held.set.len(),
        "issuers": held.set.issuers().count(),
        "keys_valid_until": held.set.not_valid_after.map(|end| end.to_string()),
    });
    report(status(is_ready), &body)
}

/// `GET /health/ready/registry`: the registry that runs here has a set, and signs its answers.
pub(super) async fn ready_registry(http: HttpRequest) -> HttpResponse {
    match http.app_data::<web::Data<RegistryFace>>() {
        Some(state) => registry_report(state),
        None => not_found().await,
    }
}

/// Whether there is a set that may be used, and answers are signed.
pub(super) fn registry_report(state: &RegistryFace) -> HttpResponse {
    let set = state.set();
    let is_ready = state.is_ready();
    let body = json!({
        "status": if is_ready { "ready" } else { "not ready" },
        "draining": state.is_draining(),
        "serial": set.as_ref().map(|set| set.serial),
        "set_built_at": set.as_ref().map(|set| set.built_at.to_string()),
        "set_valid_until": set.as_ref().map(|set| set.not_valid_after.to_string()),
        "changes_wait": state.folding().is_waiting(),
        "answers_signed_with": state.answer_key().map(|key| key.kid.to_string()),
    });
    report(status(is_ready), &body)
}

/// `GET /metrics`
pub(super) async fn metrics(service: web::Data<Service>, http: HttpRequest) -> HttpResponse {
    let now = service.context.clock.now();
    let verification = http.app_data::<web::Data<ForwardAuth>>().map(|state| state.metric_families());
    let registry = http.app_data::<web::Data<KeySource>>().map(|source| key_sources(&source.status(), now));
    let served = http.app_data::<web::Data<RegistryFace>>().map(|state| state.metric_families());
    let text = verification.or(registry).into_iter().chain(served).collect::<Result<Vec<_>, _>>().and_then(|more| {
        let more = more.into_iter().flatten().collect();
        let snapshot = service.snapshot();
        let facts = ServiceFacts { directory: &snapshot.directory, audit: &service.audit, ready: service.is_ready() };
        service.metrics.render(&facts, now, more)
    });
    exposition(text)
}

/// The text that Prometheus reads.
pub(super) fn exposition(text: Result<String, prometheus::Error>) -> HttpResponse {
    match text {
        Ok(text) => {
            HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text)
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// `GET /.well-known/jwks.json` of the default participant.
pub(super) async fn default_jwks(service: web::Data<Service>) -> HttpResponse {
    jwks::jwks(&service, service.default_participant)
}

/// Any method but reading.
pub(super) async fn method_not_allowed() -> HttpResponse {
    problem::METHOD_NOT_ALLOWED.response()
}

/// Anything else.
pub(super) async fn not_found() -> HttpResponse {
    problem::NOT_FOUND.response()
}

pub(super) const fn status(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

pub(super) fn report(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, wire::JSON))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body.to_string())
}
