//! `bob-auth metadata`: sets fetched from a server over TLS and kept in files, looked at, compared and watched.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::protocol::metadata::SetTerms;
use bob_auth::protocol::metadata::sign::Form;
use serde_json::{Value, json};

use super::home::{Home, Said};
use super::issuer::{Authority, Key, now, terms};
use super::origin::{Answer, OriginServer, nobody};

/// An authority, its server, and a user who has its anchors.
struct Federation {
    home: Home,
    authority: Authority,
    server: OriginServer,
}

impl Federation {
    fn new() -> Self {
        let federation =
            Self { home: Home::empty(), authority: Authority::new(), server: OriginServer::tls(Answer::Nothing) };
        let federation_trust = Authority::trust_of(&[&federation.authority]);
        fs::write(federation.home.path("trust.jwks"), federation_trust).unwrap();
        fs::write(federation.home.path("ca.pem"), federation.server.ca.as_ref().unwrap()).unwrap();
        federation
    }

    fn offer(&self, etag: &str, set: &str) {
        self.server.answer(Answer::with(&format!("ETag: \"{etag}\"\r\n"), set));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    fn put(&self, name: &str, set: &str) {
        fs::write(self.file(name), set).unwrap();
    }

    /// With what says whom to believe.
    fn run(&self, words: &[&str]) -> Said {
        let trust = ["--trust", "trust.jwks", "--ca", "ca.pem"];
        self.home.run(&[&["metadata"], words, &trust[..]].concat())
    }

    fn done(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(said.code, 0, "{words:?}: {}{}", said.stdout, said.stderr);
        said.stdout
    }

    fn refused(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(said.code, 1, "{words:?}: {}{}", said.stdout, said.stderr);
        said.stderr + &said.stdout
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[words, &["--output", "json"]].concat())).unwrap()
    }

    fn fetch(&self) -> Vec<String> {
        ["fetch", &self.server.url(), "--out", "set.jws"].map(str::to_owned).to_vec()
    }
}

