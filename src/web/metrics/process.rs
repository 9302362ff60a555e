//! [`ProcessMetrics`]: what every process counts, and everything as text.

use std::sync::Mutex;

use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use super::families::{counter, counters, gauge, gauges, int_to_f64};
use crate::value::Timestamp;

/// The counters of one process, whatever it is for.
pub struct ProcessMetrics {
    pub(super) registry: Registry,
    handshakes_started: IntCounter,
    handshakes_completed: IntCounterVec,
    reloads: IntCounterVec,
    ready: IntGauge,
    server_certificates: Mutex<Vec<(String, Timestamp)>>,
}

/// Where a reload came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The new state is in force.
    Done,
    /// The new state is faulty, the old one stays.
    Failed,
}

impl Reload {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl ProcessMetrics {
    /// Counters at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = Self {
            handshakes_started: counter(&registry, "bob_auth_tls_handshakes_started_total", "TLS handshakes begun")?,
            handshakes_completed: counters(
                &registry,
                "bob_auth_tls_handshakes_completed_total",
                "TLS handshakes completed; those begun and not completed were broken off",
                &["version", "resumed"],
            )?,
            reloads: counters(
                &registry,
                "bob_auth_reloads_total",
                "Reloads of store, config or certificate (what), done or failed (result)",
                &["what", "result"],
            )?,
            ready: gauge(&registry, "bob_auth_ready", "1 if /health/ready answers 200")?,
            server_certificates: Mutex::default(),
            registry,
        };
        // From zero, so that the first failure is a rise and not the birth of a series.
        for what in ["store", "config", "certificate"] {
            for result in [Reload::Done, Reload::Failed] {
                metrics.reloads.with_label_values(&[what, result.as_str()]);
            }
        }
        let build =
            Opts::new("bob_auth_build_info", "The running version").const_label("version", env!("CARGO_PKG_VERSION"));
        let build = IntGauge::with_opts(build)?;
        build.set(1);
        metrics.registry.register(Box::new(build))?;
        Ok(metrics)
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
        self.reloads.with_label_values(&[what, result.as_str()]).inc();
    }

    /// The server certificates in force, by listener.
    pub fn set_server_certificates(&self, certificates: Vec<(String, Timestamp)>) {
        if let Ok(mut held) = self.server_certificates.lock() {
            *held = certificates;
        }
    }

    /// Everything, these metrics included, in the text format of Prometheus.
    pub fn render(&self, more: Vec<MetricFamily>, ready: bool, now: Timestamp) -> Result<String, prometheus::Error> {
        self.ready.set(i64::from(ready));
        let mut families = self.registry.gather();
        families.extend(self.expiries(now)?);
        families.extend(more);
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }

    /// Worked out anew at every scrape, since listeners differ.
    fn expiries(&self, now: Timestamp) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let registry = Registry::new();
        let servers = gauges(
            &registry,
            "bob_auth_server_certificate_expiry_seconds",
            "Seconds until a server certificate expires, negative afterwards",
            &["listener"],
        )?;
        if let Ok(held) = self.server_certificates.lock() {
            for (listener, not_after) in held.iter() {
                servers.with_label_values(&[listener.as_str()]).set(int_to_f64(not_after.seconds_since(now)));
            }
        }
        Ok(registry.gather())
    }
}

impl std::fmt::Debug for ProcessMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProcessMetrics")
    }
}
