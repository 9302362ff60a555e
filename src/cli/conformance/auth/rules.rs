//! The rules of an Authentication API, in the order in which they are asked about.

use crate::cli::conformance::check::Check;

const BOB: &str = "BoB Authentication API 1.3.3, GET /auth/{entityId}";
const MANUAL: &str = "BoB Manual, API Authentication and Authorization";

pub(super) static TLS: Check =
    Check::must("auth.tls", "The server speaks TLS 1.2 or later.", "RFC 9325 section 3.1.1 (BCP 195)");
pub(super) static TLS_1_3: Check =
    Check::should("auth.tls_1_3", "The server speaks TLS 1.3.", "RFC 9325 section 3.1.1 (BCP 195)");
pub(super) static TLS_CERTIFICATE: Check = Check::must(
    "auth.tls_certificate",
    "The server's own certificate verifies for its name.",
    "RFC 9110 section 4.3.4, RFC 9525",
);
pub(super) static NO_CERTIFICATE: Check =
    Check::must("auth.no_certificate", "Who shows no certificate gets 401, and not a broken handshake.", BOB);
pub(super) static STRANGER: Check = Check::must(
    "auth.stranger",
    "A self-made certificate that is not enrolled gets 401, and not a broken handshake: BoB needs no PKI.",
    BOB,
);
pub(super) static NAMESAKE: Check = Check::must(
    "auth.namesake",
    "A stranger's certificate with subject, issuer and serial number of an enrolled one gets 401.",
    BOB,
);
pub(super) static EXPIRED_STRANGER: Check = Check::should(
    "auth.expired_stranger",
    "The dates of a certificate break no handshake: one that is not enrolled gets 401 though they are over.",
    MANUAL,
);
pub(super) static CERTIFICATE_FIRST: Check = Check::must(
    "auth.certificate_first",
    "The certificate is looked at before the entity: a stranger gets 401 whichever entity is asked for.",
    BOB,
);
pub(super) static FORGED_ALONE: Check = Check::must(
    "auth.forged_header_alone",
    "Who shows no certificate is not believed a header with the fingerprint of one.",
    MANUAL,
);
pub(super) static FORGED_STRANGER: Check = Check::must(
    "auth.forged_header_stranger",
    "A stranger is not believed a header with the fingerprint of another certificate.",
    MANUAL,
);
pub(super) static FORGED_OWN: Check = Check::must(
    "auth.forged_header_own",
    "Who is enrolled is asked about the certificate that was shown, whatever a header says.",
    MANUAL,
);
pub(super) static UNKNOWN_ENTITY: Check =
    Check::must("auth.unknown_entity", "An entity that there is not gets 404.", BOB);
pub(super) static OTHER_ENTITY: Check =
    Check::must("auth.other_entity", "An entity that this certificate may not ask for gets 404.", BOB);
pub(super) static OTHER_ENTITY_ALIKE: Check = Check::should(
    "auth.other_entity_alike",
    "Somebody else's entity and one that there is not are answered alike: nobody learns which entities there are.",
    MANUAL,
);
pub(super) static OTHER_CERTIFICATE: Check =
    Check::must("auth.other_certificate", "An enrolled certificate of somebody else gets 404.", BOB);
pub(super) static WWW_AUTHENTICATE: Check =
    Check::must("auth.www_authenticate", "401 says in WWW-Authenticate what is wanted.", "RFC 9110 section 15.5.2");
pub(super) static TOKEN_GIVEN: Check =
    Check::must("auth.token_given", "The enrolled certificate and its entity get 200.", BOB);
pub(super) static CONTENT_TYPE: Check = Check::must("auth.content_type", "A token comes as application/json.", BOB);
pub(super) static NO_STORE: Check = Check::should(
    "auth.no_store",
    "An answer with a token says Cache-Control: no-store.",
    "RFC 9111 section 5.2.2.5, RFC 6749 section 5.1",
);
pub(super) static BODY: Check =
    Check::must("auth.body", "A token comes in a JSON object that names no member twice.", "RFC 8259 section 4");
