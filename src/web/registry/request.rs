//! Where a request goes: the set, an operation, or nowhere. What it says of places and methods is the same for everybody.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};

use super::operation::{self, Asked};
use super::record::Record;
use super::refusal::Refusal;
use super::state::RegistryFace;
use super::whole_set;
use crate::protocol::registry::operation::{BASE_PATH, Place, Verb};
use crate::web::identity::{connection_address, last_address};
use crate::web::idle::Watched;
use crate::web::request_size::header_bytes;

/// No operation of the API.
const NONE: &str = "none";

/// Everything that arrives.
pub(super) async fn answer(http: HttpRequest, payload: web::Payload, state: web::Data<RegistryFace>) -> HttpResponse {
    let began = Instant::now();
    if let Some(connection) = http.conn_data::<Arc<Watched>>() {
        connection.request_arrived();
    }
    let (address, is_client) = client_address(&state, &http);
    let mut record = Record { http: &http, began, address, operation: NONE, pid: None, kid: None };
    let limited = address.filter(|_| is_client);
    let admitted = state.admit_source(limited).map_err(Refusal::SourceRate);
    let place = admitted.and_then(|()| {
        if state.header_bytes.is_some_and(|most| header_bytes(&http) > most) {
            return Err(Refusal::HeadersTooLarge);
        }
        let below = http.uri().path().strip_prefix(BASE_PATH).ok_or(Refusal::NothingHere)?;
        Place::parse(below).map_err(|_| Refusal::NothingHere)
    });
    let routed = place.and_then(|place| verb(http.method(), &place).map(|verb| (place, verb)));
    let (place, verb) = match routed {
        Ok(routed) => routed,
        Err(refusal) => return refused(&state, &record, &refusal),
    };
    record.operation = place.operation(verb).unwrap_or(NONE);
    record.pid = place.pid();
    match place.pid() {
        Some(pid) => {
            let asked = Asked { pid, place: &place, verb };
            operation::answer(&state, &asked, (&http, payload), &mut record).await
        }
        None => match whole_set::answer(&state, http.headers()) {
            Ok(response) => {
                record.write(&state, response.status().as_u16(), None);
                response
            }
            Err(refusal) => refused(&state, &record, &refusal),
        },
    }
}

fn refused(state: &RegistryFace, record: &Record<'_>, refusal: &Refusal) -> HttpResponse {
    let reply = refusal.reply();
    record.write(state, reply.status, Some(refusal));
    reply.response()
}

/// What is to be done there. HEAD is for the set alone: a proof is about the method that it names.
fn verb(method: &Method, place: &Place) -> Result<Verb, Refusal> {
    let found = place.verbs().iter().find(|verb| verb.as_str() == method.as_str()).copied();
    let with_head = *place == Place::WholeSet;
    let head = (*method == Method::HEAD && with_head).then_some(Verb::Get);
    found.or(head).ok_or_else(|| {
        let verbs = place.verbs().iter().map(|verb| verb.as_str());
        Refusal::MethodNotAllowed(verbs.chain(with_head.then_some("HEAD")).collect::<Vec<_>>().join(", "))
    })
}

/// The client's address, and whether it is his own: behind a proxy that does not name him one address stands for everybody.
fn client_address(state: &RegistryFace, http: &HttpRequest) -> (Option<IpAddr>, bool) {
    let connection = connection_address(http);
    let listener = &state.listener;
    if !listener.trusted_peers.trusts(connection) {
        return (connection, true);
    }
    let claimed = listener.source_header.as_deref().and_then(|name| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        last_address(http.headers(), &name)
    });
    (claimed.or(connection), claimed.is_some())
}
