//! The one table of keys. The reader takes the defaults and the known names from it, the template and the reference their
//! words; what a value must look like is in the sections' own files.

use std::fmt::Write as _;

/// A table of the file.
pub(super) struct Section {
    /// Its path with dots; `*` stands for a participant id, the empty path for the top of the file.
    pub(super) path: &'static str,
    /// Whether it is in force without being written.
    pub(super) always: bool,
    /// What it is for.
    pub(super) about: &'static str,
    /// Its keys in the order of the template.
    pub(super) keys: &'static [Key],
}

/// A key of the file.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) standing: Standing,
    /// What it does and which values it takes.
    pub(super) about: &'static str,
}

/// What happens if a key is not written. The texts are TOML values.
#[derive(Clone, Copy)]
pub(super) enum Standing {
    /// This value holds.
    Default(&'static str),
    /// Nothing; an example of a value.
    Optional(&'static str),
    /// A fault; an example of a value.
    Required(&'static str),
}

use Standing::{Default, Optional, Required};

const fn key(name: &'static str, standing: Standing, about: &'static str) -> Key {
    Key { name, standing, about }
}

const fn section(path: &'static str, about: &'static str, keys: &'static [Key]) -> Section {
    Section { path, always: true, about, keys }
}

/// Every table of the file, in the order of the template.
pub(super) const SECTIONS: &[Section] = &[
    section("", "", ROOT),
    section("store", "Where the state lives: participants, entities, certificates, the audit trail.", STORE),
    section("keys", "The private keys that sign tokens.", KEYS),
    section("token", "What tokens look like, for every participant that has no table of its own below.", TOKEN),
    Section {
        path: "participant.*.token",
        always: false,
        about: "The same keys for the tokens of one participant, whose id stands in the name of the table. What is not written here is as in \
                [token]; lifetime_by_class is replaced whole.",
        keys: TOKEN,
    },
    section("listener.token", "Token requests over mutual TLS that ends in this program.", LISTENER_TOKEN),
    Section {
        path: "listener.behind_proxy",
        always: false,
        about: "Token requests whose TLS ended at a reverse proxy, which names the client's certificate in a header. Off \
                unless this table is written. The proxy must remove those headers from what clients send.",
        keys: LISTENER_BEHIND_PROXY,
    },
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

const JWKS: &str = "Whether /.well-known/jwks.json is served here too.";

const LISTENER_TOKEN: &[Key] = &[
    key(
        "listen",
        Default("\"127.0.0.1:8443\""),
        "Address and port, one or a list. Port 0 lets the system choose; \"off\" closes this listener.",
    ),
    key("certificate", Default("\"tls/server.pem\""), "The server's certificate, followed by its intermediates, PEM."),
    key("private_key", Default("\"tls/server.key\""), "Its private key, PEM; readable by nobody else (mode 0600)."),
    key("min_tls", Default("\"1.2\""), "The oldest version of TLS that is spoken: \"1.2\" or \"1.3\"."),
    key("session_tickets", Default("0"), "How many session tickets a TLS 1.3 handshake hands out, 0 to 2."),
    key("session_resumption_tls12", Default("true"), "Whether TLS 1.2 sessions may be resumed."),
    key("jwks", Default("false"), JWKS),
];

const LISTENER_BEHIND_PROXY: &[Key] = &[
    key(
        "listen",
        Required("\"127.0.0.1:8080\""),
        "Address and port, or \"unix:/run/bob-auth.sock\" for a Unix socket; one or a list.",
    ),
    key("socket_mode", Default("\"0660\""), "The permissions of a Unix socket, in octal: who may connect to it."),
    key("certificate", Optional("\"tls/server.pem\""), "A server certificate. Without it and private_key: plain HTTP."),
    key("private_key", Optional("\"tls/server.key\""), "Its private key."),
    key(
        "trusted_peers",
        Default("[]"),
        "The proxies: addresses and networks such as \"10.0.0.0/8\"; \"unix\" for the Unix socket, whose file permissions \
         are the guard (implied if there is one). Default: nobody.",
    ),
    key(
        "fingerprint_header",
        Optional("\"X-SSL-Client-SHA1\""),
        "The header with the SHA-1 fingerprint in hex. This one, certificate_header or both must be written.",
    ),
    key("certificate_header", Optional("\"X-SSL-Client-Cert\""), "The header with the certificate itself."),
    key(
        "certificate_dialect",
        Optional("\"url-pem\""),
        "How the certificate is written in it: \"url-pem\" (nginx, AWS ALB), \"base64-der\" (HAProxy, Caddy, Traefik), \"rfc9440\" \
         or \"xfcc\" (Envoy).",
    ),
    key(
        "source_header",
        Optional("\"X-Forwarded-For\""),
        "The header with the client's address, for limits and audit.",
    ),
    key("secret_header", Optional("\"X-Proxy-Secret\""), "A header by which the proxy shows that it is the proxy."),
    key(
        "secret_file",
        Optional("\"proxy-secret\""),
        "The file with what secret_header must hold; a newline at its end does not count.",
    ),
    key("jwks", Default("false"), JWKS),
];

const INTERNAL: &[Key] = &[key(
    "listen",
    Default("\"127.0.0.1:9090\""),
    "Address and port, one or a list. Port 0 lets the system choose; \"off\" closes this listener.",
)];

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

/// What a key looks like when it is written.
pub(super) fn sample(section: &str, name: &str) -> Option<&'static str> {
    let key = section_at(section)?.keys.iter().find(|key| key.name == name)?;
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
    for section in SECTIONS.iter().filter(|section| !section.path.contains('*')) {
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