fn words(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

/// The set of two participants with everything that can be in one.
fn rich(serial: u64, authority: &Authority, change: impl FnOnce(&mut Value)) -> String {
    let jwk = |kid: &str| {
        let set: Value = serde_json::from_str(&super::issuer::jwks(&[&Key::new(34, kid)])).unwrap();
        set["keys"][0].clone()
    };
    let mut ticket = jwk("34:m");
    ticket["bob_sc"] = json!("ticket");
    let mut participants = json!([
        {
            "pid": 34, "organisationName": "Exempeltrafiken", "domainName": "example.se",
            "authtokenPublicKeys": [jwk("34:a"), {"kty": "oct", "kid": "34:\u{1b}[2J"}], "mtbPublicKeys": [ticket],
            "interfaceEndpoints": [{"endpointId": 7, "type": "ticket", "version": 2, "uri": "https://api.example.se/",
                "tlsa": {"usage": 3, "selector": 1, "type": 1, "data": "ab"}}],
            "issuerSignatureConstraints": [{"pid": 41, "signatureLifetime": "P3W"}],
            "participantInfo": {"phone": "08"},
        },
        {"pid": 41, "organisationName": "Evil\u{1b}[31m\u{202e}Bus"},
    ]);
    change(&mut participants);
    Authority::sign(&[authority], &terms(serial), &participants.to_string(), Form::General)
}

#[test]
fn a_set_is_fetched_once_and_again_only_when_it_has_changed() {
    let federation = Federation::new();
    let (one, two) = (Key::new(34, "34:a"), Key::new(34, "34:b"));
    let first = federation.authority.set(7, &[&one]);
    federation.offer("seven", &first);
    let fetch = federation.fetch();
    let said = federation.done(&words(&fetch));
    assert!(said.starts_with("a new set") && said.contains("serial") && said.contains('7'), "{said}");
    assert_eq!(fs::read_to_string(federation.file("set.jws")).unwrap(), first);
    let said = federation.done(&words(&fetch));
    assert!(said.starts_with("nothing has changed"), "{said}");
    assert!(federation.server.last_request().contains("if-none-match: \"seven\""));

    federation.offer("eight", &federation.authority.set(8, &[&two]));
    let view = federation.json(&words(&fetch));
    assert_eq!((&view["changed"], &view["serial"]), (&json!(true), &json!(8)));
    assert!(!federation.file("set.jws.backup").exists(), "the user keeps what he wants to keep");

    // An ETag of other bytes than those in the file says nothing.
    federation.put("set.jws", &first);
    federation.done(&words(&fetch));
    assert!(!federation.server.last_request().contains("if-none-match"));
    assert_eq!(federation.json(&["show", "set.jws"])["set"]["serial"], 8);
}

#[test]
fn what_is_no_better_than_the_set_in_the_file_is_not_written_over_it() {
    let federation = Federation::new();
    let (good, lies) = (Key::new(34, "34:a"), Key::new(34, "34:z"));
    let set = federation.authority.set(7, &[&good]);
    federation.offer("seven", &set);
    let fetch = federation.fetch();
    federation.done(&words(&fetch));
    let participant = PrivateKey::generate_p256().unwrap();
    let ended = SetTerms { not_valid_after: now().plus_seconds(-5), ..terms(8) };
    for (offered, told) in [
        (federation.authority.set(6, &[&lies]), "an old set was handed over"),
        (federation.authority.set(7, &[&lies]), "another content"),
        (federation.authority.set_on(&ended, &[&lies]), "ended at"),
        (Authority::of(&participant, "34:a").set(8, &[&lies]), "no trust anchor signed"),
        (Authority::of(&participant, "16:authority").set(8, &[&lies]), "was changed, or the anchor"),
        ("<html>".to_owned(), "metadata set"),
    ] {
        federation.offer("other", &offered);
        let said = federation.refused(&words(&fetch));
        assert!(said.contains(told) && said.contains("127.0.0.1"), "{told}: {said}");
        assert_eq!(fs::read_to_string(federation.file("set.jws")).unwrap(), set, "{told}");
    }
    // Something else in the place of the file stays.
    federation.put("set.jws", "my diary");
    federation.offer("eight", &federation.authority.set(8, &[&good]));
    let said = federation.refused(&words(&fetch));
    assert!(said.contains("set.jws: is there already") && said.contains("move it away"), "{said}");
    assert_eq!(fs::read_to_string(federation.file("set.jws")).unwrap(), "my diary");
}

#[test]
fn a_fetch_that_fails_says_where_and_what_to_do() {
    let federation = Federation::new();
    let fetch = |url: &str| federation.refused(&["fetch", url, "--out", "set.jws"]);
    let down = fetch(&nobody());
    assert!(down.contains("no connection") && down.contains("whether the registry is up"), "{down}");
    federation.server.answer(Answer::status("404 Not Found"));
    let missing = fetch(&federation.server.url());
    assert!(missing.contains("status 404") && missing.contains("/participantMetadata"), "{missing}");
    let plain = fetch("http://registry.example.org/api/v2/participantMetadata");
    assert!(plain.contains("is not https"), "{plain}");
    let file = fetch("set.jws");
    assert!(file.contains("is no URL"), "{file}");
    fs::copy(federation.file("trust.jwks"), federation.file("ca.pem")).unwrap();
    let no_ca = fetch(&federation.server.url());
    assert!(no_ca.contains("its CA file holds no certificate"), "{no_ca}");
    let url = federation.server.url();
    let untrusted = federation.home.run(&["metadata", "fetch", &url, "--trust", "trust.jwks", "--out", "set.jws"]);
    assert!(untrusted.code == 1 && untrusted.stderr.contains("--ca FILE"), "{}", untrusted.stderr);
    assert!(!federation.file("set.jws").exists());
    // Nobody says whom to believe.
    let alone = federation.home.run(&["metadata", "show", "set.jws"]);
    assert!(alone.code == 1 && alone.stderr.contains("--trust JWKS"), "{}", alone.stderr);
}

#[test]
fn a_kill_9_at_any_moment_leaves_one_set_or_the_other_whole() {
    let federation = Federation::new();
    // Large enough that a write takes its time.
    let set = |serial: u64| {
        let name = serial.to_string().repeat(400_000);
        let payload = json!([{"pid": 34, "organisationName": name}]).to_string();
        Authority::sign(&[&federation.authority], &terms(serial), &payload, Form::General)
    };
    let mut serial = 1;
    federation.put("set.jws", &set(serial));
    for round in 0..8 {
        federation.offer(&serial.to_string(), &set(serial + 1));
        let url = federation.server.url();
        let words = ["metadata", "fetch", &url, "--out", "set.jws", "--trust", "trust.jwks", "--ca", "ca.pem"];
        let mut fetch = federation.home.command(&words).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20 + 15 * round));
        let _ = fetch.kill();
        fetch.wait().unwrap();
        let view = federation.json(&["show", "set.jws"]);
        let found = view["set"]["serial"].as_u64().unwrap();
        assert!(found == serial || found == serial + 1, "{found} after {serial}");
        serial = found;
    }
    // What a kill has left beside it is in nobody's way.
    federation.offer("last", &set(serial + 1));
    federation.done(&words(&federation.fetch()));
    assert_eq!(federation.json(&["show", "set.jws"])["set"]["serial"], serial + 1);
}

