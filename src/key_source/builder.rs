//! [`KeySourceBuilder`]: where keys come from, said once, and every origin read before anything is verified.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::board::Board;
use super::fetch::{UrlReader, What};
use super::keeping::Keeping;
use super::origin::{Origin, OriginError, OriginKind};
use super::schedule::Schedule;
use super::source::KeySource;
use crate::https::UrlError;
use crate::protocol::key_set::KeySetError;
use crate::protocol::metadata::TrustAnchors;
use crate::value::{Clock, Pid};

/// Collects the origins of a [`KeySource`].
#[derive(Clone)]
pub struct KeySourceBuilder {
    origins: Vec<Place>,
    refresh_every: Duration,
    cool_down: Duration,
    wait_at_most: Duration,
    timeout: Duration,
    allow_unreachable_start: bool,
    wait_at_start: Option<Duration>,
}

#[derive(Clone)]
enum Place {
    JwksFile(Pid, PathBuf),
    JwksUrl { pid: Pid, url: String, ca: Option<Vec<u8>> },
    Metadata(PathBuf, Arc<TrustAnchors>),
    Registry { url: String, ca: Option<Vec<u8>>, anchors: Arc<TrustAnchors>, keeping: MetadataKeeping },
}

/// How a registry's set is kept fresh, and how long it is made use of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataKeeping {
    /// Where the last good set is kept, with the one before it beside it (`.backup`); it is read first at the start.
    /// Without it every start needs the registry, and an older set is refused only by the process that saw a newer one.
    pub file: Option<PathBuf>,
    /// Whether the file is only read: for somebody who looks, beside the service whose file it is.
    pub read_only: bool,
    /// How long a set is used beyond its end; not at all by default.
    pub grace: Duration,
    /// As [`KeySourceBuilder::refresh_every`], for this set.
    pub refresh: Option<Duration>,
    /// As [`KeySourceBuilder::timeout`], for this set.
    pub timeout: Option<Duration>,
}

/// Why there is no key source.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// No origin was named.
    #[error("no keys can ever come: name a file or a URL with the keys of at least one issuer")]
    NoOrigin,
    /// Two origins speak for one issuer.
    #[error(transparent)]
    Set(#[from] KeySetError),
    /// A URL that cannot be used.
    #[error("the key set URL of participant {pid} {error}")]
    Url {
        /// Whose keys it was to give.
        pid: Pid,
        /// Why.
        error: UrlError,
    },
    /// A URL of a registry that cannot be used.
    #[error("the URL of the metadata set {0}")]
    RegistryUrl(UrlError),
    /// An origin that gives no keys at the start.
    #[error("no keys from {name}: {error}")]
    Origin {
        /// Which.
        name: String,
        /// Why.
        error: OriginError,
    },
    /// A URL that gives no keys at the start.
    #[error("no keys from {name}: {error}; to start without them all the same, allow an unreachable start")]
    Unreachable {
        /// Which.
        name: String,
        /// Why.
        error: OriginError,
    },
    /// Every origin was read, and there is no key.
    #[error("no origin holds a key that could verify a token")]
    NoKeys,
}

/// No pause is longer, whatever is set: clocks end somewhere.
const LONGEST: Duration = Duration::from_hours(24 * 30);

impl KeySource {
    /// A source to be told its origins.
    pub fn builder() -> KeySourceBuilder {
        KeySourceBuilder {
            origins: Vec::new(),
            refresh_every: Duration::from_hours(1),
            cool_down: Duration::from_secs(30),
            wait_at_most: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            allow_unreachable_start: false,
            wait_at_start: None,
        }
    }
}

impl KeySourceBuilder {
    /// The keys of this participant are in this file (a JWK set), which is looked at every second.
    #[must_use]
    pub fn jwks_file(mut self, pid: Pid, path: impl Into<PathBuf>) -> Self {
        self.origins.push(Place::JwksFile(pid, path.into()));
        self
    }

