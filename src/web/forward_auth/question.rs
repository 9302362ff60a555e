//! Where a question goes, by path, method and kind: one request, a batch, a probe, or nowhere.

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, FORWARDED, HeaderName, HeaderValue, VIA};
use actix_web::{HttpRequest, HttpResponse, web};

use super::decision::{Circumstances, Question, decide, record};
use super::original::{self, VERIFY_PATH};
use super::state::ForwardAuth;
use super::{answer, batch, probe};
use crate::config::{OriginalRequestIn, VerifyMode};
use crate::web::auth_token::{AUTH_TOKEN, only_token};
use crate::web::identity::IdentitySource;
use crate::web::idle::Watched;
use crate::web::problem::{NOT_FOUND, Problem};

const PROBE_PATH: &str = "/probe";

/// Any other path.
const NOTHING_HERE: Problem = Problem { detail: "There is nothing at this path. Proxies ask at /verify.", ..NOT_FOUND };

/// Everything that arrives.
pub(super) async fn answer(http: HttpRequest, body: web::Payload, state: web::Data<ForwardAuth>) -> HttpResponse {
    let began = Instant::now();
    if let Some(connection) = http.conn_data::<Arc<Watched>>() {
        connection.request_arrived();
    }
    let path = http.uri().path();
    if is_probe(&state, &http) {
        return probe::answer(&state, &http);
    }
    if is_batch(&state, &http) {
        return batch::answer(&state, &http, body, began).await;
    }
    // Behind a prefix may stand whatever a client wrote, also what does not begin with a slash.
    let rest = path.strip_prefix(VERIFY_PATH);
    let prefixed = state.listener.original_request == OriginalRequestIn::Path;
    match rest {
        Some(rest) if prefixed || rest.is_empty() || rest.starts_with('/') => verify(&state, &http, began).await,
        _ => NOTHING_HERE.response(),
    }
}

async fn verify(state: &ForwardAuth, http: &HttpRequest, began: Instant) -> HttpResponse {
    let question = Question {
        presented: state.identity.presented(http),
        token: only_token(http.headers()),
        original: original::read(http, state.listener.original_request),
    };
    let decision = decide(state, &question).await;
    let circumstances =
        Circumstances { shadow: state.listener.mode == VerifyMode::Shadow, ..Circumstances::of(state, http, began) };
    let response = match decision.verdict() {
        Ok(caller) => answer::yes(caller),
        Err(denial) => answer::no(denial, circumstances.shadow),
    };
    record(state, &question, &decision, response.status().as_u16(), &circumstances);
    response
}

fn is_probe(state: &ForwardAuth, http: &HttpRequest) -> bool {
    let readable = matches!(*http.method(), Method::GET | Method::HEAD);
    state.listener.probe && readable && http.uri().path() == PROBE_PATH
}

/// A batch is asked for by a service, not by a proxy on behalf of a client: a request that a proxy has touched is none, or a
/// client whose body is passed on could choose what is asked.
fn is_batch(state: &ForwardAuth, http: &HttpRequest) -> bool {
    let headers = http.headers();
    let json = headers.get(CONTENT_TYPE).is_some_and(is_json);
    let IdentitySource::Proxy(proxy) = &state.identity else { return false };
    let forwarded = |name: &HeaderName| name.as_str().starts_with("x-forwarded-") || *name == FORWARDED || *name == VIA;
    let touched = headers.contains_key(AUTH_TOKEN)
        || original::is_named(headers)
        || headers.keys().any(forwarded)
        || proxy.identity_headers().any(|name| headers.contains_key(name));
    state.listener.batch > 0 && *http.method() == Method::POST && http.uri().path() == VERIFY_PATH && json && !touched
}

fn is_json(value: &HeaderValue) -> bool {
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}
