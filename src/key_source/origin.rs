//! [`Origin`]: one place where keys come from, and how it is read. Whether what it holds is put in force is decided elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, spawn_blocking};

use super::content::{Content, ContentError, Meaning};
use super::fetch::UrlReader;
use super::file::FileError;
use super::gate::Gate;
use super::schedule::{Last, Schedule};
use super::watch::{FileReader, LOOK_AT_FILES, Look, LookError};
use crate::https::FetchError;
use crate::protocol::metadata::{SetHeader, TrustAnchors};
use crate::value::{Pid, Timestamp};

/// One origin, as requests and its reader share it.
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) kind: OriginKind,
    /// Whose keys it is to give, where that is known before it is read.
    pub(super) issuer: Option<Pid>,
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
    /// A file with the signed metadata set.
    MetadataFile,
}

/// Reads an origin.
pub(super) struct Reader {
    place: Place,
    meaning: Meaning,
    /// The header of the set that was read last.
    header: Option<SetHeader>,
    failures: u32,
    round: u64,
}

/// Where the bytes are.
enum Place {
    File(FileReader),
    Url { url: Box<UrlReader>, schedule: Schedule, max_age: Option<Duration> },
}

/// What a reading brought.
pub(super) enum News {
    /// What is in force already.
    Same,
    /// Something else.
    Content(Content),
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
    /// What it holds.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// It holds what was refused before.
    #[error("it holds what was refused before")]
    RefusedBefore,
    /// It speaks for an issuer for whom another origin speaks. Its other keys are in force.
    #[error("another origin has the keys of participant {0}, which stay in force: name one origin for each issuer")]
    Contested(Pid),
    /// Its set is past its end.
    #[error("its set ended at {0} and must not be used any more: every token is refused until there is a newer set")]
    Ended(Timestamp),
    /// The reading was given up.
    #[error("it could not be read: {0}")]
    GivenUp(#[from] JoinError),
}

impl Origin {
    pub(super) fn jwks_file(pid: Pid, path: PathBuf) -> Self {
        Self::file(OriginKind::JwksFile, path, Meaning::Jwks(pid))
    }

    pub(super) fn metadata_file(path: PathBuf, anchors: Arc<TrustAnchors>) -> Self {
        Self::file(OriginKind::MetadataFile, path, Meaning::Metadata { anchors, held: None })
    }

    pub(super) fn jwks_url(pid: Pid, url: UrlReader, schedule: Schedule) -> Self {
        let (name, rest) = (url.name(), schedule.cool_down);
        let place = Place::Url { url: Box::new(url), schedule, max_age: None };
        Self::new(OriginKind::JwksUrl, name, rest, Reader::new(place, Meaning::Jwks(pid)))
    }

    fn file(kind: OriginKind, path: PathBuf, meaning: Meaning) -> Self {
        let file = FileReader::new(path, meaning.max_bytes());
        Self::new(kind, file.name(), LOOK_AT_FILES, Reader::new(Place::File(file), meaning))
    }

    fn new(kind: OriginKind, name: String, rest: Duration, reader: Reader) -> Self {
        let issuer = match reader.meaning {
            Meaning::Jwks(pid) => Some(pid),
            Meaning::Metadata { .. } => None,
        };
        Self { name, kind, issuer, gate: Gate::new(rest), reader: tokio::sync::Mutex::new(reader) }
    }
}

impl OriginKind {
    /// Whether it may be out of reach without anybody here having made a mistake.
    pub(super) const fn is_remote(self) -> bool {
        matches!(self, Self::JwksUrl)
    }
}

impl OriginError {
    /// Whether what the origin holds is in force all the same.
    pub(super) const fn is_in_force(&self) -> bool {
        matches!(self, Self::Contested(_) | Self::Ended(_))
    }
}

impl Reader {
    const fn new(place: Place, meaning: Meaning) -> Self {
        Self { place, meaning, header: None, failures: 0, round: 0 }
    }

    /// What the origin holds now.
    pub(super) async fn read(&mut self, now: Timestamp) -> Result<News, OriginError> {
        let bytes = match &mut self.place {
            Place::File(file) => match file.look().await? {
                Look::Accepted => return Ok(News::Same),
                Look::Refused => return Err(OriginError::RefusedBefore),
                Look::New(bytes) => bytes,
            },
            Place::Url { url, max_age, .. } => {
                let fetched = url.fetch().await?;
                *max_age = fetched.max_age;
                let Some(body) = fetched.body else { return Ok(News::Same) };
                body
            }
        };
        // A large set takes a while to check, and requests must not wait for it.
        let meaning = self.meaning.clone();
        let content = spawn_blocking(move || meaning.read(&bytes, now)).await??;
        self.header.clone_from(&content.header);
        Ok(News::Content(content))
    }

    /// How the reading ended: whether what it brought is in force now.
    pub(super) fn settled(&mut self, in_force: bool) {
        self.round = self.round.wrapping_add(1);
        self.failures = if in_force { 0 } else { self.failures.saturating_add(1) };
        let header = self.header.take().filter(|_| in_force);
        if let Some(header) = header {
            self.meaning.hold(header);
        }
        match &mut self.place {
            Place::File(file) if in_force => file.accept(),
            Place::File(file) => file.refuse(),
            Place::Url { url, .. } if in_force => url.accept(),
            Place::Url { .. } => {}
        }
    }

    /// How long to wait before the next reading.
    pub(super) fn pause(&self) -> Duration {
        match &self.place {
            Place::File(_) => LOOK_AT_FILES,
            Place::Url { schedule, max_age, .. } => {
                let last = match self.failures {
                    0 => Last::Worked { max_age: *max_age },
                    times => Last::Failed { times },
                };
                schedule.pause(last, self.round)
            }
        }
    }
}

impl From<LookError> for OriginError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::File(error) => Self::File(error),
            LookError::GivenUp(error) => Self::GivenUp(error),
        }
    }
}
