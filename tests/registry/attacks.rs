//! Proofs of possession that prove nothing. Everything is one 401 that tells the id of a reason, and nothing is changed.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::protocol::pop::{Part, PopKey, PopProfile};
use bob_auth::value::{Clock as _, SystemClock};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer as Mac;
use serde_json::{Value, json};

use crate::asker::{Ask, Participant, get_set, metric, reason};
use crate::client::Answer;
use crate::site::{Running, Site, change, new_key, pid, public_jwk, until};

const DOMAIN: &str = "\"bob.example.se\"";

struct Scene {
    site: Site,
    running: Running,
    participant: Participant,
}

impl Scene {
    fn new() -> Self {
        Self::of(Site::new())
    }

    fn of(site: Site) -> Self {
        let running = site.start();
        let participant = Participant::new(&site, &running, 34);
        Self { site, running, participant }
    }

    /// An honest request that changes something.
    fn honest(&self) -> Ask {
        self.participant.ask("PUT", "/domainName", DOMAIN)
    }

    /// Sends it: 401 for this reason, with a challenge, unsigned, and nothing has changed.
    fn refuse(&self, ask: &Ask, wanted: &str) -> Answer {
        let answer = self.participant.send(ask);
        assert_eq!((answer.status, reason(&answer).as_str()), (401, wanted), "{ask:?}");
        assert_eq!(answer.header("www-authenticate"), Some(format!("PoP reason=\"{wanted}\"").as_str()));
        assert!(answer.header("x-bob-response-pop").is_none(), "a stranger gets no signature");
        self.participant.must(404, "GET", "/domainName", "");
        answer
    }
}

#[test]
fn a_request_without_a_proof_or_with_another_scheme_is_refused() {
    let scene = Scene::new();
    let mut bare = scene.honest();
    let proof = std::mem::take(&mut bare.proof);
    scene.refuse(&bare, "pop_missing");
    scene.refuse(&bare.clone().header("Authorization", &format!("Bearer {proof}")), "pop_malformed");
    scene.refuse(&bare.clone().header("Authorization", &proof), "pop_malformed");
    scene.refuse(&bare.clone().header("X-BoB-AuthToken", &proof), "pop_missing");
    let other_case = scene.participant.send(&bare.header("Authorization", &format!("pop  {proof}")));
    assert_eq!(other_case.status, 204, "the scheme's letters are of either case");
}

#[test]
fn two_proofs_are_none() {
    let scene = Scene::new();
    let ask = scene.honest();
    let second = format!("PoP {}", scene.honest().proof);
    scene.refuse(&ask.header("Authorization", &second), "pop_malformed");
}

#[test]
fn a_proof_of_another_request_is_refused() {
    let scene = Scene::new();
    let honest = scene.honest();
    let bent_for = |reason: &str, bend: &dyn Fn(&mut Ask)| {
        let mut ask = scene.honest();
        bend(&mut ask);
        scene.refuse(&ask, reason);
    };
    let bent = |bend: &dyn Fn(&mut Ask)| bent_for("pop_other_request", bend);
    bent(&|ask| ask.method = "DELETE".to_owned());
    bent(&|ask| ask.path = ask.path.replace("domainName", "participantInfo"));
    bent_for("pop_unsigned_part", &|ask| ask.path.push_str("?x=1"));
    bent(&|ask| ask.body = "\"evil.example.se\"".to_owned());
    bent(&|ask| ask.body.clear());
    // One spelling of a path is signed, another one sent: a proxy in between has no business to rewrite it.
    let mut spelt = scene.participant.ask("GET", "/authtokenPublicKey/34%3A1", "");
    spelt.path = spelt.path.replace("%3A", ":");
    scene.refuse(&spelt, "pop_other_request");
    assert_eq!(scene.participant.send(&honest).status, 204, "the honest one is good all the same");
}

#[test]
fn a_proof_for_another_host_or_environment_is_refused() {
    let scene = Scene::new();
    for host in ["registry.example.se", "127.0.0.1", "localhost:1", "127.0.0.1:443", ""] {
        let elsewhere = Participant { host: host.to_owned(), ..scene.participant.clone() };
        let ask = elsewhere.ask("PUT", "/domainName", DOMAIN);
        // With the Host that was signed, and with the right one.
        let answer = elsewhere.send(&ask);
        assert_eq!((answer.status, reason(&answer).as_str()), (401, "pop_other_request"), "{host}");
        scene.refuse(&ask, "pop_other_request");
    }
    let localhost = format!("localhost:{}", scene.participant.address.port());
    let local = Participant { host: localhost, ..scene.participant.clone() };
    local.must(204, "PUT", "/domainName", DOMAIN);
}

