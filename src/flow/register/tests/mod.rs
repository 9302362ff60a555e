//! The register as its users see it, on stores in temporary directories.

mod anchors;
mod bodies;
mod documents;
mod histories;
mod operations;
mod refusals;
mod sets;

use std::sync::Arc;
use std::time::Duration;

use ring::rand::SystemRandom;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::crypto::algorithm::Algorithm;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::signer::{Signer as _, SoftwareSigner};
use crate::protocol::metadata::{Environment, MetadataSet, SignedSet, TrustAnchors};
use crate::protocol::registry::operation::{Place, Verb};
use crate::store::key_files::KeyFiles;
use crate::store::register::{Anchor, AnchorRole};
use crate::store::{AuditFilter, Change, Store};
use crate::value::{Pid, Timestamp};

/// 2026-11-22
const NOW: Timestamp = Timestamp::from_seconds(1_795_330_514);
const WEEK: Duration = Duration::from_hours(7 * 24);

/// A register with the participants 16, 34 and 41, and a primary anchor.
struct Home {
    directory: TempDir,
    register: Register,
    room: AnchorRoom,
}

#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
fn rng() -> SystemRandom {
    SystemRandom::new()
}

fn pid(number: i64) -> Pid {
    Pid::new(number).unwrap()
}

fn at(time: Timestamp) -> Change {
    Change { at: time, actor: "tester".into() }
}

fn now() -> Change {
    at(NOW)
}

fn rules() -> SetRules {
    SetRules { authid: pid(16), valid_for: WEEK, interval: None, renew_after: WEEK / 2 }
}

fn place(path: &str) -> Place {
    Place::parse(&format!("/participantMetadata/{path}")).unwrap()
}

/// A new key as it is published.
fn jwk(kid: &str) -> Value {
    let signer = SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &rng()).unwrap();
    let mut jwk = serde_json::to_value(signer.public_key().to_jwk(kid)).unwrap();
    jwk.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "use" | "alg"));
    jwk
}

fn with(mut value: Value, member: &str, new: Value) -> Value {
    value[member] = new;
    value
}

fn endpoint() -> Value {
    json!({"version": 1, "type": "validation", "uri": "https://api.example.se/bob/v1"})
}

/// What a participant asks for.
struct Ask<'a> {
    register: &'a Register,
    caller: Pid,
    if_match: Option<IfMatch>,
    proof: Option<ProofMark>,
}

impl Home {
    async fn new() -> Self {
        let home = Self::without_anchor().await;
        home.anchor(AnchorRole::Primary, Algorithm::Es256).await;
        home
    }

    async fn without_anchor() -> Self {
        let home = Self::empty().await;
        for (number, name) in [(16, "Samordnaren"), (34, "Östgötatrafiken"), (41, "Länstrafiken")] {
            home.register.add_participant(pid(number), name, &now()).await.unwrap();
        }
        home
    }

    async fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(directory.path().join("store")).await.unwrap();
        let files = KeyFiles::new(directory.path().join("anchors"));
        let room = AnchorRoom { files, passphrase: None, rng: Arc::new(rng()) };
        Self { directory, register: Register::new(store, Limits::DEFAULT), room }
    }

    async fn anchor(&self, role: AnchorRole, algorithm: Algorithm) -> Anchor {
        self.register.generate_anchor(&self.room, &wanted(role, algorithm), &now()).await.unwrap()
    }

    fn asks(&self, caller: i64) -> Ask<'_> {
        Ask { register: &self.register, caller: pid(caller), if_match: None, proof: None }
    }

    /// Builds what must be new.
    async fn built(&self, time: Timestamp) -> BuiltSet {
        match self.register.build_set(&self.room, &rules(), &at(time)).await.unwrap() {
            Built::New(set) => set,
            Built::Kept(set) => panic!("{} was kept", set.serial),
        }
    }

    /// The trust file of this moment.
    async fn trust(&self) -> TrustAnchors {
        let keys = jwks(&self.register.trusted_anchors().await.unwrap());
        TrustAnchors::parse(&keys, Environment::Production).unwrap()
    }

    async fn actions(&self) -> Vec<String> {
        let page = self.register.store.audit(&AuditFilter::default(), None, 1000).await.unwrap();
        page.items.into_iter().rev().map(|entry| entry.row.action.into_owned()).collect()
    }
}

impl Ask<'_> {
    fn if_match(self, etag: &Etag) -> Self {
        Self { if_match: Some(IfMatch::OneOf(vec![Etag::new("other"), etag.clone()])), ..self }
    }

    async fn perform(&self, verb: Verb, path: &str, body: &[u8]) -> Result<Done, Refused> {
        let (place, change) = (place(path), now());
        let request = Request {
            caller: self.caller,
            verb,
            place: &place,
            body,
            if_match: self.if_match.as_ref(),
            proof: self.proof,
            change: &change,
        };
        self.register.perform(&request).await
    }

    async fn get(&self, path: &str) -> Result<Value, Refused> {
        match self.perform(Verb::Get, path, b"").await? {
            Done::Read { json, .. } => Ok(serde_json::from_str(&json).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    async fn etag(&self, path: &str) -> Etag {
        match self.perform(Verb::Get, path, b"").await.unwrap() {
            Done::Read { etag, .. } => etag,
            other => panic!("{other:?}"),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Done, Refused> {
        self.perform(Verb::Post, path, body.to_string().as_bytes()).await
    }

    async fn put(&self, path: &str, body: &Value) -> Result<Done, Refused> {
        self.perform(Verb::Put, path, body.to_string().as_bytes()).await
    }

    async fn delete(&self, path: &str) -> Result<Done, Refused> {
        self.perform(Verb::Delete, path, b"").await
    }
}

fn wanted(role: AnchorRole, algorithm: Algorithm) -> NewAnchor {
    NewAnchor { role, algorithm, kid: None, authid: pid(16) }
}

fn jwks(anchors: &[Anchor]) -> Vec<u8> {
    let keys: Vec<Value> = anchors.iter().map(|anchor| serde_json::from_str(&anchor.public_jwk).unwrap()).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

fn read(set: &BuiltSet, trust: &TrustAnchors) -> MetadataSet {
    SignedSet::verify_at_any_time(&set.json, trust).unwrap()
}

fn location(done: Result<Done, Refused>) -> String {
    match done.unwrap() {
        Done::Created { location, .. } | Done::Repaired { location, .. } => location.to_string(),
        other => panic!("{other:?}"),
    }
}
