//! [`Site`]: a registry as an administering body runs it, in a directory of its own: store, anchors, three participants with
//! a metadata key each, a certificate. [`Running`]: the real binary at work on it, over TLS, on a free port that stays the
//! same from one start of a site to the next.
//!
//! Other test binaries take it in with `#[path = "../registry/site.rs"] mod registry_site;` and find in
//! [`Site::files`] what a participant is given out of band. It needs `ports` and nothing else. Everything blocks;
//! inside a runtime call it from a thread of its own (`tokio::task::spawn_blocking`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::issue_cert::{Profile, Purpose, self_signed};
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::SoftwareSigner;
use bob_auth::flow::register::{AnchorRoom, Limits, NewAnchor, Register};
use bob_auth::protocol::pop::PopKey;
use bob_auth::store::key_files::KeyFiles;
use bob_auth::store::register::AnchorRole;
use bob_auth::store::{Access, Change, Store};
use bob_auth::value::{Clock as _, Pid, SystemClock};
use ring::rand::SystemRandom;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ports::free_address;

/// How long anything that must happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The administering body.
pub(crate) const AUTHORITY: i64 = 16;
/// The participants that every site begins with.
pub(crate) const PARTICIPANTS: [i64; 3] = [AUTHORITY, 34, 41];

/// A registry on disk.
pub(crate) struct Site {
    directory: TempDir,
    keys: BTreeMap<i64, PopKey>,
    /// What the configuration says besides.
    settings: toml::Table,
}

/// What a participant is given out of band, or keeps for itself.
pub(crate) struct Files {
    /// The CA of the registry's TLS certificate.
    pub(crate) ca: PathBuf,
    /// The anchors that sign sets, a JWK set.
    pub(crate) trust: PathBuf,
    /// The keys that sign answers, a JWK set.
    pub(crate) answer_trust: PathBuf,
}

/// A registry at work. It is killed when the value goes.
pub(crate) struct Running {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// A source of randomness, at the edge where tests are.
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
pub(crate) fn rng() -> SystemRandom {
    SystemRandom::new()
}

pub(crate) fn pid(number: i64) -> Pid {
    Pid::new(number).unwrap()
}

/// A change made by the test.
pub(crate) fn change() -> Change {
    Change { at: SystemClock.now(), actor: "tester".to_owned() }
}

/// Runs something of the library to its end.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Looks again and again until `look` finds something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A new key with this id.
pub(crate) fn new_key(kid: &str, algorithm: Algorithm) -> PopKey {
    key_of(kid, &PrivateKey::generate_for(algorithm).unwrap())
}

fn key_of(kid: &str, private: &PrivateKey) -> PopKey {
    PopKey { kid: kid.parse().unwrap(), signer: Arc::new(SoftwareSigner::new(private, &rng()).unwrap()) }
}

/// Its public half as it is published.
pub(crate) fn public_jwk(key: &PopKey) -> Value {
    let mut jwk = serde_json::to_value(key.signer.public_key().to_jwk(key.kid.as_str())).unwrap();
    jwk.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "use" | "alg"));
    jwk
}

