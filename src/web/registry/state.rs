//! [`RegistryFace`]: what every request shares, and how a piece of it is replaced while requests go on.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use prometheus::proto::MetricFamily;
use ring::rand::SecureRandom;
use tokio::sync::Notify;

use super::folding::Folding;
use super::replay::ReplayGuard;
use super::served_set::ServedSet;
use crate::config::RegistryListener;
use crate::flow::rate_limit::{RateLimiter, Source};
use crate::flow::register::Register;
use crate::protocol::pop::{PopKey, PopProfile};
use crate::value::{Clock, Pid, Timestamp};
use crate::web::metrics::{RegistryFacts, RegistryMetrics};

/// The running registry.
pub struct RegistryFace {
    /// What is behind it.
    pub register: Register,
    /// How the listener was set up.
    pub listener: RegistryListener,
    /// The counters.
    pub metrics: RegistryMetrics,
    /// Whether every request gets a line in the log.
    pub access_log: AtomicBool,
    pub(super) rng: Arc<dyn SecureRandom + Send + Sync>,
    pub(super) header_bytes: Option<usize>,
    pub(super) body_bytes: usize,
    pub(super) body_time: Duration,
    /// When the process began.
    pub(super) started: Timestamp,
    clock: Arc<dyn Clock>,
    in_force: ArcSwap<InForce>,
    limits: ArcSwap<RequestLimits>,
    set: ArcSwapOption<ServedSet>,
    answer_key: ArcSwapOption<PopKey>,
    folding: Mutex<Folding>,
    changed: Notify,
    proofs: Mutex<ReplayGuard>,
    draining: AtomicBool,
}

/// What was agreed upon, as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// How possession is proven.
    pub profile: PopProfile,
    /// The names by which this registry is known; never empty.
    pub hosts: Vec<String>,
    /// How long somebody who fetched the set need not ask again.
    pub max_age: Duration,
}

/// The request limits in force.
#[derive(Default)]
pub struct RequestLimits {
    /// Per source address.
    pub source: Option<RateLimiter<Source>>,
    /// How often one source's refusals for exceeding its limit are worth a line.
    pub flood_notes: Option<RateLimiter<Source>>,
    /// Per participant that proved itself.
    pub participant: Option<RateLimiter<Pid>>,
}

/// What a registry is made of.
pub struct Parts {
    /// See [`RegistryFace::register`].
    pub register: Register,
    /// See [`RegistryFace::listener`].
    pub listener: RegistryListener,
    /// See [`RegistryFace::metrics`].
    pub metrics: RegistryMetrics,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for the signatures of answers.
    pub rng: Arc<dyn SecureRandom + Send + Sync>,
    /// The most bytes of headers that are read.
    pub header_bytes: Option<usize>,
    /// The most bytes of a body.
    pub body_bytes: usize,
    /// How long a body may take.
    pub body_time: Duration,
    /// What waits to be folded into the set.
    pub folding: Folding,
    /// The proofs that were seen.
    pub proofs: ReplayGuard,
}

impl RegistryFace {
    /// A registry without a set, a key for its answers, or limits.
    pub fn new(parts: Parts, in_force: InForce) -> Self {
        Self {
            register: parts.register,
            listener: parts.listener,
            metrics: parts.metrics,
            access_log: AtomicBool::new(true),
            rng: parts.rng,
            header_bytes: parts.header_bytes,
            body_bytes: parts.body_bytes,
            body_time: parts.body_time,
            started: parts.clock.now(),
            clock: parts.clock,
            in_force: ArcSwap::from_pointee(in_force),
            limits: ArcSwap::from_pointee(RequestLimits::default()),
            set: ArcSwapOption::empty(),
            answer_key: ArcSwapOption::empty(),
            folding: Mutex::new(parts.folding),
            changed: Notify::new(),
            proofs: Mutex::new(parts.proofs),
            draining: AtomicBool::new(false),
        }
    }

