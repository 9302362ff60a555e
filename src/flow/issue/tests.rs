//! Walk 1 on a real store: who gets a token, who does not and for which reason, and what the token says.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::time::Duration;

use ring::rand::SystemRandom;
use serde_json::Value;

use super::*;
use crate::crypto::algorithm::Algorithm;
use crate::crypto::digest::{sha1_fingerprint, sha256_fingerprint};
use crate::crypto::private_key::PrivateKey;
use crate::crypto::signer::SoftwareSigner;
use crate::flow::key_ring::ActiveKey;
use crate::flow::rate_limit::RateLimit;
use crate::protocol::claims::{Audience, HokCase};
use crate::store::{Certificate, Change, Entity, Fingerprint, Owner, Participant, Store};
use crate::value::Lifetime;
use crate::value::time::FixedClock;

const NOW: i64 = 1_790_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn pid() -> Pid {
    Pid::new(34).unwrap()
}

fn change() -> Change {
    Change { at: at(NOW), actor: "test".into() }
}

#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
fn rng() -> Arc<SystemRandom> {
    Arc::new(SystemRandom::new())
}

/// A participant with validator37 (certificate "v"), inspector5 ("i", expired), tvm8 (suspended, "t"), pos1 (none), a
/// participant-wide certificate "p", and a revoked one of validator37, "r".
struct World {
    _directory: tempfile::TempDir,
    store: Store,
    context: Context,
    snapshot: Snapshot,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(directory.path().join("store.sqlite")).await.unwrap();
        let participant =
            Participant { pid: pid(), name: "P".into(), hosts: vec![], base_path: None, created: at(NOW) };
        store.add_participant(&participant, &change()).await.unwrap();
        for (id, class) in [("validator37", "val"), ("inspector5", "ins"), ("tvm8", "tvm"), ("pos1", "pos")] {
            store.add_entity(&entity(id, class), &change()).await.unwrap();
        }
        let own = |id: &str| Owner::Entity(id.parse().unwrap());
        let (later, past) = (NOW + 1000, NOW - 1);
        for (name, owner, not_after) in [
            ("v", own("validator37"), later),
            ("r", own("validator37"), later),
            ("i", own("inspector5"), past),
            ("t", own("tvm8"), later),
            ("p", Owner::Participant, later),
        ] {
            store.enrol(&certificate(name, owner, not_after), &change()).await.unwrap();
        }
        store.revoke(&Fingerprint::Sha1(sha1_fingerprint(b"r")), &change()).await.unwrap();
        store.suspend_entity(pid(), &"tvm8".parse().unwrap(), &change()).await.unwrap();
        let context = Context { clock: Arc::new(FixedClock(at(NOW))), rng: rng(), self_check: SelfCheck::one_of(1) };
        let snapshot = Snapshot {
            directory: Directory::load(&store).await.unwrap(),
            keys: keys(None),
            policies: Policies::new(TokenPolicy::default(), HashMap::new()),
        };
        Self { _directory: directory, store, context, snapshot }
    }

    fn with_policy(mut self, policy: TokenPolicy) -> Self {
        self.snapshot.policies = Policies::new(policy, HashMap::new());
        self
    }

    fn ask(&self, certificate: &str, entity: &str) -> Result<Issued, Refusal> {
        self.ask_as(Some(presented(certificate)), entity)
    }

    fn ask_as(&self, presented: Option<Presented>, entity: &str) -> Result<Issued, Refusal> {
        issue(&self.context, &self.snapshot, None, &Request { pid: pid(), entity: Some(entity), presented })
    }

    fn payload(&self, certificate: &str, entity: &str) -> Value {
        let issued = self.ask(certificate, entity).unwrap();
        let answer: Value = serde_json::from_str(&issued.key.answer_json(&issued.token)).unwrap();
        answer["payload"].clone()
    }
}

fn entity(id: &str, class: &str) -> Entity {
    Entity {
        pid: pid(),
        id: id.parse().unwrap(),
        class: class.parse().unwrap(),
        lifetime: None,
        email: None,
        external_id: None,
        state: EntityState::Active,
        created: at(NOW),
        changed: at(NOW),
    }
}

