//! The envelope of a set, judged member by member, whether its signatures verify or not: what is wrong with a set that nobody
//! can verify is what its maker wants to know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use serde_json::{Map, Value};

use super::rules::{self, Finding};
use crate::cli::conformance::ledger::Judgement;
use crate::cli::words::in_words;
use crate::protocol::metadata::duration::IsoDuration;
use crate::protocol::metadata::{MetadataError, SetTerms, SignatureVerdict, SignatureView, TrustAnchors};
use crate::protocol::strict_json::{JsonFault, read_value};
use crate::value::{Pid, Timestamp};

/// A set taken apart.
pub(super) struct Envelope {
    form: &'static str,
    signatures: Vec<Headers>,
    pub(super) payload: Vec<u8>,
}

/// The headers of one signature.
struct Headers {
    protected: Map<String, Value>,
    protected_bytes: Vec<u8>,
    unprotected: Map<String, Value>,
}

/// Members that say something about the set.
const SIGNED: [&str; 6] = ["alg", "kid", "authid", "serial", "notvalidafter", "interval"];
/// Members that bring a key along, or change what the signature covers.
const BANNED: [&str; 7] = ["crit", "zip", "b64", "jwk", "jku", "x5c", "x5u"];
/// What a set is good for at least.
const VALID_FOR: i64 = 2 * 86_400;

impl Envelope {
    /// Takes a set apart.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let set: Value = serde_json::from_slice(bytes).map_err(|_| "it is no JSON".to_owned())?;
        let set = set.as_object().ok_or("it is no JSON object")?;
        let payload = decoded(set.get("payload"), "payload")?;
        let flattened = ["signature", "protected", "header"].iter().any(|name| set.contains_key(*name));
        let (form, signatures) = match set.get("signatures") {
            Some(_) if flattened => return Err("it mixes the general form with the flattened one".to_owned()),
            Some(Value::Array(all)) if all.is_empty() => return Err("it has no signature".to_owned()),
            Some(Value::Array(all)) => {
                let object = |one: &'_ Value| {
                    one.as_object().map_or_else(|| Err("a signature is no object".to_owned()), Headers::read)
                };
                ("general", all.iter().map(object).collect::<Result<_, _>>()?)
            }
            Some(_) => return Err("its signatures are no array".to_owned()),
            None => ("flattened", vec![Headers::read(set)?]),
        };
        Ok(Self { form, signatures, payload })
    }

    /// The serial, if all is well with it.
    pub(super) fn serial(&self) -> Option<u64> {
        self.signatures.first()?.protected.get("serial")?.as_u64()
    }

    /// The end of the set.
    pub(super) fn not_valid_after(&self) -> Option<Timestamp> {
        date(self.signatures.first()?.protected.get("notvalidafter")?.as_str()?)
    }

    /// What the headers show.
    pub(super) fn findings(&self, now: Timestamp) -> Vec<Finding> {
        vec![
            (&rules::JWS, Judgement::holds(format!("{} form, {} signatures", self.form, self.signatures.len()))),
            (&rules::ALG, self.each(|headers| one_of(headers, "alg", &["ES256", "RS256"]))),
            (
                &rules::KID,
                self.each(|headers| text(headers, "kid").filter(|kid| !kid.is_empty()).ok_or(absent(headers, "kid"))),
            ),
            (&rules::AUTHID, self.each(authid)),
            (&rules::SERIAL, self.each(serial)),
            (&rules::NOT_VALID_AFTER, self.each(|headers| end(headers, now))),
            (&rules::VALIDITY, self.each(|headers| validity(headers, now))),
            (&rules::INTERVAL, self.each(|headers| interval(headers, now))),
            (&rules::PLAIN_HEADER, self.each(plain)),
            (&rules::UNPROTECTED, self.each(protected)),
            (&rules::AGREEMENT, self.agreement()),
        ]
    }

    fn each(&self, judge: impl Fn(&Headers) -> Result<String, String>) -> Judgement {
        let mut seen = Vec::new();
        for (index, headers) in self.signatures.iter().enumerate() {
            match judge(headers) {
                Ok(words) => seen.push(words),
                Err(words) => return Judgement::broken(format!("signature {}: {words}", index + 1)),
            }
        }
        seen.dedup();
        Judgement::holds(seen.join(", "))
    }

    fn agreement(&self) -> Judgement {
        let Some((first, others)) = self.signatures.split_first() else { return Judgement::broken("no signature") };
        if others.is_empty() {
            return Judgement::not_applicable("there is one signature");
        }
        for name in ["authid", "serial", "notvalidafter"] {
            if let Some(other) = others.iter().find(|other| other.protected.get(name) != first.protected.get(name)) {
                let [one, another] = [first, other].map(|headers| shown(headers.protected.get(name)));
                return Judgement::broken(format!("{name} is {one} in one signature and {another} in another"));
            }
        }
        Judgement::holds("authid, serial and notvalidafter are the same in all signatures")
    }

    /// Whether some member stands twice in one object, anywhere.
    pub(super) fn duplicates(&self, set: &[u8]) -> Judgement {
        let mut parts = vec![("the set", set), ("the payload", &*self.payload)];
        parts.extend(self.signatures.iter().map(|headers| ("a protected header", &*headers.protected_bytes)));
        let twice = parts.into_iter().find_map(|(part, bytes)| match read_value(bytes, u32::MAX) {
            Err(fault @ JsonFault::Duplicate { .. }) => Some(format!("{part} {fault}")),
            _ => None,
        });
        twice.map_or_else(|| Judgement::holds("every member stands once in its object"), Judgement::broken)
    }
}

