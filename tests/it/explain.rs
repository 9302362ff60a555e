//! `token verify` and `explain` with tokens of the real service, its exported keys, and the certificate they are bound to.

use std::fs;
use std::process::Output;

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer, SoftwareSigner};
use bob_auth::protocol::metadata::SetTerms;
use bob_auth::protocol::metadata::sign::{Form, sign_set};
use bob_auth::value::{Clock as _, Kid, SystemClock};
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use crate::client::{Client, Identity};
use crate::process::Service;
use crate::site::{Site, example_file, program};

/// A site, a token of validator37, and the keys that verify it.
struct Case {
    site: Site,
    token: String,
}

impl Case {
    fn new() -> Self {
        let site = Site::with_entities();
        let service = Service::start(&site);
        let token = Client::example("validator37").token(service.token(), "validator37").compact();
        fs::write(site.path("jwks.json"), site.run(&["key", "export", "--jwks"])).unwrap();
        Self { site, token }
    }

    fn ask(&self, words: &[&str], more: &[&str]) -> Output {
        let jwks = self.site.path("jwks.json");
        program().args(words).args(["--jwks", jwks.to_str().unwrap()]).args(more).output().unwrap()
    }

    fn verify(&self, more: &[&str]) -> (i32, String) {
        said(&self.ask(&["token", "verify", &self.token], more))
    }

    fn explain(&self, more: &[&str]) -> (i32, String) {
        said(&self.ask(&["explain", &self.token], more))
    }
}

fn said(output: &Output) -> (i32, String) {
    (output.status.code().unwrap(), String::from_utf8(output.stdout.clone()).unwrap())
}

