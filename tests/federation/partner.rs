//! [`Partner`]: a verifier that fetches the registry's set about once a second and never because of a token, and clients that
//! ask for tokens all the time. Whatever is refused while it should count is remembered.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bob_auth::flow::verify::{Allowed, Verifier};
use bob_auth::key_source::{KeySource, MetadataKeeping};
use bob_auth::protocol::metadata::{Environment, TrustAnchors};
use bob_auth::protocol::presented::Presented;
use bob_auth::value::{Clock as _, SystemClock};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use serde_json::Value;

use crate::client::Identity;
use crate::registry_site::Files;

/// A partner of participant 34.
pub(crate) struct Partner {
    verifier: Arc<Verifier>,
    runs: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Clients that want tokens without end.
pub(crate) struct Clients {
    runs: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

/// What the clients saw.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) verified: usize,
    pub(crate) kids: BTreeSet<String>,
    /// Tokens that were refused, and answers that were none.
    pub(crate) refused: Vec<String>,
}

/// A token in use: as text, its key and its end.
struct Token {
    text: String,
    kid: String,
    exp: i64,
}

/// Where the services are at the moment; none while they are down.
pub(crate) type Services = Arc<Mutex<Vec<SocketAddr>>>;

impl Partner {
    /// A partner that reads this registry.
    pub(crate) fn new(url: &str, files: &Files) -> Self {
        let anchors = TrustAnchors::parse(&std::fs::read(&files.trust).unwrap(), Environment::Production).unwrap();
        let (url, ca) = (format!("{url}/participantMetadata"), std::fs::read(&files.ca).unwrap());
        let runs = Arc::new(AtomicBool::new(true));
        let (give, take) = mpsc::channel();
        let goes_on = Arc::clone(&runs);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let keeping = MetadataKeeping { refresh: Some(Duration::from_secs(1)), ..MetadataKeeping::default() };
                let builder = KeySource::builder().metadata_url(url, Some(ca), anchors, keeping);
                let source = builder.build(Arc::new(SystemClock), 7).await.unwrap();
                give.send(source.keys()).unwrap();
                let end = async {
                    while goes_on.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                };
                tokio::select! {
                    never = source.run() => match never {},
                    () = end => {}
                }
            });
        });
        let verifier = Verifier::builder(take.recv().unwrap()).allow(Allowed::ANYONE).cache(None).build().unwrap();
        Self { verifier: Arc::new(verifier), runs, thread: Some(thread) }
    }

    /// Whether it knows a key of participant 34.
    pub(crate) fn knows(&self, kid: &str) -> bool {
        let held = self.verifier.keys().load();
        held.set.find(34.to_string().parse().unwrap(), &kid.parse().unwrap()).is_ok()
    }

    /// Clients at these services whose tokens this partner verifies.
    pub(crate) fn clients(&self, services: &Services) -> Clients {
        let (runs, seen) = (Arc::new(AtomicBool::new(true)), Arc::default());
        let work = Work {
            verifier: Arc::clone(&self.verifier),
            identity: Identity::example("validator37"),
            services: Arc::clone(services),
            seen: Arc::clone(&seen),
        };
        let goes_on = Arc::clone(&runs);
        let thread = thread::spawn(move || work.run(&goes_on));
        Clients { runs, seen, thread: Some(thread) }
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.runs.store(false, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Clients {
    /// What they have seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Ends, and fails the test if anything was refused.
    pub(crate) fn content(mut self) -> Seen {
        self.runs.store(false, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        let seen = self.seen();
        assert!(seen.refused.is_empty(), "{} verified, and refused: {:#?}", seen.verified, seen.refused);
        seen
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.runs.store(false, Ordering::Relaxed);
    }
}

struct Work {
    verifier: Arc<Verifier>,
    identity: Identity,
    services: Services,
    seen: Arc<Mutex<Seen>>,
}

impl Work {
    /// Every token is verified again and again, until its end.
    fn run(&self, goes_on: &AtomicBool) {
        let mut tokens: VecDeque<Token> = VecDeque::new();
        while goes_on.load(Ordering::Relaxed) {
            let services = self.services.lock().unwrap().clone();
            for service in services {
                match self.token(service) {
                    // A service that is being killed gives no whole answer.
                    None => {}
                    Some(Ok(token)) => tokens.push_back(token),
                    Some(Err(answer)) => self.seen.lock().unwrap().refused.push(answer),
                }
            }
            let now = SystemClock.now();
            tokens.retain(|token| token.exp > now.as_seconds());
            for token in &tokens {
                self.verify(token);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn verify(&self, token: &Token) {
        let now = SystemClock.now();
        let presented = Presented::of_certificate(&self.identity.der());
        let verified = self.verifier.verify(&token.text, Some(presented), now);
        let mut seen = self.seen.lock().unwrap();
        match verified {
            Ok(_) => {
                seen.verified += 1;
                seen.kids.insert(token.kid.clone());
            }
            Err(error) => seen.refused.push(format!("{} at {now}: {error}", token.kid)),
        }
    }

    fn token(&self, service: SocketAddr) -> Option<Result<Token, String>> {
        let answer = self.ask(service)?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Some(Err(answer));
        }
        let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        Some(Ok(Token {
            text: answer["jwtCompact"].as_str().unwrap().to_owned(),
            kid: answer["header"]["kid"].as_str().unwrap().to_owned(),
            // A service whose clock goes ahead gives longer ones; nobody has to know its key for so long.
            exp: answer["payload"]["exp"].as_i64().unwrap().min(SystemClock.now().plus_seconds(1).as_seconds()),
        }))
    }

    fn ask(&self, service: SocketAddr) -> Option<String> {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.set_verify(SslVerifyMode::NONE);
        connector.set_certificate(&self.identity.certificate).unwrap();
        connector.set_private_key(&self.identity.key).unwrap();
        let connect = connector.build().configure().unwrap().verify_hostname(false);
        let stream = TcpStream::connect(service).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let mut tls = connect.connect("localhost", stream).ok()?;
        let request = "GET /api/v1/auth/validator37 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        tls.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        let _ = tls.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).ok()?;
        answer.contains("\r\n\r\n").then_some(answer)
    }
}
