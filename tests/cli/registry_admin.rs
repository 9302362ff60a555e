//! The register of an administering body, administered.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::crypto::signer::{Signer as _, SoftwareSigner};
use bob_auth::protocol::jwk::bare_jwk;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::home::{Home, Said, said};

const CONFIG: &str = r#"
[store]
path = "register.sqlite"

[registry_server]
authid = 16
anchors = "anchors"
"#;

/// A public key that nobody has the private half of any longer.
const JWK: &str =
    r#"{"kty":"EC","crv":"P-256","kid":"34:metadata_1","x":"Nt4WNHbdCMqcZqvZT_KAXn5nRaOeVL4ZPD4xhi3zE5I","y":"0"}"#;

/// With a configuration, and nothing else.
fn configured() -> Home {
    let home = Home::empty();
    fs::create_dir(home.path("svc")).unwrap();
    fs::write(home.path("svc/config.toml"), CONFIG).unwrap();
    home
}

/// With a register of 16 and 34.
fn registered() -> Home {
    let home = configured();
    home.done(&["registry-admin", "init", "--name", "Samordnaren"]);
    home.done(&["registry-admin", "participant", "add", "34", "--name", "Östgötatrafiken"]);
    home
}

/// The public half of a new key.
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
fn new_jwk(kid: &str) -> Value {
    let signer = SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &SystemRandom::new()).unwrap();
    serde_json::to_value(bare_jwk(&kid.parse().unwrap(), signer.public_key())).unwrap()
}

fn with_stdin(home: &Home, words: &[&str], text: &str) -> Said {
    let mut child =
        home.command(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    said(&child.wait_with_output().unwrap())
}

fn kids(set: &Value) -> Vec<String> {
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_register_is_made_once_and_made_again_without_harm() {
    let home = configured();
    let missing = home.refused(&["registry-admin", "participant", "list"]);
    assert!(missing.contains("there is no store at"), "{missing}");
    let made = home.json(&["registry-admin", "init", "--name", "Samordnaren"]);
    let roles: Vec<&Value> = made["anchors"].as_array().unwrap().iter().map(|anchor| &anchor["role"]).collect();
    assert_eq!(roles, ["primary", "fallback", "response"]);
    assert_eq!(home.json(&["registry-admin", "init", "--name", "Other"]), made);
    let list = home.json(&["registry-admin", "participant", "list"]);
    assert_eq!((&list["items"][0]["pid"], &list["items"][0]["name"]), (&json!(16), &json!("Samordnaren")));
    assert_eq!(fs::read_dir(home.path("svc/anchors")).unwrap().count(), 3);
}

#[test]
fn participants_come_and_go() {
    let home = registered();
    let again = home.refused(&["registry-admin", "participant", "add", "34", "--name", "x"]);
    assert!(again.contains("participant 34 is in the register already"), "{again}");
    assert!(again.contains("participant rename 34"), "{again}");
    home.done(&["registry-admin", "participant", "rename", "34", "--name", "Ö AB"]);
    let text = home.done(&["registry-admin", "participant", "list"]);
    assert!(text.contains("Ö AB") && text.contains("takes part"), "{text}");
    let itself = home.refused(&["registry-admin", "participant", "remove", "16"]);
    assert!(itself.contains("is the administering body itself"), "{itself}");
    home.done(&["registry-admin", "participant", "remove", "34"]);
    let list = home.json(&["registry-admin", "participant", "list"]);
    assert!(list["items"][1]["removed"].is_string(), "{list}");
    let gone = home.refused(&["registry-admin", "participant", "remove", "34"]);
    assert!(gone.contains("participant 34 is not in the register") && gone.contains("participant add 34"), "{gone}");
}

#[test]
fn a_metadata_key_comes_from_a_file_or_standard_input_and_is_revoked() {
    let home = registered();
    let (one, two) = (new_jwk("34:metadata_1"), new_jwk("34:metadata_2"));
    fs::write(home.path("one.jwk"), one.to_string()).unwrap();
    let added = home.json(&["registry-admin", "metadata-key", "add", "34", "one.jwk"]);
    assert_eq!((&added["kid"], &added["state"], &added["public_jwk"]), (&one["kid"], &json!("active"), &one));
    let said = with_stdin(&home, &["registry-admin", "metadata-key", "add", "34", "-"], &two.to_string());
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("compare the thumbprint"), "{}", said.stderr);
    home.done(&["registry-admin", "metadata-key", "revoke", "34", "34:metadata_1"]);
    let again = home.refused(&["registry-admin", "metadata-key", "revoke", "34", "34:metadata_1"]);
    assert!(again.contains("no metadata key 34:metadata_1 in force"), "{again}");
    let back = home.refused(&["registry-admin", "metadata-key", "add", "34", "one.jwk"]);
    assert!(back.contains("never used again"), "{back}");
    let list = home.json(&["registry-admin", "metadata-key", "list", "34"]);
    let states: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|key| &key["state"]).collect();
    assert_eq!(states, ["revoked", "active"]);
    assert_eq!(home.json(&["registry-admin", "metadata-key", "list"]), list);
}

