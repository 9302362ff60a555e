//! Any bytes as a JWK set: what is taken reads back as itself, and holds no private key.
#![no_main]

use bob_auth::protocol::jwk::JwkSet;
use bob_auth::protocol::key_set::KeySet;
use bob_auth::value::Pid;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(set) = JwkSet::parse(bytes) else { return };
    for key in &set.keys {
        assert_eq!(key.key.printed_in(), None);
        let _ = key.key.verify(b"message", b"signature");
        let _ = key.key.to_jwk(key.kid.as_str());
    }
    let pid = Pid::new(1).unwrap();
    let mut keys = KeySet::new();
    let first = set.keys.first().cloned();
    keys.add(pid, set.keys).unwrap();
    if let Some(first) = first {
        assert_eq!(keys.find(pid, &first.kid), Ok(&first.key));
    }
});
