//! [`Rotation`]: the life of our keys goes on while the service runs. Of several services on one store one leads; what it
//! does is safe also where two believe that they do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::web;
use tokio::time::sleep;

use super::hardening::system_random;
use super::publishing::{PublisherError, publisher};
use super::registry_source::RegistryKeys;
use super::reload::PassphraseSlot;
use super::rotation_told::Told;
use super::uptime::UptimeClock;
use crate::config::{Config, RotationSettings};
use crate::flow::new_key::KeyRoom;
use crate::flow::publish::Publisher;
use crate::flow::rotate::{Outlook, Room, Round, StepError, Terms, Waiting, round};
use crate::registry_client::World;
use crate::store::Store;
use crate::store::key_files::KeyFiles;
use crate::value::{Pid, SteadyClock as _, SystemClock};
use crate::web::metrics::{Reading, RotationFact};
use crate::web::state::Service;

/// The name of the lease.
pub const ROTATION_LEASE: &str = "rotation";

/// A rotation that runs for as long as this lives.
pub(super) struct Rotation {
    task: JoinHandle<()>,
    store: Store,
    holder: String,
}

/// What the task works with.
struct Work {
    settings: RotationSettings,
    store: Store,
    files: KeyFiles,
    passphrase: PassphraseSlot,
    service: web::Data<Service>,
    registry: RegistryKeys,
    publishers: BTreeMap<Pid, Publisher>,
    steady: UptimeClock,
    holder: String,
    told: BTreeMap<Pid, Told>,
    /// Whether this one leads, as far as it was told.
    leads: Option<bool>,
}

impl Rotation {
    /// Starts it for every participant that may publish.
    pub(super) fn start(
        config: &Config,
        store: &Store,
        service: &web::Data<Service>,
        (registry, passphrase): (RegistryKeys, PassphraseSlot),
    ) -> Result<Option<Self>, PublisherError> {
        let Some(settings) = config.registry.as_ref().filter(|_| config.rotation.automatic) else { return Ok(None) };
        let mut publishers = BTreeMap::new();
        for pid in settings.participants.keys() {
            let world = World { clock: Arc::new(SystemClock), rng: system_random() };
            publishers.insert(*pid, publisher(settings, *pid, config.keys.passphrase.as_ref(), world)?);
        }
        let holder = name_of_this_process();
        let work = Work {
            settings: config.rotation.clone(),
            store: store.clone(),
            files: KeyFiles::new(config.keys.directory.clone()),
            passphrase,
            service: service.clone(),
            registry,
            publishers,
            steady: UptimeClock::new(holder.clone()),
            holder: holder.clone(),
            told: BTreeMap::new(),
            leads: None,
        };
        let task = actix_web::rt::spawn(work.run());
        Ok(Some(Self { task, store: store.clone(), holder }))
    }

    /// Stops it, and lets another one lead at once.
    pub(super) async fn stop(self) {
        self.task.abort();
        // It runs out by itself where this fails.
        let _ = self.store.give_lease(ROTATION_LEASE, &self.holder).await;
    }
}

/// Times of a rotation with these settings, and tokens that live so long.
pub fn terms(settings: &RotationSettings, longest: Duration) -> Terms {
    Terms { every: settings.every, wait: settings.wait, leeway: settings.leeway, longest }
}

/// How long a lease is taken for: three looks may fail before another one takes over.
const fn lease_span(settings: &RotationSettings) -> Duration {
    settings.check_every.saturating_mul(3)
}

impl Work {
    async fn run(mut self) {
        loop {
            let pause = if self.lead().await { self.look_at_all().await } else { self.settings.check_every };
            sleep(pause).await;
        }
    }

    /// Whether this one leads, said once when it changes.
    async fn lead(&mut self) -> bool {
        let (span, now) = (lease_span(&self.settings), self.steady.read());
        let taken = self.store.take_lease(ROTATION_LEASE, &self.holder, &now, span).await;
        let leads = match taken {
            Ok(leads) => leads,
            Err(error) => {
                if self.leads != Some(false) {
                    tracing::warn!(%error, "the life of keys stands still: the store cannot be written");
                }
                false
            }
        };
        if self.leads != Some(leads) {
            tracing::info!(leads, "who moves the keys through their life");
            if !leads {
                self.told.clear();
            }
        }
        self.leads = Some(leads);
        if !leads {
            self.service.metrics.set_rotation(Reading { leads, facts: Vec::new() });
        }
        leads
    }

    /// One round for each participant; says when to look again.
    async fn look_at_all(&mut self) -> Duration {
        let pids: Vec<Pid> = self.publishers.keys().copied().collect();
        let mut next = self.settings.check_every;
        for pid in pids {
            let outcome = self.while_leading(self.rounds(pid)).await;
            let soonest = outcome.as_ref().ok().and_then(|round| soonest(&round.outlook));
            let told = self.told.entry(pid).or_default();
            told.tell(pid, &outcome, self.settings.alarm_after);
            next = next.min(soonest.unwrap_or(next));
        }
        let clock = &self.service.context.clock;
        let facts = self.told.iter_mut().map(|(pid, told)| told.fact(*pid, clock.now())).collect::<Vec<RotationFact>>();
        self.service.metrics.set_rotation(Reading { leads: true, facts });
        next.max(Duration::from_millis(100))
    }

    /// Keeps the lease meanwhile.
    async fn while_leading<T>(&self, work: impl Future<Output = T>) -> T {
        let keep = async {
            loop {
                sleep(self.settings.check_every).await;
                let (span, now) = (lease_span(&self.settings), self.steady.read());
                // Who lost it finishes the step all the same: that does no harm.
                let _ = self.store.take_lease(ROTATION_LEASE, &self.holder, &now, span).await;
            }
        };
        tokio::select! {
            done = work => done,
            () = keep => std::future::pending().await,
        }
    }

    /// A round, and another one if the set has what the first one waited for.
    async fn rounds(&self, pid: Pid) -> Result<Round, StepError> {
        let Some(publisher) = self.publishers.get(&pid) else { return Ok(Round::default()) };
        let Some(source) = self.registry.current() else { return Err(StepError::NoSource) };
        let (rng, passphrase) = (system_random(), self.passphrase.load());
        let room = Room {
            pid,
            keys: KeyRoom {
                store: &self.store,
                files: &self.files,
                passphrase: passphrase.as_ref().as_ref(),
                rng: &*rng,
            },
            publisher,
            source: &source,
            algorithm: self.settings.algorithm,
            clock: &SystemClock,
            steady: &self.steady,
            actor: "service",
        };
        let longest = self.service.snapshot().policies.of(pid).max_lifetime.as_seconds();
        let terms = terms(&self.settings, Duration::from_secs(longest.into()));
        let mut first = round(&room, terms).await?;
        let mut came = false;
        for wait in first.outlook.waits.iter().filter(|wait| wait.what == Waiting::Set) {
            came |= source.refresh_for(pid, &wait.kid).await;
        }
        if came {
            let second = round(&room, terms).await?;
            first.done.extend(second.done);
            first.failed.extend(second.failed);
            first.outlook = second.outlook;
        }
        Ok(first)
    }
}

/// When the first of the waits is over.
fn soonest(outlook: &Outlook) -> Option<Duration> {
    outlook.waits.iter().filter_map(|wait| wait.rest).min()
}

/// Names a process so that no other one has the name, also after this one is gone.
pub fn name_of_this_process() -> String {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0_u8; 8];
    // The system gives randomness, or nothing would work here.
    let _ = system_random().fill(&mut bytes);
    format!("{}-{:016x}", std::process::id(), u64::from_be_bytes(bytes))
}