impl Site {
    /// With a primary anchor (ES256), a key that signs answers, and the participants 16, 34 and 41, each with an EC metadata key
    /// called `PID:metadata_1`. Changes are folded into the set within a twentieth of a second.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let mut site = Self { directory, keys: BTreeMap::new(), settings: toml::Table::new() };
        site.make_certificate();
        wait_for(site.make_register());
        for number in PARTICIPANTS {
            let key = site.add_metadata_key(number, &format!("{number}:metadata_1"), Algorithm::Es256);
            site.keys.insert(number, key);
        }
        site.export_trust();
        site.configure(&format!("[listener.registry]\nlisten = '{}'", free_address()));
        site.configure(
            "[store]\npath = 'register.sqlite'\n\
             [registry_server]\nauthid = 16\nfold_quiet = '50ms'\nfold_at_most = '500ms'\n\
             [listener.registry]\ncertificate = 'server.pem'\nprivate_key = 'server.key'\n\
             [listener.internal]\nlisten = '127.0.0.1:0'\n[log]\nformat = 'json'\n\
             [workers]\nthreads = 2\n[reload]\npoll_store = '50ms'\n[limits]\nrequests_per_source = 'off'",
        );
        site
    }

    /// The same, with these settings over them.
    pub(crate) fn configured(toml: &str) -> Self {
        let mut site = Self::new();
        site.configure(toml);
        site
    }

    /// Writes these settings over those in config.toml.
    pub(crate) fn configure(&mut self, toml: &str) {
        merge(&mut self.settings, toml.parse().unwrap());
        // Whole or not at all, for a registry that is watching.
        let new = self.path("config.new");
        fs::write(&new, self.settings.to_string()).unwrap();
        fs::rename(new, self.path("config.toml")).unwrap();
    }

    /// A file of the site.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a participant is given.
    pub(crate) fn files(&self) -> Files {
        Files { ca: self.path("server.pem"), trust: self.path("trust.jwks"), answer_trust: self.path("answers.jwks") }
    }

    /// The metadata key `PID:metadata_1`.
    pub(crate) fn key(&self, number: i64) -> PopKey {
        self.keys[&number].clone()
    }

    /// The file with the private half of a metadata key, readable by nobody else.
    pub(crate) fn key_file(&self, kid: &str) -> PathBuf {
        self.path(&format!("{}.key", kid.replace(':', "-")))
    }

    /// Gives a participant another metadata key.
    pub(crate) fn add_metadata_key(&self, number: i64, kid: &str, algorithm: Algorithm) -> PopKey {
        let private = PrivateKey::generate_for(algorithm).unwrap();
        let key = key_of(kid, &private);
        write_private(&self.key_file(kid), &private.to_pkcs8_pem(None).unwrap());
        let jwk = public_jwk(&key).to_string();
        self.with_register(async |register| {
            register.add_metadata_key(pid(number), jwk.as_bytes(), &change()).await.unwrap();
        });
        key
    }

    /// Does something with the register from outside, as a command would.
    pub(crate) fn with_register<T>(&self, act: impl AsyncFnOnce(&Register) -> T) -> T {
        wait_for(async {
            let store = Store::open(self.path("register.sqlite"), Access::ReadWrite).await.unwrap();
            let register = Register::new(store.clone(), Limits::DEFAULT);
            let outcome = act(&register).await;
            store.close().await;
            outcome
        })
    }

    /// The keys of the administering body.
    pub(crate) fn room(&self) -> AnchorRoom {
        AnchorRoom { files: KeyFiles::new(self.path("anchors")), passphrase: None, rng: Arc::new(rng()) }
    }

    /// Makes an anchor, and writes the trust files anew.
    pub(crate) fn add_anchor(&self, role: AnchorRole, algorithm: Algorithm) {
        let new = NewAnchor { role, algorithm, kid: None, authid: pid(AUTHORITY) };
        self.with_register(async |register| {
            register.generate_anchor(&self.room(), &new, &change()).await.unwrap();
        });
        self.export_trust();
    }

    /// Writes `trust.jwks` and `answers.jwks`.
    pub(crate) fn export_trust(&self) {
        let (sets, answers) = self.with_register(async |register| {
            (register.trusted_anchors().await.unwrap(), register.response_anchors().await.unwrap())
        });
        for (file, anchors) in [("trust.jwks", sets), ("answers.jwks", answers)] {
            let keys: Vec<Value> =
                anchors.iter().map(|anchor| serde_json::from_str(&anchor.public_jwk).unwrap()).collect();
            fs::write(self.path(file), json!({ "keys": keys }).to_string()).unwrap();
        }
    }

    /// The program with these arguments, for this site.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
        command.env_remove("BOB_AUTH_CONFIG").args(arguments).arg("--config").arg(self.path("config.toml"));
        command
    }

    /// Starts the registry. All starts listen on the same port.
    pub(crate) fn start(&self) -> Running {
        Running::spawn(&mut self.command(&["registry-server"]))
    }

    fn make_certificate(&self) {
        let key = PrivateKey::generate_p256().unwrap();
        let now = SystemClock.now();
        let profile = Profile {
            common_name: "localhost".to_owned(),
            validity: (now.plus_seconds(-3600), now.plus_seconds(30 * 86_400)),
            purpose: Purpose::Server { names: vec!["localhost".to_owned()], addresses: vec![[127, 0, 0, 1].into()] },
        };
        let certificate = self_signed(&profile, &key, &rng()).unwrap();
        fs::write(self.path("server.pem"), certificate.to_pem().unwrap()).unwrap();
        write_private(&self.path("server.key"), &key.to_pkcs8_pem(None).unwrap());
    }

    async fn make_register(&self) {
        let store = Store::create(self.path("register.sqlite")).await.unwrap();
        let register = Register::new(store.clone(), Limits::DEFAULT);
        for number in PARTICIPANTS {
            register.add_participant(pid(number), &format!("Participant {number}"), &change()).await.unwrap();
        }
        for role in [AnchorRole::Primary, AnchorRole::Response] {
            let new = NewAnchor { role, algorithm: Algorithm::Es256, kid: None, authid: pid(AUTHORITY) };
            register.generate_anchor(&self.room(), &new, &change()).await.unwrap();
        }
        store.close().await;
    }
}

impl Running {
    /// Starts the program by this command and waits until it listens everywhere.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (stderr, lines) = (child.stderr.take().unwrap(), Arc::clone(&log));
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        let mut running = Self { child, log };
        // The internal listener is opened last.
        until("the registry listens", || {
            let ended = running.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended at once: {}", running.log_text());
            running.listens("internal")
        });
        running
    }

    fn listens(&self, listener: &str) -> Option<SocketAddr> {
        let lines = self.lines();
        let line = lines.iter().find(|line| line["message"] == "listening" && line["listener"] == listener)?;
        line["url"].as_str().unwrap().split_once("://").unwrap().1.parse().ok()
    }

    /// Where the API is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listens("registry").unwrap()
    }

    /// Its URL, up to and including the base path.
    pub(crate) fn url(&self) -> String {
        format!("https://{}/api/v2", self.address())
    }

    /// Where health and metrics are.
    pub(crate) fn internal(&self) -> SocketAddr {
        self.listens("internal").unwrap()
    }

    /// The log so far, line by line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let log = self.log.lock().unwrap().clone();
        log.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// The log so far as it was written.
    pub(crate) fn log_text(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        until("the registry ends", || self.child.try_wait().unwrap())
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let _ = writeln!(std::io::stderr(), "--- log of the registry ---\n{}", self.log_text());
        }
    }
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Puts these settings over those.
fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => merge(inner, value),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}
