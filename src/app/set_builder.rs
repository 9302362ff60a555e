//! [`SetBuilder`]: keeps the set that a registry serves in step with its register: folds bursts of changes into one set,
//! renews the set long before its end, and takes up what other processes built.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;
use tokio::sync::watch;

use crate::flow::register::{AnchorFault, AnchorRoom, BuildError, Built, BuiltSet, Revisions, SetRules};
use crate::protocol::pop::PopKey;
use crate::store::register::AnchorState;
use crate::store::{Change, StoreError};
use crate::web::metrics::SetBuild;
use crate::web::registry::{RegistryFace, ServedSet};

/// What sets are to be like, who signs them, and how often the store is looked at.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    pub(super) room: AnchorRoom,
    pub(super) rules: SetRules,
    pub(super) poll: Duration,
}

/// Builds sets for as long as it runs.
pub(super) struct SetBuilder {
    state: web::Data<RegistryFace>,
    orders: watch::Receiver<Orders>,
    /// Not before then is tried again what failed.
    rests_until: Instant,
    failures: u32,
    /// The revision of the register for which building failed: another one is tried at once.
    failed_at: Option<i64>,
    /// Whether the store could be read when it was last looked at.
    readable: bool,
}

/// Who stands in the audit trail.
const ACTOR: &str = "service";
/// However little it took.
const AFTER_A_BUILD: Duration = Duration::from_millis(50);
/// After a failure.
const FIRST_REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(30);

impl SetBuilder {
    pub(super) fn new(state: web::Data<RegistryFace>, orders: watch::Receiver<Orders>) -> Self {
        Self { state, orders, rests_until: Instant::now(), failures: 0, failed_at: None, readable: true }
    }

    /// The set that there is, served at once; and then a new one, if there is need for one.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        if let Some(set) = self.state.register.current_set().await? {
            self.serve(set);
        }
        let room = self.orders.borrow().room.clone();
        // The set that there is may need no signature for days; whoever looks at this start can mend it in time.
        for (kid, fault) in self.state.register.unusable_anchors(&room).await? {
            tracing::error!(%kid, %fault, "an anchor cannot sign: there will be no new set, or no answer, until its file is back");
        }
        self.build().await;
        Ok(())
    }

    /// Runs for ever; drop it to stop.
    pub(super) async fn run(mut self) -> Infallible {
        loop {
            let poll = self.orders.borrow_and_update().poll;
            let wait = self.look().await.map_or(poll, |due| due.min(poll));
            if wait.is_zero() {
                self.build().await;
            } else {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.state.wait_for_change() => {}
                    Ok(()) = self.orders.changed() => self.build().await,
                }
            }
        }
    }

    /// Looks at the register: in how long is there something to build? `None`: nothing is to be seen.
    async fn look(&mut self) -> Option<Duration> {
        let seen = self.state.folding().seen();
        let revisions = match self.state.register.revisions().await {
            Ok(revisions) => revisions,
            Err(error) => {
                if std::mem::replace(&mut self.readable, false) {
                    tracing::warn!(%error, "the register cannot be read; the set that there is goes on being served");
                }
                return None;
            }
        };
        self.readable = true;
        self.follow(&revisions).await;
        let now = Instant::now();
        if self.failures > 0 && self.failed_at.replace(revisions.register) != Some(revisions.register) {
            self.rests_until = now;
        }
        let due = {
            let mut folding = self.state.folding();
            if !revisions.is_behind() {
                folding.settled(seen, now);
            } else if !folding.is_waiting() {
                folding.changed(now);
            }
            folding.build_in(now)
        };
        let due = if self.is_old() { Some(Duration::ZERO) } else { due };
        due.map(|due| due.max(self.rests_until.saturating_duration_since(now)))
    }

    /// Takes up a set that another process built.
    async fn follow(&self, revisions: &Revisions) {
        let served = self.state.set().map(|set| set.serial);
        if revisions.serial == served {
            return;
        }
        match self.state.register.current_set().await {
            Ok(Some(set)) if Some(set.serial) > served => self.serve(set),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the new set cannot be read; the one that there is goes on being served");
            }
        }
    }

    /// Whether the set is to be renewed although nothing changed: because of its age, or because a clock that was ahead made
    /// it good for too long.
    fn is_old(&self) -> bool {
        let (now, rules) = (self.state.now(), self.orders.borrow().rules);
        self.state.set().is_none_or(|set| rules.is_due(set.built_at, set.not_valid_after, now))
    }

    async fn build(&mut self) {
        let orders = self.orders.borrow().clone();
        self.take_answer_key(&orders.room).await;
        let change = Change { at: self.state.now(), actor: ACTOR.to_owned() };
        let began = Instant::now();
        let seen = self.state.folding().seen();
        let built = self.state.register.build_set(&orders.room, &orders.rules, &change).await;
        let took = began.elapsed();
        // Once more: what changed while the set was built is in it, and nothing will call for another build.
        self.take_answer_key(&orders.room).await;
        match built {
            Ok(built) => {
                let result = if matches!(built, Built::New(_)) { SetBuild::New } else { SetBuild::Kept };
                self.state.metrics.built(result, took);
                let (Built::New(set) | Built::Kept(set)) = built;
                if result == SetBuild::New {
                    tracing::info!(serial = set.serial, bytes = set.json.len(), gzip_bytes = set.gzip.len(),
                        until = %set.not_valid_after, ?took, "a new set is served");
                }
                self.serve(set);
                self.state.folding().settled(seen, Instant::now());
                (self.failures, self.failed_at) = (0, None);
                self.rests_until = Instant::now() + AFTER_A_BUILD;
            }
            Err(error) => {
                self.state.metrics.built(SetBuild::Failed, took);
                self.failed(&error);
            }
        }
    }

    fn failed(&mut self, error: &BuildError) {
        let rest = FIRST_REST.saturating_mul(1 << self.failures.min(8)).min(LONGEST_REST);
        self.rests_until = Instant::now() + rest;
        self.failures = self.failures.saturating_add(1);
        tracing::error!(%error, again_in = ?rest, "the set could not be built; the one that there is goes on being served");
    }

    /// Never an older one in the place of a newer one.
    fn serve(&self, set: BuiltSet) {
        if self.state.set().is_some_and(|served| served.serial >= set.serial) {
            return;
        }
        match ServedSet::new(set) {
            Ok(set) => self.state.serve_set(set),
            Err(error) => tracing::error!(%error, "the validator of the new set is no header"),
        }
    }

    /// The key that signs answers, if it is another one than that which does.
    async fn take_answer_key(&self, room: &AnchorRoom) {
        if let Err(error) = self.try_to_take_answer_key(room).await {
            tracing::error!(%error, "the key that signs answers cannot be used");
        }
    }

    async fn try_to_take_answer_key(&self, room: &AnchorRoom) -> Result<(), AnchorFault> {
        let signing = self.state.answer_key().map(|key| key.kid.clone());
        let told = self.state.register.response_anchors().await?;
        let active = told.iter().find(|anchor| anchor.state == AnchorState::Active).map(|anchor| &anchor.kid);
        if active.is_some() && signing.as_ref() == active {
            return Ok(());
        }
        let (kid, signer) = self.state.register.response_key(room).await?;
        tracing::info!(%kid, "answers are signed with this key");
        self.state.sign_answers_with(PopKey { kid, signer: Arc::new(signer) });
        Ok(())
    }
}
