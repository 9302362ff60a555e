//! `bob-auth registry-server`: a process that is only a registry.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::agreements::{lax, warn_of};
use super::error::AppError;
use super::hardening::{allow_connections, keep_secrets_out_of_core_files};
use super::listeners::{remove_sockets, running, start_internal};
use super::registry::{Registry, RegistryTables};
use super::stop;
use super::tls_slot::{TlsSlot, reload_certificates, server_certificates};
use super::watch::{LOOK_AT_FILES, Stamps, Watch, certificates_and_trust, look};
use crate::config::{RegistryServerConfig, TlsFiles, environment};
use crate::store::{Access, Store};
use crate::telemetry::{LevelHandle, Telemetry};
use crate::web::metrics::{ProcessMetrics, Reload};
use crate::web::registry_health as health;

/// Runs until it is told to stop.
pub async fn registry_server(config: RegistryServerConfig, telemetry: &Telemetry) -> Result<(), AppError> {
    keep_secrets_out_of_core_files();
    let told = stop::Told::listen()?;
    allow_connections(config.limits.connections);
    warn_of(lax(None, Some(&config.registry)));
    let watch = Watch::start(&files(&config, config.listener.tls.iter()))?;
    let store = Store::open(&config.store.path, Access::Service).await?;
    if store.is_read_only() {
        tracing::warn!(path = %config.store.path.display(), "the store is read-only: the set is served, nothing can be changed");
    }
    let process = Arc::new(ProcessMetrics::new().map_err(|error| AppError::Metrics(error.to_string()))?);
    let running = running(config.limits, config.workers, config.shutdown);
    let (registry, public, slot) = Registry::start(tables(&config), store.clone(), &process, &running).await?;
    let state = registry.state.clone();
    let internal =
        start_internal(config.internal.as_ref(), health::routes(state.clone(), Arc::clone(&process)), &running)?;
    let slots: Vec<TlsSlot> = slot.into_iter().collect();
    process.set_server_certificates(server_certificates(&slots));

    let (shutdown, listen) = (config.shutdown, config.listener.listen.clone());
    let reloader = Reloader { config, registry, process, slots, level: telemetry.level(), watch, store: store.clone() };
    stop::run_until_told(told, &shutdown, || state.start_draining(), reloader.run(), (vec![public], internal)).await?;
    remove_sockets(&listen);
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn tables(config: &RegistryServerConfig) -> RegistryTables<'_> {
    RegistryTables {
        settings: &config.registry,
        listener: &config.listener,
        limits: &config.limits,
        poll: config.reload.poll_store,
        access_log: config.log.access,
    }
}

/// How often what is too old is forgotten.
const HOUSEKEEPING: Duration = Duration::from_mins(1);

/// Keeps the running registry in step with its files. What is in the store is the set builder's affair.
struct Reloader {
    config: RegistryServerConfig,
    registry: Registry,
    process: Arc<ProcessMetrics>,
    slots: Vec<TlsSlot>,
    level: LevelHandle,
    watch: Watch,
    store: Store,
}

impl Reloader {
    /// Runs for ever; drop it to stop.
    async fn run(mut self) -> Result<Infallible, std::io::Error> {
        let mut files = interval(LOOK_AT_FILES);
        let mut housekeeping = interval(HOUSEKEEPING);
        for ticks in [&mut files, &mut housekeeping] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                _ = self.watch.hangup.recv() => {
                    tracing::info!("SIGHUP: reloading configuration and certificates");
                    self.watch.stamps = self.look();
                    self.reload();
                }
                _ = files.tick(), if self.config.reload.watch_files => {
                    let seen = self.look();
                    if seen != self.watch.stamps {
                        self.watch.stamps = seen;
                        tracing::info!("files have changed: reloading configuration and certificates");
                        self.reload();
                    }
                }
                _ = housekeeping.tick() => self.keep_house().await,
            }
        }
    }

    fn reload(&mut self) {
        let outcome = if self.reload_config() { Reload::Done } else { Reload::Failed };
        self.process.reloaded("config", outcome);
        reload_certificates(&mut self.slots, &self.process);
    }

    /// Whether a new configuration is in force.
    fn reload_config(&mut self) -> bool {
        let config = match RegistryServerConfig::load(&self.config.file, &environment) {
            Ok(config) => config,
            Err(faults) => {
                tracing::error!(%faults, "the configuration is faulty; the old one stays in force");
                return false;
            }
        };
        for what in self.config.needs_restart(&config) {
            tracing::warn!(what, "this change takes effect at the next start");
        }
        if let Err(error) = self.level.set(&config.log.level) {
            tracing::error!(%error, "log.level stays as it was");
        }
        self.registry.reload(tables(&config));
        self.config = config;
        true
    }

    async fn keep_house(&self) {
        let state = &self.registry.state;
        state.keep_house();
        let Some(keep) = self.config.audit.keep else { return };
        let seconds = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
        let oldest = state.now().plus_seconds(-seconds);
        match self.store.prune_audit(oldest).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, %oldest, "old audit rows pruned"),
            Err(error) => tracing::warn!(%error, "old audit rows could not be pruned"),
        }
    }

    /// The state of every file that matters.
    fn look(&self) -> Stamps {
        look(&files(&self.config, self.slots.iter().map(|slot| &slot.files)))
    }
}

fn files<'a>(config: &RegistryServerConfig, tls: impl Iterator<Item = &'a TlsFiles>) -> Vec<PathBuf> {
    std::iter::once(config.file.clone()).chain(certificates_and_trust(tls, None)).collect()
}
