//! [`Server`]: a TLS server of ours that answers as a test tells it, right or wrong, one request for one connection. It asks
//! for a client certificate and takes any, as BoB wants, unless it is told to be wrong in that, too.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bob_auth::crypto::cert::Certificate;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use serde_json::Value;
use tempfile::TempDir;

use crate::certificates;

/// How long a client may keep a connection without sending anything.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a request.
const LARGEST: usize = 256 * 1024;

/// How the server speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    /// 1.2 and 1.3, asks for a certificate, takes any.
    Right,
    /// No version that is still in use.
    Ancient,
    /// 1.2 and nothing later.
    Only12,
    /// With a certificate for another name.
    OtherName,
    /// Breaks off when there is no certificate.
    Insists,
    /// Breaks off when there is a certificate that is not one of keys-example.
    Chooses,
    /// Breaks off when the dates of a certificate are over.
    Dates,
    /// Asks nobody for a certificate.
    AsksNobody,
    /// Breaks off when a session is taken up again: OpenSSL does that where the session's context has no name.
    Forgets,
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names as they were spelt.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What the client has shown.
    pub(crate) certificate: Option<Certificate>,
    /// It was shown on an earlier connection, whose session was taken up again.
    pub(crate) resumed: bool,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Nothing is said: the connection ends.
    pub(crate) cut: bool,
    /// The body is sent though the method is HEAD.
    pub(crate) insists: bool,
}

impl Asked {
    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    /// Every header of this name.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The SHA-1 fingerprint of the certificate.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        self.certificate.as_ref().map(|certificate| certificate.sha1.to_string())
    }
}

impl Told {
    /// Status and nothing else.
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), cut: false, insists: false }
    }

    /// A document in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { body: body.to_string().into_bytes(), ..Self::status(status) }.with("Content-Type", "application/json")
    }

    /// No answer at all.
    pub(crate) fn cut() -> Self {
        Self { cut: true, ..Self::status(0) }
    }

    /// The same with this header in place of any of its name.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        let mut told = self.without(name);
        told.headers.push((name.to_owned(), value.to_owned()));
        told
    }

    /// The same without this header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }
}

/// A running server. It ends when the value goes.
pub(crate) struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    directory: TempDir,
}

type Answering = dyn Fn(&Asked) -> Told + Send + Sync;

impl Server {
    /// A server on a free port.
    pub(crate) fn start(tls: Tls, answer: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let directory = TempDir::new().unwrap();
        let name = if tls == Tls::OtherName { "elsewhere.example" } else { "127.0.0.1" };
        let (certificate, key) = certificates::of_server(name);
        certificates::write(&certificate, directory.path().join("ca.pem"));
        let context = context(tls, &certificate, &key.to_pkcs8_pem(None).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, ended) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let (answer, end): (Arc<Answering>, _) = (Arc::new(answer), Arc::clone(&ended));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let (context, answer) = (context.clone(), Arc::clone(&answer));
                thread::spawn(move || converse(stream, &context, &*answer));
            }
        });
        Self { address, ended, accepting: Some(accepting), directory }
    }

    /// Its address with this path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// The file with its certificate, for `--ca`.
    pub(crate) fn ca(&self) -> String {
        self.file("ca.pem").to_str().unwrap().to_owned()
    }

    /// A file in the server's own directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        Path::new(self.directory.path()).join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn context(tls: Tls, certificate: &Certificate, key: &[u8]) -> SslContext {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    builder.set_certificate(&X509::from_der(&certificate.der).unwrap()).unwrap();
    builder.set_private_key(&PKey::private_key_from_pem(key).unwrap()).unwrap();
    if tls != Tls::Forgets {
        builder.set_session_id_context(b"conformance").unwrap();
    }
    let known = ["validator37", "inspector5"].map(|name| certificates::example_certificate(name).der);
    let insists = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    match tls {
        Tls::AsksNobody => builder.set_verify(SslVerifyMode::NONE),
        Tls::Insists => builder.set_verify_callback(insists, |_, _| true),
        Tls::Chooses => builder.set_verify_callback(SslVerifyMode::PEER, move |_, chain| {
            chain.current_cert().is_some_and(|shown| known.contains(&shown.to_der().unwrap()))
        }),
        Tls::Dates => {
            builder.set_verify_callback(SslVerifyMode::PEER, |good, chain| good || chain.error().as_raw() != EXPIRED);
        }
        _ => builder.set_verify_callback(SslVerifyMode::PEER, |_, _| true),
    }
    match tls {
        Tls::Only12 => builder.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap(),
        Tls::Ancient => builder.set_max_proto_version(Some(SslVersion::TLS1_1)).unwrap(),
        _ => {}
    }
    builder.build()
}

/// `X509_V_ERR_CERT_HAS_EXPIRED`.
const EXPIRED: i32 = 10;

fn converse(stream: TcpStream, context: &SslContext, answer: &Answering) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    let Ok(mut stream) = Ssl::new(context).unwrap().accept(stream) else { return };
    let Some(asked) = read(&mut stream) else { return };
    let told = answer(&asked);
    if told.cut {
        return;
    }
    // A client that has gone needs no answer.
    let _ = stream.write_all(&bytes(&asked, &told));
    let _ = stream.shutdown();
}

fn read(stream: &mut SslStream<TcpStream>) -> Option<Asked> {
    let shown = stream.ssl().peer_certificate().map(|shown| Certificate::from_der(&shown.to_der().unwrap()).unwrap());
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16384]);
    loop {
        if let Some(asked) = request(&bytes) {
            return Some(Asked { certificate: shown, resumed: stream.ssl().session_reused(), ..asked });
        }
        match stream.read(&mut buffer) {
            Ok(read @ 1..) if bytes.len() < LARGEST => bytes.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}

/// The request in these bytes, once it is whole.
fn request(bytes: &[u8]) -> Option<Asked> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked { method, target, headers, body: Vec::new(), certificate: None, resumed: false };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.body = bytes.get(end + 4..end + 4 + length)?.to_vec();
    Some(asked)
}

fn bytes(asked: &Asked, told: &Told) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Whatever\r\nConnection: close\r\n", told.status);
    for (name, value) in &told.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if !matches!(told.status, 204 | 304) {
        let _ = write!(head, "Content-Length: {}\r\n", told.body.len());
    }
    let mut bytes = (head + "\r\n").into_bytes();
    if asked.method != "HEAD" || told.insists {
        bytes.extend_from_slice(&told.body);
    }
    bytes
}
