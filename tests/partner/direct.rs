//! Clients that connect to the partner themselves, with their own certificates.

use std::time::Duration;

use openssl::ssl::SslVersion;

use crate::client::{Client, Identity, curl, examples, s_client};
use crate::partner::{Issuer, Request, refusal, unauthorized};
use crate::probe::probe;
use crate::process::until;

#[test]
fn a_token_opens_what_its_class_may_with_the_certificate_that_it_is_bound_to() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    for (entity, class, validates, inspects) in
        [("validator37", "val", 201, 403), ("inspector5", "ins", 403, 200), ("tvm8", "tvm", 403, 403)]
    {
        let certificate = if entity == "tvm8" { "rsa-tvm8" } else { entity };
        let token = issuer.token(entity);
        let status = partner.ask(certificate, &Request::status().token(&token));
        assert_eq!(status.status, 200, "{status:?}");
        let caller = &status.json()["caller"];
        assert_eq!(caller["pid"], 34);
        assert_eq!((caller["entityId"].as_str(), caller["class"].as_str()), (Some(entity), Some(class)));
        assert_eq!(caller["fingerprint"], Identity::example(certificate).sha1());
        for (request, expected) in [(Request::validate(), validates), (Request::inspect(), inspects)] {
            let answer = partner.ask(certificate, &request.token(&token));
            assert_eq!(answer.status, expected, "{entity}: {answer:?}");
            if expected == 403 {
                assert_eq!(refusal(&answer), (403, "not_allowed".to_owned()));
            }
        }
    }
}

#[test]
fn every_rule_of_a_service_that_takes_tokens_is_kept() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let file = |name: &str| examples().join(name).to_str().unwrap().to_owned();
    let (url, auth) = (format!("https://{}/validation/v1/validations", partner.address()), issuer.service.token());
    let forbidden = issuer.site.path("inspector5.token");
    std::fs::write(&forbidden, issuer.token("inspector5")).unwrap();
    let jwks = issuer.site.path("partner.jwks.json");
    // Two CAs in one file: the partner's, and that of the token service.
    let ca = issuer.site.path("both.pem");
    let both = [std::fs::read(file("ca.pem")).unwrap(), std::fs::read(issuer.site.file("tls/ca.pem")).unwrap()];
    std::fs::write(&ca, both.concat()).unwrap();
    let findings = probe(&[
        "api",
        &url,
        "--method",
        "POST",
        "--auth",
        &format!("https://{auth}"),
        "--entity",
        "validator37",
        "--cert",
        &file("validator37.pem"),
        "--key",
        &file("validator37.key"),
        "--other-cert",
        &file("inspector5.pem"),
        "--other-key",
        &file("inspector5.key"),
        "--forbidden-token",
        forbidden.to_str().unwrap(),
        "--jwks",
        jwks.to_str().unwrap(),
        "--ca",
        ca.to_str().unwrap(),
    ]);
    findings.all_kept_but(&["api.expired_token"]);
}

#[test]
fn a_stolen_token_opens_nothing() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let request = Request::status().token(&issuer.token("validator37"));
    for thief in ["inspector5", "impostors/same-name", "impostors/expired"] {
        assert_eq!(refusal(&partner.ask(thief, &request)), unauthorized("holder_mismatch"), "{thief}");
    }
    let without = Client::anonymous().ask(partner.address(), &request.text());
    assert_eq!(refusal(&without), unauthorized("nothing_presented"));
    // What a proxy would say is not listened to here.
    let sha1 = Identity::example("validator37").sha1();
    let forged = request.header("X-SSL-Client-SHA1", &sha1).header("X-Forwarded-For", "127.0.0.1");
    assert_eq!(refusal(&partner.ask("inspector5", &forged)), unauthorized("holder_mismatch"));
    let without = Client::anonymous().ask(partner.address(), &forged.text());
    assert_eq!(refusal(&without), unauthorized("nothing_presented"));
    assert_eq!(partner.ask("validator37", &forged).status, 200);
}