    /// What was agreed upon; a request keeps what it began with.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Agrees upon something else.
    pub fn replace(&self, in_force: InForce) {
        self.in_force.store(Arc::new(in_force));
    }

    /// Puts new limits in force; what was counted so far is forgotten.
    pub fn replace_limits(&self, limits: RequestLimits) {
        self.limits.store(Arc::new(limits));
    }

    /// The limits as of now.
    pub fn limits(&self) -> Arc<RequestLimits> {
        self.limits.load_full()
    }

    /// The set that is served.
    pub fn set(&self) -> Option<Arc<ServedSet>> {
        self.set.load_full()
    }

    /// Serves this set from now on.
    pub fn serve_set(&self, set: ServedSet) {
        self.set.store(Some(Arc::new(set)));
    }

    /// The key that signs answers.
    pub fn answer_key(&self) -> Option<Arc<PopKey>> {
        self.answer_key.load_full()
    }

    /// Signs answers with this key from now on.
    pub fn sign_answers_with(&self, key: PopKey) {
        self.answer_key.store(Some(Arc::new(key)));
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What waits to be folded into the set.
    pub fn folding(&self) -> MutexGuard<'_, Folding> {
        self.folding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The proofs that were seen.
    pub fn proofs(&self) -> MutexGuard<'_, ReplayGuard> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A change was acknowledged, or is about to be: no reader gets a set without it unawares.
    pub fn register_changed(&self) {
        self.folding().changed(Instant::now());
        self.changed.notify_one();
    }

    /// Returns after the next change made here.
    pub async fn wait_for_change(&self) {
        self.changed.notified().await;
    }

    /// Counts a request of this source, or says after which time the next one is allowed.
    pub(super) fn admit_source(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        let limits = self.limits.load();
        match (limits.source.as_ref(), address) {
            (Some(limiter), Some(address)) => limiter.check(&Source::from(address)),
            _ => Ok(()),
        }
    }

    /// Whether this source's exceeding its limit is worth another line in the log.
    pub(super) fn is_flood_noted(&self, address: Option<IpAddr>) -> bool {
        let limits = self.limits.load();
        match (limits.flood_notes.as_ref(), address) {
            (Some(notes), Some(address)) => notes.check(&Source::from(address)).is_ok(),
            _ => true,
        }
    }

    /// Counts a request of this participant, or says after which time the next one is allowed.
    pub(super) fn admit_participant(&self, pid: Pid) -> Result<(), Duration> {
        self.limits.load().participant.as_ref().map_or(Ok(()), |limiter| limiter.check(&pid))
    }

    /// Forgets what need not be remembered any longer.
    pub fn keep_house(&self) {
        let limits = self.limits.load();
        for limiter in [&limits.source, &limits.flood_notes].into_iter().flatten() {
            limiter.forget_idle();
        }
        if let Some(limiter) = &limits.participant {
            limiter.forget_idle();
        }
        self.proofs().forget_old(self.now());
    }

    /// Says from now on that the process is about to stop.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the process is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether there is a set that may be used and a key that signs answers, and the process is not about to stop.
    pub fn is_ready(&self) -> bool {
        let has_set = self.set.load().as_ref().is_some_and(|set| self.now() <= set.not_valid_after);
        has_set && self.answer_key.load().is_some() && !self.is_draining()
    }

    /// Everything that is counted, as of now.
    pub fn metric_families(&self) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let set = self.set();
        let set = set.as_ref().map(|set| {
            let (bytes, gzip_bytes) = set.sizes();
            crate::web::metrics::SetFacts {
                serial: set.serial,
                built_at: set.built_at,
                not_valid_after: set.not_valid_after,
                bytes,
                gzip_bytes,
            }
        });
        let (waiting, proofs) = (self.folding().is_waiting(), self.proofs().len());
        self.metrics.gather(&RegistryFacts { set, waiting, proofs, ready: self.is_ready() }, self.now())
    }
}

impl std::fmt::Debug for RegistryFace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryFace").field("listener", &self.listener).finish_non_exhaustive()
    }
}
