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

/// The first rule that must be kept and is not.
pub(super) fn all_kept(found: &[Finding]) -> Judgement {
    let broken = found.iter().find_map(|(check, judgement)| match judgement {
        Judgement::Broken(seen) => Some(format!("{}: {seen}", check.id)),
        _ => None,
    });
    broken.map_or_else(|| Judgement::holds("a token that keeps every rule"), Judgement::broken)
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
        Date::At(at) => Judgement::of(at - start <= LONGEST, format!("{} s", at - start)),
        _ => Judgement::not_applicable("there is no exp to count to"),
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
    let mut found = vec![(&rule::SIGNATURE_FORM, form)];
    let not_given = || Judgement::not_applicable("no public keys were given (--jwks, or --metadata and --trust)");
    let Some(keys) = keys else {
        found.extend([(&rule::KEY_PUBLISHED, not_given()), (&rule::SIGNATURE, not_given())]);
        return found;
    };
    let (iss, kid) = (token.claim_text("iss").unwrap_or_default(), token.header_text("kid").unwrap_or_default());
    let of_whom = format!("kid {:?} of issuer {:?}", shortened(kid), shortened(iss));
    let Some(key) = keys.find(iss, kid) else {
        found.push((&rule::KEY_PUBLISHED, Judgement::broken(format!("{of_whom} is not among them"))));
        found.push((&rule::SIGNATURE, Judgement::not_applicable("its key is not known")));
        return found;
    };
    found.push((&rule::KEY_PUBLISHED, Judgement::holds(of_whom)));
    let fits = alg == key.algorithm().as_str();
    let verifies = fits && key.verify(token.signing_input().as_bytes(), &token.signature).is_ok();
    let seen = match (fits, verifies) {
        (false, _) => format!("alg is {}, and the key is for {}", shortened(alg), key.algorithm()),
        (true, false) => "it does not verify with that key".to_owned(),
        (true, true) => "it verifies".to_owned(),
    };
    found.push((&rule::SIGNATURE, Judgement::of(verifies, seen)));
    found
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
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use serde_json::json;

    use super::*;
    use crate::crypto::probe_cert::Nature;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn judged_as(header: &Value, claims: &Value, signature: &[u8], certificate: &Certificate) -> Vec<Finding> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let compact = format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature));
        let fields = [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "private, No-Store")];
        let answer = Answer {
            status: 200,
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: json!({ "jwtCompact": compact }).to_string().into_bytes(),
            complete: true,
        };
        judged(&answer, &Wanted { entity: "validator37", certificate, now: NOW, keys: None })
    }

    fn broken(found: &[Finding]) -> Vec<&str> {
        let broken = found.iter().filter(|(_, judgement)| matches!(judgement, Judgement::Broken(_)));
        broken.map(|(check, _)| check.id).collect()
    }

    fn good(certificate: &Certificate) -> (Value, Value) {
        let now = NOW.as_seconds();
        let claims = json!({ "iss": "34", "sub": "validator37", "bobAuthZ": "val", "bobHok": certificate.sha1.to_string(),
            "exp": now + 3_600, "iat": now, "nbf": now });
        (json!({ "alg": "ES256", "kid": "34:1" }), claims)
    }

    #[test]
    fn a_token_without_the_optional_members_keeps_every_rule() {
        let (certificate, _) = Nature::Leaf.make(NOW, &SystemRandom::new()).unwrap();
        let (header, mut claims) = good(&certificate);
        assert_eq!(broken(&judged_as(&header, &claims, &[1; 64], &certificate)), Vec::<&str>::new());
        for name in ["iat", "nbf"] {
            claims.as_object_mut().unwrap().remove(name);
        }
        let found = judged_as(&header, &claims, &[1; 64], &certificate);
        assert_eq!(broken(&found), Vec::<&str>::new());
        assert!(matches!(all_kept(&found), Judgement::Holds(_)));
    }

    #[test]
    fn each_claim_at_its_edge_is_judged_as_the_rule_has_it() {
        let (certificate, _) = Nature::Leaf.make(NOW, &SystemRandom::new()).unwrap();
        let (header, claims) = good(&certificate);
        let now = NOW.as_seconds();
        for (name, value, expected) in [
            ("iat", json!(now + SKEW), &[][..]),
            ("iat", json!(now + SKEW + 1), &["auth.iat"]),
            ("nbf", json!(now + SKEW + 1), &["auth.nbf"]),
            ("exp", json!(now + LONGEST), &[]),
            ("exp", json!(now + LONGEST + 1), &["auth.lifetime"]),
            ("exp", json!(now), &["auth.exp"]),
            ("exp", json!(1_800_003_600.5), &["auth.exp"]),
            ("iss", json!("034"), &["auth.iss"]),
            ("iss", json!(34), &["auth.iss"]),
            ("sub", json!("validator38"), &["auth.sub"]),
            ("bobAuthZ", json!(""), &["auth.bob_authz"]),
            ("bobHok", json!(certificate.sha1.to_string().to_uppercase()), &["auth.bob_hok_form"]),
            ("bobHok", json!("00"), &["auth.bob_hok_form", "auth.bob_hok_true"]),
        ] {
            let mut changed = claims.clone();
            changed[name] = value.clone();
            assert_eq!(broken(&judged_as(&header, &changed, &[1; 64], &certificate)), expected, "{name}: {value}");
        }
    }

    #[test]
    fn what_a_finding_shows_is_no_whole_token() {
        let (certificate, _) = Nature::Leaf.make(NOW, &SystemRandom::new()).unwrap();
        let (header, mut claims) = good(&certificate);
        claims["sub"] = json!("x".repeat(500));
        for (check, judgement) in judged_as(&header, &claims, &[1; 64], &certificate) {
            let (Judgement::Holds(seen) | Judgement::Broken(seen) | Judgement::NotApplicable(seen)) = judgement;
            assert!(seen.len() < 160, "{}: {seen}", check.id);
        }
    }
}
