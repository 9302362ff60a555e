//! `bob-auth doctor` before each proxy: as its ready-made configuration stands nothing is wrong, and what somebody changes for
//! the worse is found, with the line that mends it.

use std::net::{SocketAddr, TcpListener};

use serde_json::Value;

use crate::client::examples;
use crate::partner::{VALIDATORS, start_verifier};
use crate::ports::free_address;
use crate::process::Service;
use crate::proxy::{Behind, Kind, Proxy};
use crate::site::{Site, program};

const PROBE: &str = "[listener.verify]\nprobe = true";

/// What the doctor says.
struct Said {
    code: Option<i32>,
    report: Value,
    text: String,
}

impl Said {
    fn of(address: SocketAddr, arguments: &[&str]) -> Self {
        let ca = examples().join("ca.pem");
        let url = format!("https://localhost:{}", address.port());
        let run = |output: &str| {
            let mut command = program();
            command.args(["doctor", "--proxy", &url, "--output", output]).args(arguments);
            if !arguments.contains(&"--insecure") {
                command.arg("--ca").arg(&ca);
            }
            command.output().unwrap()
        };
        let json = run("json");
        let report = serde_json::from_slice(&json.stdout)
            .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&json.stderr)));
        // One report is enough where all is well.
        let text = if json.status.success() { Vec::new() } else { run("text").stdout };
        Self { code: json.status.code(), report, text: String::from_utf8(text).unwrap() }
    }

    /// The ids of what was found.
    fn findings(&self) -> Vec<&str> {
        self.report["findings"].as_array().unwrap().iter().map(|one| one["finding"].as_str().unwrap()).collect()
    }

    /// What was sent and seen where this was found.
    fn checks(&self, finding: &str) -> Vec<(&str, &str)> {
        let checks = self.report["checks"].as_array().unwrap().iter().filter(|one| one["finding"] == finding);
        checks.map(|one| (one["sent"].as_str().unwrap(), one["seen"].as_str().unwrap())).collect()
    }

    /// The lines for this proxy.
    fn remedy(&self, finding: &str, proxy: &str) -> String {
        let found = self.report["findings"].as_array().unwrap().iter().find(|one| one["finding"] == finding).unwrap();
        let remedies = found["remedies"].as_array().unwrap().iter().filter(|one| one["proxy"] == proxy);
        remedies.map(|one| one["line"].as_str().unwrap()).collect()
    }
}

/// The verifier with these settings, the proxy with these changes, and what the doctor says about both.
fn examined(kind: Kind, settings: &str, changes: &[(&'static str, &'static str)]) -> Said {
    let site = Site::new();
    let verifier = start_verifier(kind, &site, settings);
    examined_before(&verifier, kind, changes)
}

fn examined_before(verifier: &Service, kind: Kind, changes: &[(&'static str, &'static str)]) -> Said {
    let address = verifier.address("verify").to_string();
    let proxy = Proxy::start(kind, &Behind { verifier: Some(address), changes: changes.to_vec(), ..Behind::default() });
    let word = format!("{kind:?}").to_lowercase();
    Said::of(proxy.address, &["--kind", &word])
}

fn with_probe() -> String {
    format!("{VALIDATORS}\n{PROBE}")
}

/// Exactly this is found, and this line mends it.
fn finds(kind: Kind, changes: &[(&'static str, &'static str)], expected: &str, line: &str) -> Said {
    let said = examined(kind, &with_probe(), changes);
    let known: &[&str] = if kind == Kind::Apache { &["known_limit", "tokens_joined"] } else { &[] };
    let others: Vec<&str> = said.findings().into_iter().filter(|finding| !known.contains(finding)).collect();
    assert_eq!(others, [expected], "{}", said.text);
    assert_eq!(said.code, Some(1));
    let word = format!("{kind:?}").to_lowercase();
    assert!(said.remedy(expected, &word).contains(line), "{}", said.text);
    assert!(said.text.contains(line) && said.text.contains(&format!("bob-auth proxy-config {word}")), "{}", said.text);
    said
}

#[test]
fn nginx_as_it_is_shipped_is_safe() {
    let said = examined(Kind::Nginx, &with_probe(), &[]);
    assert_eq!((said.code, said.findings()), (Some(0), Vec::new()), "{}", said.text);
    assert!(said.report["safe"].as_bool().unwrap() && said.report["checks"].as_array().unwrap().len() > 50);
    assert!(said.report["requests"].as_u64().unwrap() < 150);
}

#[test]
fn haproxy_as_it_is_shipped_is_safe() {
    let said = examined(Kind::Haproxy, &with_probe(), &[]);
    assert_eq!((said.code, said.findings()), (Some(0), Vec::new()), "{}", said.text);
}

