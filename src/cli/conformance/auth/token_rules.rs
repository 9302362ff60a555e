//! What an answer with a token shows of the rules. Pure: nothing is asked here.

use serde_json::{Map, Value};

use super::rules as rule;
use crate::cli::conformance::asker::shortened;
use crate::cli::conformance::check::Check;
use crate::cli::conformance::compact::{Compact, object};
use crate::cli::conformance::ledger::Judgement;
use crate::cli::conformance::published::Published;
use crate::cli::wire::Answer;
use crate::crypto::cert::Certificate;
use crate::value::{Class, Pid, Sha1Fingerprint, Timestamp};

/// How far the server's clock may be ahead of ours, in seconds.
const SKEW: i64 = 60;
/// The longest life of a token, in seconds.
const LONGEST: i64 = 86_400;
/// So far ahead is no end of anything, in seconds.
const CENTURY: i64 = 100 * 366 * 86_400;
/// The latest second that every JSON reader keeps whole.
const LAST_SECOND: i64 = 1 << 53;

/// A rule, and what was found out about it.
pub(super) type Finding = (&'static Check, Judgement);

/// What the answer should be.
pub(super) struct Wanted<'a> {
    /// The entity that was asked for.
    pub(super) entity: &'a str,
    /// The certificate that was shown.
    pub(super) certificate: &'a Certificate,
    pub(super) now: Timestamp,
    pub(super) keys: Option<&'a Published>,
}

/// Everything that this answer shows.
pub(super) fn judged(answer: &Answer, wanted: &Wanted<'_>) -> Vec<Finding> {
    let given = match answer.status {
        200 => Judgement::holds("status 200"),
        401 => Judgement::broken("status 401: is this certificate enrolled there?"),
        404 => Judgement::broken("status 404: is this the entity of the certificate, and the path of the interface?"),
        other => Judgement::broken(format!("status {other}")),
    };
    let mut found = vec![(&rule::TOKEN_GIVEN, given)];
    if answer.status != 200 {
        return found;
    }
    found.extend(of_head(answer));
    let body = match object(&answer.body) {
        Ok(body) => body,
        Err(fault) => {
            found.push((&rule::BODY, Judgement::broken(format!("the body {fault}"))));
            return found;
        }
    };
    found.push((&rule::BODY, Judgement::holds(format!("an object with {}", names(&body)))));
    let token = match body.get("jwtCompact") {
        Some(Value::String(text)) => Compact::read(text),
        Some(_) => Err("jwtCompact is no string".to_owned()),
        None => Err("there is no jwtCompact".to_owned()),
    };
    match token {
        Ok(token) => {
            let seen = format!("a JWS of {} characters", token.text.len());
            found.push((&rule::JWT_COMPACT, Judgement::holds(seen)));
            found.push((&rule::HEADER_REPEATED, repeated(&body, "header", &token.header)));
            found.push((&rule::PAYLOAD_REPEATED, repeated(&body, "payload", &token.payload)));
            found.extend(of_header(&token));
            found.extend(of_claims(&token.payload, wanted));
            found.extend(of_times(&token.payload, wanted.now));
            found.extend(of_binding(&token.payload, wanted.certificate));
            found.extend(of_signature(&token, wanted.keys));
        }
        Err(fault) => found.push((&rule::JWT_COMPACT, Judgement::broken(fault))),
    }
    found
}

/// What another token shows: every rule that the first one kept is kept by it, too.
pub(super) fn as_good_as(first: &[Finding], second: &[Finding]) -> Judgement {
    let held = |check: &Check| !first.iter().any(|(own, found)| own.id == check.id && is_broken(found));
    let worse = second.iter().find_map(|(check, judgement)| match judgement {
        Judgement::Broken(seen) if held(check) => Some(format!("{}: {seen}", check.id)),
        _ => None,
    });
    worse.map_or_else(|| Judgement::holds("a token like the first"), Judgement::broken)
}

const fn is_broken(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Broken(_))
}

