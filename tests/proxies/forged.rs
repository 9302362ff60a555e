//! What clients write into identity headers, behind each proxy: it never makes them somebody else. Either the true
//! certificate counts, or the request is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::{Answer, Client, Identity, auth};
use crate::process::Service;
use crate::proxy::{Kind, Proxy};
use crate::site::Site;
use crate::token_service::{behind, try_ask};

/// Whom the forger wants to be.
const VICTIM: &str = "validator37";
/// Who he is.
const FORGER: &str = "inspector5";

struct Scene {
    _service: Service,
    proxy: Proxy,
}

impl Scene {
    fn of(kind: Kind) -> Self {
        // So many requests of one client would be too many.
        let site = Site::configured("[limits]\nrequests_per_fingerprint = 'off'\nrequests_per_source = 'off'");
        let (service, proxy) = behind(kind, &site);
        Self { _service: service, proxy }
    }

    fn ask(&self, client: &Client, entity: &str, headers: &str) -> Option<Answer> {
        let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n", auth(entity));
        try_ask(client, self.proxy.address, &request)
    }

    /// These headers make no difference: a client without a certificate stays nobody, one with a certificate stays himself.
    fn are_ignored(&self, headers: &str) {
        let nobody = self.ask(&Client::anonymous(), VICTIM, headers).map(|answer| (answer.status, answer.problem()));
        assert_eq!(nobody, Some((401, "certificate-required".to_owned())), "{headers}");
        let forger = Client::example(FORGER);
        assert_eq!(self.ask(&forger, VICTIM, headers).map(|answer| answer.status), Some(404), "{headers}");
        let own = self.ask(&forger, FORGER, headers).unwrap();
        assert_eq!(own.payload()["bobHok"], Identity::example(FORGER).sha1(), "{headers}");
    }

    /// These are refused or make no difference.
    fn are_harmless(&self, headers: &str) {
        for client in [Client::anonymous(), Client::example(FORGER)] {
            if let Some(answer) = self.ask(&client, VICTIM, headers) {
                assert!([400, 401, 404].contains(&answer.status), "{headers}: {answer:?}");
            }
        }
        if let Some(own) = self.ask(&Client::example(FORGER), FORGER, headers).filter(|own| own.status == 200) {
            assert_eq!(own.payload()["bobHok"], Identity::example(FORGER).sha1(), "{headers}");
        }
    }
}

/// Name and value of every header that some proxy hands a certificate over in, with the victim's.
fn identities() -> Vec<(&'static str, String)> {
    let victim = Identity::example(VICTIM);
    let pem = String::from_utf8(victim.certificate.to_pem().unwrap()).unwrap();
    let (url_pem, der) = (utf8_percent_encode(&pem, NON_ALPHANUMERIC).to_string(), STANDARD.encode(victim.der()));
    vec![
        ("X-SSL-Client-SHA1", victim.sha1()),
        ("X-SSL-Client-SHA1", victim.sha1().to_uppercase()),
        ("X-SSL-Client-Cert", url_pem.clone()),
        ("X-SSL-Client-DER", der.clone()),
        ("X-SSL-Client-Verify", "SUCCESS".to_owned()),
        ("X-SSL-Client-S-DN", "CN=validator37".to_owned()),
        ("X-Client-Cert", url_pem.clone()),
        ("SSL-Client-Cert", url_pem.clone()),
        ("Client-Cert", format!(":{der}:")),
        ("X-Forwarded-Client-Cert", format!("Hash={};Cert=\"{url_pem}\"", victim.sha256())),
        ("X-Forwarded-Tls-Client-Cert", der),
        ("X-Amzn-Mtls-Clientcert", url_pem),
        ("X-BoB-Pid", "34".to_owned()),
    ]
}

