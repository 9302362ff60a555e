//! [`VerifyConfig`]: what a process that only verifies needs of the configuration. It reads the same file as the whole
//! service, and of it only the tables that concern it: neither store nor signing keys need to be there.

use std::path::{Path, PathBuf};

use super::fault::{Faults, Place};
use super::files::{self, FileUse};
use super::reader::{Document, Read};
use super::registry_settings::RegistryOrigin;
use super::settings::{
    InternalListener, Limits, LogSettings, ReloadSettings, ShutdownSettings, VerifyListener, WorkerSettings,
};
use super::verify_settings::VerifySettings;
use super::{listener, registry, service, source, verify};

/// The configuration of `bob-auth verify-server`, checked.
#[derive(Debug, Clone)]
pub struct VerifyConfig {
    /// The file it was read from.
    pub file: PathBuf,
    /// `[verify]`
    pub verify: VerifySettings,
    /// `[listener.verify]`
    pub listener: VerifyListener,
    /// `[listener.internal]`
    pub internal: Option<InternalListener>,
    /// `[limits]`
    pub limits: Limits,
    /// `[workers]`
    pub workers: WorkerSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[reload]`
    pub reload: ReloadSettings,
    /// `[shutdown]`
    pub shutdown: ShutdownSettings,
    files: Vec<FileUse>,
}

impl VerifyConfig {
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
            ("[listener.*]", self.listener != new.listener || self.internal != new.internal),
            ("[limits] of times and connections", self.limits.connection_limits() != new.limits.connection_limits()),
            ("[workers]", self.workers != new.workers),
            ("log.format", self.log.format != new.log.format),
            ("[reload]", self.reload != new.reload),
            ("[shutdown]", self.shutdown != new.shutdown),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
    }
}

impl VerifySettings {
    /// Reads `[verify]` and the tables below it from the file, and nothing else.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        source::load(path, env, verify::read_required).map(|(settings, _)| settings)
    }
}

impl RegistryOrigin {
    /// Reads `[registry]` from the file, as far as its set is concerned, and nothing else.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let read = |document: &Document<'_>| {
            let missing = || document.fault_of_whole("has no table [registry]", "write one with url and trust");
            registry::read_origin(document)?.ok_or_else(missing)
        };
        source::load(path, env, read).map(|(origin, _)| origin)
    }
}

fn read(document: &Document<'_>) -> Read<VerifyConfig> {
    let verify = verify::read_required(document);
    let listeners = listener::read_for_verification(document);
    let (limits, workers) = (service::read_limits(document), service::read_workers(document));
    let (log, reload) = (service::read_log(document), service::read_reload(document));
    let shutdown = service::read_shutdown(document);
    let (listener, internal) = listeners?;
    Ok(VerifyConfig {
        file: document.origin.file.to_owned(),
        verify: verify?,
        listener,
        internal,
        limits: limits?,
        workers: workers?,
        log: log?,
        reload: reload?,
        shutdown: shutdown?,
        files: Vec::new(),
    })
}