/// A certificate whose DER is its name: only its fingerprints and dates matter here.
fn certificate(name: &str, owner: Owner, not_after: i64) -> Certificate {
    Certificate {
        pid: pid(),
        owner,
        sha1: sha1_fingerprint(name.as_bytes()),
        sha256: sha256_fingerprint(name.as_bytes()),
        serial: "1".into(),
        subject: format!("CN={name}"),
        not_before: at(0),
        not_after: at(not_after),
        key: "EC P-256".into(),
        der: name.as_bytes().to_vec(),
        state: CertificateState::Active,
        enrolled: at(NOW),
        changed: at(NOW),
    }
}

fn presented(name: &str) -> Presented {
    Presented::of_certificate(name.as_bytes())
}

fn keys(not_after: Option<Timestamp>) -> KeyRing {
    let signer = SoftwareSigner::new(&PrivateKey::generate_for(Algorithm::Es256).unwrap(), &*rng()).unwrap();
    let key = Arc::new(TokenKey::new("34:k_1".parse().unwrap(), Box::new(signer)));
    let mut ring = KeyRing::default();
    ring.activate(pid(), ActiveKey { key, not_after });
    ring
}

#[tokio::test]
async fn an_enrolled_certificate_gets_a_token_for_its_entity() {
    let world = World::new().await;
    let payload = world.payload("v", "validator37");
    assert_eq!(payload["iss"], "34");
    assert_eq!(payload["sub"], "validator37");
    assert_eq!(payload["bobAuthZ"], "val");
    assert_eq!(payload["bobHok"], sha1_fingerprint(b"v").to_string());
    assert_eq!(payload["nbf"], NOW);
    assert_eq!(payload["exp"], NOW + 3600);
}

#[tokio::test]
async fn the_certificate_is_judged_before_the_entity() {
    let world = World::new().await;
    for entity in ["validator37", "nobody", "../etc", ""] {
        assert_eq!(world.ask_as(None, entity).unwrap_err(), Refusal::NoCertificate);
        assert_eq!(world.ask("stranger", entity).unwrap_err(), Refusal::UnknownCertificate);
        assert_eq!(world.ask("r", entity).unwrap_err(), Refusal::RevokedCertificate);
    }
}

#[tokio::test]
async fn a_certificate_with_the_same_sha_1_and_another_sha_256_is_an_impostor() {
    let world = World::new().await;
    let forged = Presented { sha1: sha1_fingerprint(b"v"), sha256: Some(sha256_fingerprint(b"forged")) };
    assert_eq!(world.ask_as(Some(forged), "validator37").unwrap_err(), Refusal::Impostor);
    let bare = Presented::of_fingerprint(sha1_fingerprint(b"v"));
    assert!(world.ask_as(Some(bare), "validator37").is_ok(), "a proxy may hand over the bare fingerprint");
}

#[tokio::test]
async fn each_kind_of_no_about_an_entity_has_its_own_reason() {
    let world = World::new().await;
    assert_eq!(world.ask("v", "nobody").unwrap_err(), Refusal::UnknownEntity);
    assert_eq!(world.ask("v", "inspector5").unwrap_err(), Refusal::NotYourEntity);
    assert_eq!(world.ask("t", "tvm8").unwrap_err(), Refusal::SuspendedEntity);
    assert_eq!(world.ask("v", "a/b").unwrap_err(), Refusal::MalformedEntityId);
    assert_eq!(world.ask("v", "Validator37").unwrap_err(), Refusal::UnknownEntity, "ids are case-sensitive");
    let undecodable = Request { pid: pid(), entity: None, presented: Some(presented("v")) };
    let refusal = issue(&world.context, &world.snapshot, None, &undecodable).unwrap_err();
    assert_eq!(refusal, Refusal::MalformedEntityId);
}

#[tokio::test]
async fn the_participants_certificate_serves_entities_without_one_of_their_own() {
    let world = World::new().await;
    assert_eq!(world.payload("p", "pos1")["bobHok"], sha1_fingerprint(b"p").to_string());
    assert_eq!(world.ask("p", "validator37").unwrap_err(), Refusal::OwnCertificateTakesPrecedence);
}

