//! Traffic through each proxy to a partner's service: bodies, connections that last, many requests, and a verifier that is
//! not there.

use std::io::Write as _;
use std::thread;

use crate::client::{Client, Identity, auth};
use crate::partner::{Both, Partner, VALIDATORS, start_verifier_at};
use crate::ports::free_address;
use crate::process::{Service, until};
use crate::proxy::{Behind, Kind, Proxy};
use crate::site::Site;
use crate::upstream::Upstream;

fn request(method: &str, token: &str, headers: &str) -> String {
    format!("{method} /x HTTP/1.1\r\nHost: localhost\r\nX-BoB-AuthToken: {token}\r\n{headers}\r\n")
}

fn bodies(kind: Kind) {
    let partner = Partner::of(kind, VALIDATORS);
    let token = partner.token("validator37", "validator37");
    let (client, body) = (Client::example("validator37"), vec![b'a'; 5_000_000]);
    let chunked = [format!("{:x}\r\n", body.len()).as_bytes(), &body[..], b"\r\n0\r\n\r\n"].concat();
    let length = format!("Content-Length: {}\r\n", body.len());
    for (headers, bytes) in [(length.as_str(), &body), ("Transfer-Encoding: chunked\r\n", &chunked)] {
        for kind_of_body in ["application/octet-stream", "application/json"] {
            let headers = format!("{headers}Content-Type: {kind_of_body}\r\n");
            let mut connection = client.connect(partner.proxy.address);
            connection.send(request("POST", &token, &headers).as_bytes());
            connection.send(bytes);
            assert_eq!(connection.answer(false).unwrap().status, 200, "{headers}");
            let seen = partner.upstream.taken().remove(0);
            assert_eq!((seen.method.as_str(), seen.body), ("POST", body.len()), "{headers}");
        }
        // A refusal may come before the whole body has gone.
        let mut connection = client.connect(partner.proxy.address);
        connection.send(request("POST", "none", headers).as_bytes());
        let _ = connection.stream.write_all(bytes);
        assert_eq!(connection.answer(false).map(|answer| answer.status), Some(401), "{headers}");
        assert!(partner.upstream.taken().is_empty());
    }
}

fn one_connection(kind: Kind) {
    let partner = Partner::of(kind, VALIDATORS);
    let token = partner.token("validator37", "validator37");
    let mut connection = Client::example("validator37").connect(partner.proxy.address);
    for round in 0..20 {
        let (bad, body) = (request("GET", "none", ""), "b".repeat(round * 100));
        assert_eq!(connection.ask(&request("GET", &token, "")).status, 200, "{round}");
        assert_eq!(connection.ask(&bad).status, 401, "{round}");
        let length = format!("Content-Length: {}\r\n", body.len());
        assert_eq!(connection.ask(&(request("POST", "none", &length) + &body)).status, 401, "{round}");
        assert_eq!(connection.ask(&(request("POST", &token, &length) + &body)).status, 200, "{round}");
        let bodies: Vec<usize> = partner.upstream.taken().iter().map(|seen| seen.body).collect();
        assert_eq!(bodies, [0, body.len()], "{round}");
    }
}

/// 400 requests by eight clients, half of them on connections that last; two of three are to be refused.
fn many(kind: Kind) {
    let partner = Partner::of(kind, VALIDATORS);
    let token = partner.token("validator37", "validator37");
    let inspector = partner.token("inspector5", "inspector5");
    thread::scope(|scope| {
        for number in 0..8 {
            let (partner, token, inspector) = (&partner, &token, &inspector);
            scope.spawn(move || {
                let client = Client::example("validator37");
                let mut lasting = client.connect(partner.proxy.address);
                for round in 0..50 {
                    let (token, expected) = match (number + round) % 3 {
                        0 => (token.as_str(), 200),
                        1 => (inspector.as_str(), 401),
                        _ => ("none", 401),
                    };
                    let request = request("GET", token, "");
                    // Apache ends a connection after a hundred requests, which is its right.
                    let answer = if number % 2 == 0 {
                        lasting.ask(&request)
                    } else {
                        client.ask(partner.proxy.address, &request)
                    };
                    assert_eq!(answer.status, expected, "{number} {round} {answer:?}");
                }
            });
        }
    });
    let seen = partner.upstream.taken();
    assert_eq!(
        seen.len(),
        (0..8).map(|number| (0..50).filter(|round| (number + round) % 3 == 0).count()).sum::<usize>()
    );
    assert!(seen.iter().all(|seen| seen.values("x-bob-entity") == ["validator37"]));
}

