//! [`Service`]: what every request of every listener shares, and how a piece of it is replaced while requests go on.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};

use super::metrics::Metrics;
use crate::flow::issue::{Context, Snapshot};
use crate::flow::rate_limit::{RateLimiter, Source};
use crate::flow::refusal::Refusal;
use crate::store::AuditSink;
use crate::value::{Pid, Sha1Fingerprint};

/// The running service.
pub struct Service {
    /// The participant meant where a request names none.
    pub default_participant: Pid,
    /// Time, randomness, self-check.
    pub context: Context,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Where audit rows go.
    pub audit: AuditSink,
    /// Whether every request gets a line in the log.
    pub access_log: AtomicBool,
    snapshot: ArcSwap<Snapshot>,
    limits: ArcSwapOption<Limiters>,
    draining: AtomicBool,
}

/// The request limits in force.
#[derive(Default)]
pub struct Limiters {
    /// Per certificate.
    pub fingerprint: Option<RateLimiter<Sha1Fingerprint>>,
    /// Per source address.
    pub source: Option<RateLimiter<Source>>,
    /// How often one source's refusals for exceeding its limit are worth a line: a flood must not fill log and disk.
    pub flood_notes: Option<RateLimiter<Source>>,
}

/// What a service is made of.
pub struct Parts {
    /// See [`Service::default_participant`].
    pub default_participant: Pid,
    /// See [`Service::context`].
    pub context: Context,
    /// See [`Service::metrics`].
    pub metrics: Arc<Metrics>,
    /// See [`Service::audit`].
    pub audit: AuditSink,
}

impl Service {
    /// A service that starts with this snapshot, without limits, and with an access log.
    pub fn new(parts: Parts, snapshot: Snapshot) -> Self {
        Self {
            default_participant: parts.default_participant,
            context: parts.context,
            metrics: parts.metrics,
            audit: parts.audit,
            access_log: AtomicBool::new(true),
            snapshot: ArcSwap::from_pointee(snapshot),
            limits: ArcSwapOption::empty(),
            draining: AtomicBool::new(false),
        }
    }

    /// The snapshot as of now; a request keeps the one it began with.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Puts a new snapshot in force.
    pub fn replace_snapshot(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Puts new limits in force; what was counted so far is forgotten.
    pub fn replace_limits(&self, limits: Limiters) {
        self.limits.store(Some(Arc::new(limits)));
    }

    /// The limits as of now.
    pub fn limits(&self) -> Guard<Option<Arc<Limiters>>> {
        self.limits.load()
    }

    /// Counts a request of this source, before anything else is looked at.
    pub fn admit_source(&self, address: Option<IpAddr>) -> Result<(), Refusal> {
        let limits = self.limits.load();
        match (limits.as_ref().and_then(|limits| limits.source.as_ref()), address) {
            (Some(limiter), Some(address)) => {
                limiter.check(&Source::from(address)).map_err(|retry_after| Refusal::SourceRate { retry_after })
            }
            _ => Ok(()),
        }
    }

    /// Whether this source's exceeding its limit is to be recorded once more, or only counted.
    pub fn is_flood_noted(&self, address: Option<IpAddr>) -> bool {
        let limits = self.limits.load();
        match (limits.as_ref().and_then(|limits| limits.flood_notes.as_ref()), address) {
            (Some(notes), Some(address)) => notes.check(&Source::from(address)).is_ok(),
            _ => true,
        }
    }

    /// Says from now on that the service is about to stop.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the service issues tokens: it is not about to stop, and the default participant has a key.
    pub fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Relaxed) && self.snapshot.load().keys.active(self.default_participant).is_some()
    }

    /// Whether the service is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

impl Limiters {
    /// Forgets who has not asked for so long that he starts afresh anyway.
    pub fn forget_idle(&self) {
        if let Some(limiter) = &self.fingerprint {
            limiter.forget_idle();
        }
        for limiter in [&self.source, &self.flood_notes].into_iter().flatten() {
            limiter.forget_idle();
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("default_participant", &self.default_participant).finish_non_exhaustive()
    }
}
