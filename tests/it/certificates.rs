//! Who is believed: certificates known, unknown, odd and withdrawn. The handshake takes them all; the fingerprint decides.

use std::io::Write as _;

use openssl::ssl::SslVersion;

use crate::client::{Client, Identity, auth, forged_pair, get};
use crate::process::{Service, until, within};
use crate::site::{Site, example_file};

/// Every odd certificate of keys-example, each calling itself validator37.
const IMPOSTORS: [&str; 11] = [
    "same-name",
    "same-name-other-ca",
    "expired",
    "not-yet-valid",
    "x509-v1",
    "ca-true",
    "server-auth-only",
    "weak-rsa1024",
    "sha1-signed",
    "ed25519",
    "p384",
];

#[test]
fn without_a_certificate_the_answer_is_401_and_no_broken_handshake() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let answer = Client::anonymous().version(version).token(service.token(), "validator37");
        assert_eq!((answer.status, answer.problem().as_str()), (401, "certificate-required"));
        assert!(answer.header("www-authenticate").is_some());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn every_impostor_completes_the_handshake_and_is_401() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for name in IMPOSTORS {
        for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
            let client = Client::example(&format!("impostors/{name}")).version(version);
            let answer = client.token(service.token(), "validator37");
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (401, "certificate-not-accepted"),
                "{name} {version:?}"
            );
        }
    }
    let unknown = service.metric("bob_auth_refusals_total{reason=\"unknown_certificate\"}");
    assert!((unknown - 22.0).abs() < 0.5, "{unknown}");
}

#[test]
fn every_odd_certificate_serves_once_it_is_enrolled() {
    let site = Site::new();
    for name in IMPOSTORS {
        site.entity(name, "val", &format!("impostors/{name}"));
    }
    let service = Service::start(&site);
    for name in IMPOSTORS {
        for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
            // Its signature would be one that TLS 1.3 does not have.
            let identity = Identity::example(&format!("impostors/{name}"));
            let answer = Client::of(&identity).version(version).token(service.token(), name);
            assert_eq!(answer.status, 200, "{name} {version:?} {answer:?}");
            assert_eq!(answer.payload()["bobHok"], identity.sha1());
        }
    }
    let admitted = service.metric("bob_auth_expired_certificates_admitted_total");
    assert!((admitted - 2.0).abs() < 0.5, "{admitted}");
}

#[test]
fn an_expired_certificate_is_refused_where_the_policy_says_so() {
    let site = Site::new();
    site.entity("expired", "val", "impostors/expired");
    site.configure("[token]\nexpired_certificates = 'refuse'");
    let service = Service::start(&site);
    let answer = Client::example("impostors/expired").token(service.token(), "expired");
    assert_eq!((answer.status, answer.problem().as_str()), (401, "certificate-not-accepted"));
    assert_eq!(site.reasons(1), ["expired_certificate"]);
}

#[test]
fn the_certificate_of_a_ca_serves_nobody_that_it_signed() {
    let site = Site::with_entities();
    site.run(&["entity", "add", "ca", "--class", "val"]);
    site.run(&["cert", "enrol", "ca", &example_file("impostors/other-ca")]);
    let service = Service::start(&site);
    assert_eq!(Client::example("impostors/same-name-other-ca").token(service.token(), "ca").status, 401);
}

#[test]
fn a_revoked_certificate_is_answered_like_an_unknown_one() {
    let site = Site::with_entities();
    site.run(&["cert", "revoke", &Identity::example("inspector5").sha1()]);
    let service = Service::start(&site);
    let revoked = Client::example("inspector5").token(service.token(), "inspector5");
    let unknown = Client::example("impostors/same-name").token(service.token(), "inspector5");
    assert_eq!(revoked.status, 401);
    assert_eq!(revoked.appearance(), unknown.appearance());
    assert_eq!(site.reasons(2), ["revoked_certificate", "unknown_certificate"]);
}

#[test]
fn a_certificate_revoked_on_a_kept_connection_is_refused_within_a_second() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200);
    site.run(&["cert", "revoke", &Identity::example("validator37").sha1()]);
    let refused = within(std::time::Duration::from_secs(5), || {
        (connection.ask(&get(&auth("validator37"))).status == 401).then_some(())
    });
    assert!(refused.is_some());
}

#[test]
fn who_has_a_certificate_but_not_its_key_gets_no_connection() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let forged = forged_pair(&Identity::example("validator37"), &Identity::example("impostors/same-name"));
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let Err(told) = theft(&forged, version, &service) else { panic!("{version:?}: the thief was answered") };
        assert!(!told.is_empty());
    }
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
    assert!(service.metric_sum("bob_auth_refusals_total") < 0.5);
}

/// Whether a handshake with the certificate of one and the key of another ends in an answer.
fn theft(forged: &Identity, version: SslVersion, service: &Service) -> Result<(), String> {
    let mut connection = Client::of(forged).version(version).try_connect(service.token())?;
    // With TLS 1.3 the client learns of its failure only after its first words.
    connection.stream.write_all(get(&auth("validator37")).as_bytes()).map_err(|error| error.to_string())?;
    match connection.answer(false) {
        Some(_) => Ok(()),
        None => Err("the server closed".into()),
    }
}

#[test]
fn an_entity_may_have_several_certificates_at_once() {
    let site = Site::with_entities();
    site.enrol("validator37", "impostors/same-name");
    let service = Service::start(&site);
    for name in ["validator37", "impostors/same-name"] {
        let payload = Client::example(name).token(service.token(), "validator37").payload();
        assert_eq!(payload["bobHok"], Identity::example(name).sha1());
    }
}

#[test]
fn the_certificate_of_the_participant_serves_entities_that_have_none_of_their_own() {
    let site = Site::with_entities();
    site.run(&["cert", "enrol", "--participant", &example_file("impostors/p384")]);
    site.run(&["entity", "add", "gate1", "--class", "val"]);
    site.run(&["entity", "add", "gate2", "--class", "pos"]);
    let service = Service::start(&site);
    let client = Client::example("impostors/p384");
    let gate = client.token(service.token(), "gate1").payload();
    assert_eq!((gate["sub"].as_str(), gate["bobAuthZ"].as_str()), (Some("gate1"), Some("val")));
    assert_eq!(client.token(service.token(), "gate2").payload()["bobAuthZ"], "pos");
    let own = client.token(service.token(), "validator37");
    let nobody = client.token(service.token(), "nobody");
    assert_eq!(own.status, 404);
    assert_eq!(own.appearance(), nobody.appearance());
    assert_eq!(site.reasons(4)[2..], ["own_certificate_takes_precedence", "unknown_entity"]);
    // It serves again once the entity's own is withdrawn.
    site.run(&["cert", "revoke", &Identity::example("validator37").sha1()]);
    until("the participant's certificate serves", || {
        (client.token(service.token(), "validator37").status == 200).then_some(())
    });
}

#[test]
fn a_certificate_is_enrolled_once_only() {
    let site = Site::with_entities();
    let again = site.try_run(&["cert", "enrol", "inspector5", &example_file("validator37")]);
    assert_eq!(again.status.code(), Some(1));
    let service = Service::start(&site);
    assert_eq!(Client::example("validator37").token(service.token(), "inspector5").status, 404);
}

#[test]
fn a_weak_certificate_is_enrolled_only_when_that_is_said() {
    let site = Site::with_entities();
    let weak = site.try_run(&["cert", "enrol", "validator37", &example_file("impostors/weak-rsa1024")]);
    assert_eq!(weak.status.code(), Some(1));
}
