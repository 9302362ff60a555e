//! Clients that do exactly what a test says: TLS by the openssl crate, HTTP/1.1 as bytes. And curl, for HTTP/2.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use openssl::ec::EcKey;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use serde_json::Value;

/// A certificate and its key, of keys-example.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: X509,
    /// What is sent behind it.
    pub(crate) chain: Vec<X509>,
    pub(crate) key: PKey<Private>,
    /// Where its certificate lies.
    pub(crate) file: PathBuf,
}

/// How to connect.
#[derive(Clone)]
pub(crate) struct Client {
    identity: Option<Identity>,
    version: SslVersion,
    /// The name that is sent as SNI.
    name: Option<&'static str>,
    /// The protocol that is named by ALPN, in its wire form.
    alpn: &'static [u8],
}

/// A connection that speaks HTTP/1.1.
pub(crate) struct Connection<S> {
    pub(crate) stream: S,
    read: Vec<u8>,
}

/// A TLS connection that speaks HTTP/1.1.
pub(crate) type Secure = Connection<SslStream<TcpStream>>;

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) version: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The directory with the example keys.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("keys-example")
}

/// A plain GET of this path.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// The path of an entity's token.
pub(crate) fn auth(entity: &str) -> String {
    format!("/api/v1/auth/{entity}")
}

/// One request, word for word, on a fresh connection without TLS.
pub(crate) fn plain(address: SocketAddr, request: &str) -> Answer {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    Connection::new(stream).ask(request)
}

impl Identity {
    /// The one of this name in keys-example, for example `validator37` or `impostors/expired`.
    pub(crate) fn example(name: &str) -> Self {
        Self::read(&examples().join(format!("{name}.pem")), &examples().join(format!("{name}.key")))
    }

    pub(crate) fn read(certificate: &Path, key: &Path) -> Self {
        Self {
            certificate: X509::from_pem(&std::fs::read(certificate).unwrap()).unwrap(),
            chain: Vec::new(),
            key: PKey::private_key_from_pem(&std::fs::read(key).unwrap()).unwrap(),
            file: certificate.to_owned(),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.certificate.to_der().unwrap()
    }

    /// SHA-1 of the DER, hex in lower case, worked out by OpenSSL.
    pub(crate) fn sha1(&self) -> String {
        hex(&hash(MessageDigest::sha1(), &self.der()).unwrap())
    }

    pub(crate) fn sha256(&self) -> String {
        hex(&hash(MessageDigest::sha256(), &self.der()).unwrap())
    }
}

/// The thief's certificate with a private key that claims to be its key and is not: OpenSSL compares public halves only.
pub(crate) fn forged_pair(certificate: &Identity, key: &Identity) -> Identity {
    let public = certificate.certificate.public_key().unwrap().ec_key().unwrap();
    let private = key.key.ec_key().unwrap();
    let forged = EcKey::from_private_components(public.group(), private.private_key(), public.public_key()).unwrap();
    Identity { key: PKey::from_ec_key(forged).unwrap(), ..certificate.clone() }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Client {
    /// TLS 1.3, no certificate.
    pub(crate) fn anonymous() -> Self {
        Self { identity: None, version: SslVersion::TLS1_3, name: None, alpn: b"\x08http/1.1" }
    }

    /// TLS 1.3 with a certificate.
    pub(crate) fn of(identity: &Identity) -> Self {
        Self { identity: Some(identity.clone()), ..Self::anonymous() }
    }

    /// TLS 1.3 with a certificate of keys-example.
    pub(crate) fn example(name: &str) -> Self {
        Self::of(&Identity::example(name))
    }

    /// Exactly this version of TLS.
    pub(crate) fn version(self, version: SslVersion) -> Self {
        Self { version, ..self }
    }

    /// Names this host by SNI.
    pub(crate) fn naming(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }

    /// Claims to speak HTTP/2.
    pub(crate) fn http2(self) -> Self {
        Self { alpn: b"\x02h2", ..self }
    }

    fn context(&self) -> SslContext {
        let mut builder = SslContext::builder(SslMethod::tls_client()).unwrap();
        // Impostors have weak keys and signatures; that the client would mind is not the point.
        // AWS-LC has no security levels.
        #[cfg(not(feature = "aws-lc"))]
        builder.set_security_level(0);
        builder.set_cipher_list(if cfg!(feature = "aws-lc") { "ALL" } else { "ALL:@SECLEVEL=0" }).unwrap();
        builder.set_verify(SslVerifyMode::NONE);
        builder.set_min_proto_version(Some(self.version)).unwrap();
        builder.set_max_proto_version(Some(self.version)).unwrap();
        builder.set_alpn_protos(self.alpn).unwrap();
        if let Some(identity) = &self.identity {
            builder.set_certificate(&identity.certificate).unwrap();
            builder.set_private_key(&identity.key).unwrap();
            for certificate in &identity.chain {
                builder.add_extra_chain_cert(certificate.clone()).unwrap();
            }
        }
        builder.build()
    }

    /// Connects, or says why that failed.
    pub(crate) fn try_connect(&self, address: SocketAddr) -> Result<Secure, String> {
        let tcp = TcpStream::connect(address).map_err(|error| error.to_string())?;
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        tcp.set_nodelay(true).unwrap();
        let mut ssl = Ssl::new(&self.context()).unwrap();
        if let Some(name) = self.name {
            ssl.set_hostname(name).unwrap();
        }
        let stream = ssl.connect(tcp).map_err(|error| error.to_string())?;
        Ok(Connection::new(stream))
    }

    /// Connects.
    pub(crate) fn connect(&self, address: SocketAddr) -> Secure {
        self.try_connect(address).unwrap_or_else(|error| panic!("no connection: {error}"))
    }

    /// GET of this path on a fresh connection.
    pub(crate) fn get(&self, address: SocketAddr, path: &str) -> Answer {
        self.connect(address).ask(&get(path))
    }

    /// This request, word for word, on a fresh connection.
    pub(crate) fn ask(&self, address: SocketAddr, request: &str) -> Answer {
        self.connect(address).ask(request)
    }

    /// Asks for a token of this entity.
    pub(crate) fn token(&self, address: SocketAddr, entity: &str) -> Answer {
        self.get(address, &auth(entity))
    }
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// Sends a request and reads its answer.
    pub(crate) fn ask(&mut self, request: &str) -> Answer {
        self.send(request.as_bytes());
        let bodiless = request.starts_with("HEAD ");
        self.answer(bodiless).unwrap_or_else(|| panic!("the connection ended instead of an answer"))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.stream.flush().unwrap();
    }

    /// The next answer; `None` if the connection ended instead.
    pub(crate) fn answer(&mut self, bodiless: bool) -> Option<Answer> {
        let head = loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.read.split_off(end + 4);
                break String::from_utf8(std::mem::replace(&mut self.read, rest)).unwrap();
            }
            if !self.more() {
                return None;
            }
        };
        let mut answer = Answer::of_head(&head);
        let length = answer.header("content-length").map_or(0, |length| length.parse::<usize>().unwrap());
        if !bodiless {
            while self.read.len() < length {
                assert!(self.more(), "the answer was cut: {head}");
            }
            let rest = self.read.split_off(length);
            answer.body = std::mem::replace(&mut self.read, rest);
        }
        Some(answer)
    }

