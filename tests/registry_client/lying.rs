//! A registry of one participant that really checks proofs, really keeps what is published, and lies once for each [`Lie`] it
//! is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::SoftwareSigner;
use bob_auth::flow::publish::Publisher;
use bob_auth::https::{HttpsClient, HttpsUrl};
use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::pop::{AnswerParts, PopKey, PopProfile, RequestParts, UnverifiedPop, decode, sign_answer};
use bob_auth::registry_client::{Pace, Party, RegistryClient, World};
use bob_auth::value::{Clock as _, SystemClock};
use ring::rand::SystemRandom;
use serde_json::{Value, json};

pub(crate) const BASE: &str = "/bob/api/v2";
/// The participant's part of it.
pub(crate) const OWN: &str = "/participantMetadata/34";

/// How the next request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Lie {
    /// As it should be.
    None,
    /// Everything is done as it should be, and the answer is not signed.
    Unsigned,
    /// It is signed with a key that nobody trusts.
    Stranger,
    /// It is signed under the id of the trusted key, with another.
    Impostor,
    /// It is the signed answer to the request before.
    AnswerToAnother,
    /// It was signed so many seconds ago.
    Old(i64),
    /// The body is another than was signed.
    Body(&'static str),
    /// The status is another than was signed.
    Status(u16),
    /// The `ETag` is another than was signed.
    Etag(&'static str),
    /// There are two signatures.
    Twice,
    /// Nothing is done; a proxy says so.
    Gateway(u16),
    /// The same, with a `Retry-After`.
    Wish(u16, &'static str),
    /// Nothing is done, and the refusal is signed.
    Refuse(u16, &'static str, &'static str),
    /// It is not signed either.
    RefuseUnsigned(u16, &'static str),
    /// It is done, and the connection ends before the answer.
    ResetAfter,
    /// The connection ends before anything is done.
    ResetBefore,
    /// It is done, and half of the answer comes.
    Torn,
    /// It is done, and answered late.
    Late(Duration),
    /// The body never ends.
    Endless,
    /// It is somewhere else.
    Redirect,
}

/// The registry. It ends when it is dropped.
pub(crate) struct Lying {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
    /// How long its clients wait for one answer.
    patience: Duration,
}

struct Shared {
    ends: AtomicBool,
    book: Mutex<Book>,
    participant: PopKey,
    signer: PopKey,
    stranger: PopKey,
    impostor: PopKey,
    profile: PopProfile,
}

#[derive(Default)]
struct Book {
    lies: VecDeque<Lie>,
    /// By path below [`OWN`].
    things: BTreeMap<String, Vec<u8>>,
    used: BTreeSet<String>,
    proofs: BTreeSet<String>,
    asked: Vec<String>,
    last: Option<Reply>,
}

#[derive(Debug, Clone)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    signature: Option<String>,
}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(crate) fn pop_key(kid: &str, algorithm: Algorithm) -> PopKey {
    let private = match algorithm {
        Algorithm::Es256 => PrivateKey::generate_p256(),
        Algorithm::Rs256 => PrivateKey::generate_rsa(2048),
    };
    let signer = SoftwareSigner::new(&private.unwrap(), &SystemRandom::new()).unwrap();
    PopKey { kid: kid.parse().unwrap(), signer: Arc::new(signer) }
}

/// A new key, as it is published.
pub(crate) fn public(kid: &str) -> PublicJwk {
    let key = pop_key(kid, Algorithm::Es256);
    PublicJwk { kid: key.kid, key: key.signer.public_key().clone() }
}

impl Lying {
    pub(crate) fn start() -> Self {
        Self::with(Algorithm::Es256, PopProfile::default())
    }

    /// Whose clients soon give up.
    pub(crate) fn with_hasty_clients() -> Self {
        let mut registry = Self::start();
        registry.patience = Duration::from_secs(3);
        registry
    }

    /// With a participant whose metadata key is of this kind, and this profile.
    pub(crate) fn with(algorithm: Algorithm, profile: PopProfile) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            ends: AtomicBool::new(false),
            book: Mutex::default(),
            participant: pop_key("34:m1", algorithm),
            signer: pop_key("16:answers", Algorithm::Es256),
            stranger: pop_key("16:stranger", Algorithm::Es256),
            impostor: pop_key("16:answers", Algorithm::Es256),
            profile,
        });
        let of_thread = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.ends.load(Ordering::SeqCst) {
                    break;
                }
                let of_connection = Arc::clone(&of_thread);
                thread::spawn(move || of_connection.serve(stream.unwrap(), address));
            }
        });
        Self { address, shared, accepting: Some(accepting), patience: Duration::from_secs(30) }
    }

    /// The answers to the next requests.
    pub(crate) fn lies(&self, lies: &[Lie]) {
        self.shared.book.lock().unwrap().lies.extend(lies.iter().cloned());
    }

    /// From now on it tells the truth.
    pub(crate) fn forget_lies(&self) {
        self.shared.book.lock().unwrap().lies.clear();
    }

    /// Method and path of every request since this was last asked, below what is the participant's.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.book.lock().unwrap().asked)
    }

    /// What is published there.
    pub(crate) fn thing(&self, path: &str) -> Option<Value> {
        let book = self.shared.book.lock().unwrap();
        book.things.get(path).map(|body| serde_json::from_slice(body).unwrap())
    }

    /// Puts something there, as somebody else would.
    pub(crate) fn put(&self, path: &str, thing: &Value) {
        self.shared.book.lock().unwrap().things.insert(path.to_owned(), thing.to_string().into_bytes());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}{BASE}", self.address)
    }

    /// A client that asks again soon.
    pub(crate) fn client(&self) -> RegistryClient {
        self.client_with(|_| {})
    }

    /// With another time, or other randomness.
    pub(crate) fn client_in(&self, world: World) -> RegistryClient {
        self.make(|_| {}, world)
    }

    pub(crate) fn client_with(&self, change: impl FnOnce(&mut Party)) -> RegistryClient {
        self.make(change, World { clock: Arc::new(SystemClock), rng: Arc::new(SystemRandom::new()) })
    }

    fn make(&self, change: impl FnOnce(&mut Party), world: World) -> RegistryClient {
        let PopKey { kid, signer } = &self.shared.signer;
        let trusted = vec![PublicJwk { kid: kid.clone(), key: signer.public_key().clone() }];
        let mut party = Party {
            pid: "34".parse().unwrap(),
            api: HttpsUrl::parse(&self.url()).unwrap(),
            key: self.shared.participant.clone(),
            trusted,
            profile: self.shared.profile.clone(),
        };
        change(&mut party);
        let pace = Pace {
            first_pause: Duration::from_millis(2),
            longest_pause: Duration::from_millis(8),
            deadline: Duration::from_mins(1),
            ..Pace::default()
        };
        RegistryClient::new(party, HttpsClient::new(None, self.patience).unwrap(), world, pace)
    }

    pub(crate) fn publisher(&self) -> Publisher {
        Publisher::new(self.client())
    }
}

