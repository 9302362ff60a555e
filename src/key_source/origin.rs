//! [`Origin`]: one place where keys come from, and how it is read. Whether what it holds is put in force is decided elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, spawn_blocking};

use super::content::{Content, ContentError, Meaning};
use super::fetch::UrlReader;
use super::file::FileError;
use super::gate::Gate;
use super::keeping::{KeepError, Keeping, Kept};
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
    /// A registry's URL with the signed metadata set.
    MetadataUrl,
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
    Url { url: Box<UrlReader>, schedule: Schedule, max_age: Option<Duration>, keeping: Option<Box<Keeping>> },
}

/// What a reading brought.
pub(super) enum News {
    /// What is in force already.
    Same,
    /// Something else, as of this point.
    Content(Content, Timestamp),
    /// What was good when it was written to disk.
    Kept(Kept),
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
        Self::file(OriginKind::MetadataFile, path, Meaning::Metadata { anchors, held: None, grace: Duration::ZERO })
    }

    pub(super) fn jwks_url(pid: Pid, url: UrlReader, schedule: Schedule) -> Self {
        let (name, rest) = (url.name(), schedule.cool_down);
        let place = Place::Url { url: Box::new(url), schedule, max_age: None, keeping: None };
        Self::new(OriginKind::JwksUrl, name, rest, Reader::new(place, Meaning::Jwks(pid)))
    }

    /// A set that is kept like this, and used so long beyond its end.
    pub(super) fn metadata_url(
        url: UrlReader,
        anchors: Arc<TrustAnchors>,
        (keeping, grace): (Option<Keeping>, Duration),
        schedule: Schedule,
    ) -> Self {
        let (name, rest) = (url.name(), schedule.cool_down);
        let keeping = keeping.map(Box::new);
        let place = Place::Url { url: Box::new(url), schedule, max_age: None, keeping };
        let meaning = Meaning::Metadata { anchors, held: None, grace };
        Self::new(OriginKind::MetadataUrl, name, rest, Reader::new(place, meaning))
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
    /// Whether it has a signed metadata set.
    pub const fn is_metadata(self) -> bool {
        matches!(self, Self::MetadataFile | Self::MetadataUrl)
    }

    /// Whether it may be out of reach without anybody here having made a mistake.
    pub(super) const fn is_remote(self) -> bool {
        matches!(self, Self::JwksUrl | Self::MetadataUrl)
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

    /// The last good set on disk, if there is one: to be put in force before anything is fetched.
    pub(super) async fn read_kept(&mut self, now: Timestamp) -> Result<Option<News>, OriginError> {
        let Place::Url { keeping: Some(keeping), .. } = &mut self.place else { return Ok(None) };
        let Some(kept) = keeping.take_up(self.meaning.clone()).await? else { return Ok(None) };
        self.header.clone_from(&kept.content.header);
        Ok(Some(News::Kept(Kept { since: kept.since.min(now), ..kept })))
    }

    /// What the origin holds now.
    pub(super) async fn read(&mut self, now: Timestamp) -> Result<News, OriginError> {
        let (bytes, since) = match &mut self.place {
            Place::File(file) => match file.look().await? {
                Look::Accepted => return Ok(News::Same),
                Look::Refused => return Err(OriginError::RefusedBefore),
                Look::New(bytes) => (bytes, file.changed().map_or(now, |changed| changed.min(now))),
            },
            Place::Url { url, max_age, .. } => {
                let fetched = url.fetch().await?;
                *max_age = fetched.max_age;
                let Some(body) = fetched.body else { return Ok(News::Same) };
                (body, now)
            }
        };
        // A large set takes a while to check, and requests must not wait for it.
        let meaning = self.meaning.clone();
        let (content, bytes) = spawn_blocking(move || (meaning.read(&bytes, now), bytes)).await?;
        let content = content?;
        self.header.clone_from(&content.header);
        if let (Place::Url { keeping: Some(keeping), .. }, Some(header)) = (&mut self.place, &content.header) {
            keeping.offer(bytes, header);
        }
        Ok(News::Content(content, since))
    }

    /// How the reading ended.
    pub(super) fn settled(&mut self, error: Option<&OriginError>) {
        let in_force = error.is_none_or(OriginError::is_in_force);
        self.round = self.round.wrapping_add(1);
        // A newer set than one that has ended is asked for as urgently as after a failure.
        let is_well = in_force && !matches!(error, Some(OriginError::Ended(_)));
        self.failures = if is_well { 0 } else { self.failures.saturating_add(1) };
        self.hold(in_force);
        match &mut self.place {
            Place::File(file) if in_force => file.accept(),
            Place::File(file) => file.refuse(),
            Place::Url { url, .. } if in_force => url.accept(),
            Place::Url { .. } => {}
        }
    }

    /// Whether the set that was read is in force now: from now on no older one counts.
    pub(super) fn hold(&mut self, in_force: bool) {
        if let Some(header) = self.header.take().filter(|_| in_force) {
            self.meaning.hold(header);
        }
        if let Place::Url { keeping: Some(keeping), .. } = &mut self.place {
            keeping.decide(in_force);
        }
    }

    /// Writes the set in force to disk, if it is not there yet. `None` if there was nothing to do.
    pub(super) async fn keep(&mut self) -> Option<Result<(), KeepError>> {
        match &mut self.place {
            Place::Url { keeping: Some(keeping), .. } => keeping.write().await,
            _ => None,
        }
    }

    /// How long to wait before the next reading.
    pub(super) fn pause(&self, now: Timestamp) -> Duration {
        match &self.place {
            Place::File(_) => LOOK_AT_FILES,
            Place::Url { schedule, max_age, .. } => {
                let schedule = schedule.at_most(self.meaning.at_most(self.failures > 0, now));
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
