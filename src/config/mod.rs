//! Floor 5: the configuration. The only place that reads the configuration file and the environment.
//!
//! A configuration is read whole: every fault is found in one go, with its line, and a [`Config`] exists only if there
//! is none. What the settings *do* is decided by those who take them.
//!
//! | file | what lives there |
//! |---|---|
//! | `settings`, `verify_settings`, `registry_settings`, `registry_server_settings` | the settings as plain structures |
//! | `keys` | the one table of keys, with defaults and meanings |
//! | `source` | from a file to what is read of it |
//! | `reader`, `entry` | a cursor over the parsed file, and how single values read |
//! | `token`, `listener`, `proxy_listener`, `service`, `verify`, `registry`, `registry_server` | the tables of the file, each into its settings |
//! | `pop` | what is agreed upon for proof of possession, in whichever table |
//! | `verify_config`, `registry_server_config`, `registry_client_config` | what a process that only verifies, is only a registry, or only publishes needs of the file |
//! | `unknown` | what is written but means nothing |
//! | `files` | the files a configuration refers to |
//! | `template` | the configuration as text: a new file, the reference |
//! | `fault` | what is wrong, and where |
//! | `duration`, `size`, `rate`, `address` | values as they are written in the file |

mod address;
pub mod duration;
mod entry;
mod fault;
mod files;
mod keys;
mod listener;
mod pop;
mod proxy_listener;
mod rate;
mod reader;
mod registry;
mod registry_client_config;
mod registry_server;
mod registry_server_config;
mod registry_server_settings;
#[cfg(test)]
mod registry_server_tests;
mod registry_settings;
#[cfg(test)]
mod registry_tests;
mod secret;
mod service;
mod settings;
mod size;
mod source;
mod store_config;
mod template;
#[cfg(test)]
mod tests;
mod token;
mod unknown;
mod verify;
mod verify_config;
mod verify_settings;
#[cfg(test)]
mod verify_tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::files::FileUse;
use self::reader::{Document, Entry, Origin, Read};
use crate::flow::policy::TokenPolicy;
use crate::value::Pid;

pub use address::ListenAddress;
pub use fault::{Fault, Faults, Place, Position};
pub use rate::{Per, Rate, RateError};
pub use registry_client_config::RegistryClientConfig;
pub use registry_server_config::{RegistryAdminConfig, RegistryServerConfig};
pub use registry_server_settings::{FoldSettings, RegistryServerSettings, SetSettings, WhileFolding};
pub use registry_settings::{MetadataKeyFile, RegistryOrigin, RegistrySettings, RotationSettings};
pub use settings::{
    AuditSettings, BehindProxyListener, CertificateHeader, InternalListener, KeySettings, Limits, Listeners, LogFormat,
    LogSettings, OriginalRequestIn, ProxyListener, ProxySecret, RateLimit, RegistryListener, ReloadSettings,
    ShutdownSettings, StoreSettings, TlsFiles, TlsVersion, TokenListener, VerifyListener, VerifyMode, WorkerSettings,
};
pub use size::{ByteSize, ByteSizeError};
pub use store_config::StoreConfig;
pub use template::TemplateValues;
pub use verify_config::VerifyConfig;
pub use verify_settings::{IssuerOrigin, KeyOrigins, MetadataFiles, VerifySettings};

/// The whole configuration, checked. Its `Debug` shows no secrets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// The participant meant where a request or command names none.
    pub default_participant: Pid,
    /// `[store]`
    pub store: StoreSettings,
    /// `[keys]`
    pub keys: KeySettings,
    /// `[token]`
    pub token: TokenPolicy,
    /// `[participant.PID.token]`, each complete.
    pub participants: BTreeMap<Pid, TokenPolicy>,
    /// `[registry]`
    pub registry: Option<RegistrySettings>,
    /// `[rotation]`
    pub rotation: RotationSettings,
    /// `[verify]`
    pub verify: Option<VerifySettings>,
    /// `[registry_server]`
    pub registry_server: Option<RegistryServerSettings>,
    /// `[listener.*]`
    pub listeners: Listeners,
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

