//! Any bytes as a signed metadata set, and any bytes as the payload of one that an anchor signed.
#![no_main]

use std::sync::LazyLock;

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::protocol::metadata::sign::{Form, sign_set};
use bob_auth::protocol::metadata::{Environment, SetTerms, SignedSet, TrustAnchors};
use bob_auth::value::{Pid, Timestamp};
use libfuzzer_sys::fuzz_target;
use ring::rand::SystemRandom;

struct World {
    signer: SoftwareSigner,
    anchors: TrustAnchors,
    rng: SystemRandom,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let rng = SystemRandom::new();
    let signer = SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &rng).unwrap();
    let jwk = jwk_of(&signer);
    let anchors = TrustAnchors::parse(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes(), Environment::Production).unwrap();
    World { signer, anchors, rng }
});

fn jwk_of(signer: &SoftwareSigner) -> String {
    serde_json::to_string(&signer.public_key().to_jwk("16:one")).unwrap()
}

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fuzz_target!(|bytes: &[u8]| {
    let World { signer, anchors, rng } = &*WORLD;
    assert!(SignedSet::verify(bytes, anchors, NOW).is_err(), "nobody but the anchor signs sets");
    let Ok(payload) = std::str::from_utf8(bytes) else { return };
    let authid = Pid::new(16).unwrap();
    let terms = SetTerms { authid, serial: 7, not_valid_after: NOW.plus_seconds(60), interval: None };
    let kid = "16:one".parse().unwrap();
    let set = sign_set(payload, &terms, &[(kid, signer as &dyn Signer)], Form::General, rng).unwrap();
    if let Ok(set) = SignedSet::verify(set.as_bytes(), anchors, NOW) {
        let pids: Vec<Pid> = set.participants().iter().map(|participant| participant.pid).collect();
        let keys = set.into_key_set();
        assert_eq!(keys.not_valid_after, Some(terms.not_valid_after));
        assert!(keys.issuers().all(|issuer| pids.contains(&issuer)));
    }
});
