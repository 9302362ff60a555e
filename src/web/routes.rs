//! The route table: which path of which listener goes where.

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::{Method, header};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, guard, web};

use super::answered::Answered;
use super::forward_auth::ForwardAuth;
use super::identity::IdentitySource;
use super::idle::Watched;
use super::jwks::jwks;
use super::peer::Peer;
use super::registry::RegistryFace;
use super::request_size::header_bytes;
use super::route::Route;
use super::state::Service;
use super::token::TokenRequest;
use super::{access_log, health, route, token};
use crate::flow::refusal::Refusal;
use crate::key_source::KeySource;
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

/// What a public listener answers.
pub fn public_routes(
    service: web::Data<Service>,
    listener: PublicListener,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    let listener = web::Data::new(listener);
    move |config| {
        config.app_data(service.clone()).app_data(listener.clone()).default_service(web::to(public));
    }
}

/// What runs beside the token service, and is told of at the internal listener.
#[derive(Clone, Default)]
pub struct Beside {
    /// A verification.
    pub verification: Option<web::Data<ForwardAuth>>,
    /// The set of a registry, where it only concerns our own keys.
    pub keys: Option<Arc<KeySource>>,
    /// A registry.
    pub registry: Option<web::Data<RegistryFace>>,
}

/// What the internal listener answers.
pub fn internal_routes(
    service: web::Data<Service>,
    beside: Beside,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |config| {
        if let Some(verification) = &beside.verification {
            config.app_data(verification.clone());
        }
        if let Some(keys) = &beside.keys {
            config.app_data(web::Data::from(keys.clone()));
        }
        if let Some(registry) = &beside.registry {
            config.app_data(registry.clone());
        }
        internal(config.app_data(service.clone()));
    }
}

fn internal(config: &mut web::ServiceConfig) {
    config
        .service(read_only("/health/live", health::live))
        .service(read_only("/health/ready", health::ready))
        .service(read_only("/health/ready/writes", health::ready_for_writes))
        .service(read_only("/health/ready/verification", health::ready_to_verify))
        .service(read_only("/health/ready/registry", health::ready_registry))
        .service(read_only("/metrics", health::metrics))
        .service(read_only(wire::JWKS_PATH, health::default_jwks))
        .default_service(web::to(health::not_found));
}

/// A resource for GET and HEAD; other methods are told so.
pub(super) fn read_only<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args, Output = HttpResponse>,
    Args: FromRequest + 'static,
{
    let readable = guard::Any(guard::Get()).or(guard::Head());
    web::resource(path)
        .route(web::route().guard(readable).to(handler))
        .default_service(web::to(health::method_not_allowed))
}

/// Everything that arrives at a public listener: answered and recorded, whatever came of it.
async fn public(http: HttpRequest, service: web::Data<Service>, listener: web::Data<PublicListener>) -> HttpResponse {
    let began = Instant::now();
    if let Some(connection) = http.conn_data::<Arc<Watched>>() {
        connection.request_arrived();
    }
    let peer = Peer::of(&http, &listener.identity);
    let Answered { row, response } = answer(&service, &listener, &http, &peer);
    if let Some(row) = row {
        access_log::line(&service, &http, &row, response.status().as_u16(), began);
        service.audit.record(row);
    }
    response
}

/// The limit of the source first, then the size, then where it goes.
fn answer(service: &Service, listener: &PublicListener, http: &HttpRequest, peer: &Peer) -> Answered {
    let address = peer.limited_address(&listener.identity);
    if let Err(refusal) = service.admit_source(address) {
        let answered = Answered::refused(service, peer, &refusal);
        return if service.is_flood_noted(address) { answered } else { answered.unrecorded() };
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

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Beside")
    }
}
