//! `[registry]` and `[rotation]`.

use std::path::Path;

use super::*;
use crate::protocol::pop::{Part, PopProfile};

const REGISTRY: &str = "[registry]\nurl = \"https://registry.example.org/api/v2/\"\ntrust = \"trust.jwks\"\n";

fn parse(text: &str) -> Result<Config, Faults> {
    let text = format!("default_participant = 34\n{text}");
    Config::parse(&text, Path::new("config.toml"), Path::new("/etc/bob"), &|_| None)
}

fn faults(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn nothing_is_published_and_nothing_rotates_unless_it_is_written() {
    let config = parse("").unwrap();
    assert_eq!(config.registry, None);
    assert!(!config.rotation.automatic);
}

#[test]
fn the_defaults_of_proof_of_possession_are_the_assumed_profile() {
    let registry = parse(REGISTRY).unwrap().registry.unwrap();
    assert_eq!(registry.pop, PopProfile::default());
    assert_eq!(registry.url, "https://registry.example.org/api/v2");
    assert_eq!(registry.cache, Path::new("/etc/bob/metadata.jws"));
    assert!(registry.grace.is_zero() && registry.participants.is_empty());
}

#[test]
fn every_name_of_the_profile_can_be_set() {
    let text = format!(
        "{REGISTRY}pop_scheme = \"off\"\npop_request_header = \"X-PoP\"\npop_answer_header = \"X-Sig\"\npop_window = \"30s\"\n\
         pop_required = [\"body\"]\npop_headers = []\n[registry.participant.34]\nmetadata_key = \"m.key\"\nmetadata_kid = \"34:m\"\n"
    );
    let registry = parse(&text).unwrap().registry.unwrap();
    let wanted = PopProfile {
        scheme: String::new(),
        request_header: "x-pop".to_owned(),
        answer_header: "x-sig".to_owned(),
        window: 30,
        required: vec![Part::Time, Part::Body],
        headers: Vec::new(),
    };
    assert_eq!(registry.pop, wanted);
    let key = &registry.participants[&Pid::new(34).unwrap()];
    assert_eq!((key.kid.as_str(), key.file.as_path()), ("34:m", Path::new("/etc/bob/m.key")));
}

#[test]
fn what_would_make_a_proof_worthless_or_a_rotation_impossible_is_a_fault() {
    for (text, wanted) in [
        ("pop_required = [\"time\"]", "expected one of a few words"),
        ("pop_window = \"2h\"", "registry.pop_window: \"2h\" is out of range"),
        ("grace = \"8d\"", "registry.grace: \"8d\" is out of range"),
        ("[rotation]\nautomatic = true", "rotation.automatic: is true, and no participant publishes from here"),
        (
            "[registry.participant.34]\nmetadata_key = \"m\"\nmetadata_kid = \"34:m\"\n[rotation]\nautomatic = true\nevery = \"1d\"",
            "rotation.wait: is not shorter than rotation.every",
        ),
        ("[registry.participant.34]\nmetadata_kid = \"34:m\"", "registry.participant.34.metadata_key: is missing"),
    ] {
        let faults = faults(&format!("{REGISTRY}{text}\n"));
        assert!(faults.contains(wanted), "{text}: {faults}");
    }
    for url in
        ["http://registry.example.org/api/v2", "https://a:b@example.org/", "https://example.org/?a=1", "registry"]
    {
        let faults = faults(&format!("[registry]\nurl = \"{url}\"\ntrust = \"trust.jwks\"\n"));
        assert!(faults.contains("registry.url: "), "{url}: {faults}");
    }
    assert!(faults("[rotation]\nautomatic = true\n").contains("there is no registry to publish at"));
}
