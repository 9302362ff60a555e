//! Any header and any payload, rightly signed by an issuer gone mad: whoever is let in must be who the token says, by the
//! certificate that it says, at a time at which it counts.
#![no_main]

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::flow::explain::{Question, explain};
use bob_auth::flow::verify::{Allowed, Verifier};
use bob_auth::key_source::CurrentKeys;
use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::key_set::KeySet;
use bob_auth::protocol::presented::Presented;
use bob_auth::value::{Pid, Timestamp};
use libfuzzer_sys::fuzz_target;
use ring::rand::SystemRandom;

const NOW: i64 = 1_800_000_010;
const CERTIFICATE: &[u8] = b"the DER of some certificate";

struct World {
    signer: SoftwareSigner,
    verifier: Verifier,
    rng: SystemRandom,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let rng = SystemRandom::new();
    let signer = SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &rng).unwrap();
    let key = PublicJwk { kid: "34:1".parse().unwrap(), key: signer.public_key().clone() };
    let mut keys = KeySet::new();
    keys.add(Pid::new(34).unwrap(), vec![key]).unwrap();
    let verifier =
        Verifier::builder(Arc::new(CurrentKeys::new(keys).unwrap())).allow(Allowed::ANYONE).build().unwrap();
    World { signer, verifier, rng }
});

fuzz_target!(|data: &[u8]| {
    let World { signer, verifier, rng } = &*WORLD;
    // A byte that no JSON has between the two parts; without one, the header is as it should be.
    let mut parts = data.splitn(2, |byte| *byte == 0xff);
    let first = parts.next().unwrap_or_default();
    let (header, payload) =
        parts.next().map_or((&br#"{"alg":"ES256","kid":"34:1"}"#[..], first), |payload| (first, payload));
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let mut signature = Vec::new();
    signer.sign(rng, message.as_bytes(), &mut signature).unwrap();
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));

    let presented = Presented::of_certificate(CERTIFICATE);
    let now = Timestamp::from_seconds(NOW);
    let verdict = verifier.verify(&token, Some(presented), now);
    if let Ok(caller) = &verdict {
        assert_eq!(caller.fingerprint(), Some(presented.sha1));
        assert!(caller.expires().as_seconds() > NOW - 60 && caller.expires().as_seconds() <= NOW + 60 + 86_400);
        let text = String::from_utf8_lossy(payload).into_owned();
        assert!(text.contains(caller.entity().as_str()) || text.contains("\\u"));
        assert!(verifier.verify(&token, None, now).is_err());
        let other = Presented::of_certificate(b"another certificate");
        assert!(verifier.verify(&token, Some(other), now).is_err());
        assert!(verifier.verify(&token, Some(presented), caller.expires().plus_seconds(60)).is_err());
    }
    let explanation = explain(verifier, &Question { token: &token, presented: Some(presented), certificate: None, now });
    assert_eq!(explanation.verdict.is_ok(), verdict.is_ok());
});
