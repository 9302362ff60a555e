//! What changes while the service runs: the store (looked at several times a second), files (looked at every second and
//! at SIGHUP). New state is in force whole or not at all; a faulty file is reported and the old state stays.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_web::web;
use arc_swap::ArcSwap;
use secrecy::SecretString;
use tokio::time::{MissedTickBehavior, interval};

use super::load::{Loader, inode, limiters};
use super::registry::{Registry, RegistryTables};
use super::tls_slot::{TlsSlot, reload_certificates};
use super::verification::Verification;
use super::watch::{LOOK_AT_FILES, Stamps, Watch, certificates_and_trust, look};
use crate::config::{Config, KeyOrigins, TlsFiles, environment};
use crate::telemetry::LevelHandle;
use crate::web::metrics::Reload;
use crate::web::state::Service;

/// Keeps the running service in step with store and files.
pub(super) struct Reloader {
    config: Arc<Config>,
    loader: Loader,
    service: web::Data<Service>,
    slots: Vec<TlsSlot>,
    level: LevelHandle,
    verification: Option<Verification>,
    served: Option<Registry>,
    watch: Watch,
    passphrase: PassphraseSlot,
    /// The inode that was last seen in the place of the store; at the start, of the one that stays open.
    store_file: Option<u64>,
    /// When the store may be read again; whether it could be read when it was last looked at.
    store_rests_until: Instant,
    store_readable: bool,
}

/// What it keeps in step, and how it notices.
pub(super) struct Parts {
    pub(super) watch: Watch,
    pub(super) slots: Vec<TlsSlot>,
    pub(super) verification: Option<Verification>,
    pub(super) served: Option<Registry>,
    pub(super) level: LevelHandle,
    pub(super) passphrase: PassphraseSlot,
}

/// The passphrase of key files in force, for whoever makes keys while the service runs.
pub(super) type PassphraseSlot = Arc<ArcSwap<Option<SecretString>>>;

/// How often idle limiters are emptied and old audit rows pruned.
const HOUSEKEEPING: Duration = Duration::from_mins(1);
/// Of its time, the service spends at most one part in so many on reading the store again.
const SHARE_OF_LOADING: u32 = 4;

impl Reloader {
    pub(super) fn new(config: Arc<Config>, loader: Loader, service: web::Data<Service>, parts: Parts) -> Self {
        let Parts { watch, slots, verification, served, level, passphrase } = parts;
        let store_file = loader.store_file;
        Self {
            config,
            loader,
            service,
            slots,
            level,
            verification,
            served,
            watch,
            passphrase,
            store_file,
            store_rests_until: Instant::now(),
            store_readable: true,
        }
    }

