//! A service to be measured: a store with entities made through the library, and the real binary on it.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bob_auth::crypto::cert::Certificate;
use bob_auth::crypto::issue_cert::{Profile, Purpose, self_signed};
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::store::key_files::{KeyFiles, write_private};
use bob_auth::store::{
    self, Activation, AuthtokenKey, CertificateState, Change, Entity, EntityState, KeyLife, KeyState, Owner,
    Participant, Store,
};
use bob_auth::value::{Kid, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};
use ring::rand::SystemRandom;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// A directory with everything a service needs, and one client that is enrolled.
pub(crate) struct Site {
    directory: tempfile::TempDir,
    pub(crate) client: (Certificate, PrivateKey),
}

/// A running service.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) internal: SocketAddr,
    /// From the start of the process to its first listening socket.
    pub(crate) started_in: Duration,
}

impl Site {
    /// A site whose store holds `entities` more entities with a certificate each, besides the client's.
    pub(crate) fn new(entities: usize) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let rng = SystemRandom::new();
        let (server, server_key) = certificate("localhost", server_purpose(), &rng);
        let path = directory.path();
        std::fs::write(path.join("server.pem"), server.to_pem().expect("PEM")).expect("server.pem");
        let pem = server_key.to_pkcs8_pem(None).expect("PEM");
        write_private(&path.join("server.key"), &pem).expect("server.key");
        let client = certificate("validator37", Purpose::Client, &rng);
        std::fs::write(path.join("config.toml"), configuration("json")).expect("config.toml");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(fill(path, &client.0, entities, &rng));
        Self { directory, client }
    }

    /// Starts the service on core 0.
    pub(crate) fn start(&self) -> Service {
        Service::start(self.directory.path(), "serve")
    }
}