#[test]
fn the_registry_of_the_configuration_is_the_one_that_is_meant() {
    let federation = Federation::new();
    federation.offer("seven", &federation.authority.set(7, &[&Key::new(34, "34:a")]));
    fs::create_dir(federation.file("svc")).unwrap();
    let base = federation.server.url().replace("/jwks.json", "/api/v2");
    let config = format!("[registry]\nurl = '{base}'\ntrust = '../trust.jwks'\nca = '../ca.pem'\n");
    fs::write(federation.file("svc/config.toml"), config).unwrap();
    federation.home.done(&["metadata", "fetch", "--out", "set.jws"]);
    assert!(federation.server.last_request().starts_with("GET /api/v2/participantMetadata HTTP/1.1\r\n"));
    for words in [&["metadata", "show"] as &[_], &["metadata", "show", "set.jws"], &["metadata", "verify"]] {
        assert!(federation.home.done(words).contains('7'), "{words:?}");
    }
}

#[test]
fn participants_keys_and_endpoints_are_shown_and_nothing_steers_the_terminal() {
    let federation = Federation::new();
    federation.put("set.jws", &rich(7, &federation.authority, |_| ()));
    let said = federation.run(&["show", "set.jws"]);
    for shown in [
        "Exempeltrafiken            example.se",
        "34:a  ES256  tokens",
        "tickets (ticket)",
        "https://api.example.se/",
        "3 1 1 ab",
        "P3W",
        "Evil\\u{1b}[31m\\u{202e}Bus",
        "entries left out  1",
    ] {
        assert!(said.stdout.contains(shown), "{shown}: {}", said.stdout);
    }
    assert!(said.stderr.contains("34:\\u{1b}[2J is left out"), "{}", said.stderr);
    let all = said.stdout + &said.stderr;
    assert!(!all.contains('\u{1b}') && !all.contains('\u{202e}'));

    let one = federation.done(&["show", "set.jws", "--pid", "41"]);
    assert!(one.contains("Bus") && !one.contains("Exempeltrafiken"), "{one}");
    let view = federation.json(&["show", "set.jws", "--pid", "34"]);
    assert_eq!(view["participants"].as_array().unwrap().len(), 1);
    assert_eq!(view["participants"][0]["interfaceEndpoints"][0]["uri"], "https://api.example.se/");
    assert_eq!(view["set"]["participants"], 2);
    let unknown = federation.refused(&["show", "set.jws", "--pid", "9"]);
    assert!(unknown.contains("no participant 9"), "{unknown}");
}

