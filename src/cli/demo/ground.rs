//! [`Ground`]: where the demo takes place: its directory, this program, and commands that are run there as one would type
//! them.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ring::rand::SecureRandom as _;
use tokio::process::Command;

use super::failure::Failure;
use super::story::Story;
use crate::cli::error::CliError;
use crate::cli::session::randomness;
use crate::store::key_files::write_private;

/// Everything is in here, and nothing outside of it.
pub(super) struct Ground {
    directory: PathBuf,
    kept: bool,
    program: PathBuf,
}

/// The directory itself, as a place in it.
pub(super) const HERE: &str = ".";
/// How long one command may take.
const PATIENCE: Duration = Duration::from_mins(1);

impl Ground {
    /// In this directory, which must be new or empty and stays; or in one of its own, which goes.
    pub(super) fn prepare(wanted: Option<&Path>) -> Result<Self, CliError> {
        let program =
            std::env::current_exe().map_err(|error| CliError::new(format!("this program is gone: {error}")))?;
        let directory = match wanted {
            Some(wanted) => named(wanted)?,
            None => temporary()?,
        };
        let directory = directory.canonicalize().map_err(|error| CliError::unreadable(&directory, &error))?;
        Ok(Self { directory, kept: wanted.is_some(), program })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) const fn is_kept(&self) -> bool {
        self.kept
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Makes a directory for its owner alone.
    pub(super) fn make(&self, name: &str) -> Result<(), Failure> {
        let made = DirBuilder::new().mode(0o700).recursive(true).create(self.path(name));
        made.map_err(|error| Failure::new(format!("{name}: {error}")))
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        fs::read(self.path(name)).map_err(|error| Failure::new(format!("{name}: {error}")))
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
        fs::write(self.path(name), bytes).map_err(|error| Failure::new(format!("{name}: {error}")))
    }

    /// Writes what only its owner may read.
    pub(super) fn write_secret(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        write_private(&self.path(name), bytes).map_err(|error| Failure::new(format!("{name}: {error}")))
    }

    /// This program, run in a directory of the demo, out of reach of the settings of whoever started it.
    pub(super) fn program(&self, place: &str) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.current_dir(self.path(place)).env_remove("BOB_AUTH_CONFIG").env_remove("SSLKEYLOGFILE");
        command.stdin(Stdio::null());
        command
    }

    /// Shows commands and runs them one after the other in a directory of the demo; `told` says what came of their standard
    /// outputs. What comes after ` > ` in a line is the file that its output is written into.
    pub(super) async fn run(
        &self,
        story: &mut Story,
        place: &str,
        lines: &[&str],
        told: impl FnOnce(&[String]) -> String,
    ) -> Result<Vec<String>, Failure> {
        let prompt = if place == HERE { "demo" } else { place };
        for line in lines {
            story.command(prompt, &format!("bob-auth {line}"));
        }
        let work = async {
            let mut all = Vec::new();
            for line in lines {
                let (words, file) = line.split_once(" > ").map_or((*line, None), |(words, file)| (words, Some(file)));
                let said = self.said(place, &words_of(words)).await?;
                if let Some(file) = file {
                    self.write(&format!("{place}/{file}"), &said)?;
                }
                all.push(said);
            }
            Ok(all)
        };
        story.step(&format!("bob-auth {}", lines.first().unwrap_or(&"")), work, |all| told(all)).await
    }

    /// Runs a command without a word.
    pub(super) async fn said(&self, place: &str, words: &[String]) -> Result<String, Failure> {
        let mut command = Command::from(self.program(place));
        let running = command.args(words).process_group(0).kill_on_drop(true).output();
        let output = tokio::time::timeout(PATIENCE, running).await??;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if output.status.success() {
            return Ok(text(output.stdout));
        }
        let said = text(output.stderr);
        Err(Failure::new(said.trim().trim_start_matches("bob-auth: ")))
    }

    /// Leaves nothing behind, unless somebody wanted to keep it.
    pub(super) fn clear(&self) -> Result<(), CliError> {
        if self.kept {
            return Ok(());
        }
        // A command that was cut short may still be writing its last file.
        let mut last = Ok(());
        for _ in 0..50 {
            last = match fs::remove_dir_all(&self.directory) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => return Ok(()),
            };
            std::thread::sleep(Duration::from_millis(20));
        }
        last.map_err(|error| CliError::new(format!("cannot be removed: {error}")).at(&self.directory))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // For an end that nobody foresaw; usually it is gone by now.
        let _ = self.clear();
    }
}

/// A directory that somebody named.
fn named(wanted: &Path) -> Result<PathBuf, CliError> {
    let refused = |what: &str| CliError::new(what).at(wanted).next("name a directory that does not exist yet");
    match fs::read_dir(wanted).map(|mut entries| entries.next()) {
        Ok(None) => Ok(wanted.to_owned()),
        Ok(_) => Err(refused("is not empty, and the demo overwrites nothing")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = DirBuilder::new().mode(0o700).recursive(true).create(wanted);
            made.map(|()| wanted.to_owned()).map_err(|error| refused(&format!("cannot be made: {error}")))
        }
        Err(error) => Err(refused(&format!("cannot be used: {error}"))),
    }
}

/// One that nobody else can have made.
fn temporary() -> Result<PathBuf, CliError> {
    let mut bytes = [0_u8; 6];
    randomness().fill(&mut bytes).map_err(|_| CliError::new("the system gives no randomness"))?;
    let name = bytes.iter().fold("bob-auth-demo-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    let path = std::env::temp_dir().join(name);
    DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
        CliError::new(format!("cannot be made: {error}")).at(&path).next("name another place with --dir or TMPDIR")
    })?;
    Ok(path)
}

/// The words of a command line, of which some may stand in quotation marks.
fn words_of(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_two_words_is_one_word_of_a_command() {
        assert_eq!(words_of("a --name \"Norra Trafiken\" b"), ["a", "--name", "Norra Trafiken", "b"]);
    }
}
