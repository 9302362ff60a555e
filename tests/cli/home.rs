//! A directory with a service in it, and the program run there as a user would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A service in a directory of its own.
pub(crate) struct Home {
    directory: TempDir,
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// With a service of participant 34 in `svc`, on ports that the system chooses.
    pub(crate) fn with_service() -> Self {
        let home = Self::empty();
        home.done(&["init", "svc", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"]);
        home
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(below)
    }

    /// The command, ready to run.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
        command
            .args(words)
            .current_dir(self.directory.path())
            .env("BOB_AUTH_CONFIG", "svc/config.toml")
            .env("USER", "tester")
            .env_remove("SUDO_USER")
            .env_remove("COLUMNS")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        said(&self.command(words).output().unwrap())
    }

    /// Runs what must succeed.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(said.code, 0, "{words:?}: {}{}", said.stdout, said.stderr);
        said.stdout
    }

    /// Runs what must fail, and gives what it says of that.
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(said.code, 1, "{words:?}: {}{}", said.stdout, said.stderr);
        assert!(!said.stderr.is_empty(), "{words:?} failed without a word");
        said.stderr
    }

    /// Runs what must succeed, and reads its JSON.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let words = [words, &["--output", "json"]].concat();
        serde_json::from_str(&self.done(&words)).unwrap()
    }
}

pub(crate) fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// A file of the example keys.
pub(crate) fn example(name: &str) -> String {
    format!("{}/keys-example/{name}", env!("CARGO_MANIFEST_DIR"))
}