impl Drop for Lying {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream, own: SocketAddr) {
        let Some(request) = read(&stream) else { return };
        let lie = {
            let mut book = self.book.lock().unwrap();
            let below = request.path.strip_prefix(BASE).and_then(|path| path.strip_prefix(OWN)).unwrap_or("?");
            book.asked.push(format!("{} {below}", request.method));
            book.lies.pop_front().unwrap_or(Lie::None)
        };
        match lie {
            Lie::ResetBefore => return,
            Lie::Gateway(status) => return send(&mut stream, &Reply::of(status, "<html>bad gateway</html>")),
            Lie::RefuseUnsigned(status, body) => return send(&mut stream, &Reply::of(status, body)),
            Lie::Wish(status, wish) => {
                let mut reply = Reply::of(status, "");
                reply.headers.push(("retry-after", wish.to_owned()));
                return send(&mut stream, &reply);
            }
            Lie::Redirect => {
                let mut reply = Reply::of(302, "");
                reply.headers.push(("location", format!("http://{own}/elsewhere")));
                return send(&mut stream, &reply);
            }
            _ => {}
        }
        let proof = self.profile.proof_of(request.header(&self.profile.request_header).unwrap_or("none none"));
        let proof = proof.unwrap_or_default().to_owned();
        let reply = match (&lie, self.verify(&request, &proof, own)) {
            (_, Err(reason)) => Reply::of(401, &json!({ "reason": reason }).to_string()),
            (Lie::Refuse(status, headers, body), Ok(())) => {
                let mut reply = Reply::of(*status, body);
                reply.headers.extend(headers.split_once(": ").map(|(_, value)| ("retry-after", value.to_owned())));
                reply
            }
            (_, Ok(())) => self.perform(&request),
        };
        self.answer(&mut stream, &lie, &proof, reply);
    }

    fn verify(&self, request: &Request, proof: &str, own: SocketAddr) -> Result<(), &'static str> {
        let decoded = decode(proof).map_err(|error| error.reason())?;
        let unverified = UnverifiedPop::read(&decoded).map_err(|error| error.reason())?;
        if *unverified.kid() != self.participant.kid {
            return Err("pop_unknown_key");
        }
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let parts = RequestParts {
            method: &request.method,
            host: request.header("host").unwrap_or_default(),
            path: &request.path,
            query: None,
            headers: &headers,
            body: &request.body,
        };
        let hosts = [own.to_string()];
        unverified
            .verify(self.participant.signer.public_key(), &self.profile, (&parts, &hosts), SystemClock.now())
            .map_err(|error| error.reason())?;
        let fresh = self.book.lock().unwrap().proofs.insert(proof.to_owned());
        if fresh { Ok(()) } else { Err("pop_replayed") }
    }

    /// The operations as far as the client cares.
    fn perform(&self, request: &Request) -> Reply {
        let mut book = self.book.lock().unwrap();
        let Some(path) = request.path.strip_prefix(BASE).and_then(|path| path.strip_prefix(OWN)) else {
            return Reply::of(404, "");
        };
        let etag = |body: &[u8]| format!("\"{}\"", bob_auth::crypto::digest::sha256(body)[0]);
        let is_list = path.matches('/').count() == 1 && !["/domainName", "/participantInfo"].contains(&path);
        let found = book.things.get(path).cloned();
        if request.header("if-match").is_some_and(|wanted| found.as_deref().map(etag).as_deref() != Some(wanted)) {
            return Reply::of(412, "");
        }
        match (request.method.as_str(), found) {
            ("GET", _) if is_list => {
                let below = format!("{path}/");
                let items = book.things.iter().filter(|(name, _)| name.starts_with(&below));
                let items: Vec<Value> = items.map(|(_, body)| serde_json::from_slice(body).unwrap()).collect();
                Reply::of(200, &json!(items).to_string())
            }
            ("GET", Some(body)) => {
                let mut reply = Reply::of(200, std::str::from_utf8(&body).unwrap());
                reply.headers.push(("etag", etag(&body)));
                reply
            }
            ("POST", _) => book.post(path, &request.body),
            ("PUT", found) => {
                // The one constraint of an array of one.
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let body = body.as_array().map_or(body.clone(), |items| items[0].clone());
                book.things.insert(path.to_owned(), body.to_string().into_bytes());
                Reply::of(if found.is_none() { 201 } else { 204 }, "")
            }
            ("DELETE", Some(_)) => {
                book.things.remove(path);
                Reply::of(204, "")
            }
            _ => Reply::of(404, ""),
        }
    }

    fn answer(&self, stream: &mut TcpStream, lie: &Lie, proof: &str, mut reply: Reply) {
        let (key, age) = match lie {
            Lie::Stranger => (&self.stranger, 0),
            Lie::Impostor => (&self.impostor, 0),
            Lie::Old(seconds) => (&self.signer, *seconds),
            _ => (&self.signer, 0),
        };
        reply.signature = Some(reply.signed(key, proof, age));
        let last = self.book.lock().unwrap().last.replace(reply.clone());
        match lie {
            Lie::Unsigned => reply.signature = None,
            Lie::AnswerToAnother => reply = last.unwrap(),
            Lie::Body(body) => reply.body = body.as_bytes().to_vec(),
            Lie::Status(status) => reply.status = *status,
            Lie::Etag(etag) => {
                reply.headers.retain(|(name, _)| *name != "etag");
                reply.headers.push(("etag", (*etag).to_owned()));
            }
            Lie::Twice => {
                let signature = reply.signature.clone().unwrap();
                reply.headers.push(("x-bob-response-pop", signature));
            }
            Lie::ResetAfter => return,
            Lie::Torn => {
                let _ = stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 1000\r\n\r\n{\"half");
                return;
            }
            Lie::Late(delay) => thread::sleep(*delay),
            Lie::Endless => return endless(stream),
            _ => {}
        }
        send(stream, &reply);
    }
}

