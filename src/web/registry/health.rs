//! The internal listener of a process that is only a registry: is it alive, is there a set, what does it count.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::state::RegistryFace;
use crate::web::health::{exposition, live, report, status};
use crate::web::metrics::ProcessMetrics;
use crate::web::problem::{NOT_FOUND, Problem};
use crate::web::routes::read_only;

/// What the internal listener answers.
pub fn routes(
    state: web::Data<RegistryFace>,
    process: Arc<ProcessMetrics>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    let process = web::Data::from(process);
    move |config| {
        config
            .app_data(state.clone())
            .app_data(process.clone())
            .service(read_only("/health/live", live))
            .service(read_only("/health/ready", ready))
            .service(read_only("/metrics", metrics))
            .default_service(web::to(not_found));
    }
}

/// Anything else.
async fn not_found() -> HttpResponse {
    Problem { detail: "There is nothing at this path. Health is at /health/live and /health/ready.", ..NOT_FOUND }
        .response()
}

/// `GET /health/ready`: there is a set that may be used, and answers are signed.
async fn ready(state: web::Data<RegistryFace>) -> HttpResponse {
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
async fn metrics(state: web::Data<RegistryFace>, process: web::Data<ProcessMetrics>) -> HttpResponse {
    let (now, is_ready) = (state.now(), state.is_ready());
    exposition(state.metric_families().and_then(|more| process.render(more, is_ready, now)))
}
