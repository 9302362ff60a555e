//! [`Rotation`]: the life of our keys goes on while the service runs. Of several services on one store one leads; what it
//! does is safe also where two believe that they do.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::web;
use secrecy::SecretString;
use tokio::time::sleep;

use super::hardening::system_random;
use super::publishing::{PublisherError, publisher};
use super::registry_source::RegistryKeys;
use super::reload::PassphraseSlot;
use super::rotation_told::Told;
use super::uptime::UptimeClock;
use crate::config::{Config, RegistrySettings, RotationSettings};
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
    at: RegistrySettings,
    publishers: BTreeMap<Pid, Publisher>,
    /// The files that the publishers are made of.
    made_of: Vec<Option<Vec<u8>>>,
    /// The interval of a set that was found too long.
    warned_of: Option<Duration>,
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
        let publishers = publishers(settings, config.keys.passphrase.as_ref())?;
        let holder = name_of_this_process();
        let work = Work {
            settings: config.rotation.clone(),
            made_of: contents(settings),
            at: settings.clone(),
            warned_of: None,
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
        let task = actix_web::rt::spawn(watched(work));
        Ok(Some(Self { task, store: store.clone(), holder }))
    }

    /// Stops it, and lets another one lead at once.
    pub(super) async fn stop(self) {
        self.task.abort();
        // It runs out by itself where this fails.
        let _ = self.store.give_lease(ROTATION_LEASE, &self.holder).await;
    }
}

/// Runs it, and again if it ends: that is a fault of the program, and keys must not stand still for it in silence.
async fn watched(work: Work) {
    loop {
        let mut running = Running(actix_web::rt::spawn(work.afresh().run()));
        let ended = (&mut running.0).await;
        tracing::error!(
            error = ended.err().map(tracing::field::display),
            "the task that moves keys ended, which is a fault of this program; it is started again"
        );
        let pids = work.publishers.keys().copied();
        let facts = pids.map(|pid| RotationFact { pid, blocked: true, last_success: None, next: None }).collect();
        work.service.metrics.set_rotation(Reading { leads: false, facts });
        sleep(work.settings.check_every).await;
    }
}

/// Ends with whoever watches it.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
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

/// A publisher for everybody who has a metadata key here.
fn publishers(
    settings: &RegistrySettings,
    passphrase: Option<&SecretString>,
) -> Result<BTreeMap<Pid, Publisher>, PublisherError> {
    let world = || World { clock: Arc::new(SystemClock), rng: system_random() };
    let pids = settings.participants.keys();
    pids.map(|pid| Ok((*pid, publisher(settings, *pid, passphrase, world())?))).collect()
}

/// What is in the files that publishers are made of.
fn contents(settings: &RegistrySettings) -> Vec<Option<Vec<u8>>> {
    let trust = [Some(&settings.trust), settings.answer_trust.as_ref(), settings.ca.as_ref()];
    let keys = settings.participants.values().map(|key| &key.file);
    trust.into_iter().flatten().chain(keys).map(|path| fs::read(path).ok()).collect()
}

impl Work {
    /// The same work, nothing of it begun.
    fn afresh(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            at: self.at.clone(),
            store: self.store.clone(),
            files: self.files.clone(),
            passphrase: Arc::clone(&self.passphrase),
            service: self.service.clone(),
            registry: self.registry.clone(),
            publishers: self.publishers.clone(),
            made_of: self.made_of.clone(),
            warned_of: None,
            steady: self.steady.clone(),
            holder: self.holder.clone(),
            told: BTreeMap::new(),
            leads: None,
        }
    }

    /// Takes up another metadata key, other keys that sign answers, another CA.
    fn follow_files(&mut self) {
        let found = contents(&self.at);
        if found == self.made_of {
            return;
        }
        self.made_of = found;
        match publishers(&self.at, self.passphrase.load().as_ref().as_ref()) {
            Ok(publishers) => {
                self.publishers = publishers;
                tracing::info!("the registry's files have changed: keys are published with the new ones");
            }
            Err(error) => {
                tracing::error!(%error, "a file of [registry] is faulty; keys are published with what there was");
            }
        }
    }

    /// Partners may go without a new set for as long as the set itself says.
    fn compare_interval(&mut self) {
        let Some(source) = self.registry.current() else { return };
        let interval = source.status().into_iter().find_map(|origin| origin.metadata).and_then(|set| set.interval);
        let too_long = interval.filter(|interval| *interval / 2 > self.settings.wait);
        if let Some(interval) = too_long.filter(|_| self.warned_of != too_long) {
            tracing::warn!(?interval, wait = ?self.settings.wait,
                "rotation.wait is shorter than half of the interval of the metadata set: a key may sign before every partner knows it");
        }
        self.warned_of = too_long;
    }

    async fn run(mut self) {
        loop {
            self.follow_files();
            let pause = if self.lead().await { self.look_at_all().await } else { self.settings.check_every };
            self.compare_interval();
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
