//! JSON put together from what the store keeps: every body in it was written by us when it was taken in.

use crate::store::register::{Content, Entry, Kind};

/// The array of these bodies.
pub(super) fn array<'b>(bodies: impl Iterator<Item = &'b str>) -> String {
    let mut json = String::from("[");
    push_joined(&mut json, bodies);
    json.push(']');
    json
}

/// Appends a participant (`participantMetadata`); what it does not publish is left out.
pub(super) fn push_participant(json: &mut String, content: &Content) -> Result<(), serde_json::Error> {
    let name = serde_json::to_string(&content.participant.name)?;
    let pid = content.participant.pid.to_string();
    push_all(json, &[r#"{"pid":"#, &pid, r#","organisationName":"#, &name]);
    let of = |kind: Kind| content.entries.iter().filter(move |entry: &&Entry| entry.kind == kind);
    for (kind, name) in [(Kind::Domain, "domainName"), (Kind::Info, "participantInfo")] {
        if let Some(entry) = of(kind).next() {
            push_all(json, &[",\"", name, "\":", &entry.body]);
        }
    }
    for (kind, name) in [
        (Kind::Mtb, "mtbPublicKeys"),
        (Kind::Authtoken, "authtokenPublicKeys"),
        (Kind::Endpoint, "interfaceEndpoints"),
        (Kind::Constraint, "issuerSignatureConstraints"),
    ] {
        if of(kind).next().is_some() {
            push_all(json, &[",\"", name, "\":["]);
            push_joined(json, of(kind).map(|entry| &*entry.body));
            json.push(']');
        }
    }
    json.push('}');
    Ok(())
}

/// The payload of a set: an array of participants.
pub(super) fn payload(participants: &[Content]) -> Result<String, serde_json::Error> {
    let mut json = String::from("[");
    for (index, content) in participants.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        push_participant(&mut json, content)?;
    }
    json.push(']');
    Ok(json)
}

fn push_all(json: &mut String, parts: &[&str]) {
    json.extend(parts.iter().copied());
}

fn push_joined<'b>(json: &mut String, bodies: impl Iterator<Item = &'b str>) {
    for (index, body) in bodies.enumerate() {
        if index > 0 {
            json.push(',');
        }
        json.push_str(body);
    }
}
