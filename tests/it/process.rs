//! [`Service`]: a running `bob-auth serve`, its addresses, its log, its signals and its end. Nothing of it outlives the
//! test: the process is killed when the value goes.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::client::{self, Answer};
use crate::site::Site;

/// How long anything that must happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running service.
pub(crate) struct Service {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// Looks again and again until `look` finds something; fails the test after [`PATIENCE`].
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("waited {PATIENCE:?} in vain: {what}"))
}

/// Looks again and again until `look` finds something, for so long at most.
pub(crate) fn within<T>(bound: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if began.elapsed() > bound {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

impl Service {
    /// Starts the service of this site and waits until it listens everywhere.
    pub(crate) fn start(site: &Site) -> Self {
        Self::spawn(&mut site.command(&["serve"]))
    }

    /// Starts the service by this command.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().unwrap();
        let lines = Arc::clone(&log);
        thread::spawn(move || collect(stderr, &lines));
        let mut service = Self { child, log };
        // The internal listener is opened last.
        until("the service listens", || {
            let ended = service.child.try_wait().unwrap();
            assert!(ended.is_none(), "the service ended at once: {}", service.log_text());
            service.url("internal")
        });
        service
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the first socket of this listener is, as the service itself says.
    pub(crate) fn url(&self, listener: &str) -> Option<String> {
        let line =
            self.lines().into_iter().find(|line| line["message"] == "listening" && line["listener"] == listener)?;
        Some(line["url"].as_str().unwrap().to_owned())
    }

    /// The address of a TCP listener.
    pub(crate) fn address(&self, listener: &str) -> SocketAddr {
        let url = self.url(listener).unwrap_or_else(|| panic!("there is no listener {listener}"));
        url.split_once("://").unwrap().1.parse().unwrap()
    }

    /// The address of the token listener.
    pub(crate) fn token(&self) -> SocketAddr {
        self.address("token")
    }

    /// The log so far, line by line as JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let log = self.log.lock().unwrap().clone();
        log.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// The log so far as it was written.
    pub(crate) fn log_text(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Waits until the log has these words. What a metric or an answer shows may be written a moment later.
    pub(crate) fn until_logged(&self, words: &str) {
        let written = within(PATIENCE, || self.log_text().contains(words).then_some(()));
        assert!(written.is_some(), "not in the log after {PATIENCE:?}: {words}\n{}", self.log_text());
    }

    /// The access lines so far.
    pub(crate) fn access_lines(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["target"] == "access").collect()
    }

    /// `GET` at the internal listener.
    pub(crate) fn internal(&self, path: &str) -> Answer {
        client::plain(self.address("internal"), &client::get(path))
    }

    /// The value of a metric, labels and all; zero if it has not been counted yet.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.internal("/metrics").text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// The sum over all labels of a metric.
    pub(crate) fn metric_sum(&self, name: &str) -> f64 {
        let text = self.internal("/metrics").text();
        let lines =
            text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        until("the service ends", || self.child.try_wait().unwrap())
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let _ = writeln!(std::io::stderr(), "--- log of the service ---\n{}", self.log_text());
        }
    }
}

fn collect(stderr: impl Read, lines: &Mutex<Vec<String>>) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { return };
        lines.lock().unwrap().push(line);
    }
}
