//! The keys of the listeners.

use super::shape::Key;
use super::shape::Standing::{Default, Optional, Required};
use super::shape::key;

const JWKS: &str = "Whether /.well-known/jwks.json is served here too.";

pub(in crate::config) const TOKEN_LISTENER: &[Key] = &[
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

const LISTEN: Key = key(
    "listen",
    Required("\"127.0.0.1:8080\""),
    "Address and port, or \"unix:/run/bob-auth.sock\" for a Unix socket; one or a list.",
);
const SOCKET_MODE: Key =
    key("socket_mode", Default("\"0660\""), "The permissions of a Unix socket, in octal: who may connect to it.");
const CERTIFICATE: Key =
    key("certificate", Optional("\"tls/server.pem\""), "A server certificate. Without it and private_key: plain HTTP.");
const PRIVATE_KEY: Key = key("private_key", Optional("\"tls/server.key\""), "Its private key.");
const TRUSTED_PEERS: Key = key(
    "trusted_peers",
    Default("[]"),
    "The proxies: addresses and networks such as \"10.0.0.0/8\"; \"unix\" for the Unix socket, whose file permissions \
     are the guard (implied if there is one). Default: nobody.",
);
const FINGERPRINT_HEADER: Key = key(
    "fingerprint_header",
    Optional("\"X-SSL-Client-SHA1\""),
    "The header with the SHA-1 fingerprint in hex. This one, certificate_header or both must be written.",
);
const CERTIFICATE_HEADER: Key =
    key("certificate_header", Optional("\"X-SSL-Client-Cert\""), "The header with the certificate itself.");
const CERTIFICATE_DIALECT: Key = key(
    "certificate_dialect",
    Optional("\"url-pem\""),
    "How the certificate is written in it: \"url-pem\" (nginx, AWS ALB), \"base64-der\" (HAProxy, Caddy, Traefik), \"rfc9440\" \
     or \"xfcc\" (Envoy).",
);
const SOURCE_HEADER: Key = key(
    "source_header",
    Optional("\"X-Forwarded-For\""),
    "The header with the client's address, for limits and audit.",
);
const SECRET_HEADER: Key =
    key("secret_header", Optional("\"X-Proxy-Secret\""), "A header by which the proxy shows that it is the proxy.");
const SECRET_FILE: Key = key(
    "secret_file",
    Optional("\"proxy-secret\""),
    "The file with what secret_header must hold; a newline at its end does not count.",
);

pub(in crate::config) const BEHIND_PROXY: &[Key] = &[
    LISTEN,
    SOCKET_MODE,
    CERTIFICATE,
    PRIVATE_KEY,
    TRUSTED_PEERS,
    FINGERPRINT_HEADER,
    CERTIFICATE_HEADER,
    CERTIFICATE_DIALECT,
    SOURCE_HEADER,
    SECRET_HEADER,
    SECRET_FILE,
    key("jwks", Default("false"), JWKS),
];

pub(in crate::config) const VERIFY_LISTENER: &[Key] = &[
    key(
        "listen",
        Required("\"127.0.0.1:9443\""),
        "Address and port, or \"unix:/run/bob-auth-verify.sock\" for a Unix socket; one or a list.",
    ),
    key(
        "mode",
        Default("\"enforce\""),
        "\"enforce\", or \"shadow\": everything passes, and what would have been refused is logged and counted. For a \
         roll-out, and for nothing else.",
    ),
    key(
        "original_request",
        Default("\"x-original\""),
        "Where method and path of the client's request stand, for rules: \"x-original\" (X-Original-Method and X-Original-URI: \
         nginx, HAProxy, Apache), \"x-forwarded\" (X-Forwarded-Method and X-Forwarded-Uri: Traefik, Caddy) or \"path\" (the \
         method of the question, and its path after /verify: Envoy).",
    ),
    key(
        "batch",
        Default("0"),
        "How many tokens one POST /verify with JSON may ask about, at most 1000; 0 switches that off.",
    ),
    key(
        "probe",
        Default("false"),
        "Whether GET /probe tells what the proxy handed over; for setting a proxy up, not for every day.",
    ),
    SOCKET_MODE,
    CERTIFICATE,
    PRIVATE_KEY,
    TRUSTED_PEERS,
    FINGERPRINT_HEADER,
    CERTIFICATE_HEADER,
    CERTIFICATE_DIALECT,
    SOURCE_HEADER,
    SECRET_HEADER,
    SECRET_FILE,
];

pub(in crate::config) const REGISTRY_LISTENER: &[Key] = &[
    key(
        "listen",
        Required("\"127.0.0.1:8444\""),
        "Address and port, or \"unix:/run/bob-auth-registry.sock\" for a Unix socket; one or a list.",
    ),
    SOCKET_MODE,
    CERTIFICATE,
    PRIVATE_KEY,
    key(
        "trusted_peers",
        Default("[]"),
        "The proxies whose source_header is believed: addresses and networks such as \"10.0.0.0/8\"; \"unix\" is implied if there is \
         a Unix socket.",
    ),
    SOURCE_HEADER,
];

pub(in crate::config) const INTERNAL: &[Key] = &[key(
    "listen",
    Default("\"127.0.0.1:9090\""),
    "Address and port, one or a list. Port 0 lets the system choose; \"off\" closes this listener.",
)];
