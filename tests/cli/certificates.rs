//! Certificates: enrolled, issued, listed, revoked; and every impostor refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Req};

use super::home::{Home, example};

fn peopled() -> Home {
    let home = Home::with_service();
    for (id, class) in [("validator37", "val"), ("inspector5", "ins")] {
        home.done(&["entity", "add", id, "--class", class]);
    }
    home
}

#[test]
fn a_certificate_is_enrolled_once_and_doing_it_again_is_no_error() {
    let home = peopled();
    let file = example("validator37.pem");
    assert!(home.done(&["cert", "enrol", "validator37", &file]).starts_with("enrolled "));
    assert!(home.done(&["cert", "enrol", "validator37", &file]).starts_with("already enrolled "));
    let list = home.json(&["cert", "list", "--entity", "validator37"]);
    let sha1 = list["items"][0]["sha1"].as_str().unwrap();
    let colons: Vec<&str> = (0..20).map(|i| &sha1[i * 2..i * 2 + 2]).collect();
    let spelling = format!("SHA1 Fingerprint={}", colons.join(":").to_uppercase());
    let shown = home.json(&["cert", "show", &spelling]);
    assert_eq!(shown["sha256"], list["items"][0]["sha256"]);
    assert_eq!(home.json(&["cert", "show", shown["sha256"].as_str().unwrap()]), shown);
    let pem = home.done(&["cert", "show", sha1, "--pem"]);
    assert_eq!(X509::from_pem(pem.as_bytes()).unwrap(), X509::from_pem(&fs::read(file).unwrap()).unwrap());
}

#[test]
fn a_certificate_serves_one_owner_and_never_again_once_revoked() {
    let home = peopled();
    let file = example("validator37.pem");
    home.done(&["cert", "enrol", "validator37", &file]);
    for words in [&["cert", "enrol", "inspector5", &file] as &[&str], &["cert", "enrol", "--participant", &file]] {
        assert!(home.refused(words).contains("already enrolled for entity validator37"), "{words:?}");
    }
    let list = home.json(&["cert", "list"]);
    let sha1 = list["items"][0]["sha1"].as_str().unwrap();
    assert!(home.refused(&["cert", "revoke", sha1, "--pid", "74"]).contains("belongs to participant 34, not 74"));
    assert_eq!(home.json(&["cert", "revoke", sha1])["state"], "revoked");
    for entity in ["validator37", "inspector5"] {
        assert!(home.refused(&["cert", "enrol", entity, &file]).contains("has been revoked"));
    }
    assert_eq!(home.json(&["cert", "list", "--state", "active"])["items"].as_array().unwrap().len(), 0);
}

#[test]
fn a_weak_key_is_refused_unless_it_is_insisted_on() {
    let home = peopled();
    let weak = example("impostors/weak-rsa1024.pem");
    let refusal = home.refused(&["cert", "enrol", "validator37", &weak]);
    assert!(refusal.contains("1024 bits, at least 2048") && refusal.contains("--allow-weak"), "{refusal}");
    let said = home.run(&["cert", "enrol", "validator37", &weak, "--allow-weak"]);
    assert_eq!(said.code, 0);
    assert!(said.stderr.contains("is weak"), "{}", said.stderr);
}

#[test]
fn of_several_files_each_is_reported() {
    let home = peopled();
    let both = fs::read_to_string(example("validator37.pem")).unwrap()
        + &fs::read_to_string(example("validator37.key")).unwrap()
        + &fs::read_to_string(example("impostors/expired.pem")).unwrap();
    fs::write(home.path("both.pem"), both).unwrap();
    fs::write(home.path("empty.pem"), "nothing").unwrap();
    let weak = example("impostors/weak-rsa1024.pem");
    let said = home.run(&["cert", "enrol", "validator37", "both.pem", "empty.pem", &weak, "--output", "json"]);
    assert_eq!(said.code, 1);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let results: Vec<&str> = report["items"].as_array().unwrap().iter().filter_map(|i| i["result"].as_str()).collect();
    assert_eq!(results, ["enrolled", "enrolled", "refused", "refused"]);
    for word in ["expired 20", "holds a private key", "empty.pem: no certificate"] {
        assert!(said.stderr.contains(word), "{word}: {}", said.stderr);
    }
}

