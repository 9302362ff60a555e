//! The rules for a registry, in the order in which they are asked about.

use crate::cli::conformance::check::Check;
use crate::cli::conformance::ledger::Judgement;

/// What was found out about a rule.
pub(super) type Finding = (&'static Check, Judgement);

const API: &str = "BoB Participant Metadata API 2.3.1";
const OBJECTS: &str = "BoB Participant Metadata API 2.3.1, objects";
const MTS4: &str = "BoB MTS 4";
const MTS5: &str = "BoB MTS 5, profile assumed";

macro_rules! rules {
    ($($name:ident $level:ident $id:literal $title:literal $source:expr;)*) => {
        $(pub(super) static $name: Check = Check::$level(concat!("metadata.", $id), $title, $source);)*

        /// All of them.
        pub(in crate::cli::conformance) const CHECKS: &[&Check] = &[$(&$name),*];
    };
}

rules! {
    // The set as it is served.
    SERVED must "served" "The whole set is given to everybody, without a proof." API;
    CONTENT_TYPE should "content_type" "The set is sent as JSON: application/json or application/jose+json." "RFC 7515 section 9.2";
    UNCODED should "uncoded" "Who does not ask for a compressed set gets none." "RFC 9110 section 12.5.3";
    ETAG should "etag" "The set has an ETag." MTS4;
    NOT_MODIFIED should "not_modified" "Who has the set already gets 304 for its ETag, and not the set again." "RFC 9110 section 13.1.2";
    MAX_AGE should "max_age" "Cache-Control says how long the set may be kept, and not beyond its end." MTS4;
    HEAD should "head" "HEAD says of the set what GET says, without the set." "RFC 9110 section 9.3.2";
    GZIP should "gzip" "Who takes gzip gets the same set compressed." "RFC 9110 section 8.4.1";
    STEADY must "steady" "A serial never falls, and of one serial there is one content." MTS4;
    // Its envelope.
    JWS must "jws" "The set is a JWS in JSON serialisation, general or flattened." "RFC 7515 section 7.2";
    NO_DUPLICATES must "no_duplicates" "No object in the set names a member twice, however it is spelt." "RFC 7515 section 4";
    ALG must "alg" "The protected header names ES256 or RS256, whichever the key is for." MTS4;
    KID must "kid" "The protected header names the key." MTS4;
    AUTHID must "authid" "The protected header names the authority." MTS4;
    SERIAL must "serial" "The protected header has the serial, a whole number." MTS4;
    NOT_VALID_AFTER must "not_valid_after" "The protected header has the end of the set, in ISO 8601 with a zone, in the future." MTS4;
    VALIDITY should "validity" "The set is good for two days or more, so that nobody stands still when the registry does." MTS4;
    INTERVAL should "interval" "The protected header says how often a new copy is made, within its validity." "BoB MTS 4, name assumed";
    PLAIN_HEADER must "plain_header" "No header brings a key along, or changes what the signature covers." "RFC 8725 section 3.10";
    UNPROTECTED must "unprotected" "What is said about the set stands in the protected header, and nowhere else." "RFC 7515 section 7.2.1";
    AGREEMENT must "agreement" "All signatures say the same about the set." MTS4;
    SIGNATURE must "signature" "A trust anchor signed the set, and nobody else in an anchor's name." MTS4;
    FALLBACK should "fallback" "The set is signed with each algorithm that the trust anchors have: primary and fallback." MTS4;
    KNOWN_ANCHOR must "known_anchor" "No key that is printed in a standard signs the set." "RFC 7515 appendix A";
    // What it says.
    PAYLOAD must "payload" "The payload is an array of participants." OBJECTS;
    PIDS must "pids" "Every participant has a pid, a positive whole number, of its own." OBJECTS;
    NAMES must "organisation_names" "Every participant has an organisationName." OBJECTS;
    DOMAIN_NAMES must "domain_names" "A domainName is a fully qualified domain name." OBJECTS;
    INFO must "info" "A participantInfo is an object." OBJECTS;
    KIDS must "kids" "Every key has a kid, unique in its list." OBJECTS;
    PUBLIC_KEYS must "public_keys" "No key comes with its private half." "RFC 7517 section 9.2";
    KEY_TYPES must "key_types" "Every key is EC with P-256, or RSA." OBJECTS;
    EC_KEYS must "ec_keys" "Every EC key is a point on P-256, its coordinates 32 bytes each." "RFC 7518 section 6.2.1, RFC 8725 section 3.4";
    RSA_KEYS must "rsa_keys" "Every RSA key has 2048 bits or more, and an odd exponent of 65537 or more." "RFC 7518 section 3.3";
    KEY_PURPOSE must "key_purpose" "No key says that it is not for checking signatures of ES256 or RS256." "RFC 7517 section 4";
    KNOWN_KEYS must "known_keys" "No participant's key is printed in a standard." "RFC 7515 appendix A";
    ONE_PURPOSE should "one_purpose" "A key stands in one list of one participant." "RFC 8725 section 2.8";
    TICKET_SCOPES should "ticket_scopes" "bob_sc of a ticket key is id or ticket." OBJECTS;
    ENDPOINT_IDS must "endpoint_ids" "Every endpoint has an endpointId, a whole number, unique in its list." OBJECTS;
    ENDPOINT_TYPES should "endpoint_types" "The type of an endpoint is an interface of BoB." OBJECTS;
    ENDPOINT_VERSIONS must "endpoint_versions" "The version of an endpoint is a positive whole number of 32 bits." OBJECTS;
    ENDPOINT_URIS must "endpoint_uris" "The uri of an endpoint is one." OBJECTS;
    ENDPOINT_HTTPS should "endpoint_https" "Endpoints are called over https." "BoB Manual, securing communication";
    TLSA must "tlsa" "A tlsa has usage, selector and type from 0 to 255, and data in hex." OBJECTS;
    LIFETIMES must "lifetimes" "A signatureLifetime is a duration of ISO 8601." OBJECTS;
    ISSUERS must "issuers" "A signature constraint names an issuer by its pid, each once." OBJECTS;
    ISSUERS_KNOWN should "issuers_known" "Issuers whose tickets are accepted are participants." OBJECTS;
    // Who proves nothing.
    PROOF_REQUIRED must "proof_required" "Everything but the whole set needs a proof of possession: 401." API;
    CHALLENGE should "challenge" "401 says in WWW-Authenticate what is wanted." "RFC 9110 section 15.5.2";
    TELLS_NOTHING should "tells_nothing" "Without a proof a participant that exists looks like one that does not." MTS5;
    NO_PROOF must "no_proof" "What is no proof is refused: 401, or 400." MTS5;
    STRANGER must "stranger" "A proof with a key that nobody knows is refused: 401." MTS5;
    STRANGER_TOLD_NOTHING should "stranger_told_nothing" "A key that nobody knows does not find out which participants exist." MTS5;
    ALG_NONE must "alg_none" "A proof without a signature is refused: 401." "RFC 8725 section 3.1";
    // A participant.
    OWN_READ must "own_read" "A participant that proves who it is reads what is its own." API;
    OWN_LISTS must "own_lists" "It reads each part of it." API;
    OWN_IN_SET should "own_in_set" "What it reads of its keys is what the set says." API;
    UNKNOWN_THING must "unknown_thing" "What there is not is not found: 404." API;
    OTHERS must "others" "It reads nothing of others." API;
    TAMPERED must "tampered" "A proof whose signature is not that of the key it names is refused: 401." MTS5;
    REPLAY must "replay" "A proof counts once." MTS5;
    OTHER_PATH must "other_path" "A proof for another path is refused: 401." MTS5;
    OTHER_METHOD must "other_method" "A proof for another method is refused: 401." MTS5;
    OTHER_HOST must "other_host" "A proof for another registry is refused: 401." MTS5;
    OLD must "old" "A proof of an hour ago is refused: 401." MTS5;
    FUTURE must "future" "A proof of an hour ahead is refused: 401." MTS5;
    ANSWER_SIGNED should "answer_signed" "Answers to a participant are signed, in X-BoB-Response-PoP." MTS5;
    ANSWER_VERIFIES should "answer_verifies" "The signature of an answer is that of the registry, for this answer to this request." MTS5;
    // Changes, if they are wanted.
    CREATED must "created" "POST of an endpoint answers 201." API;
    LOCATION must "location" "201 says in Location where the endpoint is, and has it in its body with its id." API;
    READ_BACK must "read_back" "The endpoint reads as it was written." API;
    PUT must "put" "PUT of the endpoint answers 204, and it is another then." API;
    UNACCEPTABLE must "unacceptable" "An endpoint with the version 0 is refused: 422, or 400." API;
    REASON must "reason" "422 tells its reason in a JSON string." API;
    UNPROVEN_CHANGE must "unproven_change" "Nobody changes anything without a proof: 401." API;
    OTHER_BODY must "other_body" "A proof for another body is refused: 401, and nothing is changed." MTS5;
    DELETED must "deleted" "DELETE of the endpoint answers 204, and it is not found then." API;
    INFO_CHANGES must "info_changes" "participantInfo is put (201), read and deleted (204)." API;
    DOMAIN_CHANGES must "domain_changes" "domainName is put (204), read and deleted (204)." API;
    SERIAL_RISES must "serial_rises" "A set that shows a change has a higher serial." MTS4;
}

/// How many of them, from the first, are about the set.
const ABOUT_SET: usize = 47;

/// The rules about the set.
pub(super) fn of_set() -> &'static [&'static Check] {
    CHECKS.get(..ABOUT_SET).unwrap_or(CHECKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_about_the_set_end_before_those_about_proofs() {
        assert_eq!(of_set().last().map(|check| check.id), Some("metadata.issuers_known"));
        assert_eq!(CHECKS[ABOUT_SET].id, "metadata.proof_required");
    }
}
