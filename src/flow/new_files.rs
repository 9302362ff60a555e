//! [`NewFiles`]: files that one run makes, all of them or none. What is in them is the caller's affair.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::store::key_files::write_private;

/// A file that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", .path.display())]
pub struct NewFileError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The files and directories that this run has made so far. They are removed again when it is dropped, unless
/// [`NewFiles::keep`] was called. Nothing that existed before is ever overwritten or removed.
#[derive(Debug, Default)]
pub struct NewFiles {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

impl NewFiles {
    /// Makes a directory for its owner alone, and those above it that are missing; one that exists is left as it is.
    pub fn directory(&mut self, path: &Path) -> Result<(), NewFileError> {
        let missing: Vec<&Path> =
            path.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists()).collect();
        for directory in missing.into_iter().rev() {
            let failed = |source| NewFileError { path: directory.to_owned(), source };
            DirBuilder::new().mode(0o700).create(directory).map_err(failed)?;
            self.directories.push(directory.to_owned());
        }
        Ok(())
    }

    /// Writes a file that only its owner may use.
    pub fn private(&mut self, path: &Path, bytes: &[u8]) -> Result<(), NewFileError> {
        let failed = |source| NewFileError { path: path.to_owned(), source };
        if fs::symlink_metadata(path).is_ok() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        // Recorded first: a write that fails half-way leaves a file too.
        self.files.push(path.to_owned());
        write_private(path, bytes).map_err(failed)
    }

    /// Writes a file that everybody may read.
    pub fn public(&mut self, path: &Path, bytes: &[u8]) -> Result<(), NewFileError> {
        let failed = |source| NewFileError { path: path.to_owned(), source };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path).map_err(failed)?;
        self.files.push(path.to_owned());
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Counts a file that somebody else makes at this path as one of these.
    pub fn made_elsewhere(&mut self, path: PathBuf) {
        self.files.push(path);
    }

    /// All went well: nothing is removed.
    pub fn keep(mut self) {
        self.files.clear();
        self.directories.clear();
    }
}

impl Drop for NewFiles {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        // A directory in which somebody else put something meanwhile stays: it is not empty.
        for directory in self.directories.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_fails_leaves_nothing_of_its_own_and_all_of_others() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("old"), "old").unwrap();
        let mut made = NewFiles::default();
        made.directory(&home.path().join("a/b")).unwrap();
        made.private(&home.path().join("a/b/key"), b"k").unwrap();
        made.public(&home.path().join("a/cert"), b"c").unwrap();
        assert!(made.public(&home.path().join("old"), b"new").is_err());
        drop(made);
        assert!(!home.path().join("a").exists());
        assert_eq!(fs::read_to_string(home.path().join("old")).unwrap(), "old");
    }

    #[test]
    fn what_is_kept_stays() {
        let home = tempfile::tempdir().unwrap();
        let mut made = NewFiles::default();
        made.public(&home.path().join("cert"), b"c").unwrap();
        made.keep();
        assert!(home.path().join("cert").exists());
    }
}
