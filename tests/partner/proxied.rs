//! A partner behind a proxy, which the test plays: what it is believed, and what not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::{Identity, curl};
use crate::partner::{Issuer, Request, refusal, unauthorized};

const FINGERPRINT: [&str; 4] = ["--trust", "127.0.0.1", "--fingerprint-header", "X-SSL-Client-SHA1"];

fn sha1(name: &str) -> String {
    Identity::example(name).sha1()
}

fn url_pem(name: &str) -> String {
    let pem = Identity::example(name).certificate.to_pem().unwrap();
    utf8_percent_encode(str::from_utf8(&pem).unwrap(), NON_ALPHANUMERIC).to_string()
}

fn base64_der(name: &str) -> String {
    STANDARD.encode(Identity::example(name).der())
}

fn xfcc(name: &str) -> String {
    format!("Hash={};Cert=\"{}\"", Identity::example(name).sha256(), url_pem(name))
}

#[test]
fn what_a_trusted_proxy_says_is_compared_with_the_token() {
    let issuer = Issuer::new();
    let partner = issuer.partner(&FINGERPRINT);
    let token = issuer.token("validator37");
    let lower = sha1("validator37");
    let colons = lower.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect::<Vec<_>>().join(":");
    for value in [&lower, &lower.to_uppercase(), &colons, &colons.to_uppercase()] {
        let request = Request::status().token(&token).header("X-SSL-Client-SHA1", value);
        let answer = partner.plain(&request);
        assert_eq!(answer.status, 200, "{value}: {answer:?}");
        assert_eq!(answer.json()["caller"]["fingerprint"], lower);
    }
    let validate = Request::validate().token(&token).header("x-ssl-client-sha1", &lower);
    assert_eq!(partner.plain(&validate).status, 201);
    let inspect = Request::inspect().token(&token).header("x-ssl-client-sha1", &lower);
    assert_eq!(refusal(&partner.plain(&inspect)), (403, "not_allowed".to_owned()));
}

#[test]
fn a_header_that_is_missing_doubled_or_of_somebody_else_opens_nothing() {
    let issuer = Issuer::new();
    let partner = issuer.partner(&FINGERPRINT);
    let request = Request::status().token(&issuer.token("validator37"));
    let own = sha1("validator37");
    let with = |values: &[&str]| {
        let request = values.iter().fold(request.clone(), |request, value| request.header("X-SSL-Client-SHA1", value));
        refusal(&partner.plain(&request))
    };
    assert_eq!(with(&[]), unauthorized("nothing_presented"));
    assert_eq!(with(&[""]), unauthorized("nothing_presented"));
    assert_eq!(with(&[&own, &own]), unauthorized("duplicate_header"));
    assert_eq!(with(&["", &own]), unauthorized("duplicate_header"));
    assert_eq!(with(&[&sha1("inspector5")]), unauthorized("holder_mismatch"));
    assert_eq!(with(&["(null)"]), unauthorized("cert_header_placeholder"));
    assert_eq!(with(&[&Identity::example("validator37").sha256()]), unauthorized("fingerprint_sha256"));
    // A header of nearly the same name is another header.
    for name in ["X_SSL_Client_SHA1", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert"] {
        let answer = partner.plain(&request.clone().header(name, &own));
        assert_eq!(refusal(&answer), unauthorized("nothing_presented"), "{name}");
    }
    // Nor is the identity alone enough.
    let without = Request::status().header("X-SSL-Client-SHA1", &own);
    assert_eq!(refusal(&partner.plain(&without)), unauthorized("no_token"));
    let token = issuer.token("validator37");
    assert_eq!(refusal(&partner.plain(&without.token(&token).token(&token))), unauthorized("duplicate_token"));
}

#[test]
fn an_untrusted_peer_is_not_believed_and_learns_nothing() {
    let issuer = Issuer::new();
    let header = ["--fingerprint-header", "X-SSL-Client-SHA1"];
    for trusted in ["127.0.0.2", "10.0.0.0/8", "unix"] {
        let partner = issuer.partner(&[&["--trust", trusted], &header[..]].concat());
        let all =
            Request::status().token(&issuer.token("validator37")).header("X-SSL-Client-SHA1", &sha1("validator37"));
        let all = all.header("X-Forwarded-For", "127.0.0.2");
        let answers = [&all, &Request::status(), &Request::status().token("rubbish")].map(|one| partner.plain(one));
        for answer in &answers {
            assert_eq!(refusal(answer), unauthorized("untrusted_peer"), "{trusted}");
            assert_eq!(answer.appearance(), answers[0].appearance());
        }
    }
}

