//! `bob-auth registry` against `bob-auth registry-server`, both the real program, over TLS.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bob_auth::crypto::algorithm::Algorithm;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::registry_site::{Running, Site, change, new_key, pid, public_jwk, until};

/// A participant with the program and a configuration, and the registry that it publishes at.
struct Participant {
    home: TempDir,
    site: Site,
    registry: Running,
}

impl Participant {
    /// Participant 34, who has no store.
    fn new() -> Self {
        Self::of(Site::new(), 34, "34:metadata_1", Path::new(""))
    }

    fn of(site: Site, number: i64, kid: &str, key: &Path) -> Self {
        let home = TempDir::new().unwrap();
        let registry = site.start();
        let participant = Self { home, site, registry };
        let key = if key == Path::new("") { participant.site.key_file(kid) } else { key.to_owned() };
        let config = format!("default_participant = {number}\n{}", participant.tables(kid, &key));
        fs::write(participant.path("config.toml"), config).unwrap();
        participant
    }

    /// Participant 34 with a service, and so with a store and a key that signs.
    fn with_service() -> Self {
        let site = Site::new();
        let (home, registry) = (TempDir::new().unwrap(), site.start());
        let participant = Self { home, site, registry };
        participant.done(&["init", "svc", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"]);
        let config = participant.path("svc/config.toml");
        let tables = participant.tables("34:metadata_1", &participant.site.key_file("34:metadata_1"));
        fs::write(&config, fs::read_to_string(&config).unwrap() + "\n" + &tables).unwrap();
        participant
    }

    fn tables(&self, kid: &str, key: &Path) -> String {
        let files = self.site.files();
        let number = kid.split(':').next().unwrap();
        format!(
            "[registry]\nurl = '{}'\nca = '{}'\ntrust = '{}'\nanswer_trust = '{}'\n\
             [registry.participant.{number}]\nmetadata_key = '{}'\nmetadata_kid = '{kid}'\n",
            self.registry.url(),
            files.ca.display(),
            files.trust.display(),
            files.answer_trust.display(),
            key.display(),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn file(&self, name: &str, content: &Value) -> String {
        fs::write(self.path(name), content.to_string()).unwrap();
        name.to_owned()
    }

    fn command(&self, words: &[&str]) -> Command {
        let service = self.path("svc/config.toml");
        let config = if service.exists() { service } else { self.path("config.toml") };
        let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
        command.args(words).current_dir(self.home.path()).env("BOB_AUTH_CONFIG", config).env("USER", "karin");
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(words).output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn done(&self, words: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(words);
        assert_eq!(code, 0, "{words:?}: {stdout}{stderr}");
        stdout
    }

    /// `bob-auth registry`, which must do it.
    fn registry(&self, words: &str) -> String {
        self.done(&[&["registry"], words.split(' ').collect::<Vec<_>>().as_slice()].concat())
    }

    fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.registry(&format!("{words} --output json"))).unwrap()
    }

    fn result(&self, words: &str) -> String {
        self.json(words)["result"].as_str().unwrap().to_owned()
    }

    /// `bob-auth registry`, which must fail; what it says.
    fn refused(&self, words: &str) -> String {
        let words = [&["registry"], words.split(' ').collect::<Vec<_>>().as_slice()].concat();
        let (code, stdout, stderr) = self.run(&words);
        assert_eq!((code, stdout.as_str()), (1, ""), "{words:?}: {stderr}");
        stderr
    }

    fn audit(&self) -> Vec<Value> {
        let rows = self.done(&["audit", "list", "--output", "json"]);
        let rows: Value = serde_json::from_str(&rows).unwrap();
        rows["items"].as_array().unwrap().clone()
    }
}

#[test]
fn the_domain_name_is_set_shown_and_removed() {
    let participant = Participant::new();
    let missing = participant.refused("domain-name show");
    assert!(missing.contains("the registry has no such thing\n  look what is there"), "{missing}");
    assert_eq!(participant.registry("domain-name set a.example.se"), "published domain name a.example.se\n");
    let again = participant.registry("domain-name set a.example.se");
    assert_eq!(again, "domain name a.example.se is at the registry already, unchanged\n");
    assert_eq!(participant.registry("domain-name show"), "a.example.se\n");
    assert_eq!(participant.result("domain-name set b.example.se"), "published");
    let shown = participant.json("domain-name show");
    assert_eq!((&shown["domain_name"], &shown["pid"]), (&json!("b.example.se"), &json!(34)));
    assert!(shown["etag"].is_string(), "{shown}");
    assert_eq!(participant.result("domain-name remove"), "withdrawn");
    assert_eq!(participant.result("domain-name remove"), "already_gone");
    assert_eq!(participant.run(&["registry", "domain-name", "set", "a b"]).0, 2);
}

#[test]
fn a_key_from_a_file_is_published_once_and_its_id_never_names_another() {
    let participant = Participant::new();
    let (key, other) = (new_key("34:1", Algorithm::Es256), new_key("34:1", Algorithm::Rs256));
    participant.file("key.jwk", &public_jwk(&key));
    participant.file("other.jwk", &public_jwk(&other));
    assert_eq!(participant.registry("authtoken-key list"), "KID  ALG  THUMBPRINT\n");
    assert_eq!(participant.registry("authtoken-key publish --jwk key.jwk"), "published authtoken key 34:1\n");
    assert_eq!(participant.result("authtoken-key publish --jwk key.jwk"), "already_there");
    let loud = participant.refused("authtoken-key publish --jwk other.jwk");
    let (ours, theirs) = (other.signer.public_key().thumbprint(), key.signer.public_key().thumbprint());
    assert!(loud.contains("ANOTHER key under the id 34:1"), "{loud}");
    assert!(loud.contains(&format!("thumbprint {theirs}, ours is {ours}")), "{loud}");
    assert!(loud.contains("tell the administering body at once"), "{loud}");
    assert_eq!(participant.json("authtoken-key show 34:1")["jwk"], public_jwk(&key));
    assert_eq!(participant.result("authtoken-key replace --jwk key.jwk"), "already_there");
    // This registry repairs what stands beside a key, never the key.
    assert!(participant.refused("authtoken-key replace --jwk other.jwk").contains("takes no key under it again"));
    assert_eq!(participant.json("authtoken-key list")["items"], json!([public_jwk(&key)]));
    assert_eq!(participant.result("authtoken-key remove 34:1"), "withdrawn");
    assert_eq!(participant.result("authtoken-key remove 34:1"), "already_gone");
    let used_up = participant.refused("authtoken-key publish --jwk other.jwk");
    assert!(used_up.contains("takes no key under it again") && used_up.contains("choose another key id"), "{used_up}");
    assert!(participant.refused("authtoken-key replace --jwk other.jwk").contains("no such thing"));
}

#[test]
fn ticket_keys_are_added_with_their_scope() {
    let participant = Participant::new();
    participant.file("mtb.jwk", &public_jwk(&new_key("34:a/b_mtb", Algorithm::Es256)));
    assert_eq!(participant.result("mtb-key add mtb.jwk --scope ticket"), "published");
    assert_eq!(participant.result("mtb-key add mtb.jwk --scope ticket"), "already_there");
    assert!(participant.refused("mtb-key add mtb.jwk --scope id").contains("with another bob_sc"));
    assert_eq!(participant.json("mtb-key show 34:a/b_mtb")["jwk"]["bob_sc"], "ticket");
    assert_eq!(participant.result("mtb-key replace mtb.jwk --scope id"), "replaced");
    let list = participant.registry("mtb-key list");
    assert!(list.starts_with("KID         ALG    SCOPE  THUMBPRINT\n34:a/b_mtb  ES256  id     "), "{list}");
    assert_eq!(participant.result("mtb-key remove 34:a/b_mtb"), "withdrawn");
}

#[test]
fn endpoints_are_added_changed_and_removed() {
    let participant = Participant::new();
    let add = "endpoint add --type validation --version 1 --uri https://a.example.se/v1";
    let added = participant.json(add);
    let id = added["endpoint"]["endpointId"].as_i64().unwrap();
    assert_eq!(added["result"], "published");
    let again = participant.json(add);
    assert_eq!((&again["result"], &again["endpoint"]["endpointId"]), (&json!("already_there"), &json!(id)));
    assert_eq!(participant.result(&format!("endpoint set {id} --version 2")), "replaced");
    let tlsa = ["registry", "endpoint", "set", &id.to_string(), "--tlsa", "3 1 0 AB01"];
    participant.done(&tlsa);
    let shown = participant.registry(&format!("endpoint show {id}"));
    assert!(shown.contains("version   2\n") && shown.contains("tlsa      3 1 0 ab01\n"), "{shown}");
    assert!(participant.registry("endpoint list").contains("https://a.example.se/v1  3 1 0 ab01"));
    assert_eq!(participant.result(&format!("endpoint set {id} --no-tlsa")), "replaced");
    assert_eq!(participant.result(&format!("endpoint set {id} --no-tlsa")), "already_there");
    let refusal = participant.refused("endpoint add --type validation --version 0 --uri https://a.example.se/");
    assert!(refusal.contains("version"), "{refusal}");
    assert_eq!(participant.result(&format!("endpoint remove {id}")), "withdrawn");
    assert_eq!(participant.result(&format!("endpoint remove {id}")), "already_gone");
}

#[test]
fn what_the_registry_refuses_is_told_in_its_own_words() {
    let participant = Participant::new();
    let refusal = participant.refused("endpoint add --type nonsense --version 1 --uri https://a.example.se/");
    assert!(refusal.contains("the registry refuses it (status 422): "), "{refusal}");
    let refusal = participant.refused("endpoint add --type validation --version 1 --uri ftp://a.example.se/");
    assert!(refusal.contains("the registry refuses it (status 422): "), "{refusal}");
}

#[test]
fn constraints_are_added_set_and_removed() {
    let participant = Participant::new();
    assert_eq!(participant.result("constraint add 41 --lifetime P3W"), "published");
    assert_eq!(participant.result("constraint add 41 --lifetime P3W"), "already_there");
    assert!(participant.refused("constraint add 41 --lifetime P1W").contains("says something else"));
    assert_eq!(participant.result("constraint set 41 --lifetime P1W"), "published");
    assert_eq!(participant.registry("constraint list"), "ISSUER  LIFETIME\n41      P1W\n");
    assert_eq!(participant.json("constraint show 41")["constraint"], json!({"pid": 41, "signatureLifetime": "P1W"}));
    assert_eq!(participant.result("constraint remove 41"), "withdrawn");
    assert_eq!(participant.result("constraint set 41 --lifetime P1D"), "published");
}

#[test]
fn info_is_set_from_a_file_or_standard_input() {
    let participant = Participant::new();
    let info = json!({ "support": { "phone": "08-1" }, "a": [1, 2.5, null] });
    participant.file("info.json", &info);
    assert_eq!(participant.result("info set info.json"), "published");
    assert_eq!(participant.result("info set info.json"), "already_there");
    assert_eq!(participant.json("info show"), info);
    let mut child = participant.command(&["registry", "info", "set", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"b\":1}").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(participant.json("info show"), json!({ "b": 1 }));
    participant.file("list.json", &json!([1]));
    assert!(participant.refused("info set list.json").contains("list.json"));
    assert_eq!(participant.result("info remove"), "withdrawn");
}

#[test]
fn everything_about_the_participant_is_one_answer() {
    let participant = Participant::new();
    participant.file("key.jwk", &public_jwk(&new_key("34:1", Algorithm::Es256)));
    participant.registry("authtoken-key publish --jwk key.jwk");
    participant.registry("domain-name set a.example.se");
    participant.registry("constraint add 41 --lifetime P3W");
    participant.registry("endpoint add --type token --version 1 --uri https://a.example.se/");
    let text = participant.registry("participant show");
    for part in [
        "domain name  a.example.se",
        "34:1  tokens  ES256",
        "token  1        https://a.example.se/",
        "41               P3W",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let whole = participant.json("participant show");
    assert_eq!(whole["participant"]["pid"], 34);
    assert_eq!(whole["participant"]["authtokenPublicKeys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_metadata_key_is_made_handed_over_and_used_with_either_algorithm() {
    for (number, options) in [(34, "--alg RS256 --bits 2048"), (41, "")] {
        let (kid, home) = (format!("{number}:metadata_2"), TempDir::new().unwrap());
        let file = home.path().join("metadata.key");
        let participant = Participant::of(Site::new(), number, &kid, &file);
        let early = participant.refused("participant show");
        assert!(early.contains("metadata-key generate"), "{early}");
        let jwk = participant.registry(format!("metadata-key generate {options}").trim());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let private = fs::read(&file).unwrap();
        let again = participant.refused("metadata-key generate");
        assert!(again.contains("never overwritten") && fs::read(&file).unwrap() == private, "{again}");
        assert_eq!(participant.registry("metadata-key show"), jwk);
        let unknown = participant.refused("participant show");
        assert!(unknown.contains("pop_unknown_key") && unknown.contains("metadata-key show"), "{unknown}");
        let parsed: Value = serde_json::from_str(&jwk).unwrap();
        assert_eq!(parsed["kid"], kid.as_str());
        assert!(parsed.get("d").is_none(), "{parsed}");
        participant.site.with_register(async |register| {
            register.add_metadata_key(pid(number), jwk.as_bytes(), &change()).await.unwrap();
        });
        assert_eq!(participant.json("participant show")["participant"]["pid"], number);
        assert_eq!(participant.result("domain-name set a.example.se"), "published");
    }
}

#[test]
fn a_metadata_key_that_others_could_read_is_refused_and_one_with_a_passphrase_is_opened() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("metadata.key");
    let participant = Participant::of(Site::new(), 34, "34:metadata_2", &file);
    fs::write(participant.path("passphrase"), "open sesame\n").unwrap();
    fs::set_permissions(participant.path("passphrase"), fs::Permissions::from_mode(0o600)).unwrap();
    let config = participant.path("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.clone() + "[keys]\npassphrase_file = 'passphrase'\n").unwrap();
    let jwk = participant.registry("metadata-key generate");
    assert!(fs::read_to_string(&file).unwrap().contains("BEGIN ENCRYPTED PRIVATE KEY"));
    participant.site.with_register(async |register| {
        register.add_metadata_key(pid(34), jwk.as_bytes(), &change()).await.unwrap();
    });
    participant.registry("participant show");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let refusal = participant.refused("participant show");
    assert!(refusal.contains("metadata.key") && refusal.contains("640"), "{refusal}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&config, text).unwrap();
    assert!(participant.refused("participant show").contains("encrypted"));
}

#[test]
fn a_key_of_the_store_is_published_and_the_store_knows_of_it() {
    let participant = Participant::with_service();
    participant.done(&["key", "generate", "--kid", "34:next"]);
    assert_eq!(participant.registry("authtoken-key publish 34:next"), "published authtoken key 34:next\n");
    assert_eq!(participant.result("authtoken-key publish 34:next"), "already_there");
    let shown = participant.done(&["key", "show", "34:next"]);
    assert!(shown.contains("state        published"), "{shown}");
    participant.registry("domain-name set a.example.se");
    participant.registry("domain-name set a.example.se");
    let audit = participant.audit();
    let rows: Vec<(&str, &str)> = audit
        .iter()
        .map(|row| (row["action"].as_str().unwrap(), row["detail"].as_str().unwrap_or_default()))
        .filter(|(action, _)| action.starts_with("metadata.") || *action == "key.publish")
        .collect();
    assert_eq!(rows, [("metadata.publish", "domain name a.example.se"), ("key.publish", "")]);
    assert!(audit[0]["actor"] == "cli:karin" && audit[0]["pid"] == 34, "{}", audit[0]);
    assert!(participant.refused("authtoken-key publish 34:never").contains("34:never"));
}

#[test]
fn the_key_that_signs_is_not_removed_by_mistake() {
    let participant = Participant::with_service();
    let keys: Value = serde_json::from_str(&participant.done(&["key", "list", "--output", "json"])).unwrap();
    let active = keys["items"][0]["kid"].as_str().unwrap();
    participant.registry(&format!("authtoken-key publish {active}"));
    let refusal = participant.refused(&format!("authtoken-key remove {active}"));
    assert!(refusal.contains("is the one that signs") && refusal.contains("--force"), "{refusal}");
    assert_eq!(participant.json("authtoken-key list")["items"].as_array().unwrap().len(), 1);
    participant.done(&["key", "generate", "--kid", "34:next"]);
    participant.registry("authtoken-key publish 34:next");
    participant.done(&["key", "activate", "34:next", "--force"]);
    let refusal = participant.refused(&format!("authtoken-key remove {active}"));
    assert!(refusal.contains("are valid until"), "{refusal}");
    assert_eq!(participant.result(&format!("authtoken-key remove {active} --force")), "withdrawn");
    assert_eq!(participant.json("authtoken-key list")["items"].as_array().unwrap().len(), 1);
}

#[test]
fn answers_of_a_registry_that_is_not_trusted_count_for_nothing() {
    let participant = Participant::new();
    let stranger = json!({ "keys": [public_jwk(&new_key("16:stranger", Algorithm::Es256))] });
    fs::write(participant.site.files().answer_trust, stranger.to_string()).unwrap();
    let refusal = participant.refused("domain-name show");
    assert!(refusal.contains("which is not among the trusted ones"), "{refusal}");
    assert!(refusal.contains("by a way that you trust"), "{refusal}");
    fs::write(participant.site.files().answer_trust, "{}").unwrap();
    let refusal = participant.refused("domain-name show");
    assert!(refusal.contains("answers.jwks") && refusal.contains("administering body"), "{refusal}");
}

#[test]
fn a_participant_acts_under_its_own_id_only_and_with_its_own_key() {
    let participant = Participant::new();
    let missing = participant.refused("participant show --pid 41");
    assert!(missing.contains("[registry.participant.41]"), "{missing}");
    // The key of 34 for the places of 41.
    let tables = participant.tables("34:metadata_1", &participant.site.key_file("34:metadata_1"));
    let config = format!("default_participant = 41\n{}", tables.replace("participant.34", "participant.41"));
    fs::write(participant.path("config.toml"), config).unwrap();
    let refusal = participant.refused("participant show");
    assert!(refusal.contains("pop_unknown_key"), "{refusal}");
}

#[test]
fn a_registry_that_is_not_there_is_an_error_that_says_what_to_do() {
    let participant = Participant::new();
    participant.registry("domain-name set a.example.se");
    let address = participant.registry.address();
    participant.registry.signal(rustix::process::Signal::KILL);
    until("nobody listens", || TcpStream::connect(address).is_err().then_some(()));
    let refusal = participant.refused("domain-name show");
    assert!(refusal.contains("the registry cannot be asked: there is no connection"), "{refusal}");
    assert!(refusal.contains("doing it twice does no harm"), "{refusal}");
}

#[test]
fn a_configuration_without_a_registry_is_told_what_it_lacks() {
    let participant = Participant::new();
    fs::write(participant.path("config.toml"), "default_participant = 34\n").unwrap();
    assert!(participant.refused("participant show").contains("has no table [registry]"));
}
