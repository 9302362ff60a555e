//! [`RegistryMetrics`]: what a registry counts.

use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{Histogram, IntCounterVec, IntGauge, Registry};

use super::families::{counters, gauge, gauges, histogram, int_to_f64};
use crate::value::Timestamp;

/// The counters of a registry.
pub struct RegistryMetrics {
    registry: Registry,
    requests: IntCounterVec,
    refusals: IntCounterVec,
    duration: Histogram,
    builds: IntCounterVec,
    build_duration: Histogram,
    waiting: IntGauge,
    proofs: IntGauge,
    ready: IntGauge,
}

/// What is asked of a registry at a scrape.
#[derive(Debug, Clone, Copy)]
pub struct RegistryFacts {
    /// The set that is served.
    pub set: Option<SetFacts>,
    /// Whether changes wait that it does not show.
    pub waiting: bool,
    /// How many proofs are remembered.
    pub proofs: usize,
    /// Whether the registry works.
    pub ready: bool,
}

/// What is told of a set.
#[derive(Debug, Clone, Copy)]
pub struct SetFacts {
    /// Its serial.
    pub serial: u64,
    /// When it was built.
    pub built_at: Timestamp,
    /// Until when it may be used.
    pub not_valid_after: Timestamp,
    /// Its size.
    pub bytes: usize,
    /// Its size compressed.
    pub gzip_bytes: usize,
}

/// What came of building a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBuild {
    /// A new set.
    New,
    /// The one that there was says everything.
    Kept,
    /// None.
    Failed,
}

impl SetBuild {
    const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Kept => "kept",
            Self::Failed => "failed",
        }
    }
}

impl RegistryMetrics {
    /// Counters at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let builds = counters(
            &registry,
            "bob_auth_registry_set_builds_total",
            "Times that a set was to be built, by what came of it: new, kept or failed",
            &["result"],
        )?;
        // From zero, so that the first failure is a rise and not the birth of a series.
        for result in [SetBuild::New, SetBuild::Kept, SetBuild::Failed] {
            builds.with_label_values(&[result.as_str()]);
        }
        Ok(Self {
            requests: counters(
                &registry,
                "bob_auth_registry_requests_total",
                "Requests to the registry, by operation (as the API calls it, or none) and status",
                &["operation", "status"],
            )?,
            refusals: counters(
                &registry,
                "bob_auth_registry_refusals_total",
                "Requests that the registry refused, by reason",
                &["reason"],
            )?,
            duration: histogram(
                &registry,
                "bob_auth_registry_request_duration_seconds",
                "Time that a request to the registry took, without TLS and network, in seconds",
            )?,
            builds,
            build_duration: histogram(
                &registry,
                "bob_auth_registry_set_build_duration_seconds",
                "Time that building and signing a new set took, in seconds",
            )?,
            waiting: gauge(
                &registry,
                "bob_auth_registry_changes_waiting",
                "1 while changes wait to be folded into the set",
            )?,
            proofs: gauge(
                &registry,
                "bob_auth_registry_proofs_remembered",
                "Proofs of possession that are remembered, so that none counts twice",
            )?,
            ready: gauge(&registry, "bob_auth_registry_ready", "1 if the registry has a set and signs its answers")?,
            registry,
        })
    }

    /// A request was answered.
    pub fn answered(&self, operation: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[operation, &status.to_string()]).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// A request was refused.
    pub fn refused(&self, reason: &str) {
        self.refusals.with_label_values(&[reason]).inc();
    }

    /// A set was built, or was to be.
    pub fn built(&self, result: SetBuild, took: Duration) {
        self.builds.with_label_values(&[result.as_str()]).inc();
        if result == SetBuild::New {
            self.build_duration.observe(took.as_secs_f64());
        }
    }

    /// Everything, as of now.
    pub fn gather(&self, facts: &RegistryFacts, now: Timestamp) -> Result<Vec<MetricFamily>, prometheus::Error> {
        self.waiting.set(i64::from(facts.waiting));
        self.proofs.set(i64::try_from(facts.proofs).unwrap_or(i64::MAX));
        self.ready.set(i64::from(facts.ready));
        let mut families = self.registry.gather();
        if let Some(set) = &facts.set {
            families.extend(of_set(set, now)?);
        }
        Ok(families)
    }
}

/// Worked out anew at every scrape: without a set there are none.
fn of_set(set: &SetFacts, now: Timestamp) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let registry = Registry::new();
    let serial = gauge(&registry, "bob_auth_registry_set_serial", "The serial of the set that is served")?;
    serial.set(i64::try_from(set.serial).unwrap_or(i64::MAX));
    let age = gauge(&registry, "bob_auth_registry_set_age_seconds", "Seconds since the set was built")?;
    age.set(now.seconds_since(set.built_at));
    let help = "Seconds until nobody may use the set any longer";
    let expires = gauge(&registry, "bob_auth_registry_set_expires_in_seconds", help)?;
    expires.set(set.not_valid_after.seconds_since(now));
    let bytes = gauges(&registry, "bob_auth_registry_set_bytes", "Bytes of the set on the wire", &["coding"])?;
    for (coding, size) in [("identity", set.bytes), ("gzip", set.gzip_bytes)] {
        bytes.with_label_values(&[coding]).set(int_to_f64(i64::try_from(size).unwrap_or(i64::MAX)));
    }
    Ok(registry.gather())
}

impl std::fmt::Debug for RegistryMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RegistryMetrics")
    }
}
