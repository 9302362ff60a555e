//! Every reason for which a token is refused, each by a token that is refused for no other.

use std::time::Duration;

use bob_auth::value::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::client::Identity;
use crate::process::Service;
use crate::verify_site::{Door, Forger, ask, present, refusal, request, sha1};

fn now() -> i64 {
    SystemClock.now().as_seconds()
}

type Change = fn(&mut Value, &mut Value);

/// Tokens that the key of the service signed and that do not count all the same.
const FORGERIES: &[(&str, Change)] = &[
    ("header_member", |header, _| header["crit"] = json!(["exp"])),
    ("header_member", |header, _| header["jwk"] = json!({})),
    ("token_type", |header, _| header["typ"] = json!("at+jwt")),
    ("no_key_id", |header, _| drop(header.as_object_mut().unwrap().remove("kid"))),
    ("no_issuer", |_, payload| payload["iss"] = json!(34)),
    ("unknown_issuer", |_, payload| payload["iss"] = json!("35")),
    ("unknown_key", |header, _| header["kid"] = json!("34:other")),
    ("algorithm_mismatch", |header, _| header["alg"] = json!("none")),
    ("algorithm_mismatch", |header, _| header["alg"] = json!("HS256")),
    ("expired", |_, payload| (payload["iat"], payload["exp"]) = (json!(now() - 600), json!(now() - 61))),
    ("not_yet_valid", |_, payload| payload["nbf"] = json!(now() + 120)),
    ("issued_in_future", |_, payload| payload["iat"] = json!(now() + 120)),
    ("times_contradict", |_, payload| (payload["nbf"], payload["exp"]) = (json!(now() + 30), json!(now() + 30))),
    ("lives_too_long", |_, payload| payload["exp"] = json!(now() + 86_401)),
    ("claim_missing", |_, payload| drop(payload.as_object_mut().unwrap().remove("sub"))),
    ("claim_missing", |_, payload| drop(payload.as_object_mut().unwrap().remove("bobAuthZ"))),
    ("claim_form", |_, payload| payload["exp"] = json!("tomorrow")),
    ("claim_form", |_, payload| payload["bobHok"] = json!("abc")),
    ("not_bound", |_, payload| drop(payload.as_object_mut().unwrap().remove("bobHok"))),
    ("holder_mismatch", |_, payload| payload["bobHok"] = json!("0a9a063eb8d540cbf7dfba7697c674d14a174f7d")),
    ("audience", |_, payload| payload["aud"] = json!("https://elsewhere.example")),
    ("not_allowed", |_, payload| payload["bobAuthZ"] = json!("tvm")),
];

