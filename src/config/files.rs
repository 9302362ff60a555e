//! The files that a configuration refers to: whether they are there, and whether others could read or change them. What
//! they hold is not looked at here; `secret` reads those that become part of the configuration.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Faults, Place};

/// A file that a setting refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileUse {
    pub(super) place: Place,
    pub(super) path: PathBuf,
    pub(super) kind: FileKind,
}

/// What a file is for, and so who may touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Anybody may read it.
    Certificate,
    /// Anybody may read it, and not everybody may change it: it says whom to believe.
    Trusted,
    /// For its owner's eyes only.
    Private,
    /// The directory of the private keys.
    KeyDirectory,
    /// May be absent, its directory not.
    Store,
}

/// What is wrong with the configuration file itself and the files it refers to.
pub(super) fn check(config_file: &Path, files: &[FileUse]) -> Faults {
    let mut faults = Vec::new();
    if is_open_to_everybody(config_file) {
        faults.push(Fault {
            place: Place::whole(config_file),
            problem: "anybody on this machine may change this file".to_owned(),
            remedy: format!("chmod o-w {}", config_file.display()),
        });
    }
    for file in files {
        let found = match file.kind {
            FileKind::Certificate => check_readable(&file.path),
            FileKind::Trusted => check_trusted(&file.path),
            FileKind::Private => check_private(&file.path),
            FileKind::KeyDirectory => check_key_directory(&file.path),
            FileKind::Store => check_store(&file.path),
        };
        let place = || file.place.clone();
        faults.extend(found.into_iter().map(|(problem, remedy)| Fault { place: place(), problem, remedy }));
    }
    Faults::new(faults)
}

/// Where this key stands in the file, if it names a file and was written.
pub(super) fn place(config_file: &Path, files: &[FileUse], key: &str) -> Place {
    let named = files.iter().find(|file| file.place.key == key);
    named.map_or_else(|| Place { key: key.to_owned(), ..Place::whole(config_file) }, |file| file.place.clone())
}

/// Problems with their remedies.
pub(super) type Found = Vec<(String, String)>;

fn check_readable(path: &Path) -> Found {
    let opened = fs::File::open(path).and_then(|file| file.metadata());
    match opened {
        Ok(found) if found.is_file() => Vec::new(),
        Ok(_) => vec![(format!("{} is no file", path.display()), "name the file itself".to_owned())],
        Err(error) => vec![unreadable(path, &error)],
    }
}

fn check_trusted(path: &Path) -> Found {
    let mut found = check_readable(path);
    if is_open_to_everybody(path) {
        let problem = format!("anybody on this machine may change {}", path.display());
        found.push((problem, format!("chmod o-w {}", path.display())));
    }
    found
}

fn is_open_to_everybody(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| mode(&found) & 0o002 != 0)
}

/// What is wrong with a file that only its owner may use.
pub(super) fn check_private(path: &Path) -> Found {
    let mut found = check_readable(path);
    if let Ok(metadata) = fs::metadata(path)
        && metadata.is_file()
        && mode(&metadata) & 0o077 != 0
    {
        let problem = format!("{} has mode {:04o}: others may read or change it", path.display(), mode(&metadata));
        found.push((problem, format!("chmod 600 {}", path.display())));
    }
    found
}

fn check_key_directory(path: &Path) -> Found {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return vec![unreadable(path, &error)],
    };
    let mut found = Vec::new();
    if let Ok(metadata) = fs::metadata(path)
        && mode(&metadata) & 0o022 != 0
    {
        let problem = format!("{} has mode {:04o}: others may put keys into it", path.display(), mode(&metadata));
        found.push((problem, format!("chmod 700 {}", path.display())));
    }
    let mut keys: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    keys.retain(|key| key.extension().is_some_and(|extension| extension == "pem"));
    keys.sort();
    found.extend(keys.iter().flat_map(|key| check_private(key)));
    found
}

fn check_store(path: &Path) -> Found {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return vec![(format!("{} is a directory", path.display()), "name a file".to_owned())];
    }
    if !directory.is_dir() {
        return vec![(
            format!("there is no directory {}", directory.display()),
            "create it, or correct the path".to_owned(),
        )];
    }
    Vec::new()
}

fn unreadable(path: &Path, error: &std::io::Error) -> (String, String) {
    let remedy = if error.kind() == std::io::ErrorKind::NotFound {
        "correct the path, or create it with `bob-auth init`"
    } else {
        "let the user that runs the service read it"
    };
    (format!("cannot read {}: {error}", path.display()), remedy.to_owned())
}

fn mode(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}