#[test]
fn apache_as_it_is_shipped_is_safe_within_its_known_limits() {
    let said = examined(Kind::Apache, &with_probe(), &[]);
    assert_eq!((said.code, said.findings()), (Some(0), vec!["known_limit", "tokens_joined"]), "{}", said.text);
    assert_eq!(said.checks("known_limit").len(), 3);
}

#[test]
fn an_identity_header_that_nginx_lets_through_is_found() {
    let change = ("        proxy_set_header X-SSL-Client-DER       \"\";\n", "");
    let said = finds(Kind::Nginx, &[change], "forged_header", "proxy_set_header NAME \"\";");
    assert!(said.checks("forged_header").iter().all(|(_, seen)| seen.contains("x-ssl-client-der")), "{}", said.text);
}

#[test]
fn names_with_underscores_that_nginx_lets_through_are_found() {
    let change = ("underscores_in_headers      off;", "underscores_in_headers      on;");
    finds(Kind::Nginx, &[change], "underscore_header", "underscores_in_headers off;");
}

#[test]
fn nginx_with_its_own_400_for_expired_certificates_is_found() {
    let change = ("error_page 495 496 = @every_certificate;", "");
    let said = finds(Kind::Nginx, &[change], "certificate_refused_400", "error_page 495 496 = @every_certificate;");
    assert_eq!(said.checks("certificate_refused_400").len(), 3, "{}", said.text);
}

#[test]
fn nginx_that_answers_401_for_expired_certificates_is_a_note() {
    let change = ("error_page 495 496 = @every_certificate;", "error_page 495 496 =401 @bob_401;");
    let said = examined(Kind::Nginx, &with_probe(), &[change]);
    assert_eq!((said.code, said.findings()), (Some(0), vec!["proxy_decides"]), "{}", said.text);
}

/// It is seen to arrive, and forged in every form; the well-known one that is forgotten is found besides.
#[test]
fn a_header_that_only_this_proxy_uses_is_forged_too() {
    let change = ("proxy_set_header X-SSL-Client-SHA1 ", "proxy_set_header X-Our-Sha1 ");
    let settings = format!("{}\nfingerprint_header = 'X-Our-Sha1'", with_probe());
    let said = examined(Kind::Nginx, &settings, &[change]);
    assert_eq!(said.findings(), ["forged_header"], "{}", said.text);
    assert!(said.checks("forged_header").iter().all(|(_, seen)| seen.contains("arrived: x-ssl-client-sha1")));
    let checks = said.report["checks"].as_array().unwrap().iter();
    let own = checks.filter(|one| one["sent"].as_str().unwrap().starts_with("a forged x-our-sha1 ("));
    assert_eq!(own.map(|one| &one["outcome"]).collect::<Vec<_>>(), ["ok"; 5]);
}

#[test]
fn nginx_that_does_not_ask_for_certificates_is_found() {
    let change = ("ssl_verify_client optional_no_ca;", "ssl_verify_client off;");
    let said = examined(Kind::Nginx, &with_probe(), &[change]);
    assert_eq!(
        (said.code, said.findings()),
        (Some(1), vec!["certificate_not_handed_over", "not_tried"]),
        "{}",
        said.text
    );
}

#[test]
fn haproxy_that_sets_headers_on_a_condition_is_found() {
    let only_if = [
        ("%[ssl_c_sha1,hex,lower]\n", "%[ssl_c_sha1,hex,lower] if { ssl_c_used }\n"),
        ("^x-ssl-client-|^ssl-client-|", "^ssl-client-|"),
    ];
    let site = Site::new();
    start_verifier(Kind::Haproxy, &site, &with_probe()).stop();
    // A certificate header would have to agree with the forged fingerprint.
    let file = site.path("verifier.toml");
    let settings = std::fs::read_to_string(&file).unwrap();
    let fingerprint_only = settings.lines().filter(|line| !line.starts_with("certificate_"));
    std::fs::write(&file, fingerprint_only.collect::<Vec<_>>().join("\n")).unwrap();
    let verifier = Service::spawn(program().arg("verify-server").arg("--config").arg(file));
    let said = examined_before(&verifier, Kind::Haproxy, &only_if);
    assert_eq!(said.code, Some(1));
    assert!(said.findings().contains(&"forged_identity"), "{}", said.text);
    assert!(said.checks("forged_identity").iter().any(|(sent, seen)| {
        *sent == "a forged X-SSL-Client-SHA1" && seen.contains("without a certificate: the forged identity")
    }));
    assert!(said.remedy("forged_identity", "haproxy").contains("without any `if`"), "{}", said.text);
}