    /// The keys of this participant are at this URL (a JWK set over https), whose certificate this CA (PEM) and no other
    /// must have signed; `None` for the CAs of the system.
    #[must_use]
    pub fn jwks_url(mut self, pid: Pid, url: impl Into<String>, ca: Option<Vec<u8>>) -> Self {
        self.origins.push(Place::JwksUrl { pid, url: url.into(), ca });
        self
    }

    /// The keys of every participant are in this file, which is looked at every second: a metadata set that one of these
    /// anchors signed.
    #[must_use]
    pub fn metadata_file(mut self, path: impl Into<PathBuf>, anchors: TrustAnchors) -> Self {
        self.origins.push(Place::Metadata(path.into(), Arc::new(anchors)));
        self
    }

    /// The keys of every participant are in the metadata set behind this URL (https), which one of these anchors signed. It
    /// is fetched twice in each of its intervals at least. `ca` as for [`jwks_url`](Self::jwks_url).
    #[must_use]
    pub fn metadata_url(
        mut self,
        url: impl Into<String>,
        ca: Option<Vec<u8>>,
        anchors: TrustAnchors,
        keeping: MetadataKeeping,
    ) -> Self {
        self.origins.push(Place::Registry { url: url.into(), ca, anchors: Arc::new(anchors), keeping });
        self
    }

    /// How often URLs are fetched, ten per cent more or less; an hour unless said. `Cache-Control: max-age` may shorten it.
    #[must_use]
    pub fn refresh_every(self, refresh_every: Duration) -> Self {
        Self { refresh_every: refresh_every.min(LONGEST), ..self }
    }

    /// After a fetch that an unknown key asked for, no other asks for one so long, whatever came of it; 30 s unless said.
    #[must_use]
    pub fn cool_down(self, cool_down: Duration) -> Self {
        Self { cool_down: cool_down.min(LONGEST), ..self }
    }

    /// How long a request with an unknown key waits for its fetch; 3 s unless said.
    #[must_use]
    pub fn wait_at_most(self, wait_at_most: Duration) -> Self {
        Self { wait_at_most: wait_at_most.min(LONGEST), ..self }
    }

    /// How long a fetch may take; 10 s unless said.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(LONGEST), ..self }
    }

    /// Starts although URLs give no keys yet: their issuers are known, and refused until they do. Files must be good. A
    /// metadata set that is on disk and may still be used is enough in any case.
    #[must_use]
    pub fn allow_unreachable_start(self, allow: bool) -> Self {
        Self { allow_unreachable_start: allow, ..self }
    }

    /// Where an unreachable start is allowed: no URL is waited for longer than this before the start goes on; what it gives
    /// comes into force when it comes. Without it, as long as a fetch may take.
    #[must_use]
    pub fn wait_at_start(self, most: Duration) -> Self {
        Self { wait_at_start: Some(most), ..self }
    }

    /// The source, every origin read once. From then on somebody has to [`run`](KeySource::run) it. The clock is for
    /// [`status`](KeySource::status); the seed, any number that replicas do not share, spreads the times of fetches.
    pub async fn build(self, clock: Arc<dyn Clock>, seed: u64) -> Result<Arc<KeySource>, KeySourceError> {
        if self.origins.is_empty() {
            return Err(KeySourceError::NoOrigin);
        }
        let origins = self.origins(seed)?;
        let known = origins.iter().map(|origin| (origin.name.clone(), origin.kind, origin.issuer));
        let board = Board::new(known.collect())?;
        let source = Arc::new(KeySource::new(origins, board, clock, self.wait_at_most));
        read_all(&source, self.allow_unreachable_start, self.wait_at_start).await?;
        Ok(source)
    }

    fn origins(&self, seed: u64) -> Result<Vec<Origin>, KeySourceError> {
        // Each origin has a sequence of its own.
        let seeds = (0_u64..).map(|index| seed.rotate_left(32).wrapping_add(index));
        let origin = |(seed, place): (u64, &Place)| {
            let schedule = Schedule { every: self.refresh_every, cool_down: self.cool_down, seed };
            match place {
                Place::JwksFile(pid, path) => Ok(Origin::jwks_file(*pid, path.clone())),
                Place::Metadata(path, anchors) => Ok(Origin::metadata_file(path.clone(), anchors.clone())),
                Place::JwksUrl { pid, url, ca } => {
                    let url = UrlReader::new(url, ca.as_deref(), self.timeout, What::Jwks);
                    let url = url.map_err(|error| KeySourceError::Url { pid: *pid, error })?;
                    Ok(Origin::jwks_url(*pid, url, schedule))
                }
                Place::Registry { url, ca, anchors, keeping } => {
                    let [every, timeout] = [(keeping.refresh, self.refresh_every), (keeping.timeout, self.timeout)]
                        .map(|(own, usual)| own.unwrap_or(usual).min(LONGEST));
                    let url = UrlReader::new(url, ca.as_deref(), timeout, What::MetadataSet);
                    let url = url.map_err(KeySourceError::RegistryUrl)?;
                    let schedule = Schedule { every, ..schedule };
                    let file = keeping.file.clone().map(|file| Keeping::new(file, keeping.read_only));
                    Ok(Origin::metadata_url(url, anchors.clone(), (file, keeping.grace), schedule))
                }
            }
        };
        seeds.zip(&self.origins).map(origin).collect()
    }
}

