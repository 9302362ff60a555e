//! Files that a command is given. What is in them is the command's affair.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::error::CliError;

/// The most bytes of a file that are read: thousands of certificates.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The whole file; wiped afterwards, since it may hold a private key.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let bytes = File::open(path).and_then(read_all).map_err(|error| CliError::unreadable(path, &error))?;
    bytes.ok_or_else(|| CliError::new("is larger than 16 MiB, which nothing is that belongs here").at(path))
}

/// Everything up to the end, or `None` if there is more than anybody can mean.
pub(super) fn read_all(from: impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    read_at_most(LARGEST, from)
}

/// The whole file, or standard input if it is `-`, where much is meant: a register of a hundred thousand keys.
pub(super) fn read_much(path: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    const MUCH: u64 = 1 << 30;
    let bytes = if path == Path::new("-") {
        read_at_most(MUCH, io::stdin().lock())
    } else {
        File::open(path).and_then(|file| read_at_most(MUCH, file))
    };
    let bytes = bytes.map_err(|error| CliError::unreadable(path, &error))?;
    bytes.ok_or_else(|| CliError::new("is larger than 1 GiB, which nothing is that belongs here").at(path))
}

fn read_at_most(most: u64, from: impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// Everything on standard input, which is to be a `what`.
pub(super) fn from_stdin(what: &str) -> Result<String, CliError> {
    let failed = |problem: &str| CliError::new(format!("standard input: {problem}"));
    let bytes = read_all(io::stdin().lock()).map_err(|error| failed(&error.to_string()))?;
    let bytes = bytes.ok_or_else(|| failed(&format!("is larger than 16 MiB, and so no {what}")))?;
    std::str::from_utf8(&bytes)
        .map(str::to_owned)
        .map_err(|_| failed(&format!("is no text in UTF-8, and so no {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_refused_before_it_fills_memory() {
        let refusal = read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(refusal.contains("/dev/zero: is larger than 16 MiB"), "{refusal}");
    }
}
