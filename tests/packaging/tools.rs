//! Programs of the system that check what is for them: whether they are here, and what they say.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// Whether a command is installed; if not, says on standard output what is left out.
pub(crate) fn installed(tool: &str, what: &str) -> bool {
    let found = found(tool);
    if !found {
        skipped(what, &format!("{tool} is not installed"));
    }
    found
}

/// Whether a command is installed.
pub(crate) fn found(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// Says what is left out, and why.
#[expect(clippy::print_stdout, reason = "who reads the tests' output wants to know what did not run")]
pub(crate) fn skipped(what: &str, why: &str) {
    println!("skipped: {what}: {why}");
}

/// Runs it; gives whether it succeeded, and both outputs in one.
pub(crate) fn run(tool: &str, words: &[impl AsRef<OsStr>]) -> (bool, String) {
    ended(Command::new(tool).args(words))
}

/// Runs it; gives whether it succeeded, and both outputs in one.
pub(crate) fn ended(command: &mut Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Runs what must succeed, and gives what it said.
pub(crate) fn done(command: &mut Command) -> String {
    let (success, said) = ended(command);
    assert!(success, "{command:?}: {said}");
    said
}