fn lines(headers: &[(&str, String)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat()
}

/// The ways to write a name.
fn spellings(name: &str) -> Vec<String> {
    let first = name.replacen('-', "_", 1);
    let last = name.rsplit_once('-').map_or(first.clone(), |(before, after)| format!("{before}_{after}"));
    vec![name.to_owned(), name.to_lowercase(), name.to_uppercase(), name.replace('-', "_"), first, last]
}

fn forged_headers(kind: Kind) {
    let scene = Scene::of(kind);
    let identities = identities();
    for (name, value) in &identities {
        for name in spellings(name) {
            scene.are_ignored(&format!("{name}: {value}\r\n"));
        }
        scene.are_ignored(&format!("{name}: {value}\r\n{name}: {value}\r\n"));
        scene.are_ignored(&format!("{name}:\r\n"));
        scene.are_ignored(&format!("{name}:\r\n{name}: {value}\r\n"));
    }
    let all = lines(&identities);
    scene.are_ignored(&all);
}

/// Headers that the client declares to be for the next hop only: a proxy that obeys drops its own.
fn hop_by_hop(kind: Kind) {
    let scene = Scene::of(kind);
    let names = ["X-SSL-Client-SHA1", "X-SSL-Client-Cert", "X-SSL-Client-DER"];
    let forged = lines(&identities());
    for name in names {
        for options in [name.to_owned(), name.to_lowercase(), format!("close, {name}"), format!("keep-alive,{name}")] {
            scene.are_ignored(&format!("Connection: {options}\r\n"));
            scene.are_ignored(&format!("Connection: {options}\r\n{forged}"));
        }
        scene.are_ignored(&format!("Connection: keep-alive\r\nConnection: {name}\r\n{forged}"));
        scene.are_ignored(&format!("Keep-Alive: {name}\r\nProxy-Connection: {name}\r\nTE: {name}\r\n"));
    }
    scene.are_ignored(&format!("Connection: {}, X-Forwarded-For\r\n", names.join(", ")));
}

/// Bytes that one reader takes for the end of a header and another does not.
fn odd_bytes(kind: Kind) {
    let scene = Scene::of(kind);
    let sha1 = Identity::example(VICTIM).sha1();
    for headers in [
        format!("X-A: b\nX-SSL-Client-SHA1: {sha1}\r\n"),
        format!("X-A: b\rX-SSL-Client-SHA1: {sha1}\r\n"),
        format!("X-A: b\r\n X-SSL-Client-SHA1: {sha1}\r\n"),
        format!("X-A: b\r\n\tX-SSL-Client-SHA1: {sha1}\r\n"),
        format!("X-SSL-Client-SHA1 : {sha1}\r\n"),
        format!(" X-SSL-Client-SHA1: {sha1}\r\n"),
        format!("X-SSL-Client-SHA1\t: {sha1}\r\n"),
        format!("X-SSL-Client-SHA1\x0b: {sha1}\r\n"),
        format!("X-SSL-Client-SHA1\0: {sha1}\r\n"),
        format!("X-A: b\0\r\nX-SSL-Client-SHA1: {sha1}\r\n"),
        format!("X-SSL.Client.SHA1: {sha1}\r\n"),
    ] {
        scene.are_harmless(&headers);
    }
}

/// The second request of a pipeline has a life of its own.
fn pipelined(kind: Kind) {
    let scene = Scene::of(kind);
    let sha1 = Identity::example(VICTIM).sha1();
    let request =
        |entity: &str, headers: &str| format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n", auth(entity));
    let mut connection = Client::example(FORGER).connect(scene.proxy.address);
    let forged = format!("X-SSL-Client-SHA1: {sha1}\r\n");
    connection.send((request(FORGER, &forged) + &request(VICTIM, &forged) + &request(FORGER, "")).as_bytes());
    let statuses = [(); 3].map(|()| connection.answer(false).unwrap().status);
    assert_eq!(statuses, [200, 404, 200]);
}

macro_rules! behind_each {
    ($($proxy:ident $kind:ident),*) => { $(mod $proxy {
        use crate::proxy::Kind;

        #[test]
        fn a_forged_identity_header_makes_no_difference() {
            super::forged_headers(Kind::$kind);
        }

        #[test]
        fn naming_an_identity_header_in_connection_makes_no_difference() {
            super::hop_by_hop(Kind::$kind);
        }

        #[test]
        fn odd_bytes_in_headers_make_nobody_somebody_else() {
            super::odd_bytes(Kind::$kind);
        }

        #[test]
        fn each_request_of_a_pipeline_is_judged_by_itself() {
            super::pipelined(Kind::$kind);
        }
    })* };
}

behind_each!(nginx Nginx, haproxy Haproxy, apache Apache);
