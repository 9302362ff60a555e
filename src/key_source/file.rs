//! Key sets in files: read once, or looked at again. What a file's state is told by is here too; when to look is not.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::protocol::jwk::{JwkError, JwkSet};
use crate::protocol::key_set::{KeySet, KeySetError};
use crate::value::Pid;
#[cfg(feature = "live")]
use crate::value::Timestamp;

/// The most bytes of a JWK set, in a file or from a URL.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Why a file gives no keys.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: cannot be read: {error}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A directory, a pipe, a device.
    #[error("{}: is no file; name the file with the keys itself", path.display())]
    NoFile {
        /// Which.
        path: PathBuf,
    },
    /// It is larger than any key set.
    #[error("{}: is larger than {max_bytes} bytes, which no key set is", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// What is read at most.
        max_bytes: usize,
    },
    /// It is no JWK set.
    #[error("{}: {error}", path.display())]
    Faulty {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: JwkError,
    },
    /// The files do not go together.
    #[error("{}: {error}", path.display())]
    Set {
        /// The file that was one too many.
        path: PathBuf,
        /// Why.
        error: KeySetError,
    },
}

/// What tells one state of a file from the next, also through a swapped symbolic link: the time of change moves with
/// what is in it and with who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    changed: (i64, i64),
    bytes: u64,
}

/// Reads the keys of each participant from a JWK set of its own, once.
///
/// ```no_run
/// use bob_auth::key_source::{CurrentKeys, read_files};
/// use bob_auth::value::Pid;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = CurrentKeys::new(read_files([(Pid::new(34)?, "partner-34.jwks.json")])?)?;
/// # Ok(())
/// # }
/// ```
pub fn read_files<P: AsRef<Path>>(files: impl IntoIterator<Item = (Pid, P)>) -> Result<KeySet, FileError> {
    let mut set = KeySet::new();
    for (pid, path) in files {
        let path = path.as_ref();
        let (bytes, _) = read(path, MAX_BYTES)?;
        let keys = JwkSet::parse(&bytes).map_err(|error| FileError::Faulty { path: path.to_owned(), error })?.keys;
        set.add(pid, keys).map_err(|error| FileError::Set { path: path.to_owned(), error })?;
    }
    Ok(set)
}

/// The whole file, and its state before the first byte was read: what is written during the reading shows at the next look.
pub(super) fn read(path: &Path, max_bytes: usize) -> Result<(Vec<u8>, Stamp), FileError> {
    let unreadable = |error| FileError::Read { path: path.to_owned(), error };
    // Looked at before it is opened: opening a pipe waits for somebody to write.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FileError::NoFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(unreadable)?;
    let stamp = Stamp::of(&file.metadata().map_err(unreadable)?);
    let mut bytes = Vec::new();
    file.take(max_bytes as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > max_bytes {
        return Err(FileError::TooLarge { path: path.to_owned(), max_bytes });
    }
    Ok((bytes, stamp))
}

impl Stamp {
    /// The state of this file now; `None` if it cannot be looked at.
    #[cfg(feature = "live")]
    pub(super) fn look(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    /// When the file was changed last.
    #[cfg(feature = "live")]
    pub(super) const fn changed(self) -> Timestamp {
        Timestamp::from_seconds(self.changed.0)
    }

    fn of(metadata: &fs::Metadata) -> Self {
        Self { inode: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()), bytes: metadata.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_KEYS: &str = r#"{"keys":[]}"#;

    fn pid(number: i64) -> Pid {
        Pid::new(number).unwrap()
    }

    #[test]
    fn every_error_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("html"), "<html>").unwrap();
        fs::write(path("large"), vec![b' '; MAX_BYTES + 1]).unwrap();
        fs::write(path("good"), NO_KEYS).unwrap();
        fs::create_dir(path("directory")).unwrap();
        for (name, says) in [
            ("absent", "cannot be read"),
            ("html", "the key set"),
            ("large", "larger than 1048576 bytes"),
            ("directory", "is no file"),
        ] {
            let error = read_files([(pid(1), path(name))]).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains(path(name).to_str().unwrap()), "{error}");
        }
        let twice = read_files([(pid(1), path("good")), (pid(1), path("good"))]).unwrap_err();
        assert!(matches!(twice, FileError::Set { error: KeySetError::DuplicateIssuer(_), .. }));
    }

    #[test]
    fn an_issuer_whose_file_has_no_key_is_known_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwks");
        fs::write(&path, NO_KEYS).unwrap();
        let set = read_files([(pid(7), &path)]).unwrap();
        assert!(set.knows(pid(7)) && set.is_empty());
    }
}
