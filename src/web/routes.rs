//! The route table: which path of which listener goes where.

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::jwks::jwks;
use super::peer::IdentitySource;
use super::route::Route;
use super::state::Service;
use super::token::TokenRequest;
use super::{access_log, health, problem, route, token};
use crate::protocol::wire;

/// What a public listener is to its requests.
#[derive(Debug)]
pub struct PublicListener {
    /// Where identities come from.
    pub identity: IdentitySource,
    /// Whether the public keys are served here.
    pub jwks: bool,
    /// The most bytes of headers that are read.
    pub header_bytes: Option<usize>,
}

/// The routes of the internal listener.
pub(super) fn internal(config: &mut web::ServiceConfig) {
    config
        .route("/health/live", web::get().to(health::live))
        .route("/health/ready", web::get().to(health::ready))
        .route("/health/ready/writes", web::get().to(health::ready_for_writes))
        .route("/metrics", web::get().to(health::metrics))
        .route(wire::JWKS_PATH, web::get().to(health::default_jwks))
        .default_service(web::to(health::not_found));
}

/// Everything that arrives at a public listener.
pub(super) async fn public(
    http: HttpRequest,
    service: web::Data<Service>,
    listener: web::Data<PublicListener>,
) -> HttpResponse {
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

fn refuse(service: &Service, http: &HttpRequest, problem: problem::Problem) -> HttpResponse {
    access_log::other_request(service, http, problem.id, problem.status);
    problem.response()
}

fn header_bytes(http: &HttpRequest) -> usize {
    http.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
        + http.uri().path_and_query().map_or(0, |path| path.as_str().len())
}
