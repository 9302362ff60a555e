//! A registry: sets built, read and read again, and requests with proof of possession.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer as _, SoftwareSigner};
use bob_auth::flow::register::{AnchorRoom, Built, BuiltSet, Limits, NewAnchor, Register, SetRules};
use bob_auth::protocol::jwk::bare_jwk;
use bob_auth::protocol::metadata::{Environment, SignedSet, TrustAnchors};
use bob_auth::protocol::pop::{PopKey, PopProfile, RequestParts, sign_request};
use bob_auth::protocol::registry::operation::KeyList;
use bob_auth::store::key_files::{KeyFiles, write_private};
use bob_auth::store::register::{AnchorRole, Entry, Kind, MetadataKey, Registered, UsedKid, Whole};
use bob_auth::store::{Change, Store};
use bob_auth::value::{Clock as _, Kid, Pid, SystemClock, Timestamp};
use openssl::ssl::SslVersion;
use ring::rand::SystemRandom;

use super::client::Client;
use super::measure::resident_kib;
use super::parts::{RawSigning, closed_loop};
use super::site::{Service, certificate, server_purpose};

const KEYS_EACH: usize = 100;
const SET: &str = "/api/v2/participantMetadata";
const HOST: &str = "registry.example.se";

/// A directory with everything that a registry needs.
struct Home {
    directory: tempfile::TempDir,
    metadata_key: PopKey,
    set: BuiltSet,
    anchors: TrustAnchors,
}

/// The figures of a small and of a large registry.
pub(crate) fn figures(span: Duration, raw: &RawSigning) {
    for keys in [1_000, 100_000] {
        println!("\nregistry, {keys} keys of {} participants", keys / KEYS_EACH);
        let home = Home::new(keys);
        load_set(&home);
        let service = Service::start(home.directory.path(), "registry-server");
        reads(&service, &home, span);
        if keys == 1_000 {
            proofs(&service, &home, span, raw);
        }
        println!(
            "  start to first connection {:.0?}, resident {} KiB",
            service.started_in,
            resident_kib(service.pid())
        );
    }
}

/// From the bytes to verified keys, as every participant does.
fn load_set(home: &Home) {
    let json = &home.set.json;
    println!("  set: {} bytes, compressed {}", json.len(), home.set.gzip.len());
    let mut times: Vec<Duration> = (0..15)
        .map(|_| {
            let began = Instant::now();
            let set = SignedSet::verify(json, &home.anchors, SystemClock.now()).expect("a set").into_key_set();
            let took = began.elapsed();
            assert!(!set.is_empty());
            took
        })
        .collect();
    times.sort_unstable();
    println!("  verified and loaded in {:.2?} (median of {})", times[times.len() / 2], times.len());
}

