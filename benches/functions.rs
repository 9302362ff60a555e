//! Functions on the path of a token request, one by one. `cargo bench --bench functions`.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench ends when its ground gives way")]

use std::hint::black_box;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::crypto::digest::{sha1_fingerprint, sha256_fingerprint};
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::flow::rate_limit::{RateLimit, RateLimiter, Source};
use bob_auth::protocol::claims::{Claims, HokCase, Subject, Window};
use bob_auth::protocol::client_cert_header::{CertificateDialect, parse_certificate, parse_fingerprint};
use bob_auth::protocol::token::TokenKey;
use bob_auth::value::{Lifetime, Pid, Timestamp};
use divan::Bencher;
use ring::rand::SystemRandom;

fn main() {
    divan::main();
}

const HEX: &str = "0a9a063eb8d540cbf7dfba7697c674d14a174f7d";

fn claims() -> Claims {
    let subject = Subject {
        pid: Pid::new(34).unwrap(),
        entity: &"validator37".parse().unwrap(),
        class: &"val".parse().unwrap(),
        sha1: HEX.parse().unwrap(),
        confirm: None,
    };
    let now = Timestamp::from_seconds(1_790_000_000);
    Claims::new(&subject, &Window { now, lifetime: Lifetime::CUSTOMARY, backdate: 0 }, HokCase::Lower)
}

fn signer(algorithm: Algorithm) -> SoftwareSigner {
    SoftwareSigner::new(&PrivateKey::generate_for(algorithm).unwrap(), &SystemRandom::new()).unwrap()
}

fn key(algorithm: Algorithm) -> TokenKey {
    TokenKey::new("34:20261122_1".parse().unwrap(), Box::new(signer(algorithm)))
}

/// The limit: the signature alone.
#[divan::bench(args = [Algorithm::Es256, Algorithm::Rs256])]
fn raw_signature(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (signer, rng, message) = (signer(algorithm), SystemRandom::new(), [b'a'; 300]);
    bencher.bench_local(|| {
        let mut signature = Vec::with_capacity(64);
        signer.sign(&rng, black_box(&message), &mut signature).unwrap();
        signature
    });
}

/// A whole token: claims to JSON, base64url, signature.
#[divan::bench(args = [Algorithm::Es256, Algorithm::Rs256])]
fn mint(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (key, rng, claims) = (key(algorithm), SystemRandom::new(), claims());
    bencher.bench_local(|| key.mint(black_box(&claims), &rng).unwrap());
}

/// The look at our own product, made of one token in 256.
#[divan::bench(args = [Algorithm::Es256, Algorithm::Rs256])]
fn check_own_product(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (key, rng, claims) = (key(algorithm), SystemRandom::new(), claims());
    let minted = key.mint(&claims, &rng).unwrap();
    bencher.bench_local(|| key.check(black_box(&minted), &claims).unwrap());
}

#[divan::bench]
fn answer_json(bencher: Bencher<'_, '_>) {
    let (key, rng, claims) = (key(Algorithm::Es256), SystemRandom::new(), claims());
    let minted = key.mint(&claims, &rng).unwrap();
    bencher.bench_local(|| key.answer_json(black_box(&minted)));
}

#[divan::bench]
fn both_fingerprints_of_a_certificate(bencher: Bencher<'_, '_>) {
    let der = [0x30_u8; 500];
    bencher.bench_local(|| (sha1_fingerprint(black_box(&der)), sha256_fingerprint(black_box(&der))));
}

#[divan::bench]
fn fingerprint_header(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| parse_fingerprint(black_box(HEX.as_bytes())).unwrap());
}

#[divan::bench]
fn certificate_header_base64(bencher: Bencher<'_, '_>) {
    let mut der = vec![0x30, 0x82, 0x01, 0xf0];
    der.resize(500, 0);
    let value = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &der);
    bencher.bench_local(|| parse_certificate(CertificateDialect::Base64Der, black_box(value.as_bytes())).unwrap());
}

#[divan::bench]
fn rate_limit(bencher: Bencher<'_, '_>) {
    let limit = RateLimit { interval: Duration::from_nanos(1), burst: NonZeroU32::new(1_000_000).unwrap() };
    let limiter = RateLimiter::<Source>::new(limit).unwrap();
    let source = Source::from("10.0.0.1".parse::<IpAddr>().unwrap());
    bencher.bench_local(|| limiter.check(black_box(&source)));
}
