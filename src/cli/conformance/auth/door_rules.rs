//! What refusals, and answers at large, show of the rules: who is let in, and what is given away. Pure: nothing is asked here.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cli::conformance::asker::shortened;
use crate::cli::conformance::compact::Compact;
use crate::cli::conformance::ledger::Judgement;
use crate::cli::wire::Answer;

/// This status and no other.
pub(super) fn status(wanted: u16) -> impl FnOnce(&Answer) -> Judgement {
    move |answer| Judgement::of(answer.status == wanted, format!("status {}", answer.status))
}

/// Who forges a header is refused as if it were not there, or because it is there.
pub(super) fn not_believed(answer: &Answer) -> Judgement {
    let seen = match answer.status {
        200 => "status 200: the header was believed".to_owned(),
        404 => "status 404, as for somebody who is known: the header was believed".to_owned(),
        other => format!("status {other}"),
    };
    Judgement::of(matches!(answer.status, 400 | 401 | 403), seen)
}

/// Who is enrolled gets a token for the certificate that was shown, or is refused because the header is there.
pub(super) fn own_counts(answer: &Answer, own: &str, forged: &str) -> Judgement {
    match answer.status {
        200 => match bound_to(answer) {
            Some(hok) if hok.eq_ignore_ascii_case(own) => {
                Judgement::holds("a token for the certificate that was shown")
            }
            Some(hok) if hok.eq_ignore_ascii_case(forged) => {
                Judgement::broken("a token that is bound to the certificate in the header")
            }
            _ => Judgement::not_applicable("the token is bound to neither of the two certificates"),
        },
        400 | 403 => Judgement::holds(format!("status {}: refused for the header", answer.status)),
        other => Judgement::broken(format!("status {other}: the header changes who is asking")),
    }
}

/// To somebody who shows no certificate, in a session that may have begun with this token.
pub(super) fn in_a_session(answer: &Answer, resumed: bool, given: &Answer) -> Judgement {
    match (resumed, answer.status) {
        (false, status) => Judgement::holds(format!("status {status}: the session was not taken up again")),
        (true, 200) if bound_to(answer) == bound_to(given) => {
            Judgement::holds("a token for the certificate with which the session began")
        }
        (true, 200) => Judgement::broken("a token that is bound to another certificate"),
        (true, status) => {
            Judgement::broken(format!("status {status}: the session was taken up again and its certificate forgotten"))
        }
    }
}

/// What the token in this answer says of the certificate it is bound to.
fn bound_to(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let token = Compact::read(body.get("jwtCompact")?.as_str()?).ok()?;
    token.claim_text("bobHok").map(str::to_owned)
}

/// Refused for what was asked, and with no 5xx.
pub(super) fn refused(answer: &Answer) -> Judgement {
    Judgement::of((400..500).contains(&answer.status), format!("status {}", answer.status))
}

/// A method that there is not.
pub(super) fn no_such_method(answer: &Answer) -> Judgement {
    Judgement::of(matches!(answer.status, 400..=499 | 501), format!("status {}", answer.status))
}

/// 405 comes with `Allow`.
pub(super) fn allow(answer: &Answer) -> Judgement {
    match (answer.status, answer.field("allow")) {
        (405, Some(allowed)) => Judgement::holds(shortened(allowed)),
        (405, None) => Judgement::broken("status 405 without Allow"),
        (other, _) => Judgement::not_applicable(format!("status {other}")),
    }
}

/// 401 comes with `WWW-Authenticate`.
pub(in crate::cli::conformance) fn www_authenticate(answer: &Answer) -> Judgement {
    match (answer.status, answer.field("www-authenticate")) {
        (401, Some(challenge)) if !challenge.is_empty() => Judgement::holds(shortened(challenge)),
        (401, _) => Judgement::broken("status 401 without WWW-Authenticate"),
        (other, _) => Judgement::not_applicable(format!("status {other}")),
    }
}

/// The answer to `HEAD`.
pub(super) fn head(answer: &Answer) -> Judgement {
    let (status, length) = (answer.status, answer.body.len());
    let kept = length == 0 && matches!(status, 200 | 400..=499 | 501);
    Judgement::of(kept, format!("status {status}, {length} bytes of body"))
}

/// No answer redirects.
pub(in crate::cli::conformance) fn no_redirect(answer: &Answer) -> Judgement {
    let redirects = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    let seen = if redirects {
        format!("status {} to {}", answer.status, shortened(answer.field("location").unwrap_or("nowhere")))
    } else {
        "no answer did".to_owned()
    };
    Judgement::of(!redirects, seen)
}

/// No answer holds a private key.
pub(super) fn no_private_key(answer: &Answer) -> Judgement {
    let text = String::from_utf8_lossy(&answer.body);
    if text.contains("PRIVATE KEY-----") {
        return Judgement::broken("a private key in PEM");
    }
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let token = body.as_ref().and_then(|body| Compact::read(body.get("jwtCompact")?.as_str()?).ok());
    let inside = token.map(|token| [Value::Object(token.header), Value::Object(token.payload)]);
    match body.iter().chain(inside.iter().flatten()).find_map(private_member) {
        Some(member) => Judgement::broken(format!("a JWK with the private member {member}")),
        None => Judgement::holds("no answer does"),
    }
}

