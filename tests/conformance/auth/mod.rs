//! `bob-auth conformance auth` before an Authentication API of ours that keeps every rule, or breaks one.

mod faults;
pub(crate) mod server;

use self::faults::{FAULTS, Fault};
use self::server::Api;
use crate::certificates::example;
use crate::faults::{are_the_checks_of, each_is_found};
use crate::probe::{Findings, probe};
use crate::server::{Server, Tls};

const RIGHT: Fault = Fault { check: "", outcome: "", tls: Tls::Right, wrong: |_, _| None };

fn examined(fault: &Fault, more: &[&str]) -> Findings {
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
    examined(&RIGHT, &[]).all_kept_but(&[]);
}

#[test]
fn each_rule_that_a_service_breaks_is_found() {
    each_is_found(FAULTS, |fault| (fault.check, fault.outcome), |fault| examined(fault, &[]));
}

#[test]
fn each_check_has_a_service_that_breaks_its_rule() {
    are_the_checks_of("auth", FAULTS.iter().map(|fault| fault.check));
}
