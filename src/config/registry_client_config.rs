//! [`RegistryClientConfig`]: what publishing from the command line needs of the configuration. Neither listeners nor their
//! certificates have to be there.

use std::path::Path;

use super::fault::Faults;
use super::reader::{Document, Entry, Read};
use super::registry_settings::RegistrySettings;
use super::settings::{KeySettings, StoreSettings};
use super::{registry, service, source};
use crate::value::Pid;

/// The configuration of whoever publishes, checked.
#[derive(Debug, Clone)]
pub struct RegistryClientConfig {
    /// The participant meant where a command names none.
    pub default_participant: Pid,
    /// `[store]`
    pub store: StoreSettings,
    /// `[keys]`
    pub keys: KeySettings,
    /// `[registry]`
    pub registry: RegistrySettings,
}

impl RegistryClientConfig {
    /// Reads these tables from the file, and nothing else. `env` looks up a variable of the environment.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        source::load(path, env, read).map(|(config, _)| config)
    }
}

fn read(document: &Document<'_>) -> Read<RegistryClientConfig> {
    let default_participant = document.section("").read("default_participant", Entry::participant_id);
    let (store, keys) = (service::read_store(document), service::read_keys(document));
    let Some(registry) = registry::read(document)? else {
        let remedy = "write one with url and trust, and a table [registry.participant.PID]";
        return Err(document.fault_of_whole("has no table [registry]", remedy));
    };
    Ok(RegistryClientConfig { default_participant: default_participant?, store: store?, keys: keys?, registry })
}
