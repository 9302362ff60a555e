//! [`Keeping`]: when the last good set is read from disk, and when it is written. How is in `last_good`, whether it is good in
//! `content`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::content::{Content, ContentError, Meaning};
use super::file::FileError;
use super::last_good::{LastGood, Which};
use crate::protocol::metadata::SetHeader;
use crate::value::Timestamp;

/// Keeps the last good set of one origin.
pub(super) struct Keeping {
    file: LastGood,
    read_only: bool,
    /// Which set is the newest on disk, as far as it is known to be good.
    kept: Option<Edition>,
    /// What was read and not yet judged.
    offered: Option<Unwritten>,
    /// What is in force and not on disk. Held until it is: a disk that was full is written to later.
    unwritten: Option<Unwritten>,
    /// A write that has not ended.
    writing: Option<Writing>,
}

type Writing = (JoinHandle<io::Result<()>>, Edition);

/// A write that takes longer goes on while nobody waits for it.
const WRITES_WITHIN: Duration = Duration::from_secs(5);

/// The last good set as it was found on disk.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) content: Content,
    /// Since when it has been there.
    pub(super) since: Timestamp,
    /// Somebody has put an older set in the place of the newest.
    pub(super) put_back: bool,
}

/// A set, or a copy of it with a later end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edition {
    serial: u64,
    not_valid_after: Timestamp,
}

#[derive(Clone)]
struct Unwritten {
    bytes: Arc<Vec<u8>>,
    edition: Edition,
}

/// Why a set is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    /// It could not be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It has not been written yet.
    #[error("{}: the disk has not taken it yet", .0.display())]
    Slow(PathBuf),
    /// The writing was given up.
    #[error(transparent)]
    GivenUp(#[from] JoinError),
}

/// What is wrong with a file that was kept.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Edition {
    const fn of(header: &SetHeader) -> Self {
        Self { serial: header.serial, not_valid_after: header.not_valid_after }
    }
}

impl Keeping {
    /// In this file, which may be somebody else's to write.
    pub(super) const fn new(file: PathBuf, read_only: bool) -> Self {
        Self { file: LastGood::new(file), read_only, kept: None, offered: None, unwritten: None, writing: None }
    }

    /// The newest set on disk that is good.
    pub(super) async fn take_up(&mut self, meaning: Meaning) -> Result<Option<Kept>, JoinError> {
        let file = self.file.clone();
        let both = spawn_blocking(move || [Which::Newest, Which::Backup].map(|which| good(&file, which, &meaning)));
        let (which, kept) = match both.await? {
            [None, None] => return Ok(None),
            [Some(newest), Some(backup)] if is_older(&newest.content, &backup.content) => {
                (Which::Backup, Kept { put_back: true, ..backup })
            }
            [Some(newest), _] => (Which::Newest, newest),
            [None, Some(backup)] => (Which::Backup, backup),
        };
        if which == Which::Backup {
            let (file, put_back) = (self.file.path(which), kept.put_back);
            tracing::warn!(file = %file.display(), put_back, "the backup of the last good metadata set is used");
        } else {
            self.kept = kept.content.header.as_ref().map(Edition::of);
        }
        Ok(Some(kept))
    }

    /// This was fetched.
    pub(super) fn offer(&mut self, bytes: Vec<u8>, header: &SetHeader) {
        let edition = Edition::of(header);
        let is_wanted = !self.read_only && self.kept != Some(edition);
        self.offered = is_wanted.then(|| Unwritten { bytes: Arc::new(bytes), edition });
    }

    /// Whether what was fetched is in force.
    pub(super) fn decide(&mut self, in_force: bool) {
        if let Some(offered) = self.offered.take().filter(|_| in_force) {
            self.unwritten = Some(offered);
        }
    }

    /// Writes what is not on disk yet, away from the tasks that serve requests. A disk that hangs is waited for a while, and
    /// then it goes on alone: fetching must not end with it.
    pub(super) async fn write(&mut self) -> Option<Result<(), KeepError>> {
        let path = self.file.path(Which::Newest);
        let (mut task, edition) = match self.writing.take() {
            Some(under_way) => under_way,
            None => self.begin()?,
        };
        let Ok(written) = timeout(WRITES_WITHIN, &mut task).await else {
            self.writing = Some((task, edition));
            return Some(Err(KeepError::Slow(path)));
        };
        Some(match written {
            Err(given_up) => Err(given_up.into()),
            Ok(Err(error)) => Err(KeepError::Write { path, error }),
            Ok(Ok(())) => {
                self.kept = Some(edition);
                self.unwritten = self.unwritten.take().filter(|unwritten| unwritten.edition != edition);
                Ok(())
            }
        })
    }

    fn begin(&self) -> Option<Writing> {
        let Unwritten { bytes, edition } = self.unwritten.clone()?;
        let (file, newest_is_good) = (self.file.clone(), self.kept.is_some());
        Some((spawn_blocking(move || file.write(&bytes, newest_is_good)), edition))
    }
}

/// What is in this file, if it is good. One that is there and is not is told: it was torn, or somebody has changed it.
fn good(file: &LastGood, which: Which, meaning: &Meaning) -> Option<Kept> {
    let read = || -> Result<Option<Kept>, Unusable> {
        let Some(kept) = file.read(which, meaning.max_bytes())? else { return Ok(None) };
        let content = meaning.read_kept(&kept.bytes)?;
        Ok(Some(Kept { content, since: kept.since, put_back: false }))
    };
    read().unwrap_or_else(|error| {
        let file = file.path(which);
        tracing::warn!(file = %file.display(), %error, "a metadata set that was kept on disk cannot be used");
        None
    })
}

/// Whether a set must not take the place of another, whichever of two files it is in. Those of two authorities say nothing
/// about each other.
fn is_older(newest: &Content, backup: &Content) -> bool {
    let (Some(newest), Some(backup)) = (&newest.header, &backup.header) else { return false };
    newest.authid == backup.authid && newest.may_replace(backup).is_err()
}

#[cfg(test)]
mod tests {
    use super::super::last_good::ONE_AT_A_TIME;
    use super::*;

    #[tokio::test]
    async fn a_disk_that_hangs_is_not_waited_for_and_written_to_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut keeping = Keeping::new(directory.path().join("set"), false);
        let edition = |serial| Edition { serial, not_valid_after: Timestamp::from_seconds(9) };
        let unwritten =
            |serial: u64| Unwritten { bytes: Arc::new(serial.to_string().into_bytes()), edition: edition(serial) };
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (holding, held) = tokio::sync::oneshot::channel();
        let disk = std::thread::spawn(move || {
            let _hangs = ONE_AT_A_TIME.lock().unwrap();
            holding.send(()).unwrap();
            released.recv().unwrap();
        });
        held.await.unwrap();
        keeping.unwritten = Some(unwritten(1));
        assert!(matches!(keeping.write().await, Some(Err(KeepError::Slow(_)))));
        // A newer set comes meanwhile; the old write is not begun again.
        keeping.unwritten = Some(unwritten(2));
        release.send(()).unwrap();
        disk.join().unwrap();
        assert!(matches!(keeping.write().await, Some(Ok(()))));
        assert_eq!(keeping.kept, Some(edition(1)));
        assert!(matches!(keeping.write().await, Some(Ok(()))));
        assert_eq!(std::fs::read(directory.path().join("set")).unwrap(), b"2");
        assert!(keeping.write().await.is_none());
    }
}
