//! Floor 5: the configuration. The only place that reads the configuration file and the environment.
//!
//! A configuration is read whole: every fault is found in one go, with its line, and a [`Config`] exists only if there
//! is none. What the settings *do* is decided by those who take them.
//!
//! | file | what lives there |
//! |---|---|
//! | `settings` | the settings as plain structures |
//! | `fault` | what is wrong, and where |
//! | `duration`, `size`, `rate`, `address` | values as they are written in the file |

mod address;
pub mod duration;
mod fault;
mod rate;
mod settings;
mod size;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::value::Pid;

pub use address::{ListenAddress, TrustedPeers};
pub use fault::{Fault, Faults, Place, Position};
pub use rate::{Per, Rate, RateError};
pub use settings::{
    Audience, AuditSettings, CertificateBinding, CertificateDialect, CertificateHeader, ExpiredCertificates, HokCase,
    InternalListener, KeySettings, Limits, Listeners, LogFormat, LogSettings, ProxyListener, ProxySecret, RateLimit,
    ReloadSettings, ShutdownSettings, StoreSettings, TlsFiles, TlsVersion, TokenListener, TokenPolicy, WorkerSettings,
};
pub use size::{ByteSize, ByteSizeError};

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
}

impl Config {
    /// Reads the file. `env` looks up a variable of the environment.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let _ = (path, env);
        Err(Faults::default())
    }

    /// What tokens of this participant look like.
    pub fn token_policy(&self, pid: Pid) -> &TokenPolicy {
        self.participants.get(&pid).unwrap_or(&self.token)
    }
}