pub(super) static JWT_COMPACT: Check = Check::must(
    "auth.jwt_compact",
    "jwtCompact is there, and a JWS in compact serialisation with a JSON object in header and payload.",
    "BoB Authentication API 1.3.3, GET /auth/{entityId}; RFC 7515 section 7.1",
);
pub(super) static HEADER_REPEATED: Check =
    Check::must("auth.header_repeated", "header, where it is there, is what jwtCompact holds.", BOB);
pub(super) static PAYLOAD_REPEATED: Check =
    Check::must("auth.payload_repeated", "payload, where it is there, is what jwtCompact holds.", BOB);
pub(super) static ALG: Check = Check::must(
    "auth.alg",
    "alg is ES256 or RS256.",
    "BoB Authentication API 1.3.3; RFC 7515 section 4.1.1, RFC 8725 section 3.1",
);
pub(super) static KID: Check =
    Check::must("auth.kid", "kid is there, a string.", "BoB Authentication API 1.3.3; RFC 7515 section 4.1.4");
pub(super) static PLAIN_HEADER: Check = Check::should(
    "auth.plain_header",
    "The header has no member that strict verifiers refuse: no key, no place to fetch one, no crit, no other typ than JWT.",
    "RFC 8725 sections 3.6, 3.10 and 3.11; RFC 7515 section 4.1.11",
);
pub(super) static ISS: Check = Check::must(
    "auth.iss",
    "iss is the participant's number, as a string of digits.",
    "BoB Authentication API 1.3.3; RFC 7519 section 4.1.1",
);
pub(super) static SUB: Check = Check::must(
    "auth.sub",
    "sub is the entity that was asked for.",
    "BoB Authentication API 1.3.3; RFC 7519 section 4.1.2",
);
pub(super) static EXP: Check = Check::must(
    "auth.exp",
    "exp is there, a whole number of seconds, and lies ahead.",
    "BoB Authentication API 1.3.3; RFC 7519 sections 2 and 4.1.4",
);
pub(super) static IAT: Check = Check::must(
    "auth.iat",
    "iat, where it is there, is a whole number of seconds that does not lie ahead.",
    "RFC 7519 sections 2 and 4.1.6",
);
pub(super) static NBF: Check = Check::must(
    "auth.nbf",
    "nbf, where it is there, is a whole number of seconds that does not lie ahead.",
    "RFC 7519 sections 2 and 4.1.5",
);
pub(super) static LIFETIME: Check = Check::should(
    "auth.lifetime",
    "A token counts for no longer than 24 hours; an hour is customary.",
    "BoB Manual, API Authentication and Authorization; RFC 8725 section 2.8",
);
pub(super) static BOB_AUTHZ: Check =
    Check::must("auth.bob_authz", "bobAuthZ is there, a string that is not empty.", "BoB Authentication API 1.3.3");
pub(super) static BOB_HOK: Check = Check::should(
    "auth.bob_hok",
    "bobHok is there: the token is bound to a certificate.",
    "BoB Authentication API 1.3.3",
);
pub(super) static BOB_HOK_FORM: Check =
    Check::must("auth.bob_hok_form", "bobHok is 40 hex digits in lower case.", "BoB Authentication API 1.3.3");
pub(super) static BOB_HOK_TRUE: Check = Check::must(
    "auth.bob_hok_true",
    "bobHok is the SHA-1 fingerprint of the certificate that was shown.",
    "BoB Authentication API 1.3.3; RFC 8705 section 3 for the principle",
);
pub(super) static SIGNATURE_FORM: Check = Check::must(
    "auth.signature_form",
    "The signature has the form of its algorithm: 64 bytes for ES256, 256 to 1024 for RS256.",
    "RFC 7518 sections 3.3 and 3.4",
);
pub(super) static KEY_PUBLISHED: Check =
    Check::must("auth.key_published", "The key that kid names is among the issuer's published ones.", MANUAL);
