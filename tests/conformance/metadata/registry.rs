//! [`Registry`]: a participant metadata registry that keeps every rule, and the [`Bend`]s that make it break one. It really
//! checks proofs and really keeps what is written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use bob_auth::protocol::pop::Part;
use bob_auth::protocol::pop::{
    AnswerParts, PopError, PopKey, PopProfile, RequestParts, UnverifiedPop, decode, sign_answer,
};
use bob_auth::protocol::registry::operation::{BASE_PATH, Place};
use bob_auth::value::Pid;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::keys::{Keys, rng};
use super::set::Draft;
use crate::certificates::now;
use crate::server::{Asked, Server, Tls, Told};

/// The participant that asks.
pub(crate) const OWN: i64 = 34;
/// Its metadata key.
pub(crate) const KID: &str = "34:metadata_1";

/// What a registry does otherwise than it should.
#[derive(Clone, Copy)]
pub(crate) enum Bend {
    /// Nothing.
    None,
    /// The set is another before it is signed.
    Set(fn(&mut Draft)),
    /// It is another afterwards.
    Sealed(fn(String) -> String),
    /// The answer is another before it is signed.
    Answer(fn(&Asked, &mut Told)),
    /// It is another afterwards.
    Sent(fn(&Asked, &mut Told)),
    /// Proofs with this fault count.
    Lax(Lax),
    /// The first removal of an endpoint fails.
    FirstDelete,
}

/// What may be wrong with a proof that counts all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lax {
    Stranger,
    Unsigned,
    Signature,
    Replay,
    Others,
    Old,
    Future,
    Differs(Part),
}

struct Book {
    /// What participant 34 has, by the path below its own.
    things: BTreeMap<String, Value>,
    next_endpoint: i64,
    changes: u64,
    fetches: usize,
    proofs: BTreeSet<[u8; 32]>,
    refused_to_delete: bool,
}

struct Shared {
    bend: Bend,
    keys: &'static Keys,
    book: Mutex<Book>,
}

/// A registry at work.
pub(crate) struct Registry {
    pub(crate) server: Server,
    shared: Arc<Shared>,
}

impl Registry {
    pub(crate) fn start(bend: Bend) -> Self {
        let keys = Keys::get();
        let things = BTreeMap::from([
            ("authtokenPublicKey".to_owned(), json!([keys.token_jwk])),
            ("mtbPublicKey".to_owned(), json!([])),
        ]);
        let book = Book {
            things,
            next_endpoint: 7,
            changes: 0,
            fetches: 0,
            proofs: BTreeSet::new(),
            refused_to_delete: false,
        };
        let shared = Arc::new(Shared { bend, keys, book: Mutex::new(book) });
        let of_server = Arc::clone(&shared);
        let server = Server::start(Tls::Right, move |asked| of_server.answer(asked));
        Self { server, shared }
    }

    /// What participant 34 has besides its keys.
    pub(crate) fn left(&self) -> Vec<String> {
        let book = self.shared.book.lock().unwrap();
        book.things.keys().filter(|path| !path.ends_with("PublicKey")).cloned().collect()
    }

    /// Gives the participant something.
    pub(crate) fn give(&self, path: &str, value: Value) {
        self.shared.book.lock().unwrap().things.insert(path.to_owned(), value);
    }
}

impl Shared {
    fn answer(&self, asked: &Asked) -> Told {
        let below = asked.target.strip_prefix(BASE_PATH).unwrap_or_default();
        let (mut told, proof) = match Place::parse(below) {
            Err(_) => (Told::status(404), None),
            Ok(Place::WholeSet) => (self.whole_set(asked), None),
            Ok(place) => match self.prove(asked, &place) {
                Ok(proof) => (self.perform(asked, &place), Some(proof)),
                Err(()) => (refusal(), None),
            },
        };
        if let Bend::Answer(bend) = self.bend {
            bend(asked, &mut told);
        }
        if let Some(proof) = proof.filter(|_| told.status != 401) {
            told = self.signed(told, &proof);
        }
        if let Bend::Sent(bend) = self.bend {
            bend(asked, &mut told);
        }
        told
    }

    fn signed(&self, told: Told, proof: &str) -> Told {
        let headers: Vec<(&str, &str)> = told.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let parts = AnswerParts { status: told.status, headers: &headers, body: &told.body, request: proof };
        let signature = sign_answer(&self.keys.answers, &parts, now(), &rng()).unwrap();
        told.with("X-BoB-Response-PoP", &signature)
    }

    fn whole_set(&self, asked: &Asked) -> Told {
        let (mut draft, etag) = {
            let mut book = self.book.lock().unwrap();
            book.fetches += 1;
            let endpoints: Vec<Value> = book.endpoints();
            (Draft::right(self.keys, 100 + book.changes, &endpoints, book.fetches), format!("\"{}\"", book.changes))
        };
        if let Bend::Set(bend) = self.bend {
            bend(&mut draft);
        }
        let mut set = draft.seal();
        if let Bend::Sealed(bend) = self.bend {
            set = bend(set);
        }
        let told = if asked.header("if-none-match") == Some(&etag) {
            Told::status(304)
        } else {
            let told = Told { body: set.into_bytes(), ..Told::status(200) }.with("Content-Type", "application/json");
            if asked.header("accept-encoding").is_some_and(|codings| codings.contains("gzip")) {
                packed(told)
            } else {
                told
            }
        };
        told.with("ETag", &etag).with("Cache-Control", "max-age=3600")
    }

