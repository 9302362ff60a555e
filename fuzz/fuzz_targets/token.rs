//! Any text as a token: nobody without the key may ever be let in, and nothing may panic.
#![no_main]

use std::sync::{Arc, LazyLock};

use bob_auth::crypto::public_key::{ExampleKeys, PublicKey};
use bob_auth::flow::verify::{Allowed, HolderOfKey, Verifier};
use bob_auth::key_source::CurrentKeys;
use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::key_set::KeySet;
use bob_auth::protocol::token_text::TokenText;
use bob_auth::value::{Pid, Timestamp};
use libfuzzer_sys::fuzz_target;

/// The generator of P-256: a point whose private key is one. No token of the corpus is signed with it.
const X: [u8; 32] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81,
    0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
];
const Y: [u8; 32] = [
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57,
    0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let key = PublicKey::p256(&X, &Y, ExampleKeys::Refuse).unwrap();
    let mut keys = KeySet::new();
    keys.add(Pid::new(34).unwrap(), vec![PublicJwk { kid: "34:1".parse().unwrap(), key }]).unwrap();
    Verifier::builder(Arc::new(CurrentKeys::new(keys).unwrap()))
        .allow(Allowed::ANYONE)
        .holder_of_key(HolderOfKey::DangerouslyOff)
        .build()
        .unwrap()
});

fuzz_target!(|text: &str| {
    let refusal = VERIFIER.verify(text, None, Timestamp::from_seconds(1_800_000_000)).unwrap_err();
    assert!(!refusal.reason().is_empty() && !refusal.to_string().is_empty());
    let _ = TokenText::read(text);
});
