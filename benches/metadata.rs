//! Loading a metadata set: from the bytes to verified keys. `cargo bench --bench metadata`.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench ends when its ground gives way")]

use std::hint::black_box;

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer as _, SoftwareSigner};
use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::metadata::sign::{Form, sign_set};
use bob_auth::protocol::metadata::{Environment, Participant, SetTerms, SignedSet, TrustAnchors};
use bob_auth::value::{Kid, Pid, Timestamp};
use divan::Bencher;
use divan::counter::BytesCount;
use ring::rand::SystemRandom;

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
const KEYS_EACH: usize = 100;
/// Fewer different keys than entries: reading one costs the same the second time.
const DIFFERENT: usize = 100;

fn signer() -> SoftwareSigner {
    SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &SystemRandom::new()).unwrap()
}

/// A set of so many keys, a hundred to a participant, and the anchors that it is signed by.
fn set(keys: usize) -> (String, TrustAnchors) {
    let different: Vec<_> = (0..DIFFERENT).map(|_| signer().public_key().clone()).collect();
    let key = |pid, n: usize| {
        let kid = format!("{pid}:20261122_{n}").parse().unwrap();
        PublicJwk { kid, key: different[n % DIFFERENT].clone() }
    };
    let participants: Vec<_> = (1..=keys / KEYS_EACH)
        .map(|pid| Participant {
            pid: Pid::new(i64::try_from(pid).unwrap()).unwrap(),
            organisation_name: format!("Operator {pid}").into(),
            domain_name: None,
            mtb_keys: Vec::new(),
            authtoken_keys: (0..KEYS_EACH).map(|n| key(pid, n)).collect(),
            endpoints: Vec::new(),
            signature_constraints: Vec::new(),
            info: None,
        })
        .collect();
    let (anchor, kid): (_, Kid) = (signer(), "16:anchor".parse().unwrap());
    let terms = SetTerms {
        authid: Pid::new(16).unwrap(),
        serial: 1,
        not_valid_after: NOW.plus_seconds(604_800),
        interval: None,
    };
    let jwk = serde_json::to_string(&anchor.public_key().to_jwk(kid.as_str())).unwrap();
    let anchors = TrustAnchors::parse(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes(), Environment::Production).unwrap();
    let payload = serde_json::to_string(&participants).unwrap();
    let set = sign_set(&payload, &terms, &[(kid, &anchor)], Form::General, &SystemRandom::new()).unwrap();
    (set, anchors)
}

#[divan::bench(args = [1_000, 100_000], sample_count = 20, sample_size = 1)]
fn load(bencher: Bencher<'_, '_>, keys: usize) {
    let (set, anchors) = set(keys);
    bencher.counter(BytesCount::of_str(&set)).bench_local(|| {
        let set = SignedSet::verify(black_box(set.as_bytes()), &anchors, NOW).unwrap().into_key_set();
        assert_eq!(set.len(), keys);
        set
    });
}
