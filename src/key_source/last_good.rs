//! [`LastGood`]: the last good set of a registry on disk, so that a start needs no registry and no start forgets which set
//! was the newest. Nothing in the file is believed because it is there: it is verified like one that was fetched.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::file::{FileError, read};
use crate::value::Timestamp;

/// A file with the last good set, and the one before it beside it.
#[derive(Debug, Clone)]
pub(super) struct LastGood {
    path: PathBuf,
}

/// What is kept.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) bytes: Vec<u8>,
    /// When it was written.
    pub(super) since: Timestamp,
}

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Newest,
    Backup,
}

/// What is in it is public and says itself who signed it; whoever looks after the machine may look at it.
const MODE: u32 = 0o644;

/// What the name of a file that is being written ends with, before the number of the process.
const NEW: &str = ".new.";
/// No write takes as long, in seconds.
const LONG: i64 = 3600;

/// Two sources of one process may keep the same file, while one takes the other's place.
pub(super) static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

impl LastGood {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where this one is.
    pub(super) fn path(&self, which: Which) -> PathBuf {
        match which {
            Which::Newest => self.path.clone(),
            Which::Backup => self.beside(".backup"),
        }
    }

    /// What is in this one; `None` if there is no such file.
    pub(super) fn read(&self, which: Which, max_bytes: usize) -> Result<Option<OnDisk>, FileError> {
        let path = self.path(which);
        let since = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::Read { path, error }),
            Ok(metadata) => Timestamp::from_seconds(metadata.mtime()),
        };
        let (bytes, _) = read(&path, max_bytes)?;
        Ok(Some(OnDisk { bytes, since }))
    }

    /// Puts these bytes in the place of the newest, at once or not at all, also if the power fails. What was the newest
    /// becomes the backup, if it is any good.
    pub(super) fn write(&self, bytes: &[u8], newest_is_good: bool) -> io::Result<()> {
        let _one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // Another process may keep the same file.
        let new = self.beside(&format!("{NEW}{}", std::process::id()));
        let written = write_new(&new, bytes).and_then(|()| {
            if newest_is_good {
                self.back_up()?;
            }
            fs::rename(&new, &self.path)
        });
        if let Err(error) = written {
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        self.sweep();
        File::open(self.directory())?.sync_all()
    }

    /// Removes what writers have left behind that were killed long before this write. Whoever is slower than that has to
    /// write once more.
    fn sweep(&self) {
        let written = |path: &Path| fs::metadata(path).map(|metadata| metadata.mtime());
        let (Ok(now), Some(name)) = (written(&self.path), self.path.file_name()) else { return };
        let mut left = name.to_owned();
        left.push(NEW);
        for entry in fs::read_dir(self.directory()).into_iter().flatten().flatten() {
            let is_left = entry.file_name().as_bytes().starts_with(left.as_bytes());
            if is_left && written(&entry.path()).is_ok_and(|then| now.saturating_sub(then) > LONG) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn directory(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// A second name for the newest, so that there is one at any moment. Where files cannot have two, it is moved.
    fn back_up(&self) -> io::Result<()> {
        let backup = self.path(Which::Backup);
        absent_is_fine(fs::remove_file(&backup))?;
        absent_is_fine(fs::hard_link(&self.path, &backup).or_else(|_| fs::rename(&self.path, &backup)))
    }

    fn beside(&self, end: &str) -> PathBuf {
        let mut name: OsString = self.path.clone().into();
        name.push(end);
        name.into()
    }
}

/// Puts these bytes in the place of a file, at once or not at all, also if the power fails.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    LastGood::new(path.to_owned()).write(bytes, false)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // One that a crash has left.
    absent_is_fine(fs::remove_file(path))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(kept: &LastGood, which: Which) -> Option<String> {
        let kept = kept.read(which, 100).unwrap()?;
        Some(String::from_utf8(kept.bytes).unwrap())
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_set_and_the_one_before_it_are_kept_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let kept = LastGood::new(directory.path().join("set"));
        assert_eq!(bytes(&kept, Which::Newest), None);
        for set in ["one", "two", "three"] {
            kept.write(set.as_bytes(), true).unwrap();
        }
        assert_eq!(bytes(&kept, Which::Newest).as_deref(), Some("three"));
        assert_eq!(bytes(&kept, Which::Backup).as_deref(), Some("two"));
        assert_eq!(names(directory.path()), ["set", "set.backup"]);
    }

    #[test]
    fn a_newest_that_is_no_good_does_not_take_the_place_of_a_good_backup() {
        let directory = tempfile::tempdir().unwrap();
        let kept = LastGood::new(directory.path().join("set"));
        kept.write(b"one", true).unwrap();
        kept.write(b"two", true).unwrap();
        fs::write(kept.path(Which::Newest), "torn").unwrap();
        kept.write(b"three", false).unwrap();
        assert_eq!(bytes(&kept, Which::Newest).as_deref(), Some("three"));
        assert_eq!(bytes(&kept, Which::Backup).as_deref(), Some("one"));
    }

    #[test]
    fn what_a_crash_has_left_is_in_nobodys_way() {
        let directory = tempfile::tempdir().unwrap();
        let kept = LastGood::new(directory.path().join("set"));
        fs::write(kept.beside(&format!(".new.{}", std::process::id())), "half").unwrap();
        kept.write(b"one", true).unwrap();
        assert_eq!(names(directory.path()), ["set"]);
    }

    #[test]
    fn what_was_left_long_ago_is_swept_away_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let kept = LastGood::new(directory.path().join("set"));
        let hours_ago = std::time::UNIX_EPOCH;
        for (name, is_old) in [("set.new.1", true), ("set.new.2", false), ("set.newer", true), ("other.new.1", true)] {
            let file = File::create(directory.path().join(name)).unwrap();
            if is_old {
                file.set_modified(hours_ago).unwrap();
            }
        }
        kept.write(b"one", true).unwrap();
        assert_eq!(names(directory.path()), ["other.new.1", "set", "set.new.2", "set.newer"]);
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let kept = LastGood::new(directory.path().join("gone").join("set"));
        assert_eq!(kept.write(b"one", true).unwrap_err().kind(), io::ErrorKind::NotFound);
        // A directory in the place of the file: written, and then there is no way to put it there.
        let kept = LastGood::new(directory.path().join("set"));
        fs::create_dir_all(kept.path(Which::Newest).join("full")).unwrap();
        assert!(kept.write(b"one", false).is_err());
        assert_eq!(names(directory.path()), ["set"]);
        assert!(matches!(kept.read(Which::Newest, 100), Err(FileError::NoFile { .. })));
    }

    #[test]
    fn a_file_larger_than_any_set_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let kept = LastGood::new(directory.path().join("set"));
        kept.write(&[b' '; 101], true).unwrap();
        assert!(matches!(kept.read(Which::Newest, 100), Err(FileError::TooLarge { .. })));
    }
}