/// The whole set, and the question whether there is a newer one.
fn reads(service: &Service, home: &Home, span: Duration) {
    let client = Client::with(None, service.address, SslVersion::TLS1_3);
    let etag = {
        let mut connection = client.connect();
        let (status, answer) = connection.exchange(&format!("GET {SET} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
        assert_eq!(status, 200);
        let head = String::from_utf8_lossy(&answer[..answer.len() - home.set.json.len()]).into_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("etag").then(|| value.to_owned())
        };
        let etag = head.lines().find_map(header);
        etag.expect("an ETag")
    };
    let ask = |headers: &str| {
        let request = format!("GET {SET} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n");
        let open = || {
            let (mut connection, request) = (client.connect(), request.clone());
            move || connection.exchange(&request).0
        };
        closed_loop(&[service.pid()], &open, if headers.starts_with("If-None") { 304 } else { 200 }, span)
    };
    for (what, headers) in [
        ("not modified", format!("If-None-Match: {etag}\r\n")),
        ("compressed", "Accept-Encoding: gzip\r\n".to_owned()),
        ("whole", String::new()),
    ] {
        let (micros, rate) = ask(&headers);
        println!("  {what:<13} {micros:9.1} us/request  {:9.0} per core  ({rate:.0}/s seen)", 1e6 / micros);
    }
}

/// Requests that must be verified, and whose answers must be signed.
fn proofs(service: &Service, home: &Home, span: Duration, raw: &RawSigning) {
    let client = Client::with(None, service.address, SslVersion::TLS1_3);
    let signed = |method: &str, path: &str, body: &str| {
        let parts = RequestParts { method, host: HOST, path, query: None, headers: &[], body: body.as_bytes() };
        let (now, rng) = (SystemClock.now(), SystemRandom::new());
        let proof = sign_request(&PopProfile::default(), &home.metadata_key, &parts, now, &rng).expect("a proof");
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: PoP {proof}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let read = format!("{SET}/1/authtokenPublicKey/1%3A20261122_1");
    let write = format!("{SET}/1/domainName");
    let mut loads: BTreeMap<&str, f64> = BTreeMap::new();
    for (what, method, path, expected) in [("read a key", "GET", &read, 200), ("write a name", "PUT", &write, 204)] {
        let count = std::sync::atomic::AtomicU64::new(0);
        let open = || {
            let (mut connection, count) = (client.connect(), &count);
            move || {
                let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let body = if method == "PUT" { format!("\"n{number}.example.se\"") } else { String::new() };
                connection.exchange(&signed(method, path, &body)).0
            }
        };
        let (micros, rate) = closed_loop(&[service.pid()], &open, expected, span);
        println!("  {what:<13} {micros:9.1} us/request  {:9.0} per core  ({rate:.0}/s seen)", 1e6 / micros);
        loads.insert(what, micros);
    }
    let verifying = verifying(home, span);
    let least = 1.0 / (1.0 / raw.per_second + 1.0 / verifying);
    println!("  raw ES256: {verifying:.0} verified/s; verified and answered with a signature {least:.0}/s");
    println!("  reading a key against that: {:.3}", 1e6 / loads["read a key"] / least);
}

/// Raw ES256 verification, one core.
fn verifying(home: &Home, span: Duration) -> f64 {
    let (signer, message) = (&home.metadata_key.signer, [b'a'; 300]);
    let mut signature = Vec::new();
    signer.sign(&SystemRandom::new(), &message, &mut signature).expect("a signature");
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < span / 2 {
        for _ in 0..100 {
            signer.public_key().verify(&message, &signature).expect("verified");
        }
        count += 100;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

impl Home {
    fn new(keys: usize) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (path, rng) = (directory.path(), SystemRandom::new());
        let (server, server_key) = certificate("localhost", server_purpose(), &rng);
        std::fs::write(path.join("server.pem"), server.to_pem().expect("PEM")).expect("server.pem");
        write_private(&path.join("server.key"), &server_key.to_pkcs8_pem(None).expect("PEM")).expect("server.key");
        std::fs::write(path.join("config.toml"), CONFIGURATION).expect("config.toml");
        let signer = signer(&rng);
        let metadata_key = PopKey { kid: "1:metadata".parse().expect("a kid"), signer: Arc::new(signer) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (set, anchors) = runtime.block_on(fill(path, keys, &metadata_key));
        Self { directory, metadata_key, set, anchors }
    }
}

const CONFIGURATION: &str = "[store]\npath = \"registry.sqlite\"\n\
    [registry_server]\nauthid = 16\nhosts = [\"registry.example.se\"]\nrequests_per_participant = \"off\"\nproofs = 4000000\n\
    while_folding = \"last-set\"\nfold_quiet = \"10m\"\nfold_at_most = \"10m\"\n\
    [listener.registry]\nlisten = \"127.0.0.1:0\"\ncertificate = \"server.pem\"\nprivate_key = \"server.key\"\n\
    [listener.internal]\nlisten = \"127.0.0.1:0\"\n\
    [limits]\nconnections = 20000\nidle_time = \"10m\"\nrequests_per_source = \"off\"\n\
    [workers]\nthreads = 1\n[log]\nformat = \"json\"\naccess = false\n";

fn signer(rng: &SystemRandom) -> SoftwareSigner {
    SoftwareSigner::new(&PrivateKey::generate_p256().expect("a key"), rng).expect("a signer")
}

/// Fills the register and builds its first set, with both signatures.
async fn fill(path: &Path, keys: usize, metadata_key: &PopKey) -> (BuiltSet, TrustAnchors) {
    let store = Store::create(path.join("registry.sqlite")).await.expect("a store");
    let now = SystemClock.now();
    let change = Change { at: now, actor: "bench".into() };
    store.take_whole_register(&whole(keys, metadata_key, now), &change).await.expect("a register");
    let register = Register::new(store, Limits::DEFAULT);
    let files = KeyFiles::new(path.join("anchors"));
    std::fs::create_dir(path.join("anchors")).expect("a directory");
    let room = AnchorRoom { files, passphrase: None, rng: Arc::new(SystemRandom::new()) };
    let authid = Pid::new(16).expect("a pid");
    let mut jwks = Vec::new();
    for (role, algorithm) in [
        (AnchorRole::Primary, Algorithm::Es256),
        (AnchorRole::Fallback, Algorithm::Rs256),
        (AnchorRole::Response, Algorithm::Es256),
    ] {
        let new = NewAnchor { role, algorithm, kid: None, authid };
        jwks.push(register.generate_anchor(&room, &new, &change).await.expect("an anchor").public_jwk);
    }
    let trust = format!(r#"{{"keys":[{}]}}"#, jwks[..2].join(","));
    let anchors = TrustAnchors::parse(trust.as_bytes(), Environment::Production).expect("trust anchors");
    let day = Duration::from_hours(24);
    let rules = SetRules { authid, valid_for: 7 * day, interval: Some(day), renew_after: day };
    let (began, cpu) = (Instant::now(), super::measure::cpu_time(std::process::id()));
    let built = register.build_set(&room, &rules, &change).await.expect("a set");
    let cpu = super::measure::cpu_time(std::process::id()).saturating_sub(cpu);
    let (Built::New(set) | Built::Kept(set)) = built;
    println!("  built, signed twice, read back, compressed and kept in {:.0?} ({cpu:.0?} of CPU)", began.elapsed());
    (set, anchors)
}

/// So many authtoken keys, a hundred to a participant, and one metadata key.
fn whole(keys: usize, metadata_key: &PopKey, now: Timestamp) -> Whole {
    let rng = SystemRandom::new();
    // Fewer different keys than entries: reading one costs the same the second time.
    let different: Vec<SoftwareSigner> = (0..KEYS_EACH).map(|_| signer(&rng)).collect();
    let mut whole = Whole::default();
    for number in 1..=keys / KEYS_EACH {
        let pid = Pid::new(i64::try_from(number).expect("a number")).expect("a pid");
        whole.participants.push(Registered { pid, name: format!("Operator {pid}"), added: now, removed: None });
        for (index, signer) in different.iter().enumerate() {
            let kid: Kid = format!("{pid}:20261122_{index}").parse().expect("a kid");
            let body = serde_json::to_string(&bare_jwk(&kid, signer.public_key())).expect("JSON");
            let (list, thumbprint) = (KeyList::Authtoken, signer.public_key().thumbprint());
            whole.kids.push(UsedKid { pid, list, kid: kid.clone(), thumbprint, added: now, removed: None });
            let entry = Entry { pid, kind: Kind::Authtoken, number: 0, kid: kid.to_string(), body, changed: now };
            whole.entries.push(entry);
        }
    }
    let public = metadata_key.signer.public_key();
    whole.metadata_keys.push(MetadataKey {
        pid: Pid::new(1).expect("a pid"),
        kid: metadata_key.kid.clone(),
        thumbprint: public.thumbprint(),
        jwk: serde_json::to_string(&bare_jwk(&metadata_key.kid, public)).expect("JSON"),
        added: now,
        revoked: None,
    });
    whole
}
