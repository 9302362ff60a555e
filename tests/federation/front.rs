//! [`Front`]: what stands between a token service and the registry, and can do to their traffic whatever a network, a broken
//! registry or an attacker could.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use openssl::ssl::{SslAcceptor, SslConnector, SslFiletype, SslMethod, SslVerifyMode};

/// What it does to the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Connections are closed at once.
    Down,
    /// Everything takes its time, and comes.
    Slow,
    /// Connections are taken, and nothing comes.
    Silent,
    /// A status 500 for everything.
    Errors,
    /// What is asked is done; what is answered is changed on the way.
    Forged,
    /// The set is the first that there was, again and again.
    OldSet,
}

/// It listens for as long as the test runs.
#[derive(Clone)]
pub(crate) struct Front(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    fault: Mutex<Fault>,
    registry: Mutex<Option<SocketAddr>>,
    first_set: Mutex<Option<Vec<u8>>>,
}

/// Longer than a service waits for an answer.
const SILENCE: Duration = Duration::from_millis(2_500);
const SLOWNESS: Duration = Duration::from_millis(400);

impl Front {
    /// With the certificate of the registry.
    pub(crate) fn new(certificate: &Path, key: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate_chain_file(certificate).unwrap();
        acceptor.set_private_key_file(key, SslFiletype::PEM).unwrap();
        let acceptor = Arc::new(acceptor.build());
        let front = Self(Arc::new(Shared {
            address: listener.local_addr().unwrap(),
            fault: Mutex::new(Fault::None),
            registry: Mutex::default(),
            first_set: Mutex::default(),
        }));
        let shared = Arc::downgrade(&front.0);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(shared) = shared.upgrade() else { return };
                let acceptor = Arc::clone(&acceptor);
                thread::spawn(move || shared.serve(&acceptor, stream));
            }
        });
        front
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Where the registry is.
    pub(crate) fn leads_to(&self, registry: SocketAddr) {
        *self.0.registry.lock().unwrap() = Some(registry);
    }

    pub(crate) fn set(&self, fault: Fault) {
        *self.0.fault.lock().unwrap() = fault;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // The thread that accepts looks whether anybody is left.
        if Arc::strong_count(&self.0) == 1 {
            let _ = TcpStream::connect(self.0.address);
        }
    }
}

impl Shared {
    /// One request, or none. Whatever goes wrong is the other side's affair.
    fn serve(&self, acceptor: &SslAcceptor, stream: TcpStream) -> Option<()> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::Down => return None,
            Fault::Silent => {
                thread::sleep(SILENCE);
                return None;
            }
            Fault::Slow => thread::sleep(SLOWNESS),
            _ => {}
        }
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut tls = acceptor.accept(stream).ok()?;
        let request = read_request(&mut tls)?;
        let answer = if fault == Fault::Errors {
            b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
        } else {
            let answer = self.forward(&request)?;
            self.change(fault, &request, answer)
        };
        tls.write_all(&answer).ok()?;
        tls.shutdown().ok()?;
        Some(())
    }

    fn forward(&self, request: &[u8]) -> Option<Vec<u8>> {
        let registry = (*self.registry.lock().unwrap())?;
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.set_verify(SslVerifyMode::NONE);
        let connect = connector.build().configure().unwrap().verify_hostname(false);
        let stream = TcpStream::connect(registry).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut tls = connect.connect("localhost", stream).ok()?;
        tls.write_all(request).ok()?;
        let mut answer = Vec::new();
        // The other side may close without a word.
        let _ = tls.read_to_end(&mut answer);
        (!answer.is_empty()).then_some(answer)
    }

    fn change(&self, fault: Fault, request: &[u8], mut answer: Vec<u8>) -> Vec<u8> {
        let is_set = request.starts_with(b"GET /api/v2/participantMetadata HTTP");
        let is_whole = answer.starts_with(b"HTTP/1.1 200");
        match fault {
            Fault::Forged => {
                let end = end_of_head(&answer).unwrap_or(0);
                let (head, body) = answer.split_at_mut(end);
                // In the middle of what is signed, whichever that is.
                let place = if is_set && is_whole { body } else { after_name(head, b"x-bob-response-pop:") };
                let middle = place.len() / 2;
                if let Some(byte) = place.get_mut(middle) {
                    *byte = if *byte == b'A' { b'B' } else { b'A' };
                }
                answer
            }
            Fault::OldSet if is_set => self.first_set.lock().unwrap().clone().unwrap_or(answer),
            _ => {
                if is_set && is_whole {
                    self.first_set.lock().unwrap().get_or_insert_with(|| answer.clone());
                }
                answer
            }
        }
    }
}

/// A request, changed so that the answer is plain and the connection ends with it. Neither is signed.
fn read_request(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = end_of_head(&read) {
            break end;
        }
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            count => read.extend_from_slice(&chunk[..count]),
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).ok()?;
    let value = |name: &str| {
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix(name).map(|rest| rest.trim().to_owned()))
    };
    let length: usize = value("content-length:").map_or(Some(0), |length| length.parse().ok())?;
    while read.len() < end + length {
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            count => read.extend_from_slice(&chunk[..count]),
        }
    }
    let kept = head.trim_end().lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("accept-encoding:") && !line.starts_with("connection:")
    });
    let lines: Vec<&str> = kept.chain(["Connection: close", "", ""]).collect();
    let request = lines.join("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(&read[end..]);
    Some(request)
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// The value of a header, to be changed in place; nothing if it is not there.
fn after_name<'h>(head: &'h mut [u8], name: &[u8]) -> &'h mut [u8] {
    let lower = head.to_ascii_lowercase();
    let Some(start) = lower.windows(name.len()).position(|part| part == name).map(|at| at + name.len()) else {
        return &mut [];
    };
    let length = lower[start..].iter().position(|byte| *byte == b'\r').unwrap_or(0);
    &mut head[start..start + length]
}
