//! `bob-auth proxy-config`: what is printed, to the last byte. What the files do is shown in tests/proxies.

use std::fs;
use std::path::Path;

use super::home::Home;

const FILES: [(&str, &str); 8] = [
    ("nginx", "nginx.conf"),
    ("haproxy", "haproxy.cfg"),
    ("haproxy-lua", "haproxy-bob.lua"),
    ("apache", "apache.conf"),
    ("apache-lua", "apache-bob.lua"),
    ("envoy", "envoy.yaml"),
    ("traefik", "traefik.yaml"),
    ("caddy", "Caddyfile"),
];

#[test]
fn without_options_it_prints_the_file_as_it_lies_in_docs() {
    let home = Home::empty();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/proxies");
    for (name, file) in FILES {
        assert_eq!(home.done(&["proxy-config", name]), fs::read_to_string(folder.join(file)).unwrap(), "{name}");
    }
    let known = FILES.map(|(_, file)| file);
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        assert!(file == "README.md" || known.contains(&file.as_str()), "{file} is printed by no name");
    }
}

#[test]
fn a_name_that_it_does_not_know_is_answered_with_those_that_it_does() {
    let said = Home::empty().run(&["proxy-config", "squid"]);
    assert_eq!(said.code, 2);
    for (name, _) in FILES {
        assert!(said.stderr.contains(name), "{}", said.stderr);
    }
}

#[test]
fn the_options_take_the_places_of_the_examples() {
    let home = Home::empty();
    let options = ["--listen", "192.0.2.1:8443", "--verifier", "unix:/run/verify.sock", "--upstream", "10.0.0.7:8000"];
    let text = home.done(&[&["proxy-config", "nginx"], &options[..]].concat());
    for words in ["listen 192.0.2.1:8443 ssl;", "server unix:/run/verify.sock;", "server 10.0.0.7:8000;"] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("127.0.0.1:9443") && text.contains("#+ upstream bob_token_service"), "{text}");
    let refused = home.run(&["proxy-config", "traefik", "--verifier", "unix:/run/verify.sock"]);
    assert!(refused.code == 1 && refused.stderr.contains("Unix socket"), "{}", refused.stderr);
    assert_eq!(home.run(&["proxy-config", "nginx", "--certificate", "/a;b"]).code, 2);
}
