//! The content of a set, judged participant by participant. Keys are judged in `keys`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::keys::{self, entries};
use super::rules::{self, Finding};
use super::tally::Tally;
use crate::cli::conformance::check::Check;
use crate::cli::conformance::ledger::Judgement;
use crate::protocol::metadata::Interface;
use crate::protocol::metadata::duration::IsoDuration;
use crate::protocol::registry::body::{read_domain_name, read_endpoint_call};
use crate::value::Pid;

/// What of a set the later steps build on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// The participants, each once.
    pub(super) pids: BTreeSet<Pid>,
    /// The ids of the keys of the participant that asks, by list; nothing if it is not in the set.
    pub(super) own_kids: Option<OwnKids>,
    /// Where the services of that participant are.
    pub(super) own_uris: Vec<String>,
}

/// Ids of keys.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct OwnKids {
    pub(super) ticket: BTreeSet<String>,
    pub(super) token: BTreeSet<String>,
}

/// The rules that a participant without any entry says nothing about.
const ABOUT_ENTRIES: [&Check; 21] = [
    &rules::DOMAIN_NAMES,
    &rules::INFO,
    &rules::KIDS,
    &rules::PUBLIC_KEYS,
    &rules::KEY_TYPES,
    &rules::EC_KEYS,
    &rules::RSA_KEYS,
    &rules::KEY_PURPOSE,
    &rules::KNOWN_KEYS,
    &rules::ONE_PURPOSE,
    &rules::TICKET_SCOPES,
    &rules::ENDPOINT_IDS,
    &rules::ENDPOINT_TYPES,
    &rules::ENDPOINT_VERSIONS,
    &rules::ENDPOINT_URIS,
    &rules::ENDPOINT_HTTPS,
    &rules::TLSA,
    &rules::LIFETIMES,
    &rules::ISSUERS,
    &rules::ISSUERS_KNOWN,
    &rules::NAMES,
];

/// Judges a payload. `own` is the participant that asks.
pub(super) fn findings(payload: &[u8], own: Option<Pid>) -> (Vec<Finding>, Content) {
    let unread = |words: &str| (vec![(&rules::PAYLOAD, Judgement::broken(words))], Content::default());
    let participants = match serde_json::from_slice::<Value>(payload) {
        Ok(Value::Array(participants)) => participants,
        Ok(_) => return unread("the payload is no array"),
        Err(_) => return unread("the payload is no JSON"),
    };
    if participants.is_empty() {
        return unread("the payload is an empty array: even the authority is a participant");
    }
    let mut objects = Vec::with_capacity(participants.len());
    for (index, participant) in participants.iter().enumerate() {
        let Some(object) = participant.as_object() else {
            return unread(&format!("entry {} of the payload is no object", index + 1));
        };
        objects.push(object);
    }
    let mut tally = Tally::of(&ABOUT_ENTRIES);
    let mut content =
        Content { pids: objects.iter().filter_map(|object| pid(object.get("pid"))).collect(), ..Content::default() };
    let pids = every_pid(&objects, &content);
    let mut materials = keys::Materials::default();
    for (index, object) in objects.iter().enumerate() {
        let who =
            pid(object.get("pid")).map_or_else(|| format!("entry {}", index + 1), |pid| format!("participant {pid}"));
        participant(&mut tally, (&who, object), &content.pids);
        let kids = OwnKids {
            ticket: keys::list(&mut tally, &mut materials, (&who, "mtbPublicKeys"), object),
            token: keys::list(&mut tally, &mut materials, (&who, "authtokenPublicKeys"), object),
        };
        if own.is_some() && pid(object.get("pid")) == own {
            content.own_kids = Some(kids);
            let uri = |endpoint: &Value| endpoint.get("uri")?.as_str().map(str::to_owned);
            content.own_uris = entries(object, "interfaceEndpoints").iter().filter_map(uri).collect();
        }
    }
    let mut findings = vec![(&rules::PAYLOAD, Judgement::holds(format!("{} participants", objects.len()))), pids];
    findings.extend(tally.findings());
    (findings, content)
}

fn every_pid(objects: &[&Map<String, Value>], content: &Content) -> Finding {
    let without = objects.iter().position(|object| pid(object.get("pid")).is_none());
    let judgement = match without {
        Some(index) => Judgement::broken(format!("entry {} has no pid that is a positive whole number", index + 1)),
        None if content.pids.len() < objects.len() => Judgement::broken("two participants have the same pid"),
        None => Judgement::holds(format!("{} pids, each once", content.pids.len())),
    };
    (&rules::PIDS, judgement)
}

