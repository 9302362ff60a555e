//! Many tokens in one question, for services that got them in their own way: `POST /verify` with JSON. A question that is no
//! batch is refused whole; each of its items gets a verdict of its own, by the same checks as a single request.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::decision::{Circumstances, Decision, Question, decide, record};
use super::state::ForwardAuth;
use crate::flow::route_rules::OriginalRequest;
use crate::protocol::client_cert_header::{CertificateDialect, HeaderFault, parse_certificate, parse_fingerprint};
use crate::protocol::presented::Presented;
use crate::protocol::strict_json::{Json, JsonFault, Object, read_object};
use crate::protocol::wire;
use crate::web::auth_token::TokenHeaderFault;
use crate::web::identity::IdentityFault;
use crate::web::problem::Problem;
use crate::web::verdict::Denial;

/// A question that is no batch.
pub const BATCH_REFUSED: Problem = Problem {
    id: "batch-refused",
    status: 400,
    title: "The batch is refused",
    detail: "The body is not a batch as this service takes it; the reason says why. No token was looked at.",
};

/// Why a body is no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchFault {
    /// More bytes than so many items can have.
    #[error("the body has more than {most} bytes")]
    TooLarge {
        /// How many it may have.
        most: usize,
    },
    /// The body did not arrive.
    #[error("the body did not arrive")]
    Unread,
    /// No JSON object.
    #[error("the body {0}")]
    Json(#[from] JsonFault),
    /// Members that are missing, of another kind, or unknown.
    #[error("{0}")]
    Form(&'static str),
    /// More items than may be asked about at once.
    #[error("there are more than {most} items")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
}

/// One item.
struct Item<'a> {
    token: &'a str,
    presented: Result<Option<Presented>, HeaderFault>,
    original: Option<OriginalRequest<'a>>,
}

/// A token and a certificate at their largest, with what is around them.
const ITEM_BYTES: usize = 28 * 1024;
/// However many items there may be.
const MOST_BYTES: usize = 8 << 20;
/// An object, and its members.
const ITEM_VALUES: usize = 6;
const MEMBERS: [&str; 5] = ["token", "fingerprint", "certificate", "method", "path"];
/// After so many items others get their turn.
const AT_A_TIME: usize = 16;

impl BatchFault {
    /// One of each kind, for the documentation.
    pub const KINDS: [&'static str; 5] =
        ["batch_too_large", "batch_unread", "batch_json", "batch_form", "batch_too_many"];

    /// The stable id of the reason.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "batch_too_large",
            Self::Unread => "batch_unread",
            Self::Json(_) => "batch_json",
            Self::Form(_) => "batch_form",
            Self::TooMany { .. } => "batch_too_many",
        }
    }

    fn response(&self) -> HttpResponse {
        tracing::debug!(reason = self.reason(), fault = %self, "a batch was refused");
        BATCH_REFUSED.builder().body(BATCH_REFUSED.body_with_reason(self.reason()))
    }
}

/// Answers a batch. Who may not speak for clients may not ask about them either.
pub(super) async fn answer(
    state: &ForwardAuth,
    http: &HttpRequest,
    body: web::Payload,
    began: Instant,
) -> HttpResponse {
    if let Err(fault) = state.identity.presented(http) {
        return Denial::from(fault).response();
    }
    let most = state.listener.batch;
    let bytes = match read_body(body, most).await {
        Ok(bytes) => bytes,
        Err(fault) => return fault.response(),
    };
    let object = match read_object(&bytes, values(most)) {
        Ok(object) => object,
        Err(JsonFault::TooMany { .. }) => return BatchFault::TooMany { most }.response(),
        Err(fault) => return BatchFault::from(fault).response(),
    };
    let items = match read_items(&object, most) {
        Ok(items) => items,
        Err(fault) => return fault.response(),
    };
    let mut results = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if index > 0 && index.is_multiple_of(AT_A_TIME) {
            actix_web::rt::task::yield_now().await;
        }
        let began = if index == 0 { began } else { Instant::now() };
        let circumstances = Circumstances { action: "token.verify_batch", ..Circumstances::of(state, http, began) };
        let question = item.question();
        let decision = decide(state, &question).await;
        record(state, &question, &decision, 200, &circumstances);
        results.push(verdict(&decision));
    }
    HttpResponse::Ok()
        .insert_header(("Content-Type", wire::JSON))
        .insert_header(("Cache-Control", "no-store"))
        .body(json!({ "results": results }).to_string())
}