impl Service {
    /// Starts what this verb runs by the configuration in a directory, on core 0, with the log thrown away after its first
    /// lines.
    pub(crate) fn start(directory: &Path, verb: &str) -> Self {
        let config = directory.join("config.toml");
        let began = Instant::now();
        let mut child = Command::new("taskset")
            .args(["-c", "0", env!("CARGO_BIN_EXE_bob-auth"), verb, "--config"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .expect("taskset (util-linux) and the binary");
        let (sender, listening) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let message: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if message["message"] == "listening" {
                    let url = message["url"].as_str().unwrap_or_default();
                    let _ = sender.send(url.rsplit('/').next().unwrap_or_default().parse::<SocketAddr>());
                } else if message["level"] == "ERROR" || message["level"].is_null() {
                    eprintln!("{line}");
                }
            }
        });
        let next = || listening.recv_timeout(Duration::from_secs(30)).expect("it listens").expect("an address");
        let address = next();
        while TcpStream::connect(address).is_err() {}
        let started_in = began.elapsed();
        Self { child, address, internal: next(), started_in }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let mut stream = TcpStream::connect(self.internal).expect("the internal listener");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("the metric");
        value.parse().expect("a number")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Limits that are counted and never reached; access lines off, audit and metrics on.
fn configuration(format: &str) -> String {
    format!(
        "default_participant = 34\n\
         [store]\npath = \"bob-auth.sqlite\"\n\
         [keys]\ndirectory = \"keys\"\n\
         [listener.token]\nlisten = \"127.0.0.1:0\"\ncertificate = \"server.pem\"\nprivate_key = \"server.key\"\n\
         [listener.internal]\nlisten = \"127.0.0.1:0\"\n\
         [limits]\nconnections = 20000\nidle_time = \"10m\"\nrequests_per_fingerprint = \"100000000/s\"\n\
         burst_per_fingerprint = 1000000\nrequests_per_source = \"100000000/s\"\nburst_per_source = 1000000\n\
         [workers]\nthreads = 1\n\
         [log]\nformat = \"{format}\"\naccess = false\n"
    )
}

pub(crate) fn server_purpose() -> Purpose {
    Purpose::Server { names: vec!["localhost".into()], addresses: vec![[127, 0, 0, 1].into()] }
}

/// A self-signed certificate with a P-256 key.
pub(crate) fn certificate(name: &str, purpose: Purpose, rng: &SystemRandom) -> (Certificate, PrivateKey) {
    let key = PrivateKey::generate_p256().expect("a key");
    let validity = (Timestamp::from_seconds(1_700_000_000), Timestamp::from_seconds(4_000_000_000));
    let profile = Profile { common_name: name.into(), validity, purpose };
    (self_signed(&profile, &key, rng).expect("a certificate"), key)
}

async fn fill(path: &Path, client: &Certificate, entities: usize, rng: &SystemRandom) {
    let store = Store::create(path.join("bob-auth.sqlite")).await.expect("a store");
    let change = Change { at: NOW, actor: "bench".into() };
    let pid = Pid::new(34).expect("a pid");
    let participant = Participant { pid, name: "Bench".into(), hosts: Vec::new(), base_path: None, created: NOW };
    store.add_participant(&participant, &change).await.expect("a participant");
    let mut many = vec![(entity(pid, "validator37"), enrolled(pid, "validator37", client))];
    for number in 0..entities {
        let name = format!("device-{number:06}.example.se");
        many.push((entity(pid, &name), made_up(pid, &name, number)));
    }
    for some in many.chunks(10_000) {
        store.enrol_many(some, &change).await.expect("enrolled");
    }
    let kid: Kid = "34:bench_1".parse().expect("a kid");
    let private = PrivateKey::generate_p256().expect("a key");
    let file = KeyFiles::name_for(&kid);
    let pem = private.to_pkcs8_pem(None).expect("PEM");
    KeyFiles::new(path.join("keys")).write_new(&file, &pem).expect("a key file");
    let jwk = SoftwareSigner::new(&private, rng).expect("a signer").public_key().to_jwk(kid.as_str());
    let key = AuthtokenKey {
        pid,
        kid: kid.clone(),
        alg: "ES256".into(),
        state: KeyState::Pending,
        public_jwk: serde_json::to_string(&jwk).expect("JSON"),
        file,
        created: NOW,
        activated: None,
        retiring_since: None,
        retired: None,
        not_after: None,
        life: KeyLife::default(),
    };
    store.add_key(&key, &change).await.expect("a key");
    store.activate_key(pid, &kid, &Activation::by_hand(NOW), &change).await.expect("an active key");
}

fn entity(pid: Pid, name: &str) -> Entity {
    Entity {
        pid,
        id: name.parse().expect("an id"),
        class: "val".parse().expect("a class"),
        lifetime: None,
        email: None,
        external_id: None,
        state: EntityState::Active,
        created: NOW,
        changed: NOW,
    }
}

fn enrolled(pid: Pid, name: &str, certificate: &Certificate) -> store::Certificate {
    store::Certificate {
        pid,
        owner: Owner::Entity(name.parse().expect("an id")),
        sha1: certificate.sha1,
        sha256: certificate.sha256,
        serial: certificate.serial.clone(),
        subject: certificate.subject.clone(),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        key: certificate.key.clone(),
        der: certificate.der.clone(),
        state: CertificateState::Active,
        enrolled: NOW,
        changed: NOW,
    }
}

/// A certificate that nobody has: only its fingerprints matter, and they are spread as real ones are.
fn made_up(pid: Pid, name: &str, number: usize) -> store::Certificate {
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest.as_ref());
    let mut sha1 = [0; 20];
    sha1.copy_from_slice(&sha256[..20]);
    let mut serial = String::new();
    let _ = write!(serial, "{number}");
    store::Certificate {
        pid,
        owner: Owner::Entity(name.parse().expect("an id")),
        sha1: Sha1Fingerprint::from_bytes(sha1),
        sha256: Sha256Fingerprint::from_bytes(sha256),
        serial,
        subject: format!("CN={name}"),
        not_before: Timestamp::from_seconds(1_700_000_000),
        not_after: Timestamp::from_seconds(4_000_000_000),
        key: "EC P-256".into(),
        der: vec![0x30; 400],
        state: CertificateState::Active,
        enrolled: NOW,
        changed: NOW,
    }
}
