//! The figures of verification: behind the guard, through the verify server, through nginx; and what key sets weigh.

use std::fs;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::cert::Certificate;
use bob_auth::crypto::issue_cert::Purpose;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::public_key::PublicKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::protocol::claims::{Claims, HokCase, Subject, Window};
use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::key_set::KeySet;
use bob_auth::protocol::token::TokenKey;
use bob_auth::store::key_files::write_private;
use bob_auth::value::{Clock as _, Lifetime, Pid, SystemClock};
use openssl::pkey::PKey;
use openssl::ssl::SslVersion;
use ring::rand::SystemRandom;
use serde_json::json;

use super::client::{Client, Connection};
use super::guarded::ROLE;
use super::measure::resident_kib;
use super::parts::{CONNECTIONS, closed_loop};
use super::site::certificate;

/// A participant's token, the key that verifies it, and a directory for a service that does.
struct Partner {
    directory: tempfile::TempDir,
    client: (Certificate, PrivateKey),
    key: PublicKey,
    /// The header lines of a request: token, and what a proxy would say.
    headers: String,
}

/// A process that ends with its value.
struct Running(Child);

impl Partner {
    fn new(algorithm: Algorithm) -> Self {
        let (rng, pid) = (SystemRandom::new(), Pid::new(34).expect("a pid"));
        let directory = tempfile::tempdir().expect("a temporary directory");
        let names = Purpose::Server { names: vec!["localhost".into()], addresses: vec![[127, 0, 0, 1].into()] };
        let (server, server_key) = certificate("localhost", names, &rng);
        fs::write(directory.path().join("server.pem"), server.to_pem().expect("PEM")).expect("server.pem");
        let pem = server_key.to_pkcs8_pem(None).expect("PEM");
        write_private(&directory.path().join("server.key"), &pem).expect("server.key");

        let client = certificate("validator37", Purpose::Client, &rng);
        let private = match algorithm {
            Algorithm::Es256 => PrivateKey::generate_p256(),
            Algorithm::Rs256 => PrivateKey::generate_rsa(2048),
        };
        let private = private.expect("a key");
        let der = private.to_pkcs8_der().expect("DER");
        let public = PKey::private_key_from_pkcs8(&der).expect("a key").public_key_to_pem().expect("PEM");
        fs::write(directory.path().join("public.pem"), public).expect("public.pem");
        let signer = SoftwareSigner::new(&private, &rng).expect("a signer");
        let key = signer.public_key().clone();
        let jwks = json!({"keys": [key.to_jwk("34:bench_1")]}).to_string();
        fs::write(directory.path().join("jwks.json"), jwks).expect("jwks.json");
        let subject = Subject {
            pid,
            entity: &"validator37".parse().expect("an id"),
            class: &"val".parse().expect("a class"),
            sha1: client.0.sha1,
            confirm: None,
        };
        let window = Window { now: SystemClock.now(), lifetime: Lifetime::CUSTOMARY, backdate: 0 };
        let key_of_tokens = TokenKey::new("34:bench_1".parse().expect("a kid"), Box::new(signer));
        let token = key_of_tokens.mint(&Claims::new(&subject, &window, HokCase::Lower), &rng).expect("a token");
        let (token, sha1) = (token.compact.as_str(), client.0.sha1);
        let headers = format!("X-BoB-AuthToken: {token}\r\nX-SSL-Client-SHA1: {sha1}\r\n");
        Self { directory, client, key, headers }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// CPU microseconds of these processes per request, over kept TLS connections.
    fn over_tls(&self, pids: &[u32], address: SocketAddr, path: &str, span: Duration) -> (f64, f64) {
        let client = Client::with(Some(&self.client), address, SslVersion::TLS1_3);
        let open = || {
            let mut connection = client.connect();
            move || connection.get_with(path, &self.headers)
        };
        closed_loop(pids, &open, 200, span)
    }

    /// The same without TLS.
    fn plain(&self, pids: &[u32], address: SocketAddr, path: &str, span: Duration) -> (f64, f64) {
        let open = || {
            let mut connection = Connection::plain(address);
            move || connection.get_with(path, &self.headers)
        };
        closed_loop(pids, &open, 200, span)
    }

    /// Starts the verify server on core 0.
    fn verify_server(&self, cache: usize) -> (Running, SocketAddr) {
        let config = format!(
            "[verify]\nallow = [\"34:val\"]\ncache = {cache}\n[verify.issuer.34]\njwks = \"jwks.json\"\n\
             [listener.verify]\nlisten = \"127.0.0.1:0\"\ntrusted_peers = [\"127.0.0.1\"]\n\
             fingerprint_header = \"X-SSL-Client-SHA1\"\n[listener.internal]\nlisten = \"off\"\n\
             [limits]\nconnections = 20000\nidle_time = \"10m\"\nrequests_per_source = \"off\"\n\
             [workers]\nthreads = 1\n[log]\nformat = \"json\"\naccess = false\n"
        );
        fs::write(self.path("verify.toml"), config).expect("verify.toml");
        let mut child = on_core_0(env!("CARGO_BIN_EXE_bob-auth"))
            .args(["verify-server", "--config", &self.path("verify.toml")])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(&line).ok()?;
            (message["message"] == "listening").then(|| message["url"].as_str().map(str::to_owned))?
        });
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.expect("it listens");
        (Running(child), address.rsplit('/').next().unwrap_or_default().parse().expect("an address"))
    }
}

