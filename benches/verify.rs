//! Verification in process: a token uncached and cached, against the signature check alone. `cargo bench --bench verify`.
//! Needs no feature.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench ends when its ground gives way")]

use std::hint::black_box;
use std::sync::Arc;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::public_key::PublicKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::flow::verify::{Allowed, CacheSize, Verifier};
use bob_auth::key_source::CurrentKeys;
use bob_auth::protocol::claims::{Claims, HokCase, Subject, Window};
use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::key_set::KeySet;
use bob_auth::protocol::presented::Presented;
use bob_auth::protocol::token::TokenKey;
use bob_auth::value::{Lifetime, Pid, Timestamp};
use divan::Bencher;
use ring::rand::SystemRandom;

fn main() {
    divan::main();
}

const BOTH: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// A token and the verifier that accepts it.
struct Case {
    token: String,
    presented: Presented,
    now: Timestamp,
    key: PublicKey,
    keys: KeySet,
}

impl Case {
    fn new(algorithm: Algorithm) -> Self {
        let rng = SystemRandom::new();
        let private = match algorithm {
            Algorithm::Es256 => PrivateKey::generate_p256(),
            Algorithm::Rs256 => PrivateKey::generate_rsa(2048),
        };
        let signer = SoftwareSigner::new(&private.unwrap(), &rng).unwrap();
        let (pid, kid) = (Pid::new(34).unwrap(), "34:20261122_1");
        let key = signer.public_key().clone();
        let mut keys = KeySet::new();
        keys.add(pid, vec![PublicJwk { kid: kid.parse().unwrap(), key: key.clone() }]).unwrap();
        let presented = Presented::of_certificate(b"the DER of a certificate");
        let now = Timestamp::from_seconds(1_790_000_000);
        let subject = Subject {
            pid,
            entity: &"validator37".parse().unwrap(),
            class: &"val".parse().unwrap(),
            sha1: presented.sha1,
            confirm: None,
        };
        let window = Window { now, lifetime: Lifetime::CUSTOMARY, backdate: 0 };
        let claims = Claims::new(&subject, &window, HokCase::Lower);
        let minted = TokenKey::new(kid.parse().unwrap(), Box::new(signer)).mint(&claims, &rng).unwrap();
        Self { token: minted.compact.as_str().to_owned(), presented, now, key, keys }
    }

    fn verifier(&self, cache: Option<CacheSize>) -> Verifier {
        let keys = Arc::new(CurrentKeys::new(self.keys.clone()).unwrap());
        Verifier::builder(keys).allow(Allowed::class("val".parse().unwrap())).cache(cache).build().unwrap()
    }
}

/// The limit: the signature alone.
#[divan::bench(args = BOTH, sample_count = 300)]
fn raw_signature_check(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    use base64::Engine as _;
    let case = Case::new(algorithm);
    let (message, signature) = case.token.rsplit_once('.').unwrap();
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap();
    bencher.bench_local(|| case.key.verify(black_box(message.as_bytes()), black_box(&signature)).unwrap());
}

/// Every check, the signature among them.
#[divan::bench(args = BOTH, sample_count = 300)]
fn verify_uncached(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let case = Case::new(algorithm);
    let verifier = case.verifier(None);
    bencher.bench_local(|| verifier.verify(black_box(&case.token), Some(case.presented), case.now).unwrap());
}

/// The first time, with a cache to look into and to fill; against `verify_uncached` the price of having one.
#[divan::bench(args = BOTH, sample_count = 300)]
fn verify_and_remember(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let case = Case::new(algorithm);
    let verifier = case.verifier(Some(CacheSize::default()));
    bencher.bench_local(|| {
        // Another generation each time: never a hit.
        verifier.keys().replace(case.keys.clone());
        verifier.verify(black_box(&case.token), Some(case.presented), case.now).unwrap()
    });
}

#[divan::bench]
fn verify_cached(bencher: Bencher<'_, '_>) {
    let case = Case::new(Algorithm::Es256);
    let verifier = case.verifier(Some(CacheSize::default()));
    bencher.bench_local(|| verifier.verify(black_box(&case.token), Some(case.presented), case.now).unwrap());
}

/// Two threads, one verifier.
#[divan::bench(threads = [2])]
fn verify_cached_by_two_threads(bencher: Bencher<'_, '_>) {
    let case = Case::new(Algorithm::Es256);
    let verifier = case.verifier(Some(CacheSize::default()));
    bencher.bench(|| verifier.verify(black_box(&case.token), Some(case.presented), case.now).unwrap());
}

/// What a stranger's nonsense costs.
#[divan::bench(args = ["", "a.b.c", "not base64url"])]
fn refuse_nonsense(bencher: Bencher<'_, '_>, token: &str) {
    let verifier = Case::new(Algorithm::Es256).verifier(None);
    bencher.bench_local(|| verifier.verify(black_box(token), None, Timestamp::from_seconds(0)).unwrap_err());
}
