//! The rules of a service that takes tokens, in the order in which they are asked about.

use crate::cli::conformance::check::Check;

const MANUAL: &str = "BoB Manual, API Authentication and Authorization";

pub(super) static TLS: Check =
    Check::must("api.tls", "The server speaks TLS 1.2 or later.", "RFC 9325 section 3.1.1 (BCP 195)");
pub(super) static TLS_1_3: Check =
    Check::should("api.tls_1_3", "The server speaks TLS 1.3.", "RFC 9325 section 3.1.1 (BCP 195)");
pub(super) static TLS_CERTIFICATE: Check = Check::must(
    "api.tls_certificate",
    "The server's own certificate verifies for its name.",
    "RFC 9110 section 4.3.4, RFC 9525",
);
pub(super) static GOOD_TOKEN: Check =
    Check::must("api.good_token", "A good token with its certificate is not refused.", MANUAL);
pub(super) static HEADER_NAME: Check =
    Check::must("api.header_name", "The token's header is known in lower and upper case.", "RFC 9110 section 5.1");
pub(super) static NO_TOKEN: Check = Check::must("api.no_token", "A request without a token gets 401.", MANUAL);
pub(super) static EMPTY_TOKEN: Check = Check::must("api.empty_token", "An empty token is refused.", MANUAL);
pub(super) static GARBAGE: Check =
    Check::must("api.garbage", "What is no token is refused, and upsets nobody.", "RFC 7515 section 5.2");
pub(super) static HUGE_TOKEN: Check = Check::must(
    "api.huge_token",
    "A token of 20,000 characters is refused with 4xx.",
    "RFC 9110 section 15.5, RFC 6585 section 5",
);
pub(super) static TWO_TOKENS: Check = Check::should(
    "api.two_tokens",
    "Two tokens in one request are refused: readers disagree which of them counts.",
    "RFC 9110 section 5.3",
);
pub(super) static SCHEME: Check = Check::should(
    "api.scheme",
    "X-BoB-AuthToken holds the token alone: with a scheme before it, it is refused.",
    MANUAL,
);
pub(super) static AUTHORIZATION: Check =
    Check::should("api.authorization", "A token in Authorization is not taken for one in X-BoB-AuthToken.", MANUAL);
pub(super) static CHANGED_PAYLOAD: Check = Check::must(
    "api.changed_payload",
    "A token with another class or a later end written into it is refused.",
    "RFC 7515 section 5.2",
);
pub(super) static CHANGED_SIGNATURE: Check = Check::must(
    "api.changed_signature",
    "A token with one bit of its signature changed is refused.",
    "RFC 7515 section 5.2",
);
pub(super) static NO_SIGNATURE: Check =
    Check::must("api.no_signature", "A token without its signature is refused.", "RFC 7515 section 5.2");
pub(super) static ALG_NONE: Check = Check::must(
    "api.alg_none",
    "alg none, however it is spelt, is refused.",
    "RFC 8725 sections 2.1 and 3.1; RFC 7518 section 3.6",
);
pub(super) static ALG_CONFUSION: Check = Check::must(
    "api.alg_confusion",
    "HS256 with the issuer's public key as its secret is refused.",
    "RFC 8725 sections 2.1 and 3.1",
);
pub(super) static OWN_KEY: Check = Check::must(
    "api.own_key",
    "A token that a self-made key signed is refused, though it names the issuer and its kid.",
    MANUAL,
);
pub(super) static UNKNOWN_KID: Check =
    Check::must("api.unknown_kid", "A token whose kid the issuer has not published is refused.", MANUAL);
pub(super) static UNKNOWN_ISSUER: Check =
    Check::must("api.unknown_issuer", "A token of an issuer that nobody knows is refused.", MANUAL);
pub(super) static EMBEDDED_KEY: Check = Check::must(
    "api.embedded_key",
    "A key that a token brings itself (jwk) verifies nothing.",
    "RFC 8725 section 3.10; RFC 7515 section 4.1.3",
);
pub(super) static KID_PATH: Check = Check::must(
    "api.kid_path",
    "A kid that is a path, a statement or a URL opens nothing and upsets nobody.",
    "RFC 8725 section 3.10",
);
pub(super) static EXTRA_PARTS: Check =
    Check::must("api.extra_parts", "A token with more or fewer parts than three is refused.", "RFC 7515 section 7.1");
pub(super) static NO_CERTIFICATE: Check =
    Check::must("api.no_certificate", "A bound token without a certificate gets 401.", MANUAL);
