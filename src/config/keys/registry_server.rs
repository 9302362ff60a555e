//! The keys of `[registry_server]` and of its listener.

use super::pop::{POP_ANSWER_HEADER, POP_HEADERS, POP_REQUEST_HEADER, POP_REQUIRED, POP_SCHEME, POP_WINDOW};
use super::shape::Standing::{Default, Optional, Required};
use super::shape::{Key, key};

pub(in crate::config) const REGISTRY_SERVER: &[Key] = &[
    key("authid", Required("16"), "The participant id of the administering body, whose set it is."),
    key(
        "anchors",
        Default("\"anchors\""),
        "The directory with the private keys that sign the set and the answers, one PKCS#8 PEM file each; nobody else may write to it.",
    ),
    key(
        "passphrase_file",
        Optional("\"anchors-passphrase\""),
        "A file that holds the passphrase of encrypted files there; a newline at its end does not count.",
    ),
    key(
        "passphrase_env",
        Optional("\"BOB_AUTH_ANCHORS_PASSPHRASE\""),
        "Or the name of the environment variable that holds it. Write one of the two, not both.",
    ),
    key("set_valid_for", Default("\"7d\""), "How long a set may be used after it was built (notvalidafter)."),
    key(
        "renew_after",
        Default("\"24h\""),
        "A set of this age is built and signed again although nothing changed; shorter than set_valid_for.",
    ),
    key(
        "interval",
        Default("\"24h\""),
        "The refresh interval that the set tells those who read it; \"off\" leaves it out.",
    ),
    key(
        "max_age",
        Default("\"1h\""),
        "How long a set that was fetched may be kept before it is asked for again (Cache-Control).",
    ),
    key("fold_quiet", Default("\"1s\""), "A new set is built when nothing has changed for so long."),
    key(
        "fold_at_most",
        Default("\"10s\""),
        "Or, in a long burst of changes, after this time at the latest; not shorter than fold_quiet.",
    ),
    key(
        "while_folding",
        Default("\"conflict\""),
        "What readers of the set get meanwhile: \"conflict\" (409 with Retry-After, never for longer than fold_at_most) or \"last-set\".",
    ),
    key(
        "hosts",
        Default("[]"),
        "The names by which participants know this registry, with the port unless it is 443: a proof of possession counts only if it \
         was made for one of them. Without any, the addresses that it listens on.",
    ),
    key("body_bytes", Default("\"64KiB\""), "The size of a request's body."),
    key("requests_per_participant", Default("\"20/s\""), "Requests of one participant, in the long run; or \"off\"."),
    key("burst_per_participant", Default("200"), "How many of them may come at once after a pause."),
    key(
        "proofs",
        Default("262144"),
        "How many proofs of possession are remembered so that none counts twice; beyond that requests are refused (503). Each participant \
         that asks as often as it may fills 12000 of them.",
    ),
    POP_SCHEME,
    POP_REQUEST_HEADER,
    POP_ANSWER_HEADER,
    POP_WINDOW,
    POP_REQUIRED,
    POP_HEADERS,
];