#[test]
fn a_registry_behind_a_name_of_its_own_takes_proofs_for_that_name_only() {
    let scene = Scene::of(Site::configured("[registry_server]\nhosts = ['Registry.example.se']"));
    let named = |host: &str| Participant { host: host.to_owned(), ..scene.participant.clone() };
    for host in ["registry.example.se", "REGISTRY.example.se:443"] {
        named(host).must(204, "PUT", "/domainName", DOMAIN);
    }
    for host in [scene.participant.host.as_str(), "registry.example.se:8444", "test.example.se"] {
        let participant = named(host);
        assert_eq!(reason(&participant.send(&participant.ask("GET", "", ""))), "pop_other_request", "{host}");
    }
}

#[test]
fn a_header_that_decides_must_be_signed_and_stand_there_once() {
    let scene = Scene::new();
    scene.participant.must(204, "PUT", "/domainName", DOMAIN);
    let current = scene.participant.get("/domainName").header("etag").unwrap().to_owned();
    let tamper = |ask: Ask, status: u16, wanted: &str| {
        let answer = scene.participant.send(&ask);
        assert_eq!((answer.status, reason(&answer).as_str()), (status, wanted), "{ask:?}");
        assert_eq!(scene.participant.get("/domainName").text(), DOMAIN);
    };
    let other = "\"other.example.se\"";
    // Added on the way, changed on the way, taken away on the way, doubled.
    tamper(scene.participant.ask("PUT", "/domainName", other).header("If-Match", "*"), 401, "pop_unsigned_part");
    let mut changed = scene.participant.ask_with("PUT", "/domainName", other, &[("If-Match", "\"stale\"")]);
    changed.headers[0].1.clone_from(&current);
    tamper(changed, 401, "pop_other_request");
    let mut taken = scene.participant.ask_with("PUT", "/domainName", other, &[("If-Match", "\"stale\"")]);
    taken.headers.clear();
    tamper(taken, 401, "pop_other_request");
    let doubled = scene.participant.ask_with("PUT", "/domainName", other, &[("If-Match", "\"stale\"")]);
    tamper(doubled.header("If-Match", &current), 400, "malformed_header");
    tamper(scene.participant.ask_with("PUT", "/domainName", other, &[("If-Match", "stale")]), 400, "malformed_header");
}

#[test]
fn a_proof_that_leaves_out_what_it_must_sign_is_refused() {
    let scene = Scene::new();
    for part in [Part::Method, Part::Host, Part::Path, Part::Body] {
        let payload = |ask: &Ask| {
            let mut payload = parts_of(&ask.proof)[1].clone();
            payload.as_object_mut().unwrap().remove(part.member()).unwrap();
            payload
        };
        let mut ask = scene.honest();
        ask.proof = resign(&scene.participant.key, &parts_of(&ask.proof)[0], &payload(&ask));
        scene.refuse(&ask, "pop_unsigned_part");
    }
    let mut timeless = scene.honest();
    let [header, mut payload] = parts_of(&timeless.proof);
    payload.as_object_mut().unwrap().remove("ts").unwrap();
    timeless.proof = resign(&scene.participant.key, &header, &payload);
    scene.refuse(&timeless, "pop_unsigned_part");
}

#[test]
fn a_proof_of_yesterday_or_tomorrow_is_refused() {
    let scene = Scene::new();
    let now = SystemClock.now();
    for seconds in [-86_400, -310, 310, 86_400, i64::MIN / 2] {
        let ask = scene.participant.ask("PUT", "/domainName", DOMAIN);
        let ask = scene.participant.sign_at(ask, &PopProfile::default(), now.plus_seconds(seconds));
        scene.refuse(&ask, "pop_time");
    }
    let [header, mut payload] = parts_of(&scene.honest().proof);
    for ts in [json!("now"), json!(1.5e9), json!(null), json!(-1), json!([1])] {
        payload["ts"] = ts.clone();
        let mut ask = scene.honest();
        ask.proof = resign(&scene.participant.key, &header, &payload);
        let answer = scene.participant.send(&ask);
        assert_eq!(answer.status, 401, "{ts}");
    }
    for seconds in [-250, 250] {
        let ask = scene.participant.sign_at(scene.honest(), &PopProfile::default(), now.plus_seconds(seconds));
        assert_eq!(scene.participant.send(&ask).status, 204, "clocks differ");
    }
}

