//! Files that are looked at again and again: whether one of them has changed, and SIGHUP, which says so.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{KeyOrigins, TlsFiles};

/// How often files are looked at.
pub(super) const LOOK_AT_FILES: Duration = Duration::from_secs(1);

/// The states of some files at one moment.
pub(super) type Stamps = Vec<(PathBuf, Stamp)>;

/// What tells one state of a file from the next, also through a swapped symbolic link: the time of change moves with
/// what is in it and with who may read it.
pub(super) type Stamp = Option<(u64, i64, i64, u64)>;

/// What tells a process that something has changed. Made before its files are read, so that no change falls in between.
pub(super) struct Watch {
    pub(super) hangup: Signal,
    pub(super) stamps: Stamps,
}

impl Watch {
    /// From now on; these are the files that matter.
    pub(super) fn start(files: &[PathBuf]) -> std::io::Result<Self> {
        Ok(Self { hangup: signal(SignalKind::hangup())?, stamps: look(files) })
    }
}

/// The files that certificates and verifications are made of. Key files of issuers are not among them: their source looks
/// for itself.
pub(super) fn certificates_and_trust<'a>(
    tls: impl IntoIterator<Item = &'a TlsFiles>,
    origins: Option<&'a KeyOrigins>,
) -> Vec<PathBuf> {
    let certificates = tls.into_iter().flat_map(|files| [&files.certificate, &files.private_key]);
    certificates.chain(origins.into_iter().flat_map(KeyOrigins::trusted_files)).cloned().collect()
}

/// The state of every one of these.
pub(super) fn look<'p>(files: impl IntoIterator<Item = &'p PathBuf>) -> Stamps {
    files.into_iter().map(|path| (path.clone(), stamp(path))).collect()
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.ctime(), metadata.ctime_nsec(), metadata.len()))
}
