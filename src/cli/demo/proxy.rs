//! The proxy before the partner API: nginx or HAProxy where one is installed, with a configuration of its own and no path outside
//! the demo's directory; else none, and TLS ends in the API itself.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

use clap::ValueEnum;
use tokio::net::TcpStream;

use super::failure::Failure;
use super::ground::Ground;
use super::path::installed;
use super::processes::Processes;
use crate::cli::error::CliError;
use crate::config::environment;

/// Which proxy is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Wanted {
    // No doc comments here: they would stretch the help text to its long form.
    #[default]
    Auto,
    Nginx,
    Haproxy,
    BuiltIn,
}

/// Which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proxy {
    Nginx(PathBuf),
    Haproxy(PathBuf),
    /// None: the API ends TLS itself. And why.
    BuiltIn(&'static str),
}

/// Its directory.
const PLACE: &str = "proxy";
/// As a process.
const NAME: &str = "proxy";
/// So many ports are tried: somebody else may take one between the look and the start.
const TRIES: usize = 3;

impl Wanted {
    /// The one that is wanted, if it is installed.
    pub(super) fn find(self) -> Result<Proxy, CliError> {
        let path = environment("PATH").unwrap_or_default();
        let find = |program: &str| installed(program, &path);
        let missing = |program: &str| {
            CliError::new(format!("{program} is not installed, or not where PATH leads"))
                .next("install it, name it in PATH, or leave --proxy out: without it the demo takes what there is")
        };
        match self {
            Self::Nginx => find("nginx").map(Proxy::Nginx).ok_or_else(|| missing("nginx")),
            Self::Haproxy => find("haproxy").map(Proxy::Haproxy).ok_or_else(|| missing("haproxy")),
            Self::BuiltIn => Ok(Proxy::BuiltIn("as --proxy says")),
            Self::Auto => {
                let nginx = find("nginx").map(Proxy::Nginx);
                let any = nginx.or_else(|| find("haproxy").map(Proxy::Haproxy));
                Ok(any.unwrap_or(Proxy::BuiltIn("neither nginx nor HAProxy is installed")))
            }
        }
    }
}

impl Proxy {
    /// What people call it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Nginx(_) => "nginx",
            Self::Haproxy(_) => "HAProxy",
            Self::BuiltIn(_) => "built-in TLS",
        }
    }

    /// As one would start it.
    pub(super) const fn command_line(&self) -> &'static str {
        match self {
            Self::Nginx(_) => "nginx -p . -e stderr -c nginx.conf &",
            _ => "haproxy -db -f haproxy.cfg &",
        }
    }

    /// Starts it before the service at this address, and says where it listens.
    pub(super) async fn start(
        &self,
        ground: &Ground,
        processes: &Processes,
        api: SocketAddr,
    ) -> Result<(SocketAddr, u32), Failure> {
        ground.make(PLACE)?;
        let certificate = ground.read("participant-2/tls/server.pem")?;
        let key = ground.read("participant-2/tls/server.key")?;
        ground.write_secret("proxy/server.pem", &[certificate, key].concat())?;
        let mut last = Failure::new("no port is free");
        for _ in 0..TRIES {
            let listen = free_address()?;
            let command = self.command(ground, (listen, api))?;
            let pid = processes.start(NAME, command, &ground.path("proxy/log"))?;
            match processes.ready(NAME, async || TcpStream::connect(listen).await.ok()).await {
                Ok(_) => return Ok((listen, pid)),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    fn command(&self, ground: &Ground, addresses: (SocketAddr, SocketAddr)) -> Result<Command, Failure> {
        let place = ground.path(PLACE);
        let (template, program) = match self {
            Self::Nginx(program) => (include_str!("proxy/nginx.conf"), program),
            Self::Haproxy(program) => (include_str!("proxy/haproxy.cfg"), program),
            Self::BuiltIn(_) => return Err(Failure::new("there is no proxy to start")),
        };
        let file = if matches!(self, Self::Nginx(_)) { "nginx.conf" } else { "haproxy.cfg" };
        ground.write(&format!("{PLACE}/{file}"), filled(template, addresses))?;
        let mut command = Command::new(program);
        command.current_dir(&place);
        match self {
            Self::Nginx(_) => command.arg("-p").arg(&place).args(["-e", "stderr", "-c", file]),
            _ => command.args(["-db", "-f", file]),
        };
        Ok(command)
    }
}

/// The configuration with its addresses. As root, workers stay what they are: the directory is nobody else's.
fn filled(template: &str, (listen, api): (SocketAddr, SocketAddr)) -> String {
    let user = if rustix::process::getuid().is_root() { "user root;" } else { "" };
    template.replace("@LISTEN@", &listen.to_string()).replace("@API@", &api.to_string()).replace("@USER@", user)
}

/// A port that nobody listens at just now.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