#[test]
fn there_is_exactly_one_token_and_it_is_the_issuers_own() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let partner = issuer.direct(&[]);
    let token = issuer.token("validator37");
    let ask = |request: &Request| refusal(&partner.ask("validator37", request));
    assert_eq!(ask(&Request::status()), unauthorized("no_token"));
    assert_eq!(ask(&Request::status().token(&token).token(&token)), unauthorized("duplicate_token"));
    assert_eq!(ask(&Request::status().token("").token(&token)), unauthorized("duplicate_token"));
    assert_eq!(ask(&Request::status().header("Authorization", &format!("Bearer {token}"))), unauthorized("no_token"));
    assert_eq!(ask(&Request::status().header("X_BoB_AuthToken", &token)), unauthorized("no_token"));
    // Another participant's service that calls itself 34, with a key of the same id.
    assert_eq!(ask(&Request::status().token(&other.token("validator37"))), unauthorized("bad_signature"));
    let (head, rest) = token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let (_, others) = issuer.token("inspector5").split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (payload, _) = others.split_once('.').unwrap();
    let spliced = format!("{head}.{payload}.{signature}");
    assert_eq!(ask(&Request::status().token(&spliced)), unauthorized("bad_signature"));
    assert_eq!(ask(&Request::status().token("rubbish")), unauthorized("token_parts"));
}

#[test]
fn two_connections_that_are_kept_alive_are_two_callers() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let (validator, inspector) = (issuer.token("validator37"), issuer.token("inspector5"));
    let mut ours = Client::example("validator37").connect(partner.address());
    let mut theirs = Client::example("inspector5").connect(partner.address());
    for _ in 0..3 {
        let (own, other) = (Request::status().token(&validator), Request::status().token(&inspector));
        assert_eq!(ours.ask(&own.text()).status, 200);
        assert_eq!(theirs.ask(&other.text()).status, 200);
        assert_eq!(refusal(&ours.ask(&other.text())), unauthorized("holder_mismatch"));
        assert_eq!(refusal(&theirs.ask(&own.text())), unauthorized("holder_mismatch"));
        assert_eq!(refusal(&ours.ask(&Request::status().text())), unauthorized("no_token"));
    }
}

#[test]
fn the_body_of_a_refused_request_is_not_the_next_request() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let token = issuer.token("inspector5");
    let smuggled = Request::validate().token(&token).body("GET /validation/v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut connection = Client::example("inspector5").connect(partner.address());
    let together = smuggled.text() + &Request::status().token(&token).text();
    assert_eq!(refusal(&connection.ask(&together)), (403, "not_allowed".to_owned()));
    // The second answer is the one to the second request, or the connection ends; never an answer to the body.
    let second = connection.answer(false);
    assert!(second.as_ref().is_none_or(|answer| answer.status == 200), "{second:?}");
}

#[test]
fn every_version_of_tls_and_a_resumed_session_show_the_same_certificate() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let token = issuer.token("validator37");
    let request = Request::status().token(&token);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let client = Client::example("validator37").version(version);
        assert_eq!(client.ask(partner.address(), &request.text()).status, 200);
    }
    let identity = Identity::example("validator37");
    let file = issuer.site.path("session");
    let last = request.header("Connection", "close").text();
    for version in ["-tls1_2", "-tls1_3"] {
        let file = file.to_str().unwrap();
        let first = s_client(partner.address(), Some(&identity), &[version, "-sess_out", file], &last);
        assert!(first.contains("HTTP/1.1 200"), "{first}");
        // The second time the client offers no certificate of its own: the session remembers the first one's.
        let second = s_client(partner.address(), None, &[version, "-sess_in", file], &last);
        assert!(second.contains("Reused, TLSv1") && second.contains("HTTP/1.1 200"), "{version}: {second}");
    }
}

