//! The access line: one per request, with the fields that docs/logging.md promises. Never a token, a key or a raw header.

use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::HttpRequest;

use super::state::Service;
use crate::store::AuditRow;

/// Writes the line of a request; what it says of the outcome is what the audit row says. The path is not repeated: it may
/// hold anything.
pub(super) fn line(service: &Service, http: &HttpRequest, row: &AuditRow, status: u16, began: Instant) {
    if !service.access_log.load(Ordering::Relaxed) {
        return;
    }
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(
        target: "access",
        method = %http.method(),
        version = ?http.version(),
        action = %row.action,
        status,
        result = row.result.as_str(),
        reason = row.reason.as_deref(),
        pid = row.pid.map(display),
        entity = row.entity_id.as_ref().map(display),
        class = row.class.as_ref().map(display),
        kid = row.kid.as_ref().map(display),
        sha1 = row.sha1.map(display),
        source = row.source.map(display),
        micros,
    );
}
