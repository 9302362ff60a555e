//! `bob-auth conformance api` before a service of ours that keeps every rule, or breaks one.

mod faults;
mod server;

use std::fs;

use tempfile::TempDir;

use self::faults::FAULTS;
use self::server::Service;
use crate::auth::server::Api;
use crate::certificates::example;
use crate::fault::Fault;
use crate::faults::{are_the_checks_of, each_is_as_expected};
use crate::probe::{Findings, probe};
use crate::server::Server;

fn examined(fault: &Fault<Service>) -> Findings {
    let (api, directory) = (Api::new(), TempDir::new().unwrap());
    let (service, wrong) = (Service::of(&api), fault.wrong);
    let file = |name: &str, content: &str| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let tokens =
        [file("good", &service.good), file("expired", &service.expired), file("forbidden", &service.forbidden)];
    let jwks = file("jwks.json", &api.jwks().to_string());
    let server = Server::start(fault.tls, move |asked| wrong(asked, &service).unwrap_or_else(|| service.right(asked)));
    let (url, ca) = (server.url("/validation/v1/status"), server.ca());
    let own = [example("validator37.pem"), example("validator37.key")];
    let mut arguments = vec!["api", &url, "--ca", &ca, "--cert", &own[0], "--key", &own[1], "--jwks", &jwks];
    arguments.extend(["--token", &tokens[0], "--expired-token", &tokens[1], "--forbidden-token", &tokens[2]]);
    let other = [example("inspector5.pem"), example("inspector5.key")];
    arguments.extend(["--other-cert", &other[0], "--other-key", &other[1]]);
    probe(&arguments)
}

#[test]
fn a_service_that_keeps_every_rule_passes_them_all() {
    examined(&Fault::NONE).all_kept_but(&[]);
}

#[test]
fn each_rule_that_a_service_breaks_is_found() {
    each_is_as_expected(FAULTS, Fault::expected, examined);
}

#[test]
fn each_check_has_a_service_that_breaks_its_rule() {
    are_the_checks_of("api", FAULTS.iter().map(|fault| fault.check));
}
