//! [`Door`]: a running `bob-auth verify-server` with the keys of a real token service, tokens that this service issued, and
//! a forger who has its key.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::value::{Clock as _, SystemClock};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Private};
use serde_json::{Value, json};

use crate::client::{Answer, Client, Connection, Identity};
use crate::process::Service;
use crate::site::Site;

/// What most tests need: participant 34's validators, a fingerprint header, and the loopback for a proxy.
pub(crate) const POLICY: &str = "[verify]\nallow = ['34:val']\n[verify.issuer.34]\njwks = 'keys.jwks'\n";
pub(crate) const LISTENER: &str = "[listener.verify]\nlisten = ['127.0.0.1:0', 'unix:verify.sock']\n\
                                   trusted_peers = ['127.0.0.1']\nfingerprint_header = 'X-SSL-Client-SHA1'\n";

/// What a partner has who lets requests pass.
pub(crate) struct Door {
    pub(crate) site: Site,
    /// Of validator37 and inspector5, as the service issued them.
    pub(crate) validator: String,
    pub(crate) inspector: String,
    pub(crate) forger: Forger,
}

/// Signs whatever it is given with the key of the service.
pub(crate) struct Forger {
    key: PKey<Private>,
    pub(crate) kid: String,
}

impl Door {
    /// With these settings besides those of [`POLICY`] and [`LISTENER`].
    pub(crate) fn new(toml: &str) -> Self {
        let site = Site::with_entities();
        let service = Service::start(&site);
        let token = |name: &str| Client::example(name).token(service.token(), name).compact();
        let (validator, inspector) = (token("validator37"), token("inspector5"));
        drop(service);
        fs::write(site.file("keys.jwks"), site.run(&["key", "export", "--jwks"])).unwrap();
        site.configure(POLICY);
        site.configure(LISTENER);
        site.configure(toml);
        let forger = Forger::of(&site);
        Self { site, validator, inspector, forger }
    }

    pub(crate) fn open(&self) -> Service {
        Service::spawn(&mut self.site.command(&["verify-server"]))
    }
}

impl Forger {
    fn of(site: &Site) -> Self {
        let file = fs::read_dir(site.file("keys")).unwrap().next().unwrap().unwrap().path();
        let key = PKey::private_key_from_pem(&fs::read(file).unwrap()).unwrap();
        let keys: Value = serde_json::from_slice(&fs::read(site.file("keys.jwks")).unwrap()).unwrap();
        Self { key, kid: keys["keys"][0]["kid"].as_str().unwrap().to_owned() }
    }

    /// A header and a payload as the service writes them for validator37, changed.
    pub(crate) fn token(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let now = SystemClock.now().as_seconds();
        let mut header = json!({"alg": "ES256", "kid": self.kid});
        let mut payload = json!({
            "iss": "34", "sub": "validator37", "iat": now, "nbf": now, "exp": now + 600,
            "bobHok": sha1("validator37"), "bobAuthZ": "val",
        });
        change(&mut header, &mut payload);
        self.sign(&header.to_string(), &payload.to_string())
    }

    /// These bytes, signed.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let digest = hash(MessageDigest::sha256(), text.as_bytes()).unwrap();
        let signature = EcdsaSig::sign(&digest, &self.key.ec_key().unwrap()).unwrap();
        let half = |number: &openssl::bn::BigNumRef| number.to_vec_padded(32).unwrap();
        let signature = [half(signature.r()), half(signature.s())].concat();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The fingerprint of an example certificate.
pub(crate) fn sha1(name: &str) -> String {
    Identity::example(name).sha1()
}

/// A request word for word.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", headers.concat())
}

/// Over TCP, from the proxy's address.
pub(crate) fn ask(service: &Service, request: &str) -> Answer {
    let stream = TcpStream::connect(service.address("verify")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    exchange(stream, request)
}

/// Through the Unix socket.
pub(crate) fn ask_socket(door: &Door, request: &str) -> Answer {
    let stream = UnixStream::connect(door.site.file("verify.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    exchange(stream, request)
}

fn exchange(stream: impl Read + Write, request: &str) -> Answer {
    Connection::new(stream).ask(request)
}

/// `GET /verify` with this token and the certificate of validator37.
pub(crate) fn present(service: &Service, token: &str) -> Answer {
    let sha1 = sha1("validator37");
    ask(service, &request("GET", "/verify", &[("X-BoB-AuthToken", token), ("X-SSL-Client-SHA1", &sha1)]))
}

/// Panics unless this is the answer to a refused request in every respect; gives the reason.
pub(crate) fn refusal(answer: &Answer) -> String {
    let reason = answer.header("x-bob-reason").unwrap_or_else(|| panic!("no reason: {answer:?}")).to_owned();
    assert!(matches!(answer.status, 401 | 403), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let challenge = format!("BoB error=\"invalid_token\", reason=\"{reason}\"");
    assert_eq!(answer.header("www-authenticate"), (answer.status == 401).then_some(challenge.as_str()));
    assert!(!answer.body.is_empty());
    answer.problem();
    assert_eq!(answer.json()["reason"], reason.as_str());
    assert!(caller_headers(answer).is_empty(), "{answer:?}");
    reason
}

/// The headers that name a caller.
pub(crate) fn caller_headers(answer: &Answer) -> Vec<(&str, &str)> {
    let names = ["x-bob-pid", "x-bob-entity", "x-bob-class", "x-bob-expires"];
    let of_caller = answer.headers.iter().filter(|(name, _)| names.contains(&name.as_str()));
    let mut found: Vec<(&str, &str)> = of_caller.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    found.sort_unstable();
    found
}
