//! The listener behind a proxy: whose word is taken, in which form, and what is no identity at all.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::{Answer, Client, Connection, Identity, auth, curl, plain};
use crate::process::{Service, until};
use crate::site::Site;

const FINGERPRINT: &str = "[listener.behind_proxy]\nlisten = '127.0.0.1:0'\ntrusted_peers = ['127.0.0.1']\n\
                           fingerprint_header = 'X-SSL-Client-SHA1'";
const BOTH: &str = "[listener.behind_proxy]\nlisten = '127.0.0.1:0'\ntrusted_peers = ['127.0.0.0/8']\n\
                    fingerprint_header = 'X-SSL-Client-SHA1'\ncertificate_header = 'X-SSL-Client-Cert'\n\
                    certificate_dialect = 'url-pem'";

fn certificate_only(dialect: &str) -> String {
    format!(
        "[listener.behind_proxy]\nlisten = '127.0.0.1:0'\ntrusted_peers = ['127.0.0.1']\n\
         certificate_header = 'X-Client-Cert'\ncertificate_dialect = '{dialect}'"
    )
}

/// The request for validator37's token with these headers.
fn request(headers: &[(&str, &str)]) -> String {
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n", auth("validator37"))
}

fn ask(service: &Service, headers: &[(&str, &str)]) -> Answer {
    plain(service.address("behind_proxy"), &request(headers))
}

