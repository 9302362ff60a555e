//! The one table of keys. The reader takes the defaults and the known names from it, the template and the reference their
//! words; what a value must look like is in the sections' own files.

mod listeners;
mod pop;
mod registry;
mod registry_server;
mod shape;
mod verify;

use std::fmt::Write as _;

use self::listeners::{BEHIND_PROXY, INTERNAL, REGISTRY_LISTENER, TOKEN_LISTENER, VERIFY_LISTENER};
use self::registry::{REGISTRY, REGISTRY_PARTICIPANT, ROTATION};
use self::registry_server::REGISTRY_SERVER;
use self::shape::Standing::{Default, Optional, Required};
pub(super) use self::shape::{Chosen, Key, Section, Standing};
use self::shape::{key, section, switched_off};
use self::verify::{ISSUER, RULE, VERIFY};

/// Every table of the file, in the order of the template.
pub(super) const SECTIONS: &[Section] = &[
    section("", "", ROOT),
    section("store", "Where the state lives: participants, entities, certificates, the audit trail.", STORE),
    section("keys", "The private keys that sign tokens.", KEYS),
    section("token", "What tokens look like, for every participant that has no table of its own below.", TOKEN),
    Section {
        path: "participant.PID.token",
        always: false,
        as_in: Some("token"),
        about: "The same keys for the tokens of one participant, whose id stands in the name of the table. What is not written here is as in \
                [token]; lifetime_by_class is replaced whole.",
        keys: TOKEN,
    },
    switched_off(
        "registry",
        "The participant metadata registry: where keys are published, and where the signed metadata set comes from.",
        REGISTRY,
    ),
    switched_off(
        "registry.participant.PID",
        "A participant that publishes from here, whose id stands in the name of the table.",
        REGISTRY_PARTICIPANT,
    ),
    section("rotation", "The life of the keys that sign tokens, if it is to go on by itself.", ROTATION),
    switched_off(
        "verify",
        "Whose tokens are accepted where this program verifies tokens for other services. The keys come from signed \
         metadata, from tables [verify.issuer.PID], or from both.",
        VERIFY,
    ),
    switched_off(
        "verify.issuer.PID",
        "The keys of one issuer, whose id stands in the name of the table, where they come from no metadata.",
        ISSUER,
    ),
    switched_off(
        "verify.rule.NAME",
        "Who may call what, with a name of your choice that the log repeats. With any such table, a request that no rule covers \
         is refused; without one, verify.allow alone decides.",
        RULE,
    ),
    switched_off(
        "registry_server",
        "The participant metadata registry, for an administering body, a test environment or a laptop: participants publish their keys, \
         everybody reads the signed set of them. Off unless this table is written.",
        REGISTRY_SERVER,
    ),
    section("listener.token", "Token requests over mutual TLS that ends in this program.", TOKEN_LISTENER),
    switched_off(
        "listener.behind_proxy",
        "Token requests whose TLS ended at a reverse proxy, which names the client's certificate in a header. Off \
         unless this table is written. The proxy must remove those headers from what clients send.",
        BEHIND_PROXY,
    ),
    switched_off(
        "listener.verify",
        "Questions of reverse proxies whether a request may pass: forward authentication, for services in every language. Off \
         unless this table is written; needs [verify].",
        VERIFY_LISTENER,
    ),
    switched_off(
        "listener.registry",
        "The Participant Metadata API. Off unless this table is written; needs [registry_server].",
        REGISTRY_LISTENER,
    ),
    section(
        "listener.internal",
        "Health, metrics and the key set in plain HTTP, for the operator's own network.",
        INTERNAL,
    ),
    section("limits", "What one client may take. Each limit may be the word \"off\".", LIMITS),
    section("workers", "How much of the machine is used.", WORKERS),
    section("audit", "The audit trail in the store: one row per token request and per change.", AUDIT),
    section("log", "The log on standard error.", LOG),
    section("reload", "What a running service notices by itself. SIGHUP reloads everything.", RELOAD),
    section("shutdown", "What happens after SIGTERM.", SHUTDOWN),
];

const ROOT: &[Key] = &[key(
    "default_participant",
    Required("34"),
    "The participant id (pid) meant where a request or a command names none.",
)];

const STORE: &[Key] = &[key("path", Default("\"bob-auth.sqlite\""), "The SQLite file.")];

const KEYS: &[Key] = &[
    key(
        "directory",
        Default("\"keys\""),
        "The directory with one PKCS#8 PEM file per key; nobody else may write to it.",
    ),
    key(
        "passphrase_file",
        Optional("\"passphrase\""),
        "A file that holds the passphrase of encrypted key files; a newline at its end does not count.",
    ),
    key(
        "passphrase_env",
        Optional("\"BOB_AUTH_PASSPHRASE\""),
        "Or the name of the environment variable that holds it. Write one of the two, not both.",
    ),
];

