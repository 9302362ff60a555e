//! A partner's service behind each proxy: what the verifier accepts gets there with who it is, and nothing else does.

use serde_json::Value;

use openssl::ssl::SslVersion;

use crate::certificates;
use crate::client::{Client, Identity};
use crate::partner::{Partner, VALIDATORS};
use crate::proxy::Kind;
use crate::site::Site;

fn accepted(kind: Kind) {
    let partner = Partner::of(kind, VALIDATORS);
    let identity = Identity::example("validator37");
    let token = Client::of(&identity).token(partner.tokens.token(), "validator37");
    let (compact, expires) = (token.compact(), token.payload()["exp"].to_string());
    assert_eq!(partner.get("validator37", &compact).status, 200);
    let [seen] = &partner.upstream.taken()[..] else { panic!("not one request") };
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/validation/ticket"));
    for (name, value) in [
        ("x-bob-pid", "34"),
        ("x-bob-entity", "validator37"),
        ("x-bob-class", "val"),
        ("x-bob-expires", &expires),
        ("x-bob-authtoken", &compact),
        ("x-ssl-client-sha1", &identity.sha1()),
    ] {
        assert_eq!(seen.values(name), [value], "{name}: {seen:?}");
    }
    assert!(!partner.verifier.log_text().contains(&compact), "the token is in the log");
    for name in ["x-ssl-client-cert", "x-ssl-client-der", "x-bob-shadow-reason", "x-bob-reason", "x-original-uri"] {
        assert!(seen.values(name).is_empty(), "{name}: {seen:?}");
    }
}

fn refused(kind: Kind) {
    let partner = Partner::of(kind, VALIDATORS);
    let [validator, inspector] = ["validator37", "inspector5"].map(|name| partner.token(name, name));
    let refusal = |certificate: &str, token: &str| partner.refusal(&partner.get(certificate, token));
    assert_eq!(refusal("inspector5", &validator), (401, "holder_mismatch".to_owned()));
    assert_eq!(refusal("inspector5", &inspector), (403, "not_allowed".to_owned()));
    let unsigned = validator.rsplit_once('.').unwrap().0.to_owned() + ".AAAA";
    assert_eq!(refusal("validator37", &unsigned), (401, "bad_signature".to_owned()));
    let ask = |client: &Client, headers: &str| {
        partner.refusal(&partner.ask(client, "GET", "/validation/ticket", headers).unwrap())
    };
    let client = Client::example("validator37");
    assert_eq!(ask(&client, "").0, 401, "no token");
    assert_eq!(ask(&client, "X-BoB-AuthToken:\r\n").0, 401, "an empty token");
    assert_eq!(ask(&Client::anonymous(), &format!("X-BoB-AuthToken: {validator}\r\n")).0, 401, "no certificate");
    for twice in [[&validator, &validator], [&validator, &inspector], [&inspector, &validator]] {
        let headers = twice.map(|token| format!("X-BoB-AuthToken: {token}\r\n")).concat();
        assert_eq!(ask(&client, &headers).0, 401, "two tokens");
    }
    for name in ["X_BoB_AuthToken", "X-BoB_AuthToken", "Authorization"] {
        assert_eq!(ask(&client, &format!("{name}: {validator}\r\n")).0, 401, "{name}");
    }
}