    /// The proof of the request, if it counts.
    fn prove(&self, asked: &Asked, place: &Place) -> Result<String, ()> {
        let lax = |fault| matches!(self.bend, Bend::Lax(lax) if lax == fault);
        let credentials = asked.header("authorization").ok_or(())?;
        let proof = PopProfile::default().proof_of(credentials).ok_or(())?.to_owned();
        if lax(Lax::Unsigned) && proof.ends_with('.') {
            return Ok(proof);
        }
        let decoded = decode(&proof).map_err(|_| ())?;
        let unverified = UnverifiedPop::read(&decoded).map_err(|_| ())?;
        if unverified.kid().as_str() != KID {
            return if lax(Lax::Stranger) && !proof.ends_with('.') { Ok(proof.clone()) } else { Err(()) };
        }
        if place.pid() != Pid::new(OWN).ok() && !lax(Lax::Others) {
            return Err(());
        }
        let host = asked.header("host").unwrap_or_default().to_owned();
        let request = RequestParts {
            method: &asked.method,
            host: &host,
            path: &asked.target,
            query: None,
            headers: &[],
            body: &asked.body,
        };
        let (key, own) = (self.keys.participant.signer.public_key(), [host.clone()]);
        let counts = match unverified.verify(key, &PopProfile::default(), (&request, &own), now()) {
            Ok(verified) => self.book.lock().unwrap().proofs.insert(verified.digest) || lax(Lax::Replay),
            Err(PopError::Signature) => lax(Lax::Signature),
            Err(PopError::Differs(part)) => lax(Lax::Differs(part)),
            Err(PopError::Time { signed_at, now }) if signed_at.as_seconds() < now.as_seconds() => lax(Lax::Old),
            Err(PopError::Time { .. }) => lax(Lax::Future),
            Err(_) => false,
        };
        if counts { Ok(proof.clone()) } else { Err(()) }
    }

    /// Does what was asked for.
    fn perform(&self, asked: &Asked, place: &Place) -> Told {
        let mut book = self.book.lock().unwrap();
        let path = place.to_string();
        let below = path.trim_start_matches("/participantMetadata/").split_once('/').map_or("", |(_, below)| below);
        let body = serde_json::from_slice::<Value>(&asked.body).ok();
        match (asked.method.as_str(), place) {
            ("GET", Place::Participant(pid)) => {
                Told::json(200, &json!({ "pid": pid, "organisationName": "Somebody", "authtokenPublicKeys": [] }))
            }
            ("GET", Place::Endpoints(_)) => Told::json(200, &json!(book.endpoints())),
            ("GET", Place::Constraints(_)) => Told::json(200, &json!([])),
            ("GET", Place::Key(_, list, kid)) => {
                let keys = book.things[list.segment()].as_array().unwrap().clone();
                let found = keys.iter().find(|key| key["kid"] == kid.as_str());
                found.map_or_else(|| Told::status(404), |key| Told::json(200, key))
            }
            ("GET", _) => book.things.get(below).map_or_else(|| Told::status(404), |thing| Told::json(200, thing)),
            ("POST", Place::Endpoints(_)) => {
                let mut endpoint = body.unwrap();
                if endpoint["version"] == 0 {
                    return Told::json(422, &json!("the version is not positive"));
                }
                let id = book.next_endpoint;
                book.next_endpoint += 1;
                endpoint["endpointId"] = id.into();
                book.change(format!("interfaceEndpoint/{id}"), Some(endpoint.clone()));
                Told::json(201, &endpoint).with("Location", &format!("{BASE_PATH}{path}/{id}"))
            }
            ("PUT", Place::Info(_)) => {
                book.change(below.to_owned(), body).map_or_else(|| Told::status(201), |()| Told::status(201))
            }
            ("PUT", _) => {
                book.change(below.to_owned(), body);
                Told::status(204)
            }
            ("DELETE", Place::Endpoint(..)) if matches!(self.bend, Bend::FirstDelete) && !book.refused_to_delete => {
                book.refused_to_delete = true;
                Told::status(503)
            }
            ("DELETE", _) if book.things.contains_key(below) => {
                book.change(below.to_owned(), None);
                Told::status(204)
            }
            _ => Told::status(404),
        }
    }
}

impl Book {
    fn endpoints(&self) -> Vec<Value> {
        let endpoints = self.things.iter().filter(|(path, _)| path.starts_with("interfaceEndpoint/"));
        endpoints.map(|(_, endpoint)| endpoint.clone()).collect()
    }

    fn change(&mut self, path: String, thing: Option<Value>) -> Option<()> {
        self.changes += 1;
        match thing {
            Some(thing) => self.things.insert(path, thing),
            None => self.things.remove(&path),
        };
        None
    }
}

/// No proof, or none that counts: always the same.
fn refusal() -> Told {
    Told::json(401, &json!({ "status": 401, "title": "A proof of possession is required" }))
        .with("WWW-Authenticate", "PoP")
}

/// The same, compressed.
pub(crate) fn packed(told: Told) -> Told {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&told.body).unwrap();
    Told { body: encoder.finish().unwrap(), ..told }.with("Content-Encoding", "gzip")
}

/// A key that nobody trusts.
pub(crate) fn named(key: &PopKey, kid: &str) -> PopKey {
    PopKey { kid: kid.parse().unwrap(), signer: Arc::clone(&key.signer) }
}
