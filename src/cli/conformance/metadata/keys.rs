//! The keys of a set, judged one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::rules;
use super::tally::Tally;
use crate::cli::conformance::check::Check;
use crate::crypto::public_key::{ExampleKeys, PublicKeyError};
use crate::protocol::jwk::{JwkError, PublicJwk, Unusable};
use crate::protocol::strict_json::read_object;

/// Where each key stands, by its thumbprint.
#[derive(Debug, Default)]
pub(super) struct Materials(BTreeMap<String, String>);

/// The most values of a key.
const MAX_VALUES: u32 = 256;

/// What may be wrong with a key, each by itself.
const OF_KEYS: [&Check; 5] =
    [&rules::PUBLIC_KEYS, &rules::KEY_TYPES, &rules::KEY_PURPOSE, &rules::KNOWN_KEYS, &rules::KIDS];

/// Judges a list of keys, and gives their ids.
pub(super) fn list(
    tally: &mut Tally,
    materials: &mut Materials,
    (who, list): (&str, &str),
    participant: &Map<String, Value>,
) -> BTreeSet<String> {
    let mut kids = BTreeSet::new();
    for entry in entries(participant, list) {
        let kid = entry.get("kid").and_then(Value::as_str).unwrap_or_default();
        let is_new = !kid.is_empty() && kids.insert(kid.to_owned());
        let named =
            format!("{} in {list} of {who}", if kid.is_empty() { "a key without kid".to_owned() } else { short(kid) });
        key(tally, materials, &named, (entry, is_new));
        if list == "mtbPublicKeys"
            && let Some(scope) = entry.get("bob_sc")
        {
            let known = matches!(scope.as_str(), Some("id" | "ticket"));
            tally.note(&rules::TICKET_SCOPES, known, || format!("that of {named} is {}", short(&scope.to_string())));
        }
    }
    kids
}

/// The entries of a list; something that is no list has one, which is wrong.
pub(super) fn entries<'o>(object: &'o Map<String, Value>, list: &str) -> &'o [Value] {
    match object.get(list) {
        Some(Value::Array(entries)) => entries,
        Some(Value::Null) | None => &[],
        Some(other) => std::slice::from_ref(other),
    }
}

fn key(tally: &mut Tally, materials: &mut Materials, named: &str, (entry, has_its_kid): (&Value, bool)) {
    let text = entry.to_string();
    let read = read_object(text.as_bytes(), MAX_VALUES).map_err(JwkError::Json);
    let read = read.and_then(|object| PublicJwk::from_object(&object, ExampleKeys::Refuse));
    let of_kind =
        if entry.get("kty").and_then(Value::as_str) == Some("RSA") { &rules::RSA_KEYS } else { &rules::EC_KEYS };
    // Each fault has one rule; all the others are kept, as far as they were looked at.
    let (broken, words) = match &read {
        Ok(Ok(key)) => {
            let place = materials.0.entry(key.key.thumbprint()).or_insert_with(|| named.to_owned());
            tally.note(&rules::ONE_PURPOSE, place == named, || format!("{named} is the same key as {place}"));
            (None, String::new())
        }
        Ok(Err(why)) => (Some(rule_of(why, of_kind)), format!("{named}: {why}")),
        Err(JwkError::Private { member, .. }) => {
            (Some(&rules::PUBLIC_KEYS), format!("{named} comes with its private half ({member})"))
        }
        Err(_) => (Some(&rules::KEY_TYPES), format!("{named} is no JWK")),
    };
    let is_broken = |check: &Check| broken.is_some_and(|broken: &Check| broken.id == check.id);
    tally.note(&rules::KIDS, has_its_kid && !is_broken(&rules::KIDS), || format!("{named} has none of its own"));
    for check in OF_KEYS.into_iter().filter(|check| check.id != rules::KIDS.id).chain([of_kind]) {
        tally.note(check, !is_broken(check), || words.clone());
    }
}

fn rule_of(why: &Unusable, of_kind: &'static Check) -> &'static Check {
    match why {
        Unusable::Type | Unusable::Member("kty" | "crv") => &rules::KEY_TYPES,
        Unusable::Purpose(_) => &rules::KEY_PURPOSE,
        Unusable::Member("kid") => &rules::KIDS,
        Unusable::Key(PublicKeyError::Example(_)) => &rules::KNOWN_KEYS,
        Unusable::Member(_) | Unusable::Key(_) => of_kind,
    }
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
