//! The internal listener of a process that only verifies: is it alive, are there keys, what does it count.

use std::sync::Arc;

use actix_web::{HttpResponse, web};

use super::forward_auth::ForwardAuth;
use super::health::{exposition, live, verification_report};
use super::metrics::ProcessMetrics;
use super::problem::{NOT_FOUND, Problem};
use super::routes::read_only;

/// What the internal listener answers.
pub fn routes(
    state: web::Data<ForwardAuth>,
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

/// `GET /health/ready`: tokens can be verified.
async fn ready(state: web::Data<ForwardAuth>) -> HttpResponse {
    verification_report(&state)
}

/// `GET /metrics`
async fn metrics(state: web::Data<ForwardAuth>, process: web::Data<ProcessMetrics>) -> HttpResponse {
    let (now, is_ready) = (state.now(), state.is_ready());
    exposition(state.metric_families().and_then(|more| process.render(more, is_ready, now)))
}