fn private_member(value: &Value) -> Option<&'static str> {
    match value {
        Value::Object(members) => {
            let secret =
                ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].into_iter().find(|name| members.contains_key(*name));
            secret.filter(|_| members.contains_key("kty")).or_else(|| members.values().find_map(private_member))
        }
        Value::Array(items) => items.iter().find_map(private_member),
        _ => None,
    }
}

/// Two refusals look the same, but for what each of them is about: the id that was asked for, and ids and times of its own.
pub(super) fn alike((unknown, id): (&Answer, &str), (other, other_id): (&Answer, &str)) -> Judgement {
    if unknown.status != 404 || other.status != 404 {
        let seen = format!("status {} and status {}: each has a rule of its own", unknown.status, other.status);
        return Judgement::not_applicable(seen);
    }
    let names = |answer: &Answer| answer.fields.iter().map(|(name, _)| name.to_lowercase()).collect::<BTreeSet<_>>();
    let (ours, theirs) = (names(unknown), names(other));
    if ours != theirs {
        let differing: Vec<&str> = ours.symmetric_difference(&theirs).map(String::as_str).collect();
        return Judgement::broken(format!("one of them has the header {}", shortened(&differing.join(", "))));
    }
    let same = without_own(&unknown.body, id) == without_own(&other.body, other_id);
    Judgement::of(same, if same { "the same but for ids" } else { "their bodies differ" })
}

/// The body without what each answer has of its own; in texts only, so that an id takes no part of a number away.
fn without_own(body: &[u8], id: &str) -> String {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(&text).map_or_else(|_| without_word(&text, id), |json| without_own_json(json, id).to_string())
}

fn without_own_json(json: Value, id: &str) -> Value {
    const OWN: [&str; 8] = ["instance", "id", "traceid", "requestid", "correlationid", "timestamp", "time", "date"];
    let own = |name: &str| OWN.contains(&name.replace(['-', '_'], "").to_lowercase().as_str());
    match json {
        Value::String(text) => Value::String(without_word(&text, id)),
        Value::Array(items) => items.into_iter().map(|item| without_own_json(item, id)).collect(),
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| !own(name));
            Value::Object(kept.map(|(name, value)| (name, without_own_json(value, id))).collect())
        }
        other => other,
    }
}

/// The text with the id taken out wherever it stands as a word.
fn without_word(text: &str, id: &str) -> String {
    let mut words = text.split(id);
    let mut kept = words.next().unwrap_or_default().to_owned();
    for after in words {
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        kept.push_str(if inside(kept.chars().next_back()) || inside(after.chars().next()) { id } else { "{id}" });
        kept.push_str(after);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_differ_in_ids_and_times_alone_are_alike() {
        let unknown =
            Answer::sample(404, &[("Content-Type", "a"), ("Date", "1")], r#"{"title":"No such x","instance":"1"}"#);
        let like =
            Answer::sample(404, &[("date", "2"), ("content-type", "a")], r#"{"instance":"2","title":"No such other"}"#);
        assert!(Judgement::is_kept(&alike((&unknown, "x"), (&like, "other"))));
        let (short, long) =
            (r#"{"detail":"No entity 4","status":404}"#, r#"{"detail":"No entity no-such","status":404}"#);
        assert!(Judgement::is_kept(&alike(
            (&Answer::sample(404, &[], long), "no-such"),
            (&Answer::sample(404, &[], short), "4")
        )));
        for (status, fields, body) in [
            (404, &[("Content-Type", "a")][..], "{\"title\":\"No such x\"}"),
            (404, &[("Content-Type", "a"), ("Date", "1")], "{\"title\":\"Not yours: x\"}"),
            (404, &[("Content-Type", "a"), ("Date", "1")], "No such x"),
        ] {
            let other = Answer::sample(status, fields, body);
            assert!(matches!(alike((&unknown, "x"), (&other, "x")), Judgement::Broken(_)), "{other:?}");
        }
    }

    #[test]
    fn a_private_key_is_found_wherever_it_stands_and_a_public_one_is_none() {
        for body in [
            r#"{"keys":[{"kty":"EC","x":"a","y":"b","d":"c"}]}"#,
            r#"[{"debug":{"key":{"kty":"oct","k":"c"}}}]"#,
            "-----BEGIN EC PRIVATE KEY-----\nMHc",
        ] {
            assert!(matches!(no_private_key(&Answer::sample(404, &[], body)), Judgement::Broken(_)), "{body}");
        }
        for body in [r#"{"kty":"EC","x":"a","y":"b"}"#, r#"{"d":"c"}"#, "-----BEGIN CERTIFICATE-----", ""] {
            assert!(Judgement::is_kept(&no_private_key(&Answer::sample(200, &[], body))), "{body}");
        }
    }

    #[test]
    fn who_forges_a_header_is_refused_as_if_nobody_had() {
        for (status, kept) in [(401, true), (400, true), (403, true), (200, false), (404, false), (500, false)] {
            assert_eq!(Judgement::is_kept(&not_believed(&Answer::sample(status, &[], ""))), kept, "{status}");
        }
    }
}
