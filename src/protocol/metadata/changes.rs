//! What two sets say differently, entry by entry. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::participant::{Endpoint, MtbKey, Participant, SignatureConstraint};
use super::set::MetadataSet;
use crate::crypto::public_key::PublicKey;
use crate::value::Pid;

/// One thing that was added, taken away, or is another now. Its texts are as the participant published them: escape them
/// before they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Whose.
    pub pid: Pid,
    /// `participant`, or the member of the participant that it is in.
    pub member: &'static str,
    /// Which entry of that member, if it has several: kid, endpoint id or pid.
    pub id: Option<String>,
    /// What it was; `None` if it is new.
    pub old: Option<String>,
    /// What it is; `None` if it is gone.
    pub new: Option<String>,
}

/// A participant's entries by member and id, each in a line.
type Entries = BTreeMap<(&'static str, Option<String>), String>;

const NAME: &str = "organisationName";
const AUTHTOKEN_KEYS: &str = "authtokenPublicKeys";
const MTB_KEYS: &str = "mtbPublicKeys";

impl Change {
    /// Whether a key has taken the place of another with the same id, which must never be.
    pub fn is_key_swap(&self) -> bool {
        [AUTHTOKEN_KEYS, MTB_KEYS].contains(&self.member) && self.old.is_some() && self.new.is_some()
    }

    /// What happened: `added`, `removed` or `changed`.
    pub const fn kind(&self) -> &'static str {
        match (&self.old, &self.new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        }
    }
}

impl MetadataSet {
    /// What this set says that `old` did not, and the other way round; by pid, then by member and id.
    pub fn changes_since(&self, old: &Self) -> Vec<Change> {
        let both = [old, self].map(MetadataSet::participants);
        let pids: BTreeSet<Pid> = both.iter().flat_map(|all| all.iter().map(|participant| participant.pid)).collect();
        pids.into_iter().flat_map(|pid| changes(pid, old.participant(pid), self.participant(pid))).collect()
    }
}

fn changes(pid: Pid, old: Option<&Participant>, new: Option<&Participant>) -> Vec<Change> {
    if old == new {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut before = old.map(entries).unwrap_or_default();
    let mut after = new.map(entries).unwrap_or_default();
    if old.is_none() || new.is_none() {
        let name = |of: Option<&Participant>| of.map(|participant| participant.organisation_name.to_string());
        found.push(Change { pid, member: "participant", id: None, old: name(old), new: name(new) });
        before.remove(&(NAME, None));
        after.remove(&(NAME, None));
    }
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    for key in keys {
        let (old, new) = (before.remove(&key), after.remove(&key));
        if old != new {
            found.push(Change { pid, member: key.0, id: key.1, old, new });
        }
    }
    found
}

fn entries(participant: &Participant) -> Entries {
    let mut all = Entries::new();
    let mut add = |member, id: Option<String>, text: String| {
        // Ids of endpoints are the registry's affair; should one be there twice, both are seen.
        let entry = all.entry((member, id)).or_default();
        *entry = if entry.is_empty() { text } else { format!("{entry}; {text}") };
    };
    add(NAME, None, participant.organisation_name.to_string());
    if let Some(name) = &participant.domain_name {
        add("domainName", None, name.to_string());
    }
    for key in &participant.authtoken_keys {
        add(AUTHTOKEN_KEYS, Some(key.kid.to_string()), of_key(&key.key));
    }
    for MtbKey { kid, key, scope } in &participant.mtb_keys {
        let scope = scope.as_ref().map_or_else(String::new, |scope| format!(" {}", scope.as_str()));
        add(MTB_KEYS, Some(kid.to_string()), of_key(key) + &scope);
    }
    for Endpoint { endpoint_id, call } in &participant.endpoints {
        let tlsa = call.tlsa.as_ref().map_or_else(String::new, |tlsa| {
            format!(" TLSA {} {} {} {}", tlsa.usage, tlsa.selector, tlsa.matching_type, tlsa.data)
        });
        let text = format!("{} {} {}{tlsa}", call.interface.as_str(), call.version, call.uri);
        add("interfaceEndpoints", Some(endpoint_id.to_string()), text);
    }
    for SignatureConstraint { acceptable_pid, signature_lifetime } in &participant.signature_constraints {
        add("issuerSignatureConstraints", Some(acceptable_pid.to_string()), signature_lifetime.to_string());
    }
    if let Some(info) = &participant.info {
        add("participantInfo", None, info.as_str().to_owned());
    }
    all
}

/// The algorithm, and the thumbprint (RFC 7638), by which two keys are told apart.
fn of_key(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), key.thumbprint())
}
