//! What is counted and logged of a request. Never a proof, a body or a path: they may hold anything.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::HttpRequest;

use super::refusal::Refusal;
use super::state::RegistryFace;
use crate::store::Source;
use crate::value::{Kid, Pid};

/// A request while it is answered.
#[derive(Debug)]
pub(super) struct Record<'h> {
    pub(super) http: &'h HttpRequest,
    pub(super) began: Instant,
    pub(super) address: Option<IpAddr>,
    /// The operation, as the API calls it; none if it is none.
    pub(super) operation: &'static str,
    /// Who asks, as far as it was claimed in the path; proven if there is a key.
    pub(super) pid: Option<Pid>,
    pub(super) kid: Option<Kid>,
}

impl Record<'_> {
    /// Counts and logs what came of it. A flood is counted, and told now and then.
    pub(super) fn write(&self, state: &RegistryFace, status: u16, refusal: Option<&Refusal>) {
        let reason = refusal.map_or("", Refusal::reason);
        let took = self.began.elapsed();
        state.metrics.answered(self.operation, status, took);
        if let Some(refusal) = refusal {
            state.metrics.refused(reason);
            if refusal.is_ours() {
                tracing::error!(reason, %refusal, "the registry could not do what it was asked");
            }
        }
        let flood = matches!(refusal, Some(Refusal::SourceRate(_))) && !state.is_flood_noted(self.address);
        if flood || !state.access_log.load(Ordering::Relaxed) {
            return;
        }
        tracing::info!(
            target: "access",
            method = %self.http.method(),
            version = ?self.http.version(),
            action = self.operation,
            status,
            result = if refusal.is_some() { "refused" } else { "done" },
            reason = refusal.map(|_| reason),
            evidence = refusal.map(evidence),
            pid = self.pid.map(tracing::field::display),
            kid = self.kid.as_ref().map(tracing::field::display),
            source = %self.address.map_or(Source::Unix, Source::Address),
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        );
    }
}

/// What was found wrong, in words. Nothing in them may look like another line.
fn evidence(refusal: &Refusal) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().collect() } else { vec![c] };
    refusal.to_string().chars().take(300).flat_map(escaped).collect()
}
