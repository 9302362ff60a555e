//! The tutorial as a reader types it: the commands of docs/tutorial.md in their order, in one shell, with the real programs. What the
//! page shows as output must come out, with `...` for what differs from run to run.

#![cfg(feature = "service")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what it calls")]

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tempfile::TempDir;

/// How long one command may take: the first builds what is not built yet.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long the page's "within a second" may take on a busy machine.
const EVENTUALLY: Duration = Duration::from_secs(20);

/// What is other here than on the page: where the programs are, and ports that are free.
fn replaced() -> Vec<(String, String)> {
    let programs = Path::new(env!("CARGO_BIN_EXE_bob-auth")).parent().unwrap().to_str().unwrap();
    let release = if programs.ends_with("release") { " --release" } else { "" };
    let [token, internal, partner] = free_ports();
    let table = [
        ("cargo build --locked", format!("cargo build --locked --offline{release}")),
        ("$PWD/target/debug", programs.to_owned()),
        (
            "init demo --pid 34",
            format!("init demo --pid 34 --listen 127.0.0.1:{token} --internal 127.0.0.1:{internal}"),
        ),
        ("https://localhost:8443", format!("https://localhost:{token}")),
        ("http://127.0.0.1:9090", format!("http://127.0.0.1:{internal}")),
        ("partner_api --keys", format!("partner_api --listen 127.0.0.1:{partner} --keys")),
        ("https://localhost:9000", format!("https://localhost:{partner}")),
    ];
    table.map(|(page, here)| (page.to_owned(), here)).to_vec()
}

/// Ports that nobody listens on, below those that the system hands out by itself: no other test gets one meanwhile.
fn free_ports() -> [u16; 3] {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let mut free = (first..32_000).filter(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    [(); 3].map(|()| free.next().unwrap())
}

/// Some commands, and what the page says of them.
struct Block {
    commands: Vec<String>,
    /// The last command fails.
    refused: bool,
    /// The last command is repeated until it ends as the page says.
    eventually: bool,
    output: Option<String>,
}

/// The fenced blocks of the page: commands, each with the output that follows it.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut words = info.split(' ');
        match words.next() {
            Some("sh") => {
                let commands = body.join("\n").replace("\\\n", " ").lines().map(str::to_owned).collect();
                let marks: Vec<&str> = words.collect();
                let (refused, eventually) = (marks.contains(&"refused"), marks.contains(&"eventually"));
                blocks.push(Block { commands, refused, eventually, output: None });
            }
            Some("text") => blocks.last_mut().unwrap().output = Some(body.join("\n")),
            other => panic!("a block of another kind, which nobody would check: {other:?}"),
        }
    }
    blocks
}

/// Whether the text is the pattern, in which `...` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split("...");
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// One shell for the whole page, with everything that it starts in a process group of its own.
struct Shell {
    child: Child,
    stdin: ChildStdin,
    directory: TempDir,
    count: usize,
    over: bool,
}

impl Shell {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut shell = Command::new("bash");
        // What cargo tells its tests about this package would make it build other packages anew.
        let told = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_TARGET_TMPDIR"];
        for (name, _) in std::env::vars_os() {
            if told.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                shell.env_remove(name);
            }
        }
        let mut child = shell
            .args(["--norc", "--noprofile"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("TMPDIR", directory.path())
            .env("no_proxy", "*")
            .env_remove("BOB_AUTH_CONFIG")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        Self { child, stdin, directory, count: 0, over: false }
    }

    fn group(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Runs one command to its end. Gives its exit status and what it wrote.
    fn run(&mut self, command: &str) -> (i32, String) {
        self.count += 1;
        let file = |name: &str| self.directory.path().join(format!("{name}.{}", self.count));
        let (output, ended, status) = (file("output"), file("ended"), file("status"));
        writeln!(
            self.stdin,
            "{{ {command}\n}} </dev/null >'{}' 2>&1\necho $? >'{}'; mv '{}' '{}'",
            output.display(),
            ended.display(),
            ended.display(),
            status.display()
        )
        .unwrap();
        let began = Instant::now();
        while !status.exists() {
            assert!(self.child.try_wait().unwrap().is_none(), "the shell ended at: {command}");
            assert!(began.elapsed() < PATIENCE, "{command}: no end after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(5));
        }
        let status = fs::read_to_string(&status).unwrap().trim().parse().unwrap();
        (status, fs::read_to_string(&output).unwrap())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Afterwards the number may be somebody else's.
        if !self.over {
            let _ = kill_process_group(self.group(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Runs the commands of a block and gives what they wrote, or says what is other than on the page.
fn run(shell: &mut Shell, block: &Block, expected: Option<&str>) -> Result<(), String> {
    let mut written = String::new();
    for (index, command) in block.commands.iter().enumerate() {
        let fails = block.refused && index + 1 == block.commands.len();
        let (status, output) = shell.run(command);
        written.push_str(&output);
        if (status == 1) != fails || status > 1 {
            return Err(format!("{command}\nended with {status}:\n{written}"));
        }
    }
    match expected {
        Some(expected) if !matches(expected, written.trim_end()) => {
            Err(format!("{}\nwrote\n{written}\nand the page says\n{expected}", block.commands.join("\n")))
        }
        _ => Ok(()),
    }
}

#[test]
fn every_command_of_the_tutorial_does_what_the_page_says() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md")).unwrap();
    let table = replaced();
    for (words, _) in &table {
        assert!(page.contains(words.as_str()), "the page does not say {words} any more");
    }
    let here = |text: &str| table.iter().fold(text.to_owned(), |text, (page, here)| text.replace(page, here));
    let mut shell = Shell::start();
    let blocks = blocks(&page);
    assert!(blocks.len() > 12, "only {} blocks were found", blocks.len());
    for mut block in blocks {
        block.commands = block.commands.iter().map(|command| here(command)).collect();
        let expected = block.output.as_deref().map(here);
        let began = Instant::now();
        loop {
            match run(&mut shell, &block, expected.as_deref()) {
                Ok(()) => break,
                Err(_) if block.eventually && began.elapsed() < EVENTUALLY => thread::sleep(Duration::from_millis(50)),
                Err(error) => panic!("{error}"),
            }
        }
    }
    // The page ends what it began: nobody but the shell is left in its group.
    let group = shell.group();
    shell.stdin.write_all(b"exit\n").unwrap();
    assert!(shell.child.wait().unwrap().success());
    assert!(test_kill_process_group(group).is_err(), "something that the page started still runs");
    shell.over = true;
}

#[test]
fn dots_stand_for_anything_and_nothing_else_does() {
    assert!(matches("a ... c", "a b c") && matches("...", "") && matches("a\n...\nd", "a\nb\nc\nd"));
    assert!(!matches("a ... c", "a b d") && !matches("a", "a b") && !matches("b", "a b"));
    assert!(matches("x...y...z", "x1y2z") && !matches("x...y...z", "x1z"));
}