/// Every certificate with a token of its own, and with that of another.
fn every_certificate(kind: Kind, broken_off: &[&str]) {
    let site = Site::new();
    let certificates = certificates::all(&site.path("certificates"));
    for (name, identity) in &certificates {
        site.run(&["entity", "add", name, "--class", "val"]);
        site.run(&["cert", "enrol", name, identity.file.to_str().unwrap(), "--allow-weak"]);
    }
    let partner = Partner::around(kind, site, VALIDATORS);
    let tokens: Vec<String> = certificates.iter().map(|(name, identity)| partner.token_for(name, identity)).collect();
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        for (index, (name, identity)) in certificates.iter().enumerate() {
            let client = Client::of(identity).version(version);
            let ask = |token: &str, method: &str, more: &str| {
                partner.ask(&client, method, "/", &format!("X-BoB-AuthToken: {token}\r\n{more}"))
            };
            let own = ask(&tokens[index], "GET", "").map(|answer| answer.status);
            assert_eq!(own, (!broken_off.contains(name)).then_some(200), "{name} {version:?}");
            let Some(_) = own else { continue };
            let seen = partner.upstream.taken();
            assert_eq!(seen[0].values("x-bob-entity"), [*name]);
            assert_eq!(seen[0].values("x-ssl-client-sha1"), [identity.sha1()]);
            let other = &tokens[(index + 1) % tokens.len()];
            let refusal = partner.refusal(&ask(other, "GET", "").unwrap());
            assert_eq!(refusal, (401, "holder_mismatch".to_owned()), "{name} {version:?}");
            assert_eq!(ask(&tokens[index], "POST", "Content-Length: 0\r\n").unwrap().status, 200, "{name} {version:?}");
            assert_eq!(partner.upstream.taken()[0].method, "POST");
        }
    }
}

/// What the client says about itself in the verifier's words.
fn forged_words(kind: Kind) {
    let partner = Partner::of(kind, VALIDATORS);
    let token = partner.token("validator37", "validator37");
    let (valid, client) = (format!("X-BoB-AuthToken: {token}\r\n"), Client::example("validator37"));
    for name in ["X-BoB-Pid", "X-BoB-Entity", "X-BoB-Class", "X-BoB-Expires", "X-BoB-Shadow-Reason", "X-BoB-Reason"] {
        let spellings = [
            name.to_owned(),
            name.to_lowercase(),
            name.to_uppercase(),
            name.replace('-', "_"),
            name.replacen('-', "_", 1),
        ];
        for spelling in spellings {
            for forged in [
                format!("{spelling}: 99\r\n"),
                format!("{spelling}: 99\r\n{spelling}: 99\r\n"),
                format!("Connection: {name}\r\n{spelling}: 99\r\n"),
            ] {
                let answer = partner.ask(&client, "GET", "/", &forged).unwrap();
                assert_eq!(partner.refusal(&answer).0, 401, "{forged}");
                assert_eq!(
                    partner.ask(&client, "GET", "/", &format!("{valid}{forged}")).unwrap().status,
                    200,
                    "{forged}"
                );
                let seen = partner.upstream.taken().remove(0);
                assert!(
                    !seen.headers.iter().any(|(_, value)| value.contains("99") && value.len() < 5),
                    "{forged} {seen:?}"
                );
                for (name, value) in [("x-bob-pid", "34"), ("x-bob-entity", "validator37"), ("x-bob-class", "val")] {
                    assert_eq!(seen.values(name), [value], "{forged}: {seen:?}");
                    assert!(seen.values(&name.replace('-', "_")).is_empty(), "{forged}: {seen:?}");
                }
            }
        }
    }
    for forged in
        ["X-SSL-Client-SHA1", "X_SSL_Client_SHA1", "X-Ssl-Client_Sha1", "Connection: close\r\nX-SSL-Client-SHA1"]
    {
        let inspector = Client::example("inspector5");
        let sha1 = Identity::example("validator37").sha1();
        let answer = partner.ask(&inspector, "GET", "/", &format!("{valid}{forged}: {sha1}\r\n")).unwrap();
        assert_eq!(partner.refusal(&answer), (401, "holder_mismatch".to_owned()), "{forged}");
    }
}

