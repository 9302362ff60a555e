//! Files that are looked at again and again: whether one of them has changed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often files are looked at.
pub(super) const LOOK_AT_FILES: Duration = Duration::from_secs(1);

/// The states of some files at one moment.
pub(super) type Stamps = Vec<(PathBuf, Stamp)>;

/// What tells one state of a file from the next, also through a swapped symbolic link: the time of change moves with
/// what is in it and with who may read it.
pub(super) type Stamp = Option<(u64, i64, i64, u64)>;

/// The state of every one of these.
pub(super) fn look<'p>(files: impl IntoIterator<Item = &'p PathBuf>) -> Stamps {
    files.into_iter().map(|path| (path.clone(), stamp(path))).collect()
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.ctime(), metadata.ctime_nsec(), metadata.len()))
}
