//! A token service behind each proxy: which certificates arrive, and that what arrives is what the client has.

use std::io::Write as _;
use std::net::SocketAddr;

use openssl::ssl::SslVersion;

use crate::certificates;
use crate::client::{Answer, Client, Identity, auth, get, s_client};
use crate::process::Service;
use crate::proxy::{Behind, Kind, Proxy};
use crate::site::Site;

/// Room for a certificate of 12 KB, which is 16 KB as base64 and more with escapes.
pub(crate) const LARGE_HEADERS: &str = "[limits]\nheader_bytes = '32KiB'\n";

/// The service as the proxy's file says, and the proxy before it.
pub(crate) fn behind(kind: Kind, site: &Site) -> (Service, Proxy) {
    site.configure(&format!("{}source_header = 'X-Forwarded-For'\n{LARGE_HEADERS}", kind.listener(false)));
    let service = Service::start(site);
    let proxy =
        Proxy::start(kind, &Behind { token_service: Some(service.address("behind_proxy")), ..Behind::default() });
    (service, proxy)
}

/// The answer, or nothing if the proxy breaks off.
pub(crate) fn try_ask(client: &Client, address: SocketAddr, request: &str) -> Option<Answer> {
    let mut connection = client.try_connect(address).ok()?;
    // With TLS 1.3 a refusal comes after the client's first words.
    connection.stream.write_all(request.as_bytes()).ok()?;
    connection.answer(request.starts_with("HEAD "))
}

/// Every certificate gets the token of its entity, without certificate it is 401; those named are broken off by the proxy.
fn every_certificate(kind: Kind, broken_off: &[&str]) {
    let site = Site::new();
    let certificates = certificates::all(&site.path("certificates"));
    for (name, identity) in &certificates {
        site.run(&["entity", "add", name, "--class", "val"]);
        site.run(&["cert", "enrol", name, identity.file.to_str().unwrap(), "--allow-weak"]);
    }
    let (_service, proxy) = behind(kind, &site);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let nobody = Client::anonymous().version(version).get(proxy.address, &auth("self"));
        assert_eq!((nobody.status, nobody.problem().as_str()), (401, "certificate-required"));
        for (name, identity) in &certificates {
            let client = Client::of(identity).version(version);
            let answer = try_ask(&client, proxy.address, &get(&auth(name)));
            let expected = (!broken_off.contains(name)).then_some(200);
            assert_eq!(answer.as_ref().map(|answer| answer.status), expected, "{name} {version:?} {answer:?}");
            if let Some(answer) = answer {
                assert_eq!(answer.payload()["bobHok"], identity.sha1(), "{name}");
                // The same certificate for somebody else.
                let other = if *name == "self" { "selfleaf" } else { "self" };
                assert_eq!(client.token(proxy.address, other).status, 404, "{name}");
            }
        }
        let stranger = Client::example("impostors/p384").version(version).token(proxy.address, "self");
        assert_eq!((stranger.status, stranger.problem().as_str()), (401, "certificate-not-accepted"));
    }
}

#[test]
fn behind_nginx_every_certificate_counts() {
    every_certificate(Kind::Nginx, &[]);
}

#[test]
fn behind_haproxy_every_certificate_counts() {
    every_certificate(Kind::Haproxy, &[]);
}

#[test]
fn behind_apache_every_certificate_counts_but_those_that_are_not_valid_now_or_weak_or_not_for_clients() {
    every_certificate(Kind::Apache, &["srvonly", "exp", "future", "signonly", "weak"]);
}

/// A session is taken up again without the certificate, which still counts.
fn resumed_session(kind: Kind) {
    let site = Site::with_entities();
    let (_service, proxy) = behind(kind, &site);
    let identity = Identity::example("validator37");
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", auth("validator37"));
    for version in ["-tls1_2", "-tls1_3"] {
        let file = site.path(version);
        let file = file.to_str().unwrap();
        let first = s_client(proxy.address, Some(&identity), &[version, "-sess_out", file], &request);
        assert!(first.contains("HTTP/1.1 200") && first.contains("New, TLSv1"), "{first}");
        let again = s_client(proxy.address, None, &[version, "-sess_in", file], &request);
        assert!(again.contains("Reused, TLSv1") && again.contains("HTTP/1.1 200"), "{again}");
        assert!(again.contains(&identity.sha1()), "{again}");
        let other = request.replace("validator37", "inspector5");
        let other = s_client(proxy.address, None, &[version, "-sess_in", file], &other);
        assert!(other.contains("Reused, TLSv1") && other.contains("HTTP/1.1 404"), "{other}");
    }
}

#[test]
fn behind_nginx_a_resumed_session_keeps_its_certificate() {
    resumed_session(Kind::Nginx);
}

#[test]
fn behind_haproxy_a_resumed_session_keeps_its_certificate() {
    resumed_session(Kind::Haproxy);
}

#[test]
fn behind_apache_a_resumed_session_keeps_its_certificate() {
    resumed_session(Kind::Apache);
}

/// No names of CAs are sent: some clients would keep a self-signed certificate to themselves.
#[test]
fn no_proxy_names_a_ca() {
    for kind in [Kind::Nginx, Kind::Haproxy, Kind::Apache] {
        let proxy = Proxy::start(kind, &Behind::default());
        for version in ["-tls1_2", "-tls1_3"] {
            let said =
                s_client(proxy.address, None, &[version], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            assert!(said.contains("Requested Signature Algorithms"), "{kind:?}: {said}");
            assert!(said.contains("No client certificate CA names sent"), "{kind:?}: {said}");
        }
    }
}

/// The address in the audit trail is the one that the proxy saw.
#[test]
fn the_source_is_the_one_that_the_proxy_saw() {
    for kind in [Kind::Nginx, Kind::Haproxy, Kind::Apache] {
        let site = Site::with_entities();
        let (_service, proxy) = behind(kind, &site);
        let request = get(&auth("validator37")).replace("\r\n\r\n", "\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
        assert_eq!(Client::example("validator37").ask(proxy.address, &request).status, 200, "{kind:?}");
        assert_eq!(site.token_audit(1)[0]["source"], "127.0.0.1", "{kind:?}");
    }
}