pub(super) static SIGNATURE: Check =
    Check::must("auth.signature", "The signature verifies with the published key.", "RFC 7515 section 5.2");
pub(super) static SECOND_TOKEN: Check = Check::must(
    "auth.second_token",
    "Whoever asks again gets a token again, which keeps every rule that the first one kept.",
    BOB,
);
pub(super) static RESUMED_SESSION: Check = Check::must(
    "auth.resumed_session",
    "A TLS session that is taken up again counts for the certificate with which it began.",
    "RFC 8446 section 2.2, RFC 5246 appendix F.1.4",
);
pub(super) static ODD_ENTITIES: Check = Check::must(
    "auth.odd_entities",
    "What cannot be an entity id (encoded slashes, control characters, broken UTF-8, nothing at all) is refused with 4xx.",
    "BoB Authentication API 1.3.3, GET /auth/{entityId}; RFC 9110 section 15.5",
);
pub(super) static LONG_ENTITY: Check = Check::must(
    "auth.long_entity",
    "An entity id of 4,000 characters is refused with 4xx.",
    "BoB Authentication API 1.3.3, GET /auth/{entityId}; RFC 9110 section 15.5.15",
);
pub(super) static OTHER_METHODS: Check = Check::must(
    "auth.other_methods",
    "Another method than GET gets no token: 405 or 404.",
    "BoB Authentication API 1.3.3; RFC 9110 section 15.5.6",
);
pub(super) static ALLOW: Check =
    Check::should("auth.allow", "405 says in Allow which methods there are.", "RFC 9110 section 15.5.6");
pub(super) static HEAD: Check = Check::should(
    "auth.head",
    "HEAD is answered without a body: as GET would be, or refused.",
    "RFC 9110 section 9.3.2",
);
pub(super) static NO_REDIRECT: Check =
    Check::should("auth.no_redirect", "No answer sends a client with its certificate elsewhere.", BOB);
pub(super) static NO_PRIVATE_KEY: Check =
    Check::must("auth.no_private_key", "No answer holds a private key, in PEM or as a JWK.", "RFC 7517 section 9.2");

/// The rules, in the order in which they are asked about.
pub(in crate::cli::conformance) const CHECKS: &[&Check] = &[
    &TLS,
    &TLS_1_3,
    &TLS_CERTIFICATE,
    &NO_CERTIFICATE,
    &STRANGER,
    &NAMESAKE,
    &EXPIRED_STRANGER,
    &CERTIFICATE_FIRST,
    &FORGED_ALONE,
    &FORGED_STRANGER,
    &FORGED_OWN,
    &UNKNOWN_ENTITY,
    &OTHER_ENTITY,
    &OTHER_ENTITY_ALIKE,
    &OTHER_CERTIFICATE,
    &WWW_AUTHENTICATE,
    &TOKEN_GIVEN,
    &CONTENT_TYPE,
    &NO_STORE,
    &BODY,
    &JWT_COMPACT,
    &HEADER_REPEATED,
    &PAYLOAD_REPEATED,
    &ALG,
    &KID,
    &PLAIN_HEADER,
    &ISS,
    &SUB,
    &EXP,
    &IAT,
    &NBF,
    &LIFETIME,
    &BOB_AUTHZ,
    &BOB_HOK,
    &BOB_HOK_FORM,
    &BOB_HOK_TRUE,
    &SIGNATURE_FORM,
    &KEY_PUBLISHED,
    &SIGNATURE,
    &SECOND_TOKEN,
    &RESUMED_SESSION,
    &ODD_ENTITIES,
    &LONG_ENTITY,
    &OTHER_METHODS,
    &ALLOW,
    &HEAD,
    &NO_REDIRECT,
    &NO_PRIVATE_KEY,
];