#[tokio::test]
async fn another_participant_knows_nothing_of_the_certificate() {
    let world = World::new().await;
    let other = Request { pid: Pid::new(35).unwrap(), entity: Some("validator37"), presented: Some(presented("v")) };
    let refusal = issue(&world.context, &world.snapshot, None, &other).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownCertificate);
}

#[tokio::test]
async fn an_expired_certificate_is_worth_what_the_policy_says() {
    let world = World::new().await;
    let issued = world.ask("i", "inspector5").unwrap();
    assert_eq!(issued.expired, Some(ExpiredButPinned { sha1: sha1_fingerprint(b"i"), not_after: at(NOW - 1) }));
    let strict = TokenPolicy { expired_certificates: ExpiredCertificates::Refuse, ..TokenPolicy::default() };
    let world = world.with_policy(strict);
    let refusal = world.ask("i", "inspector5").unwrap_err();
    assert_eq!(refusal, Refusal::ExpiredCertificate { not_after: at(NOW - 1) });
}

#[tokio::test]
async fn a_policy_can_add_id_audience_thumbprint_and_a_lenient_start() {
    let policy = TokenPolicy {
        nbf_backdate: Duration::from_mins(1),
        jti: true,
        audience: Some(Audience::One("partner".into())),
        certificate_binding: CertificateBinding::Sha1AndSha256,
        hok_case: HokCase::Upper,
        lifetime_by_class: BTreeMap::from([("val".parse().unwrap(), Lifetime::from_seconds(60).unwrap())]),
        ..TokenPolicy::default()
    };
    let world = World::new().await.with_policy(policy);
    let (one, two) = (world.payload("v", "validator37"), world.payload("v", "validator37"));
    assert_eq!(one["nbf"], NOW - 60);
    assert_eq!(one["exp"], NOW + 60);
    assert_eq!(one["aud"], "partner");
    assert_eq!(one["cnf"]["x5t#S256"], sha256_fingerprint(b"v").to_base64url());
    assert_eq!(one["bobHok"], sha1_fingerprint(b"v").to_string().to_uppercase());
    assert_eq!(one["jti"].as_str().unwrap().len(), 22);
    assert_ne!(one["jti"], two["jti"]);
}

#[tokio::test]
async fn a_key_signs_up_to_its_last_second_and_not_after() {
    let mut world = World::new().await;
    world.snapshot.keys = keys(Some(at(NOW)));
    assert!(world.ask("v", "validator37").is_ok());
    world.snapshot.keys = keys(Some(at(NOW - 1)));
    assert_eq!(world.ask("v", "validator37").unwrap_err(), Refusal::KeyExpired { not_after: at(NOW - 1) });
    world.snapshot.keys = KeyRing::default();
    assert_eq!(world.ask("v", "validator37").unwrap_err(), Refusal::NoActiveKey);
}

#[tokio::test]
async fn too_many_requests_of_one_certificate_are_refused_and_others_are_not() {
    let world = World::new().await;
    let limit = RateLimit { interval: Duration::from_hours(1), burst: NonZeroU32::MIN };
    let limiter = RateLimiter::new(limit).unwrap();
    let ask = |name: &str, entity| {
        let request = Request { pid: pid(), entity: Some(entity), presented: Some(presented(name)) };
        issue(&world.context, &world.snapshot, Some(&limiter), &request)
    };
    assert!(ask("v", "validator37").is_ok());
    assert!(matches!(ask("v", "validator37"), Err(Refusal::FingerprintRate { .. })));
    assert!(ask("p", "pos1").is_ok());
    assert!(ask("stranger", "pos1").is_err());
    assert_eq!(limiter.len(), 2, "strangers are not remembered");
}

#[tokio::test]
async fn a_snapshot_does_not_change_and_the_next_one_does() {
    let mut world = World::new().await;
    let change = change();
    world.store.suspend_entity(pid(), &"validator37".parse().unwrap(), &change).await.unwrap();
    assert!(world.ask("v", "validator37").is_ok());
    world.snapshot.directory = Directory::load(&world.store).await.unwrap();
    assert_eq!(world.ask("v", "validator37").unwrap_err(), Refusal::SuspendedEntity);
}
