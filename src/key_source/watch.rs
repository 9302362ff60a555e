//! Files that are looked at again and again, and read when their state has changed.

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::{JoinError, spawn_blocking};
use tokio::time::Instant;

use super::file::{FileError, Stamp, read};
use crate::value::Timestamp;

/// Reads one file whenever it has changed.
pub(super) struct FileReader {
    path: PathBuf,
    max_bytes: usize,
    /// The state that is to be accepted or refused, and the one that was accepted last.
    seen: Option<Stamp>,
    accepted: Option<Stamp>,
    /// A state that was refused, and when.
    refused: Option<(Stamp, Instant)>,
}

/// What a look at a file showed.
pub(super) enum Look {
    /// The state that was accepted last.
    Accepted,
    /// A state that was refused a short while ago.
    Refused,
    /// Something else, and here it is.
    New(Vec<u8>),
}

/// Why a look failed.
pub(super) enum LookError {
    File(FileError),
    GivenUp(JoinError),
}

/// How often files are looked at, and how often at most because somebody asks.
pub(super) const LOOK_AT_FILES: Duration = Duration::from_secs(1);
/// What was refused is refused without being read so long; then it is read again, for a clock may have been put right.
const REFUSED_FOR: Duration = Duration::from_mins(1);

impl FileReader {
    /// For this file, of no more bytes than that.
    pub(super) const fn new(path: PathBuf, max_bytes: usize) -> Self {
        Self { path, max_bytes, seen: None, accepted: None, refused: None }
    }

    /// The path for people.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// When what was seen last was written.
    pub(super) fn changed(&self) -> Option<Timestamp> {
        self.seen.map(Stamp::changed)
    }

    /// Looks at the file, away from the tasks that serve requests: disks and networks can be slow.
    pub(super) async fn look(&mut self) -> Result<Look, LookError> {
        let refused = self.refused.filter(|(_, when)| when.elapsed() < REFUSED_FOR).map(|(stamp, _)| stamp);
        let (path, max_bytes, accepted) = (self.path.clone(), self.max_bytes, self.accepted);
        let looked = spawn_blocking(move || {
            let stamp = Stamp::look(&path);
            if stamp.is_some() && stamp == accepted {
                return Ok((Look::Accepted, accepted));
            }
            if stamp.is_some() && stamp == refused {
                return Ok((Look::Refused, None));
            }
            read(&path, max_bytes).map(|(bytes, stamp)| (Look::New(bytes), Some(stamp)))
        });
        let (look, seen) = looked.await.map_err(LookError::GivenUp)?.map_err(LookError::File)?;
        self.seen = seen;
        Ok(look)
    }

    /// What was seen last is in force.
    pub(super) const fn accept(&mut self) {
        self.accepted = self.seen;
        self.refused = None;
    }

    /// What was read last is no good.
    pub(super) fn refuse(&mut self) {
        if let Some(stamp) = self.seen.take() {
            self.refused = Some((stamp, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What the next look shows: `a`ccepted before, `r`efused before, `n`ew, or `-` for an error.
    async fn look(reader: &mut FileReader) -> char {
        match reader.look().await {
            Ok(Look::Accepted) => 'a',
            Ok(Look::Refused) => 'r',
            Ok(Look::New(_)) => 'n',
            Err(_) => '-',
        }
    }

    #[tokio::test]
    async fn a_state_of_a_file_is_read_once_whether_it_is_good_or_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let mut reader = FileReader::new(path.clone(), 10);
        assert_eq!(look(&mut reader).await, '-');
        reader.refuse();
        fs::write(&path, "good").unwrap();
        assert_eq!(look(&mut reader).await, 'n');
        reader.accept();
        assert_eq!(look(&mut reader).await, 'a');
        reader.accept();
        fs::write(&path, "faulty").unwrap();
        assert_eq!(look(&mut reader).await, 'n');
        for _ in 0..3 {
            reader.refuse();
            assert_eq!(look(&mut reader).await, 'r');
        }
        fs::write(&path, "too much of it").unwrap();
        assert_eq!(look(&mut reader).await, '-');
        reader.refuse();
        fs::write(&path, "good again").unwrap();
        assert_eq!(look(&mut reader).await, 'n');
    }
}