async fn read_body(body: web::Payload, items: usize) -> Result<web::Bytes, BatchFault> {
    let most = items.saturating_mul(ITEM_BYTES).saturating_add(1024).min(MOST_BYTES);
    match body.to_bytes_limited(most).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(BatchFault::Unread),
        Err(_) => Err(BatchFault::TooLarge { most }),
    }
}

/// Those of one item more, so that a batch with too many is told from one that is no batch.
fn values(items: usize) -> u32 {
    u32::try_from(2 + ITEM_VALUES * (items + 1)).unwrap_or(u32::MAX)
}

fn read_items<'a>(object: &'a Object<'_>, most: usize) -> Result<Vec<Item<'a>>, BatchFault> {
    if object.members().any(|(name, _)| name != "items") {
        return Err(BatchFault::Form("the body has a member other than items"));
    }
    let Some(Json::Array(items)) = object.get("items") else {
        return Err(BatchFault::Form("items is missing or no array"));
    };
    if items.len() > most {
        return Err(BatchFault::TooMany { most });
    }
    items.iter().map(Item::read).collect()
}

impl<'a> Item<'a> {
    fn read(item: &'a Json<'_>) -> Result<Self, BatchFault> {
        let Json::Object(item) = item else { return Err(BatchFault::Form("an item is no object")) };
        if item.members().any(|(name, value)| !MEMBERS.contains(&name) || value.as_text().is_none()) {
            return Err(BatchFault::Form("an item has an unknown member, or one that is no string"));
        }
        let text = |name| item.get(name).and_then(Json::as_text);
        let token = text("token").ok_or(BatchFault::Form("an item has no token"))?;
        let presented = match (text("fingerprint"), text("certificate")) {
            (Some(_), Some(_)) => return Err(BatchFault::Form("an item has a fingerprint and a certificate")),
            (Some(hex), None) => parse_fingerprint(hex.as_bytes()).map(|sha1| sha1.map(Presented::of_fingerprint)),
            (None, Some(certificate)) => read_certificate(certificate),
            (None, None) => Ok(None),
        };
        let original = match (text("method"), text("path")) {
            (Some(method), Some(path)) => Some(OriginalRequest { method, target: path.as_bytes() }),
            (None, None) => None,
            _ => return Err(BatchFault::Form("an item has a method without a path, or the other way round")),
        };
        Ok(Self { token, presented, original })
    }

    fn question(&self) -> Question<'_> {
        let in_body = |name| move |fault| IdentityFault::Item { name, fault };
        let token = match self.token {
            "" => Err(TokenHeaderFault::Missing),
            token if !token.bytes().all(|byte| byte.is_ascii_graphic()) => Err(TokenHeaderFault::NotAscii),
            token => Ok(token),
        };
        Question { presented: self.presented.map_err(in_body("certificate")), token, original: self.original }
    }
}

/// Base64 of the DER, or PEM with its line ends.
fn read_certificate(text: &str) -> Result<Option<Presented>, HeaderFault> {
    let pem = text.trim_start().starts_with("-----BEGIN");
    let dialect = if pem { CertificateDialect::UrlPem } else { CertificateDialect::Base64Der };
    parse_certificate(dialect, text.as_bytes()).map(|der| der.map(|der| Presented::of_certificate(&der)))
}

fn verdict(decision: &Decision) -> Value {
    match decision.verdict() {
        Ok(caller) => json!({
            "verdict": "accepted",
            "pid": caller.pid().to_string(),
            "entity": caller.entity().as_str(),
            "class": caller.class().as_str(),
            "expires": caller.expires().as_seconds(),
        }),
        Err(denial) => json!({ "verdict": "refused", "reason": denial.reason() }),
    }
}
