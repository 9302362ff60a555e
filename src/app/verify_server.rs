//! `bob-auth verify-server`: a process that only verifies, with neither store nor signing keys.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::{MissedTickBehavior, interval};

use super::error::AppError;
use super::hardening::{allow_connections, keep_secrets_out_of_core_files};
use super::listeners::{remove_sockets, running, start_internal, start_verify};
use super::stop;
use super::tls_slot::{TlsSlot, reload_certificates, server_certificates};
use super::verification::Verification;
use super::watch::{LOOK_AT_FILES, Stamps, Watch, certificates_and_trust, look};
use crate::config::{KeyOrigins, TlsFiles, VerifyConfig, environment};
use crate::telemetry::{LevelHandle, Telemetry};
use crate::web::metrics::{ProcessMetrics, Reload};
use crate::web::verify_health;

/// Runs until it is told to stop.
pub async fn verify_server(config: VerifyConfig, telemetry: &Telemetry) -> Result<(), AppError> {
    keep_secrets_out_of_core_files();
    let told = stop::Told::listen()?;
    allow_connections(config.limits.connections);
    let watch = Watch::start(&files(&config, config.listener.proxy.tls.iter(), &config.verify.origins))?;
    let process = Arc::new(ProcessMetrics::new().map_err(|error| AppError::Metrics(error.to_string()))?);
    let verification = Verification::start(&config.verify, &config.listener, config.log.access).await?;
    let state = verification.state.clone();

    let running = running(config.limits, config.workers, config.shutdown);
    let (public, slot) = start_verify(&config.listener, &state, &process, &running)?;
    let routes = verify_health::routes(state.clone(), Arc::clone(&process));
    let internal = start_internal(config.internal.as_ref(), routes, &running)?;
    let slots: Vec<TlsSlot> = slot.into_iter().collect();
    process.set_server_certificates(server_certificates(&slots));
    if !state.is_ready() {
        tracing::error!("no key that could verify a token: every token is refused until one comes");
    }

    let (shutdown, listen) = (config.shutdown, config.listener.proxy.listen.clone());
    let reloader = Reloader { config, verification, process, slots, level: telemetry.level(), watch };
    stop::run_until_told(told, &shutdown, || state.start_draining(), reloader.run(), (vec![public], internal)).await?;
    remove_sockets(&listen);
    tracing::info!("stopped");
    Ok(())
}

/// Keeps the running verification in step with its files.
struct Reloader {
    config: VerifyConfig,
    verification: Verification,
    process: Arc<ProcessMetrics>,
    slots: Vec<TlsSlot>,
    level: LevelHandle,
    watch: Watch,
}

impl Reloader {
    /// Runs for ever; drop it to stop.
    async fn run(mut self) -> Result<Infallible, std::io::Error> {
        let mut files = interval(LOOK_AT_FILES);
        files.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = self.watch.hangup.recv() => {
                    tracing::info!("SIGHUP: reloading configuration and certificates");
                    self.watch.stamps = self.look();
                    self.reload().await;
                }
                _ = files.tick(), if self.config.reload.watch_files => {
                    let seen = self.look();
                    if seen != self.watch.stamps {
                        self.watch.stamps = seen;
                        tracing::info!("files have changed: reloading configuration and certificates");
                        self.reload().await;
                    }
                }
            }
        }
    }

    async fn reload(&mut self) {
        let outcome = if self.reload_config().await { Reload::Done } else { Reload::Failed };
        self.process.reloaded("config", outcome);
        reload_certificates(&mut self.slots, &self.process);
    }

    /// Whether a new configuration is in force.
    async fn reload_config(&mut self) -> bool {
        let config = match VerifyConfig::load(&self.config.file, &environment) {
            Ok(config) => config,
            Err(faults) => {
                tracing::error!(%faults, "the configuration is faulty; the old one stays in force");
                return false;
            }
        };
        if let Err(error) = self.verification.reload(&config.verify).await {
            tracing::error!(%error, "the new [verify] cannot be used; the old one stays in force");
            return false;
        }
        if let Err(error) = self.level.set(&config.log.level) {
            tracing::error!(%error, "log.level stays as it was");
        }
        self.verification.state.access_log.store(config.log.access, Ordering::Relaxed);
        for what in self.config.needs_restart(&config) {
            tracing::warn!(what, "this change takes effect at the next start");
        }
        self.config = config;
        true
    }

    /// The state of every file that matters.
    fn look(&self) -> Stamps {
        look(&files(&self.config, self.slots.iter().map(|slot| &slot.files), self.verification.origins()))
    }
}

fn files<'a>(config: &VerifyConfig, tls: impl Iterator<Item = &'a TlsFiles>, origins: &'a KeyOrigins) -> Vec<PathBuf> {
    std::iter::once(config.file.clone()).chain(certificates_and_trust(tls, Some(origins))).collect()
}
