//! The TLS of the token listener: what it asks of clients, what it refuses, what it remembers.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use openssl::ssl::SslVersion;

use crate::client::{Client, Identity, auth, curl, s_client};
use crate::process::{Service, until};
use crate::site::Site;

/// A request after which the server closes.
fn last_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

#[test]
fn a_certificate_is_asked_for_and_no_ca_is_named() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for version in ["-tls1_2", "-tls1_3"] {
        let said = s_client(service.token(), None, &[version], &last_request(&auth("validator37")));
        assert!(said.contains("Requested Signature Algorithms"), "{said}");
        assert!(said.contains("No client certificate CA names sent"), "{said}");
        assert!(said.contains("HTTP/1.1 401"), "{said}");
    }
}

#[test]
fn tls_1_0_and_1_1_are_refused() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for version in [SslVersion::TLS1, SslVersion::TLS1_1] {
        let error = Client::example("validator37").version(version).try_connect(service.token()).err().unwrap();
        assert!(error.contains("protocol version"), "{error}");
    }
}

#[test]
fn tls_1_2_is_refused_where_the_settings_want_1_3() {
    let site = Site::configured("[listener.token]\nmin_tls = '1.3'");
    let service = Service::start(&site);
    assert!(Client::example("validator37").version(SslVersion::TLS1_2).try_connect(service.token()).is_err());
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
}

#[test]
fn tls_1_2_has_forward_secrecy_and_authenticated_encryption_only() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for cipher in ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256", "DES-CBC3-SHA", "NULL-SHA"] {
        let arguments = ["-tls1_2", "-cipher", &format!("{cipher}:@SECLEVEL=0")];
        let said = s_client(service.token(), None, &arguments, &last_request("/"));
        assert!(!said.contains("HTTP/1.1"), "{cipher}: {said}");
    }
    let said = s_client(service.token(), None, &["-tls1_2"], &last_request("/"));
    assert!(said.contains("New, TLSv1.2, Cipher is ECDHE-") && said.contains("HTTP/1.1 404"), "{said}");
}

#[test]
fn renegotiation_is_refused() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let identity = Identity::example("validator37");
    let mut client = Command::new("openssl")
        .args(["s_client", "-tls1_2", "-connect", &service.token().to_string(), "-cert"])
        .arg(&identity.file)
        .arg("-key")
        .arg(identity.file.with_extension("key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The input stays open: its end would end the connection by itself.
    let mut input = client.stdin.take().unwrap();
    input.write_all(b"R\n").unwrap();
    until("the client gives up", || client.try_wait().unwrap());
    let mut said = String::new();
    client.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("no renegotiation"), "{said}");
}

/// Takes a session from one service and offers it to another (or the same) without the certificate.
fn resume(from: &Service, to: &Service, version: &str, file: &std::path::Path) -> String {
    let file = file.to_str().unwrap();
    let identity = Identity::example("validator37");
    let request = last_request(&auth("validator37"));
    let first = s_client(from.token(), Some(&identity), &[version, "-sess_out", file], &request);
    assert!(first.contains("HTTP/1.1 200") && first.contains("New, TLSv1"), "{first}");
    s_client(to.token(), None, &[version, "-sess_in", file], &request)
}

#[test]
fn a_resumed_session_keeps_its_certificate() {
    let site = Site::configured("[listener.token]\nsession_tickets = 1");
    let service = Service::start(&site);
    for version in ["-tls1_2", "-tls1_3"] {
        let said = resume(&service, &service, version, &site.path(version));
        assert!(said.contains("Reused, TLSv1"), "{said}");
        assert!(said.contains("HTTP/1.1 200"), "{said}");
        assert!(said.contains(&Identity::example("validator37").sha1()), "{said}");
    }
    for version in ["TLSv1.2", "TLSv1.3"] {
        let name = format!("bob_auth_tls_handshakes_completed_total{{resumed=\"yes\",version=\"{version}\"}}");
        assert!((service.metric(&name) - 1.0).abs() < 0.1, "{}", service.internal("/metrics").text());
    }
}

#[test]
fn a_session_of_a_certificate_that_was_revoked_serves_no_more() {
    let site = Site::configured("[listener.token]\nsession_tickets = 1");
    let service = Service::start(&site);
    for version in ["-tls1_2", "-tls1_3"] {
        let file = site.path(version);
        resume(&service, &service, version, &file);
    }
    site.run(&["cert", "revoke", &Identity::example("validator37").sha1()]);
    until("the certificate is refused", || {
        (Client::example("validator37").token(service.token(), "validator37").status == 401).then_some(())
    });
    for version in ["-tls1_2", "-tls1_3"] {
        let file = site.path(version);
        let arguments = [version, "-sess_in", file.to_str().unwrap()];
        let said = s_client(service.token(), None, &arguments, &last_request(&auth("validator37")));
        assert!(said.contains("HTTP/1.1 401"), "{said}");
    }
}

#[test]
fn by_default_a_tls_1_3_handshake_hands_out_no_ticket() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let said = s_client(service.token(), None, &["-tls1_3"], &last_request(&auth("validator37")));
    assert!(said.contains("HTTP/1.1 401") && !said.contains("Post-Handshake New Session Ticket"), "{said}");
}

#[test]
fn a_client_that_offers_the_session_of_another_server_is_served_by_a_full_handshake() {
    let with_tickets = Site::configured("[listener.token]\nsession_tickets = 2");
    let without = Site::configured("[listener.token]\nsession_resumption_tls12 = false");
    let (from, to) = (Service::start(&with_tickets), Service::start(&without));
    for version in ["-tls1_2", "-tls1_3"] {
        let said = resume(&from, &to, version, &without.path(version));
        assert!(said.contains("New, TLSv1"), "{said}");
        // Without the old session there is no certificate.
        assert!(said.contains("HTTP/1.1 401"), "{said}");
    }
}

#[test]
fn alpn_chooses_http_2_and_a_client_without_alpn_speaks_http_1_1() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let url = format!("https://{}/", service.token());
    assert_eq!(curl(&["--http2", &url]).version, "HTTP/2");
    assert_eq!(curl(&["--http1.1", "--no-alpn", &url]).version, "HTTP/1.1");
}
