//! The internal listener of a process that is only a registry: is it alive, is there a set, what does it count.

use std::sync::Arc;

use actix_web::{HttpResponse, web};

use super::health::{exposition, live, registry_report};
use super::metrics::ProcessMetrics;
use super::problem::{NOT_FOUND, Problem};
use super::registry::RegistryFace;
use super::routes::read_only;

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
    registry_report(&state)
}

/// `GET /metrics`
async fn metrics(state: web::Data<RegistryFace>, process: web::Data<ProcessMetrics>) -> HttpResponse {
    let (now, is_ready) = (state.now(), state.is_ready());
    exposition(state.metric_families().and_then(|more| process.render(more, is_ready, now)))
}
