//! [`Run`]: a client of the examples that has run to its end, and [`Behind`]: a service of the examples that runs.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::client::examples;
use crate::language::Language;
use crate::process::within;
use crate::site::Site;

/// How it ended and what it said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Who calls, and whom.
pub(crate) struct Call<'a> {
    pub(crate) site: &'a Site,
    /// Of keys-example.
    pub(crate) certificate: &'a str,
    /// Which CA the authentication service is believed by.
    pub(crate) ca: String,
    pub(crate) auth_url: String,
    pub(crate) entity: &'a str,
    pub(crate) partner_url: String,
}

impl Call<'_> {
    /// Runs the client with these options besides.
    pub(crate) fn run(&self, language: Language, options: &[&str]) -> Run {
        let (certificate, key) = self.site.copy_of(self.certificate);
        let cache = self.site.path(&format!("{}.token", self.certificate));
        let mut command = language.client();
        command.args(["--cert", &certificate, "--key", &key, "--ca", &self.ca]);
        command.arg("--partner-ca").arg(examples().join("ca.pem"));
        if language == Language::Curl {
            command.arg("--cache").arg(cache);
        }
        command.args(options).args([&self.auth_url, self.entity, &self.partner_url]);
        Run::of(&mut command)
    }
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        // Ended by a signal it has no code.
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Neither on the screen nor in the log.
    pub(crate) fn assert_silent_about(&self, secret: &str) {
        let signature = secret.rsplit('.').next().unwrap();
        assert!(!self.out.contains(signature) && !self.err.contains(signature), "a secret was shown: {self:?}");
    }
}

/// A service at a port of its own, until the value goes.
pub(crate) struct Behind {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Behind {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.arg("0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening at ").and_then(|url| url.split_once("://"));
        let (_, address) = address.unwrap_or_else(|| panic!("it does not say where it listens: {line}"));
        Self { address: address.parse().unwrap(), child }
    }

    /// SIGTERM, and the exit code; a shell's when it was the signal.
    pub(crate) fn stop(&mut self) -> i32 {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let status =
            within(Duration::from_secs(20), || self.child.try_wait().unwrap()).expect("it ends when it is told");
        status.code().unwrap_or(-1)
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