    /// Whether something was read that is no whole answer yet.
    pub(crate) fn has_begun(&self) -> bool {
        !self.read.is_empty()
    }

    /// Reads on; `false` at the end of the connection, however it came.
    pub(crate) fn more(&mut self) -> bool {
        let mut buffer = [0; 16384];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                self.read.extend_from_slice(&buffer[..read]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the other end says nothing and does not close")
            }
            Err(_) => false,
        }
    }
}

impl Answer {
    /// Of the last status line and the headers behind it.
    fn of_head(head: &str) -> Self {
        let mut lines = head.trim_end().lines();
        let mut status = lines.next().unwrap().split(' ');
        let version = status.next().unwrap().to_owned();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self { status: status.next().unwrap().parse().unwrap(), version, headers: headers.collect(), body: Vec::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The compact token of a success.
    pub(crate) fn compact(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["jwtCompact"].as_str().unwrap().to_owned()
    }

    /// The payload of a success.
    pub(crate) fn payload(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["payload"].clone()
    }

    /// The id of the problem of a refusal; checks that the document is one.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status);
        json["type"].as_str().unwrap().strip_prefix("urn:bob-auth:problem:").unwrap().to_owned()
    }

    /// Status, headers without the date, and body: all that an outsider could compare.
    pub(crate) fn appearance(&self) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| name != "date");
        headers.sort();
        (self.status, headers, self.body.clone())
    }
}

/// Runs curl without looking at the server's certificate; the arguments end with the URL.
pub(crate) fn curl(arguments: &[&str]) -> Answer {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--insecure", "--max-time", "20", "--include", "--noproxy", "*"]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    let end = output.stdout.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(output.stdout[..end].to_vec()).unwrap();
    Answer { body: output.stdout[end + 4..].to_vec(), ..Answer::of_head(&head) }
}

/// Runs `openssl s_client` with this request on its input until the server closes; all that it printed. For what the
/// openssl crate has no safe door to: sessions kept for later, and what the handshake looks like.
pub(crate) fn s_client(address: SocketAddr, identity: Option<&Identity>, arguments: &[&str], request: &str) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-ign_eof", "-connect", &address.to_string()]).args(arguments);
    if let Some(identity) = identity {
        command.arg("-cert").arg(&identity.file).arg("-key").arg(identity.file.with_extension("key"));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It is gone already if the handshake failed; then its output says so.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    let output = child.wait_with_output().unwrap();
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
