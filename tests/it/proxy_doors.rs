//! The listener behind a proxy: its doors (TCP, TLS, Unix socket), who counts as the source, and that the direct listener
//! is blind to all of it. What is taken as an identity is in `behind_proxy`.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::behind_proxy::{BOTH, FINGERPRINT, ask, base64_der, nginx, request, sha1};
use crate::client::{Client, Connection, Identity, auth, curl};
use crate::process::{Service, until};
use crate::site::Site;

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
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o660);
    // What a killed service leaves behind does not stand in the way of the next one.
    service.kill();
    site.configure("[listener.behind_proxy]\nsocket_mode = '0600'");
    let next = Service::start(&site);
    assert_eq!(connect().ask(&request(&[("X-SSL-Client-SHA1", &sha1())])).status, 200);
    assert_eq!(mode(&socket), 0o600);
    assert!(next.stop().success());
    assert!(!socket.exists(), "what is stopped in order leaves nothing behind");
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
