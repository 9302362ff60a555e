//! `bob-auth token show`: what a token says, in words. Nothing is verified here.

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::CliError;
use super::output::{Answer, facts};
use super::words;
use crate::protocol::token_text::TokenText;
use crate::value::{Class, Timestamp};

/// A token for programs.
#[derive(Debug, Serialize)]
struct View<'a> {
    header: &'a Map<String, Value>,
    payload: &'a Map<String, Value>,
    issued: Option<String>,
    not_before: Option<String>,
    expires: Option<String>,
    expired: Option<bool>,
    /// Always `false`: a reader of this must not take it for more.
    verified: bool,
}

const UNVERIFIED: &str =
    "Nothing was verified: this is what the token says of itself, and anybody can have written it.";

/// The claims that have a line of their own.
const KNOWN: [&str; 10] = ["iss", "sub", "iat", "nbf", "exp", "jti", "aud", "bobHok", "cnf", "bobAuthZ"];

pub(super) fn show(token: &TokenText, now: Timestamp) -> Result<Answer, CliError> {
    let time = |name: &str| token.payload.get(name).and_then(Value::as_i64).map(Timestamp::from_seconds);
    let text = |name: &str| time(name).map(|time| time.to_string());
    let view = View {
        header: &token.header,
        payload: &token.payload,
        issued: text("iat"),
        not_before: text("nbf"),
        expires: text("exp"),
        expired: time("exp").map(|exp| exp <= now),
        verified: false,
    };
    Answer::new(format!("{}\n{UNVERIFIED}", facts(&lines(token, now))), &view)
}

fn lines(token: &TokenText, now: Timestamp) -> Vec<(&'static str, Option<String>)> {
    let claim = |name: &str| token.payload.get(name);
    let time = |name: &str, past: &str, future: &str| claim(name).map(|value| point(value, now, past, future));
    let header = token.header.iter().map(|(name, value)| format!("{name} {}", plain(value)));
    let others = token.payload.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str()));
    let others: Vec<String> = others.map(|(name, value)| format!("{name} {}", plain(value))).collect();
    let start = claim("nbf").filter(|nbf| Some(*nbf) != claim("iat"));
    vec![
        ("header", Some(header.collect::<Vec<_>>().join(", "))),
        ("issuer", claim("iss").map(|pid| format!("participant {}", plain(pid)))),
        ("entity", claim("sub").map(plain)),
        ("class", claim("bobAuthZ").map(class)),
        ("issued", time("iat", "ago", "in the future: in")),
        ("counts from", start.map(|nbf| point(nbf, now, "ago", "in"))),
        ("expires", time("exp", "expired", "in")),
        ("bound to", claim("bobHok").map(|hok| format!("the certificate with SHA-1 {}", plain(hok)))),
        ("and to", claim("cnf").map(|cnf| format!("the certificate with SHA-256 {}", plain(thumbprint(cnf))))),
        ("token id", claim("jti").map(plain)),
        ("audience", claim("aud").map(plain)),
        ("also", (!others.is_empty()).then(|| others.join(", "))),
    ]
}

fn thumbprint(cnf: &Value) -> &Value {
    cnf.get("x5t#S256").unwrap_or(cnf)
}

fn class(value: &Value) -> String {
    let known = value.as_str().and_then(|text| text.parse::<Class>().ok());
    match known.as_ref().and_then(Class::description) {
        Some(description) => format!("{} ({description})", plain(value)),
        None => plain(value),
    }
}

/// A point in time and how far it is from now.
fn point(value: &Value, now: Timestamp, past: &str, future: &str) -> String {
    let Some(seconds) = value.as_i64() else { return format!("{}, which is no whole number of seconds", plain(value)) };
    let time = Timestamp::from_seconds(seconds);
    let distance = time.seconds_since(now);
    let words = words::in_words(distance.saturating_abs());
    match (distance, past) {
        (1.., _) => format!("{time} ({future} {words})"),
        (_, "ago") => format!("{time} ({words} ago)"),
        _ => format!("{time} ({past} {words} ago)"),
    }
}

/// A text without its quotation marks, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(payload: Value) -> TokenText {
        let Value::Object(payload) = payload else { panic!("an object is wanted") };
        let Value::Object(header) = json!({"alg": "ES256", "kid": "34:20261122_1"}) else { panic!("no object") };
        TokenText { header, payload }
    }

    #[test]
    fn the_claims_of_a_token_are_told_in_words() {
        let now = 1_800_000_000;
        let token = token(json!({
            "iss": "34", "sub": "validator37", "iat": now - 720, "nbf": now - 720, "exp": now + 2880,
            "bobHok": "0a9a063eb8d540cbf7dfba7697c674d14a174f7d", "bobAuthZ": "val", "extra": [1],
        }));
        let text = facts(&lines(&token, Timestamp::from_seconds(now)));
        assert_eq!(
            text,
            "header    alg ES256, kid 34:20261122_1\n\
             issuer    participant 34\n\
             entity    validator37\n\
             class     val (validator)\n\
             issued    2027-01-15T07:48:00Z (12 minutes ago)\n\
             expires   2027-01-15T08:48:00Z (in 48 minutes)\n\
             bound to  the certificate with SHA-1 0a9a063eb8d540cbf7dfba7697c674d14a174f7d\n\
             also      extra [1]\n"
        );
    }

    #[test]
    fn a_token_that_is_over_says_since_when() {
        let text = facts(&lines(&token(json!({"exp": 997})), Timestamp::from_seconds(1_000)));
        assert!(text.contains("(expired 3 seconds ago)"), "{text}");
    }

    #[test]
    fn a_time_that_is_none_is_shown_as_it_stands() {
        let text = facts(&lines(&token(json!({"exp": "soon\u{1b}"})), Timestamp::from_seconds(1_000)));
        assert!(text.contains("soon\\u{1b}, which is no whole number"), "{text}");
    }
}
