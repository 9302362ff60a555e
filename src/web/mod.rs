//! Floor 6: the HTTP face, the only place that knows actix-web. No logic of its own: it reads who asks, calls a flow, and
//! writes the answer.
//!
//! | listener | routes | identity |
//! |---|---|---|
//! | token | `GET|HEAD {base}/api/v1/auth/{entityId}`, `GET|HEAD {base}/.well-known/jwks.json` if switched on | the connection's certificate |
//! | behind_proxy | the same | headers of a trusted proxy |
//! | internal | `/health/live`, `/health/ready`, `/health/ready/writes`, `/metrics`, `/.well-known/jwks.json` | none |

mod access_log;
mod health;
mod idle;
pub mod listener;
pub mod metrics;
pub mod peer;
pub mod problem;
pub mod route;
pub mod state;
pub mod tls;
pub mod token;

use std::sync::Arc;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};

use self::idle::Watched;
use self::listener::PublicListener;
use self::route::Route;
use self::state::Service;
use self::token::TokenRequest;
use crate::protocol::wire;
use crate::value::Pid;

/// The routes of the internal listener.
pub fn internal_routes(config: &mut web::ServiceConfig) {
    config
        .route("/health/live", web::get().to(health::live))
        .route("/health/ready", web::get().to(health::ready))
        .route("/health/ready/writes", web::get().to(health::ready_for_writes))
        .route("/metrics", web::get().to(health::metrics))
        .route(wire::JWKS_PATH, web::get().to(health::jwks))
        .default_service(web::to(health::not_found));
}

/// Everything that arrives at a public listener.
pub async fn public(
    http: HttpRequest,
    service: web::Data<Service>,
    listener: web::Data<PublicListener>,
) -> HttpResponse {
    if let Some(connection) = http.conn_data::<Arc<Watched>>() {
        connection.request_arrived();
    }
    if listener.header_bytes.is_some_and(|most| header_bytes(&http) > most) {
        return refuse(&service, &http, problem::HEADERS_TOO_LARGE);
    }
    let host = http.uri().host().or_else(|| http.headers().get(header::HOST)?.to_str().ok());
    let host = host.map(str::to_ascii_lowercase);
    let route =
        route::resolve(&service.snapshot().directory, service.default_participant, host.as_deref(), http.uri().path());
    let readable = matches!(*http.method(), Method::GET | Method::HEAD);
    match route {
        Route::Token { .. } | Route::Jwks { .. } if !readable => refuse(&service, &http, problem::METHOD_NOT_ALLOWED),
        Route::Token { pid, entity } => {
            let request = TokenRequest { pid, entity: entity.as_deref(), identity: &listener.identity };
            token::answer(&service, &http, &request)
        }
        Route::Jwks { pid } if listener.jwks => jwks(&service, pid),
        Route::Jwks { .. } | Route::Nothing => refuse(&service, &http, problem::NOT_FOUND),
    }
}

/// The public keys of a participant. They may be kept for five minutes: a new key is published long before it signs.
fn jwks(service: &Service, pid: Pid) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, wire::JWK_SET_JSON))
        .insert_header((header::CACHE_CONTROL, "max-age=300"))
        .json(service.snapshot().keys.jwks(pid))
}

fn refuse(service: &Service, http: &HttpRequest, problem: problem::Problem) -> HttpResponse {
    access_log::other_request(service, http, problem.id, problem.status);
    problem.response()
}

fn header_bytes(http: &HttpRequest) -> usize {
    http.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
        + http.uri().path_and_query().map_or(0, |path| path.as_str().len())
}