fn sha1() -> String {
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

fn nginx(name: &str) -> String {
    utf8_percent_encode(&pem(name), NGINX).to_string()
}

fn base64_der(name: &str) -> String {
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

#[test]
fn a_proxy_may_have_to_show_a_secret() {
    let site = Site::with_entities();
    std::fs::write(site.file("proxy-secret"), "correct horse\n").unwrap();
    crate::site::set_mode(&site.file("proxy-secret"), 0o600);
    site.configure(&format!("{FINGERPRINT}\nsecret_header = 'X-Proxy-Secret'\nsecret_file = 'proxy-secret'"));
    let service = Service::start(&site);
    let fingerprint = sha1();
    let identity = ("X-SSL-Client-SHA1", fingerprint.as_str());
    assert_eq!(ask(&service, &[identity, ("X-Proxy-Secret", "correct horse")]).status, 200);
    for secret in ["", "correct hors", "correct horse2", "Correct horse"] {
        assert_eq!(ask(&service, &[identity, ("X-Proxy-Secret", secret)]).status, 401, "{secret:?}");
    }
    assert_eq!(ask(&service, &[identity]).status, 401);
    assert_eq!(ask(&service, &[identity, ("X-Proxy-Secret", "correct horse"), ("X-Proxy-Secret", "x")]).status, 401);
    assert_eq!(site.reasons(7)[1..6], ["proxy_secret"; 5]);
    assert!(!service.log_text().contains("correct hors"));
}

#[test]
fn the_address_that_the_proxy_names_stands_in_the_audit_trail() {
    let site = Site::configured(&format!("{FINGERPRINT}\nsource_header = 'X-Forwarded-For'"));
    let service = Service::start(&site);
    let fingerprint = sha1();
    for forwarded in ["203.0.113.9", "198.51.100.1, 203.0.113.9", "2001:db8::7"] {
        assert_eq!(ask(&service, &[("X-SSL-Client-SHA1", &fingerprint), ("X-Forwarded-For", forwarded)]).status, 200);
    }
    let sources: Vec<String> =
        site.token_audit(3).iter().map(|row| row["source"].as_str().unwrap().to_owned()).collect();
    assert_eq!(sources, ["203.0.113.9", "203.0.113.9", "2001:db8::7"], "the last one is the proxy's own");
}

#[test]
fn behind_a_proxy_the_limit_per_source_counts_the_address_that_it_names() {
    let limits = "[limits]\nrequests_per_source = '1/m'\nburst_per_source = 1";
    let site = Site::configured(&format!("{limits}\n{FINGERPRINT}\nsource_header = 'X-Forwarded-For'"));
    let service = Service::start(&site);
    let fingerprint = sha1();
    let from =
        |address: &str| ask(&service, &[("X-SSL-Client-SHA1", &fingerprint), ("X-Forwarded-For", address)]).status;
    assert_eq!((from("203.0.113.1"), from("203.0.113.2")), (200, 200));
    // What the client wrote in front does not make it another one.
    assert_eq!((from("203.0.113.1"), from("198.51.100.7, 203.0.113.2")), (429, 429));
}

#[test]
fn without_a_named_address_the_proxy_is_not_limited_as_one_source() {
    let limits = "[limits]\nrequests_per_source = '1/m'\nburst_per_source = 1";
    let site = Site::configured(&format!("{limits}\n{FINGERPRINT}"));
    let service = Service::start(&site);
    for _ in 0..5 {
        assert_eq!(ask(&service, &[("X-SSL-Client-SHA1", &sha1())]).status, 200);
    }
}

#[test]
fn a_unix_socket_serves_who_may_open_it() {
    let site = Site::with_entities();
    let socket = site.path("s");
    let listen = format!("'unix:{}'", socket.display());
    site.configure(&FINGERPRINT.replace("'127.0.0.1:0'", &listen).replace("['127.0.0.1']", "['unix']"));
    let service = Service::start(&site);
    let connect = || {
        let stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Connection::new(stream)
    };
    assert_eq!(connect().ask(&request(&[("X-SSL-Client-SHA1", &sha1())])).status, 200);
    assert_eq!(connect().ask(&request(&[])).status, 401);
    assert_eq!(site.token_audit(2)[0]["source"], "unix");
    // What a killed service leaves behind does not stand in the way of the next one.
    service.kill();
    let _next = Service::start(&site);
    assert_eq!(connect().ask(&request(&[("X-SSL-Client-SHA1", &sha1())])).status, 200);
}

#[test]
fn the_proxy_may_be_spoken_to_over_tls_and_http_2() {
    let tls = "certificate = 'tls/server.pem'\nprivate_key = 'tls/server.key'";
    let site = Site::configured(&format!("{FINGERPRINT}\n{tls}"));
    let service = Service::start(&site);
    let url = format!("https://{}{}", service.address("behind_proxy"), auth("validator37"));
    let header = format!("X-SSL-Client-SHA1: {}", sha1());
    for (http, version) in [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")] {
        let answer = curl(&[http, "--header", &header, &url]);
        assert_eq!((answer.status, answer.version.as_str()), (200, version));
    }
    // The certificate of the connection itself means nothing here.
    let client = Client::example("validator37");
    assert_eq!(client.ask(service.address("behind_proxy"), &request(&[])).status, 401);
}

#[test]
fn http_2_without_tls_is_spoken_as_well() {
    let site = Site::configured(FINGERPRINT);
    let service = Service::start(&site);
    let url = format!("http://{}{}", service.address("behind_proxy"), auth("validator37"));
    let header = format!("X-SSL-Client-SHA1: {}", sha1());
    let answer = curl(&["--http2-prior-knowledge", "--header", &header, &url]);
    assert_eq!((answer.status, answer.version.as_str()), (200, "HTTP/2"));
}

#[test]
fn the_direct_listener_is_blind_to_every_identity_header() {
    let site = Site::configured(BOTH);
    let service = Service::start(&site);
    let inspector = Identity::example("inspector5");
    let (fingerprint, certificate, der) = (inspector.sha1(), nginx("inspector5"), base64_der("inspector5"));
    let rfc9440 = format!(":{der}:");
    let xfcc = format!("Hash={};Cert=\"{certificate}\"", inspector.sha256());
    let forged = [
        ("X-SSL-Client-SHA1", fingerprint.as_str()),
        ("X-SSL-Client-Cert", &certificate),
        ("Client-Cert", &rfc9440),
        ("X-Forwarded-Client-Cert", &xfcc),
        ("X-Forwarded-Tls-Client-Cert", &der),
        ("X-Forwarded-For", "203.0.113.77"),
        ("X-Amzn-Mtls-Clientcert", &certificate),
        ("X_SSL_Client_SHA1", &fingerprint),
        ("X-SSL-Client-Verify", "SUCCESS"),
        ("Authorization", "Bearer forgedbearer"),
    ];
    for header in forged {
        let anonymous = Client::anonymous().ask(service.token(), &request(&[header]));
        assert_eq!((anonymous.status, anonymous.problem().as_str()), (401, "certificate-required"), "{header:?}");
        let own = Client::example("validator37").ask(service.token(), &request(&[header])).payload();
        assert_eq!(own["bobHok"], sha1());
        let foreign = Client::example("validator37")
            .ask(service.token(), &request(&[header]).replace("validator37", "inspector5"));
        assert_eq!(foreign.status, 404);
    }
    until("every request has its line", || (service.access_lines().len() >= 3 * forged.len()).then_some(()));
    let log = service.log_text();
    for (name, value) in forged.into_iter().filter(|(name, _)| *name != "X-SSL-Client-Verify") {
        assert!(!log.contains(value), "{name} is in the log");
    }
    let audit = site.run(&["audit", "list", "--action", "token.issue", "--limit", "1000", "--output", "json"]);
    assert!(!audit.contains(&fingerprint) && !audit.contains("203.0.113.77"));
}