/// What `bob-auth doctor` looks at.
fn probe(kind: Kind) {
    let partner = Partner::of(kind, &format!("{VALIDATORS}\n[listener.verify]\nprobe = true"));
    let identity = Identity::example("inspector5");
    let forged = "X-SSL-Client-SHA1: 0a9a063eb8d540cbf7dfba7697c674d14a174f7d\r\nX_SSL_Client_SHA1: a\r\n\
                  Connection: X-SSL-Client-SHA1\r\nClient-Cert: :AAAA:\r\nX-BoB-Pid: 99\r\nX-BoB-AuthToken: a\r\n";
    let look = |client: &Client| -> Value { partner.ask(client, "GET", "/bob-auth/probe", forged).unwrap().json() };
    let saw = look(&Client::of(&identity));
    assert_eq!(saw["peer_trusted"], true, "{saw}");
    assert_eq!(
        (&saw["identity"]["sha1"], &saw["identity"]["sha256"]),
        (&identity.sha1().into(), &identity.sha256().into())
    );
    assert_eq!(saw["token_headers"], 1, "{saw}");
    let headers: Vec<(&str, u64)> = saw["identity_headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| (header["name"].as_str().unwrap(), header["count"].as_u64().unwrap()))
        .collect();
    let certificate = if kind == Kind::Nginx { "x-ssl-client-cert" } else { "x-ssl-client-der" };
    assert_eq!(headers.len(), 2, "{saw}");
    assert!(headers.contains(&("x-ssl-client-sha1", 1)) && headers.contains(&(certificate, 1)), "{saw}");
    let nobody = look(&Client::anonymous());
    assert!(nobody["identity"].is_null(), "{nobody}");
    assert!(partner.upstream.taken().is_empty());
    // The question itself is nothing that clients may ask.
    let headers = format!("X-BoB-AuthToken: {}\r\n", partner.token("validator37", "validator37"));
    for target in ["/bob-auth/verify", "/bob-auth/verify/", "/verify"] {
        let answer = partner.ask(&Client::example("validator37"), "GET", target, &headers).unwrap();
        assert!(answer.header("x-bob-pid").is_none(), "{target}: {answer:?}");
    }
}

/// In shadow mode nothing is refused, and nobody is somebody.
fn shadow(kind: Kind) {
    let partner = Partner::of(kind, &format!("{VALIDATORS}\n[listener.verify]\nmode = 'shadow'"));
    let token = partner.token("validator37", "validator37");
    let forged = format!("X-BoB-AuthToken: {token}\r\nX-BoB-Pid: 99\r\nX-BoB-Shadow-Reason: none\r\n");
    assert_eq!(partner.ask(&Client::example("inspector5"), "GET", "/", &forged).unwrap().status, 200);
    let seen = partner.upstream.taken().remove(0);
    assert_eq!(seen.values("x-bob-shadow-reason"), ["holder_mismatch"], "{seen:?}");
    for name in ["x-bob-pid", "x-bob-entity", "x-bob-class", "x-bob-expires"] {
        assert!(seen.values(name).is_empty(), "{name}: {seen:?}");
    }
    assert_eq!(partner.ask(&Client::example("validator37"), "GET", "/", &forged).unwrap().status, 200);
    let seen = partner.upstream.taken().remove(0);
    assert_eq!((seen.values("x-bob-pid"), seen.values("x-bob-shadow-reason")), (vec!["34"], vec![]), "{seen:?}");
}

macro_rules! behind_each {
    ($($proxy:ident $kind:ident $broken_off:expr),*) => { $(mod $proxy {
        use crate::proxy::Kind;

        #[test]
        fn a_valid_token_reaches_the_service_with_who_it_is() {
            super::accepted(Kind::$kind);
        }

        #[test]
        fn what_is_refused_does_not_reach_the_service_and_the_client_learns_why() {
            super::refused(Kind::$kind);
        }

        #[test]
        fn every_certificate_that_the_proxy_passes_on_is_held_against_its_token() {
            super::every_certificate(Kind::$kind, &$broken_off);
        }

        #[test]
        fn words_of_the_verifier_in_a_clients_mouth_are_removed() {
            super::forged_words(Kind::$kind);
        }

        #[test]
        fn the_probe_shows_each_identity_header_once_whatever_the_client_sends() {
            super::probe(Kind::$kind);
        }

        #[test]
        fn in_shadow_mode_the_service_learns_what_would_have_been_refused() {
            super::shadow(Kind::$kind);
        }
    })* };
}

behind_each!(
    nginx Nginx [],
    haproxy Haproxy [],
    apache Apache ["srvonly", "exp", "future", "signonly", "weak"]
);
