//! The configuration as a whole: the example and the reference are what the table of keys says, every key is checked, and
//! faults come all at once.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use secrecy::ExposeSecret as _;

use super::*;
use crate::protocol::claims::Audience;
use crate::value::TrustedPeers;

fn example_values() -> TemplateValues {
    let address = |text: &str| text.parse().unwrap();
    TemplateValues::customary(Pid::new(34).unwrap(), vec![address("127.0.0.1:8443")], address("127.0.0.1:9090"))
}

fn parse(text: &str) -> Result<Config, Faults> {
    let env = |name: &str| (name == "PHRASE").then(|| "open sesame".to_owned());
    Config::parse(text, Path::new("config.toml"), Path::new("/etc/bob-auth"), &env)
}

/// A configuration with the default participant and what the test is about.
fn parse_with(text: &str) -> Result<Config, Faults> {
    parse(&format!("default_participant = 34\n{text}"))
}

fn faults(text: &str) -> String {
    parse_with(text).unwrap_err().to_string()
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test, not of the program")]
fn compare_with_file(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var("BOB_AUTH_BLESS").is_ok_and(|value| value == "1") {
        fs::write(&path, wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "{name} is out of date: run the tests once with BOB_AUTH_BLESS=1");
}

#[test]
fn the_example_is_the_template_and_loads() {
    let text = Config::template(&example_values());
    compare_with_file("config.example.toml", &text);
    let config = parse(&text).unwrap();
    assert_eq!(config.default_participant.get(), 34);
    assert_eq!(config.store.path, Path::new("/etc/bob-auth/bob-auth.sqlite"));
}

#[test]
fn the_reference_is_what_the_table_of_keys_says() {
    compare_with_file("docs/configuration.md", &Config::reference());
}

#[test]
fn the_defaults_are_toml() {
    assert!(toml::de::DeTable::parse(&keys::defaults_document()).is_ok());
}

#[test]
fn the_example_says_nothing_but_the_defaults() {
    let example = parse(&Config::template(&example_values())).unwrap();
    let silent = parse_with("").unwrap();
    let show = |config: &Config| {
        // The places of files differ, since in one of the two nobody wrote them.
        format!("{:#?}", Config { files: Vec::new(), ..config.clone() })
    };
    assert_eq!(show(&example), show(&silent));
}

/// Each key of the example with its path, its line, and the whole example with every setting switched on.
fn every_key() -> (Vec<(String, usize)>, Vec<String>) {
    let mut lines = Vec::new();
    let mut keys = Vec::new();
    let mut table = String::new();
    for line in Config::template(&example_values()).lines() {
        let line = line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut table);
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.push((reader::join(&table, name), lines.len()));
        }
        lines.push(line.to_owned());
    }
    (keys, lines)
}

#[test]
fn every_key_of_the_example_with_a_value_of_the_wrong_kind_is_a_fault_at_that_key() {
    let (keys, lines) = every_key();
    assert!(keys.len() > 50, "{}", keys.len());
    for (key, line) in keys {
        let mut lines = lines.clone();
        let name = key.rsplit('.').next().unwrap();
        lines[line] = format!("{name} = 1.5");
        let faults = parse(&lines.join("\n")).expect_err(&key);
        // The whole example with every setting on has other faults too.
        let wrong_kind = |fault: &&Fault| fault.place.key == key && fault.problem.contains("expected");
        let found = faults.iter().find(wrong_kind).unwrap_or_else(|| panic!("{key}: {faults}"));
        let position = Position { line: line + 1, column: name.chars().count() + 4 };
        assert_eq!(found.place.position, Some(position), "{found}");
        assert!(!found.remedy.is_empty(), "{found}");
    }
}

#[test]
fn all_faults_are_named_at_once_each_at_its_line() {
    let text = "[token]\nlifetime = \"15\"\nliftime = 3\n\n[limits]\nheader_bytes = \"16kb\"\nconnections = true\n";
    assert_eq!(
        faults(text),
        "config.toml:3:12: token.lifetime: \"15\" has no unit; write a number with ms, s, m, h or d, for example \"15m\"\n\
         config.toml:4:1: token.liftime: is not known; did you mean lifetime?\n\
         config.toml:7:16: limits.header_bytes: \"16kb\" is no size; write a number of bytes, or a text with B, KiB, MiB or \
         GiB, for example \"16KiB\"\n\
         config.toml:8:15: limits.connections: expected a whole number, found true; write a whole number from 1 to 1000000"
    );
}

