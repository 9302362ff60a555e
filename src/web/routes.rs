//! The route table: which path of which listener goes where.

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::answered::Answered;
use super::idle::Watched;
use super::jwks::jwks;
use super::peer::{IdentitySource, Peer};
use super::route::Route;
use super::state::Service;
use super::token::TokenRequest;
use super::{access_log, health, route, token};
use crate::flow::refusal::Refusal;
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

/// Everything that arrives at a public listener: answered, and recorded once, whatever came of it.
pub(super) async fn public(
    http: HttpRequest,
    service: web::Data<Service>,
    listener: web::Data<PublicListener>,
) -> HttpResponse {
    let began = Instant::now();
    if let Some(connection) = http.conn_data::<Arc<Watched>>() {
        connection.request_arrived();
    }
    let peer = Peer::of(&http, &listener.identity);
    let Answered { row, response } = answer(&service, &listener, &http, &peer);
    access_log::line(&service, &http, &row, response.status().as_u16(), began);
    service.audit.record(row);
    response
}

/// The limit of the source first, then the size, then where it goes.
fn answer(service: &Service, listener: &PublicListener, http: &HttpRequest, peer: &Peer) -> Answered {
    if let Err(refusal) = service.admit_source(peer.limited_address(&listener.identity)) {
        return Answered::refused(service, peer, &refusal);
    }
    if listener.header_bytes.is_some_and(|most| header_bytes(http) > most) {
        return Answered::refused(service, peer, &Refusal::HeadersTooLarge);
    }
    let host = http.uri().host().or_else(|| http.headers().get(header::HOST)?.to_str().ok());
    let host = host.map(str::to_ascii_lowercase);
    let route =
        route::resolve(&service.snapshot().directory, service.default_participant, host.as_deref(), http.uri().path());
    let readable = matches!(*http.method(), Method::GET | Method::HEAD);
    match route {
        Route::Jwks { .. } if !listener.jwks => Answered::refused(service, peer, &Refusal::NothingHere),
        Route::Nothing => Answered::refused(service, peer, &Refusal::NothingHere),
        Route::Token { .. } | Route::Jwks { .. } if !readable => {
            Answered::refused(service, peer, &Refusal::MethodNotAllowed)
        }
        Route::Jwks { pid } => Answered::done(service, peer, "jwks.read", jwks(service, pid)),
        Route::Token { pid, entity } => {
            let request = TokenRequest { pid, entity: entity.as_deref(), identity: &listener.identity };
            token::answer(service, http, peer, &request)
        }
    }
}

/// As they were on the wire, near enough: names, values, separators, and the path.
fn header_bytes(http: &HttpRequest) -> usize {
    http.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
        + http.uri().path_and_query().map_or(0, |path| path.as_str().len())
}
