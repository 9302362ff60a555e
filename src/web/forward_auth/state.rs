//! [`ForwardAuth`]: what every question shares. Policy, rules and keys are replaced as one, while questions go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use prometheus::proto::MetricFamily;

use crate::config::VerifyListener;
use crate::flow::route_rules::RouteRules;
use crate::flow::verify_live::LiveVerifier;
use crate::value::{Clock, Timestamp};
use crate::web::identity::IdentitySource;
use crate::web::metrics::VerifyMetrics;

/// The running verification.
pub struct ForwardAuth {
    /// How the listener was set up.
    pub listener: VerifyListener,
    /// Whose word it takes.
    pub identity: IdentitySource,
    /// The counters.
    pub metrics: VerifyMetrics,
    /// Whether every verification gets a line in the log.
    pub access_log: AtomicBool,
    clock: Arc<dyn Clock>,
    in_force: ArcSwap<InForce>,
    /// Hits of caches that are gone.
    earlier_hits: AtomicU64,
    draining: AtomicBool,
}

/// What decides.
#[derive(Debug)]
pub struct InForce {
    /// Keys and policy.
    pub verifier: LiveVerifier,
    /// The rules by route.
    pub rules: RouteRules,
}

/// What a verification is made of.
#[derive(Debug)]
pub struct Parts {
    /// See [`ForwardAuth::listener`].
    pub listener: VerifyListener,
    /// See [`ForwardAuth::identity`].
    pub identity: IdentitySource,
    /// See [`ForwardAuth::metrics`].
    pub metrics: VerifyMetrics,
}

impl ForwardAuth {
    /// A verification that starts with this in force, and with an access log.
    pub fn new(parts: Parts, clock: Arc<dyn Clock>, in_force: InForce) -> Self {
        let Parts { listener, identity, metrics } = parts;
        Self {
            listener,
            identity,
            metrics,
            access_log: AtomicBool::new(true),
            clock,
            in_force: ArcSwap::from_pointee(in_force),
            earlier_hits: AtomicU64::new(0),
            draining: AtomicBool::new(false),
        }
    }

    /// What decides now; a question keeps what it began with.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Puts another policy, other rules or other keys in force, all of them at once.
    pub fn replace(&self, in_force: InForce) {
        let earlier = self.in_force.swap(Arc::new(in_force));
        let (_, hits) = earlier.verifier.current().cached();
        self.earlier_hits.fetch_add(hits, Ordering::Relaxed);
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Says from now on that the process is about to stop.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the process is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether tokens can be verified: it is not about to stop, and there are keys that may be used.
    pub fn is_ready(&self) -> bool {
        let in_force = self.in_force.load();
        let verifier = in_force.verifier.current();
        let held = verifier.keys().load();
        let expired = held.set.not_valid_after.is_some_and(|end| self.now() > end);
        !self.is_draining() && !held.set.is_empty() && !expired
    }

    /// Everything that is counted, as of now.
    pub fn metric_families(&self) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let in_force = self.in_force();
        let verifier = in_force.verifier.current();
        let hits = self.earlier_hits.load(Ordering::Relaxed) + verifier.cached().1;
        let origins = in_force.verifier.source().map(|source| source.status()).unwrap_or_default();
        self.metrics.gather(&verifier, hits, &origins, self.now())
    }
}

impl std::fmt::Debug for ForwardAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForwardAuth").field("listener", &self.listener).finish_non_exhaustive()
    }
}