pub(super) static OTHER_CERTIFICATE: Check =
    Check::must("api.other_certificate", "A bound token with a stranger's certificate gets 401.", MANUAL);
pub(super) static NAMESAKE: Check = Check::must(
    "api.namesake",
    "A bound token with a certificate of the same subject, issuer and serial number gets 401.",
    MANUAL,
);
pub(super) static OTHER_CLIENT: Check =
    Check::must("api.other_client", "A bound token with the certificate of another client gets 401.", MANUAL);
pub(super) static RESUMED_SESSION: Check = Check::must(
    "api.resumed_session",
    "A bound token is accepted in a TLS session that its certificate began and that is taken up again.",
    "RFC 8446 section 2.2, RFC 5246 appendix F.1.4",
);
pub(super) static FORGED_ALONE: Check = Check::must(
    "api.forged_header_alone",
    "Who shows no certificate is not believed a header with the fingerprint of the token's.",
    MANUAL,
);
pub(super) static FORGED_STRANGER: Check = Check::must(
    "api.forged_header_stranger",
    "A stranger's certificate is not outdone by a header with the fingerprint of the token's.",
    MANUAL,
);
pub(super) static FORGED_RESULT: Check = Check::must(
    "api.forged_result",
    "Headers in which a proxy says who was let in are not believed in place of a token.",
    MANUAL,
);
pub(super) static EXPIRED_TOKEN: Check = Check::must(
    "api.expired_token",
    "A token that has expired gets 401.",
    "BoB Manual, API Authentication and Authorization; RFC 7519 section 4.1.4",
);
pub(super) static FORBIDDEN_TOKEN: Check =
    Check::must("api.forbidden_token", "A good token of somebody who may not do this gets 403.", MANUAL);
pub(super) static REFUSED_WITH_401: Check =
    Check::should("api.refused_with_401", "A token that is not accepted gets 401, and no other 4xx.", MANUAL);
pub(super) static WWW_AUTHENTICATE: Check =
    Check::must("api.www_authenticate", "401 says in WWW-Authenticate what is wanted.", "RFC 9110 section 11.6.1");
pub(super) static NOT_CACHEABLE: Check =
    Check::should("api.not_cacheable", "No cache may keep a refusal.", "RFC 9111 sections 3 and 4.2.2");
pub(super) static NO_ECHO: Check = Check::must(
    "api.no_echo",
    "A refusal does not repeat the token: answers end up in logs.",
    "RFC 6750 section 5.2 for the principle",
);
pub(super) static NO_REDIRECT: Check = Check::should(
    "api.no_redirect",
    "No answer sends a client with its token elsewhere.",
    "RFC 9110 section 15.4, RFC 9700 section 4.12 for the principle",
);
pub(super) static STILL_GOOD: Check = Check::must(
    "api.still_good",
    "The good token is accepted again after all that: it counts until it expires.",
    "RFC 7519 section 4.1.4",
);

/// The rules, in the order in which they are asked about.
pub(in crate::cli::conformance) const CHECKS: &[&Check] = &[
    &TLS,
    &TLS_1_3,
    &TLS_CERTIFICATE,
    &GOOD_TOKEN,
    &HEADER_NAME,
    &NO_TOKEN,
    &EMPTY_TOKEN,
    &GARBAGE,
    &HUGE_TOKEN,
    &TWO_TOKENS,
    &SCHEME,
    &AUTHORIZATION,
    &CHANGED_PAYLOAD,
    &CHANGED_SIGNATURE,
    &NO_SIGNATURE,
    &ALG_NONE,
    &ALG_CONFUSION,
    &OWN_KEY,
    &UNKNOWN_KID,
    &UNKNOWN_ISSUER,
    &EMBEDDED_KEY,
    &KID_PATH,
    &EXTRA_PARTS,
    &NO_CERTIFICATE,
    &OTHER_CERTIFICATE,
    &NAMESAKE,
    &OTHER_CLIENT,
    &RESUMED_SESSION,
    &FORGED_ALONE,
    &FORGED_STRANGER,
    &FORGED_RESULT,
    &EXPIRED_TOKEN,
    &FORBIDDEN_TOKEN,
    &REFUSED_WITH_401,
    &WWW_AUTHENTICATE,
    &NOT_CACHEABLE,
    &NO_ECHO,
    &NO_REDIRECT,
    &STILL_GOOD,
];
