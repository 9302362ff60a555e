//! What the proxy handed over, for whoever sets it up: which identity headers arrived under which names, and what came of
//! them. Values are not repeated, except those of fingerprints.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONNECTION, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::answer::CALLER_HEADERS;
use super::state::ForwardAuth;
use crate::web::auth_token::AUTH_TOKEN;
use crate::web::health::report;
use crate::web::identity::{IdentitySource, connection_address};

/// What proxies call the headers with a client's certificate, besides those that are configured.
const WELL_KNOWN: [&str; 6] = [
    "x-ssl-client-",
    "ssl-client-",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    "client-cert",
    "x-amzn-mtls-",
];

/// Answers a probe, whoever asks: it tells only what came with the request.
pub(super) fn answer(state: &ForwardAuth, http: &HttpRequest) -> HttpResponse {
    let IdentitySource::Proxy(proxy) = &state.identity else {
        return report(StatusCode::NOT_FOUND, &json!({}));
    };
    let headers = http.headers();
    let mut body = Map::new();
    body.insert("peer_trusted".to_owned(), proxy.trusts(connection_address(http)).into());
    let identity = state.identity.presented(http);
    if let Err(fault) = &identity {
        body.insert("fault".to_owned(), fault.reason().into());
    }
    let identity = identity.ok().flatten().map(|presented| {
        let mut found = Map::from_iter([("sha1".to_owned(), Value::from(presented.sha1.to_string()))]);
        found.extend(presented.sha256.map(|sha256| ("sha256".to_owned(), sha256.to_string().into())));
        found
    });
    body.insert("identity".to_owned(), json!(identity));
    let configured: Vec<String> = proxy.identity_headers().map(|name| folded(name.as_str())).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in headers {
        let folded = folded(name.as_str());
        let is_known = WELL_KNOWN.iter().any(|known| folded.starts_with(known));
        let names_a_caller = CALLER_HEADERS.iter().any(|caller| caller.as_str() == folded);
        if is_known || names_a_caller || configured.contains(&folded) {
            *counts.entry(name.as_str()).or_default() += 1;
        }
    }
    let listed: Vec<Value> = counts.iter().map(|(name, count)| json!({ "name": name, "count": count })).collect();
    body.insert("identity_headers".to_owned(), listed.into());
    body.insert("token_headers".to_owned(), headers.get_all(AUTH_TOKEN).count().into());
    let connection: Vec<&[u8]> = headers.get_all(CONNECTION).map(HeaderValue::as_bytes).collect();
    let connection =
        (!connection.is_empty()).then(|| String::from_utf8_lossy(&connection.join(&b", "[..])).into_owned());
    body.insert("connection_header".to_owned(), json!(connection));
    report(StatusCode::OK, &Value::Object(body))
}

/// As a back end that takes `_` for `-` reads a name.
fn folded(name: &str) -> String {
    name.replace('_', "-")
}
