//! Yes and no as answers. What a caller is called stands in headers that are made here from what was verified, never in
//! what came with the question.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};

use crate::flow::verify::VerifiedCaller;
use crate::web::verdict::Denial;

const PID: HeaderName = HeaderName::from_static("x-bob-pid");
const ENTITY: HeaderName = HeaderName::from_static("x-bob-entity");
const CLASS: HeaderName = HeaderName::from_static("x-bob-class");
const EXPIRES: HeaderName = HeaderName::from_static("x-bob-expires");
const REASON: HeaderName = HeaderName::from_static("x-bob-reason");
const SHADOW_REASON: HeaderName = HeaderName::from_static("x-bob-shadow-reason");

/// The headers that name a caller to the service behind the proxy.
pub(super) const CALLER_HEADERS: [HeaderName; 4] = [PID, ENTITY, CLASS, EXPIRES];

/// The request may pass, and this is who makes it.
pub(super) fn yes(caller: &VerifiedCaller) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((PID, caller.pid().to_string()))
        .insert_header((ENTITY, caller.entity().as_str()))
        .insert_header((CLASS, caller.class().as_str()))
        .insert_header((EXPIRES, caller.expires().as_seconds()))
        .finish()
}

/// It may not; or, in the shadow, it passes with nobody's name.
pub(super) fn no(denial: &Denial, shadow: bool) -> HttpResponse {
    let reason = HeaderValue::from_static(denial.reason());
    if shadow {
        let mut passes = HttpResponse::Ok();
        return passes.insert_header((CACHE_CONTROL, "no-store")).insert_header((SHADOW_REASON, reason)).finish();
    }
    let mut response = denial.response();
    response.headers_mut().insert(REASON, reason);
    response
}
