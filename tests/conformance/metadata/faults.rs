//! For each rule a registry that breaks it, and no other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::protocol::pop::Part;
use serde_json::{Value, json};

use super::keys::{PRINTED_X, PRINTED_Y};
use super::registry::{Bend, Lax, named, packed};
use super::set::in_days;
use crate::server::{Asked, Told};

/// How far the probe is let go: each goes further than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Reads the set, proves nothing.
    Set,
    /// Reads as a participant.
    Member,
    /// Writes.
    Write,
}

/// Which anchors the probe is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchors {
    One,
    Two,
    /// One that is printed in a standard.
    Printed,
}

pub(super) struct Fault {
    pub(super) check: &'static str,
    pub(super) outcome: &'static str,
    pub(super) reach: Reach,
    pub(super) anchors: Anchors,
    pub(super) bend: Bend,
}

const fn fault(check: &'static str, outcome: &'static str, reach: Reach, bend: Bend) -> Fault {
    Fault { check, outcome, reach, anchors: Anchors::One, bend }
}

const fn fail(check: &'static str, bend: Bend) -> Fault {
    fault(check, "fail", Reach::Set, bend)
}

const fn warning(check: &'static str, bend: Bend) -> Fault {
    fault(check, "warning", Reach::Set, bend)
}

const fn member(check: &'static str, bend: Bend) -> Fault {
    fault(check, "fail", Reach::Member, bend)
}

const fn write(check: &'static str, bend: Bend) -> Fault {
    fault(check, "fail", Reach::Write, bend)
}

impl Fault {
    const fn with(self, anchors: Anchors) -> Self {
        Self { anchors, ..self }
    }
}

const SET: &str = "/api/v2/participantMetadata";
const OWN: &str = "/api/v2/participantMetadata/34";

fn is_set(asked: &Asked) -> bool {
    asked.target == SET
}

fn is(asked: &Asked, method: &str, below: &str) -> bool {
    asked.method == method && asked.target == format!("{OWN}{below}")
}

fn endpoint(asked: &Asked, method: &str) -> bool {
    asked.method == method && asked.target.starts_with("/api/v2/participantMetadata/34/interfaceEndpoint/")
}

fn is_proven(asked: &Asked) -> bool {
    asked.header("authorization").is_some()
}

fn is_about_nobody(asked: &Asked) -> bool {
    asked.target.starts_with(SET)
        && !["", "/16", "/34", "/41"].iter().any(|pid| {
            let rest = asked.target.trim_start_matches(SET);
            rest == *pid || (!pid.is_empty() && rest.starts_with(&format!("{pid}/")))
        })
}

/// About the set as it is served.
pub(super) static SERVING: &[Fault] = &[
    fail(
        "metadata.served",
        Bend::Answer(|asked, told| {
            if is_set(asked) {
                *told = Told::status(503);
            }
        }),
    ),
    fail(
        "metadata.served",
        Bend::Answer(|asked, told| {
            if is_set(asked) {
                *told = Told::status(409).with("Retry-After", "0");
            }
        }),
    ),
    warning(
        "metadata.content_type",
        Bend::Answer(|asked, told| {
            if is_set(asked) {
                *told = told.clone().with("Content-Type", "text/plain");
            }
        }),
    ),
    warning(
        "metadata.uncoded",
        Bend::Answer(|asked, told| {
            if is_set(asked) && asked.header("accept-encoding").is_none() && told.status == 200 {
                *told = packed(told.clone());
            }
        }),
    ),
    warning("metadata.etag", Bend::Answer(|_, told| *told = told.clone().without("ETag"))),
    warning(
        "metadata.not_modified",
        Bend::Answer(|_, told| {
            if told.status == 304 {
                told.status = 200;
            }
        }),
    ),
    warning("metadata.max_age", Bend::Answer(|_, told| *told = told.clone().without("Cache-Control"))),
    warning(
        "metadata.max_age",
        Bend::Answer(|asked, told| {
            if is_set(asked) {
                *told = told.clone().with("Cache-Control", "max-age=31536000");
            }
        }),
    ),
    warning(
        "metadata.head",
        Bend::Answer(|asked, told| {
            if asked.method == "HEAD" {
                *told = Told::status(405);
            }
        }),
    ),
    warning(
        "metadata.gzip",
        Bend::Answer(|_, told| {
            if told.headers.iter().any(|(name, _)| name == "Content-Encoding") {
                // It says so, and is not.
                told.body = b"no gzip".to_vec();
            }
        }),
    ),
    fail(
        "metadata.steady",
        Bend::Set(|draft| {
            if draft.fetch > 3 {
                draft.header()["serial"] = 5.into();
            }
        }),
    ),
    fail(
        "metadata.steady",
        Bend::Set(|draft| {
            if draft.fetch > 3 {
                draft.rich()["organisationName"] = "Somebody else".into();
            }
        }),
    ),
];

