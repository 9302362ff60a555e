//! The help texts, pinned: `tests/cmd/*.txt`. `BOB_AUTH_BLESS=1` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::home::Home;

const FAMILIES: &[(&str, &[&str])] = &[
    ("init", &[]),
    ("participant", &["add", "list", "show", "set", "remove"]),
    ("entity", &["add", "list", "show", "set", "suspend", "resume", "remove"]),
    ("cert", &["enrol", "issue", "list", "show", "revoke"]),
    ("key", &["generate", "list", "show", "activate", "retire", "status", "rotate", "export"]),
    ("config", &["check"]),
    (
        "registry",
        &[
            "participant",
            "participant show",
            "domain-name",
            "domain-name show",
            "domain-name set",
            "domain-name remove",
            "mtb-key",
            "mtb-key list",
            "mtb-key show",
            "mtb-key add",
            "mtb-key replace",
            "mtb-key remove",
            "authtoken-key",
            "authtoken-key list",
            "authtoken-key show",
            "authtoken-key publish",
            "authtoken-key replace",
            "authtoken-key remove",
            "endpoint",
            "endpoint list",
            "endpoint show",
            "endpoint add",
            "endpoint set",
            "endpoint remove",
            "constraint",
            "constraint list",
            "constraint show",
            "constraint add",
            "constraint set",
            "constraint remove",
            "info",
            "info show",
            "info set",
            "info remove",
            "metadata-key",
            "metadata-key generate",
            "metadata-key show",
        ],
    ),
    (
        "registry-admin",
        &[
            "init",
            "participant",
            "participant add",
            "participant rename",
            "participant remove",
            "participant list",
            "metadata-key",
            "metadata-key add",
            "metadata-key revoke",
            "metadata-key list",
            "anchor",
            "anchor generate",
            "anchor rotate",
            "anchor export",
            "anchor list",
            "export",
            "import",
        ],
    ),
    ("serve", &[]),
    ("verify-server", &[]),
    ("token", &["get", "show", "verify"]),
    ("explain", &[]),
    ("metadata", &["fetch", "show", "verify", "diff", "watch"]),
    ("audit", &["list"]),
    ("demo", &[]),
    ("doctor", &[]),
    ("conformance", &["auth", "api", "metadata", "checks"]),
    ("proxy-config", &[]),
    ("completions", &[]),
    ("man", &[]),
];

#[test]
fn every_help_text_is_the_pinned_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd");
    let bless = std::env::var_os("BOB_AUTH_BLESS").is_some();
    let home = Home::empty();
    let mut calls: Vec<Vec<&str>> = vec![vec![]];
    for &(family, verbs) in FAMILIES {
        calls.push(vec![family]);
        calls.extend(verbs.iter().map(|verb| [family].into_iter().chain(verb.split(' ')).collect()));
    }
    let mut expected_files = BTreeSet::new();
    for call in calls {
        let name = [&["bob-auth"], call.as_slice()].concat().join("-") + ".txt";
        let text = home.done(&[call.as_slice(), &["--help"]].concat());
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{name}: wider than 100 columns");
        assert!(call.len() < 2 || text.contains("<COMMAND>") || text.contains("Example"), "{name}: no example");
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(&name), &text).unwrap();
        }
        let pinned = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert_eq!(text, pinned, "{name} differs; BOB_AUTH_BLESS=1 cargo test --test cli writes it anew");
        expected_files.insert(name);
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(expected_files.contains(&name), "tests/cmd/{name} belongs to no command");
    }
}

#[test]
fn a_command_called_wrongly_ends_with_2() {
    let home = Home::empty();
    for words in [
        &["fly"] as &[&str],
        &["entity", "set", "a"],
        &["entity", "add", "a b", "--class", "val"],
        &["cert", "show", "xyz"],
        &["entity", "list", "--limit", "0"],
        &["audit", "list", "--since", "yesterday"],
    ] {
        assert_eq!(home.run(words).code, 2, "{words:?}");
    }
}
