//! The keys that sign tokens, through their life.

use std::fs;

use super::home::Home;

fn kid(home: &Home, index: usize) -> String {
    home.json(&["key", "list"])["items"][index]["kid"].as_str().unwrap().to_owned()
}

fn state(home: &Home, kid: &str) -> String {
    home.json(&["key", "show", kid])["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_lives_from_pending_to_retired() {
    let home = Home::with_service();
    let first = kid(&home, 0);
    let second = home.json(&["key", "generate", "--expires", "730d"]);
    let second = second["kid"].as_str().unwrap();
    // Another day begins with another first one.
    let day = |kid: &str| kid.rsplit_once('_').unwrap().0.to_owned();
    let expected = if day(&first) == day(second) { "_2" } else { "_1" };
    assert!(first.ends_with("_1") && second.ends_with(expected), "{first} {second}");
    assert_eq!(state(&home, second), "pending");
    let refusal = home.refused(&["key", "retire", &first]);
    assert!(refusal.contains("is active") && refusal.contains("activate its successor first"), "{refusal}");
    home.done(&["key", "activate", second]);
    assert_eq!((state(&home, &first).as_str(), state(&home, second).as_str()), ("retiring", "active"));
    home.refused(&["key", "activate", &first]);
    home.done(&["key", "retire", &first]);
    assert_eq!(state(&home, &first), "retired");
    let third = home.json(&["key", "generate"])["kid"].as_str().unwrap().to_owned();
    assert!(third.ends_with("_3") || day(&third) != day(&first), "{first} {second} {third}");
}

#[test]
fn what_is_exported_is_public_and_leaves_retired_keys_out() {
    let home = Home::with_service();
    let first = kid(&home, 0);
    home.done(&["key", "generate", "--kid", "34:rsa", "--alg", "RS256", "--bits", "2048"]);
    let set = home.json(&["key", "export", "--jwks"]);
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    let one = home.json(&["key", "export", "34:rsa"]);
    assert_eq!((&one["kty"], &one["kid"], &one["d"]), (&"RSA".into(), &"34:rsa".into(), &serde_json::Value::Null));
    home.done(&["key", "activate", "34:rsa"]);
    home.done(&["key", "retire", &first]);
    assert_eq!(home.json(&["key", "export"])["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_kid_is_never_used_again_and_no_file_is_overwritten() {
    let home = Home::with_service();
    home.done(&["key", "generate", "--kid", "x"]);
    assert!(home.refused(&["key", "generate", "--kid", "x"]).contains("never used again"));
    fs::write(home.path("svc/keys/y.pem"), "mine").unwrap();
    assert!(home.refused(&["key", "generate", "--kid", "y"]).contains("y.pem exists already"));
    assert_eq!(fs::read_to_string(home.path("svc/keys/y.pem")).unwrap(), "mine");
    assert!(home.refused(&["key", "generate", "--bits", "2048"]).contains("RS256"));
}

#[test]
fn a_key_that_cannot_sign_is_not_activated() {
    let home = Home::with_service();
    home.done(&["key", "generate", "--kid", "lost"]);
    fs::remove_file(home.path("svc/keys/lost.pem")).unwrap();
    assert!(home.refused(&["key", "activate", "lost"]).contains("lost.pem"));
    home.done(&["key", "generate", "--kid", "swapped"]);
    fs::copy(home.path("svc/tls/ca.key"), home.path("svc/keys/swapped.pem")).unwrap();
    let refusal = home.refused(&["key", "activate", "swapped"]);
    assert!(refusal.contains("does not belong to the public key"), "{refusal}");
    assert_eq!(state(&home, "swapped"), "pending");
}

#[test]
fn with_a_passphrase_new_keys_are_encrypted() {
    let home = Home::with_service();
    let file = home.path("svc/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("[keys]", "[keys]\npassphrase_env = \"KEY_PASSPHRASE\"", 1)).unwrap();
    let run = |words: &[&str]| {
        let output = home.command(words).env("KEY_PASSPHRASE", "correct horse").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["key", "generate", "--kid", "sealed"]);
    let pem = fs::read_to_string(home.path("svc/keys/sealed.pem")).unwrap();
    assert!(pem.contains("ENCRYPTED PRIVATE KEY"), "{pem}");
    run(&["key", "activate", "sealed"]);
    run(&["config", "check"]);
}
