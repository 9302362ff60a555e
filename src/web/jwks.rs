//! The public keys of a participant as a JWKS.

use actix_web::HttpResponse;
use actix_web::http::header;

use super::state::Service;
use crate::protocol::wire;
use crate::value::Pid;

/// The public keys of a participant. They may be kept for five minutes: a new key is published long before it signs.
pub(super) fn jwks(service: &Service, pid: Pid) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, wire::JWK_SET_JSON))
        .insert_header((header::CACHE_CONTROL, "max-age=300"))
        .json(service.snapshot().keys.jwks(pid))
}