/// Without the origins: a URL may hold a secret.
impl fmt::Debug for KeySourceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySourceBuilder({} origins)", self.origins.len())
    }
}

/// Reads every origin, all at once: one that is slow does not hold up the others.
async fn read_all(
    source: &Arc<KeySource>,
    allow_unreachable: bool,
    most: Option<Duration>,
) -> Result<(), KeySourceError> {
    let most = most.filter(|_| allow_unreachable);
    let mut readings = JoinSet::new();
    for (index, origin) in source.origins.iter().enumerate() {
        let (source, most) = (source.clone(), most.filter(|_| origin.kind.is_remote()));
        readings.spawn(async move { (index, read_first(&source, index, most).await) });
    }
    let mut unreachable = false;
    for (index, read) in readings.join_all().await {
        let Some(origin) = source.origins.get(index) else { continue };
        let error = match read {
            Ok(First::Read) => continue,
            Ok(First::GoesOn) => {
                unreachable = true;
                continue;
            }
            Err(error) => error,
        };
        let name = origin.name.clone();
        match origin.kind.is_remote() {
            false => return Err(KeySourceError::Origin { name, error }),
            true if !allow_unreachable => return Err(KeySourceError::Unreachable { name, error }),
            true => unreachable = true,
        }
    }
    // The set of a registry is good without a single key: its participants have yet to publish theirs.
    let may_come = source.origins.iter().any(|origin| origin.kind == OriginKind::MetadataUrl);
    if source.keys().load().set.is_empty() && !unreachable && !may_come {
        return Err(KeySourceError::NoKeys);
    }
    Ok(())
}

/// How far the first reading of an origin came before the start went on.
enum First {
    /// Its end, or there is a usable set from the disk.
    Read,
    /// It goes on behind.
    GoesOn,
}

/// Reads an origin for the first time. Where a usable set is on disk nobody waits long for a newer one, and a start without
/// it is no failure: the reading goes on behind. So it does where nobody wants to wait for longer than `most`.
async fn read_first(source: &Arc<KeySource>, index: usize, most: Option<Duration>) -> Result<First, OriginError> {
    let on_disk = source.take_up(index).await;
    let most = match (on_disk, most) {
        (false, None) => return source.read_again(index).await.map(|()| First::Read),
        (false, Some(most)) => most,
        (true, most) => most.unwrap_or(source.patience()).min(source.patience()),
    };
    let reading = tokio::spawn({
        let source = source.clone();
        async move { source.read_again(index).await }
    });
    // With a set from the disk, what is wrong is noted on the board.
    match tokio::time::timeout(most, reading).await {
        _ if on_disk => Ok(First::Read),
        Ok(read) => read?.map(|()| First::Read),
        Err(_) => Ok(First::GoesOn),
    }
}
