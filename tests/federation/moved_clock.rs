//! [`MovedClock`]: the calendar of one machine, which is set while programs run. It is libfaketime's: what a program reads
//! of the calendar is moved, and the clock that nobody sets goes on as it is.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// The clock of the machine that a program runs on.
pub(crate) struct MovedClock {
    directory: TempDir,
    library: PathBuf,
}

impl MovedClock {
    /// Right, until it is set.
    pub(crate) fn new() -> Self {
        let libraries = std::fs::read_dir("/usr/lib").unwrap().flatten();
        let mut libraries = libraries.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
        let library = libraries.find(|library| library.exists());
        let library = library.expect("scripts/setup --for test installs libfaketime");
        let clock = Self { directory: TempDir::new().unwrap(), library };
        clock.set(0);
        clock
    }

    /// Sets it so many seconds before or behind the right time.
    pub(crate) fn set(&self, seconds: i64) {
        // Whole or not at all, for a program that reads it at every look at the clock.
        let new = self.directory.path().join("new");
        std::fs::write(&new, format!("{seconds:+}")).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// Has this program read it.
    pub(crate) fn shown_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("offset")
    }
}
