//! The keys of `[verify]` and of the tables below it.

use super::shape::Standing::{Default, Optional, Required};
use super::shape::{Key, key};

pub(in crate::config) const VERIFY: &[Key] = &[
    key(
        "allow",
        Required("[\"1:val\", \"*:ins\"]"),
        "Who may call at all: PID:CLASS, issuer and class of the token; * stands for any of either.",
    ),
    key(
        "metadata",
        Optional("\"metadata.jws\""),
        "The file with a signed metadata set, whose participants' keys are taken.",
    ),
    key(
        "metadata_trust",
        Optional("\"trust.jwks\""),
        "The file with the keys (a JWK set) of which one must have signed it. Written with metadata, and only then.",
    ),
    key(
        "registry",
        Default("false"),
        "Whether the keys of the metadata set of [registry] are taken. Not together with metadata.",
    ),
    key(
        "environment",
        Default("\"production\""),
        "\"production\", or \"test\": then the key that is printed in standards and signs the public test metadata may be a \
         trust anchor, and every start warns of it.",
    ),
    key("leeway", Default("\"60s\""), "How far the clocks of issuers and ours may be apart; at most 300s."),
    key("max_lifetime", Default("\"24h\""), "The longest life of a token that is accepted; at most 7d."),
    key(
        "holder_of_key",
        Default("\"required\""),
        "\"required\": a token counts only with the certificate it is bound to (bobHok); \"if-present\": one that is bound to none \
         counts without; \"dangerously-off\": nobody looks, and whoever gets hold of a token can use it.",
    ),
    key(
        "audience",
        Optional("\"https://api.example.org\""),
        "What aud must hold: a text, or a list of which one must be there. Without it, tokens that name an audience are \
         refused.",
    ),
    key("distrust_issuers", Default("[]"), "Issuers that are refused whatever their keys say, for example [99]."),
    key(
        "distrust_kids",
        Default("[]"),
        "Keys that are refused: their id, of whichever issuer, or PID/KID of one; for example [\"34/34:20240101_1\"].",
    ),
    key(
        "distrust_certificates",
        Default("[]"),
        "Certificates that are refused: SHA-1 or SHA-256 in hex. A SHA-256 counts only where the proxy hands over the \
         certificate itself.",
    ),
    key("cache", Default("16384"), "How many verified tokens are remembered, at most 1000000; 0 switches that off."),
    key("cache_bytes", Default("\"8MiB\""), "How much memory they may take, about."),
    key("refresh", Default("\"1h\""), "How often keys are fetched that come from a URL."),
];

pub(in crate::config) const ISSUER: &[Key] = &[
    key(
        "jwks",
        Optional("\"partner.jwks.json\""),
        "The file with its keys (a JWK set). This one or jwks_url must be written.",
    ),
    key(
        "jwks_url",
        Optional("\"https://auth.example.org/.well-known/jwks.json\""),
        "Or the URL at which it publishes them.",
    ),
    key("ca", Optional("\"partner-ca.pem\""), "The CA of that URL's server, PEM, if the system does not know it."),
];

pub(in crate::config) const RULE: &[Key] = &[
    key(
        "path",
        Required("\"/validation\""),
        "The path of the client's request, and everything below it. Where several rules fit, the longest path decides.",
    ),
    key(
        "methods",
        Optional("[\"GET\", \"POST\"]"),
        "The methods it is about, spelt exactly. Without it: every method.",
    ),
    key("allow", Required("[\"1:val\"]"), "Who may call it, as in verify.allow; both must agree."),
];
