//! The listener behind a proxy: whose word is taken, in which form, and what is no identity at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::{Answer, Identity, auth, plain};
use crate::process::Service;
use crate::site::Site;

pub(crate) const FINGERPRINT: &str = "[listener.behind_proxy]\nlisten = '127.0.0.1:0'\ntrusted_peers = ['127.0.0.1']\n\
                           fingerprint_header = 'X-SSL-Client-SHA1'";
pub(crate) const BOTH: &str = "[listener.behind_proxy]\nlisten = '127.0.0.1:0'\ntrusted_peers = ['127.0.0.0/8']\n\
                    fingerprint_header = 'X-SSL-Client-SHA1'\ncertificate_header = 'X-SSL-Client-Cert'\n\
                    certificate_dialect = 'url-pem'";

fn certificate_only(dialect: &str) -> String {
    format!(
        "[listener.behind_proxy]\nlisten = '127.0.0.1:0'\ntrusted_peers = ['127.0.0.1']\n\
         certificate_header = 'X-Client-Cert'\ncertificate_dialect = '{dialect}'"
    )
}

/// The request for validator37's token with these headers.
pub(crate) fn request(headers: &[(&str, &str)]) -> String {
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n", auth("validator37"))
}

pub(crate) fn ask(service: &Service, headers: &[(&str, &str)]) -> Answer {
    plain(service.address("behind_proxy"), &request(headers))
}

pub(crate) fn sha1() -> String {
    Identity::example("validator37").sha1()
}

fn colons(hex: &str) -> String {
    hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect::<Vec<_>>().join(":")
}

/// Everything but letters, digits and what nginx leaves as it is.
const NGINX: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// AWS leaves `+`, `/` and `=` too.
const AWS: &AsciiSet = &NGINX.remove(b'+').remove(b'/').remove(b'=');

fn pem(name: &str) -> String {
    String::from_utf8(Identity::example(name).certificate.to_pem().unwrap()).unwrap()
}

pub(crate) fn nginx(name: &str) -> String {
    utf8_percent_encode(&pem(name), NGINX).to_string()
}

pub(crate) fn base64_der(name: &str) -> String {
    STANDARD.encode(Identity::example(name).der())
}

#[test]
fn by_default_there_is_no_such_listener() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    assert_eq!(service.url("behind_proxy"), None);
}

#[test]
fn a_fingerprint_is_taken_in_every_form_that_proxies_write() {
    let site = Site::configured(FINGERPRINT);
    let service = Service::start(&site);
    let lower = sha1();
    let upper = lower.to_uppercase();
    let forms = [
        lower.clone(),
        upper.clone(),
        colons(&lower),
        colons(&upper),
        format!("\"{lower}\""),
        format!("\"{}\"", colons(&upper)),
        format!("  {lower}  "),
    ];
    for form in forms {
        let payload = ask(&service, &[("X-SSL-Client-SHA1", &form)]).payload();
        assert_eq!(payload["bobHok"], lower, "{form}");
    }
    for name in ["x-ssl-client-sha1", "X-Ssl-Client-Sha1", "X-SSL-CLIENT-SHA1"] {
        assert_eq!(ask(&service, &[(name, &lower)]).status, 200, "{name}");
    }
}

#[test]
fn a_certificate_is_taken_in_the_dialect_that_is_configured_and_in_no_other() {
    let aws = utf8_percent_encode(&pem("validator37"), AWS).to_string();
    let der = base64_der("validator37");
    let xfcc =
        format!("By=spiffe://x;Hash={};Cert=\"{}\"", Identity::example("validator37").sha256(), nginx("validator37"));
    let dialects = [
        ("url-pem", vec![nginx("validator37"), aws]),
        ("base64-der", vec![der.clone()]),
        ("rfc9440", vec![format!(":{der}:")]),
        ("xfcc", vec![xfcc]),
    ];
    for (dialect, own) in &dialects {
        let site =
            Site::configured(&format!("[token]\ncertificate_binding = 'sha1+sha256'\n{}", certificate_only(dialect)));
        let service = Service::start(&site);
        for value in own {
            let payload = ask(&service, &[("X-Client-Cert", value)]).payload();
            assert_eq!(payload["bobHok"], sha1(), "{dialect}");
            assert!(payload["cnf"]["x5t#S256"].is_string(), "both fingerprints are known: {dialect}");
        }
        for (other, values) in dialects.iter().filter(|(other, _)| other != dialect) {
            let answer = ask(&service, &[("X-Client-Cert", &values[0])]);
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (401, "identity-not-established"),
                "{other} as {dialect}"
            );
        }
    }
}