#[test]
fn a_proof_counts_once_also_for_reading_and_whatever_came_of_it() {
    let scene = Scene::new();
    let participant = &scene.participant;
    let read = participant.ask("GET", "", "");
    assert_eq!(participant.send(&read).status, 200);
    scene.refuse(&read, "pop_replayed");
    let missing = participant.ask("DELETE", "/domainName", "");
    assert_eq!(participant.send(&missing).status, 404);
    scene.refuse(&missing, "pop_replayed");
    let malformed = participant.ask("PUT", "/domainName", "nonsense");
    assert_eq!(participant.send(&malformed).status, 400);
    scene.refuse(&malformed, "pop_replayed");
    // An ECDSA signature has a second form that verifies as well: the same proof under another name.
    let mut twin = read.clone();
    twin.proof = other_form(&read.proof);
    assert_ne!(twin.proof, read.proof);
    scene.refuse(&twin, "pop_replayed");
}

#[test]
fn a_change_is_not_replayed_after_a_restart() {
    let mut scene = Scene::new();
    let ask = scene.honest();
    assert_eq!(scene.participant.send(&ask).status, 204);
    scene.participant.must(204, "DELETE", "/domainName", "");
    scene.running.stop();
    scene.running = scene.site.start();
    scene.refuse(&ask, "pop_replayed");
}

#[test]
fn what_was_read_is_not_read_again_after_a_restart() {
    let mut scene = Scene::new();
    let ask = scene.participant.ask("GET", "", "");
    let signed = SystemClock.now();
    assert_eq!(scene.participant.send(&ask).status, 200);
    scene.running.stop();
    until("another second", || (SystemClock.now() > signed).then_some(()));
    scene.running = scene.site.start();
    scene.refuse(&ask, "pop_time");
}

#[test]
fn of_many_who_use_one_proof_at_a_time_one_is_heard() {
    let scene = Scene::new();
    let call = json!({"version": 1, "type": "device", "uri": "https://api.example.se/"}).to_string();
    let ask = Arc::new(scene.participant.ask("POST", "/interfaceEndpoint", &call));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (participant, ask) = (scene.participant.clone(), Arc::clone(&ask));
            std::thread::spawn(move || participant.send(&ask).status)
        })
        .collect();
    let mut statuses: Vec<u16> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401, 401, 401, 401, 401, 401, 401]);
}

#[test]
fn strangers_revoked_keys_and_other_participants_look_the_same() {
    let scene = Scene::new();
    let participant = &scene.participant;
    let signed_by = |key: PopKey, number: i64| {
        let other = Participant { number, ..participant.with_key(key) };
        let answer = other.send(&other.ask("GET", "", ""));
        assert_eq!(answer.status, 401);
        answer.text()
    };
    let stranger = new_key("34:metadata_1", Algorithm::Es256);
    let revoked = scene.site.add_metadata_key(34, "34:metadata_2", Algorithm::Es256);
    participant.with_key(revoked.clone()).get("");
    scene.site.with_register(async |register| {
        register.revoke_metadata_key(pid(34), &revoked.kid, &change()).await.unwrap();
    });
    let texts = [
        // Under the id of a key that there is, and of one that there is not.
        signed_by(stranger, 34),
        signed_by(new_key("34:nobody", Algorithm::Es256), 34),
        signed_by(new_key("34:metadata_1", Algorithm::Rs256), 34),
        signed_by(revoked, 34),
        // Somebody's own key in the path of somebody else, and of nobody.
        signed_by(scene.site.key(41), 34),
        signed_by(participant.key.clone(), 41),
        signed_by(participant.key.clone(), 99),
        signed_by(new_key("99:metadata_1", Algorithm::Es256), 99),
    ];
    for text in &texts {
        assert_eq!(*text, texts[0]);
        assert!(text.contains("pop_unknown_key"), "{text}");
    }
    assert!(metric(&scene.running, "bob_auth_registry_refusals_total", "pop_signature") >= 1, "the operator is told");
}

