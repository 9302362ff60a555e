//! Sets that somebody on the way, or in the registry's place, could send: each leaves the good set in force.

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::key_source::MetadataKeeping;
use bob_auth::protocol::metadata::{AnchorError, Environment, SignedSet, TrustAnchors};
use serde_json::{Value, json};

use super::issuer::{Authority, Key, now, pid, terms};
use super::origin::{Answer, OriginServer};
use super::{Door, builder};

fn edited(set: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut set = serde_json::from_str(set).unwrap();
    edit(&mut set);
    set.to_string()
}

/// The set as if this had been the kid of its first signature, said where nobody signed it.
fn unprotected_kid(set: &str, kid: &str) -> String {
    edited(set, |set| set["signatures"][0]["header"] = json!({"kid": kid}))
}

struct Attacked {
    door: Door,
    server: OriginServer,
    good: Key,
}

impl Attacked {
    async fn new(anchors: TrustAnchors, set: &str, good: Key) -> Self {
        let server = OriginServer::plain(Answer::keys(set));
        let source = builder()
            .refresh_every(std::time::Duration::from_secs(1))
            .cool_down(std::time::Duration::from_secs(1))
            .metadata_url(server.url(), None, anchors, MetadataKeeping::default());
        Self { door: Door::open(source).await, server, good }
    }

    /// Whatever is sent is refused for this reason, and nothing has changed.
    async fn is_refused(&self, answer: Answer, told: &str) {
        self.server.answer(answer);
        self.door.until(|status| status.last_error.as_ref().is_some_and(|error| error.contains(told))).await;
        assert_eq!(self.door.reason(&self.good.token()).await, "accepted", "{told}");
        assert_eq!(self.door.status().metadata.unwrap().serial, 7, "{told}");
    }
}

#[tokio::test]
async fn a_key_inside_the_set_signs_no_set() {
    let participant = PrivateKey::generate_p256().unwrap();
    let (authority, good, lies) = (Authority::new(), Key::of(&participant, 1, "1:a"), Key::new(1, "1:z"));
    let set = authority.set(7, &[&good]);
    let attacked = Attacked::new(authority.anchors(), &set, Key::of(&participant, 1, "1:a")).await;
    let by_participant = Authority::of(&participant, "1:a").set(8, &[&lies]);
    attacked.is_refused(Answer::keys(&by_participant), "no trust anchor signed").await;
    let in_anchors_name = Authority::of(&participant, "16:authority").set(8, &[&lies]);
    attacked.is_refused(Answer::keys(&in_anchors_name), "was changed, or the anchor").await;
    assert_eq!(attacked.door.reason(&lies.token()).await, "unknown_key");
}

#[tokio::test]
async fn a_kid_that_nobody_signed_makes_nobody_an_anchor() {
    let (authority, good, lies) = (Authority::new(), Key::new(1, "1:a"), Key::new(1, "1:z"));
    let attacked = Attacked::new(authority.anchors(), &authority.set(7, &[&good]), good).await;
    let stranger = Authority::of(&PrivateKey::generate_p256().unwrap(), "9:stranger");
    let named = unprotected_kid(&stranger.set(8, &[&lies]), "16:authority");
    attacked.is_refused(Answer::keys(&named), "no trust anchor signed").await;
}

#[tokio::test]
async fn what_readers_could_understand_in_two_ways_is_refused() {
    let (authority, good, lies) = (Authority::new(), Key::new(1, "1:a"), Key::new(1, "1:z"));
    let attacked = Attacked::new(authority.anchors(), &authority.set(7, &[&good]), good).await;
    let (newer, other) = (authority.set(8, &[&lies]), authority.set(9, &[&Key::new(1, "1:x")]));
    let payload: Value = serde_json::from_str(&other).unwrap();
    let twice = newer.replacen('{', &format!("{{\"payload\":{},", payload["payload"]), 1);
    attacked.is_refused(Answer::keys(&twice), "twice").await;
    let mixed = edited(&newer, |set| set["signature"] = json!("AAAA"));
    attacked.is_refused(Answer::keys(&mixed), "mixes the general form").await;
    let swapped = edited(&newer, |set| set["payload"] = payload["payload"].clone());
    attacked.is_refused(Answer::keys(&swapped), "was changed, or the anchor").await;
    let same_pid = authority.set(8, &[&lies, &Key::new(1, "1:y")]);
    attacked.is_refused(Answer::keys(&same_pid), "participant 1 twice").await;
    attacked.is_refused(Answer::keys("{}"), "no payload").await;
}

