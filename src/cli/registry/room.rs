//! [`Room`]: what the verbs work with, and how they say what came of a change.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::super::error::CliError;
use super::super::input;
use super::super::output::{Answer, printable};
use super::super::session::{Global, change, randomness};
use crate::app::{UptimeClock, publisher};
use crate::config::{RegistryClientConfig, environment};
use crate::flow::publish::{Published, Publisher, Withdrawn};
use crate::protocol::metadata::WhySkipped;
use crate::registry_client::{RegistryClient, World};
use crate::store::{AuditResult, AuditRow, Conflict, KeyNews, Store, StoreError};
use crate::value::{Kid, Pid, SteadyClock as _, SystemClock};

/// What the verbs work with.
pub(super) struct Room {
    pub(super) config: RegistryClientConfig,
    pub(super) pid: Pid,
    pub(super) publisher: Publisher,
}

/// Something at the registry, in words: `authtoken key 34:1`.
pub(super) struct Thing {
    pub(super) name: String,
    pub(super) kid: Option<Kid>,
    /// What the store is to note of a key of its own.
    pub(super) news: Option<(Kid, KeyNews)>,
}

/// What was done with it.
#[derive(Clone, Copy)]
pub(super) enum Done {
    Published,
    Replaced,
    Withdrawn,
}

/// The configuration and the participant that is meant.
pub(super) fn configured(global: &Global) -> Result<(RegistryClientConfig, Pid), CliError> {
    let config = RegistryClientConfig::load(&global.config_file(), &environment)?;
    let pid = global.pid.unwrap_or(config.default_participant);
    Ok((config, pid))
}

impl Room {
    pub(super) fn open(global: &Global) -> Result<Self, CliError> {
        let (config, pid) = configured(global)?;
        let world = World { clock: Arc::new(SystemClock), rng: Arc::new(randomness()) };
        let publisher = publisher(&config.registry, pid, config.keys.passphrase.as_ref(), world)?;
        Ok(Self { config, pid, publisher })
    }

    /// For reading.
    pub(super) const fn client(&self) -> &RegistryClient {
        self.publisher.client()
    }

    /// Says that something is there now, and records it if it was not before.
    pub(super) async fn published(
        &self,
        global: &Global,
        thing: &Thing,
        (done, published): (Done, Published),
    ) -> Result<Answer, CliError> {
        let name = &thing.name;
        let (text, result) = match published {
            Published::AlreadyThere => (format!("{name} is at the registry already, unchanged"), "already_there"),
            Published::Now => (format!("{} {name}", done.as_str()), done.as_str()),
        };
        self.say(global, thing, (published == Published::Now).then_some(done), (text, result)).await
    }

    /// Says that something is not there any more, and records it if it was.
    pub(super) async fn withdrawn(
        &self,
        global: &Global,
        thing: &Thing,
        withdrawn: Withdrawn,
    ) -> Result<Answer, CliError> {
        let name = &thing.name;
        match withdrawn {
            Withdrawn::AlreadyGone => {
                let text = format!("{name} is not at the registry, nothing had to be done");
                self.say(global, thing, None, (text, "already_gone")).await
            }
            Withdrawn::Now => {
                let text = format!("withdrawn {name}");
                self.say(global, thing, Some(Done::Withdrawn), (text, "withdrawn")).await
            }
        }
    }

    async fn say(
        &self,
        global: &Global,
        thing: &Thing,
        done: Option<Done>,
        (text, result): (String, &str),
    ) -> Result<Answer, CliError> {
        let view = json!({ "pid": self.pid, "thing": thing.name, "kid": thing.kid, "result": result });
        let answer = Answer::new(printable(&text), &view)?;
        // What was done at the registry is done, whatever becomes of the row.
        Ok(match self.record(global, thing, done).await {
            Ok(()) => answer,
            Err(error) => answer.note(format!("it was done, but the store does not know of it: {error}")),
        })
    }

    /// Where there is a store, it learns what was changed at the registry: of a key of its own in that key's row, of
    /// everything else in the audit trail.
    async fn record(&self, global: &Global, thing: &Thing, done: Option<Done>) -> Result<(), StoreError> {
        if done.is_none() && thing.news.is_none() {
            return Ok(());
        }
        let store = match self.store(global).await {
            Ok(store) => store,
            Err(StoreError::Missing(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let change = change();
        if let Some((kid, news)) = &thing.news {
            let steady = UptimeClock::new(format!("cli {} {}", std::process::id(), change.at)).read();
            return match store.note_key(self.pid, kid, *news, (&steady, &change)).await {
                // A running service noted it first.
                Ok(_) | Err(StoreError::Conflict(Conflict::StepTaken { .. })) => Ok(()),
                Err(error) => Err(error),
            };
        }
        let Some(done) = done else { return Ok(()) };
        let row = AuditRow::new(change.at, change.actor, done.action(), AuditResult::Done);
        let detail = Some(thing.name.as_str().into());
        store.record(AuditRow { pid: Some(self.pid), kid: thing.kid.clone(), detail, ..row }).await
    }

    /// The store of this configuration.
    pub(super) async fn store(&self, global: &Global) -> Result<Store, StoreError> {
        global.open_store(&self.config.store.path).await
    }
}

impl Thing {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), kid: None, news: None }
    }

    pub(super) fn key(list: &str, kid: &Kid) -> Self {
        Self { name: format!("{list} {kid}"), kid: Some(kid.clone()), news: None }
    }
}

impl Done {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Replaced => "replaced",
            Self::Withdrawn => "withdrawn",
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::Published => "metadata.publish",
            Self::Replaced => "metadata.replace",
            Self::Withdrawn => "metadata.withdraw",
        }
    }
}

/// A file, or standard input if it is `-`.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    if path != Path::new("-") {
        return input::read(path);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let most = u64::try_from(crate::protocol::registry::body::MAX_REQUEST_BYTES).unwrap_or(u64::MAX) + 1;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|error| CliError::new(format!("standard input: {error}")))?;
    Ok(bytes)
}

/// What the registry has and this program does not understand, one note each.
pub(super) fn notes(skipped: &[WhySkipped]) -> Vec<String> {
    skipped.iter().map(|why| format!("one entry is not shown: {}", printable(&why.to_string()))).collect()
}

/// A thing as JSON.
pub(super) fn as_json(thing: &impl serde::Serialize) -> Result<Value, CliError> {
    Ok(serde_json::to_value(thing)?)
}
