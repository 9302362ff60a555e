//! [`Room`]: what the verbs of the administering body work with.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::super::error::CliError;
use super::super::input;
use super::super::session::{Global, change, randomness};
use crate::config::{RegistryAdminConfig, environment};
use crate::flow::register::{AnchorRoom, Limits, Register};
use crate::store::key_files::KeyFiles;
use crate::store::{Change, Store};
use crate::value::Pid;

/// The register, open.
pub(super) struct Room {
    pub(super) register: Register,
    pub(super) anchors: AnchorRoom,
    /// The pid of the administering body.
    pub(super) authid: Pid,
    pub(super) change: Change,
}

impl Room {
    pub(super) async fn open(global: &Global) -> Result<Self, CliError> {
        let config = config(global)?;
        let store = global.open_store(&config.store.path).await?;
        Ok(Self::new(&config, store))
    }

    /// The same, where there may be no store yet: it is made.
    pub(super) async fn open_or_make(global: &Global) -> Result<Self, CliError> {
        let config = config(global)?;
        let path = &config.store.path;
        if !path.exists() {
            Store::create(path).await.map_err(|error| CliError::from(error).at(path))?.close().await;
        }
        let store = global.open_store(path).await?;
        Ok(Self::new(&config, store))
    }

    fn new(config: &RegistryAdminConfig, store: Store) -> Self {
        let anchors = AnchorRoom {
            files: KeyFiles::new(config.registry.anchors.clone()),
            passphrase: config.registry.passphrase.clone(),
            rng: Arc::new(randomness()),
        };
        let register = Register::new(store, Limits::DEFAULT);
        Self { register, anchors, authid: config.registry.authid, change: change() }
    }
}

fn config(global: &Global) -> Result<RegistryAdminConfig, CliError> {
    Ok(RegistryAdminConfig::load(&global.config_file(), &environment)?)
}

/// The file, or standard input if it is `-`.
pub(super) fn read(path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>, CliError> {
    if path == Path::new("-") {
        return Ok(Zeroizing::new(input::from_stdin(what)?.into_bytes()));
    }
    input::read(path)
}
