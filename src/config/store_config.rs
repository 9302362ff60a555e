//! [`StoreConfig`]: what those need of the configuration who only look into the store.

use std::path::Path;

use super::fault::Faults;
use super::reader::{Document, Read};
use super::settings::StoreSettings;
use super::{service, source};

/// Where the store is.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// `[store]`
    pub store: StoreSettings,
}

impl StoreConfig {
    /// Reads `[store]` from the file, and nothing else.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        source::load(path, env, read).map(|(config, _)| config)
    }
}

fn read(document: &Document<'_>) -> Read<StoreConfig> {
    Ok(StoreConfig { store: service::read_store(document)? })
}
