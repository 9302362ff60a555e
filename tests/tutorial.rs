//! Pages as a reader types them, the tutorial above all: their commands in their order, in one shell, with the real programs. What a
//! page shows as output must come out, with `...` for what differs from run to run.

#![cfg(feature = "service")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what it calls")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tempfile::TempDir;

#[path = "it/ports.rs"]
mod ports;

use ports::free_address;

/// How long one command may take: the first builds what is not built yet.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long the page's "within a second" may take on a busy machine.
const EVENTUALLY: Duration = Duration::from_secs(20);

/// What is other here than on a page, for all that it says.
struct Table(Vec<(&'static str, String)>);

impl Table {
    fn here(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (page, here)| text.replace(page, here))
    }

    /// None of it is about words that the page does not say any more.
    fn check(&self, page: &str) {
        for (words, _) in &self.0 {
            assert!(page.contains(words), "the page does not say {words} any more");
        }
    }
}

/// Where the programs are, and ports that are free.
fn for_the_tutorial() -> Table {
    let programs = programs();
    let release = if programs.ends_with("release") { " --release" } else { "" };
    let [token, internal, partner] = [(); 3].map(|()| free_address().port());
    Table(vec![
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
    ])
}

fn programs() -> &'static str {
    Path::new(env!("CARGO_BIN_EXE_bob-auth")).parent().unwrap().to_str().unwrap()
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

impl Shell {
    /// Runs what must succeed.
    fn done(&mut self, command: &str) {
        let (status, output) = self.run(command);
        assert_eq!(status, 0, "{command}: {output}");
    }

    /// Runs a block, again and again where the page says that it takes a moment.
    fn block(&mut self, block: &Block, table: &Table) {
        let commands: Vec<String> = block.commands.iter().map(|command| table.here(command)).collect();
        let expected = block.output.as_deref().map(|output| table.here(output));
        let began = Instant::now();
        loop {
            match self.attempt(block, &commands, expected.as_deref()) {
                Ok(()) => return,
                Err(_) if block.eventually && began.elapsed() < EVENTUALLY => thread::sleep(Duration::from_millis(50)),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Runs the commands of a block, or says what is other than on the page.
    fn attempt(&mut self, block: &Block, commands: &[String], expected: Option<&str>) -> Result<(), String> {
        let mut written = String::new();
        for (index, command) in commands.iter().enumerate() {
            let fails = block.refused && index + 1 == commands.len();
            let (status, output) = self.run(command);
            written.push_str(&output);
            if (status == 1) != fails || status > 1 {
                return Err(format!("{command}\nended with {status}:\n{written}"));
            }
        }
        match expected {
            Some(expected) if !matches(expected, written.trim_end()) => {
                Err(format!("{}\nwrote\n{written}\nand the page says\n{expected}", commands.join("\n")))
            }
            _ => Ok(()),
        }
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

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

#[test]
fn every_command_of_the_tutorial_does_what_the_page_says() {
    let (page, table) = (page("tutorial.md"), for_the_tutorial());
    table.check(&page);
    let mut shell = Shell::start();
    let blocks = blocks(&page);
    assert!(blocks.len() > 12, "only {} blocks were found", blocks.len());
    for block in &blocks {
        shell.block(block, &table);
    }
    // The page ends what it began: nobody but the shell is left in its group.
    let group = shell.group();
    shell.stdin.write_all(b"exit\n").unwrap();
    assert!(shell.child.wait().unwrap().success());
    assert!(test_kill_process_group(group).is_err(), "something that the page started still runs");
    shell.over = true;
}

#[test]
fn a_store_that_is_restored_as_the_page_says_serves_although_the_service_was_killed() {
    let page = page("how-to/back-up.md");
    let mut shell = Shell::start();
    let root = shell.directory.path().to_str().unwrap().to_owned();
    let [token, internal] = [(); 2].map(|()| free_address().port());
    let table = Table(vec![
        ("/var/lib/bob-auth", format!("{root}/bob-auth")),
        ("/backup", format!("{root}/backup")),
        ("http://127.0.0.1:9090", format!("http://127.0.0.1:{internal}")),
    ]);
    table.check(&page);
    shell.done(&format!("export PATH='{}':$PATH BOB_AUTH_CONFIG='{root}/bob-auth/config.toml'", programs()));
    let listen = format!("--listen 127.0.0.1:{token} --internal 127.0.0.1:{internal}");
    shell.done(&format!("bob-auth init '{root}/bob-auth' --pid 34 {listen}"));
    shell.done("bob-auth entity add validator37 --class val; bob-auth entity add validator38 --class val");
    shell.done(&format!("bob-auth cert issue validator37 --out '{root}'"));
    let serve = format!("bob-auth serve 2>>'{root}/service.log' & service=$!");
    let ready =
        format!("curl -s --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:{internal}/health/ready");
    shell.done(&serve);
    shell.done(&ready);

    let blocks = blocks(&page);
    let (copy, restore) = blocks.split_first().unwrap();
    shell.block(copy, &table);
    let copied = fs::metadata(format!("{root}/backup/monday/bob-auth.sqlite")).unwrap();
    assert_eq!(copied.permissions().mode() & 0o777, 0o600, "the copy is for nobody else");
    // Much that the copy does not know, and a crash that leaves it in the `-wal`.
    shell.done("bob-auth entity suspend validator38");
    shell.done("for i in $(seq 60); do bob-auth entity add later$i --class val || break; done");
    shell.done("kill -KILL $service; wait $service || true");
    assert!(fs::metadata(format!("{root}/bob-auth/bob-auth.sqlite-wal")).unwrap().len() > 0);
    for block in restore {
        shell.block(block, &table);
    }
    let files =
        format!("--cert '{root}/validator37.pem' --key '{root}/validator37.key' --ca '{root}/bob-auth/tls/ca.pem'");
    shell.done(&format!("bob-auth token get https://localhost:{token} validator37 {files}"));
    let (status, entities) =
        shell.run("bob-auth entity list --output json | jq -c '[.items[] | .id + \" \" + .state]'");
    assert_eq!((status, entities.trim()), (0, r#"["validator37 active","validator38 suspended"]"#));
}

#[test]
fn dots_stand_for_anything_and_nothing_else_does() {
    assert!(matches("a ... c", "a b c") && matches("...", "") && matches("a\n...\nd", "a\nb\nc\nd"));
    assert!(!matches("a ... c", "a b d") && !matches("a", "a b") && !matches("b", "a b"));
    assert!(matches("x...y...z", "x1y2z") && !matches("x...y...z", "x1z"));
}
