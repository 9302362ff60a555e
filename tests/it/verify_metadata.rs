//! Keys from a signed metadata set: whose set counts, until when, and what a start says of anchors that everybody has.

use std::fs;

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::protocol::metadata::SetTerms;
use bob_auth::protocol::metadata::sign::{Form, sign_set};
use bob_auth::value::{Clock as _, Pid, SystemClock};
use serde_json::{Value, json};

use crate::process::{Service, until};
use crate::site::set_mode;
use crate::verify_site::{Door, present, refusal};

const METADATA: &str = "[verify]\nmetadata = 'metadata.jws'\nmetadata_trust = 'trust.jwks'\n";

/// Who signs metadata sets.
struct Authority(SoftwareSigner);

impl Authority {
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    fn new() -> Self {
        Self(SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &ring::rand::SystemRandom::new()).unwrap())
    }

    fn trust(&self) -> String {
        json!({"keys": [self.0.public_key().to_jwk("16:authority")]}).to_string()
    }

    /// A set with the keys of this site, good for so many seconds.
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    fn set(&self, door: &Door, serial: u64, seconds: i64) -> String {
        let keys: Value = serde_json::from_str(&door.site.run(&["key", "export", "--jwks"])).unwrap();
        let participant = json!({"pid": 34, "organisationName": "Example", "authtokenPublicKeys": keys["keys"]});
        let terms = SetTerms {
            authid: Pid::new(16).unwrap(),
            serial,
            not_valid_after: SystemClock.now().plus_seconds(seconds),
            interval: None,
        };
        let signers = [("16:authority".parse().unwrap(), &self.0 as &dyn Signer)];
        let payload = json!([participant]).to_string();
        let rng = ring::rand::SystemRandom::new();
        sign_set(&payload, &terms, &signers, Form::General, &rng).unwrap()
    }
}

/// Puts a file in the place of another at once.
fn put(door: &Door, name: &str, text: &str) {
    let new = door.site.path("new");
    fs::write(&new, text).unwrap();
    set_mode(&new, 0o644);
    fs::rename(new, door.site.file(name)).unwrap();
}

/// A door whose keys come from a set alone.
fn door(authority: &Authority, seconds: i64) -> Door {
    let door = Door::new(METADATA);
    let text = fs::read_to_string(door.site.file("config.toml")).unwrap();
    let mut config: toml::Table = text.parse().unwrap();
    config["verify"].as_table_mut().unwrap().remove("issuer");
    put(&door, "config.toml", &config.to_string());
    put(&door, "trust.jwks", &authority.trust());
    put(&door, "metadata.jws", &authority.set(&door, 7, seconds));
    door
}

#[test]
fn the_keys_of_a_signed_set_verify_tokens_and_a_set_of_somebody_else_changes_nothing() {
    let authority = Authority::new();
    let door = door(&authority, 3600);
    let service = door.open();
    assert_eq!(present(&service, &door.validator).status, 200);
    let left = service.metric("bob_auth_key_set_expires_in_seconds");
    assert!((3000.0..3601.0).contains(&left), "{left}");
    put(&door, "metadata.jws", &Authority::new().set(&door, 8, 3600));
    until("the failure is counted", || (service.metric_sum("bob_auth_key_source_failures_total") > 0.5).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 200);
    assert!(
        door.site
            .try_run(&["config", "check", "--for", "verify-server"])
            .stdout
            .starts_with(format!("{}", door.site.file("config.toml").display()).as_bytes())
    );
    let failed = || service.metric("bob_auth_reloads_total{result=\"failed\",what=\"config\"}");
    put(&door, "trust.jwks", "{\"keys\":[]}");
    until("anchors that are none are not taken up", || (failed() > 0.5).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 200);
}

#[test]
fn a_reload_is_no_way_back_to_an_older_set() {
    let authority = Authority::new();
    let door = door(&authority, 3600);
    let service = door.open();
    put(&door, "metadata.jws", &authority.set(&door, 6, 3600));
    door.site.configure("[verify]\nrefresh = '2h'");
    let failed = || service.metric("bob_auth_reloads_total{result=\"failed\",what=\"config\"}");
    until("the reload fails", || (failed() > 0.5).then_some(()));
    service.until_logged("verify.metadata");
    assert_eq!(present(&service, &door.validator).status, 200);
    put(&door, "metadata.jws", &authority.set(&door, 8, 3600));
    door.site.configure("[verify]\nrefresh = '3h'");
    service.until_logged("a new policy is in force");
}

#[test]
fn past_its_end_a_set_verifies_nothing_and_the_process_is_not_ready() {
    let authority = Authority::new();
    let door = door(&authority, 8);
    let service = door.open();
    until("the set is past its end", || (service.internal("/health/ready").status == 503).then_some(()));
    assert_eq!(refusal(&present(&service, &door.validator)), "key_set_expired");
    assert!(service.internal("/health/ready").json()["keys_valid_until"].is_string());
    assert!(service.metric("bob_auth_ready") < 0.5);
    put(&door, "metadata.jws", &authority.set(&door, 8, 3600));
    until("a newer set counts", || (present(&service, &door.validator).status == 200).then_some(()));
    assert_eq!(service.internal("/health/ready").status, 200);
}

/// The key that is printed in RFC 7515 appendix A.3, and signs the public test metadata.
fn example_anchor() -> String {
    let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "16:samtrafiken_one", "x": x, "y": y}]}).to_string()
}

#[test]
fn an_anchor_that_everybody_has_is_for_tests_and_told_at_every_start() {
    let authority = Authority::new();
    let door = door(&authority, 3600);
    let mut both: Value = serde_json::from_str(&example_anchor()).unwrap();
    let own: Value = serde_json::from_str(&authority.trust()).unwrap();
    both["keys"].as_array_mut().unwrap().push(own["keys"][0].clone());
    put(&door, "trust.jwks", &both.to_string());
    let refused = door.site.command(&["verify-server"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("everybody can sign with it"), "{said}");
    door.site.configure("[verify]\nenvironment = 'test'");
    for _ in 0..2 {
        let service: Service = door.open();
        assert_eq!(present(&service, &door.validator).status, 200);
        service.until_logged("everybody can sign with this trust anchor");
    }
}