#[test]
fn broken_toml_is_a_fault_with_its_line() {
    let faults = parse_with("[token\nlifetime = \"1h\"").unwrap_err();
    assert!(faults.to_string().starts_with("config.toml:2:"), "{faults}");
    assert!(parse("default_participant = 1\ndefault_participant = 2").is_err());
}

#[test]
fn the_default_participant_must_be_written() {
    let faults = parse("").unwrap_err().to_string();
    assert_eq!(faults, "config.toml: default_participant: is missing; write for example default_participant = 34");
}

#[test]
fn unknown_keys_and_tables_are_faults_with_a_suggestion() {
    assert!(faults("[tokens]").contains("tokens: is not known; did you mean token?"));
    assert!(
        faults("[limits]\nlifetime = \"1h\"").contains("limits.lifetime: is not known; lifetime belongs into [token]")
    );
    assert!(faults("[store]\nzzz = 1").contains("store.zzz: is not known; remove it; known here: path"));
    assert!(faults("[participant.x.token]").contains("participant.x: is no participant id"));
    assert!(
        faults("[participant.74.token]\njit = true")
            .contains("participant.74.token.jit: is not known; did you mean jti?")
    );
    assert!(faults("listener = 3").contains("listener: expected a table; write [listener.token]"));
    assert!(faults("participant = 3").contains("participant: expected a table; write [participant.PID.token]"));
    assert!(faults("\"a\\u001b[1m\\nb\" = 3").contains("a\\u{1b}[1m\\nb: is not known"));
}

#[test]
fn a_participant_changes_what_it_names_and_keeps_the_rest() {
    let text = "[token]\nlifetime = \"2h\"\njti = true\nlifetime_by_class = { ins = \"8h\" }\n[participant.74.token]\n\
                lifetime = \"30m\"\naudience = [\"a\", \"b\"]\n";
    let config = parse_with(text).unwrap();
    let (own, other) = (config.token_policy(Pid::new(74).unwrap()), config.token_policy(Pid::new(34).unwrap()));
    assert_eq!((own.lifetime.as_seconds(), other.lifetime.as_seconds()), (1800, 7200));
    assert_eq!((own.jti, own.lifetime_by_class.len()), (true, 1));
    assert_eq!((&own.audience, &other.audience), (&Some(Audience::Several(vec!["a".into(), "b".into()])), &None));
}

#[test]
fn lifetimes_stay_below_their_caps() {
    let too_long = "config.toml:3:12: token.lifetime: lifetime 2d is longer than max_lifetime 1d";
    assert!(faults("[token]\nlifetime = \"48h\"").starts_with(too_long));
    assert!(faults("[token]\nmax_lifetime = \"30m\"").starts_with("config.toml:3:16: token.max_lifetime"));
    assert!(faults("[token]\nmax_lifetime = \"8d\"").contains("write a duration from 1s to 7d"));
    assert!(faults("[token]\nlifetime = \"1500ms\"").contains("no whole number of seconds"));
    assert!(faults("[token]\nlifetime = \"0s\"").contains("out of range"));
    assert!(faults("[token]\nnbf_backdate = \"2h\"").contains("write a duration from 0s to 1h"));
    let class = faults("[token]\nlifetime_by_class = { ins = \"25h\", \"1x\" = \"1h\" }");
    assert!(class.contains("token.lifetime_by_class.ins: 25h is longer than max_lifetime 1d"), "{class}");
    assert!(class.contains("token.lifetime_by_class.1x: a class is"), "{class}");
    let own = faults("[participant.74.token]\nmax_lifetime = \"10m\"");
    assert!(own.starts_with("config.toml:3:16: participant.74.token.max_lifetime: lifetime 1h is longer"), "{own}");
}

#[test]
fn every_limit_can_be_switched_off() {
    let names = [
        "handshake_time",
        "header_time",
        "idle_time",
        "header_bytes",
        "connections",
        "requests_per_fingerprint",
        "requests_per_source",
    ];
    let text = format!("[limits]\n{} = \"off\"", names.join(" = \"off\"\n"));
    let limits = parse_with(&text).unwrap().limits;
    assert!(limits.handshake_time.is_none() && limits.header_time.is_none() && limits.idle_time.is_none());
    assert!(limits.header_bytes.is_none() && limits.connections.is_none());
    assert!(limits.requests_per_fingerprint.is_none() && limits.requests_per_source.is_none());
    assert_eq!(parse_with("[audit]\nkeep = \"off\"").unwrap().audit.keep, None);
}