/// Without the verifier nothing passes; when it is back everything is as before.
fn no_verifier(kind: Kind) {
    let site = Site::with_entities();
    let tokens = Service::start(&site);
    let (upstream, address) = (Upstream::start(), free_address().to_string());
    let behind = Behind { verifier: Some(address.clone()), upstream: Some(upstream.address), ..Behind::default() };
    let proxy = Proxy::start(kind, &behind);
    let token = Client::example("validator37").token(tokens.token(), "validator37").compact();
    let client = Client::example("validator37");
    let status = || client.ask(proxy.address, &request("GET", &token, "")).status;
    for _ in 0..2 {
        assert!((500..=599).contains(&status()));
        assert!(upstream.taken().is_empty());
        let verifier = start_verifier_at(kind, &site, VALIDATORS, &address);
        until("the verifier is asked again", || (status() == 200).then_some(()));
        verifier.kill();
        upstream.taken();
    }
    assert!((500..=599).contains(&status()));
    assert!(upstream.taken().is_empty());
}

fn unix_socket(kind: Kind) {
    let site = Site::with_entities();
    crate::site::set_mode(&site.path("."), 0o755);
    let tokens = Service::start(&site);
    let address = format!("unix:{}", site.path("verify.sock").display());
    let _verifier = start_verifier_at(kind, &site, &format!("{VALIDATORS}\n[listener.verify]\nprobe = true"), &address);
    let upstream = Upstream::start();
    let behind = Behind { verifier: Some(address), upstream: Some(upstream.address), ..Behind::default() };
    let proxy = Proxy::start(kind, &behind);
    let token = Client::example("validator37").token(tokens.token(), "validator37").compact();
    let ask = |name: &str, token: &str| Client::example(name).ask(proxy.address, &request("GET", token, "")).status;
    assert_eq!((ask("validator37", &token), ask("inspector5", &token), ask("validator37", "a")), (200, 401, 401));
    assert_eq!(upstream.taken().len(), 1);
    let saw = Client::example("inspector5").get(proxy.address, "/bob-auth/probe").json();
    assert_eq!(saw["identity"]["sha1"], Identity::example("inspector5").sha1(), "{saw}");
}

/// A certificate that is too large for somebody on the way gets no answer but a refusal, and does no harm.
fn oversized(kind: Kind) {
    let partner = Partner::of(kind, VALIDATORS);
    let token = partner.token("validator37", "validator37");
    let huge = crate::certificates::huge(&partner.site.path("certificates"));
    for _ in 0..3 {
        let headers = format!("X-BoB-AuthToken: {token}\r\n");
        let answer = partner.ask(&Client::of(&huge), "GET", "/", &headers);
        assert!(answer.as_ref().is_none_or(|answer| answer.status >= 400), "{answer:?}");
        assert!(partner.upstream.taken().is_empty());
    }
    assert_eq!(partner.get("validator37", &token).status, 200);
}

/// Both on one address.
fn with_token_service(kind: Kind) {
    let site = Site::with_entities();
    let both = Both::of(kind, &site);
    let (proxy, upstream) = (&both.proxy, &both.upstream);
    let client = Client::example("validator37");
    let token = client.token(proxy.address, "validator37").compact();
    assert_eq!(client.ask(proxy.address, &request("GET", &token, "")).status, 200);
    upstream.taken();
    // Only what is below its path goes to the token service; nothing goes anywhere unverified.
    let prefix = auth("");
    for target in
        ["../../../x", "%2e%2e/%2e%2e/%2e%2e/x", "..%2f..%2f..%2fx", "..;/x", "/../x", "validator37/../../../../x"]
    {
        let answer = client.ask(proxy.address, &format!("GET {prefix}{target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!((400..500).contains(&answer.status), "{target}: {answer:?}");
        assert!(upstream.taken().is_empty(), "{target}");
    }
}

macro_rules! behind_each {
    ($($proxy:ident $kind:ident),*) => { $(mod $proxy {
        use crate::proxy::Kind;

        #[test]
        fn large_bodies_arrive_whole_or_not_at_all() {
            super::bodies(Kind::$kind);
        }

        #[test]
        fn requests_on_one_connection_are_judged_each_by_itself() {
            super::one_connection(Kind::$kind);
        }

        #[test]
        fn many_requests_at_once_all_get_the_right_answer() {
            super::many(Kind::$kind);
        }

        #[test]
        fn without_the_verifier_nothing_passes() {
            super::no_verifier(Kind::$kind);
        }

        #[test]
        fn the_verifier_may_listen_at_a_unix_socket() {
            super::unix_socket(Kind::$kind);
        }

        #[test]
        fn a_certificate_that_is_too_large_is_refused_and_does_no_harm() {
            super::oversized(Kind::$kind);
        }

        #[test]
        fn a_token_service_stands_beside_the_partners_service() {
            super::with_token_service(Kind::$kind);
        }
    })* };
}

behind_each!(nginx Nginx, haproxy Haproxy, apache Apache);
