//! The partner's service as an operator sees it: how it starts, takes up new keys, and stops.

use crate::client::{Client, Identity, examples};
use crate::partner::{Issuer, Request, end_of, program, refusal, unauthorized};
use crate::process::until;

#[test]
fn a_new_key_of_the_issuer_is_taken_up_while_it_runs_and_an_old_one_is_dropped() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let old = Request::status().token(&issuer.token("validator37"));
    assert_eq!(partner.ask("validator37", &old).status, 200);

    let generated = issuer.site.json(&["key", "generate"]);
    let kid = generated["kid"].as_str().unwrap();
    issuer.site.run(&["key", "activate", kid]);
    let token = until("the new key signs", || {
        let answer = Client::example("validator37").token(issuer.service.token(), "validator37");
        (answer.json()["header"]["kid"] == kid).then(|| answer.compact())
    });
    let new = Request::status().token(&token);
    assert_eq!(refusal(&partner.ask("validator37", &new)), unauthorized("unknown_key"));
    issuer.publish();
    until("the new key is known", || (partner.ask("validator37", &new).status == 200).then_some(()));
    assert_eq!(partner.ask("validator37", &old).status, 200, "the old key is still published");

    let only = issuer.site.run(&["key", "export", kid]);
    let jwk: serde_json::Value = serde_json::from_str(&only).unwrap();
    let jwks = serde_json::json!({ "keys": [jwk] }).to_string();
    std::fs::write(issuer.site.path("partner.jwks.json"), jwks).unwrap();
    until("the old key is forgotten", || (partner.ask("validator37", &old).status == 401).then_some(()));
    assert_eq!(partner.ask("validator37", &new).status, 200);
}

#[test]
fn the_log_tells_why_a_request_did_not_pass_and_never_holds_a_token() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let token = issuer.token("validator37");
    let request = Request::status().token(&token);
    assert_eq!(partner.ask("validator37", &request).status, 200);
    assert_eq!(partner.ask("inspector5", &request).status, 401);
    assert_eq!(partner.ask("validator37", &Request::inspect().token(&token)).status, 403);
    assert_eq!(partner.ask("validator37", &Request::status().token(&token[1..])).status, 401);
    let log = until("the lines are written", || {
        let log = partner.log();
        (log.matches("a request does not pass").count() == 3).then_some(log)
    });
    let bound = Identity::example("validator37").sha1();
    let presented = Identity::example("inspector5").sha1();
    for wanted in [
        "reason=\"holder_mismatch\"",
        "mode=\"enforce\"",
        "route=\"/validation/v1/status\"",
        &format!("is bound to the certificate {bound}, presented was {presented}"),
        "reason=\"not_allowed\"",
    ] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    for part in token.split('.') {
        assert!(!log.contains(&part[1..17]), "{log}");
    }
}

#[test]
fn a_termination_signal_ends_it_in_order() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    assert_eq!(partner.ask("validator37", &Request::status().token(&issuer.token("validator37"))).status, 200);
    assert!(partner.stop().success());
}

#[test]
fn it_does_not_start_without_keys_or_without_knowing_where_certificates_come_from() {
    let file = |name: &str| examples().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (file("server.pem"), file("server.key"));
    let tls = ["--certificate", &certificate, "--private-key", &key];
    let pem = format!("34={certificate}");
    let cases: [(&[&str], &str); 6] = [
        (&[], "where do clients show their certificates?"),
        (&tls, "no keys can ever come"),
        (&["--keys", "0=x"], "participant id"),
        (&["--keys", &pem, "--trust", "127.0.0.1"], "no keys from"),
        (&["--trust", "10.0.0.1/8"], "did you mean \"10.0.0.0/8\"?"),
        (&["--verbose", "1"], "there is no --verbose"),
    ];
    for (arguments, words) in cases {
        let (success, said) = end_of(program().args(["--listen", "127.0.0.1:0"]).args(arguments));
        assert!(!success && said.contains(words), "{arguments:?}: {said}");
    }
}