const TOKEN: &[Key] = &[
    key("lifetime", Default("\"1h\""), "How long a token lives unless its class or entity says otherwise."),
    key("max_lifetime", Default("\"24h\""), "The longest lifetime any entity may be given; at most 7d."),
    key(
        "lifetime_by_class",
        Default("{}"),
        "Lifetimes for single classes, for example { ins = \"8h\" }. The standard's classes are val, ins, tvm and pos.",
    ),
    key(
        "nbf_backdate",
        Default("\"0s\""),
        "How far before the time of issue nbf lies, for verifiers whose clocks are late; at most 1h.",
    ),
    key("jti", Default("false"), "Whether each token has an id of its own (jti)."),
    key(
        "audience",
        Optional("\"https://example.org\""),
        "What aud holds: a text or a list. Without it tokens have none.",
    ),
    key(
        "certificate_binding",
        Default("\"sha1\""),
        "How a token names its certificate: \"sha1\" (bobHok) or \"sha1+sha256\" (bobHok and cnf.x5t#S256).",
    ),
    key(
        "expired_certificates",
        Default("\"accept\""),
        "Whether an enrolled certificate serves beyond its own end: \"accept\" or \"refuse\".",
    ),
    key("hok_case", Default("\"lower\""), "The case of the hex digits in bobHok: \"lower\" or \"upper\"."),
];

const LIMITS: &[Key] = &[
    key("handshake_time", Default("\"5s\""), "From the start of a connection to the end of its TLS handshake."),
    key("header_time", Default("\"5s\""), "To the end of a request's head."),
    key("idle_time", Default("\"75s\""), "How long a connection may stay without a request."),
    key(
        "header_bytes",
        Default("\"16KiB\""),
        "The size of a request's head: a number of bytes, or text with B, KiB or MiB.",
    ),
    key("connections", Default("8000"), "Connections at once, per listener; each takes two file handles."),
    key(
        "requests_per_fingerprint",
        Default("\"10/s\""),
        "Requests with one certificate, in the long run: a number per second, minute or hour (\"20/s\", \"600/m\", \"1000/h\").",
    ),
    key("burst_per_fingerprint", Default("50"), "How many of them may come at once after a pause."),
    key("requests_per_source", Default("\"100/s\""), "Requests from one address, in the long run."),
    key("burst_per_source", Default("500"), "How many of them may come at once after a pause."),
];

const WORKERS: &[Key] = &[key("threads", Default("0"), "Threads that serve requests; 0 means one per core.")];

const AUDIT: &[Key] = &[
    key("keep", Default("\"400d\""), "How long a row is kept, or \"off\" to keep rows for ever."),
    key("queue", Default("65536"), "How many rows may wait to be written."),
];

const LOG: &[Key] = &[
    key("format", Default("\"auto\""), "\"json\", \"pretty\", or \"auto\": pretty on a terminal, JSON elsewhere."),
    key(
        "level",
        Default("\"info\""),
        "error, warn, info, debug, trace or off; also per module: \"info,bob_auth=debug\".",
    ),
    key("access", Default("true"), "Whether every request gets a line."),
];

const RELOAD: &[Key] = &[
    key("watch_files", Default("true"), "Whether changed certificate and key files are taken up while running."),
    key("poll_store", Default("\"250ms\""), "How often the store is asked whether a command has changed something."),
];

const SHUTDOWN: &[Key] = &[
    key(
        "delay",
        Default("\"0s\""),
        "How long \"not ready\" is answered before the listeners close, for load balancers.",
    ),
    key("drain", Default("\"10s\""), "How long requests under way may take after that."),
];

/// The section with this pattern of a path.
pub(super) fn section_at(pattern: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.path == pattern)
}

/// What a key looks like when it is written in the table with this path.
pub(super) fn sample(path: &str, name: &str) -> Option<&'static str> {
    let key = SECTIONS.iter().find(|section| section.covers(path))?.keys.iter().find(|key| key.name == name)?;
    let (Default(value) | Optional(value) | Required(value)) = key.standing;
    Some(value)
}

/// The names of the tables right below this pattern of a path, without repetition.
pub(super) fn tables_below(pattern: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for section in SECTIONS {
        let rest = if pattern.is_empty() {
            Some(section.path)
        } else {
            section.path.strip_prefix(pattern).and_then(|rest| rest.strip_prefix('.'))
        };
        let name = rest.and_then(|rest| rest.split('.').next()).filter(|name| !name.is_empty());
        if let Some(name) = name
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// A document with every default in it.
pub(super) fn defaults_document() -> String {
    let mut text = String::new();
    for section in SECTIONS.iter().filter(|section| !section.is_pattern()) {
        if !section.path.is_empty() {
            let _ = writeln!(text, "[{}]", section.path);
        }
        for key in section.keys {
            if let Default(value) = key.standing {
                let _ = writeln!(text, "{} = {value}", key.name);
            }
        }
    }
    text
}