#[test]
fn haproxy_that_insists_on_a_certificate_is_found_but_not_one_that_answers_401_by_itself() {
    finds(Kind::Haproxy, &[("verify optional", "verify required")], "certificate_demanded", "verify optional");
    let refuses = ("    acl is_probe", "    http-request return status 401 unless { ssl_c_used }\n    acl is_probe");
    let said = examined(Kind::Haproxy, &with_probe(), &[refuses]);
    assert_eq!((said.code, said.findings()), (Some(0), Vec::new()), "{}", said.text);
    assert_eq!(said.report["checks"][0]["seen"], "HTTP 401");
}

#[test]
fn names_with_underscores_that_haproxy_lets_through_are_found() {
    let line = "http-request del-header _ -m sub";
    finds(Kind::Haproxy, &[("    http-request del-header _ -m sub\n", "")], "underscore_header", line);
}

#[test]
fn haproxy_that_breaks_off_for_want_of_ignored_errors_is_found() {
    let line = "crt-ignore-err all ca-ignore-err all";
    let narrow = ("crt-ignore-err all ", "crt-ignore-err 18,20,21 ");
    let said = finds(Kind::Haproxy, &[narrow], "certificate_broken_off", line);
    assert_eq!(said.checks("certificate_broken_off").len(), 3, "{}", said.text);
    let said = examined(Kind::Haproxy, &with_probe(), &[("crt-ignore-err all ", "")]);
    assert_eq!(said.findings(), ["certificate_broken_off", "not_tried"], "{}", said.text);
}

#[test]
fn an_apache_that_obeys_connection_options_is_found() {
    let change = ("r.headers_in[\"Connection\"] = closes and \"close\" or \"keep-alive\"", "local _ = closes");
    finds(Kind::Apache, &[change], "connection_option", "hand_over early");
}

#[test]
fn a_header_of_the_verifier_that_apache_lets_through_is_found() {
    let said = finds(Kind::Apache, &[("\"x-bob-pid\", ", "")], "forged_header", "hand_over early");
    assert!(said.checks("forged_header").iter().any(|(sent, _)| *sent == "a forged X-BoB-Pid"), "{}", said.text);
}

#[test]
fn names_with_underscores_that_apache_lets_through_are_found() {
    let change = ("if name:find(\"_\", 1, true) then", "if false then");
    finds(Kind::Apache, &[change], "underscore_header", "hand_over early");
}

#[test]
fn what_stands_in_the_way_of_an_examination_is_told_first_and_alone() {
    let site = Site::new();
    let only = |said: Said, finding: &str| {
        assert_eq!((said.code, said.findings()), (Some(1), vec![finding]), "{}", said.text);
        assert_eq!(said.report["checks"].as_array().unwrap().len(), 1);
    };
    let untrusted = format!("{VALIDATORS}\n{PROBE}\ntrusted_peers = ['127.0.0.2']");
    only(examined(Kind::Nginx, &untrusted, &[]), "peer_untrusted");
    std::fs::write(site.path("secret"), "a secret of some length, thirty-two bytes").unwrap();
    crate::site::set_mode(&site.path("secret"), 0o600);
    let secret =
        format!("{VALIDATORS}\n{PROBE}\nsecret_header = 'X-Secret'\nsecret_file = '{}'", site.path("secret").display());
    only(examined(Kind::Haproxy, &secret, &[]), "proxy_secret");
    only(examined(Kind::Haproxy, VALIDATORS, &[]), "probe_missing");
    only(Said::of(free_address(), &[]), "unreachable");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    only(Said::of(silent.local_addr().unwrap(), &["--timeout", "1s"]), "silent");
    let verifier = start_verifier(Kind::Nginx, &site, &with_probe());
    only(Said::of(verifier.address("verify"), &[]), "no_tls");
    let proxy = Proxy::start(Kind::Nginx, &Behind::default());
    only(Said::of(proxy.address, &["--insecure"]), "verifier_down");
    let other = examples().join("validator37.pem");
    let output = program()
        .args(["doctor", "--proxy", &format!("https://localhost:{}", proxy.address.port()), "--ca"])
        .arg(other)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && text.contains("server_not_verified"), "{text}");
}

/// The operator's own certificate is the first that is tried.
#[test]
fn the_certificate_of_the_operator_is_examined_too() {
    let site = Site::new();
    let verifier = start_verifier(Kind::Haproxy, &site, &with_probe());
    let behind = Behind { verifier: Some(verifier.address("verify").to_string()), ..Behind::default() };
    let proxy = Proxy::start(Kind::Haproxy, &behind);
    let [certificate, key] = ["validator37.pem", "validator37.key"].map(|name| examples().join(name));
    let own = ["--cert", certificate.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let said = Said::of(proxy.address, &own);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert_eq!(said.report["checks"][1]["sent"], "your certificate");
    assert_eq!(said.report["checks"][1]["seen"], "its SHA-1 and SHA-256");
}
