//! `bob-auth conformance` before our own: the token service by itself and behind each proxy, a partner's service behind each
//! proxy. Every rule is kept.

use std::fs;
use std::net::SocketAddr;

use crate::client::examples;
use crate::partner::{Both, Partner, VALIDATORS};
use crate::probe::{Findings, probe};
use crate::process::Service;
use crate::proxy::Kind;
use crate::site::Site;

/// Certificate and key of keys-example, as options.
fn shown(prefix: &str, name: &str) -> Vec<String> {
    let file = |ending: &str| examples().join(format!("{name}.{ending}")).to_str().unwrap().to_owned();
    vec![format!("--{prefix}cert"), file("pem"), format!("--{prefix}key"), file("key")]
}

/// What is said to both examinations: the server, validator37 and inspector5, the keys of this site.
fn examined(subject: &str, url: &str, ca: &str, site: &Site, more: &[&str]) -> Findings {
    let jwks = site.path("jwks.json");
    fs::write(&jwks, site.run(&["key", "export", "--jwks"])).unwrap();
    let certificates = [shown("", "validator37"), shown("other-", "inspector5")].concat();
    let mut arguments = vec![subject, url, "--ca", ca, "--jwks", jwks.to_str().unwrap()];
    arguments.extend(certificates.iter().map(String::as_str));
    arguments.extend(more);
    probe(&arguments)
}

fn token_service(address: SocketAddr, ca: &str, site: &Site) -> Findings {
    let url = format!("https://localhost:{}", address.port());
    examined("auth", &url, ca, site, &["--entity", "validator37", "--other-entity", "inspector5"])
}

fn proxies_ca() -> String {
    examples().join("ca.pem").to_str().unwrap().to_owned()
}

#[test]
fn the_token_service_with_its_usual_limits_keeps_every_rule() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let ca = site.file("tls/ca.pem");
    token_service(service.token(), ca.to_str().unwrap(), &site).all_kept_but(&[]);
}

/// The token service beside a partner's service, on one address.
fn behind_each(kind: Kind) -> Findings {
    let site = Site::with_entities();
    let both = Both::of(kind, &site);
    token_service(both.proxy.address, &proxies_ca(), &site)
}

fn partner_behind_each(kind: Kind) {
    let partner = Partner::of(kind, VALIDATORS);
    let forbidden = partner.site.path("inspector5.token");
    fs::write(&forbidden, partner.token("inspector5", "inspector5")).unwrap();
    let good = partner.site.path("validator37.token");
    fs::write(&good, partner.token("validator37", "validator37")).unwrap();
    let url = format!("https://localhost:{}/validation/ticket", partner.proxy.address.port());
    let tokens = ["--token", good.to_str().unwrap(), "--forbidden-token", forbidden.to_str().unwrap()];
    examined("api", &url, &proxies_ca(), &partner.site, &tokens).all_kept_but(&["api.expired_token"]);
}

#[test]
fn the_token_service_behind_nginx_keeps_every_rule() {
    behind_each(Kind::Nginx).all_kept_but(&[]);
}

#[test]
fn the_token_service_behind_haproxy_keeps_every_rule() {
    behind_each(Kind::Haproxy).all_kept_but(&[]);
}

#[test]
fn the_token_service_behind_apache_keeps_every_binding_rule_and_httpd_looks_at_dates() {
    let findings = behind_each(Kind::Apache);
    let warnings: Vec<&str> = findings.with("warning").into_iter().map(|(check, _)| check).collect();
    assert_eq!((findings.with("fail"), warnings), (Vec::new(), vec!["auth.expired_stranger"]));
}

#[test]
fn a_partners_service_behind_nginx_keeps_every_rule() {
    partner_behind_each(Kind::Nginx);
}

#[test]
fn a_partners_service_behind_haproxy_keeps_every_rule() {
    partner_behind_each(Kind::Haproxy);
}

#[test]
fn a_partners_service_behind_apache_keeps_every_rule() {
    partner_behind_each(Kind::Apache);
}
