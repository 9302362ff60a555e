//! `[verify]`, the tables below it, and the listener that needs it.

use std::path::Path;

use super::*;
use crate::flow::verify::{Allowed, HolderOfKey};
use crate::protocol::metadata::Environment;

const KEYS: &str = "[verify.issuer.1]\njwks = \"one.jwks\"\n";
const LISTENER: &str = "[listener.verify]\nlisten = \"127.0.0.1:9443\"\nfingerprint_header = \"X-SSL-Client-SHA1\"\n";

/// With `[verify]` holding these lines, an issuer, and the listener.
fn config(verify: &str, more: &str) -> String {
    format!("default_participant = 34\n[verify]\nallow = [\"1:val\"]\n{verify}\n{KEYS}{LISTENER}{more}")
}

fn parse(text: &str) -> Result<Config, Faults> {
    Config::parse(text, Path::new("config.toml"), Path::new("/etc/bob-auth"), &|_| None)
}

fn faults(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn settings(verify: &str, more: &str) -> VerifySettings {
    parse(&config(verify, more)).unwrap().verify.unwrap()
}

#[test]
fn nothing_is_verified_unless_it_is_written() {
    let silent = parse("default_participant = 34").unwrap();
    assert!(silent.verify.is_none() && silent.listeners.verify.is_none());
}

const REGISTRY: &str = "[registry]\nurl = \"https://registry.example.org/api/v2/\"\ntrust = \"trust.jwks\"\n";

/// What `[verify]` takes keys from, with `registry` being the only origin.
fn registry_only(more: &str) -> String {
    format!("default_participant = 34\n[verify]\nallow = [\"1:val\"]\nregistry = true\n{more}")
}

#[test]
fn the_registry_alone_is_enough_for_a_service_and_for_a_process_that_only_verifies() {
    let text = registry_only(&format!("{REGISTRY}grace = \"2h\"\nca = \"ca.pem\"\n{LISTENER}"));
    let origins = parse(&text).unwrap().verify.unwrap().origins;
    assert!(origins.metadata.is_none() && origins.issuers.is_empty());
    let registry = origins.registry.clone().unwrap();
    assert_eq!(registry.set_url(), "https://registry.example.org/api/v2/participantMetadata");
    assert_eq!((registry.grace.as_secs(), registry.cache.as_path()), (7200, Path::new("/etc/bob-auth/metadata.jws")));
    let trusted: Vec<_> = origins.trusted_files().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(trusted, ["/etc/bob-auth/ca.pem", "/etc/bob-auth/trust.jwks"]);

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    // Keys that prove who publishes are none of its business.
    let more = "[registry.participant.34]\nmetadata_kid = \"34:m\"\n";
    std::fs::write(&file, text + more).unwrap();
    let config = VerifyConfig::load(&file, &|_| None).unwrap();
    assert_eq!(config.verify.origins.registry.unwrap().url, registry.url);
}

#[test]
fn the_registry_is_an_origin_only_if_there_is_one_and_no_other_set() {
    assert!(faults(&registry_only(LISTENER)).contains("verify.registry: is true, and there is no registry"));
    let both = format!("metadata = \"a\"\nmetadata_trust = \"b\"\n{REGISTRY}{LISTENER}");
    assert!(faults(&registry_only(&both)).contains("verify.registry: is true, and metadata names a set"));
    let faulty = faults(&registry_only(&format!("[registry]\ntrust = \"a\"\n{LISTENER}")));
    assert_eq!(faulty.matches("registry.url: is missing").count(), 1, "{faulty}");
    // A registry at which one publishes is not yet one whose keys are believed.
    let origins = parse(&config("", REGISTRY)).unwrap().verify.unwrap().origins;
    assert_eq!(origins.registry, None);
}

#[test]
fn what_is_not_written_is_strict() {
    let config = parse(&config("", "")).unwrap();
    let verify = config.verify.unwrap();
    let policy = &verify.policy;
    assert_eq!((policy.leeway, policy.max_lifetime.as_seconds()), (60, 86_400));
    assert_eq!(policy.holder_of_key, HolderOfKey::Required);
    assert_eq!(policy.allow, ["1:val".parse::<Allowed>().unwrap()]);
    assert!(policy.audience.is_empty() && verify.rules.is_empty());
    assert_eq!(verify.origins.environment, Environment::Production);
    assert_eq!(verify.origins.refresh.as_secs(), 3600);
    assert_eq!(verify.cache.map(|cache| (cache.entries, cache.bytes)), Some((16_384, 8 << 20)));
    let one = &verify.origins.issuers[&Pid::new(1).unwrap()];
    assert_eq!(*one, IssuerOrigin::File("/etc/bob-auth/one.jwks".into()));
    let listener = config.listeners.verify.unwrap();
    assert_eq!((listener.mode, listener.original_request), (VerifyMode::Enforce, OriginalRequestIn::XOriginal));
    assert_eq!((listener.batch, listener.probe), (0, false));
    assert!(!listener.proxy.trusted_peers.trusts("127.0.0.1".parse().ok()));
}

#[test]
fn every_setting_of_the_policy_is_taken() {
    let text = "leeway = \"0s\"\nmax_lifetime = \"2h\"\nholder_of_key = \"if-present\"\naudience = [\"a\", \"b\"]\ncache = 0\n\
                distrust_issuers = [99]\ndistrust_kids = [\"34:20240101_1\", \"34/a/b\", \"../x\"]\n\
                distrust_certificates = [\"0A9A063EB8D540CBF7DFBA7697C674D14A174F7D\", \
                \"0a9a063eb8d540cbf7dfba7697c674d14a174f7d0a9a063eb8d540cbf7dfba76\"]";
    let verify = settings(text, "");
    let policy = verify.policy;
    assert_eq!((policy.leeway, policy.max_lifetime.as_seconds(), verify.cache), (0, 7200, None));
    assert_eq!((policy.holder_of_key, policy.audience.len()), (HolderOfKey::IfPresent, 2));
    let distrust = policy.distrust;
    assert_eq!((distrust.issuers.len(), distrust.sha1.len(), distrust.sha256.len()), (1, 1, 1));
    let kids: Vec<String> =
        distrust.kids.iter().map(|(pid, kid)| format!("{} {}", pid.map_or(0, Pid::get), kid.as_str())).collect();
    // What may be a kid with a slash in it is distrusted as such as well.
    assert_eq!(kids, ["0 34:20240101_1", "34 a/b", "0 34/a/b", "0 ../x"]);
}

#[test]
fn a_policy_that_lets_nobody_or_everything_pass_is_a_fault() {
    let with = |verify: &str| faults(&config(verify, ""));
    assert!(
        faults(&config("", "").replace("allow = [\"1:val\"]", ""))
            .contains("verify.allow: is missing; write for example")
    );
    assert!(faults(&config("", "").replace("[\"1:val\"]", "[]")).contains("verify.allow: lets nobody call"));
    let callers = faults(&config("", "").replace("[\"1:val\"]", "[\"val\", \"x:val\"]"));
    assert_eq!(callers.lines().count(), 2, "{callers}");
    assert!(callers.contains("config.toml:3:10: verify.allow: \"val\" is no caller; write PID:CLASS"), "{callers}");
    assert!(with("leeway = \"301s\"").contains("write a duration from 0s to 5m"));
    assert!(with("max_lifetime = \"8d\"").contains("out of range"));
    assert!(with("holder_of_key = \"off\"").contains("write \"required\" or \"if-present\" or \"dangerously-off\""));
    assert!(with("audience = []").contains("empty list"));
    assert!(with("distrust_kids = [\"a b\"]").contains("is no key: a key id has"));
    assert!(with("distrust_issuers = [0]").contains("out of range"));
    assert!(with("distrust_certificates = [\"abc\"]").contains("\"abc\" is no fingerprint"));
    assert!(
        with("cache = 1000000\ncache_bytes = \"64KiB\"").contains("verify.cache_bytes: is less than a byte for each")
    );
    assert!(with("refresh = \"1s\"").contains("write a duration from 10s to 7d"));
}

#[test]
fn keys_come_from_somewhere_and_from_one_place_for_each_issuer() {
    let bare = "default_participant = 34\n[verify]\nallow = [\"1:val\"]\n";
    assert!(faults(bare).contains("verify.metadata: there is nowhere to take keys from"));
    assert!(
        faults(&format!("{bare}metadata = \"m.jws\"")).contains("verify.metadata: is written without metadata_trust")
    );
    assert!(faults(&format!("{bare}metadata_trust = \"m\"")).contains("metadata_trust: is written without metadata"));
    let metadata = parse(&format!("{bare}metadata = \"m.jws\"\nmetadata_trust = \"t.jwks\"\nenvironment = \"test\""));
    let origins = metadata.unwrap().verify.unwrap().origins;
    assert_eq!(origins.metadata.unwrap().trust, Path::new("/etc/bob-auth/t.jwks"));
    assert_eq!(origins.environment, Environment::Test);
    let issuer = |text: &str| faults(&config("", &format!("[verify.issuer.2]\n{text}")));
    assert!(issuer("").contains("verify.issuer.2.jwks: nothing says where its keys come from"));
    assert!(issuer("jwks = \"a\"\njwks_url = \"https://a/\"").contains("jwks_url: jwks is written as well"));
    assert!(issuer("jwks = \"a\"\nca = \"b\"").contains("verify.issuer.2.ca: is written without jwks_url"));
    for url in ["http://auth.example.org/jwks", "http://127.0.0.1.example.org/", "ftp://x/", "file:///etc/jwks"] {
        assert!(issuer(&format!("jwks_url = {url:?}")).contains("is no https URL"), "{url}");
    }
    assert!(issuer("jwks_url = \"https://\"").contains("is no URL"));
    assert!(issuer("jwks_url = \"https://a:b@c/\"").contains("holds a user"));
    settings("", "[verify.issuer.2]\njwks_url = \"http://127.0.0.1:9090/.well-known/jwks.json\"");
    let url = settings("", "[verify.issuer.2]\njwks_url = \"https://a.example/jwks\"\nca = \"ca.pem\"");
    let wanted =
        IssuerOrigin::Url { url: "https://a.example/jwks".to_owned(), ca: Some("/etc/bob-auth/ca.pem".into()) };
    assert_eq!(url.origins.issuers[&Pid::new(2).unwrap()], wanted);
}

#[test]
fn rules_have_names_of_their_own_and_do_not_contradict_each_other() {
    let rule = |text: &str| faults(&config("", text));
    let text = "[verify.rule.read-all_2]\npath = \"/\"\nmethods = [\"GET\"]\nallow = [\"*:*\"]\n\
                [verify.rule.74]\npath = \"/validation/\"\nallow = [\"1:val\"]";
    let rules = settings("", text).rules;
    assert_eq!(
        rules.iter().map(crate::flow::route_rules::Rule::name).collect::<Vec<_>>(),
        ["74", "read-all_2"],
        "the longest first"
    );
    assert!(
        rule("[verify.rule.\"a b\"]\npath = \"/\"\nallow = [\"*:*\"]")
            .contains("verify.rule.a b: is no name for a table")
    );
    assert!(rule("[verify.rule.a]\npaths = \"/\"").contains("verify.rule.a.paths: is not known; did you mean path?"));
    assert!(
        rule("[verify.rule.a]\nallow = [\"*:*\"]")
            .contains("verify.rule.a.path: is missing; write for example path = \"/validation\"")
    );
    assert!(rule("[verify.rule.a]\npath = \"/\"").contains("verify.rule.a.allow: is missing"));
    assert!(rule("[verify]\nrule = 3").contains("duplicate"));
    assert!(
        faults("default_participant = 1\n[verify]\nrule = 3").contains("expected a table; write [verify.rule.NAME]")
    );
    let path = |path: &str| rule(&format!("[verify.rule.a]\npath = {path:?}\nallow = [\"*:*\"]"));
    assert!(path("validation").contains("verify.rule.a.path: does not begin with a slash"));
    assert!(path("/a/../b").contains("holds a segment of dots"));
    assert!(path("/%61").contains("holds %, ?, ; or #"));
    let methods =
        |methods: &str| rule(&format!("[verify.rule.a]\npath = \"/\"\nallow = [\"*:*\"]\nmethods = {methods}"));
    assert!(
        methods("[\"get\"]")
            .contains("verify.rule.a.methods: \"get\" is no method: letters count; did you mean \"GET\"?")
    );
    assert!(methods("[\"A B\"]").contains("is no method"));
    assert!(methods("[]").contains("empty list"));
    let twice = "[verify.rule.a]\npath = \"/x\"\nallow = [\"*:*\"]\n[verify.rule.b]\npath = \"/x/\"\nmethods = [\"GET\"]\nallow = [\"*:*\"]";
    assert!(rule(twice).contains("verify.rule.b.path: the rules a and b are about the same path and method"));
}

#[test]
fn the_listener_needs_to_know_whose_tokens_count_and_an_address_of_its_own() {
    let alone = faults(&format!("default_participant = 34\n{LISTENER}"));
    assert!(alone.contains("config.toml:3:10: listener.verify.listen: nothing says whose tokens count"), "{alone}");
    let taken = faults(&config("", "[listener.internal]\nlisten = \"127.0.0.1:9443\""));
    assert!(taken.contains("listener.internal.listen: 127.0.0.1:9443 is taken by 127.0.0.1:9443"), "{taken}");
    let more = |text: &str| faults(&config("", text));
    assert!(more("mode = \"observe\"").contains("listener.verify.mode: expected one of a few words"));
    assert!(more("original_request = \"nginx\"").contains("write \"x-original\" or \"x-forwarded\" or \"path\""));
    assert!(more("batch = 1001").contains("write a whole number from 0 to 1000"));
    assert!(more("jwks = true").contains("listener.verify.jwks: is not known"));
    assert!(more("secret_header = \"x\"").contains("secret_header: is written without secret_file"));
    let listener =
        parse(&config("", "mode = \"shadow\"\noriginal_request = \"path\"\nbatch = 100\nprobe = true")).unwrap();
    let listener = listener.listeners.verify.unwrap();
    assert_eq!((listener.mode, listener.original_request), (VerifyMode::Shadow, OriginalRequestIn::Path));
    assert_eq!((listener.batch, listener.probe), (100, true));
}

/// Written to a file, as the second entry reads it.
fn load(text: &str) -> Result<VerifyConfig, Faults> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    VerifyConfig::load(&file, &|_| None)
}

