//! The keys of `[registry]`, the tables below it, and `[rotation]`.

use super::pop::{POP_ANSWER_HEADER, POP_HEADERS, POP_REQUEST_HEADER, POP_REQUIRED, POP_SCHEME, POP_WINDOW};
use super::shape::Standing::{Default, Optional, Required};
use super::shape::{Key, key};

pub(in crate::config) const REGISTRY: &[Key] = &[
    key(
        "url",
        Required("\"https://registry.example.org/api/v2\""),
        "Where the Participant Metadata API is, up to and including its base path.",
    ),
    key("ca", Optional("\"registry-ca.pem\""), "The CA of its server, PEM, if the system does not know it."),
    key(
        "trust",
        Required("\"trust.jwks\""),
        "The file with the keys (a JWK set) of the administering body, of which one must have signed a metadata set.",
    ),
    key(
        "answer_trust",
        Optional("\"answers.jwks\""),
        "The file with the keys that sign the registry's answers, if they are not those of trust.",
    ),
    key(
        "environment",
        Default("\"production\""),
        "\"production\", or \"test\": then the key that is printed in standards may be a trust anchor, and every start warns \
         of it.",
    ),
    key(
        "cache",
        Default("\"metadata.jws\""),
        "The file in which the last good metadata set is kept, so that a start does not depend on the registry.",
    ),
    key(
        "refresh",
        Default("\"1h\""),
        "How often the set is fetched at least. The set's own interval and the answer's max-age may make it more often.",
    ),
    key(
        "grace",
        Default("\"0s\""),
        "How long a set may be used after its end (notvalidafter), at most 7d. The standard says: not at all.",
    ),
    key("timeout", Default("\"10s\""), "How long one request may take."),
    POP_SCHEME,
    POP_REQUEST_HEADER,
    POP_ANSWER_HEADER,
    POP_WINDOW,
    POP_REQUIRED,
    POP_HEADERS,
];

pub(in crate::config) const REGISTRY_PARTICIPANT: &[Key] = &[
    key(
        "metadata_key",
        Required("\"metadata-34.key\""),
        "The private metadata key, PEM; readable by nobody else (mode 0600). Encrypted, it has the passphrase of [keys].",
    ),
    key("metadata_kid", Required("\"34:metadata_1\""), "Its id, as it was told to the administering body."),
];

pub(in crate::config) const ROTATION: &[Key] = &[
    key(
        "automatic",
        Default("false"),
        "Whether a running service makes, publishes, activates and withdraws keys by itself. Needs [registry].",
    ),
    key("every", Default("\"90d\""), "How long a key signs before the next one takes over."),
    key(
        "wait",
        Default("\"25h\""),
        "How long a key must have been in the metadata set before it signs: the longest that a partner may go without a new set.",
    ),
    key(
        "leeway",
        Default("\"10m\""),
        "How long a key stays published after its last token expired, for verifiers whose clocks are late.",
    ),
    key("algorithm", Default("\"ES256\""), "What new keys are for: \"ES256\" or \"RS256\"."),
    key("check_every", Default("\"1m\""), "How often is looked what is due."),
    key("alarm_after", Default("\"1d\""), "How long a step may fail before it is an alarm and not a warning."),
];
