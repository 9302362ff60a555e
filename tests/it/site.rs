//! [`Site`]: what an operator has on disk, in a directory of its own that goes when the test ends. Everything in it was
//! made by the program's own commands.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::examples;
use crate::process::until;

/// A directory that `bob-auth init` made, with free ports.
pub(crate) struct Site {
    directory: TempDir,
}

impl Site {
    /// As `init` makes it for participant 34, with every port left to the system.
    pub(crate) fn new() -> Self {
        let site = Self { directory: TempDir::new().unwrap() };
        let directory = site.path("site");
        let ports = ["--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"];
        let output = program().args(["init", directory.to_str().unwrap(), "--pid", "34"]).args(ports).output().unwrap();
        assert!(output.status.success(), "init: {}", String::from_utf8_lossy(&output.stderr));
        site.configure("[log]\nformat = 'json'\n[workers]\nthreads = 2\n[reload]\npoll_store = '100ms'");
        site
    }

    /// With validator37 (val), inspector5 (ins) and tvm8 (tvm), each with its certificate of keys-example.
    pub(crate) fn with_entities() -> Self {
        let site = Self::new();
        site.entity("validator37", "val", "validator37");
        site.entity("inspector5", "ins", "inspector5");
        site.entity("tvm8", "tvm", "rsa-tvm8");
        site
    }

    /// The same, with these settings.
    pub(crate) fn configured(toml: &str) -> Self {
        let site = Self::with_entities();
        site.configure(toml);
        site
    }

    /// A file in the site's parent directory, which the program knows nothing of.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file of the site.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path("site").join(name)
    }

    /// Writes these settings over those in config.toml.
    pub(crate) fn configure(&self, toml: &str) {
        let file = self.file("config.toml");
        let mut config: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
        merge(&mut config, toml.parse().unwrap());
        // Whole or not at all, for a service that is watching.
        let new = self.path("config.new");
        fs::write(&new, config.to_string()).unwrap();
        fs::set_permissions(&new, fs::metadata(&file).unwrap().permissions()).unwrap();
        fs::rename(new, file).unwrap();
    }

    /// The program with these arguments, for this site.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments).arg("--config").arg(self.file("config.toml"));
        command
    }

    /// Runs a command, whatever comes of it.
    pub(crate) fn try_run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.try_run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must succeed; the JSON that it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?} printed no JSON: {text}"))
    }

    /// Adds an entity with a certificate of keys-example.
    pub(crate) fn entity(&self, id: &str, class: &str, certificate: &str) {
        self.run(&["entity", "add", id, "--class", class]);
        self.enrol(id, certificate);
    }

    /// Enrols a certificate of keys-example.
    pub(crate) fn enrol(&self, id: &str, certificate: &str) {
        self.run(&["cert", "enrol", id, &example_file(certificate), "--allow-weak"]);
    }

    /// The audit rows of token requests, oldest first, once there are `count` of them.
    pub(crate) fn token_audit(&self, count: usize) -> Vec<Value> {
        self.audit_of("token.issue", count)
    }

    /// The audit rows with this action, oldest first, once there are `count` of them.
    pub(crate) fn audit_of(&self, action: &str, count: usize) -> Vec<Value> {
        until("the audit rows are written", || {
            let answer = self.json(&["audit", "list", "--action", action, "--limit", "1000"]);
            let mut rows = answer["items"].as_array().unwrap().clone();
            rows.reverse();
            (rows.len() >= count).then_some(rows)
        })
    }

    /// The reasons in the audit rows of token requests, oldest first; those of tokens issued are `"issued"`.
    pub(crate) fn reasons(&self, count: usize) -> Vec<String> {
        let reason = |row: &Value| row["reason"].as_str().unwrap_or_else(|| row["result"].as_str().unwrap()).to_owned();
        self.token_audit(count).iter().map(reason).collect()
    }

    /// A copy of a key of keys-example that nobody else can read; certificate and key, for curl.
    pub(crate) fn copy_of(&self, name: &str) -> (String, String) {
        let copy = |ending: &str| {
            let to = self.path(&format!("{}.{ending}", name.replace('/', "-")));
            fs::copy(examples().join(format!("{name}.{ending}")), &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
            to.to_str().unwrap().to_owned()
        };
        (copy("pem"), copy("key"))
    }
}

/// The program, with nothing of this test's own environment that could change what it does.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    command.env_remove("BOB_AUTH_CONFIG");
    command
}

/// The file of a certificate of keys-example.
pub(crate) fn example_file(name: &str) -> String {
    examples().join(format!("{name}.pem")).to_str().unwrap().to_owned()
}

/// Puts these settings over those.
pub(crate) fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => merge(inner, value),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// Changes the mode of a file.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