    /// Runs for ever; drop it to stop.
    pub(super) async fn run(mut self) -> Result<std::convert::Infallible, std::io::Error> {
        let mut store = interval(self.config.reload.poll_store);
        let mut files = interval(LOOK_AT_FILES);
        let mut housekeeping = interval(HOUSEKEEPING);
        for ticks in [&mut store, &mut files, &mut housekeeping] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                _ = self.watch.hangup.recv() => {
                    tracing::info!("SIGHUP: reloading configuration, certificates and keys");
                    self.watch.stamps = self.look();
                    self.reload_files().await;
                }
                _ = store.tick() => self.follow_store().await,
                _ = files.tick(), if self.config.reload.watch_files => {
                    let seen = self.look();
                    if seen != self.watch.stamps {
                        self.watch.stamps = seen;
                        tracing::info!("files have changed: reloading configuration, certificates and keys");
                        self.reload_files().await;
                    }
                    self.watch_store_file();
                }
                _ = housekeeping.tick() => self.keep_house().await,
            }
        }
    }

    async fn follow_store(&mut self) {
        if Instant::now() < self.store_rests_until {
            return;
        }
        let revision = self.loader.revision().await;
        let could = std::mem::replace(&mut self.store_readable, revision.is_ok());
        match revision {
            Ok(revision) if revision == self.service.snapshot().directory.revision() => {}
            Ok(_) => {
                let began = Instant::now();
                self.replace_snapshot().await;
                self.store_rests_until = Instant::now() + began.elapsed() * (SHARE_OF_LOADING - 1);
            }
            Err(error) if could => tracing::warn!(%error, "the store cannot be read; tokens are issued from memory"),
            Err(_) => {}
        }
    }

    /// Another file in the place of the store is not followed: that is said once for each such file.
    fn watch_store_file(&mut self) {
        let found = inode(&self.config.store.path);
        if found != self.store_file {
            self.store_file = found;
            tracing::error!(path = %self.config.store.path.display(),
                "the file of the store was replaced or removed: what commands change from now on has no effect here until \
                 the service is started again");
        }
    }

    async fn replace_snapshot(&mut self) {
        match self.loader.snapshot(&self.config).await {
            Ok(snapshot) => {
                tracing::debug!(revision = snapshot.directory.revision(), "the store was read again");
                self.service.replace_snapshot(snapshot);
                self.service.metrics.set_keys(self.loader.key_facts());
                self.service.metrics.process.reloaded("store", Reload::Done);
            }
            Err(error) => {
                tracing::error!(%error, "the store could not be read again; tokens are issued from memory");
                self.service.metrics.process.reloaded("store", Reload::Failed);
            }
        }
    }

    async fn reload_files(&mut self) {
        self.reload_config().await;
        reload_certificates(&mut self.slots, &self.service.metrics.process);
        self.replace_snapshot().await;
    }

    async fn reload_config(&mut self) {
        let config = match Config::load(&self.config.file, &environment) {
            Ok(config) => config,
            Err(faults) => {
                tracing::error!(%faults, "the configuration is faulty; the old one stays in force");
                self.service.metrics.process.reloaded("config", Reload::Failed);
                return;
            }
        };
        if let (Some(verification), Some(settings)) = (&mut self.verification, &config.verify) {
            if let Err(error) = verification.reload(settings).await {
                tracing::error!(%error, "the new [verify] cannot be used; the old configuration stays in force");
                self.service.metrics.process.reloaded("config", Reload::Failed);
                return;
            }
            verification.state.access_log.store(config.log.access, Ordering::Relaxed);
        }
        if let (Some(served), Some(tables)) = (&mut self.served, RegistryTables::of(&config)) {
            served.reload(tables);
        }
        if let Err(error) = self.level.set(&config.log.level) {
            tracing::error!(%error, "log.level stays as it was");
        }
        if config.limits != self.config.limits {
            self.service.replace_limits(limiters(&config.limits));
        }
        self.service.access_log.store(config.log.access, Ordering::Relaxed);
        for what in self.config.needs_restart(&config) {
            tracing::warn!(what, "this change takes effect at the next start");
        }
        self.passphrase.store(Arc::new(config.keys.passphrase.clone()));
        self.config = Arc::new(config);
        self.service.metrics.process.reloaded("config", Reload::Done);
    }

    async fn keep_house(&self) {
        if let Some(limiters) = &*self.service.limits() {
            limiters.forget_idle();
        }
        if let Some(served) = &self.served {
            served.state.keep_house();
        }
        let Some(keep) = self.config.audit.keep else { return };
        let seconds = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
        let oldest = self.service.context.clock.now().plus_seconds(-seconds);
        match self.loader.prune_audit(oldest).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, %oldest, "old audit rows pruned"),
            Err(error) => tracing::warn!(%error, "old audit rows could not be pruned"),
        }
    }

    /// The state of every file that matters.
    fn look(&self) -> Stamps {
        let tls = self.slots.iter().map(|slot| &slot.files);
        look(&files(&self.config, tls, self.verification.as_ref().map(Verification::origins)))
    }
}

/// The files of a token service with these certificates and these origins of keys.
pub(super) fn files<'a>(
    config: &Config,
    tls: impl Iterator<Item = &'a TlsFiles>,
    origins: Option<&'a KeyOrigins>,
) -> Vec<PathBuf> {
    let mut keys: Vec<PathBuf> =
        fs::read_dir(&config.keys.directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    keys.sort();
    let own = [&config.file, &config.keys.directory].into_iter().cloned();
    own.chain(certificates_and_trust(tls, origins)).chain(keys).collect()
}
