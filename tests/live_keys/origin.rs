//! A server of key sets that answers exactly as a test says, over HTTP or TLS, and counts who asks.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bob_auth::crypto::issue_cert::{Profile, Purpose, self_signed};
use bob_auth::crypto::private_key::PrivateKey;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;
use ring::rand::SystemRandom;

use crate::issuer::now;

/// A server on a port of its own, for as long as the test process lives.
pub(crate) struct OriginServer {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    /// In PEM, if it speaks TLS.
    pub(crate) ca: Option<Vec<u8>>,
}

struct Shared {
    answer: Answer,
    /// The heads of all requests.
    requests: Vec<String>,
}

/// What every request is answered with.
#[derive(Clone)]
pub(crate) enum Answer {
    /// This body with status 200 and these header lines.
    Body { headers: String, body: Vec<u8> },
    /// The same, after a while.
    Late(Duration, String),
    /// These bytes as they are.
    Raw(Vec<u8>),
    /// The connection is closed.
    Nothing,
    /// The first for the next request, the second for those that follow.
    Then(Box<(Answer, Answer)>),
}

impl Answer {
    pub(crate) fn keys(jwks: &str) -> Self {
        Self::with("", jwks)
    }

    /// Each header line ends with CR and LF.
    pub(crate) fn with(headers: &str, body: &str) -> Self {
        Self::Body { headers: headers.to_owned(), body: body.as_bytes().to_vec() }
    }

    pub(crate) fn status(line: &str) -> Self {
        Self::Raw(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes())
    }

    /// This one first.
    pub(crate) fn after(self, first: Self) -> Self {
        Self::Then(Box::new((first, self)))
    }

    fn bytes(self, request: &str) -> Vec<u8> {
        let (headers, body) = match self {
            Self::Body { headers, body } => (headers, body),
            Self::Late(delay, body) => {
                thread::sleep(delay);
                (String::new(), body.into_bytes())
            }
            Self::Raw(bytes) => return bytes,
            Self::Nothing => return Vec::new(),
            Self::Then(both) => return both.0.bytes(request),
        };
        let etag = headers.lines().find_map(|line| line.strip_prefix("ETag: "));
        let asks_for = request.lines().find_map(|line| line.strip_prefix("if-none-match: "));
        if etag.is_some() && etag == asks_for {
            return format!("HTTP/1.1 304 Not Modified\r\n{headers}Connection: close\r\n\r\n").into_bytes();
        }
        let mut head = String::new();
        let length = body.len();
        write!(head, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n").unwrap();
        [head.into_bytes(), body].concat()
    }
}

impl OriginServer {
    /// Without TLS.
    pub(crate) fn plain(answer: Answer) -> Self {
        Self::start(answer, None, None)
    }

    /// With a certificate for 127.0.0.1 that only this server's `ca` knows.
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    pub(crate) fn tls(answer: Answer) -> Self {
        let key = PrivateKey::generate_p256().unwrap();
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let profile = Profile {
            common_name: "origin".to_owned(),
            validity: (now().plus_seconds(-60), now().plus_seconds(3600)),
            purpose: Purpose::Server { names: Vec::new(), addresses: vec![address] },
        };
        let certificate = self_signed(&profile, &key, &SystemRandom::new()).unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&X509::from_der(&certificate.der).unwrap()).unwrap();
        let key = PKey::private_key_from_pem(&key.to_pkcs8_pem(None).unwrap()).unwrap();
        acceptor.set_private_key(&key).unwrap();
        let ca = certificate.to_pem().unwrap().into_bytes();
        Self::start(answer, Some(acceptor.build()), Some(ca))
    }

    fn start(answer: Answer, acceptor: Option<SslAcceptor>, ca: Option<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared { answer, requests: Vec::new() }));
        let (acceptor, serves) = (acceptor.map(Arc::new), shared.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (acceptor, shared) = (acceptor.clone(), serves.clone());
                thread::spawn(move || match acceptor {
                    None => serve(stream, &shared),
                    Some(acceptor) => {
                        // A client that does not trust this server breaks the handshake off.
                        if let Ok(stream) = acceptor.accept(stream) {
                            serve(stream, &shared);
                        }
                    }
                });
            }
        });
        Self { address, shared, ca }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/jwks.json", self.address)
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.shared.lock().unwrap().answer = answer;
    }

    /// How often it was asked, up to now.
    pub(crate) fn requests(&self) -> usize {
        self.shared.lock().unwrap().requests.len()
    }

    pub(crate) fn last_request(&self) -> String {
        self.shared.lock().unwrap().requests.last().unwrap().clone()
    }
}

/// A URL on which nobody listens.
pub(crate) fn nobody() -> String {
    // A port that the system gives to nobody who does not ask for it.
    "http://127.0.0.1:1/jwks.json".to_owned()
}

fn serve<S>(mut stream: S, shared: &Mutex<Shared>)
where
    S: Read + Write + Closing,
{
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let answer = {
        let mut shared = shared.lock().unwrap();
        shared.requests.push(head.clone());
        let answer = shared.answer.clone();
        if let Answer::Then(both) = &answer {
            shared.answer = both.1.clone();
        }
        answer
    };
    // The client may have had enough before the last byte.
    let _ = stream.write_all(&answer.bytes(&head));
    stream.close();
}

/// A stream that is ended as its protocol wants it.
trait Closing {
    fn close(self);
}

impl Closing for TcpStream {
    fn close(self) {}
}

impl Closing for openssl::ssl::SslStream<TcpStream> {
    fn close(mut self) {
        let _ = self.shutdown();
    }
}