/// About the envelope.
pub(super) static ENVELOPE: &[Fault] = &[
    fail("metadata.jws", Bend::Sealed(|set| set.replace("\"payload\":\"", "\"payload\":\"="))),
    fail("metadata.jws", Bend::Sealed(|set| set.replace("\"signatures\"", "\"signature\":\"\",\"signatures\""))),
    fail(
        "metadata.no_duplicates",
        Bend::Set(|draft| {
            let twice = draft.participants.to_string().replacen("\"pid\":16", "\"pid\":16,\"\\u0070id\":16", 1);
            draft.payload = Some(twice);
        }),
    ),
    fail("metadata.no_duplicates", Bend::Sealed(|set| set.replacen('{', "{\"a\":1,\"a\":1,", 1))),
    fail("metadata.alg", Bend::Set(|draft| draft.header()["alg"] = "ES384".into())),
    fail("metadata.alg", Bend::Set(|draft| draft.header()["alg"] = "RS256".into())),
    fail(
        "metadata.kid",
        Bend::Set(|draft| {
            let fallback = &draft.keys.fallback;
            draft.also_by(fallback);
            draft.signatures[1].protected.as_object_mut().unwrap().remove("kid");
        }),
    ),
    fail("metadata.authid", Bend::Set(|draft| draft.header()["authid"] = Value::Null)),
    fail("metadata.serial", Bend::Set(|draft| draft.header()["serial"] = "7".into())),
    fail("metadata.not_valid_after", Bend::Set(|draft| draft.header()["notvalidafter"] = in_days(-1).into())),
    fail("metadata.not_valid_after", Bend::Set(|draft| draft.header()["notvalidafter"] = "2099-01-01T00:00:00".into())),
    warning("metadata.validity", Bend::Set(|draft| draft.header()["notvalidafter"] = in_days(1).into())),
    warning("metadata.interval", Bend::Set(|draft| draft.header()["interval"] = "daily".into())),
    fail("metadata.plain_header", Bend::Set(|draft| draft.header()["jku"] = "https://a.example".into())),
    fail("metadata.unprotected", Bend::Set(|draft| draft.signatures[0].unprotected = Some(json!({"serial": 101})))),
    fail(
        "metadata.agreement",
        Bend::Set(|draft| {
            let fallback = &draft.keys.fallback;
            draft.also_by(fallback);
            draft.signatures[1].protected["serial"] = 99.into();
        }),
    )
    .with(Anchors::Two),
    fail(
        "metadata.signature",
        Bend::Set(|draft| {
            // In the name of the anchor, by somebody else.
            draft.signatures[0].key = Some(named(&draft.keys.answers, "16:primary"));
        }),
    ),
    fail(
        "metadata.signature",
        Bend::Set(|draft| {
            draft.signatures[0].key = Some(draft.keys.answers.clone());
            draft.header()["kid"] = "16:answers".into();
        }),
    ),
    warning("metadata.fallback", Bend::None).with(Anchors::Two),
    fail(
        "metadata.known_anchor",
        Bend::Set(|draft| {
            draft.signatures[0].key = None;
            draft.header()["kid"] = "16:printed".into();
        }),
    )
    .with(Anchors::Printed),
];

fn coordinate(jwk: &Value, name: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap()
}

