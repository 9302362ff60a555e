//! One operation: proven, limited, performed, answered. A straight walk.

use actix_web::http::header::{HOST, HeaderName, HeaderValue};
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, HttpResponse, web};

use super::conditions::if_match;
use super::proof::{Proven, only_proof, prove, signable_headers, use_up};
use super::record::Record;
use super::refusal::Refusal;
use super::reply::Reply;
use super::state::{InForce, RegistryFace};
use crate::flow::register::{Done, Request};
use crate::protocol::pop::{PopError, RequestParts, UnverifiedPop, decode};
use crate::protocol::registry::operation::{Place, Verb};
use crate::store::Change;
use crate::value::Pid;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) pid: Pid,
    pub(super) place: &'a Place,
    pub(super) verb: Verb,
}

/// Answers it, and keeps in the record who it was.
pub(super) async fn answer(
    state: &RegistryFace,
    asked: &Asked<'_>,
    (http, payload): (&HttpRequest, web::Payload),
    record: &mut Record<'_>,
) -> HttpResponse {
    let in_force = state.in_force();
    let proof = only_proof(http.headers(), &in_force);
    let proven = match &proof {
        Ok(proof) => enter(state, &in_force, (asked, http, payload), proof).await,
        Err(error) => Err((*error).into()),
    };
    let (proven, body) = match proven {
        Ok(entered) => entered,
        Err(refusal) => {
            let reply = refused(&refusal, &in_force);
            record.write(state, reply.status, Some(&refusal));
            return reply.response();
        }
    };
    record.kid = Some(proven.kid.clone());
    let done = perform(state, asked, (&proven, http), &body).await;
    let (reply, refusal) = match done {
        Ok(done) => (Reply::from(done), None),
        Err(refusal) => (refused(&refusal, &in_force), Some(refusal)),
    };
    record.write(state, reply.status, refusal.as_ref());
    // A proof that turns out to be used is nobody's.
    if reply.status == 401 {
        return reply.response();
    }
    signed(state, &in_force, reply, proof.unwrap_or_default()).response()
}

fn refused(refusal: &Refusal, in_force: &InForce) -> Reply {
    let reply = refusal.reply();
    if reply.status == 401 { reply.challenge(&in_force.profile, refusal.told()) } else { reply }
}

/// Who asks, and the body, which the proof is about. A stranger gets no further than here.
async fn enter(
    state: &RegistryFace,
    in_force: &InForce,
    (asked, http, payload): (&Asked<'_>, &HttpRequest, web::Payload),
    proof: &str,
) -> Result<(Proven, web::Bytes), Refusal> {
    let decoded = decode(proof)?;
    let unverified = UnverifiedPop::read(&decoded)?;
    let headers = signable_headers(http.headers(), in_force)?;
    let body = read_body(state, payload).await?;
    let host = http.headers().get(HOST).and_then(|host| host.to_str().ok());
    let uri = http.uri();
    let request = RequestParts {
        method: http.method().as_str(),
        // What was signed is held against our own names, not against this.
        host: uri.authority().map(Authority::as_str).or(host).unwrap_or_default(),
        path: uri.path(),
        query: uri.query(),
        headers: &headers,
        body: &body,
    };
    let proven = prove(state, in_force, (asked.pid, unverified), &request).await?;
    // What was read before the start was remembered by another process, or by nobody. Changes are remembered in the store.
    let from_before = asked.verb.is_safe() && proven.signed_at < state.started;
    let new = !from_before && state.proofs().is_new(&proven.mark.sha256, proven.mark.until);
    if new { Ok((proven, body)) } else { Err(PopError::Replayed.into()) }
}

async fn read_body(state: &RegistryFace, payload: web::Payload) -> Result<web::Bytes, Refusal> {
    let reading = payload.to_bytes_limited(state.body_bytes);
    match tokio::time::timeout(state.body_time, reading).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) | Err(_) => Err(Refusal::BodyUnread),
        Ok(Err(_)) => Err(Refusal::BodyTooLarge),
    }
}

async fn perform(
    state: &RegistryFace,
    asked: &Asked<'_>,
    (proven, http): (&Proven, &HttpRequest),
    body: &[u8],
) -> Result<Done, Refusal> {
    if state.answer_key().is_none() {
        return Err(Refusal::NoAnswerKey);
    }
    use_up(state, proven)?;
    let if_match = if_match(http.headers()).map_err(|_| Refusal::MalformedHeader)?;
    let change = Change { at: state.now(), actor: format!("participant:{}/{}", proven.pid, proven.kid) };
    let request = Request {
        caller: proven.pid,
        verb: asked.verb,
        place: asked.place,
        body,
        if_match: if_match.as_ref(),
        proof: (!asked.verb.is_safe()).then_some(proven.mark),
        change: &change,
    };
    let done = state.register.perform(&request).await?;
    if !asked.verb.is_safe() {
        state.register_changed();
    }
    Ok(done)
}

/// The answer with the registry's signature. If ever it cannot be made, nobody believes the answer; what was done is done,
/// and the caller finds out when he asks again.
fn signed(state: &RegistryFace, in_force: &InForce, reply: Reply, proof: &str) -> Reply {
    let name = HeaderName::from_bytes(in_force.profile.answer_header.as_bytes());
    let (Some(key), Ok(name)) = (state.answer_key(), name) else { return reply };
    match reply.sign(&key, proof, state.now(), &*state.rng) {
        Ok(signature) if HeaderValue::from_str(&signature).is_ok() => reply.with(name, signature),
        Ok(_) => reply,
        Err(error) => {
            tracing::error!(%error, kid = %key.kid, "an answer could not be signed");
            reply
        }
    }
}
