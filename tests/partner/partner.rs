//! [`Partner`]: a running example `partner_api`, and [`Issuer`]: the token service whose tokens it accepts.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Answer, Client, examples, plain};
use crate::process::{Service, until};
use crate::site::Site;

/// A token service of participant 34, and its public keys in a file.
pub(crate) struct Issuer {
    pub(crate) site: Site,
    pub(crate) service: Service,
}

/// A running example.
pub(crate) struct Partner {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

/// A request as a test words it, to be sent to a partner.
#[derive(Clone)]
pub(crate) struct Request {
    head: String,
    body: &'static str,
}

impl Issuer {
    /// With validator37, inspector5 and tvm8.
    pub(crate) fn new() -> Self {
        Self::of(Site::with_entities())
    }

    pub(crate) fn configured(toml: &str) -> Self {
        Self::of(Site::configured(toml))
    }

    fn of(site: Site) -> Self {
        let service = Service::start(&site);
        let issuer = Self { site, service };
        issuer.publish();
        issuer
    }

    /// Writes the public keys into the file that partners read, in one piece.
    pub(crate) fn publish(&self) {
        let keys = self.service.internal("/.well-known/jwks.json");
        assert_eq!(keys.status, 200);
        let new = self.site.path("partner.jwks.new");
        std::fs::write(&new, &keys.body).unwrap();
        std::fs::rename(new, self.site.path("partner.jwks.json")).unwrap();
    }

    /// A token for this entity, fetched with its certificate of keys-example.
    pub(crate) fn token(&self, entity: &str) -> String {
        let certificate = if entity == "tvm8" { "rsa-tvm8" } else { entity };
        Client::example(certificate).token(self.service.token(), entity).compact()
    }

    /// A partner that accepts this participant's tokens, with these arguments besides.
    pub(crate) fn partner(&self, arguments: &[&str]) -> Partner {
        let keys = format!("34={}", self.site.path("partner.jwks.json").display());
        Partner::start(&[&["--keys", &keys], arguments].concat())
    }

    /// A partner whose clients show it their certificates themselves.
    pub(crate) fn direct(&self, arguments: &[&str]) -> Partner {
        let file = |name| examples().join(name).to_str().unwrap().to_owned();
        let tls = ["--certificate", &file("server.pem"), "--private-key", &file("server.key")];
        self.partner(&[&tls, arguments].concat())
    }
}

/// The example, which cargo builds beside the tests.
pub(crate) fn program() -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("examples/partner_api");
    assert!(path.exists(), "{} is not there: cargo build --example partner_api", path.display());
    Command::new(path)
}

impl Partner {
    /// Starts it on a free port and waits until it listens.
    fn start(arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut log = child.stderr.take().unwrap();
        let Some((_, address)) = line.trim().split_once("://") else {
            let mut said = String::new();
            log.read_to_string(&mut said).unwrap();
            panic!("it does not listen: {line:?} {said}");
        };
        let (address, lines) = (address.parse().unwrap(), Arc::new(Mutex::new(String::new())));
        let collected = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                collected.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { child, address, log: lines }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks over plain HTTP, as a proxy does.
    pub(crate) fn plain(&self, request: &Request) -> Answer {
        plain(self.address, &request.text())
    }

    /// Asks over TLS with this certificate of keys-example.
    pub(crate) fn ask(&self, certificate: &str, request: &Request) -> Answer {
        Client::example(certificate).ask(self.address, &request.text())
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        until("the partner ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Request {
    /// With this body, whatever it is.
    pub(crate) fn body(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    fn new(line: &str, body: &'static str) -> Self {
        let mut head = format!("{line} HTTP/1.1\r\nHost: localhost\r\n");
        if !body.is_empty() {
            head.push_str("Content-Type: application/json\r\n");
        }
        Self { head, body }
    }

    /// What everybody with a token may ask.
    pub(crate) fn status() -> Self {
        Self::new("GET /validation/v1/status", "")
    }

    /// What validators may ask.
    pub(crate) fn validate() -> Self {
        Self::new("POST /validation/v1/validations", r#"{"ticketId":"T1"}"#)
    }

    /// What inspectors may ask.
    pub(crate) fn inspect() -> Self {
        Self::new("POST /inspection/v1/inspections", r#"{"ticketId":"T1"}"#)
    }

    /// With one more header.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self { head: format!("{}{name}: {value}\r\n", self.head), ..self }
    }

    /// With a token.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("X-BoB-AuthToken", token)
    }

    pub(crate) fn text(&self) -> String {
        format!("{}Content-Length: {}\r\n\r\n{}", self.head, self.body.len(), self.body)
    }
}

/// Status and reason of a refusal; checks that the answer tells nothing else.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    let problem = answer.problem();
    let json = answer.json();
    let reason = json["reason"].as_str().unwrap_or_else(|| panic!("no reason: {answer:?}")).to_owned();
    let members: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["detail", "reason", "status", "title", "type"]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let challenge = format!("BoB error=\"invalid_token\", reason=\"{reason}\"");
    assert_eq!(answer.header("www-authenticate"), (answer.status == 401).then_some(challenge.as_str()));
    assert_eq!(answer.status == 403, problem == "not-allowed");
    (answer.status, reason)
}

/// 401 for this reason.
pub(crate) fn unauthorized(reason: &str) -> (u16, String) {
    (401, reason.to_owned())
}

/// For a program that ends by itself: whether it ended well, and what it said.
pub(crate) fn end_of(command: &mut Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}