/// What the guard costs on a service of one's own, over mutual TLS.
pub(crate) fn guard(span: Duration) {
    println!("\nguard on actix-web, {CONNECTIONS} kept connections, mutual TLS 1.3");
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let partner = Partner::new(algorithm);
        let raw = raw_verification(&partner, span);
        let this = std::env::current_exe().expect("this program");
        let directory = partner.directory.path().to_str().expect("a path");
        let mut child = on_core_0(this.to_str().expect("a path"))
            .args([ROLE, directory])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("an address");
        let running = Running(child);
        let address = line.trim().parse().expect("an address");
        let figure = |path| partner.over_tls(&[running.pid()], address, path, span).0;
        let (empty, uncached, cached) = (figure("/empty"), figure("/uncached"), figure("/cached"));
        println!("  {algorithm}: raw verification {raw:8.0}/s on one core");
        println!("    empty route   {empty:6.1} us  {:8.0} per core", 1e6 / empty);
        println!(
            "    uncached      {uncached:6.1} us  {:8.0} per core: {:.3} of raw",
            1e6 / uncached,
            1e6 / uncached / raw
        );
        println!(
            "    cached        {cached:6.1} us  {:8.0} per core: {:.3} of the empty route, {:.2} of raw",
            1e6 / cached,
            empty / cached,
            1e6 / cached / raw
        );
        if algorithm == Algorithm::Es256 {
            haproxy(&partner, span, uncached);
        }
    }
}

/// The least that HAProxy can do with its own means: signature, and `bobHok` against the certificate. No times, no claims, one
/// key. Tells what there is to compare with.
fn haproxy(partner: &Partner, span: Duration, uncached: f64) {
    if Command::new("haproxy").arg("-v").output().is_err() {
        println!("    HAProxy's jwt_verify: not measured, it is not installed");
        return;
    }
    let (listen, dir) = (free_port(), partner.path(""));
    let both = [fs::read(partner.path("server.pem")), fs::read(partner.path("server.key"))];
    fs::write(partner.path("both.pem"), both.map(|part| part.expect("written before")).concat()).expect("both.pem");
    let config = format!(
        "global\n nbthread 1\n maxconn 4000\n tune.ssl.default-dh-param 2048\ndefaults\n mode http\n timeout client 60s\n \
         timeout server 60s\n timeout connect 5s\nfrontend door\n bind {listen} ssl crt {dir}/both.pem ca-file {dir}/server.pem \
         verify optional crt-ignore-err all ca-ignore-err all no-ca-names\n \
         http-request set-var(txn.token) req.hdr(X-BoB-AuthToken)\n \
         http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')\n \
         http-request deny unless {{ var(txn.alg) -m str ES256 }}\n \
         http-request deny unless {{ var(txn.token),jwt_verify(txn.alg,\"{dir}/public.pem\") -m int 1 }}\n \
         http-request set-var(txn.hok) var(txn.token),jwt_payload_query('$.bobHok')\n \
         http-request set-var(txn.sha1) ssl_c_sha1,hex,lower\n \
         http-request deny unless {{ var(txn.hok),strcmp(txn.sha1) eq 0 }}\n http-request return status 200\n"
    );
    fs::write(partner.path("haproxy.cfg"), config).expect("haproxy.cfg");
    let child = on_core_0("haproxy").args(["-db", "-q", "-f", &partner.path("haproxy.cfg")]).spawn().expect("haproxy");
    let running = Running(child);
    let address: SocketAddr = listen.parse().expect("an address");
    while TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (micros, _) = partner.over_tls(&[running.pid()], address, "/", span);
    println!(
        "    HAProxy's jwt_verify and binding {micros:6.1} us: we do {:.2} times as many uncached",
        micros / uncached
    );
}

