//! Requests that are odd or meant to deceive: two lengths, a request inside another one's body, folded lines, old HTTP.

use crate::client::{Client, Connection, Identity, auth, curl, get, plain};
use crate::process::Service;
use crate::site::{Site, example_file};

const BEHIND_PROXY: &str = "[listener.behind_proxy]\nlisten = '127.0.0.1:0'\ntrusted_peers = ['127.0.0.1']\n\
                            fingerprint_header = 'X-SSL-Client-SHA1'";

/// The statuses of all answers to these bytes on one connection, until the server closes.
fn statuses(service: &Service, bytes: &str) -> Vec<u16> {
    let mut connection = Client::example("validator37").connect(service.token());
    connection.send(bytes.as_bytes());
    // The last request of the connection, if it gets that far.
    let last = "GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let _ = std::io::Write::write_all(&mut connection.stream, last.as_bytes());
    std::iter::from_fn(|| connection.answer(false)).map(|answer| answer.status).collect()
}

#[test]
fn a_request_with_two_lengths_is_refused_and_ends_the_connection() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let inner = get(&auth("validator37"));
    let cases = [
        format!("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("Content-Length: 4\r\nContent-Length: 5\r\n\r\n{inner}"),
        format!("Content-Length: +4\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n{inner}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n{inner}"),
    ];
    for case in cases {
        let got = statuses(&service, &format!("GET /first HTTP/1.1\r\nHost: localhost\r\n{case}"));
        assert!(!got.contains(&200), "what stood in the body was answered: {case:?} {got:?}");
    }
}

#[test]
fn a_request_in_the_body_of_another_one_is_no_request() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let inner = get(&auth("validator37"));
    let length = inner.len();
    for method in ["GET", "POST"] {
        let body = format!("{method} /first HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{inner}");
        assert!(!statuses(&service, &body).contains(&200), "{method}");
        let chunked = format!(
            "{method} /first HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"
        );
        assert!(!statuses(&service, &chunked).contains(&200), "{method}");
    }
}

#[test]
fn a_token_request_with_an_empty_body_is_served_as_clients_in_the_field_send_it() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n",
        auth("validator37")
    );
    let mut connection = Client::example("validator37").connect(service.token());
    assert_eq!(connection.ask(&request).status, 200);
    assert_eq!(connection.ask(&request).status, 200);
}

#[test]
fn http_1_0_is_served() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let request = format!("GET {} HTTP/1.0\r\n\r\n", auth("validator37"));
    assert_eq!(Client::example("validator37").ask(service.token(), &request).payload()["sub"], "validator37");
}

#[test]
fn rubbish_is_refused_without_a_word_about_the_program() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for rubbish in ["\r\n\r\nnonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "G\0T / HTTP/1.1\r\n\r\n"] {
        let mut connection = Client::example("validator37").connect(service.token());
        connection.send(rubbish.as_bytes());
        if let Some(answer) = connection.answer(false) {
            assert_eq!(answer.status, 400, "{rubbish:?}");
        }
    }
    for path in ["/", "/api/v1/auth/nobody", "/.well-known/jwks.json"] {
        let answer = Client::example("validator37").get(service.token(), path);
        assert!(answer.headers.iter().all(|(name, _)| name != "server" && name != "x-powered-by"), "{answer:?}");
        let said = answer.text().to_lowercase();
        assert!(!said.contains("actix") && !said.contains(env!("CARGO_PKG_VERSION")), "{said}");
    }
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
}

#[test]
fn a_folded_or_split_identity_header_is_no_identity() {
    let site = Site::configured(BEHIND_PROXY);
    let service = Service::start(&site);
    let sha1 = Identity::example("validator37").sha1();
    let (front, back) = sha1.split_at(20);
    let odd = [
        format!("X-SSL-Client-SHA1: {front}\r\n {back}"),
        format!("X-SSL-Client-SHA1:\r\n {sha1}"),
        format!("X-SSL-Client-SHA1 : {sha1}"),
        // A bare LF ends a line (RFC 9112 section 2.2 allows that): a header that is smuggled in behind one stands beside
        // the proxy's own, and two are refused. Behind a proxy that sets none it would count: hence "set it always".
        format!("X-Other: x\nX-SSL-Client-SHA1: {sha1}\r\nX-SSL-Client-SHA1: {sha1}"),
        format!("X-SSL-Client-SHA1: {front}\r\nX-SSL-Client-SHA1: {back}"),
        format!("X-SSL-Client-SHA1: {front}\0{back}"),
        "Connection: X-SSL-Client-SHA1".to_owned(),
    ];
    for header in odd {
        let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n", auth("validator37"));
        let stream = std::net::TcpStream::connect(service.address("behind_proxy")).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let mut connection = Connection::new(stream);
        connection.send(request.as_bytes());
        let status = connection.answer(false).map_or(400, |answer| answer.status);
        assert!(matches!(status, 400 | 401), "{header:?}: {status}");
    }
    let good = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nX-SSL-Client-SHA1: {sha1}\r\n\r\n", auth("validator37"));
    assert_eq!(plain(service.address("behind_proxy"), &good).status, 200);
}

#[test]
fn over_http_2_other_methods_are_405_and_head_has_no_body() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let (certificate, key) = site.copy_of("validator37");
    let url = format!("https://{}{}", service.token(), auth("validator37"));
    let identity = ["--http2", "--cert", &certificate, "--key", &key];
    let posted = curl(&[&identity[..], &["--request", "POST", &url]].concat());
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    let head = curl(&[&identity[..], &["--head", &url]].concat());
    assert_eq!((head.status, head.version.as_str(), head.body.len()), (200, "HTTP/2", 0));
}

#[test]
fn who_is_refused_with_a_long_body_learns_why() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let (certificate, key) = site.copy_of("validator37");
    let body = site.path("body");
    std::fs::write(&body, " ".repeat(200_000)).unwrap();
    let body = format!("@{}", body.display());
    let url = format!("https://{}{}", service.token(), auth("validator37"));
    for version in ["--http1.1", "--http2"] {
        for _ in 0..5 {
            let posted = curl(&[version, "--cert", &certificate, "--key", &key, "--data-binary", &body, &url]);
            assert_eq!((posted.status, posted.problem().as_str()), (405, "method-not-allowed"), "{version}");
        }
    }
    // The rest of it is not waited for.
    let request = format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf", auth("validator37"));
    assert_eq!(Client::example("validator37").ask(service.token(), &request).status, 405);
}

#[test]
fn a_revoked_certificate_cannot_be_enrolled_again_by_mistake() {
    let site = Site::with_entities();
    site.run(&["cert", "revoke", &Identity::example("validator37").sha1()]);
    for entity in ["validator37", "inspector5"] {
        let again = site.try_run(&["cert", "enrol", entity, &example_file("validator37")]);
        assert_eq!(again.status.code(), Some(1), "{entity}");
    }
    let service = Service::start(&site);
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 401);
}
