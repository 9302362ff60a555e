//! [`VerifyMetrics`]: what is counted where tokens are verified.

use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, Registry};

use super::families::{counter, counters, gauge, gauges, histogram, int_to_f64};
use super::key_sources::key_sources;
use crate::flow::verify::Verifier;
use crate::key_source::OriginStatus;
use crate::value::Timestamp;

/// The counters of a verification.
pub struct VerifyMetrics {
    registry: Registry,
    verifications: IntCounterVec,
    duration: Histogram,
    cache_hits: IntCounter,
    cache_entries: IntGauge,
    keys: IntGauge,
    issuers: IntGauge,
    generation: IntGauge,
}

/// What a verification came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The request passes.
    Accepted,
    /// It does not.
    Refused,
    /// It would not, and passes since refusals are only watched.
    Shadow,
}

impl Outcome {
    /// As labels and log lines have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Shadow => "shadow",
        }
    }
}

impl VerifyMetrics {
    /// Counters at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        Ok(Self {
            verifications: counters(
                &registry,
                "bob_auth_verifications_total",
                "Requests verified: accepted, refused or shadow (result), and why not (reason)",
                &["result", "reason"],
            )?,
            duration: histogram(
                &registry,
                "bob_auth_verify_duration_seconds",
                "Time that a verification took, waiting for a fetch of keys included, in seconds",
            )?,
            cache_hits: counter(
                &registry,
                "bob_auth_verify_cache_hits_total",
                "Verifications spared because the same token came with the same certificate before",
            )?,
            cache_entries: gauge(&registry, "bob_auth_verify_cache_entries", "Verified tokens that are remembered")?,
            keys: gauge(&registry, "bob_auth_key_set_keys", "Keys in the set in force")?,
            issuers: gauge(&registry, "bob_auth_key_set_issuers", "Issuers in the set in force")?,
            generation: gauge(
                &registry,
                "bob_auth_key_set_generation",
                "Rises whenever another key set comes into force; starts afresh when the sources change",
            )?,
            registry,
        })
    }

    /// A request was verified: by which reason it was refused (none: empty), and how long that took.
    pub fn verified(&self, outcome: Outcome, reason: &str, took: Duration) {
        self.verifications.with_label_values(&[outcome.as_str(), reason]).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// Everything as of now. `hits` counts those of earlier policies as well.
    pub fn gather(
        &self,
        verifier: &Verifier,
        hits: u64,
        origins: &[OriginStatus],
        now: Timestamp,
    ) -> Result<Vec<MetricFamily>, prometheus::Error> {
        // Scrapes that overlap must not count a hit twice; one that is late counts nothing.
        self.cache_hits.inc_by(hits.saturating_sub(self.cache_hits.get()));
        self.cache_entries.set(count(verifier.cached().0));
        let held = verifier.keys().load();
        self.keys.set(count(held.set.len()));
        self.issuers.set(count(held.set.issuers().count()));
        self.generation.set(i64::try_from(held.generation).unwrap_or(i64::MAX));
        let mut families = self.registry.gather();
        families.extend(key_sources(origins, now)?);
        if let Some(not_valid_after) = held.set.not_valid_after {
            let registry = Registry::new();
            let expires = gauges(
                &registry,
                "bob_auth_key_set_expires_in_seconds",
                "Seconds until the key set in force must not be used any more, negative afterwards",
                &[],
            )?;
            expires.with_label_values::<&str>(&[]).set(int_to_f64(not_valid_after.seconds_since(now)));
            families.extend(registry.gather());
        }
        Ok(families)
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl std::fmt::Debug for VerifyMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifyMetrics")
    }
}