/// What the signatures are worth to somebody who has these anchors.
pub(super) fn signatures(set: &[u8], anchors: &TrustAnchors, example_is_fine: bool) -> Vec<Finding> {
    let views = match SignatureView::of_set(set, anchors) {
        Ok((_, views)) => views,
        Err(error) => {
            let words = format!("the signatures cannot be told apart: {error}");
            let unread = || Judgement::not_applicable(&*words);
            // That a member stands twice is found out by another rule.
            let twice = matches!(error, MetadataError::Envelope(JsonFault::Duplicate { .. }));
            let signed = if twice { unread() } else { Judgement::broken(&*words) };
            return vec![(&rules::SIGNATURE, signed), (&rules::FALLBACK, unread()), (&rules::KNOWN_ANCHOR, unread())];
        }
    };
    let verified = |kid: &str| {
        views.iter().any(|view| matches!(&view.verdict, SignatureVerdict::Anchor(anchor) if anchor.as_str() == kid))
    };
    let algorithms = |of: &dyn Fn(&str) -> bool| {
        let keys = anchors.keys().iter().filter(|anchor| of(anchor.kid.as_str()));
        let mut names: Vec<&str> = keys.map(|anchor| anchor.key.algorithm().as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let (wanted, found) = (algorithms(&|_| true), algorithms(&|kid| verified(kid)));
    let fallback = match (&wanted[..], found.is_empty()) {
        ([_], _) => Judgement::not_applicable("the trust anchors are all of one algorithm"),
        (_, true) => Judgement::not_applicable("no anchor's signature verifies"),
        _ => Judgement::of(
            wanted == found,
            format!("the anchors have {}, the set {}", wanted.join(" and "), found.join(" and ")),
        ),
    };
    let mut examples = anchors.examples().filter(|(kid, _)| verified(kid.as_str()));
    let known = match examples.next() {
        _ if example_is_fine => Judgement::not_applicable("this is a test environment"),
        Some((kid, printed_in)) => {
            Judgement::broken(format!("{kid} is the example key of {printed_in}: everybody can sign with it"))
        }
        None => Judgement::holds("no anchor that signed is printed anywhere"),
    };
    let mut findings: Vec<Finding> =
        vec![(&rules::SIGNATURE, signed(&views)), (&rules::FALLBACK, fallback), (&rules::KNOWN_ANCHOR, known)];
    findings.extend(views.iter().filter_map(|view| match &view.verdict {
        SignatureVerdict::Refused(error @ MetadataError::Algorithm { .. }) => {
            Some((&rules::ALG, Judgement::broken(error.to_string())))
        }
        _ => None,
    }));
    findings
}

fn signed(views: &[SignatureView]) -> Judgement {
    let mut anchors = Vec::new();
    let mut strangers = Vec::new();
    let mut elsewhere = None;
    for view in views {
        match &view.verdict {
            // The signature is verified before the members are read.
            SignatureVerdict::Anchor(kid) | SignatureVerdict::Refused(MetadataError::Header { kid, .. }) => {
                anchors.push(kid.to_string());
            }
            SignatureVerdict::Stranger => strangers.push(view.kid.clone().unwrap_or_else(|| "nobody".to_owned())),
            // Each of these has a rule of its own, which is broken.
            SignatureVerdict::Refused(
                error @ (MetadataError::Forbidden { .. }
                | MetadataError::Algorithm { .. }
                | MetadataError::Protected { fault: JsonFault::Duplicate { .. }, .. }),
            ) => elsewhere = Some(error.to_string()),
            SignatureVerdict::Refused(error) => return Judgement::broken(error.to_string()),
        }
    }
    match (anchors.is_empty(), elsewhere) {
        (false, _) => Judgement::holds(format!("signed by {}", anchors.join(" and "))),
        (true, Some(error)) => Judgement::not_applicable(format!("it is refused before the signature counts: {error}")),
        (true, None) => {
            Judgement::broken(format!("no trust anchor signed it; it is signed by {}", strangers.join(", ")))
        }
    }
}

impl Headers {
    fn read(signature: &Map<String, Value>) -> Result<Self, String> {
        decoded(signature.get("signature"), "signature")?;
        let protected_bytes = match signature.get("protected") {
            None => Vec::new(),
            some => decoded(some, "protected header")?,
        };
        let protected = match serde_json::from_slice(&protected_bytes) {
            Ok(Value::Object(protected)) => protected,
            _ if protected_bytes.is_empty() => Map::new(),
            _ => return Err("a protected header is no JSON object".to_owned()),
        };
        let unprotected = match signature.get("header") {
            None => Map::new(),
            Some(Value::Object(header)) => header.clone(),
            Some(_) => return Err("a header is no object".to_owned()),
        };
        Ok(Self { protected, protected_bytes, unprotected })
    }
}

fn decoded(value: Option<&Value>, what: &str) -> Result<Vec<u8>, String> {
    let text = value.and_then(Value::as_str).ok_or_else(|| format!("it has no {what}, or one that is no string"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("its {what} is not base64url without padding"))
}

fn text(headers: &Headers, name: &str) -> Option<String> {
    headers.protected.get(name)?.as_str().map(str::to_owned)
}

fn one_of(headers: &Headers, name: &str, known: &[&str]) -> Result<String, String> {
    text(headers, name).filter(|text| known.contains(&text.as_str())).ok_or_else(|| absent(headers, name))
}

fn absent(headers: &Headers, name: &str) -> String {
    match headers.protected.get(name) {
        None => format!("the protected header has no {name}"),
        some => format!("{name} is {}", shown(some)),
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| value.to_string().chars().take(64).collect())
}

/// A number in metadata and a string in tokens: which of the two is meant here is not public.
fn authid(headers: &Headers) -> Result<String, String> {
    let pid = match headers.protected.get("authid") {
        Some(Value::Number(number)) => number.as_i64().and_then(|number| Pid::new(number).ok()),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    pid.map(|pid| format!("authid {pid}")).ok_or_else(|| absent(headers, "authid"))
}

fn serial(headers: &Headers) -> Result<String, String> {
    let serial =
        headers.protected.get("serial").and_then(Value::as_u64).filter(|serial| *serial <= SetTerms::MAX_SERIAL);
    serial.map(|serial| format!("serial {serial}")).ok_or_else(|| absent(headers, "serial"))
}

fn date(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| {
        let date = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok()?;
        Some(Timestamp::from_seconds(date.timestamp()))
    })
}

fn end(headers: &Headers, now: Timestamp) -> Result<String, String> {
    let end =
        text(headers, "notvalidafter").and_then(|text| date(&text)).ok_or_else(|| absent(headers, "notvalidafter"))?;
    if end.as_seconds() < now.as_seconds() {
        Err(format!("it ended at {end}, it is now {now}"))
    } else {
        Ok(format!("good until {end}"))
    }
}

fn validity(headers: &Headers, now: Timestamp) -> Result<String, String> {
    let Some(end) = text(headers, "notvalidafter").and_then(|text| date(&text)) else {
        return Ok("its end cannot be read".to_owned());
    };
    let left = end.seconds_since(now);
    let words = format!("good for {}", in_words(left));
    // What is over is not short.
    if (0..VALID_FOR).contains(&left) { Err(words) } else { Ok(words) }
}

fn interval(headers: &Headers, now: Timestamp) -> Result<String, String> {
    let seconds = match headers.protected.get("interval") {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse::<IsoDuration>().ok().and_then(|duration| duration.as_seconds()),
        _ => None,
    };
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| absent(headers, "interval"))?;
    let left = text(headers, "notvalidafter").and_then(|text| date(&text)).map(|end| end.seconds_since(now));
    let words = format!("a new copy every {}", in_words(seconds));
    if left.is_some_and(|left| left > 0 && left < seconds) {
        Err(format!("{words}, and it ends before"))
    } else {
        Ok(words)
    }
}

fn plain(headers: &Headers) -> Result<String, String> {
    let mut names = headers.protected.keys().chain(headers.unprotected.keys());
    match names.find(|name| BANNED.contains(&name.as_str())) {
        Some(name) => Err(format!("a header has {name}")),
        None => Ok("no such member".to_owned()),
    }
}

fn protected(headers: &Headers) -> Result<String, String> {
    let twice = |name: &&String| headers.protected.contains_key(*name) || SIGNED.contains(&name.as_str());
    match headers.unprotected.keys().find(twice) {
        Some(name) => Err(format!(
            "{} stands in the unprotected header, which nobody signed",
            name.chars().take(32).collect::<String>()
        )),
        None => Ok("nothing about the set is unprotected".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_330_811);

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn judged(protected: &Value, check: &crate::cli::conformance::check::Check) -> Judgement {
        let set = json!({ "payload": encoded(&json!([])), "protected": encoded(protected), "signature": "AA" });
        let envelope = Envelope::read(set.to_string().as_bytes()).unwrap();
        envelope.findings(NOW).into_iter().find(|(found, _)| found.id == check.id).unwrap().1
    }

    #[test]
    fn what_is_no_jws_in_json_says_why() {
        let why = |set: Value| Envelope::read(set.to_string().as_bytes()).err().unwrap();
        assert_eq!(why(json!([])), "it is no JSON object");
        assert_eq!(why(json!({ "signatures": [] })), "it has no payload, or one that is no string");
        assert_eq!(why(json!({ "payload": "A=" })), "its payload is not base64url without padding");
        assert_eq!(why(json!({ "payload": "", "signatures": [] })), "it has no signature");
        let both = json!({ "payload": "", "signatures": [{}], "signature": "" });
        assert_eq!(why(both), "it mixes the general form with the flattened one");
        assert!(Envelope::read(b"eyJ.e30.AA").is_err());
    }

    #[test]
    fn a_point_in_time_has_a_zone_and_lies_ahead() {
        let end = |text: &str| judged(&json!({ "notvalidafter": text }), &rules::NOT_VALID_AFTER);
        for good in ["2026-11-30T00:00:00Z", "2026-11-30T00:00:00.5+01:00", "2026-11-30T00:00:00+0100"] {
            assert!(matches!(end(good), Judgement::Holds(_)), "{good}");
        }
        for bad in ["2026-11-30T00:00:00", "2026-11-30", "2020-01-01T00:00:00Z", "soon"] {
            assert!(matches!(end(bad), Judgement::Broken(_)), "{bad}");
        }
    }

    #[test]
    fn intervals_are_seconds_or_durations() {
        let interval = |value: Value| {
            judged(&json!({ "interval": value, "notvalidafter": "2026-11-30T00:00:00Z" }), &rules::INTERVAL)
        };
        assert!(matches!(interval(json!(3_600)), Judgement::Holds(_)));
        assert!(matches!(interval(json!("P1D")), Judgement::Holds(_)));
        for bad in [json!("P3W"), json!(0), json!("daily"), json!(null)] {
            assert!(matches!(interval(bad), Judgement::Broken(_)));
        }
    }
}
