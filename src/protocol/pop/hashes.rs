//! Parts of a message as a payload holds them: a hash, or a list of names and the hash of what they name
//! (draft-ietf-oauth-signed-http-request-03 section 3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::crypto::digest::sha256;
use crate::protocol::strict_json::Json;

/// The hash of a body, or of anything else.
pub(super) fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(bytes))
}

/// The pairs of a query as they were sent; a name without a value has an empty one.
pub(super) fn query_pairs(query: &str) -> Vec<(&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect()
}

/// Those of these headers that a message has, in the order of the names.
pub(super) fn chosen_headers<'h>(names: &[&'h str], headers: &[(&'h str, &'h str)]) -> Vec<(&'h str, &'h str)> {
    let value = |name: &str| headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim());
    names.iter().filter_map(|name| Some((*name, value(name)?))).collect()
}

/// `[[names], hash]` of query parameters.
pub(super) fn of_query(pairs: &[(&str, &str)]) -> Value {
    covering(pairs, "=", "&")
}

/// `[[names], hash]` of headers.
pub(super) fn of_headers(headers: &[(&str, &str)]) -> Value {
    covering(headers, ": ", "\n")
}

fn covering(pairs: &[(&str, &str)], between: &str, after: &str) -> Value {
    let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    json!([names, hash(joined(pairs, between, after).as_bytes())])
}

fn joined(pairs: &[(&str, &str)], between: &str, after: &str) -> String {
    let lines: Vec<String> = pairs.iter().map(|(name, value)| [*name, between, *value].concat()).collect();
    lines.join(after)
}

/// Whether this member covers every pair of the query, each once, in whatever order.
pub(super) fn covers_query(member: &Json<'_>, pairs: &[(&str, &str)]) -> bool {
    let Some((names, hash)) = names_and_hash(member) else { return false };
    in_order_of(&names, pairs).is_some_and(|ordered| {
        ordered.len() == pairs.len() && hash == self::hash(joined(&ordered, "=", "&").as_bytes())
    })
}

/// Whether this member covers at least these headers, and says the truth about all that it names.
pub(super) fn covers_headers(member: &Json<'_>, needed: &[(&str, &str)], all: &[(&str, &str)]) -> bool {
    let Some((names, hash)) = names_and_hash(member) else { return false };
    let covered = chosen_headers(&names, all);
    covered.len() == names.len()
        && needed.iter().all(|(name, _)| names.contains(name))
        && hash == self::hash(joined(&covered, ": ", "\n").as_bytes())
}

/// The pairs in the order of the names. None if a name is missing, or could mean two of them.
fn in_order_of<'p>(names: &[&str], pairs: &[(&'p str, &'p str)]) -> Option<Vec<(&'p str, &'p str)>> {
    let one = |name: &&str| {
        let mut found = pairs.iter().filter(|(other, _)| other == name);
        let first = found.next()?;
        (found.next().is_none() && names.iter().filter(|other| *other == name).count() == 1).then_some(*first)
    };
    names.iter().map(one).collect()
}

fn names_and_hash<'j>(member: &'j Json<'_>) -> Option<(Vec<&'j str>, &'j str)> {
    let Json::Array(both) = member else { return None };
    let [Json::Array(names), Json::Text(hash)] = &both[..] else { return None };
    Some((names.iter().map(Json::as_text).collect::<Option<_>>()?, hash))
}