#[test]
fn what_is_no_public_key_of_a_participant_is_not_taken() {
    let home = registered();
    let add = ["registry-admin", "metadata-key", "add", "34", "-"];
    let private = JWK.replace("\"kid\"", "\"d\":\"AAAA\",\"kid\"");
    let rfc_7517 = r#"{"kty":"EC","crv":"P-256","kid":"a","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;
    for (text, words) in [
        (private.as_str(), "sends the public half only"),
        (rfc_7517, "RFC 7517"),
        (JWK, "no public key"),
        ("{}", "kty"),
        ("", "no JSON"),
    ] {
        let said = with_stdin(&home, &add, text);
        assert!(said.code == 1 && said.stderr.contains(words), "{text}: {}", said.stderr);
    }
    fs::write(home.path("key.jwk"), new_jwk("41:1").to_string()).unwrap();
    let stranger = home.refused(&["registry-admin", "metadata-key", "add", "41", "key.jwk"]);
    assert!(stranger.contains("participant 41 is not in the register"), "{stranger}");
    assert_eq!(home.json(&["registry-admin", "metadata-key", "list"])["items"], json!([]));
}

#[test]
fn an_anchor_is_rotated_in_two_steps_and_the_export_follows() {
    let home = registered();
    let first = kids(&home.json(&["registry-admin", "anchor", "export"]));
    assert_eq!(first.len(), 2);
    let there = home.refused(&["registry-admin", "anchor", "generate"]);
    assert!(there.contains("anchor rotate --role primary` replaces it"), "{there}");
    let none = home.refused(&["registry-admin", "anchor", "rotate", "--finish"]);
    assert!(none.contains("no anchor that is announced"), "{none}");
    let new = home.json(&["registry-admin", "anchor", "rotate", "--kid", "16:samtrafiken_two"]);
    assert_eq!((&new["state"], &new["alg"]), (&json!("announced"), &json!("ES256")));
    assert_eq!(kids(&home.json(&["registry-admin", "anchor", "export"])).len(), 3);
    let there = home.refused(&["registry-admin", "anchor", "rotate"]);
    assert!(there.contains("--finish` puts it in force, --cancel gives it up"), "{there}");
    home.done(&["registry-admin", "anchor", "rotate", "--finish"]);
    let after = kids(&home.json(&["registry-admin", "anchor", "export"]));
    assert_eq!(after.len(), 2);
    assert!(after.contains(&"16:samtrafiken_two".to_owned()) && !after.contains(&first[0]), "{after:?}");
    let text = home.done(&["registry-admin", "anchor", "list"]);
    assert!(text.contains("retired") && text.contains("16:samtrafiken_two"), "{text}");
}

