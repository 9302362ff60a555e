//! One participant of a payload, read member by member in whatever order they come; its pid may be the last.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::entry::{Entry, Key, Refused};
use super::error::MetadataError;
use super::free_object::FreeObject;
use super::participant::{Endpoint, MtbKey, Participant, SignatureConstraint, Skipped, WhySkipped};
use super::pass::{AsText, One, Pass};
use crate::protocol::jwk::PublicJwk;
use crate::protocol::strict_json::{Json, JsonFault, Name};
use crate::value::Pid;

/// The most members of a participant; eight are known.
const MAX_MEMBERS: usize = 64;
/// The longest domain name (RFC 1035 section 2.3.4).
const MAX_DOMAIN: usize = 253;
/// The most characters of an id that a report repeats.
const SHOWN: usize = 128;

const DOMAIN_NAME: &str = "domainName";
const INFO: &str = "participantInfo";

/// Reads the participant at this place of the array.
pub(super) struct DraftSeed<'p> {
    pub(super) pass: &'p Pass,
    pub(super) index: usize,
}

/// What was read of a participant so far.
#[derive(Default)]
pub(super) struct Draft {
    pid: Option<Pid>,
    organisation_name: Option<Box<str>>,
    domain_name: Option<Box<str>>,
    mtb_keys: Vec<MtbKey>,
    authtoken_keys: Vec<PublicJwk>,
    endpoints: Vec<Endpoint>,
    signature_constraints: Vec<SignatureConstraint>,
    info: Option<FreeObject>,
    found: Findings,
}

/// What was wrong with single entries.
#[derive(Default)]
struct Findings {
    skipped: Vec<(&'static str, Option<String>, WhySkipped)>,
    private: Option<(Option<String>, &'static str)>,
}

impl Draft {
    /// The participant, if it is one.
    pub(super) fn finish(self, index: usize) -> Result<(Participant, Vec<Skipped>), MetadataError> {
        let missing = |member| MetadataError::Participant { index, pid: self.pid, member };
        let pid = self.pid.ok_or_else(|| missing("pid"))?;
        if let Some((kid, member)) = self.found.private {
            return Err(MetadataError::PrivateKey { pid, kid, member });
        }
        let organisation_name = self.organisation_name.ok_or_else(|| missing("organisationName"))?;
        let skip = |(list, id, why)| Skipped { pid, list, id, why };
        let participant = Participant {
            pid,
            organisation_name,
            domain_name: self.domain_name,
            mtb_keys: sorted(pid, self.mtb_keys)?,
            authtoken_keys: sorted(pid, self.authtoken_keys)?,
            endpoints: self.endpoints,
            signature_constraints: self.signature_constraints,
            info: self.info,
        };
        Ok((participant, self.found.skipped.into_iter().map(skip).collect()))
    }
}

/// Reads a participant that stands by itself.
pub(in crate::protocol) fn read_participant(bytes: &[u8]) -> Result<(Participant, Vec<Skipped>), MetadataError> {
    let pass = Pass::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = DraftSeed { pass: &pass, index: 0 };
    let read = seed.deserialize(&mut deserializer).and_then(|draft| deserializer.end().map(|()| draft));
    match read {
        Ok(draft) => draft.finish(0),
        Err(_) => Err(pass.into_fault()),
    }
}

/// The keys by kid, each kid once, in no more room than they need.
fn sorted<K: Key + Entry>(pid: Pid, mut keys: Vec<K>) -> Result<Vec<K>, MetadataError> {
    keys.sort_unstable_by(|a, b| a.kid().cmp(b.kid()));
    if let Some(twice) = keys.windows(2).find(|pair| pair[0].kid() == pair[1].kid()) {
        return Err(MetadataError::DuplicateKid { pid, list: K::LIST, kid: twice[0].kid().clone() });
    }
    keys.shrink_to_fit();
    Ok(keys)
}

impl<'de> DeserializeSeed<'de> for DraftSeed<'_> {
    type Value = Draft;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Draft, D::Error> {
        let no_object = MetadataError::Participant { index: self.index, pid: None, member: "the object itself" };
        let pass = self.pass;
        deserializer.deserialize_map(self).map_err(|error| pass.stop_after(error, no_object))
    }
}

impl<'de> Visitor<'de> for DraftSeed<'_> {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a participant")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Draft, A::Error> {
        let mut draft = Draft::default();
        let mut names: Vec<Cow<'de, str>> = Vec::with_capacity(8);
        while let Some(name) = members.next_key_seed(Name)? {
            if names.contains(&name) {
                return Err(self.pass.stop(MetadataError::Payload(JsonFault::duplicate(&name))));
            }
            if names.len() == MAX_MEMBERS {
                return Err(self.pass.stop(MetadataError::Payload(JsonFault::TooManyMembers)));
            }
            self.member(&mut draft, &name, &mut members)?;
            names.push(name);
        }
        Ok(draft)
    }
}

