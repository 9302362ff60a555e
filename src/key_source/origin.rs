//! [`Origin`]: one place where keys come from: how it is read, and what its bytes mean. Whether they are put in force is
//! decided elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::fetch::{FetchError, UrlReader};
use super::file::{self, FileError, Stamp};
use super::gate::Gate;
use super::schedule::{Last, Schedule};
use crate::protocol::jwk::{JwkError, JwkSet, SkippedKey};
use crate::protocol::key_set::{KeySet, KeySetError};
use crate::value::Pid;

/// One origin, as requests and its reader share it.
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) kind: OriginKind,
    pub(super) gate: Gate,
    pub(super) reader: tokio::sync::Mutex<Reader>,
}

/// What an origin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginKind {
    /// A file with the JWK set of one participant.
    JwksFile,
    /// A URL with the JWK set of one participant.
    JwksUrl,
}

/// Reads an origin.
pub(super) struct Reader {
    place: Place,
    meaning: Meaning,
    /// When to read it next, and how it went so far.
    schedule: Schedule,
    max_age: Option<Duration>,
    failures: u32,
    round: u64,
}

/// Where the bytes are.
enum Place {
    /// And the state of the file whose keys were accepted last.
    File {
        path: PathBuf,
        seen: Option<Stamp>,
        accepted: Option<Stamp>,
    },
    Url(Box<UrlReader>),
}

/// What the bytes are.
enum Meaning {
    Jwks(Pid),
}

/// What an origin holds.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) set: KeySet,
    pub(super) left_out: Vec<SkippedKey>,
}

/// What is wrong with an origin.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// Its file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The way to its URL.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It holds no JWK set.
    #[error(transparent)]
    Jwks(#[from] JwkError),
    /// Its keys do not go with those of the other origins.
    #[error(transparent)]
    Set(#[from] KeySetError),
    /// The reading was given up.
    #[error("it could not be read: {0}")]
    GivenUp(#[from] tokio::task::JoinError),
}

/// How often files are looked at, and at most when somebody asks.
pub(super) const LOOK_AT_FILES: Duration = Duration::from_secs(1);

impl Origin {
    pub(super) fn jwks_file(pid: Pid, path: &Path, schedule: Schedule) -> Self {
        let place = Place::File { path: path.to_owned(), seen: None, accepted: None };
        let gate = Gate::new(LOOK_AT_FILES);
        Self::new((OriginKind::JwksFile, path.display().to_string()), gate, Reader::new(place, pid, schedule))
    }

    pub(super) fn jwks_url(pid: Pid, url: UrlReader, schedule: Schedule) -> Self {
        let name = url.name();
        let gate = Gate::new(schedule.cool_down);
        Self::new((OriginKind::JwksUrl, name), gate, Reader::new(Place::Url(Box::new(url)), pid, schedule))
    }

    fn new((kind, name): (OriginKind, String), gate: Gate, reader: Reader) -> Self {
        Self { name, kind, gate, reader: tokio::sync::Mutex::new(reader) }
    }
}

impl OriginKind {
    /// Whether it may be out of reach without anybody here having made a mistake.
    pub(super) const fn is_remote(self) -> bool {
        matches!(self, Self::JwksUrl)
    }
}

impl Reader {
    const fn new(place: Place, pid: Pid, schedule: Schedule) -> Self {
        Self { place, meaning: Meaning::Jwks(pid), schedule, max_age: None, failures: 0, round: 0 }
    }

    /// What the origin holds now; `None` if that was accepted already.
    pub(super) async fn read(&mut self) -> Result<Option<Content>, OriginError> {
        let bytes = match &mut self.place {
            Place::File { path, seen, accepted } => {
                let (path, known) = (path.clone(), *accepted);
                let news = spawn_blocking(move || read_if_changed(&path, known)).await??;
                *seen = news.as_ref().map_or(*accepted, |(_, stamp)| Some(*stamp));
                news.map(|(bytes, _)| bytes)
            }
            Place::Url(url) => {
                let fetched = url.fetch().await?;
                self.max_age = fetched.max_age;
                fetched.body
            }
        };
        bytes.map(|bytes| self.meaning.of(&bytes)).transpose()
    }

    /// How the reading ended: whether its content is in force now.
    pub(super) fn settled(&mut self, accepted: bool) {
        self.round = self.round.wrapping_add(1);
        self.failures = if accepted { 0 } else { self.failures.saturating_add(1) };
        match &mut self.place {
            Place::File { seen, accepted: state, .. } if accepted => *state = *seen,
            Place::Url(url) if accepted => url.accept(),
            _ => {}
        }
    }

    /// How long to wait before the next reading.
    pub(super) fn pause(&self) -> Duration {
        let last = match self.failures {
            0 => Last::Worked { max_age: self.max_age },
            times => Last::Failed { times },
        };
        match self.place {
            Place::File { .. } => LOOK_AT_FILES,
            Place::Url(_) => self.schedule.pause(last, self.round),
        }
    }
}

fn read_if_changed(path: &Path, known: Option<Stamp>) -> Result<Option<(Vec<u8>, Stamp)>, FileError> {
    if known.is_some() && Stamp::look(path) == known {
        return Ok(None);
    }
    file::read(path).map(Some)
}

impl Meaning {
    fn of(&self, bytes: &[u8]) -> Result<Content, OriginError> {
        let Self::Jwks(pid) = self;
        let JwkSet { keys, skipped } = JwkSet::parse(bytes)?;
        let mut set = KeySet::new();
        set.add(*pid, keys)?;
        Ok(Content { set, left_out: skipped })
    }
}