/// About the content.
pub(super) static CONTENT: &[Fault] = &[
    fail("metadata.payload", Bend::Set(|draft| draft.participants = json!({ "participants": draft.participants }))),
    fail("metadata.payload", Bend::Set(|draft| draft.participants = json!([]))),
    fail("metadata.pids", Bend::Set(|draft| draft.participants[0]["pid"] = 41.into())),
    fail("metadata.pids", Bend::Set(|draft| draft.participants[0]["pid"] = "16".into())),
    fail("metadata.organisation_names", Bend::Set(|draft| draft.rich()["organisationName"] = Value::Null)),
    fail("metadata.domain_names", Bend::Set(|draft| draft.rich()["domainName"] = "two words".into())),
    fail("metadata.domain_names", Bend::Set(|draft| draft.rich()["domainName"] = "localhost".into())),
    fail("metadata.info", Bend::Set(|draft| draft.rich()["participantInfo"] = json!(["a"]))),
    fail(
        "metadata.kids",
        Bend::Set(|draft| {
            let rich = draft.rich();
            rich["authtokenPublicKeys"][0]["kid"] = "41:1".into();
            let keys = rich["authtokenPublicKeys"].as_array_mut().unwrap();
            keys.push(keys[0].clone());
        }),
    ),
    fail("metadata.public_keys", Bend::Set(|draft| draft.rich()["mtbPublicKeys"][0]["d"] = "AA".into())),
    fail("metadata.key_types", Bend::Set(|draft| draft.rich()["mtbPublicKeys"][0]["crv"] = "P-384".into())),
    fail(
        "metadata.ec_keys",
        Bend::Set(|draft| {
            let key = &mut draft.rich()["mtbPublicKeys"][0];
            key["y"] = key["x"].clone();
        }),
    ),
    fail(
        "metadata.rsa_keys",
        Bend::Set(|draft| {
            let key = &mut draft.rich()["authtokenPublicKeys"][0];
            let modulus = coordinate(key, "n");
            key["n"] = URL_SAFE_NO_PAD.encode(&modulus[modulus.len() - 128..]).into();
        }),
    ),
    fail("metadata.key_purpose", Bend::Set(|draft| draft.rich()["mtbPublicKeys"][0]["use"] = "enc".into())),
    fail(
        "metadata.known_keys",
        Bend::Set(|draft| {
            let key = &mut draft.rich()["mtbPublicKeys"][0];
            key["x"] = PRINTED_X.into();
            key["y"] = PRINTED_Y.into();
        }),
    ),
    warning(
        "metadata.one_purpose",
        Bend::Set(|draft| {
            draft.rich()["mtbPublicKeys"][0] = draft.keys.token_jwk.clone();
        }),
    ),
    warning("metadata.ticket_scopes", Bend::Set(|draft| draft.rich()["mtbPublicKeys"][0]["bob_sc"] = "all".into())),
    fail("metadata.endpoint_ids", Bend::Set(|draft| draft.rich()["interfaceEndpoints"][1]["endpointId"] = 1.into())),
    warning(
        "metadata.endpoint_types",
        Bend::Set(|draft| {
            draft.rich()["interfaceEndpoints"][0]["type"] = "telephone".into();
        }),
    ),
    fail(
        "metadata.endpoint_versions",
        Bend::Set(|draft| {
            draft.rich()["interfaceEndpoints"][0]["version"] = 0.into();
        }),
    ),
    fail(
        "metadata.endpoint_uris",
        Bend::Set(|draft| {
            draft.rich()["interfaceEndpoints"][0]["uri"] = "tickets.another.example".into();
        }),
    ),
    warning(
        "metadata.endpoint_https",
        Bend::Set(|draft| {
            draft.rich()["interfaceEndpoints"][0]["uri"] = "http://tickets.another.example".into();
        }),
    ),
    fail("metadata.tlsa", Bend::Set(|draft| draft.rich()["interfaceEndpoints"][0]["tlsa"]["usage"] = 256.into())),
    fail(
        "metadata.lifetimes",
        Bend::Set(|draft| {
            draft.rich()["issuerSignatureConstraints"][0]["signatureLifetime"] = "3 weeks".into();
        }),
    ),
    fail(
        "metadata.issuers",
        Bend::Set(|draft| {
            let constraints = draft.rich()["issuerSignatureConstraints"].as_array_mut().unwrap();
            constraints.push(constraints[0].clone());
        }),
    ),
    warning(
        "metadata.issuers_known",
        Bend::Set(|draft| {
            draft.rich()["issuerSignatureConstraints"][0]["pid"] = 99.into();
        }),
    ),
];

/// About those who prove nothing.
pub(super) static STRANGERS: &[Fault] = &[
    fail(
        "metadata.proof_required",
        Bend::Answer(|asked, told| {
            if !is_proven(asked) && asked.target.ends_with("/domainName") {
                *told = Told::json(200, &json!("a.example"));
            }
        }),
    ),
    warning("metadata.challenge", Bend::Answer(|_, told| *told = told.clone().without("WWW-Authenticate"))),
    warning(
        "metadata.tells_nothing",
        Bend::Answer(|asked, told| {
            if !is_proven(asked) && is_about_nobody(asked) {
                *told = Told::status(404);
            }
        }),
    ),
    fail(
        "metadata.no_proof",
        Bend::Answer(|asked, told| {
            if asked.header("authorization").is_some_and(|credentials| credentials.contains("nonsense")) {
                *told = Told::status(500);
            }
        }),
    ),
    fail("metadata.stranger", Bend::Lax(Lax::Stranger)),
    warning(
        "metadata.stranger_told_nothing",
        Bend::Answer(|asked, told| {
            if is_proven(asked) && is_about_nobody(asked) {
                *told = Told::json(401, &json!("no such participant")).with("WWW-Authenticate", "PoP");
            }
        }),
    ),
    fail("metadata.alg_none", Bend::Lax(Lax::Unsigned)),
];

