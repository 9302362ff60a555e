//! Any text as a proof of possession and as an answer's signature, and any two parts as header and payload of a proof that
//! the right key signed.
#![no_main]

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::SoftwareSigner;
use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::pop::{AnswerParts, PopKey, PopProfile, RequestParts, UnverifiedPop, decode, verify_answer};
use bob_auth::value::Timestamp;
use libfuzzer_sys::fuzz_target;
use ring::rand::SystemRandom;

static KEY: LazyLock<(PopKey, SystemRandom)> = LazyLock::new(|| {
    let rng = SystemRandom::new();
    let signer = SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &rng).unwrap();
    (PopKey { kid: "34:m".parse().unwrap(), signer: Arc::new(signer) }, rng)
});

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn request<'a>() -> RequestParts<'a> {
    let (method, host, path) = ("PUT", "registry.example.se", "/api/v2/participantMetadata/34/domainName");
    RequestParts { method, host, path, query: Some("a=1"), headers: &[("if-match", "\"1\"")], body: b"\"a.se\"" }
}

fn look(text: &str) -> bool {
    let Ok(decoded) = decode(text) else { return false };
    let Ok(unverified) = UnverifiedPop::read(&decoded) else { return false };
    let hosts = ["registry.example.se".to_owned()];
    unverified.verify(KEY.0.signer.public_key(), &PopProfile::default(), (&request(), &hosts), NOW).is_ok()
}

fuzz_target!(|bytes: &[u8]| {
    let (key, rng) = &*KEY;
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(!look(text), "nobody but the key's owner proves possession");
        let trusted = [PublicJwk { kid: key.kid.clone(), key: key.signer.public_key().clone() }];
        let answer = AnswerParts { status: 200, headers: &[("etag", "\"1\"")], body: b"{}", request: "x" };
        assert!(verify_answer(text, &trusted, &PopProfile::default(), &answer, NOW).is_err());
    }
    let middle = bytes.iter().position(|byte| *byte == 0xff).unwrap_or(bytes.len());
    let (header, payload) = (&bytes[..middle], bytes.get(middle + 1..).unwrap_or_default());
    let mut proof = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let mut signature = Vec::new();
    key.signer.sign(rng, proof.as_bytes(), &mut signature).unwrap();
    proof = format!("{proof}.{}", URL_SAFE_NO_PAD.encode(signature));
    if look(&proof) {
        let payload: serde_json::Value = serde_json::from_slice(payload).unwrap();
        assert_eq!((payload["m"].as_str(), payload["u"].is_string()), (Some("PUT"), true));
        assert!(payload["ts"].as_i64().is_some_and(|ts| (ts - NOW.as_seconds()).abs() <= 300));
    }
});
