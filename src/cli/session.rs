//! [`Global`] options, and the [`Session`] that most commands run in: configuration, store, participant, clock, actor.

use std::cell::OnceCell;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use ring::rand::SystemRandom;

use super::error::CliError;
use super::output::Format;
use crate::config::{Config, environment};
use crate::flow::new_key::KeyRoom;
use crate::store::key_files::KeyFiles;
use crate::store::{Access, Change, Store, StoreError};
use crate::value::{Clock as _, Pid, SystemClock, Timestamp};

/// Options that every verb takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// The configuration file
    #[arg(
        long,
        global = true,
        help_heading = "Options of every command",
        value_name = "FILE",
        help = "The configuration file [default: $BOB_AUTH_CONFIG, else config.toml, else /etc/bob-auth/config.toml]"
    )]
    config: Option<PathBuf>,
    /// In which form to answer
    #[arg(
        long,
        global = true,
        help_heading = "Options of every command",
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    pub(super) output: Format,
    /// Which participant is meant
    #[arg(
        long,
        global = true,
        help_heading = "Options of every command",
        value_name = "PID",
        help = "Which participant is meant [default: the configuration's default_participant]"
    )]
    pub(super) pid: Option<Pid>,
    /// The store, once it is open.
    #[arg(skip)]
    opened: OnceCell<Store>,
    /// Where it is, once that is known.
    #[arg(skip)]
    store_path: OnceCell<PathBuf>,
}

/// What a command works with.
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) pid: Pid,
    pub(super) files: KeyFiles,
    pub(super) change: Change,
    pub(super) rng: SystemRandom,
}

impl Global {
    /// The configuration file that is meant.
    pub(super) fn config_file(&self) -> PathBuf {
        let from_environment = || environment("BOB_AUTH_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        self.config
            .clone()
            .or_else(from_environment)
            .unwrap_or_else(|| customary_file(owner, rustix::process::geteuid().as_raw()).into())
    }

    /// The configuration.
    pub(super) fn load_config(&self) -> Result<Config, CliError> {
        Ok(Config::load(&self.config_file(), &environment)?)
    }

    /// Opens the store in this file, once; it is closed when the command ends.
    pub(super) async fn open_store(&self, path: &Path) -> Result<Store, StoreError> {
        if let Some(store) = self.opened.get() {
            return Ok(store.clone());
        }
        // Also a store that cannot be written: whoever reads needs no more, and a change says for itself that it failed.
        let _ = self.store_path.set(path.to_owned());
        let store = Store::open(path, Access::Service).await?;
        let _ = self.opened.set(store.clone());
        Ok(store)
    }

    /// The path of the store, if the command came as far as that.
    pub(super) fn store_path(&self) -> Option<&Path> {
        self.store_path.get().map(PathBuf::as_path)
    }

    /// Closes the store if it was opened, so that its log is written back and the file can be used by itself.
    pub(super) async fn close(&self) {
        if let Some(store) = self.opened.get() {
            store.close().await;
        }
    }
}

impl Session {
    /// Opens it for a participant that exists.
    pub(super) async fn open(global: &Global) -> Result<Self, CliError> {
        let session = Self::open_for_any(global).await?;
        session.store.participant(session.pid).await?;
        Ok(session)
    }

    /// Opens it without asking whether the participant exists.
    pub(super) async fn open_for_any(global: &Global) -> Result<Self, CliError> {
        let config = global.load_config()?;
        let store = global.open_store(&config.store.path).await?;
        Ok(Self {
            pid: global.pid.unwrap_or(config.default_participant),
            files: KeyFiles::new(config.keys.directory.clone()),
            store,
            config,
            change: change(),
            rng: randomness(),
        })
    }

    /// The time of this command.
    pub(super) const fn now(&self) -> Timestamp {
        self.change.at
    }

    /// When the last token ends that could be issued now.
    pub(super) fn last_exp(&self) -> Timestamp {
        self.now().plus_seconds(self.config.token_policy(self.pid).max_lifetime.as_seconds().into())
    }

    /// Where keys are made.
    pub(super) fn key_room(&self) -> KeyRoom<'_> {
        KeyRoom {
            store: &self.store,
            files: &self.files,
            passphrase: self.config.keys.passphrase.as_ref(),
            rng: &self.rng,
        }
    }
}

const HERE: &str = "config.toml";
const OF_THE_MACHINE: &str = "/etc/bob-auth/config.toml";

/// The configuration that is meant when nobody names one: that of the directory one is in, else that of the machine. Where
/// there are both, a file that a stranger put here does not count: an administrator may stand in /tmp.
fn customary_file(owner: impl Fn(&Path) -> Option<u32>, user: u32) -> &'static str {
    let is_mine = |owner| owner == user || owner == 0;
    match (owner(HERE.as_ref()), owner(OF_THE_MACHINE.as_ref())) {
        (Some(here), Some(_)) if !is_mine(here) => OF_THE_MACHINE,
        (None, Some(_)) => OF_THE_MACHINE,
        _ => HERE,
    }
}

fn owner(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|metadata| metadata.uid())
}

/// The change that this command makes: now, by the user of the system; behind sudo, by who called it.
pub(super) fn change() -> Change {
    let name = |variable| environment(variable).filter(|name| fits_the_audit_trail(name));
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(name);
    let user = user.unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    Change { at: SystemClock.now(), actor: format!("cli:{user}") }
}

/// The randomness of the system.
#[expect(clippy::disallowed_methods, reason = "the command line is an edge: here randomness enters")]
pub(super) fn randomness() -> SystemRandom {
    SystemRandom::new()
}

/// A name from the environment is anybody's word: nothing in it may look like another line.
fn fits_the_audit_trail(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_the_directory_goes_before_that_of_the_machine() {
        let chosen = |here: Option<u32>, of_the_machine: Option<u32>| {
            customary_file(move |path| if path == Path::new(HERE) { here } else { of_the_machine }, 1000)
        };
        for mine in [Some(1000), Some(0)] {
            assert_eq!(chosen(mine, Some(998)), HERE);
        }
        assert_eq!(chosen(Some(1001), Some(998)), OF_THE_MACHINE);
        assert_eq!(chosen(None, Some(998)), OF_THE_MACHINE);
        assert_eq!(chosen(Some(1001), None), HERE);
        // What is missed then is the one that people expect.
        assert_eq!(chosen(None, None), HERE);
    }

    #[test]
    fn the_actor_is_a_name_of_one_word() {
        assert!(fits_the_audit_trail("karin"));
        for name in ["", "a b", "a\nb", &"x".repeat(65)] {
            assert!(!fits_the_audit_trail(name), "{name:?}");
        }
    }
}