#[test]
fn a_token_with_its_certificate_is_accepted_by_file_and_by_fingerprint_in_either_case() {
    let case = Case::new();
    let hex = Identity::example("validator37").sha1();
    let certificate = example_file("validator37");
    for more in [["--cert", &certificate], ["--fingerprint", &hex], ["--fingerprint", &hex.to_uppercase()]] {
        let (code, text) = case.verify(&more);
        assert_eq!(code, 0, "{text}");
        assert!(text.starts_with("accepted: validator37, class val, of participant 34, for "), "{text}");
        assert_eq!(text.lines().count(), 1, "the verdict in a line");
    }
    let (code, text) = case.explain(&["--cert", &certificate, "--issuer", "34"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.matches("ok    ").count(), 9, "{text}");
}

#[test]
fn a_refusal_names_its_reason_and_ends_with_1() {
    let case = Case::new();
    let other = example_file("inspector5");
    let own = example_file("validator37");
    let cases: [(&[&str], &str); 8] = [
        (&["--cert", &other], "holder_mismatch"),
        (&[], "nothing_presented"),
        (&["--cert", &own, "--at", "2030-01-01"], "expired"),
        (&["--cert", &own, "--at", "2h"], "not_yet_valid"),
        (&["--cert", &own, "--issuer", "35"], "unknown_issuer"),
        (&["--cert", &own, "--allow", "34:ins"], "not_allowed"),
        (&["--cert", &own, "--max-lifetime", "30m"], "lives_too_long"),
        (&["--cert", &own, "--audience", "x"], "audience"),
    ];
    for (more, reason) in cases {
        let (code, text) = case.verify(more);
        assert_eq!((code, text.starts_with(&format!("refused ({reason}): "))), (1, true), "{more:?}: {text}");
        let (code, text) = case.explain(more);
        assert_eq!((code, text.contains(&format!("refused ({reason}): "))), (1, true), "{more:?}: {text}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
fn the_keys_can_come_from_a_metadata_set_that_an_anchor_signed() {
    let case = Case::new();
    let jwks: Value = serde_json::from_str(&fs::read_to_string(case.site.path("jwks.json")).unwrap()).unwrap();
    let rng = SystemRandom::new();
    let anchor = |name: &str| {
        let signer = SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &rng).unwrap();
        let file = case.site.path(name);
        fs::write(&file, json!({"keys": [signer.public_key().to_jwk("16:one")]}).to_string()).unwrap();
        (signer, file.to_str().unwrap().to_owned())
    };
    let (signer, trust) = anchor("trust.jwks");
    let (_, other_trust) = anchor("other.jwks");
    let payload = json!([{"pid": 34, "organisationName": "One", "authtokenPublicKeys": jwks["keys"]}]).to_string();
    let not_valid_after = SystemClock.now().plus_seconds(3_600);
    let terms = SetTerms { authid: 16.try_into().unwrap(), serial: 1, not_valid_after, interval: None };
    let keys: [(Kid, &dyn Signer); 1] = [("16:one".parse().unwrap(), &signer)];
    let set = case.site.path("set.jws");
    fs::write(&set, sign_set(&payload, &terms, &keys, Form::General, &rng).unwrap()).unwrap();
    let verify = |trust: &str, more: &[&str]| {
        let own = example_file("validator37");
        let metadata = ["--metadata", set.to_str().unwrap(), "--trust", trust, "--cert", &own];
        program().args(["token", "verify", &case.token]).args(metadata).args(more).output().unwrap()
    };
    assert!(verify(&trust, &[]).status.success());
    for (trust, more, said) in
        [(&other_trust, &[][..], "does not verify"), (&trust, &["--at", "2100-01-01"], "it is now 2100")]
    {
        let output = verify(trust, more);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(said), "{text}");
    }
}

#[test]
fn without_keys_on_the_command_line_those_of_the_configured_verifier_count_and_its_policy_too() {
    let case = Case::new();
    let own = example_file("validator37");
    let config = case.site.path("verify.toml");
    let ask = |allow: &str, more: &[&str]| {
        let listener =
            "trusted_peers = ['127.0.0.1']\nlisten = '127.0.0.1:0'\nfingerprint_header = 'X-SSL-Client-SHA1'";
        let verify = format!("[verify]\nallow = ['{allow}']\n[verify.issuer.34]\njwks = 'jwks.json'");
        fs::write(&config, format!("{verify}\n[listener.verify]\n{listener}\n")).unwrap();
        let words = ["token", "verify", &case.token, "--cert", &own, "--config", config.to_str().unwrap()];
        said(&program().args(words).args(more).output().unwrap())
    };
    assert_eq!(ask("34:val", &[]).0, 0);
    let (code, text) = ask("34:ins", &[]);
    assert!(code == 1 && text.starts_with("refused (not_allowed)"), "{text}");
    assert_eq!(ask("34:ins", &["--allow", "*:val"]).0, 0, "what is given on the command line counts");
    let nothing = program().args(["explain", &case.token, "--config", "/nowhere.toml"]).output().unwrap();
    let text = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(!nothing.status.success() && text.contains("--jwks FILE"), "{text}");
}

#[test]
fn programs_get_the_verdict_and_the_explanation_as_json() {
    let case = Case::new();
    let own = example_file("validator37");
    let (_, text) = case.verify(&["--cert", &own, "--output", "json"]);
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&verdict["accepted"], &verdict["entity"]), (&true.into(), &"validator37".into()));
    let (_, text) = case.explain(&["--output", "json"]);
    let explanation: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(explanation["reason"], "nothing_presented");
    assert_eq!(explanation["checks"][6]["outcome"], "failed");
}

#[test]
fn a_token_can_come_from_standard_input_and_keys_must_come_from_somewhere() {
    let case = Case::new();
    let token = case.site.path("token");
    fs::write(&token, format!("{}\n", case.token)).unwrap();
    let jwks = case.site.path("jwks.json");
    let output = program()
        .args(["token", "verify", "-", "--jwks", jwks.to_str().unwrap(), "--cert", &example_file("validator37")])
        .stdin(fs::File::open(&token).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(&jwks, r#"{"keys":[]}"#).unwrap();
    let output = case.ask(&["token", "verify", &case.token], &[]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds no key"));
}
