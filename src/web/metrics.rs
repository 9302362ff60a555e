//! What the service counts, and how Prometheus reads it. Names and labels are a contract (docs/operations.md lists them).

use std::sync::Mutex;
use std::time::Duration;

use prometheus::{
    Encoder as _, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use crate::flow::refusal::Refusal;
use crate::store::{AuditSink, Directory};
use crate::value::{Kid, Pid, Timestamp};

/// The counters of one process.
pub struct Metrics {
    registry: Registry,
    issued: IntCounterVec,
    refused: IntCounterVec,
    expired_admitted: IntCounter,
    handshakes_started: IntCounter,
    handshakes_completed: IntCounterVec,
    duration: Histogram,
    reloads: IntCounterVec,
    audit_written: IntGauge,
    audit_lost: IntGauge,
    store_writable: IntGauge,
    ready: IntGauge,
    server_certificates: Mutex<Vec<(String, Timestamp)>>,
    keys: Mutex<Vec<KeyFact>>,
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

/// Where a reload came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The new state is in force.
    Done,
    /// The new state is faulty, the old one stays.
    Failed,
}

/// From a quarter of a millisecond, about what a signature costs, to a second.
const BUCKETS: [f64; 12] = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0];

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = Self {
            issued: counters(&registry, "bob_auth_tokens_issued_total", "Tokens issued", &["pid"])?,
            refused: counters(&registry, "bob_auth_refusals_total", "Token requests refused", &["reason"])?,
            expired_admitted: counter(
                &registry,
                "bob_auth_expired_certificates_admitted_total",
                "Tokens issued for certificates whose dates are over",
            )?,
            handshakes_started: counter(&registry, "bob_auth_tls_handshakes_started_total", "TLS handshakes begun")?,
            handshakes_completed: counters(
                &registry,
                "bob_auth_tls_handshakes_completed_total",
                "TLS handshakes completed",
                &["version", "resumed"],
            )?,
            duration: histogram(&registry)?,
            reloads: counters(&registry, "bob_auth_reloads_total", "Reloads of files", &["what", "result"])?,
            audit_written: gauge(&registry, "bob_auth_audit_rows_written", "Audit rows written since the start")?,
            audit_lost: gauge(&registry, "bob_auth_audit_rows_lost", "Audit rows lost since the start")?,
            store_writable: gauge(&registry, "bob_auth_store_writable", "1 if the store takes writes")?,
            ready: gauge(&registry, "bob_auth_ready", "1 if the service issues tokens")?,
            server_certificates: Mutex::default(),
            keys: Mutex::default(),
            registry,
        };
        let build =
            Opts::new("bob_auth_build_info", "The running version").const_label("version", env!("CARGO_PKG_VERSION"));
        let build = IntGauge::with_opts(build)?;
        build.set(1);
        metrics.registry.register(Box::new(build))?;
        Ok(metrics)
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

    /// A TLS client said hello.
    pub fn handshake_started(&self) {
        self.handshakes_started.inc();
    }

    /// A TLS handshake was completed.
    pub fn handshake_completed(&self, version: &str, resumed: bool) {
        self.handshakes_completed.with_label_values(&[version, if resumed { "yes" } else { "no" }]).inc();
    }

    /// A reload came to an end.
    pub fn reloaded(&self, what: &str, result: Reload) {
        let result = match result {
            Reload::Done => "done",
            Reload::Failed => "failed",
        };
        self.reloads.with_label_values(&[what, result]).inc();
    }

    /// The server certificates in force, by listener.
    pub fn set_server_certificates(&self, certificates: Vec<(String, Timestamp)>) {
        if let Ok(mut held) = self.server_certificates.lock() {
            *held = certificates;
        }
    }

    /// The token keys that exist.
    pub fn set_keys(&self, keys: Vec<KeyFact>) {
        if let Ok(mut held) = self.keys.lock() {
            *held = keys;
        }
    }

    /// Everything, in the text format of Prometheus.
    pub fn render(
        &self,
        directory: &Directory,
        audit: &AuditSink,
        ready: bool,
        now: Timestamp,
    ) -> Result<String, prometheus::Error> {
        self.audit_written.set(i64::try_from(audit.written()).unwrap_or(i64::MAX));
        self.audit_lost.set(i64::try_from(audit.lost()).unwrap_or(i64::MAX));
        self.store_writable.set(i64::from(audit.store_writable()));
        self.ready.set(i64::from(ready));
        let mut families = self.registry.gather();
        families.extend(self.expiries(directory, now)?.gather());
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }

    /// Seconds until something ends, with its name: worked out anew at every scrape, since names come and go.
    fn expiries(&self, directory: &Directory, now: Timestamp) -> Result<Registry, prometheus::Error> {
        let registry = Registry::new();
        let seconds = |until: Timestamp| int_to_f64(until.seconds_since(now));
        let clients = gauges(
            &registry,
            "bob_auth_client_certificate_expiry_seconds",
            "Seconds until an enrolled certificate expires; the soonest hundred",
            &["pid", "entity", "sha1"],
        )?;
        for (pid, expiry) in directory.expiring(Directory::EXPIRING) {
            let entity = expiry.entity.as_ref().map_or("", |id| id.as_str());
            let sha1 = expiry.sha1.to_string();
            clients.with_label_values(&[pid_label(pid).as_str(), entity, &sha1]).set(seconds(expiry.not_after));
        }
        let servers = gauges(
            &registry,
            "bob_auth_server_certificate_expiry_seconds",
            "Seconds until a server certificate expires",
            &["listener"],
        )?;
        if let Ok(held) = self.server_certificates.lock() {
            for (listener, not_after) in held.iter() {
                servers.with_label_values(&[listener.as_str()]).set(seconds(*not_after));
            }
        }
        self.key_gauges(&registry, now)?;
        Ok(registry)
    }

    fn key_gauges(&self, registry: &Registry, now: Timestamp) -> Result<(), prometheus::Error> {
        let labels = ["pid", "kid", "state"];
        let ages = gauges(registry, "bob_auth_key_age_seconds", "Seconds since a token key was made", &labels)?;
        let help = "Seconds until a token key expires";
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

#[expect(clippy::cast_precision_loss, reason = "seconds of a few thousand years fit a double exactly")]
fn int_to_f64(seconds: i64) -> f64 {
    seconds as f64
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    let counter = IntCounter::new(name, help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, prometheus::Error> {
    let gauges = GaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}

fn histogram(registry: &Registry) -> Result<Histogram, prometheus::Error> {
    let help = "Time that a token request took inside the service";
    let options = HistogramOpts::new("bob_auth_token_request_duration_seconds", help).buckets(BUCKETS.to_vec());
    let histogram = Histogram::with_opts(options)?;
    registry.register(Box::new(histogram.clone()))?;
    Ok(histogram)
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}
