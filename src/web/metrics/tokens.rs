//! [`Metrics`]: what the token service counts, besides what every process does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, Registry};

use super::families::{counter, counters, gauge, gauges, histogram, int_to_f64};
use super::process::ProcessMetrics;
use super::rotation::{Reading, RotationBoard};
use crate::flow::refusal::Refusal;
use crate::store::{AuditSink, Directory};
use crate::value::{Kid, Pid, Timestamp};

/// The counters of a token service.
pub struct Metrics {
    /// What every process counts.
    pub process: Arc<ProcessMetrics>,
    issued: IntCounterVec,
    refused: IntCounterVec,
    expired_admitted: IntCounter,
    duration: Histogram,
    audit_written: IntGauge,
    audit_lost: IntGauge,
    store_writable: IntGauge,
    keys: Mutex<Vec<KeyFact>>,
    rotation: RotationBoard,
}

/// What is asked of the service at a scrape.
#[derive(Clone, Copy)]
pub struct ServiceFacts<'a> {
    /// Who is enrolled.
    pub directory: &'a Directory,
    /// Where audit rows go.
    pub audit: &'a AuditSink,
    /// Whether tokens are issued.
    pub ready: bool,
}

/// What is told of a token key.
#[derive(Debug, Clone)]
pub struct KeyFact {
    /// Whose.
    pub pid: Pid,
    /// Its id.
    pub kid: Kid,
    /// Its state, as text.
    pub state: &'static str,
    /// When it was made.
    pub created: Timestamp,
    /// Its last day, if it has one.
    pub not_after: Option<Timestamp>,
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let process = Arc::new(ProcessMetrics::new()?);
        let registry = &process.registry;
        let refused = counters(registry, "bob_auth_refusals_total", "Token requests refused, by reason", &["reason"])?;
        // From zero: of this one the first is an alarm, and a series that is born at one does not rise.
        refused.with_label_values(&[Refusal::Impostor.reason()]);
        Ok(Self {
            issued: counters(registry, "bob_auth_tokens_issued_total", "Tokens issued", &["pid"])?,
            refused,
            expired_admitted: counter(
                registry,
                "bob_auth_expired_certificates_admitted_total",
                "Tokens issued for enrolled certificates whose dates are over",
            )?,
            duration: histogram(
                registry,
                "bob_auth_token_request_duration_seconds",
                "Time that a token request took inside the service, without TLS and network, in seconds",
            )?,
            audit_written: gauge(registry, "bob_auth_audit_rows_written", "Audit rows written since the start")?,
            audit_lost: gauge(registry, "bob_auth_audit_rows_lost", "Audit rows lost since the start")?,
            store_writable: gauge(
                registry,
                "bob_auth_store_writable",
                "1 if the last attempt to write the store succeeded",
            )?,
            keys: Mutex::default(),
            rotation: RotationBoard::default(),
            process,
        })
    }

    /// A token was issued.
    pub fn issued(&self, pid: Pid, expired_certificate: bool) {
        self.issued.with_label_values(&[pid_label(pid).as_str()]).inc();
        if expired_certificate {
            self.expired_admitted.inc();
        }
    }

    /// A request was refused.
    pub fn refused(&self, refusal: &Refusal) {
        self.refused.with_label_values(&[refusal.reason()]).inc();
    }

    /// A token request took so long inside the service, from its last header byte to the finished answer.
    pub fn took(&self, duration: Duration) {
        self.duration.observe(duration.as_secs_f64());
    }

    /// The token keys that exist.
    pub fn set_keys(&self, keys: Vec<KeyFact>) {
        if let Ok(mut held) = self.keys.lock() {
            *held = keys;
        }
    }

    /// How the life of the keys goes on.
    pub fn set_rotation(&self, reading: Reading) {
        self.rotation.set(reading);
    }

    /// Everything and these besides, in the text format of Prometheus.
    pub fn render(
        &self,
        facts: &ServiceFacts<'_>,
        now: Timestamp,
        more: Vec<MetricFamily>,
    ) -> Result<String, prometheus::Error> {
        let ServiceFacts { directory, audit, ready } = *facts;
        self.audit_written.set(i64::try_from(audit.written()).unwrap_or(i64::MAX));
        self.audit_lost.set(i64::try_from(audit.lost()).unwrap_or(i64::MAX));
        self.store_writable.set(i64::from(audit.store_writable()));
        let mut families = self.expiries(directory, now)?.gather();
        families.extend(more);
        self.process.render(families, ready, now)
    }

    /// Seconds until something ends, with its name: worked out anew at every scrape, since names come and go.
    fn expiries(&self, directory: &Directory, now: Timestamp) -> Result<Registry, prometheus::Error> {
        let registry = Registry::new();
        let clients = gauges(
            &registry,
            "bob_auth_client_certificate_expiry_seconds",
            "Seconds until an enrolled certificate expires, negative afterwards; the hundred that end first",
            &["pid", "entity", "sha1"],
        )?;
        for (pid, expiry) in directory.expiring(Directory::EXPIRING) {
            let entity = expiry.entity.as_ref().map_or("", |id| id.as_str());
            let (pid, sha1) = (pid_label(pid), expiry.sha1.to_string());
            let seconds = int_to_f64(expiry.not_after.seconds_since(now));
            clients.with_label_values(&[pid.as_str(), entity, &sha1]).set(seconds);
        }
        self.key_gauges(&registry, now)?;
        self.rotation.register(&registry, now)?;
        Ok(registry)
    }

    fn key_gauges(&self, registry: &Registry, now: Timestamp) -> Result<(), prometheus::Error> {
        let labels = ["pid", "kid", "state"];
        let ages = gauges(registry, "bob_auth_key_age_seconds", "Seconds since a token key was made", &labels)?;
        let help = "Seconds until a token key expires, if it has an end";
        let expiries = gauges(registry, "bob_auth_key_expiry_seconds", help, &labels)?;
        if let Ok(held) = self.keys.lock() {
            for key in held.iter() {
                let pid = pid_label(key.pid);
                let values = [pid.as_str(), key.kid.as_str(), key.state];
                ages.with_label_values(&values).set(int_to_f64(now.seconds_since(key.created)));
                if let Some(not_after) = key.not_after {
                    expiries.with_label_values(&values).set(int_to_f64(not_after.seconds_since(now)));
                }
            }
        }
        Ok(())
    }
}

fn pid_label(pid: Pid) -> String {
    pid.to_string()
}

impl std::fmt::Debug for ServiceFacts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceFacts").field("ready", &self.ready).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}