#[test]
fn listeners_need_addresses_of_their_own() {
    let text = "[listener.internal]\nlisten = \"0.0.0.0:8443\"";
    assert!(
        faults(text).starts_with("config.toml:3:10: listener.internal.listen: 0.0.0.0:8443 is taken by 127.0.0.1:8443")
    );
    let zero =
        "[listener.internal]\nlisten = \"127.0.0.1:0\"\n[listener.token]\nlisten = [\"127.0.0.1:0\", \"[::1]:0\"]";
    assert_eq!(parse_with(zero).unwrap().listeners.token.unwrap().listen.len(), 2);
    assert!(faults("[listener.token]\nlisten = \"off\"").contains("no listener would answer token requests"));
    assert!(faults("[listener.token]\nlisten = []").contains("empty list"));
    assert!(faults("[listener.token]\nlisten = \"localhost:8443\"").contains("no address with a port"));
    assert!(parse_with("[listener.internal]\nlisten = \"off\"").unwrap().listeners.internal.is_none());
}

#[test]
fn a_listener_behind_a_proxy_is_off_unless_written() {
    assert!(parse_with("").unwrap().listeners.behind_proxy.is_none());
    let text =
        "[listener.behind_proxy]\nlisten = \"unix:run/bob-auth.sock\"\nfingerprint_header = \"X-SSL-Client-SHA1\"\n";
    let listener = parse_with(text).unwrap().listeners.behind_proxy.unwrap().proxy;
    assert_eq!(listener.listen, [ListenAddress::Unix("/etc/bob-auth/run/bob-auth.sock".into())]);
    assert_eq!(listener.fingerprint_header.as_deref(), Some("x-ssl-client-sha1"));
    assert_eq!(listener.trusted_peers, TrustedPeers::unix());
    assert!(listener.tls.is_none());
}

#[test]
fn half_written_pairs_and_headers_with_two_meanings_are_faults() {
    let behind = |text: &str| faults(&format!("[listener.behind_proxy]\nlisten = \"127.0.0.1:1\"\n{text}"));
    assert!(behind("").contains("nothing says which header names the certificate"));
    assert!(
        behind("certificate_header = \"a\"").contains("certificate_header: is written without certificate_dialect")
    );
    assert!(behind("certificate_dialect = \"pem\"").contains("write \"url-pem\" or \"base64-der\""));
    assert!(behind("private_key = \"a\"").contains("private_key: is written without certificate"));
    assert!(behind("fingerprint_header = \"a b\"").contains("no name of a header"));
    assert!(
        behind("fingerprint_header = \"A\"\nsource_header = \"a\"").contains("source_header: is the same header as")
    );
    assert!(
        behind("trusted_peers = [\"unix\", \"10.0.0.1/8\", \"proxy\"]").contains("this listener has no Unix socket")
    );
    assert!(behind("trusted_peers = [\"10.0.0.1/8\"]").contains("did you mean \"10.0.0.0/8\"?"));
    assert!(behind("trusted_peers = [\"proxy\"]").contains("\"proxy\" is no address or network"));
    assert!(faults("[listener.behind_proxy]\nfingerprint_header = \"a\"").contains("behind_proxy.listen: is missing"));
}