#[test]
fn over_http_2_the_same_rules_hold() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let url = format!("https://{}/validation/v1/status", partner.address());
    let (certificate, key) = issuer.site.copy_of("validator37");
    let (others, others_key) = issuer.site.copy_of("inspector5");
    let token = format!("X-BoB-AuthToken: {}", issuer.token("validator37"));
    let ask = |certificate: &str, key: &str, headers: &[&str]| {
        let mut arguments = vec!["--http2", "--cert", certificate, "--key", key];
        arguments.extend(headers.iter().flat_map(|header| ["--header", header]));
        arguments.push(&url);
        let answer = curl(&arguments);
        assert_eq!(answer.version, "HTTP/2");
        answer
    };
    assert_eq!(ask(&certificate, &key, &[&token]).status, 200);
    assert_eq!(refusal(&ask(&others, &others_key, &[&token])), unauthorized("holder_mismatch"));
    assert_eq!(refusal(&ask(&certificate, &key, &[&token, &token])), unauthorized("duplicate_token"));
    assert_eq!(refusal(&ask(&certificate, &key, &[])), unauthorized("no_token"));
}

#[test]
fn who_is_refused_with_a_long_body_learns_why() {
    let issuer = Issuer::new();
    let partner = issuer.direct(&[]);
    let url = format!("https://{}/validation/v1/validations", partner.address());
    let (certificate, key) = issuer.site.copy_of("validator37");
    let body = issuer.site.path("body");
    std::fs::write(&body, " ".repeat(200_000)).unwrap();
    let body = format!("@{}", body.display());
    for version in ["--http1.1", "--http2"] {
        for _ in 0..5 {
            let answer = curl(&[version, "--cert", &certificate, "--key", &key, "--data-binary", &body, &url]);
            assert_eq!(refusal(&answer), unauthorized("no_token"), "{version}");
        }
    }
}

#[test]
fn a_token_ceases_to_count_when_it_expires_also_on_a_connection_that_is_kept() {
    let issuer = Issuer::configured("[token]\nlifetime = '8s'");
    let partner = issuer.direct(&["--leeway", "0"]);
    let request = Request::status().token(&issuer.token("validator37")).text();
    let mut connection = Client::example("validator37").connect(partner.address());
    assert_eq!(connection.ask(&request).status, 200);
    let refused = until("the token expires", || {
        std::thread::sleep(Duration::from_millis(200));
        Some(connection.ask(&request)).filter(|answer| answer.status != 200)
    });
    assert_eq!(refusal(&refused), unauthorized("expired"));
    // Who is still enrolled fetches the next one.
    assert_eq!(partner.ask("validator37", &Request::status().token(&issuer.token("validator37"))).status, 200);
}

#[test]
fn a_suspended_entity_gets_no_new_token_and_the_old_one_counts_until_it_expires() {
    let issuer = Issuer::configured("[token]\nlifetime = '8s'");
    let partner = issuer.direct(&["--leeway", "0"]);
    let request = Request::status().token(&issuer.token("validator37"));
    issuer.site.run(&["entity", "suspend", "validator37"]);
    until("no token is issued", || {
        let answer = Client::example("validator37").token(issuer.service.token(), "validator37");
        (answer.status == 404).then_some(())
    });
    let refused = until("the token expires", || {
        std::thread::sleep(Duration::from_millis(200));
        Some(partner.ask("validator37", &request)).filter(|answer| answer.status != 200)
    });
    assert_eq!(refusal(&refused), unauthorized("expired"));
}

#[test]
fn the_case_of_the_hex_digits_in_a_token_does_not_matter() {
    for case in ["lower", "upper"] {
        let issuer = Issuer::configured(&format!("[token]\nhok_case = '{case}'"));
        let partner = issuer.direct(&[]);
        let request = Request::status().token(&issuer.token("validator37"));
        assert_eq!(partner.ask("validator37", &request).status, 200, "{case}");
        assert_eq!(refusal(&partner.ask("inspector5", &request)), unauthorized("holder_mismatch"), "{case}");
    }
}

#[test]
fn a_token_with_both_fingerprints_is_compared_with_both() {
    let issuer = Issuer::configured("[token]\ncertificate_binding = 'sha1+sha256'");
    let partner = issuer.direct(&[]);
    let request = Request::status().token(&issuer.token("validator37"));
    assert_eq!(partner.ask("validator37", &request).status, 200);
    assert_eq!(refusal(&partner.ask("inspector5", &request)), unauthorized("holder_mismatch"));
}