#[test]
fn a_set_past_its_end_can_be_looked_at_and_must_not_be_used() {
    let federation = Federation::new();
    let ended = SetTerms { not_valid_after: now().plus_seconds(-90), ..terms(7) };
    federation.put("set.jws", &federation.authority.set_on(&ended, &[&Key::new(34, "34:a")]));
    let said = federation.run(&["show", "set.jws"]);
    assert!(
        said.code == 0 && said.stdout.contains("ago") && said.stderr.contains("must not be used"),
        "{}",
        said.stderr
    );
    let said = federation.refused(&["verify", "set.jws"]);
    assert!(said.contains("FAILED  end") && said.contains("refused (metadata_expired)"), "{said}");
    federation.done(&["verify", "set.jws", "--at", "5m"]);
}

#[test]
fn every_rule_is_told_for_both_forms_and_both_algorithms() {
    let federation = Federation::new();
    let fallback = Authority::of(&PrivateKey::generate_rsa(2048).unwrap(), "16:fallback");
    let stranger = Authority::of(&PrivateKey::generate_p256().unwrap(), "9:stranger");
    fs::write(federation.file("trust.jwks"), Authority::trust_of(&[&federation.authority, &fallback])).unwrap();
    let payload = json!([{"pid": 34, "organisationName": "Example", "mtbPublicKeys": [{"kid": "x"}]}]).to_string();
    let all = [&federation.authority, &fallback, &stranger];
    federation.put("set.jws", &Authority::sign(&all, &terms(7), &payload, Form::General));
    let said = federation.done(&["verify", "set.jws"]);
    for told in [
        "general JSON serialisation with 3 signatures",
        "signature 1 (16:authority, ES256) was made by the anchor 16:authority",
        "signature 2 (16:fallback, RS256) was made by the anchor 16:fallback",
        "signature 3 (9:stranger, ES256) is by nobody who is trusted",
        "serial     7, of the authority 16",
        "end        may be used until",
        "participants: 1, keys for tokens: 0",
        "left out   participant 34: mtbPublicKeys: x",
        "accepted: the set may be used",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    federation.put("flat.jws", &Authority::sign(&[&fallback], &terms(7), &payload, Form::Flattened));
    let said = federation.done(&["verify", "flat.jws"]);
    assert!(said.contains("flattened JSON serialisation") && said.contains("RS256"), "{said}");

    federation.put("strange.jws", &Authority::sign(&[&stranger], &terms(7), &payload, Form::Flattened));
    let said = federation.refused(&["verify", "strange.jws"]);
    assert!(said.contains("FAILED  trust") && said.contains("refused (metadata_untrusted)"), "{said}");
    // One false signature in an anchor's name, beside a good one.
    let mut forged: Value =
        serde_json::from_str(&Authority::sign(&all[..2], &terms(7), &payload, Form::General)).unwrap();
    forged["signatures"][0]["signature"] = json!("AAAA");
    federation.put("forged.jws", &forged.to_string());
    let said = federation.run(&["verify", "forged.jws", "--output", "json"]);
    let view: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((said.code, &view["accepted"], &view["reason"]), (1, &json!(false), &json!("metadata_signature")));
    let outcomes: Vec<_> =
        view["rules"].as_array().unwrap().iter().map(|rule| rule["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["passed", "failed", "passed"], "{view}");
    let said = federation.refused(&["verify", "trust.jwks"]);
    assert!(said.contains("FAILED  form"), "{said}");
}

#[test]
fn an_anchor_that_everybody_has_is_for_tests_only() {
    let federation = Federation::new();
    let example = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "16:test",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
    federation.put("trust.jwks", &example.to_string());
    federation.put("set.jws", &federation.authority.set(7, &[]));
    let refused = federation.refused(&["verify", "set.jws"]);
    assert!(refused.contains("everybody can sign with it"), "{refused}");
    let admitted = federation.refused(&["verify", "set.jws", "--environment", "test"]);
    assert!(
        admitted.contains("FAILED  trust") && admitted.contains("everybody can sign with the anchor"),
        "{admitted}"
    );
}

#[test]
fn what_two_sets_say_differently_is_told_entry_by_entry() {
    let federation = Federation::new();
    federation.put("old.jws", &rich(7, &federation.authority, |_| ()));
    let new = rich(8, &federation.authority, |participants| {
        // The keys are other keys under the same ids: the maker makes new ones each time.
        let ours = participants[0].as_object_mut().unwrap();
        ours.remove("mtbPublicKeys");
        ours["interfaceEndpoints"][0]["uri"] = json!("https://new.example.se/");
        ours["issuerSignatureConstraints"] = json!([{"pid": 41, "signatureLifetime": "P1D"}]);
        participants[1] = json!({"pid": 55, "organisationName": "New Bus"});
    });
    federation.put("new.jws", &new);
    let said = federation.run(&["diff", "old.jws", "new.jws"]);
    assert_eq!(said.code, 0);
    for told in ["serial 7 -> 8", "ticket 2 https://new.example.se/", "P3W", "P1D", "New Bus", "Evil\\u{1b}[31m"] {
        assert!(said.stdout.contains(told), "{told}: {}", said.stdout);
    }
    assert!(said.stderr.contains("another key has the id 34:a of participant 34"), "{}", said.stderr);
    let view = federation.json(&["diff", "old.jws", "new.jws"]);
    let changes: Vec<_> = view["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| ["pid", "member", "kind"].map(|name| change[name].to_string()).join(" ").replace('"', ""))
        .collect();
    assert_eq!(
        changes,
        [
            "34 authtokenPublicKeys changed",
            "34 interfaceEndpoints changed",
            "34 issuerSignatureConstraints changed",
            "34 mtbPublicKeys removed",
            "41 participant removed",
            "55 participant added",
        ]
    );
    let one = federation.json(&["diff", "old.jws", "new.jws", "--pid", "55"]);
    assert_eq!(one["changes"].as_array().unwrap().len(), 1);
    let back = federation.run(&["diff", "new.jws", "old.jws"]);
    assert!(back.code == 0 && back.stderr.contains("could not take the place"), "{}", back.stderr);
    let same = federation.done(&["diff", "old.jws", "old.jws"]);
    assert!(same.contains("nothing else has changed"), "{same}");
}

#[test]
fn watching_tells_the_first_set_what_changed_and_what_was_refused() {
    let federation = Federation::new();
    let (one, two) = (Key::new(34, "34:a"), Key::new(34, "34:b"));
    let (seven, eight) = (federation.authority.set(7, &[&one]), federation.authority.set(8, &[&two]));
    let answer = |set: &str| Answer::keys(set);
    let script = answer(&eight).after(answer(&seven)).after(answer(&eight)).after(answer(&seven));
    federation.server.answer(script);
    let url = federation.server.url();
    let said = federation.run(&["watch", &url, "--every", "1s", "--times", "4", "--output", "json"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let documents: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(documents.len(), 2, "what has not changed is not told: {}", said.stdout);
    assert_eq!(documents[0]["serial"], 7);
    let kinds: Vec<_> = documents[1]["changes"].as_array().unwrap().iter().map(|change| &change["kind"]).collect();
    assert_eq!(kinds, ["removed", "added"]);
    assert!(said.stderr.contains("an old set was handed over"), "{}", said.stderr);

    let nothing = federation.run(&["watch", &nobody(), "--every", "1s", "--times", "1"]);
    assert!(nothing.code == 1 && nothing.stderr.contains("no connection"), "{}", nothing.stderr);
}

#[test]
fn watching_ends_well_when_it_is_interrupted() {
    let federation = Federation::new();
    federation.offer("seven", &federation.authority.set(7, &[&Key::new(34, "34:a")]));
    let url = federation.server.url();
    let mut watch = federation
        .home
        .command(&["metadata", "watch", &url, "--trust", "trust.jwks", "--ca", "ca.pem"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().map(Result::unwrap).any(|line| line.starts_with("serial")));
    assert!(Command::new("kill").args(["-INT", &watch.id().to_string()]).status().unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}