impl DraftSeed<'_> {
    /// Reads the member `name` into its place.
    fn member<'de, A: MapAccess<'de>>(&self, draft: &mut Draft, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "pid" => {
                draft.pid = match members.next_value_seed(One(self.pass))? {
                    Json::Integer(number) => Pid::new(number).ok(),
                    _ => None,
                };
            }
            "organisationName" => {
                draft.organisation_name = members.next_value_seed(One(self.pass))?.as_text().map(Into::into);
            }
            DOMAIN_NAME => match members.next_value_seed(One(self.pass))? {
                Json::Null => {}
                Json::Text(text) if is_domain_name(&text) => draft.domain_name = Some(text.into()),
                _ => draft.found.skipped.push((DOMAIN_NAME, None, WhySkipped::Malformed)),
            },
            <MtbKey as Entry>::LIST => self.list(members, &mut draft.mtb_keys, &mut draft.found)?,
            <PublicJwk as Entry>::LIST => self.list(members, &mut draft.authtoken_keys, &mut draft.found)?,
            Endpoint::LIST => self.list(members, &mut draft.endpoints, &mut draft.found)?,
            SignatureConstraint::LIST => self.list(members, &mut draft.signature_constraints, &mut draft.found)?,
            INFO => match members.next_value_seed(AsText(self.pass))? {
                null if null == "null" => {}
                text => match FreeObject::from_text(text) {
                    Some(info) => draft.info = Some(info),
                    None => draft.found.skipped.push((INFO, None, WhySkipped::Malformed)),
                },
            },
            // Nobody asks for it; it is read all the same, because no object may name a member twice.
            _ => drop(members.next_value_seed(AsText(self.pass))?),
        }
        Ok(())
    }

    fn list<'de, A: MapAccess<'de>, T: Entry>(
        &self,
        members: &mut A,
        entries: &mut Vec<T>,
        found: &mut Findings,
    ) -> Result<(), A::Error> {
        let malformed = MetadataError::Participant { index: self.index, pid: None, member: T::LIST };
        let list = List { pass: self.pass, entries, found };
        members.next_value_seed(list).map_err(|error| self.pass.stop_after(error, malformed))
    }
}

/// Reads a list of entries; `null` is an empty one.
struct List<'l, T> {
    pass: &'l Pass,
    entries: &'l mut Vec<T>,
    found: &'l mut Findings,
}

impl<'de, T: Entry> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Entry> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element_seed(One(self.pass))? {
            let Json::Object(object) = item else {
                self.found.skipped.push((T::LIST, None, WhySkipped::Malformed));
                continue;
            };
            match T::read(&object) {
                Ok(entry) => self.entries.push(entry),
                Err(Refused::Skipped(why)) => {
                    let id = object.get(T::ID).and_then(shown);
                    self.found.skipped.push((T::LIST, id, why));
                }
                Err(Refused::Private(kid, member)) => {
                    self.found.private.get_or_insert((kid, member));
                }
            }
        }
        Ok(())
    }
}

fn shown(id: &Json<'_>) -> Option<String> {
    match id {
        Json::Text(text) => Some(text.chars().take(SHOWN).collect()),
        Json::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Letters, digits, hyphens and full stops; that it exists is not known here.
pub(in crate::protocol) fn is_domain_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= MAX_DOMAIN && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}
