//! [`Processes`]: the servers of the demo. Each has a log of its own; one that ends by itself is noticed; all of them end with
//! this value, however that comes about.

use std::cell::RefCell;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tokio::time::sleep;

use super::failure::Failure;
use super::path::installed;
use crate::config::environment;

/// Those that run, in the order in which they were started.
pub(super) struct Processes {
    running: RefCell<Vec<Process>>,
    /// What has a server end with the demo, also if that is killed.
    leash: Option<PathBuf>,
}

/// One of them, with those that it has started itself in its group.
struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    told: bool,
    /// It has begun its work: from now on its end is a failure.
    at_work: bool,
}

/// How long a server may take until it is ready.
const START: Duration = Duration::from_secs(30);
/// How long one may take to end in order.
const END: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);
const PDEATHSIG: [&str; 2] = ["--pdeathsig", "TERM"];
/// So many lines of a log are shown.
const LINES: usize = 6;
/// What nobody needs of them here.
const LEFT_OUT: [&str; 9] =
    ["level", "message", "timestamp", "target", "method", "version", "source", "micros", "sha1"];

impl Processes {
    pub(super) fn new() -> Self {
        let path = environment("PATH").unwrap_or_default();
        Self { running: RefCell::default(), leash: installed("setpriv", &path).filter(|program| holds(program)) }
    }

    /// Starts a server that writes its log into this file.
    pub(super) fn start(&self, name: &str, command: Command, log: &Path) -> Result<u32, Failure> {
        let file = File::create(log)?;
        let mut command = match &self.leash {
            Some(leash) => behind(leash, &command),
            None => command,
        };
        // Of a group of its own: Ctrl-C is for the demo alone, which ends the others in their order.
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = command.spawn().map_err(|error| Failure::new(format!("{name} does not start: {error}")))?;
        let pid = child.id();
        let process = Process { name: name.to_owned(), child, log: log.to_owned(), told: false, at_work: false };
        self.running.borrow_mut().push(process);
        Ok(pid)
    }

    /// Waits until `look` finds something, which means that this server is ready.
    pub(super) async fn ready<T>(&self, name: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T, Failure> {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                self.of(name, |process| process.at_work = true)?;
                return Ok(found);
            }
            let ended = self.of(name, Process::ended)?;
            if ended.is_some() || began.elapsed() > START {
                let what =
                    ended.map_or_else(|| "is not ready in time".to_owned(), |how| format!("ended at once: {how}"));
                let end = self.of(name, |process| end_of(&process.log))?;
                self.stop(name);
                return Err(Failure::new(format!("{name} {what}")).with_log(name, end));
            }
            sleep(LOOK).await;
        }
    }

    /// Waits for the URL at which this listener of a server of ours listens, and for the last one that it opens.
    pub(super) async fn listening(&self, name: &str, listener: &str) -> Result<String, Failure> {
        self.ready(name, async || {
            self.url(name, "internal")?;
            self.url(name, listener)
        })
        .await
    }

    /// Where this listener listens, as the log of the server says.
    pub(super) fn url(&self, name: &str, listener: &str) -> Option<String> {
        let is_it = |line: &Value| line["message"] == "listening" && line["listener"] == listener;
        self.lines(name).into_iter().find(is_it).and_then(|line| Some(line["url"].as_str()?.to_owned()))
    }

    /// The log of a server of ours, as far as it is JSON.
    pub(super) fn lines(&self, name: &str) -> Vec<Value> {
        let text = self.of(name, |process| fs::read_to_string(&process.log).unwrap_or_default()).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for the first that ends without being told to.
    pub(super) async fn lost(&self) -> Failure {
        loop {
            for process in self.running.borrow_mut().iter_mut().filter(|process| process.at_work && !process.told) {
                if let Some(how) = process.ended() {
                    let failure = Failure::new(format!("{} ended by itself: {how}", process.name));
                    return failure.with_log(&process.name, end_of(&process.log));
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// With the end of this server's log, if no other one is told and it runs.
    pub(super) fn with_log(&self, failure: Failure, name: &str) -> Failure {
        match self.of(name, |process| end_of(&process.log)) {
            Ok(end) if failure.log.is_none() => failure.with_log(name, end),
            _ => failure,
        }
    }

    /// Ends one of them.
    pub(super) fn stop(&self, name: &str) {
        self.running.borrow_mut().retain_mut(|process| {
            let goes = process.name == name;
            if goes {
                process.stop();
            }
            !goes
        });
    }

    /// Ends them all, the last one first, and says how many there were.
    pub(super) fn stop_all(&self) -> usize {
        let mut running = self.running.borrow_mut();
        running.iter_mut().rev().for_each(Process::tell);
        running.iter_mut().rev().for_each(Process::stop);
        let count = running.len();
        running.clear();
        count
    }

    fn of<T>(&self, name: &str, look: impl FnOnce(&mut Process) -> T) -> Result<T, Failure> {
        let mut running = self.running.borrow_mut();
        let process = running.iter_mut().find(|process| process.name == name);
        process.map(look).ok_or_else(|| Failure::new(format!("{name} does not run")))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop_all();
    }
}

impl Process {
    /// How it ended, if it has.
    fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// SIGTERM.
    fn tell(&mut self) {
        if !self.told && self.ended().is_none() {
            // It may end at this very moment.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        self.told = true;
    }

    /// Waits for its end; whoever does not come to it is killed, with everybody in its group.
    fn stop(&mut self) {
        self.tell();
        let began = Instant::now();
        while self.ended().is_none() {
            if began.elapsed() > END {
                let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
                let _ = self.child.wait();
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Whether this program knows how to send a signal when the one who started it is gone; some of its name do not.
fn holds(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(PDEATHSIG).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The same command, run by `leash`, which becomes it.
fn behind(leash: &Path, command: &Command) -> Command {
    let mut leashed = Command::new(leash);
    leashed.args(PDEATHSIG).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => leashed.env(name, value),
            None => leashed.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        leashed.current_dir(directory);
    }
    leashed
}

/// The last lines of a log. One of ours is told without what nobody needs here.
fn end_of(log: &Path) -> Vec<String> {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(LINES)).map(|line| plain(line)).collect()
}

fn plain(line: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else { return line.to_owned() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let first = ["level", "message"].iter().filter_map(|name| fields.get(*name)).map(text);
    let rest = fields.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
    first.chain(rest.map(|(name, value)| format!("{name}={}", text(value)))).collect::<Vec<_>>().join(" ")
}