#[test]
fn a_token_that_is_wrong_in_one_respect_is_refused_for_that() {
    let door = Door::new("");
    let service = door.open();
    assert_eq!(present(&service, &door.forger.token(|_, _| {})).status, 200, "the forger has the key");
    for (reason, change) in FORGERIES {
        let answer = present(&service, &door.forger.token(change));
        assert_eq!(refusal(&answer), *reason);
        assert_eq!(answer.status, if *reason == "not_allowed" { 403 } else { 401 });
    }
    let genuine = &door.validator;
    let (rest, signature) = genuine.rsplit_once('.').unwrap();
    let (header, payload) = rest.split_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let other = if signature[10..].starts_with('A') { 'B' } else { 'A' };
    for (token, reason) in [
        (format!("{rest}."), "bad_signature"),
        (format!("{rest}.{}", &signature[..signature.len() - 2]), "bad_signature"),
        (format!("{rest}.{}{other}{}", &signature[..10], &signature[11..]), "bad_signature"),
        (format!("{header}.{payload}"), "token_parts"),
        (format!("{genuine}.x"), "token_parts"),
        (format!("{genuine}="), "token_base64url"),
        (format!("{header}!.{payload}.{signature}"), "token_base64url"),
        (format!("{payload}x.{payload}.{flipped}"), "token_base64url"),
        (format!("Bearer {genuine}"), "token_base64url"),
        ("A".repeat(8193), "token_too_long"),
    ] {
        let answer = present(&service, &token);
        let found = refusal(&answer);
        assert!(found == reason || (found == "token_json" && reason == "token_base64url"), "{found}: {reason} {token}");
    }
    assert_eq!(refusal(&present(&service, &door.forger.sign("[]", "{}"))), "token_json");
    let twice = r#"{"iss":"34","iss":"34"}"#;
    assert_eq!(
        refusal(&present(&service, &door.forger.sign(r#"{"alg":"ES256","kid":"1"}"#, twice))),
        "duplicate_member"
    );
    let bytes = ask(&service, &request("GET", "/verify", &[("X-BoB-AuthToken", "a.b.\u{e9}")]));
    assert_eq!(refusal(&bytes), "token_not_ascii");
}

#[test]
fn a_token_counts_with_its_own_certificate_and_no_other() {
    let door = Door::new("");
    let service = door.open();
    let with = |sha1: &str| {
        let headers = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1)];
        ask(&service, &request("GET", "/verify", &headers))
    };
    assert_eq!(with(&sha1("validator37")).status, 200);
    assert_eq!(with(&sha1("validator37").to_uppercase()).status, 200);
    assert_eq!(refusal(&with(&sha1("inspector5"))), "holder_mismatch");
    assert_eq!(refusal(&with(&Identity::example("validator37").sha256())), "fingerprint_sha256");
    assert_eq!(refusal(&with("none")), "fingerprint_malformed");
}

#[test]
fn what_policy_distrusts_is_refused_whoever_signed_it() {
    let door = Door::new("");
    let kid = door.forger.kid.clone();
    let sha1 = sha1("validator37");
    for (setting, reason) in [
        ("distrust_issuers = [34]".to_owned(), "distrusted_issuer"),
        (format!("distrust_kids = ['{kid}']"), "distrusted_key"),
        (format!("distrust_kids = ['34/{kid}']"), "distrusted_key"),
        (format!("distrust_certificates = ['{sha1}']"), "distrusted_certificate"),
    ] {
        let text = std::fs::read_to_string(door.site.file("config.toml")).unwrap();
        door.site.configure(&format!("[verify]\n{setting}"));
        assert_eq!(refusal(&present(&door.open(), &door.validator)), reason, "{setting}");
        std::fs::write(door.site.file("config.toml"), text).unwrap();
    }
    door.site.configure("[verify]\ndistrust_kids = ['35/34:other']");
    assert_eq!(present(&door.open(), &door.validator).status, 200);
}

#[test]
fn a_laxer_policy_is_what_it_says_and_is_told_at_the_start() {
    let unbound = |forger: &Forger| forger.token(|_, payload| drop(payload.as_object_mut().unwrap().remove("bobHok")));
    let door = Door::new("[verify]\nholder_of_key = 'if-present'\naudience = 'https://api.example'");
    let service = door.open();
    let bearer = door.forger.token(|_, payload| {
        payload.as_object_mut().unwrap().remove("bobHok");
        payload["aud"] = json!(["https://api.example", "b"]);
    });
    let answer = ask(&service, &request("GET", "/verify", &[("X-BoB-AuthToken", &bearer)]));
    assert_eq!(answer.status, 200);
    assert_eq!(refusal(&present(&service, &unbound(&door.forger))), "audience");
    service.until_logged("holder_of_key is \\\"if-present\\\"");
    drop(service);
    door.site.configure("[verify]\nholder_of_key = 'dangerously-off'\naudience = ['https://api.example']");
    let service = door.open();
    service.until_logged("whoever gets hold of a token can use it");
    assert_eq!(ask(&service, &request("GET", "/verify", &[("X-BoB-AuthToken", &bearer)])).status, 200);
}

#[test]
fn the_certificate_itself_is_compared_by_sha_256_as_well() {
    let door = Door::new("[listener.verify]\ncertificate_header = 'X-Client-Cert'\ncertificate_dialect = 'base64-der'");
    let service = door.open();
    let der = crate::behind_proxy::base64_der("validator37");
    let sha1 = sha1("validator37");
    let with = |token: &str, headers: &[(&str, &str)]| {
        ask(&service, &request("GET", "/verify", &[&[("X-BoB-AuthToken", token)], headers].concat()))
    };
    let both = [("X-SSL-Client-SHA1", sha1.as_str()), ("X-Client-Cert", der.as_str())];
    assert_eq!(with(&door.validator, &both).status, 200);
    assert_eq!(refusal(&with(&door.validator, &both[..1])), "header_mismatch");
    let other = crate::behind_proxy::base64_der("inspector5");
    assert_eq!(refusal(&with(&door.validator, &[both[0], ("X-Client-Cert", &other)])), "header_mismatch");
    assert_eq!(refusal(&with(&door.validator, &[both[0], ("X-Client-Cert", "MIIB")])), "cert_header_not_der");
    let collision = door.forger.token(|_, payload| payload["cnf"] = json!({"x5t#S256": "A".repeat(42) + "E"}));
    assert_eq!(refusal(&with(&collision, &both)), "thumbprint_mismatch");
}

#[test]
fn a_key_that_is_not_known_costs_no_more_than_a_look() {
    let door = Door::new("");
    let service: Service = door.open();
    let began = std::time::Instant::now();
    for number in 0..20 {
        let token = door.forger.token(|header, _| header["kid"] = json!(format!("34:{number}")));
        assert_eq!(refusal(&present(&service, &token)), "unknown_key");
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}