#[test]
fn a_broken_certificate_among_others_is_named_by_its_number() {
    let home = peopled();
    let sound = fs::read_to_string(example("validator37.pem")).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(home.path("mixed.pem"), format!("{sound}{broken}")).unwrap();
    let refusal = home.refused(&["cert", "enrol", "validator37", "mixed.pem"]);
    assert!(refusal.contains("mixed.pem: certificate number 2 in this file"), "{refusal}");
}

#[test]
fn a_certificate_is_issued_with_its_key_and_nothing_is_overwritten() {
    let home = peopled();
    let issued = home.json(&["cert", "issue", "validator37", "--out", "usb"]);
    assert_eq!(issued["certificate"]["entity"], "validator37");
    let key = fs::read(home.path("usb/validator37.key")).unwrap();
    let mode = fs::metadata(home.path("usb/validator37.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let certificate = X509::from_pem(&fs::read(home.path("usb/validator37.pem")).unwrap()).unwrap();
    assert!(certificate.public_key().unwrap().public_eq(&PKey::private_key_from_pem(&key).unwrap()));
    assert!(home.refused(&["cert", "issue", "validator37", "--out", "usb"]).contains("nothing is overwritten"));
    assert_eq!(fs::read(home.path("usb/validator37.key")).unwrap(), key);
    home.refused(&["cert", "issue", "nobody", "--out", "nobody"]);
    assert!(!home.path("nobody").exists());
    let spare = home.json(&["cert", "issue", "nobody", "--out", "spare", "--key", "rsa", "--no-enrol"]);
    assert_eq!((&spare["enrolled"], &spare["certificate"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(home.json(&["cert", "list"])["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_request_is_signed_by_the_local_ca() {
    let home = peopled();
    let key = PKey::private_key_from_pem(&fs::read(example("validator37.key")).unwrap()).unwrap();
    let mut request = X509Req::builder().unwrap();
    request.set_pubkey(&key).unwrap();
    request.sign(&key, MessageDigest::sha256()).unwrap();
    fs::write(home.path("v.csr"), request.build().to_pem().unwrap()).unwrap();
    let issued = home.json(&["cert", "issue", "validator37", "--csr", "v.csr", "--valid", "30d"]);
    assert_eq!(issued["key_file"], serde_json::Value::Null);
    let certificate = X509::from_pem(&fs::read(home.path("validator37.pem")).unwrap()).unwrap();
    let ca = X509::from_pem(&fs::read(home.path("svc/tls/ca.pem")).unwrap()).unwrap();
    assert!(certificate.verify(&ca.public_key().unwrap()).unwrap());
    assert!(certificate.public_key().unwrap().public_eq(&key));
    let soon = home.json(&["cert", "list", "--expires-within", "31d"]);
    assert_eq!(soon["items"][0]["sha1"], issued["sha1"]);
    assert_eq!(home.json(&["cert", "list", "--expires-within", "29d"])["items"].as_array().unwrap().len(), 0);
}

#[test]
fn certificates_are_listed_page_by_page() {
    let home = peopled();
    home.done(&["cert", "issue", "validator37", "--out", "a"]);
    home.done(&["cert", "issue", "inspector5", "--out", "a"]);
    home.done(&["cert", "enrol", "--participant", &example("rsa-tvm8.pem")]);
    let first = home.json(&["cert", "list", "--limit", "1"]);
    assert_eq!(first["next"], first["items"][0]["sha1"]);
    let rest = home.json(&["cert", "list", "--after", first["next"].as_str().unwrap()]);
    assert_eq!(rest["items"][0]["entity"], "inspector5");
    assert_eq!(rest["items"][1]["entity"], serde_json::Value::Null);
    assert_eq!(home.json(&["cert", "list", "--participant"])["items"].as_array().unwrap().len(), 1);
    let table = home.done(&["cert", "list"]);
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
}