#[test]
fn a_participant_that_was_removed_is_a_stranger() {
    let scene = Scene::new();
    scene.participant.get("");
    scene.site.with_register(async |register| {
        register.remove_participant(pid(34), &change()).await.unwrap();
    });
    let answer = scene.participant.send(&scene.participant.ask("GET", "", ""));
    assert_eq!((answer.status, reason(&answer).as_str()), (401, "pop_unknown_key"));
    until("the set goes on without it", || {
        let set = get_set(&scene.running, &[]);
        (set.status == 200 && payload_of(&set).as_array().unwrap().len() == 2).then_some(())
    });
}

#[test]
fn no_algorithm_is_taken_from_the_proof() {
    let scene = Scene::new();
    let rsa = scene.site.add_metadata_key(34, "34:metadata_rsa", Algorithm::Rs256);
    let with = |alg: &str, key: &PopKey, mac: Option<&[u8]>| {
        let mut ask = scene.participant.with_key(key.clone()).ask("PUT", "/domainName", DOMAIN);
        let [mut header, payload] = parts_of(&ask.proof);
        header["alg"] = json!(alg);
        ask.proof = match mac {
            Some(secret) => hmac(secret, &header, &payload),
            None if alg.eq_ignore_ascii_case("none") => format!("{}.", signing_input(&header, &payload)),
            None => resign(key, &header, &payload),
        };
        let answer = scene.participant.send(&ask);
        assert_eq!(answer.status, 401, "{alg}: {answer:?}");
        let reason = reason(&answer);
        assert!(matches!(reason.as_str(), "pop_unknown_key" | "pop_malformed"), "{alg}: {reason}");
    };
    let ec = &scene.participant.key;
    for alg in ["none", "None", "nOnE", "", "ES384", "es256", "ES256 ", "HS256"] {
        with(alg, ec, None);
    }
    with("RS256", ec, None);
    with("ES256", &rsa, None);
    for key in [ec, &rsa] {
        let jwk = public_jwk(key);
        let pem = PKey::public_key_from_der(&spki(&jwk)).unwrap().public_key_to_pem().unwrap();
        for secret in [jwk.to_string().into_bytes(), pem.clone(), [b" ", &pem[..]].concat(), spki(&jwk)] {
            with("HS256", key, Some(&secret));
        }
    }
    scene.participant.must(404, "GET", "/domainName", "");
}

#[test]
fn a_token_is_no_proof_and_a_proof_of_another_type_is_none() {
    let scene = Scene::new();
    let key = &scene.participant.key;
    let payload = parts_of(&scene.honest().proof)[1].clone();
    for header in [
        json!({"alg": "ES256", "kid": key.kid}),
        json!({"alg": "ES256", "kid": key.kid, "typ": "JWT"}),
        json!({"alg": "ES256", "kid": key.kid, "typ": "pop-response"}),
        json!({"alg": "ES256", "kid": key.kid, "typ": "pop", "crit": ["x"]}),
        json!({"alg": "ES256", "kid": key.kid, "typ": "pop", "jwk": public_jwk(key)}),
        json!({"alg": "ES256", "kid": key.kid, "typ": "pop", "jku": "http://127.0.0.1:1/"}),
        json!({"alg": "ES256", "kid": key.kid, "typ": "pop", "b64": false}),
        json!({"alg": "ES256", "typ": "pop"}),
        json!({"alg": "ES256", "kid": 7, "typ": "pop"}),
        json!({"kid": key.kid, "typ": "pop"}),
    ] {
        let mut ask = scene.honest();
        ask.proof = resign(key, &header, &payload);
        scene.refuse(&ask, "pop_malformed");
    }
    // An authentication token, signed with the metadata key to be as close as can be.
    let claims = json!({"iss": "34", "sub": "validator37", "exp": 4_102_444_800_i64, "iat": 1, "bobAuthZ": "val"});
    let mut ask = scene.honest();
    ask.proof = resign(key, &json!({"alg": "ES256", "kid": key.kid}), &claims);
    scene.refuse(&ask, "pop_malformed");
    // An answer of the registry, shown to it as a request.
    let answer = scene.participant.get("");
    let mut ask = scene.honest();
    ask.proof = answer.header("x-bob-response-pop").unwrap().to_owned();
    scene.refuse(&ask, "pop_malformed");
}

