//! `bob-auth conformance auth` before an Authentication API of ours that keeps every rule, or breaks one.

mod faults;
pub(crate) mod server;

use self::faults::FAULTS;
use self::server::Api;
use crate::certificates::example;
use crate::fault::Fault;
use crate::faults::{are_the_checks_of, each_is_as_expected};
use crate::probe::{Findings, probe, run};
use crate::server::{Server, Tls};

fn examined(fault: &Fault<Api>, more: &[&str]) -> Findings {
    let (api, wrong) = (Api::new(), fault.wrong);
    let jwks = tempfile::NamedTempFile::new().unwrap();
    api.write_jwks(jwks.path());
    let server = Server::start(fault.tls, move |asked| wrong(asked, &api).unwrap_or_else(|| api.right(asked)));
    let (url, ca) = (server.url(""), server.ca());
    let own = [example("validator37.pem"), example("validator37.key")];
    let mut arguments = vec!["auth", &url, "--ca", &ca, "--cert", &own[0], "--key", &own[1], "--entity", "validator37"];
    let other = [example("inspector5.pem"), example("inspector5.key")];
    arguments.extend(["--other-entity", "inspector5", "--other-cert", &other[0], "--other-key", &other[1]]);
    arguments.extend(["--through", "X-Our-Proxy-Says", "--jwks", jwks.path().to_str().unwrap()]);
    arguments.extend(more);
    probe(&arguments)
}

#[test]
fn a_service_that_keeps_every_rule_passes_them_all() {
    examined(&Fault::NONE, &[]).all_kept_but(&[]);
}

#[test]
fn each_rule_that_a_service_breaks_is_found() {
    each_is_as_expected(FAULTS, Fault::expected, |fault| examined(fault, &[]));
}

#[test]
fn each_check_has_a_service_that_breaks_its_rule() {
    are_the_checks_of("auth", FAULTS.iter().map(|fault| fault.check));
}

#[test]
fn where_no_token_is_given_nothing_else_is_held_against_the_service() {
    let stranger =
        Fault { wrong: |asked, _| asked.certificate.as_ref().map(|_| server::unauthorized()), ..Fault::NONE };
    let findings = examined(&stranger, &[]);
    assert_eq!(findings.of("auth.token_given"), ("fail", "status 401: is this certificate enrolled there?"));
    assert_eq!((findings.with("fail").len(), findings.with("warning").len()), (1, 0));
    assert_eq!((findings.of("auth.unknown_entity").0, findings.code), ("not_applicable", 1));
}

#[test]
fn a_service_that_wants_fewer_requests_gets_them_later() {
    let busy = Fault {
        wrong: |_, api: &Api| {
            api.count().is_multiple_of(9).then(|| server::problem(429, "Slowly").with("Retry-After", "1"))
        },
        ..Fault::NONE
    };
    examined(&busy, &[]).all_kept_but(&[]);
}

#[test]
fn a_service_that_always_wants_fewer_requests_is_not_taken_for_a_right_one() {
    let server = Server::start(Tls::Right, |_| server::problem(429, "Slowly"));
    let own = [example("validator37.pem"), example("validator37.key")];
    let (url, ca) = (server.url(""), server.ca());
    let said = run(&["auth", &url, "--ca", &ca, "--cert", &own[0], "--key", &own[1], "--entity", "validator37"]);
    let complaint = String::from_utf8(said.stderr).unwrap();
    assert_eq!((said.status.code(), said.stdout.len()), (Some(1), 0), "{complaint}");
    assert!(complaint.contains("nothing could be found out: the server answers 429"), "{complaint}");
}

#[test]
fn nobody_there_is_no_finding_but_an_error() {
    let own = [example("validator37.pem"), example("validator37.key")];
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("https://{address}");
    let said = run(&["auth", &url, "--insecure", "--cert", &own[0], "--key", &own[1], "--entity", "validator37"]);
    let complaint = String::from_utf8(said.stderr).unwrap();
    assert_eq!((said.status.code(), said.stdout.len()), (Some(1), 0), "{complaint}");
    assert!(complaint.starts_with("bob-auth: nothing was examined: no connection"), "{complaint}");
}
