//! What the files hold, and what becomes of them.

use super::*;

const NAMES: [Name; 8] = [
    Name::Nginx,
    Name::Haproxy,
    Name::HaproxyLua,
    Name::Apache,
    Name::ApacheLua,
    Name::Envoy,
    Name::Traefik,
    Name::Caddy,
];

/// Another target of the same kind.
fn other(name: Name, place: Place) -> Target {
    match name.example(place) {
        Target::Tcp(address) => Target::Tcp(SocketAddr::from(([10, 1, 2, 3], address.port() + 1))),
        _ => Target::File(format!("/else/where/{place:?}")),
    }
}

#[test]
fn every_place_of_a_file_is_in_it_and_nothing_of_the_example_is_left_once_it_is_replaced() {
    for name in NAMES {
        for place in name.places() {
            let example = name.spell(*place, &name.example(*place)).unwrap();
            assert!(name.text().contains(&example), "{name:?} lacks {example}");
            let target = other(name, *place);
            let text = name.with(&[(*place, target.clone())]).unwrap();
            assert!(text.contains(&name.spell(*place, &target).unwrap()), "{name:?} {place:?}");
            let bare = name.example(*place).to_string();
            assert!(!text.contains(&bare), "{name:?} still has {bare}");
        }
    }
}

#[test]
fn what_is_printed_without_options_is_the_file_to_the_last_byte() {
    for name in NAMES {
        assert_eq!(name.with(&[]).unwrap(), name.text(), "{name:?}");
        // Printing ends a text with one newline, whatever it had.
        assert!(name.text().ends_with('\n') && !name.text().ends_with("\n\n"), "{name:?}");
    }
}

#[test]
fn a_target_that_looks_like_another_example_is_not_replaced_again() {
    let (verifier, upstream) = (Name::Nginx.example(Place::Verifier), Name::Nginx.example(Place::Upstream));
    let swapped = Name::Nginx.with(&[(Place::Verifier, upstream), (Place::Upstream, verifier)]).unwrap();
    assert!(swapped.contains("upstream bob_verifier {\n    server 127.0.0.1:8080;"), "{swapped}");
    assert!(swapped.contains("upstream bob_upstream {\n    server 127.0.0.1:9443;"), "{swapped}");
}

#[test]
fn a_unix_socket_is_spelled_as_each_proxy_wants_it() {
    let with = |name: Name| name.with(&[(Place::Verifier, target("unix:/run/v.sock").unwrap())]);
    for (name, words) in [
        (Name::Nginx, "server unix:/run/v.sock;"),
        (Name::Haproxy, "server verifier unix@/run/v.sock"),
        (Name::HaproxyLua, "local verifier = \"unix:/run/v.sock\""),
        (Name::Apache, "\"unix:/run/v.sock|http://bob-verifier/probe\""),
        (Name::ApacheLua, "local verifier = \"unix:/run/v.sock\""),
        (Name::Envoy, "{pipe: {path: /run/v.sock}}"),
        (Name::Caddy, "reverse_proxy unix//run/v.sock"),
    ] {
        let text = with(name).unwrap();
        assert!(text.contains(words), "{name:?}: {text}");
        let shows_the_other_side = name.text().contains("listen = ");
        assert_eq!(text.contains("listen = \"unix:/run/v.sock\""), shows_the_other_side, "{name:?}");
    }
    assert!(with(Name::Traefik).unwrap_err().to_string().contains("Unix socket"));
}

#[test]
fn a_token_service_wakes_the_marked_lines_and_no_others() {
    for name in NAMES.into_iter().filter(|name| name.places().contains(&Place::TokenService)) {
        let marked = name.text().lines().filter(|line| line.trim_start().starts_with("#+ ")).count();
        assert!(marked > 1, "{name:?}");
        let text = name.with(&[(Place::TokenService, other(name, Place::TokenService))]).unwrap();
        assert!(!text.lines().any(|line| line.trim_start().starts_with("#+ ")), "{name:?}: {text}");
        assert_eq!(text.lines().count(), name.text().lines().count());
    }
}

#[test]
fn an_option_without_a_place_is_refused_with_the_reason() {
    let key = (Place::PrivateKey, Target::File("/k".to_owned()));
    assert!(Name::Haproxy.with(&[key]).unwrap_err().to_string().contains(".key"));
    let listen = (Place::Listen, Name::Nginx.example(Place::Listen));
    assert!(Name::ApacheLua.with(&[listen]).unwrap_err().to_string().contains("Listen"));
}

#[test]
fn a_path_cannot_become_anything_else_in_a_configuration() {
    for path in ["relative", "/a b", "/a;b", "/a\nb", "/a\"b", "/a{b}", "/a#b", "/a$b", ""] {
        assert!(plain_path(path).is_err(), "{path:?}");
    }
    assert!(plain_path("/etc/bob-auth/proxy/server.pem").is_ok());
    assert!(target("unix:run").is_err() && target("verifier").is_err());
}