#[tokio::test]
async fn a_set_of_one_who_is_trusted_counts_without_the_signature_of_the_other_and_not_with_a_false_one() {
    let primary = Authority::of(&PrivateKey::generate_p256().unwrap(), "16:one");
    let fallback = Authority::of(&PrivateKey::generate_rsa(2048).unwrap(), "16:fallback");
    let (good, new) = (Key::new(1, "1:a"), Key::new(1, "1:b"));
    let both = [&primary, &fallback];
    let first = Authority::set_of_all(&both, &terms(7), &[&good]);
    let attacked = Attacked::new(Authority::anchors_of(&both), &first, good).await;
    let second = Authority::set_of_all(&both, &terms(8), &[&new]);
    // A false signature in the name of an anchor is a forgery, whoever else has signed.
    let other: Value = serde_json::from_str(&first).unwrap();
    let forged = edited(&second, |set| set["signatures"][0]["signature"] = other["signatures"][0]["signature"].clone());
    attacked.is_refused(Answer::keys(&forged), "was changed, or the anchor 16:one").await;
    // Who takes the primary's signature away changes nothing: the fallback says the same of the same bytes.
    let stripped = edited(&second, |set| drop(set["signatures"].as_array_mut().unwrap().remove(0)));
    attacked.server.answer(Answer::keys(&stripped));
    attacked.door.until(|status| status.metadata.as_ref().is_some_and(|set| set.serial == 8)).await;
    assert_eq!(attacked.door.reason(&new.token()).await, "accepted");
    assert_eq!(attacked.door.status().metadata.unwrap().anchors, ["16:fallback".parse().unwrap()]);
    // And what was stripped before cannot be brought back to an older set.
    attacked.server.answer(Answer::keys(&first));
    attacked.door.until(|status| status.set.rollbacks > 0).await;
}

#[tokio::test]
async fn more_than_any_set_has_is_not_read() {
    let (authority, good) = (Authority::new(), Key::new(1, "1:a"));
    let attacked = Attacked::new(authority.anchors(), &authority.set(7, &[&good]), good).await;
    let large = " ".repeat(SignedSet::MAX_BYTES + 1);
    attacked.is_refused(Answer::keys(&large), "larger than 67108864 bytes").await;
}

#[tokio::test]
async fn an_old_end_or_another_authority_is_refused() {
    let (authority, good, lies) = (Authority::new(), Key::new(1, "1:a"), Key::new(1, "1:z"));
    let attacked = Attacked::new(authority.anchors(), &authority.set(7, &[&good]), good).await;
    let ended = authority.set_until(now().plus_seconds(-1), 8, &[&lies]);
    attacked.is_refused(Answer::keys(&ended), "ended at").await;
    let mut other = terms(8);
    other.authid = pid(17);
    attacked.is_refused(Answer::keys(&authority.set_on(&other, &[&lies])), "by authority 17").await;
}

#[test]
fn a_key_that_everybody_can_sign_with_is_an_anchor_in_a_test_environment_only() {
    // The EC key of RFC 7515, appendix A.3.
    let example = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "16:test",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
    let parse = |environment| TrustAnchors::parse(example.to_string().as_bytes(), environment);
    assert!(matches!(parse(Environment::Production), Err(AnchorError::Example { .. })));
    assert_eq!(parse(Environment::Test).unwrap().examples().count(), 1);
}