#[test]
fn what_is_no_fingerprint_of_a_certificate_is_401() {
    let site = Site::configured(FINGERPRINT);
    let service = Service::start(&site);
    let sha256 = Identity::example("validator37").sha256();
    let cases = [
        ("", "certificate-required", "no_certificate"),
        ("(null)", "identity-not-established", "cert_header_placeholder"),
        ("{http.request.tls.client.fingerprint}", "identity-not-established", "cert_header_placeholder"),
        ("%{SSL_CLIENT_CERT}s", "identity-not-established", "cert_header_placeholder"),
        ("d41d8cd98f00b204e9800998ecf8427e", "identity-not-established", "fingerprint_md5"),
        (&sha256, "identity-not-established", "fingerprint_sha256"),
        ("0000000000000000000000000000000000000000", "identity-not-established", "fingerprint_of_nothing"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "identity-not-established", "fingerprint_of_nothing"),
        (&sha1()[1..], "identity-not-established", "fingerprint_malformed"),
        ("NONE", "identity-not-established", "fingerprint_malformed"),
        ("0a9a063eb8d540cbf7dfba7697c674d14a174f7d", "certificate-not-accepted", "unknown_certificate"),
    ];
    for (value, problem, _) in cases {
        let answer = ask(&service, &[("X-SSL-Client-SHA1", value)]);
        assert_eq!((answer.status, answer.problem().as_str()), (401, problem), "{value:?}");
    }
    let absent = ask(&service, &[]);
    assert_eq!((absent.status, absent.problem().as_str()), (401, "certificate-required"));
    let mut expected: Vec<&str> = cases.iter().map(|(_, _, reason)| *reason).collect();
    expected.push("no_certificate");
    assert_eq!(site.reasons(expected.len()), expected);
}

#[test]
fn an_identity_header_stands_there_once_or_counts_for_nothing() {
    let site = Site::configured(BOTH);
    let service = Service::start(&site);
    let (fingerprint, certificate) = (sha1(), nginx("validator37"));
    let once = [("X-SSL-Client-SHA1", fingerprint.as_str()), ("X-SSL-Client-Cert", certificate.as_str())];
    assert_eq!(ask(&service, &once).status, 200);
    for twice in once {
        let answer = ask(&service, &[once[0], once[1], twice]);
        assert_eq!((answer.status, answer.problem().as_str()), (401, "identity-not-established"));
    }
    let twice_in_one = format!("{fingerprint}, {fingerprint}");
    assert_eq!(ask(&service, &[("X-SSL-Client-SHA1", &twice_in_one), once[1]]).status, 401);
    assert_eq!(site.reasons(4)[1..3], ["duplicate_header", "duplicate_header"]);
}

#[test]
fn both_headers_must_speak_of_the_same_certificate() {
    let site = Site::configured(BOTH);
    let service = Service::start(&site);
    let (fingerprint, certificate) = (sha1(), nginx("validator37"));
    let (other, other_certificate) = (Identity::example("inspector5").sha1(), nginx("inspector5"));
    let cases = [
        vec![("X-SSL-Client-SHA1", fingerprint.as_str()), ("X-SSL-Client-Cert", &other_certificate)],
        vec![("X-SSL-Client-SHA1", other.as_str()), ("X-SSL-Client-Cert", &certificate)],
        vec![("X-SSL-Client-SHA1", fingerprint.as_str())],
        vec![("X-SSL-Client-Cert", certificate.as_str())],
    ];
    for headers in &cases {
        assert_eq!(ask(&service, headers).status, 401, "{headers:?}");
    }
    assert_eq!(site.reasons(4), ["header_mismatch"; 4]);
}

#[test]
fn an_untrusted_peer_is_not_believed_whatever_it_says() {
    for peers in ["[]", "['10.0.0.0/8', '::1']"] {
        let site = Site::configured(&FINGERPRINT.replace("['127.0.0.1']", peers));
        let service = Service::start(&site);
        let forged = ask(&service, &[("X-SSL-Client-SHA1", &sha1()), ("X-Forwarded-For", "10.0.0.1")]);
        let nothing = ask(&service, &[]);
        assert_eq!((forged.status, forged.problem().as_str()), (401, "identity-not-established"), "{peers}");
        assert_eq!(forged.appearance(), nothing.appearance());
        assert_eq!(site.reasons(2), ["untrusted_peer"; 2]);
        assert!(site.token_audit(2).iter().all(|row| row["sha1"].is_null() && row["source"] == "127.0.0.1"));
    }
}

#[test]
fn a_header_that_is_spelt_with_underscores_is_not_read() {
    let site = Site::configured(FINGERPRINT);
    let service = Service::start(&site);
    let answer = ask(&service, &[("X_SSL_Client_SHA1", &sha1()), ("X-SSL_Client-SHA1", &sha1())]);
    assert_eq!((answer.status, answer.problem().as_str()), (401, "certificate-required"));
}