fn participant(tally: &mut Tally, (who, object): (&str, &Map<String, Value>), pids: &BTreeSet<Pid>) {
    let name = object.get("organisationName").and_then(Value::as_str).is_some_and(|name| !name.trim().is_empty());
    tally.note(&rules::NAMES, name, || format!("{who} has no organisationName"));
    if let Some(name) = given(object, "domainName") {
        let is_full = |name: &str| name.trim_end_matches('.').contains('.');
        let good = name.as_str().is_some_and(is_full) && read_domain_name(name.to_string().as_bytes()).is_ok();
        tally.note(&rules::DOMAIN_NAMES, good, || format!("that of {who} is {}", shown(name)));
    }
    if let Some(info) = given(object, "participantInfo") {
        tally.note(&rules::INFO, info.is_object(), || format!("that of {who} is {}", shown(info)));
    }
    let mut ids = BTreeSet::new();
    for entry in entries(object, "interfaceEndpoints") {
        let id = entry.get("endpointId").and_then(Value::as_i64);
        let named = id.map_or_else(|| format!("an endpoint of {who}"), |id| format!("endpoint {id} of {who}"));
        tally
            .note(&rules::ENDPOINT_IDS, id.is_some_and(|id| ids.insert(id)), || format!("{named} has none of its own"));
        endpoint(tally, &named, entry);
    }
    let mut issuers = BTreeSet::new();
    for entry in entries(object, "issuerSignatureConstraints") {
        let issuer = pid(entry.get("pid"));
        let lifetime = entry.get("signatureLifetime");
        let good = lifetime.and_then(Value::as_str).is_some_and(|text| text.parse::<IsoDuration>().is_ok());
        tally.note(&rules::LIFETIMES, good, || {
            format!("{who} has {}", lifetime.map_or_else(|| "none".to_owned(), shown))
        });
        tally.note(&rules::ISSUERS, issuer.is_some_and(|issuer| issuers.insert(issuer)), || {
            format!("a constraint of {who} names none, or one that another names")
        });
        if let Some(issuer) = issuer {
            tally
                .note(&rules::ISSUERS_KNOWN, pids.contains(&issuer), || format!("{who} accepts {issuer}, who is none"));
        }
    }
}

fn endpoint(tally: &mut Tally, named: &str, entry: &Value) {
    let whole = |member: &str, value: &Value| {
        // All the others are right: what is refused is this one.
        let mut call = json!({ "version": 1, "type": "ticket", "uri": "https://a.example" });
        call[member] = value.clone();
        read_endpoint_call(call.to_string().as_bytes()).is_ok()
    };
    let right = |member: &str| entry.get(member).is_some_and(|value| whole(member, value));
    let words =
        |member: &str| format!("that of {named} is {}", entry.get(member).map_or_else(|| "absent".to_owned(), shown));
    tally.note(&rules::ENDPOINT_VERSIONS, right("version"), || words("version"));
    tally.note(&rules::ENDPOINT_URIS, right("uri"), || words("uri"));
    let interface = entry.get("type").and_then(Value::as_str);
    let known = interface.is_some_and(|name| Interface::KNOWN.contains(&Interface::from(name)));
    tally.note(&rules::ENDPOINT_TYPES, known, || words("type"));
    if right("uri") {
        let uri = entry.get("uri").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        tally.note(&rules::ENDPOINT_HTTPS, uri.starts_with("https://"), || words("uri"));
    }
    if let Some(tlsa) = entry.get("tlsa").filter(|tlsa| !tlsa.is_null()) {
        tally.note(&rules::TLSA, whole("tlsa", tlsa), || words("tlsa"));
    }
}

fn given<'o>(object: &'o Map<String, Value>, member: &str) -> Option<&'o Value> {
    object.get(member).filter(|value| !value.is_null())
}

fn pid(value: Option<&Value>) -> Option<Pid> {
    Pid::new(value?.as_i64()?).ok()
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(96).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(payload: &Value, check: &Check) -> Judgement {
        let (findings, _) = findings(payload.to_string().as_bytes(), None);
        let found = findings.into_iter().find(|(found, _)| found.id == check.id);
        found.map_or_else(|| Judgement::not_applicable("no finding"), |(_, judgement)| judgement)
    }

    #[test]
    fn a_payload_that_is_no_array_of_objects_is_not_read_further() {
        for payload in [json!({}), json!([]), json!([1]), json!(null)] {
            let (findings, content) = findings(payload.to_string().as_bytes(), None);
            assert!(matches!(findings[..], [(_, Judgement::Broken(_))]), "{payload}");
            assert_eq!(content, Content::default());
        }
    }

    #[test]
    fn something_that_should_be_a_list_and_is_none_is_a_fault_and_no_panic() {
        let payload = json!([{ "pid": 1, "organisationName": "A", "interfaceEndpoints": 7, "mtbPublicKeys": "x" }]);
        assert!(matches!(judged(&payload, &rules::ENDPOINT_IDS), Judgement::Broken(_)));
        assert!(matches!(judged(&payload, &rules::KEY_TYPES), Judgement::Broken(_)));
    }

    #[test]
    fn each_member_of_an_endpoint_is_judged_by_itself() {
        let payload = json!([{ "pid": 1, "organisationName": "A", "interfaceEndpoints": [
            { "endpointId": 1, "version": 0, "type": "ticket", "uri": "https://a.example" }
        ] }]);
        assert!(matches!(judged(&payload, &rules::ENDPOINT_VERSIONS), Judgement::Broken(_)));
        for kept in [&rules::ENDPOINT_IDS, &rules::ENDPOINT_TYPES, &rules::ENDPOINT_URIS, &rules::ENDPOINT_HTTPS] {
            assert_eq!(judged(&payload, kept), Judgement::holds("1 looked at"), "{}", kept.id);
        }
        assert!(matches!(judged(&payload, &rules::TLSA), Judgement::NotApplicable(_)));
    }

    #[test]
    fn what_belongs_to_the_participant_that_asks_is_kept() {
        let payload = json!([
            { "pid": 34, "organisationName": "A", "authtokenPublicKeys": [{ "kid": "34:1" }] },
            { "pid": 41, "organisationName": "B", "authtokenPublicKeys": [{ "kid": "41:1" }] },
        ]);
        let (_, content) = findings(payload.to_string().as_bytes(), Pid::new(34).ok());
        assert_eq!(content.own_kids.unwrap().token, BTreeSet::from(["34:1".to_owned()]));
        assert_eq!(content.pids.len(), 2);
    }
}