impl Config {
    /// Reads the file. `env` looks up a variable of the environment; the program gives [`environment`].
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let (config, files) = source::load(path, env, read)?;
        Ok(Self { files, ..config })
    }

    /// Reads the text of a file called `file`. Relative paths in it start at `base`.
    ///
    /// Files that hold a passphrase or a secret are read; [`Config::check_files`] looks at all the others.
    pub fn parse(text: &str, file: &Path, base: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let (config, files) = source::parse(Origin { file, text, base, env }, read)?;
        Ok(Self { files, ..config })
    }

    /// What is wrong with the files around the configuration: missing, unreadable, or open to others.
    pub fn check_files(&self) -> Faults {
        files::check(&self.file, &self.files)
    }

    /// Where this key stands in the file, if it names a file and was written.
    pub fn place(&self, key: &str) -> Place {
        files::place(&self.file, &self.files, key)
    }

    /// A new configuration file with every key in it and every line explained.
    pub fn template(values: &TemplateValues) -> String {
        template::template(values)
    }

    /// The reference of all keys in Markdown.
    pub fn reference() -> String {
        template::reference()
    }

    /// The sections of `new` that differ from this configuration and take effect at a start only.
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let differs = [
            ("default_participant", self.default_participant != new.default_participant),
            ("[store]", self.store != new.store),
            ("[keys]", self.keys.directory != new.keys.directory),
            ("[registry]", self.registry != new.registry),
            ("[rotation]", self.rotation != new.rotation),
            ("[verify], written or not,", self.verify.is_some() != new.verify.is_some()),
            ("[registry_server], written or not,", self.registry_server.is_some() != new.registry_server.is_some()),
            ("[listener.*]", self.listeners != new.listeners),
            ("[limits] of times and connections", self.limits.connection_limits() != new.limits.connection_limits()),
            ("[workers]", self.workers != new.workers),
            ("audit.queue", self.audit.queue != new.audit.queue),
            ("log.format", self.log.format != new.log.format),
            ("[reload]", self.reload != new.reload),
            ("[shutdown]", self.shutdown != new.shutdown),
        ];
        let of_registry = match (&self.registry_server, &new.registry_server) {
            (Some(old), Some(new)) => old.needs_restart(new),
            _ => Vec::new(),
        };
        differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).chain(of_registry).collect()
    }

    /// What tokens of this participant look like.
    pub fn token_policy(&self, pid: Pid) -> &TokenPolicy {
        self.participants.get(&pid).unwrap_or(&self.token)
    }
}

/// The environment of this process, for [`Config::load`]. A value that is not Unicode counts as unset.
#[expect(clippy::disallowed_methods, reason = "this is the one place where the environment is read")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn read(document: &Document<'_>) -> Read<Config> {
    let default_participant = document.section("").read("default_participant", Entry::participant_id);
    let (store, keys) = (service::read_store(document), service::read_keys(document));
    let (token, participants) = (token::read_default(document), token::read_participants(document));
    let registry = registry::read(document);
    let origin =
        registry.as_ref().map(|registry| registry.as_ref().map(RegistrySettings::origin)).map_err(|known| *known);
    let (verify, registry_server) = (verify::read(document, origin), registry_server::read(document));
    let rotation = registry::read_rotation(document, registry.as_ref().ok().and_then(Option::as_ref));
    let listeners = listener::read(document);
    let (limits, workers) = (service::read_limits(document), service::read_workers(document));
    let (audit, log) = (service::read_audit(document), service::read_log(document));
    let (reload, shutdown) = (service::read_reload(document), service::read_shutdown(document));
    Ok(Config {
        file: document.origin.file.to_owned(),
        default_participant: default_participant?,
        store: store?,
        keys: keys?,
        token: token?,
        participants: participants?,
        registry: registry?,
        rotation: rotation?,
        verify: verify?,
        registry_server: registry_server?,
        listeners: listeners?,
        limits: limits?,
        workers: workers?,
        audit: audit?,
        log: log?,
        reload: reload?,
        shutdown: shutdown?,
        files: Vec::new(),
    })
}