/// Signatures checked per second by the library that the verifier uses.
fn raw_verification(partner: &Partner, span: Duration) -> f64 {
    use base64::Engine as _;
    let token = partner.headers.trim_start_matches("X-BoB-AuthToken: ").split("\r\n").next().unwrap_or_default();
    let (message, signature) = token.rsplit_once('.').expect("a token");
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < span / 2 {
        for _ in 0..50 {
            black_box(partner.key.verify(black_box(message.as_bytes()), &signature)).expect("a signature");
        }
        count += 50;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// What a verification costs in the verify server, asked directly and by nginx.
pub(crate) fn forward_auth(span: Duration) {
    let partner = Partner::new(Algorithm::Es256);
    println!("\nverify server, {CONNECTIONS} kept connections, plain HTTP as from a proxy");
    for (cache, name) in [(0, "uncached"), (16_384, "cached")] {
        let (server, address) = partner.verify_server(cache);
        let (micros, rate) = partner.plain(&[server.pid()], address, "/verify", span);
        println!("  {name:9} {micros:6.1} us  {:8.0} per core  ({rate:.0}/s seen)", 1e6 / micros);
        behind_nginx(&partner, address, &server, name, span);
    }
}

/// The same through nginx and `auth_request`, in front of an upstream that says nothing but 200.
fn behind_nginx(partner: &Partner, verifier: SocketAddr, server: &Running, name: &str, span: Duration) {
    if Command::new("nginx").arg("-v").output().is_err() {
        println!("    behind nginx: not measured, it is not installed");
        return;
    }
    let (listen, upstream) = (free_port(), free_port());
    let printed = Command::new(env!("CARGO_BIN_EXE_bob-auth"))
        .args([
            "proxy-config",
            "nginx",
            "--listen",
            &listen,
            "--verifier",
            &verifier.to_string(),
            "--upstream",
            &upstream,
        ])
        .args(["--certificate", &partner.path("server.pem"), "--private-key", &partner.path("server.key")])
        .output()
        .expect("proxy-config");
    fs::write(partner.path("site.conf"), printed.stdout).expect("site.conf");
    let dir = partner.path("");
    let wrapped = format!(
        "worker_processes 1;\npid {dir}/nginx.pid;\ndaemon off;\nevents {{ worker_connections 4096; }}\nhttp {{\n\
         access_log off;\nerror_log {dir}/error.log;\nclient_body_temp_path {dir}/b;\nproxy_temp_path {dir}/p;\n\
         fastcgi_temp_path {dir}/f;\nuwsgi_temp_path {dir}/u;\nscgi_temp_path {dir}/s;\nkeepalive_requests 1000000;\n\
         server {{ listen {upstream}; location / {{ return 200; }} }}\ninclude {dir}/site.conf;\n}}\n"
    );
    fs::write(partner.path("nginx.conf"), wrapped).expect("nginx.conf");
    let child = on_core_0("nginx")
        .args(["-e", &partner.path("error.log"), "-c", &partner.path("nginx.conf")])
        .spawn()
        .expect("nginx");
    let running = Running(child);
    let address: SocketAddr = listen.parse().expect("an address");
    while TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let worker = children_of(running.pid());
    let pids: Vec<u32> = worker.iter().copied().chain([server.pid()]).collect();
    let (both, rate) = partner.over_tls(&pids, address, "/anything", span);
    println!(
        "    behind nginx, {name}: {rate:.0} requests/s on one core shared by nginx, its upstream and the verifier ({both:.0} us)"
    );
}

/// What a set of a thousand issuers with a hundred keys each takes, and what it costs to find a key in it.
pub(crate) fn key_sets() {
    const ISSUERS: i64 = 1_000;
    const KEYS: usize = 100;
    let rng = SystemRandom::new();
    let keys: Vec<PublicKey> = (0..KEYS)
        .map(|_| {
            let private = PrivateKey::generate_p256().expect("a key");
            SoftwareSigner::new(&private, &rng).expect("a signer").public_key().clone()
        })
        .collect();
    let before = resident_kib(std::process::id());
    let mut set = KeySet::new();
    for issuer in 1..=ISSUERS {
        let of_issuer = keys.iter().enumerate().map(|(number, key)| PublicJwk {
            kid: format!("{issuer}:20261122_{number}").parse().expect("a kid"),
            key: key.clone(),
        });
        set.add(Pid::new(issuer).expect("a pid"), of_issuer.collect()).expect("an issuer");
    }
    let after = resident_kib(std::process::id());
    let kid = "777:20261122_55".parse().expect("a kid");
    let pid = Pid::new(777).expect("a pid");
    let (began, turns) = (Instant::now(), 1_000_000_u32);
    for _ in 0..turns {
        black_box(set.find(black_box(pid), &kid)).expect("a key");
    }
    let each = began.elapsed() / turns;
    println!(
        "\nkey set of {ISSUERS} issuers with {KEYS} keys each: {:.1} MiB, a key found in {} ns",
        (after - before) as f64 / 1024.0,
        each.as_nanos()
    );
}

fn on_core_0(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", program]);
    command
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

fn children_of(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(Path::new(&path)).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

impl Running {
    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.0.wait();
    }
}
