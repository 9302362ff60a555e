//! Secrets that are kept in files of their own and become part of the configuration.

use std::fs;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::files::{self, FileKind};
use super::reader::{Entry, Read};

/// Reads a secret, without the newline at its end.
pub(super) fn read_secret(entry: &Entry<'_>) -> Read<SecretString> {
    let path = entry.path(FileKind::Private)?;
    if let Some((problem, remedy)) = files::check_private(&path).into_iter().next() {
        return Err(entry.fault(problem, &remedy));
    }
    let text = fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| {
        entry.fault(format!("cannot read {}: {error}", path.display()), "check the path and who may read it")
    })?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err(entry.fault(format!("{} is empty", path.display()), "write the secret into it"));
    }
    Ok(SecretString::from(text))
}
