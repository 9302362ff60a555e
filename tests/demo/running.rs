//! [`Demo`]: a demo that runs, what it says, and what it leaves.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a whole story may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A demo, and its lines so far. It is ended with this value.
pub(crate) struct Demo {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// A demo that is over.
pub(crate) struct Over {
    pub(crate) code: Option<i32>,
    pub(crate) lines: Vec<String>,
    pub(crate) stderr: String,
}

/// The program, asked for a demo, with the temporary directory of tests.
pub(crate) fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    command.arg("demo").args(arguments).env_remove("BOB_AUTH_CONFIG").env_remove("NO_COLOR");
    command
}

impl Demo {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, lines) = (child.stdout.take().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let into = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                into.lock().unwrap().push(line);
            }
        });
        Self { child, lines, reader: Some(reader) }
    }

    /// The lines so far.
    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The events so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        events(&self.lines())
    }

    /// Waits for an event.
    pub(crate) fn until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            if let Some(event) = self.events().into_iter().find(|event| is_it(event)) {
                return event;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended ({ended:?}) before {what}: {:#?}", self.lines());
            assert!(began.elapsed() < PATIENCE, "waited in vain: {what}: {:#?}", self.lines());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until this chapter begins.
    pub(crate) fn until_step(&mut self, number: u64) {
        self.until("the step begins", |event| event["event"] == "begin" && event["step"] == number);
    }

    /// Where it takes place.
    pub(crate) fn directory(&mut self) -> PathBuf {
        let start = self.until("it starts", |event| event["event"] == "start");
        PathBuf::from(start["directory"].as_str().unwrap())
    }

    /// The servers so far: their names and process ids.
    pub(crate) fn servers(&self) -> Vec<(String, i32)> {
        let events = self.events().into_iter().filter(|event| event["event"] == "process");
        events
            .map(|event| {
                (event["name"].as_str().unwrap().to_owned(), i32::try_from(event["pid"].as_i64().unwrap()).unwrap())
            })
            .collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn over(mut self) -> Over {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if began.elapsed() > PATIENCE => panic!("it does not end: {:#?}", self.lines()),
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        self.reader.take().unwrap().join().unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Over { code: status.code(), lines: self.lines(), stderr }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal(Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

impl Over {
    pub(crate) fn events(&self) -> Vec<Value> {
        events(&self.lines)
    }

    /// The one event of this kind.
    pub(crate) fn event(&self, kind: &str) -> Value {
        let found: Vec<Value> = self.events().into_iter().filter(|event| event["event"] == kind).collect();
        assert_eq!(found.len(), 1, "{kind}: {:#?}", self.lines);
        found[0].clone()
    }

    /// All attacks, each with status and reason as it was refused.
    pub(crate) fn refusals(&self) -> Vec<(Value, String)> {
        let refusals = self.events().into_iter().filter(|event| event["event"] == "refusal");
        refusals
            .map(|event| {
                assert_eq!(event["as_expected"], true, "{event}");
                assert_eq!(
                    (&event["status"], &event["reason"]),
                    (&event["expected"]["status"], &event["expected"]["reason"])
                );
                (event["status"].clone(), event["reason"].as_str().unwrap().to_owned())
            })
            .collect()
    }
}

/// Each line is an object of JSON.
fn events(lines: &[String]) -> Vec<Value> {
    let read = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    lines.iter().map(read).collect()
}

/// The processes at work in this directory: every server of a demo is, and whatever it has started itself.
pub(crate) fn at_work_in(directory: &Path) -> Vec<String> {
    let of = |name: &str, pid: &Path| fs::read_link(pid.join(name)).unwrap_or_default();
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let there = processes.filter(|pid| of("cwd", pid).to_string_lossy().starts_with(&*directory.to_string_lossy()));
    there.map(|pid| format!("{} {}", pid.display(), of("exe", &pid).display())).collect()
}

/// Nothing of it is left but what was to be kept.
pub(crate) fn assert_nothing_left(directory: &Path, servers: &[(String, i32)], kept: bool) {
    assert_eq!(at_work_in(directory), Vec::<String>::new());
    assert_eq!(directory.exists(), kept, "{}", directory.display());
    for (name, pid) in servers {
        let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        // The system may have given the number to somebody else by now.
        let is_it =
            exe.ends_with("bob-auth") && fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap().contains(name);
        assert!(!is_it, "{name} ({pid}) still runs");
    }
}
