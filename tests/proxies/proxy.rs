//! [`Proxy`]: a real proxy in a directory of its own, with exactly what `bob-auth proxy-config` prints and the least that it
//! needs besides to run by itself. It is ended when the value goes.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::examples;
use crate::ports::free_address;
use crate::process::{until, within};
use crate::site::program;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Apache,
}

/// What is behind it. Nobody listens where nothing is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behind {
    /// An address, or `unix:PATH`.
    pub(crate) verifier: Option<String>,
    pub(crate) upstream: Option<SocketAddr>,
    pub(crate) token_service: Option<SocketAddr>,
    /// What is written otherwise than `bob-auth proxy-config` prints it, in the configuration or its Lua.
    pub(crate) changes: Vec<(&'static str, &'static str)>,
}

/// A running proxy.
pub(crate) struct Proxy {
    child: Child,
    directory: TempDir,
    pub(crate) address: SocketAddr,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Apache => "apache",
        }
    }

    /// What the file says must stand in the table of the listener behind it: `of_verifier` in `[listener.verify]`, else in
    /// `[listener.behind_proxy]`.
    pub(crate) fn listener(self, of_verifier: bool) -> String {
        let text = printed(&[self.name()]);
        let shown = text.lines().filter_map(|line| {
            Some(line.trim_start().trim_start_matches('#').trim_start()).filter(|_| line.contains('#'))
        });
        let table = if of_verifier { "[listener.verify]" } else { "[listener.behind_proxy]" };
        let keys = |line: &&str| {
            ["trusted_peers", "original_request", "fingerprint_header", "certificate_"]
                .iter()
                .any(|key| line.starts_with(key))
        };
        let wanted = |line: &&str| keys(line) && (of_verifier || !line.starts_with("original_request"));
        let mut lines: Vec<&str> = shown.filter(wanted).collect();
        lines.sort_unstable();
        lines.dedup();
        format!("{table}\nlisten = '127.0.0.1:0'\n{}\n", lines.join("\n"))
    }
}

/// What the program prints.
fn printed(arguments: &[&str]) -> String {
    let output = program().arg("proxy-config").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Proxy {
    /// Starts it and waits until it listens.
    pub(crate) fn start(kind: Kind, behind: &Behind) -> Self {
        let directory = TempDir::new().unwrap();
        // Workers that are not root look into it.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let address = free_address();
        let main = write_files(kind, behind, address, directory.path());
        let log = File::create(directory.path().join("log")).unwrap();
        // If this process is killed the proxy is told to end too.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]).args(words(kind, &main));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:/usr/sbin", path.to_string_lossy()));
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut proxy = Self { child, directory, address };
        until("the proxy listens", || {
            let ended = proxy.child.try_wait().unwrap();
            assert!(ended.is_none(), "{kind:?} ended at once; scripts/setup --for test installs it\n{}", proxy.log());
            TcpStream::connect(address).ok()
        });
        proxy
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.directory.path().join("log")).unwrap()).into_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Killed at once, nginx and Apache would leave their workers behind.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        if within(Duration::from_secs(10), || self.child.try_wait().ok().flatten()).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if thread::panicking() {
            let _ = writeln!(std::io::stderr(), "--- log of the proxy ---\n{}", self.log());
        }
    }
}

/// The file that it starts with.
fn write_files(kind: Kind, behind: &Behind, listen: SocketAddr, directory: &Path) -> PathBuf {
    let file = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    for (from, to) in [("server.pem", "server.pem"), ("server.key", "server.key"), ("server.key", "server.pem.key")] {
        fs::copy(examples().join(from), file(to)).unwrap();
    }
    let nobody = "127.0.0.1:9".to_owned();
    let verifier = behind.verifier.clone().unwrap_or_else(|| nobody.clone());
    let upstream = behind.upstream.map_or(nobody, |address| address.to_string());
    let token_service = behind.token_service.map(|address| address.to_string());
    let (certificate, key, lua, listen) = (file("server.pem"), file("server.key"), file("bob.lua"), listen.to_string());
    let mut arguments = vec![kind.name(), "--listen", &listen, "--verifier", &verifier];
    arguments.extend(["--upstream", &upstream, "--certificate", &certificate]);
    if let Some(token_service) = &token_service {
        arguments.extend(["--token-service", token_service]);
    }
    if kind != Kind::Haproxy {
        arguments.extend(["--private-key", &key]);
    }
    if kind != Kind::Nginx {
        arguments.extend(["--lua", &lua]);
    }
    let lua_text = match kind {
        Kind::Nginx => String::new(),
        _ => printed(&[&format!("{}-lua", kind.name()), "--verifier", &verifier]),
    };
    let (mut text, mut lua_text) = (printed(&arguments), lua_text);
    for (from, to) in &behind.changes {
        assert!(text.contains(from) || lua_text.contains(from), "{kind:?}: nothing to change: {from}");
        text = text.replace(from, to);
        lua_text = lua_text.replace(from, to);
    }
    fs::write(&lua, lua_text).unwrap();
    fs::write(file("bob-auth.conf"), text).unwrap();
    let main = match kind {
        Kind::Haproxy => return file("bob-auth.conf").into(),
        Kind::Nginx => nginx_around(directory),
        Kind::Apache => apache_around(directory),
    };
    fs::write(file("main.conf"), main).unwrap();
    file("main.conf").into()
}

/// `events` and `http`, and no file outside of the directory.
fn nginx_around(directory: &Path) -> String {
    let directory = directory.display();
    let user = if rustix::process::getuid().is_root() { "user root;" } else { "" };
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("    {name}_temp_path {directory}/{name};\n")).concat();
    format!(
        "daemon off;\n{user}\nworker_processes 1;\npid {directory}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n    \
         access_log off;\n{temporary}    include {directory}/bob-auth.conf;\n}}\n"
    )
}

/// The modules, and no file outside of the directory.
fn apache_around(directory: &Path) -> String {
    let directory = directory.display();
    let modules = ["mpm_event", "authz_core", "ssl", "headers", "proxy", "proxy_http", "lua"];
    let load = |name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    let modules = modules.map(load).concat();
    format!(
        "ServerRoot {directory}\nServerName localhost\nPidFile {directory}/pid\nErrorLog /dev/stderr\n\
         Mutex file:{directory} default\nUser nobody\nGroup nogroup\nStartServers 1\n{modules}\
         Include {directory}/bob-auth.conf\n"
    )
}

fn words(kind: Kind, main: &Path) -> Vec<String> {
    let main = main.to_str().unwrap().to_owned();
    let words: &[&str] = match kind {
        Kind::Nginx => &["nginx", "-e", "stderr", "-c"],
        Kind::Haproxy => &["haproxy", "-db", "-f"],
        Kind::Apache => &["apache2", "-DFOREGROUND", "-f"],
    };
    words.iter().map(|&word| word.to_owned()).chain([main]).collect()
}
