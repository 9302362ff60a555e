//! [`Language`]: how an example is started, and whether this machine can.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the examples are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Curl,
    Python,
    Node,
    Java,
}

impl Language {
    /// Whether it is installed. If not, says what is missing: the test has nothing to run then.
    pub(crate) fn is_here(self) -> bool {
        let missing = self.missing();
        if let Some(missing) = missing {
            let _ = writeln!(std::io::stdout(), "skipped: {missing} is not installed");
        }
        missing.is_none()
    }

    /// What is missing, if anything is.
    fn missing(self) -> Option<&'static str> {
        let (what, needs): (_, &[&[&str]]) = match self {
            // %header in --write-out came with 7.83.
            Self::Curl => {
                ("curl 7.83 with jq", &[&["jq", "--version"], &["curl", "-fsw%header{x}", "file:///dev/null"]])
            }
            Self::Python => ("python3 with requests", &[&["python3", "-c", "import requests"]]),
            Self::Node => {
                ("node 20", &[&["node", "-e", "process.exit(parseInt(process.versions.node, 10) < 20 ? 1 : 0)"]])
            }
            // Not every Java can compile.
            Self::Java => ("a JDK 17", &[&["javac", "--release", "17", "--version"], &["java", "--version"]]),
        };
        needs.iter().any(|words| !runs(words)).then_some(what)
    }

    /// The client, ready for its arguments. It ends after a minute, whatever it waits for.
    pub(crate) fn client(self) -> Command {
        let mut command = Command::new("timeout");
        command.arg("60").args(self.words()).arg(self.file("clients", "client", "Client"));
        clean(&mut command);
        command
    }

    /// The service behind a proxy, ready for its port.
    pub(crate) fn service(self) -> Command {
        self.other_service("service", "Service")
    }

    /// A service by the name of its file.
    pub(crate) fn other_service(self, name: &str, java_name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]).args(self.words()).arg(self.file("verifiers", name, java_name));
        clean(&mut command);
        command
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Curl => &["sh"],
            Self::Python => &["python3"],
            Self::Node => &["node"],
            // Short runs are not worth its second compiler.
            Self::Java => &["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
        }
    }

    fn file(self, kind: &str, name: &str, java_name: &str) -> PathBuf {
        let (directory, name) = match self {
            Self::Curl => ("curl", format!("{name}.sh")),
            Self::Python => ("python", format!("{name}.py")),
            Self::Node => ("node", format!("{name}.mjs")),
            Self::Java => ("java", format!("{java_name}.java")),
        };
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(kind).join(directory).join(name)
    }
}

fn runs(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Nothing of this test's own environment may lead them elsewhere, and they leave nothing beside their sources.
fn clean(command: &mut Command) {
    for name in
        ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "JDK_JAVA_OPTIONS", "NODE_OPTIONS"]
    {
        command.env_remove(name);
    }
    command.env("NO_PROXY", "*").env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
}