#[test]
fn a_passphrase_comes_from_the_environment_or_a_file_and_is_never_shown() {
    let from_env = parse_with("[keys]\npassphrase_env = \"PHRASE\"").unwrap();
    assert_eq!(from_env.keys.passphrase.as_ref().unwrap().expose_secret(), "open sesame");
    assert!(!format!("{from_env:?}").contains("sesame"));
    assert!(faults("[keys]\npassphrase_env = \"OTHER\"").contains("the environment has no variable OTHER"));

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("phrase");
    fs::write(&file, "from a file\r\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = faults(&format!("[keys]\npassphrase_file = {file:?}"));
    assert!(open.contains("has mode 0644") && open.contains("chmod 600 "), "{open}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let from_file = parse_with(&format!("[keys]\npassphrase_file = {file:?}")).unwrap();
    assert_eq!(from_file.keys.passphrase.unwrap().expose_secret(), "from a file");
    let both = faults(&format!("[keys]\npassphrase_env = \"PHRASE\"\npassphrase_file = {file:?}"));
    assert!(both.contains("keys.passphrase_env: passphrase_file is written as well"), "{both}");
    assert!(faults("[keys]\npassphrase_file = \"none\"").contains("cannot read /etc/bob-auth/none"));
}

#[test]
fn a_log_level_must_be_a_filter() {
    assert_eq!(parse_with("[log]\nlevel = \"info,bob_auth=debug\"").unwrap().log.level, "info,bob_auth=debug");
    assert!(faults("[log]\nlevel = \"bob_auth=loud\"").contains("log.level"));
    for level in ["loud", "inf", "info,bob_auth", "[[["] {
        assert!(faults(&format!("[log]\nlevel = {level:?}")).contains("is no level"), "{level}");
    }
}

/// A directory as `bob-auth init` leaves it, with these modes for the key of the server and the configuration.
fn new_directory(key_mode: u32, config_mode: u32) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str, mode: u32| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["tls", "keys"] {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    fs::set_permissions(directory.path().join("keys"), fs::Permissions::from_mode(0o700)).unwrap();
    put("tls/server.pem", "certificate", 0o644);
    put("tls/server.key", "key", key_mode);
    put("keys/34.pem", "key", key_mode);
    put("config.toml", &Config::template(&example_values()), config_mode);
    directory
}

fn check_files(directory: &Path) -> String {
    Config::load(&directory.join("config.toml"), &|_| None).unwrap().check_files().to_string()
}

#[test]
fn a_fresh_directory_has_no_faults() {
    assert_eq!(check_files(new_directory(0o600, 0o644).path()), "");
    assert_eq!(check_files(new_directory(0o400, 0o600).path()), "");
}

#[test]
fn files_that_others_can_read_or_change_are_faults_that_say_chmod() {
    let found = check_files(new_directory(0o640, 0o666).path());
    assert_eq!(found.lines().count(), 3, "{found}");
    assert!(found.contains("config.toml: anybody on this machine may change this file; chmod o-w "), "{found}");
    assert!(found.contains("listener.token.private_key: ") && found.contains("server.key has mode 0640"), "{found}");
    assert!(found.contains("keys.directory: ") && found.contains("34.pem has mode 0640"), "{found}");
}

#[test]
fn missing_files_are_faults_at_the_line_that_names_them() {
    let directory = new_directory(0o600, 0o644);
    fs::remove_file(directory.path().join("tls/server.pem")).unwrap();
    fs::remove_dir_all(directory.path().join("keys")).unwrap();
    let found = check_files(directory.path());
    let text = Config::template(&example_values());
    for (key, line) in [("keys.directory", "directory ="), ("listener.token.certificate", "certificate =")] {
        let line = text.lines().position(|found| found.starts_with(line)).unwrap() + 1;
        let lines: Vec<&str> = found.lines().filter(|found| found.contains(&format!(": {key}: cannot read"))).collect();
        assert!(lines.len() == 1 && lines[0].contains(&format!("config.toml:{line}:")), "{found}");
    }
    let missing = Config::load(&directory.path().join("none.toml"), &|_| None).unwrap_err().to_string();
    assert!(missing.contains("none.toml: cannot read: "), "{missing}");
}

#[test]
fn what_is_no_text_or_never_ends_is_no_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    fs::write(&file, [0xff, 0xfe]).unwrap();
    assert!(Config::load(&file, &|_| None).unwrap_err().to_string().contains("is no text in UTF-8"));
    assert!(Config::load(Path::new("/dev/zero"), &|_| None).unwrap_err().to_string().contains("is too large"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_value_of_any_key_makes_the_reader_panic(
        index in 0..40_usize, value in "\"[a-z0-9:./%]{0,12}\"|-?[0-9]{1,20}|\\[\"[0-9./:a-z]{0,9}\"\\]|\\{ a = \"1h\" \\}|0x[0-9a-f]{1,18}"
    ) {
        let (keys, mut lines) = every_key();
        let (key, line) = &keys[index];
        lines[*line] = format!("{} = {value}", key.rsplit('.').next().unwrap());
        let _ = parse(&lines.join("\n"));
    }
}