#[test]
fn what_is_no_proof_at_all_is_refused_cheaply() {
    let scene = Scene::new();
    let honest = scene.honest().proof;
    let [head, payload, signature] = <[&str; 3]>::try_from(honest.split('.').collect::<Vec<_>>()).unwrap();
    for proof in [
        ".",
        "..",
        "a.b.c",
        "a.b",
        "....",
        "not a proof",
        &format!("{head}.{payload}"),
        &format!("{head}.{payload}.{signature}.{signature}.{signature}"),
        &format!("{head}.{payload}.{signature}="),
        &format!("{{\"payload\":\"{payload}\"}}"),
        &"A".repeat(9000),
    ] {
        let mut ask = scene.honest();
        proof.clone_into(&mut ask.proof);
        scene.refuse(&ask, "pop_malformed");
    }
    let mut long = scene.honest();
    long.proof = "A".repeat(64 * 1024);
    let answer = scene.participant.send(&long);
    assert_eq!((answer.status, reason(&answer).as_str()), (431, "headers_too_large"));
}

#[test]
fn another_profile_is_agreed_upon_in_the_configuration() {
    let pop = "pop_scheme = 'BoB-PoP'\npop_request_header = 'X-BoB-PoP'\npop_window = '60s'\npop_required = ['method']";
    let scene = Scene::of(Site::configured(&format!("[registry_server]\n{pop}")));
    let participant = &scene.participant;
    let send = |ask: Ask| {
        let mut ask = ask;
        let proof = std::mem::take(&mut ask.proof);
        participant.send(&ask.header("X-BoB-PoP", &format!("BoB-PoP {proof}")))
    };
    assert_eq!(send(scene.honest()).status, 204);
    let old = participant.sign_at(scene.honest(), &PopProfile::default(), SystemClock.now().plus_seconds(-100));
    assert_eq!(reason(&send(old)), "pop_time");
    assert_eq!(reason(&participant.send(&scene.honest())), "pop_missing", "the customary header is none here");
}

#[test]
fn proofs_that_cannot_be_remembered_do_not_count() {
    let scene = Scene::of(Site::configured("[registry_server]\nproofs = 16"));
    for _ in 0..16 {
        scene.participant.get("");
    }
    let answer = scene.participant.send(&scene.participant.ask("GET", "", ""));
    assert_eq!((answer.status, reason(&answer).as_str()), (503, "proofs_full"));
    assert!(answer.header("retry-after").is_some());
}

/// Header and payload of a proof.
fn parts_of(proof: &str) -> [Value; 2] {
    let part = |index| {
        let bytes = URL_SAFE_NO_PAD.decode(proof.split('.').nth(index).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    [part(0), part(1)]
}

pub(crate) fn payload_of(set: &Answer) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(set.json()["payload"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn signing_input(header: &Value, payload: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(payload))
}

fn resign(key: &PopKey, header: &Value, payload: &Value) -> String {
    let input = signing_input(header, payload);
    let mut signature = Vec::new();
    key.signer.sign(&crate::site::rng(), input.as_bytes(), &mut signature).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn hmac(secret: &[u8], header: &Value, payload: &Value) -> String {
    let input = signing_input(header, payload);
    let key = PKey::hmac(secret).unwrap();
    let mut mac = Mac::new(MessageDigest::sha256(), &key).unwrap();
    mac.update(input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac.sign_to_vec().unwrap()))
}

/// The public key of a JWK as X.509 has it, by way of the library.
fn spki(jwk: &Value) -> Vec<u8> {
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::rsa::Rsa;
    let number =
        |name: &str| BigNum::from_slice(&URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap()).unwrap();
    let key = if jwk["kty"] == "EC" {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        PKey::from_ec_key(EcKey::from_public_key_affine_coordinates(&group, &number("x"), &number("y")).unwrap())
            .unwrap()
    } else {
        PKey::from_rsa(Rsa::from_public_components(number("n"), number("e")).unwrap()).unwrap()
    };
    key.public_key_to_der().unwrap()
}

/// The same ES256 signature with n - s in the place of s.
fn other_form(proof: &str) -> String {
    use openssl::bn::BigNum;
    let (input, signature) = proof.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let order = BigNum::from_hex_str("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551").unwrap();
    let s = BigNum::from_slice(&bytes[32..]).unwrap();
    let mut other = BigNum::new().unwrap();
    other.checked_sub(&order, &s).unwrap();
    let twin = [&bytes[..32], &other.to_vec_padded(32).unwrap()].concat();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(twin))
}