fn of_head(answer: &Answer) -> [Finding; 2] {
    let content_type = answer.field("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let cache = answer.field("cache-control").unwrap_or_default();
    let no_store = cache.split(',').any(|directive| directive.trim().eq_ignore_ascii_case("no-store"));
    [
        (&rule::CONTENT_TYPE, Judgement::of(media_type.eq_ignore_ascii_case("application/json"), said(content_type))),
        (&rule::NO_STORE, Judgement::of(no_store, said(cache))),
    ]
}

fn repeated(body: &Map<String, Value>, name: &str, inside: &Map<String, Value>) -> Judgement {
    match body.get(name) {
        None => Judgement::not_applicable(format!("the answer has no {name}")),
        Some(Value::Object(outside)) if outside == inside => Judgement::holds("the same"),
        Some(Value::Object(outside)) => {
            let all = outside.keys().chain(inside.keys());
            let other: Vec<&str> =
                all.filter(|name| outside.get(*name) != inside.get(*name)).map(String::as_str).collect();
            Judgement::broken(format!("differs from what jwtCompact holds in {}", shortened(&other.join(", "))))
        }
        Some(other) => Judgement::broken(format!("{name} is {}", kind(other))),
    }
}

fn of_header(token: &Compact) -> [Finding; 3] {
    let alg = token.header.get("alg");
    let known = matches!(alg.and_then(Value::as_str), Some("ES256" | "RS256"));
    let kid = token.header_text("kid");
    [
        (&rule::ALG, Judgement::of(known, value(alg))),
        (&rule::KID, Judgement::of(kid.is_some_and(|kid| !kid.is_empty()), value(token.header.get("kid")))),
        (&rule::PLAIN_HEADER, plain(&token.header)),
    ]
}

fn plain(header: &Map<String, Value>) -> Judgement {
    const REFUSED: [&str; 9] = ["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c"];
    if let Some(member) = REFUSED.into_iter().find(|name| header.contains_key(*name)) {
        return Judgement::broken(format!("the header has {member}"));
    }
    let plain = header.get("typ").is_none_or(|typ| typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")));
    Judgement::of(plain, if plain { names(header) } else { format!("typ is {}", value(header.get("typ"))) })
}

fn of_claims(claims: &Map<String, Value>, wanted: &Wanted<'_>) -> [Finding; 3] {
    let text = |name| claims.get(name).and_then(Value::as_str);
    let iss = text("iss").is_some_and(|iss| iss.parse::<Pid>().is_ok_and(|pid| pid.to_string() == iss));
    let class = text("bobAuthZ");
    let usable = class.is_some_and(|class| class.parse::<Class>().is_ok());
    let class = match class {
        Some(class) if !usable && !class.is_empty() => {
            Judgement::broken(format!("{:?}, which strict verifiers do not take for a class", shortened(class)))
        }
        _ => Judgement::of(usable, value(claims.get("bobAuthZ"))),
    };
    [
        (&rule::ISS, Judgement::of(iss, value(claims.get("iss")))),
        (&rule::SUB, Judgement::of(text("sub") == Some(wanted.entity), value(claims.get("sub")))),
        (&rule::BOB_AUTHZ, class),
    ]
}

fn of_times(claims: &Map<String, Value>, now: Timestamp) -> [Finding; 4] {
    let date = |name| Date::of(claims.get(name));
    let (exp, iat, nbf) = (date("exp"), date("iat"), date("nbf"));
    let from_now = |seconds: i64| seconds - now.as_seconds();
    let expiry = match exp {
        Date::At(at) if from_now(at) > CENTURY => Judgement::broken("further away than a century: not in seconds?"),
        Date::At(at) => Judgement::of(from_now(at) > 0, format!("{} s from now", from_now(at))),
        Date::None => Judgement::broken("there is none"),
        Date::Wrong(kind) => Judgement::broken(format!("{kind}, not a whole number of seconds since 1970")),
    };
    let begun = |date: Date| match date {
        Date::At(at) => {
            Judgement::of(from_now(at) <= SKEW, format!("{} s from now ({SKEW} s are granted)", from_now(at)))
        }
        Date::None => Judgement::not_applicable("there is none"),
        Date::Wrong(kind) => Judgement::broken(format!("{kind}, not a whole number of seconds since 1970")),
    };
    let start = if let Date::At(at) = iat { at } else { now.as_seconds() };
    let lifetime = match exp {
        Date::At(at) if from_now(at) <= CENTURY => Judgement::of(at - start <= LONGEST, format!("{} s", at - start)),
        _ => Judgement::not_applicable("there is no exp that could be one"),
    };
    [(&rule::EXP, expiry), (&rule::IAT, begun(iat)), (&rule::NBF, begun(nbf)), (&rule::LIFETIME, lifetime)]
}

/// A `NumericDate`, as it stands in a token.
#[derive(Clone, Copy)]
enum Date {
    At(i64),
    None,
    Wrong(&'static str),
}

impl Date {
    fn of(value: Option<&Value>) -> Self {
        match value {
            None => Self::None,
            Some(value) => match value.as_i64() {
                Some(seconds @ 0..=LAST_SECOND) => Self::At(seconds),
                Some(_) => Self::Wrong("a number that no clock will show"),
                None => Self::Wrong(kind(value)),
            },
        }
    }
}

fn of_binding(claims: &Map<String, Value>, certificate: &Certificate) -> [Finding; 3] {
    let Some(hok) = claims.get("bobHok") else {
        let none = || Judgement::not_applicable("there is no bobHok");
        let missing = Judgement::broken("there is none: whoever steals the token can use it");
        return [(&rule::BOB_HOK, missing), (&rule::BOB_HOK_FORM, none()), (&rule::BOB_HOK_TRUE, none())];
    };
    let text = hok.as_str().unwrap_or_default();
    let form = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let bound = text.parse::<Sha1Fingerprint>().is_ok_and(|bound| bound == certificate.sha1);
    let own = if bound { "the certificate's".to_owned() } else { format!("the certificate's is {}", certificate.sha1) };
    [
        (&rule::BOB_HOK, Judgement::holds("there is one")),
        (&rule::BOB_HOK_FORM, Judgement::of(form, value(Some(hok)))),
        (&rule::BOB_HOK_TRUE, Judgement::of(bound, format!("{}; {own}", value(Some(hok))))),
    ]
}

fn of_signature(token: &Compact, keys: Option<&Published>) -> Vec<Finding> {
    let (alg, length) = (token.header_text("alg").unwrap_or_default(), token.signature.len());
    let seen = format!("{length} bytes for {}", shortened(alg));
    let form = match alg {
        "ES256" => Judgement::of(length == 64, seen),
        "RS256" => Judgement::of((256..=1024).contains(&length), seen),
        _ => Judgement::not_applicable("alg is neither ES256 nor RS256"),
    };
    let formed = matches!(form, Judgement::Holds(_));
    let (published, verified) = match keys {
        None => {
            let none = || Judgement::not_applicable("no public keys were given (--jwks, or --metadata and --trust)");
            (none(), none())
        }
        Some(keys) => of_key(token, keys, formed),
    };
    vec![(&rule::SIGNATURE_FORM, form), (&rule::KEY_PUBLISHED, published), (&rule::SIGNATURE, verified)]
}

/// Whether the key is published, and whether the signature verifies with it.
fn of_key(token: &Compact, keys: &Published, formed: bool) -> (Judgement, Judgement) {
    let (iss, kid) = (token.claim_text("iss").unwrap_or_default(), token.header_text("kid").unwrap_or_default());
    if iss.parse::<Pid>().is_err() || kid.is_empty() {
        let none = || Judgement::not_applicable("iss and kid name no key");
        return (none(), none());
    }
    let of_whom = format!("kid {:?} of issuer {:?}", shortened(kid), shortened(iss));
    let Some(key) = keys.find(iss, kid) else {
        let unpublished = Judgement::broken(format!("{of_whom} is not among them"));
        return (unpublished, Judgement::not_applicable("its key is not known"));
    };
    let fits = token.header_text("alg") == Some(key.algorithm().as_str());
    let verified = match (formed, fits) {
        (false, _) => Judgement::not_applicable("there is no signature in the form of ES256 or RS256"),
        (true, false) => Judgement::broken(format!("the key is for {}, and alg says otherwise", key.algorithm())),
        (true, true) => {
            let verifies = key.verify(token.signing_input().as_bytes(), &token.signature).is_ok();
            Judgement::of(verifies, if verifies { "it verifies" } else { "it does not verify with that key" })
        }
    };
    (Judgement::holds(of_whom), verified)
}

fn names(object: &Map<String, Value>) -> String {
    shortened(&object.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
}

fn said(field: &str) -> String {
    if field.is_empty() { "there is none".to_owned() } else { shortened(field) }
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "there is none".to_owned(), |value| shortened(&value.to_string()))
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number that is no whole one, or too large",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[path = "token_rules/tests.rs"]
mod tests;