#[test]
fn a_rotation_is_given_up_and_its_id_stays_used() {
    let home = registered();
    home.done(&["registry-admin", "anchor", "rotate", "--role", "fallback", "--kid", "16:x", "--alg", "ES256"]);
    home.done(&["registry-admin", "anchor", "rotate", "--role", "fallback", "--cancel"]);
    assert_eq!(kids(&home.json(&["registry-admin", "anchor", "export"])).len(), 2);
    let used = home.refused(&["registry-admin", "anchor", "rotate", "--kid", "16:x"]);
    assert!(used.contains("a kid is never used again"), "{used}");
    assert_eq!(home.run(&["registry-admin", "anchor", "rotate", "--finish", "--cancel"]).code, 2);
    assert_eq!(home.run(&["registry-admin", "anchor", "rotate", "--finish", "--kid", "a"]).code, 2);
}

#[test]
fn the_key_of_answers_is_never_among_those_of_sets() {
    let home = registered();
    let sets = kids(&home.json(&["registry-admin", "anchor", "export"]));
    let answers = kids(&home.json(&["registry-admin", "anchor", "export", "--answers"]));
    assert_eq!((sets.len(), answers.len()), (2, 1));
    assert!(!sets.contains(&answers[0]));
    let public = home.done(&["registry-admin", "anchor", "export"]);
    assert!(!public.contains("\"d\""), "{public}");
}

#[test]
fn a_register_moves_with_its_document_and_its_anchors() {
    let home = registered();
    fs::write(home.path("one.jwk"), new_jwk("34:1").to_string()).unwrap();
    home.done(&["registry-admin", "metadata-key", "add", "34", "one.jwk"]);
    home.done(&["registry-admin", "participant", "add", "41", "--name", "x"]);
    home.done(&["registry-admin", "participant", "remove", "41"]);
    home.done(&["registry-admin", "export", "--to", "register.json"]);
    assert!(home.refused(&["registry-admin", "export", "--to", "register.json"]).contains("register.json"));
    let full = home.refused(&["registry-admin", "import", "register.json"]);
    assert!(full.contains("the register is not empty") && full.contains("store.path"), "{full}");
    let before = home.json(&["registry-admin", "anchor", "list"]);
    fs::rename(home.path("svc/register.sqlite"), home.path("old.sqlite")).unwrap();
    // No store at all, as another machine would have it.
    let taken = home.json(&["registry-admin", "import", "register.json"]);
    assert_eq!(taken["participants"], json!(3));
    assert_eq!(home.json(&["registry-admin", "anchor", "list"]), before);
    let again = home.json(&["registry-admin", "export"]);
    let document: Value = serde_json::from_str(&fs::read_to_string(home.path("register.json")).unwrap()).unwrap();
    assert_eq!((&again["participants"], &again["anchors"]), (&document["participants"], &document["anchors"]));
}

#[test]
fn every_change_is_in_the_audit_trail_with_who_made_it() {
    let home = registered();
    fs::write(home.path("one.jwk"), new_jwk("34:1").to_string()).unwrap();
    home.done(&["registry-admin", "metadata-key", "add", "34", "one.jwk"]);
    home.done(&["registry-admin", "metadata-key", "revoke", "34", "34:1"]);
    home.done(&["registry-admin", "participant", "rename", "34", "--name", "x"]);
    home.done(&["registry-admin", "anchor", "rotate"]);
    home.done(&["registry-admin", "anchor", "rotate", "--finish"]);
    home.done(&["registry-admin", "participant", "remove", "34"]);
    let trail = home.json(&["audit", "list"]);
    let rows = trail["items"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["actor"] == "cli:tester"), "{trail}");
    let actions: Vec<&str> = rows.iter().rev().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        [
            "registry.participant.add",
            "registry.anchor.add",
            "registry.anchor.add",
            "registry.anchor.add",
            "registry.participant.add",
            "registry.metadata-key.add",
            "registry.metadata-key.revoke",
            "registry.participant.rename",
            "registry.anchor.add",
            "registry.anchor.activate",
            "registry.participant.remove",
        ]
    );
}