/// About a participant.
pub(super) static MEMBERS: &[Fault] = &[
    member(
        "metadata.own_read",
        Bend::Answer(|asked, told| {
            if is(asked, "GET", "") && told.status == 200 {
                *told = Told::json(200, &json!({ "pid": 41, "organisationName": "Another" }));
            }
        }),
    ),
    member(
        "metadata.own_read",
        Bend::Answer(|asked, told| {
            if is(asked, "GET", "") && told.status == 200 {
                *told = Told::status(403);
            }
        }),
    ),
    member(
        "metadata.own_lists",
        Bend::Answer(|asked, told| {
            if is(asked, "GET", "/mtbPublicKey") && told.status == 200 {
                *told = Told::json(200, &json!({ "keys": [] }));
            }
        }),
    ),
    fault(
        "metadata.own_in_set",
        "warning",
        Reach::Member,
        Bend::Set(|draft| {
            draft.participants[1]["authtokenPublicKeys"] = json!([]);
        }),
    ),
    member(
        "metadata.unknown_thing",
        Bend::Answer(|asked, told| {
            if asked.target.ends_with("no-such-key") && told.status == 404 {
                told.status = 204;
            }
        }),
    ),
    member("metadata.others", Bend::Lax(Lax::Others)),
    member("metadata.tampered", Bend::Lax(Lax::Signature)),
    member("metadata.replay", Bend::Lax(Lax::Replay)),
    member("metadata.other_path", Bend::Lax(Lax::Differs(Part::Path))),
    member("metadata.other_method", Bend::Lax(Lax::Differs(Part::Method))),
    member("metadata.other_host", Bend::Lax(Lax::Differs(Part::Host))),
    member("metadata.old", Bend::Lax(Lax::Old)),
    member("metadata.future", Bend::Lax(Lax::Future)),
    fault(
        "metadata.answer_signed",
        "warning",
        Reach::Member,
        Bend::Sent(|_, told| {
            *told = told.clone().without("X-BoB-Response-PoP");
        }),
    ),
    fault(
        "metadata.answer_verifies",
        "warning",
        Reach::Member,
        Bend::Sent(|asked, told| {
            // Signed, and then changed on its way.
            if is(asked, "GET", "") && told.status == 200 {
                told.body.push(b'\n');
            }
        }),
    ),
];

/// About changes.
pub(super) static CHANGES: &[Fault] = &[
    write(
        "metadata.created",
        Bend::Answer(|_, told| {
            if told.status == 201 && told.headers.iter().any(|(name, _)| name == "Location") {
                told.status = 200;
            }
        }),
    ),
    write("metadata.location", Bend::Answer(|_, told| *told = told.clone().without("Location"))),
    write(
        "metadata.read_back",
        Bend::Answer(|asked, told| {
            if endpoint(asked, "GET") && told.status == 200 {
                let text = String::from_utf8(told.body.clone()).unwrap();
                told.body = text.replace(".invalid/\"", ".invalid\"").into_bytes();
            }
        }),
    ),
    write(
        "metadata.put",
        Bend::Answer(|asked, told| {
            if endpoint(asked, "PUT") && told.status == 204 {
                told.status = 200;
            }
        }),
    ),
    write(
        "metadata.unacceptable",
        Bend::Answer(|_, told| {
            if told.status == 422 {
                told.status = 500;
            }
        }),
    ),
    write(
        "metadata.reason",
        Bend::Answer(|_, told| {
            if told.status == 422 {
                *told = Told::json(422, &json!({ "reason": "version" }));
            }
        }),
    ),
    write(
        "metadata.unproven_change",
        Bend::Answer(|asked, told| {
            if endpoint(asked, "DELETE") && !is_proven(asked) {
                *told = Told::status(204);
            }
        }),
    ),
    write("metadata.other_body", Bend::Lax(Lax::Differs(Part::Body))),
    write(
        "metadata.deleted",
        Bend::Answer(|asked, told| {
            if endpoint(asked, "DELETE") && told.status == 204 {
                told.status = 200;
            }
        }),
    ),
    write(
        "metadata.info_changes",
        Bend::Answer(|asked, told| {
            if is(asked, "PUT", "/participantInfo") && told.status == 201 {
                told.status = 204;
            }
        }),
    ),
    write(
        "metadata.domain_changes",
        Bend::Answer(|asked, told| {
            if is(asked, "GET", "/domainName") && told.status == 200 {
                *told = Told::json(200, &json!("another.example"));
            }
        }),
    ),
    write("metadata.serial_rises", Bend::Set(|draft| draft.header()["serial"] = 100.into())),
];