impl Book {
    fn post(&mut self, list: &str, body: &[u8]) -> Reply {
        let mut thing: Value = serde_json::from_slice(body).unwrap();
        let id = match list {
            "/interfaceEndpoint" => {
                let id = self.things.keys().filter(|name| name.starts_with(list)).count() + 1;
                thing["endpointId"] = id.into();
                id.to_string()
            }
            "/issuerSignatureConstraint" => thing["pid"].to_string(),
            _ => thing["kid"].as_str().unwrap().replace(':', "%3A"),
        };
        let place = format!("{list}/{id}");
        if list.ends_with("PublicKey") && !self.used.insert(place.clone()) {
            return Reply::of(403, &json!({ "reason": "kid_reused" }).to_string());
        }
        let body = if list == "/interfaceEndpoint" { thing.to_string() } else { String::new() };
        self.things.insert(place.clone(), thing.to_string().into_bytes());
        let mut reply = Reply::of(201, &body);
        reply.headers.push(("location", format!("{BASE}{OWN}{place}")));
        reply
    }
}

impl Reply {
    fn of(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.as_bytes().to_vec(), signature: None }
    }

    fn signed(&self, key: &PopKey, proof: &str, age: i64) -> String {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let parts = AnswerParts { status: self.status, headers: &headers, body: &self.body, request: proof };
        sign_answer(key, &parts, SystemClock.now().plus_seconds(-age), &SystemRandom::new()).unwrap()
    }
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body })
}

fn send(stream: &mut TcpStream, reply: &Reply) {
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", reply.status);
    if reply.status != 204 {
        write!(head, "content-length: {}\r\n", reply.body.len()).unwrap();
    }
    for (name, value) in &reply.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if let Some(signature) = &reply.signature {
        write!(head, "x-bob-response-pop: {signature}\r\n").unwrap();
    }
    // A client that has had enough closes its side.
    let _ = stream.write_all([head.as_bytes(), b"\r\n", &reply.body].concat().as_slice());
}

fn endless(stream: &mut TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\"");
    while stream.write_all(&[b'x'; 8192]).is_ok() {}
}