#[test]
fn a_certificate_is_taken_in_each_dialect_and_both_fingerprints_of_a_token_are_compared_with_it() {
    let issuer = Issuer::configured("[token]\ncertificate_binding = 'sha1+sha256'");
    let token = issuer.token("validator37");
    let rfc9440 = |name| format!(":{}:", base64_der(name));
    let dialects: [(&str, &dyn Fn(&'static str) -> String); 4] =
        [("url-pem", &url_pem), ("base64-der", &base64_der), ("rfc9440", &rfc9440), ("xfcc", &xfcc)];
    for (dialect, written) in dialects {
        let header = format!("X-Client-Cert={dialect}");
        let partner = issuer.partner(&["--trust", "127.0.0.1", "--certificate-header", &header]);
        let ask = |value: &str| partner.plain(&Request::status().token(&token).header("X-Client-Cert", value));
        assert_eq!(ask(&written("validator37")).status, 200, "{dialect}");
        assert_eq!(refusal(&ask(&written("inspector5"))), unauthorized("holder_mismatch"), "{dialect}");
        assert_eq!(refusal(&ask("")), unauthorized("nothing_presented"), "{dialect}");
        let (status, reason) = refusal(&ask(&sha1("validator37")));
        assert_eq!(status, 401, "{dialect}");
        assert!(reason.starts_with("cert_header_"), "{dialect}: {reason}");
    }
    // A proxy that hands over a bare fingerprint leaves the other one uncompared, as with any token.
    let partner = issuer.partner(&FINGERPRINT);
    let ask = |name| partner.plain(&Request::status().token(&token).header("X-SSL-Client-SHA1", &sha1(name)));
    assert_eq!(ask("validator37").status, 200);
    assert_eq!(refusal(&ask("inspector5")), unauthorized("holder_mismatch"));
}

#[test]
fn fingerprint_and_certificate_must_speak_of_the_same_one() {
    let issuer = Issuer::new();
    let partner = issuer.partner(&[&FINGERPRINT[..], &["--certificate-header", "X-SSL-Client-Cert=url-pem"]].concat());
    let request = Request::status().token(&issuer.token("validator37"));
    let with = |fingerprint: Option<&str>, certificate: Option<&'static str>| {
        let mut request = request.clone();
        if let Some(name) = fingerprint {
            request = request.header("X-SSL-Client-SHA1", &sha1(name));
        }
        if let Some(name) = certificate {
            request = request.header("X-SSL-Client-Cert", &url_pem(name));
        }
        partner.plain(&request)
    };
    assert_eq!(with(Some("validator37"), Some("validator37")).status, 200);
    for (fingerprint, certificate) in [
        (Some("validator37"), Some("inspector5")),
        (Some("inspector5"), Some("validator37")),
        (Some("validator37"), None),
        (None, Some("validator37")),
    ] {
        assert_eq!(refusal(&with(fingerprint, certificate)), unauthorized("header_mismatch"));
    }
}

#[test]
fn a_proxy_may_speak_http_2() {
    let issuer = Issuer::new();
    let partner = issuer.partner(&FINGERPRINT);
    let token = format!("X-BoB-AuthToken: {}", issuer.token("validator37"));
    let header = format!("X-SSL-Client-SHA1: {}", sha1("validator37"));
    let url = format!("http://{}/validation/v1/status", partner.address());
    let answer = curl(&["--http2-prior-knowledge", "--header", &token, "--header", &header, &url]);
    assert_eq!((answer.status, answer.version.as_str()), (200, "HTTP/2"));
    let doubled = curl(&["--http2-prior-knowledge", "-H", &token, "-H", &header, "-H", &header, &url]);
    assert_eq!(refusal(&doubled), unauthorized("duplicate_header"));
}
