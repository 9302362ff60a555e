//! [`RegistryServerConfig`]: what a process that is only a registry needs of the configuration. It reads the same file as
//! the token service, and of it only the tables that concern it.

use std::path::{Path, PathBuf};

use super::fault::{Faults, Place};
use super::files::{self, FileUse};
use super::reader::{Document, Read};
use super::registry_server_settings::RegistryServerSettings;
use super::settings::{
    AuditSettings, InternalListener, Limits, LogSettings, RegistryListener, ReloadSettings, ShutdownSettings,
    StoreSettings, WorkerSettings,
};
use super::{listener, registry_server, service, source};

/// The configuration of `bob-auth registry-server`, checked.
#[derive(Debug, Clone)]
pub struct RegistryServerConfig {
    /// The file it was read from.
    pub file: PathBuf,
    /// `[store]`
    pub store: StoreSettings,
    /// `[registry_server]`
    pub registry: RegistryServerSettings,
    /// `[listener.registry]`
    pub listener: RegistryListener,
    /// `[listener.internal]`
    pub internal: Option<InternalListener>,
    /// `[limits]`
    pub limits: Limits,
    /// `[workers]`
    pub workers: WorkerSettings,
    /// `[audit]`
    pub audit: AuditSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[reload]`
    pub reload: ReloadSettings,
    /// `[shutdown]`
    pub shutdown: ShutdownSettings,
    files: Vec<FileUse>,
}

/// What administering a registry needs of the configuration: neither listeners nor their certificates.
#[derive(Debug, Clone)]
pub struct RegistryAdminConfig {
    /// `[store]`
    pub store: StoreSettings,
    /// `[registry_server]`
    pub registry: RegistryServerSettings,
}

impl RegistryServerConfig {
    /// Reads the file. `env` looks up a variable of the environment. What stands in other tables is not read; only that
    /// they have no unknown keys is made sure of.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let (config, files) = source::load(path, env, read)?;
        Ok(Self { files, ..config })
    }

    /// What is wrong with the files that these tables refer to: missing, unreadable, or open to others.
    pub fn check_files(&self) -> Faults {
        files::check(&self.file, &self.files)
    }

    /// Where this key stands in the file, if it names a file and was written.
    pub fn place(&self, key: &str) -> Place {
        files::place(&self.file, &self.files, key)
    }

    /// The sections of `new` that differ from this configuration and take effect at a start only.
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let differs = [
            ("[store]", self.store != new.store),
            ("[listener.*]", self.listener != new.listener || self.internal != new.internal),
            ("[limits] of times and connections", self.limits.connection_limits() != new.limits.connection_limits()),
            ("[workers]", self.workers != new.workers),
            ("audit.queue", self.audit.queue != new.audit.queue),
            ("log.format", self.log.format != new.log.format),
            ("[reload]", self.reload != new.reload),
            ("[shutdown]", self.shutdown != new.shutdown),
        ];
        let of_registry = self.registry.needs_restart(&new.registry);
        differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).chain(of_registry).collect()
    }
}

impl RegistryServerSettings {
    /// The keys of `new` that differ and take effect at a start only.
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let differs = [
            ("registry_server.authid", self.authid != new.authid),
            ("registry_server.anchors", self.anchors != new.anchors),
            ("registry_server.proofs", self.proofs != new.proofs),
            ("registry_server.body_bytes", self.body_bytes != new.body_bytes),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
    }
}

impl RegistryAdminConfig {
    /// Reads `[store]` and `[registry_server]` from the file, and nothing else.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        source::load(path, env, read_for_admin).map(|(config, _)| config)
    }
}

fn read_for_admin(document: &Document<'_>) -> Read<RegistryAdminConfig> {
    let (store, registry) = (service::read_store(document), registry_server::read_required(document));
    Ok(RegistryAdminConfig { store: store?, registry: registry? })
}

fn read(document: &Document<'_>) -> Read<RegistryServerConfig> {
    let (store, registry) = (service::read_store(document), registry_server::read_required(document));
    let registry = registry?;
    let listeners = listener::read_for_registry(document);
    let (limits, workers) = (service::read_limits(document), service::read_workers(document));
    let (audit, log) = (service::read_audit(document), service::read_log(document));
    let (reload, shutdown) = (service::read_reload(document), service::read_shutdown(document));
    let (listener, internal) = listeners?;
    Ok(RegistryServerConfig {
        file: document.origin.file.to_owned(),
        store: store?,
        registry,
        listener,
        internal,
        limits: limits?,
        workers: workers?,
        audit: audit?,
        log: log?,
        reload: reload?,
        shutdown: shutdown?,
        files: Vec::new(),
    })
}