#[test]
fn a_process_that_only_verifies_needs_no_more_than_its_own_tables() {
    let text = config("", "[limits]\nheader_time = \"3s\"").replace("default_participant = 34\n", "");
    let config = load(&text).unwrap();
    assert_eq!(config.limits.header_time.map(|time| time.as_secs()), Some(3));
    assert!(config.internal.is_some());
    // What others need is not looked at, files and values alike.
    let text =
        format!("{text}\n[keys]\npassphrase_env = \"NONE\"\n[listener.token]\nlisten = 3\ncertificate = \"none\"\n");
    assert!(load(&text).is_ok());
    let missing = load(&text).unwrap().check_files().to_string();
    assert!(missing.contains("verify.issuer.1.jwks: cannot read") && missing.lines().count() == 1, "{missing}");
}

#[test]
fn unknown_keys_are_faults_wherever_they_stand() {
    let text = config("", "[token]\nlivetime = \"1h\"\n[log]\nlevel = \"loud\"");
    let faults = load(&text).unwrap_err().to_string();
    assert!(faults.contains("token.livetime: is not known") && faults.contains("log.level"), "{faults}");
    let empty = load("").unwrap_err().to_string();
    assert!(empty.contains("has no table [verify]") && empty.contains("has no table [listener.verify]"), "{empty}");
}

#[test]
fn key_files_that_anybody_may_change_are_faults() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    std::fs::write(&file, config("", "")).unwrap();
    let keys = directory.path().join("one.jwks");
    std::fs::write(&keys, "{}").unwrap();
    let check = |mode| {
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(mode)).unwrap();
        VerifyConfig::load(&file, &|_| None).unwrap().check_files().to_string()
    };
    assert_eq!(check(0o644), "");
    assert!(check(0o666).contains("verify.issuer.1.jwks: anybody on this machine may change"), "{}", check(0o666));
}

#[test]
fn what_of_verification_waits_for_the_next_start_is_named() {
    let old = load(&config("", "")).unwrap();
    let same = load(&config("leeway = \"1s\"", "")).unwrap();
    assert_eq!(old.needs_restart(&same), Vec::<&str>::new());
    let other = load(&config("", "mode = \"shadow\"\n[workers]\nthreads = 3")).unwrap();
    assert_eq!(old.needs_restart(&other), ["[listener.*]", "[workers]"]);
}
