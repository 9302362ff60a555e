//! [`KeyFiles`]: private keys as files of mode 0600 in a directory of mode 0700. What is inside them is opaque here.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::value::Kid;

/// The directory with the private keys.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    directory: PathBuf,
}

/// Why a private key cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than the owner may read it: it has to be considered known.
    #[error("{} may be used by others than its owner (mode {mode:04o}); if nobody can have read it: chmod 600 {}", .path.display(), .path.display())]
    TooOpen {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Larger than any key.
    #[error("{} is too large for a private key", .0.display())]
    TooLarge(PathBuf),
    /// A file name that leads out of the directory.
    #[error("{0:?} is no name of a key file")]
    Name(String),
}

/// RSA of 4096 bits in PEM has some 3,300 bytes.
const LARGEST: u64 = 64 * 1024;

impl KeyFiles {
    /// The keys in this directory.
    pub const fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The file name for a key: its kid with everything but letters, digits, `-` and `_` percent-encoded.
    pub fn name_for(kid: &Kid) -> String {
        const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
        format!("{}.pem", utf8_percent_encode(kid.as_str(), PLAIN))
    }

    /// Writes a new key durably, for its owner alone; an existing file is never overwritten.
    pub fn write_new(&self, name: &str, pem: &[u8]) -> Result<PathBuf, KeyFileError> {
        let path = self.path(name)?;
        let failed = |source| KeyFileError::Io { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory).map_err(failed)?;
        write_private(&path, pem).map_err(failed)?;
        Ok(path)
    }

    /// Reads a key, unless others could have read it too.
    pub fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        let path = self.path(name)?;
        read_private(&path)
    }

    /// Whether there is anything of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.path(name).is_ok_and(|path| fs::symlink_metadata(path).is_ok())
    }

    /// Removes a key that was written but could not be recorded.
    pub fn remove(&self, name: &str) -> Result<(), KeyFileError> {
        let path = self.path(name)?;
        fs::remove_file(&path).map_err(|source| KeyFileError::Io { path, source })
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyFileError> {
        let plain = !name.is_empty() && !name.contains(['/', '\0']) && !matches!(name, "." | "..");
        if plain { Ok(self.directory.join(name)) } else { Err(KeyFileError::Name(name.to_owned())) }
    }
}

/// Reads a file that only its owner may use.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::TooOpen { path: path.to_owned(), mode });
    }
    if metadata.len() > LARGEST {
        return Err(KeyFileError::TooLarge(path.to_owned()));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LARGEST).unwrap_or_default()));
    Read::by_ref(&mut file).take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Writes a new file that only its owner may use, durably.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => fs::File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_for_its_owner_and_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let files = KeyFiles::new(directory.path().join("keys"));
        let path = files.write_new("a.pem", b"key").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(files.read("a.pem").unwrap().as_slice(), b"key");
        assert!(files.write_new("a.pem", b"other").is_err());
        assert_eq!(files.read("a.pem").unwrap().as_slice(), b"key");
    }

    #[test]
    fn a_key_that_others_could_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let files = KeyFiles::new(directory.path().to_owned());
        let path = files.write_new("a.pem", b"key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refusal = files.read("a.pem").unwrap_err().to_string();
        assert!(refusal.contains("0640") && refusal.contains("chmod 600"), "{refusal}");
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let files = KeyFiles::new(PathBuf::from("/nowhere"));
        assert!(matches!(files.read("../a.pem"), Err(KeyFileError::Name(_))));
        assert_eq!(KeyFiles::name_for(&"34:2026/../x_1".parse().unwrap()), "34%3A2026%2F%2E%2E%2Fx_1.pem");
    }
}
