//! The whole register as one JSON document, for a move to another store: everything but the private halves of the anchors,
//! whose directory is copied, and the set, which is built anew. A document is believed no more than a participant is: every
//! body in it is read as if it had just been sent.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::jwk::{PublicJwk, bare_jwk};
use crate::protocol::registry::body::read_entry;
use crate::protocol::registry::operation::KeyList;
use crate::store::key_files::KeyFiles;
use crate::store::register::{Anchor, AnchorState, Entry, Kind, MetadataKey, Registered, UsedKid, Whole};
use crate::store::{Change, StoreError};
use crate::value::{Kid, Pid, Timestamp};

use super::handle::Register;
use super::outcome::Refused;
use super::rules;

/// Why a document is not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Not the JSON that it should be.
    #[error("this is no exported register: {0}")]
    Json(#[from] serde_json::Error),
    /// Something else, or of another version.
    #[error("this says that it is {format:?} of version {version}, and should be {FORMAT:?} of version {VERSION}")]
    Format {
        /// What it says.
        format: String,
        /// Its version.
        version: u32,
    },
    /// A body that would not be taken from the participant either.
    #[error("participant {pid}, {what}: {why}")]
    Body {
        /// Whose.
        pid: Pid,
        /// What.
        what: String,
        /// Why.
        why: Refused,
    },
    /// What contradicts itself.
    #[error("{what} {problem}")]
    Contradiction {
        /// What.
        what: String,
        /// How.
        problem: &'static str,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in the store cannot be written; does not happen.
    #[error("the register cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

const FORMAT: &str = "bob-auth register";
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    exported: When,
    last_serial: u64,
    last_endpoint_id: u32,
    participants: Vec<OfParticipant>,
    anchors: Vec<OfAnchor>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfParticipant {
    pid: Pid,
    organisation_name: String,
    added: When,
    removed: Option<When>,
    metadata_keys: Vec<OfMetadataKey>,
    kids: Vec<OfKid>,
    published: Vec<OfEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfMetadataKey {
    jwk: Box<RawValue>,
    added: When,
    revoked: Option<When>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfKid {
    list: String,
    kid: Kid,
    thumbprint: String,
    added: When,
    removed: Option<When>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfEntry {
    kind: String,
    changed: When,
    body: Box<RawValue>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfAnchor {
    role: String,
    state: String,
    file: String,
    created: When,
    activated: Option<When>,
    retired: Option<When>,
    jwk: Box<RawValue>,
}

/// A point in time as RFC 3339.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct When(Timestamp);

impl Register {
    /// Everything, as of one revision, and of the time `now`.
    pub async fn export(&self, now: Timestamp) -> Result<String, ExportError> {
        let whole = self.store.whole_register().await?;
        let mut participants: BTreeMap<Pid, OfParticipant> =
            whole.participants.into_iter().map(|one| (one.pid, OfParticipant::from(one))).collect();
        for key in whole.metadata_keys {
            if let Some(owner) = participants.get_mut(&key.pid) {
                let (added, revoked) = (When(key.added), key.revoked.map(When));
                owner.metadata_keys.push(OfMetadataKey { jwk: RawValue::from_string(key.jwk)?, added, revoked });
            }
        }
        for used in whole.kids {
            if let Some(owner) = participants.get_mut(&used.pid) {
                owner.kids.push(used.into());
            }
        }
        for entry in whole.entries {
            if let Some(owner) = participants.get_mut(&entry.pid) {
                let (kind, changed) = (entry.kind.to_string(), When(entry.changed));
                owner.published.push(OfEntry { kind, changed, body: RawValue::from_string(entry.body)? });
            }
        }
        let document = Document {
            format: FORMAT.to_owned(),
            version: VERSION,
            exported: When(now),
            last_serial: u64::try_from(whole.last_serial).unwrap_or_default(),
            last_endpoint_id: u32::try_from(whole.last_endpoint_id).unwrap_or(u32::MAX),
            participants: participants.into_values().collect(),
            anchors: whole.anchors.into_iter().map(OfAnchor::new).collect::<Result<_, _>>()?,
        };
        Ok(serde_json::to_string_pretty(&document)?)
    }

    /// Takes an exported register in, all of it or nothing; only into an empty one. How many participants came along.
    pub async fn import(&self, document: &[u8], change: &Change) -> Result<usize, ImportError> {
        let document: Document = serde_json::from_slice(document)?;
        if (document.format.as_str(), document.version) != (FORMAT, VERSION) {
            return Err(ImportError::Format { format: document.format, version: document.version });
        }
        let whole = self.read_document(document)?;
        self.store.take_whole_register(&whole, change).await?;
        Ok(whole.participants.len())
    }

    fn read_document(&self, document: Document) -> Result<Whole, ImportError> {
        let mut whole = Whole {
            last_serial: i64::try_from(document.last_serial).unwrap_or(i64::MAX),
            last_endpoint_id: document.last_endpoint_id.into(),
            ..Whole::default()
        };
        let mut pids = BTreeSet::new();
        for participant in document.participants {
            let what = format!("participant {}", participant.pid);
            once(pids.insert(participant.pid), &what)?;
            self.read_participant(participant, &what, &mut whole)?;
        }
        let ids: Vec<i64> =
            whole.entries.iter().filter(|entry| entry.kind == Kind::Endpoint).map(|entry| entry.number).collect();
        once(ids.iter().collect::<BTreeSet<_>>().len() == ids.len(), "the id of an endpoint")?;
        let known = |id: &i64| (1..=whole.last_endpoint_id).contains(id);
        must(ids.iter().all(known), "the id of an endpoint", "was never given")?;
        let (mut kids, mut places) = (BTreeSet::new(), BTreeSet::new());
        for anchor in document.anchors {
            let anchor = anchor.read()?;
            let what = format!("the anchor {}", anchor.kid);
            once(kids.insert(anchor.kid.clone()), &what)?;
            let alone = anchor.retired.is_some() || places.insert((anchor.role, anchor.state));
            must(alone, &what, "has a role that another one has too")?;
            whole.anchors.push(anchor);
        }
        Ok(whole)
    }

    fn read_participant(&self, from: OfParticipant, what: &str, whole: &mut Whole) -> Result<(), ImportError> {
        let pid = from.pid;
        let gone = from.removed.is_some();
        let (mut ids, mut thumbprints) = (BTreeSet::new(), BTreeSet::new());
        for key in from.metadata_keys {
            let read: PublicJwk = read_entry(key.jwk.get().as_bytes()).map_err(|error| ImportError::Body {
                pid,
                what: "a metadata key".to_owned(),
                why: error.into(),
            })?;
            let thumbprint = read.key.thumbprint();
            once(ids.insert(read.kid.clone()) && thumbprints.insert(thumbprint.clone()), "a metadata key")?;
            must(!gone || key.revoked.is_some(), what, "is gone and has a metadata key in force")?;
            let jwk = serde_json::to_string(&bare_jwk(&read.kid, &read.key))?;
            let (added, revoked) = (key.added.0, key.revoked.map(|when| when.0));
            whole.metadata_keys.push(MetadataKey { pid, kid: read.kid, thumbprint, jwk, added, revoked });
        }
        let mut in_force = BTreeMap::new();
        let mut used = BTreeSet::new();
        for kid in from.kids {
            let kid = kid.read(pid)?;
            once(used.insert((kid.list, kid.kid.clone())), &format!("{what}: the key id {}", kid.kid))?;
            if kid.removed.is_none() {
                in_force.insert((kid.list, kid.kid.clone()), kid.thumbprint.clone());
            }
            whole.kids.push(kid);
        }
        let mut places = BTreeSet::new();
        for entry in from.published {
            let (entry, thumbprint) = self.read_body(pid, &entry)?;
            once(places.insert((entry.kind, entry.number, entry.kid.clone())), what)?;
            if let (Some(list), Some(thumbprint)) = (entry.kind.list(), thumbprint) {
                let kid = entry.kid.parse().map_err(|_| contradiction(what, "has a key without an id"))?;
                let known = in_force.remove(&(list, kid)) == Some(thumbprint);
                must(known, what, "publishes a key that its key ids do not name")?;
            }
            whole.entries.push(entry);
        }
        must(in_force.is_empty(), what, "has a key id in force without its key")?;
        must(!gone || places.is_empty(), what, "is gone and publishes something")?;
        let (name, added, removed) = (from.organisation_name, from.added.0, from.removed.map(|when| when.0));
        whole.participants.push(Registered { pid, name, added, removed });
        Ok(())
    }

    /// Reads a body as if its participant had just sent it; for a key with its thumbprint.
    fn read_body(&self, pid: Pid, entry: &OfEntry) -> Result<(Entry, Option<String>), ImportError> {
        let refused = |why| ImportError::Body { pid, what: format!("something of the kind {}", entry.kind), why };
        let kind: Kind = entry.kind.parse().map_err(|_| contradiction(&entry.kind, "is no kind of thing"))?;
        let bytes = entry.body.get().as_bytes();
        let plain = |body| (0, String::new(), body, None);
        let (number, id, body, thumbprint) = match kind {
            Kind::Domain => plain(rules::domain_name(bytes).map_err(refused)?),
            Kind::Info => plain(rules::info(bytes, self.limits.info_bytes).map_err(refused)?),
            Kind::Mtb | Kind::Authtoken => {
                let list = kind.list().unwrap_or(KeyList::Authtoken);
                let key = rules::key(list, bytes).map_err(refused)?;
                (0, key.kid.to_string(), key.json, Some(key.thumbprint))
            }
            Kind::Endpoint => {
                let endpoint = rules::endpoint(bytes).map_err(refused)?;
                (endpoint.endpoint_id, String::new(), rules::write(&endpoint).map_err(refused)?, None)
            }
            Kind::Constraint => {
                let constraint = rules::constraint(bytes).map_err(refused)?;
                let issuer = constraint.acceptable_pid.get();
                (issuer, String::new(), rules::write(&constraint).map_err(refused)?, None)
            }
        };
        Ok((Entry { pid, kind, number, kid: id, body, changed: entry.changed.0 }, thumbprint))
    }
}

impl OfKid {
    fn read(self, pid: Pid) -> Result<UsedKid, ImportError> {
        let list = self.list.parse::<Kind>().ok().and_then(Kind::list);
        Ok(UsedKid {
            pid,
            list: list.ok_or_else(|| contradiction(&self.list, "is no list of keys"))?,
            kid: self.kid,
            thumbprint: self.thumbprint,
            added: self.added.0,
            removed: self.removed.map(|when| when.0),
        })
    }
}

impl OfAnchor {
    fn new(anchor: Anchor) -> Result<Self, serde_json::Error> {
        Ok(Self {
            role: anchor.role.to_string(),
            state: anchor.state.to_string(),
            file: anchor.file,
            created: When(anchor.created),
            activated: anchor.activated.map(When),
            retired: anchor.retired.map(When),
            jwk: RawValue::from_string(anchor.public_jwk)?,
        })
    }

    fn read(self) -> Result<Anchor, ImportError> {
        let PublicJwk { kid, key } =
            read_entry(self.jwk.get().as_bytes()).map_err(|_| contradiction("an anchor", "is no public key"))?;
        let what = format!("the anchor {kid}");
        must(self.file == KeyFiles::name_for(&kid), &what, "has a file of another name")?;
        let anchor = Anchor {
            role: self.role.parse().map_err(|_| contradiction(&what, "has a role that is not known"))?,
            state: self.state.parse().map_err(|_| contradiction(&what, "has a state that is not known"))?,
            alg: key.algorithm().to_string(),
            public_jwk: serde_json::to_string(&key.to_jwk(kid.as_str()))?,
            file: self.file,
            created: self.created.0,
            activated: self.activated.map(|when| when.0),
            retired: self.retired.map(|when| when.0),
            kid,
        };
        let retired = anchor.state == AnchorState::Retired;
        must(retired == anchor.retired.is_some(), &what, "is retired and is not")?;
        Ok(anchor)
    }
}

impl From<Registered> for OfParticipant {
    fn from(one: Registered) -> Self {
        Self {
            pid: one.pid,
            organisation_name: one.name,
            added: When(one.added),
            removed: one.removed.map(When),
            metadata_keys: Vec::new(),
            kids: Vec::new(),
            published: Vec::new(),
        }
    }
}

impl From<UsedKid> for OfKid {
    fn from(used: UsedKid) -> Self {
        Self {
            list: Kind::of(used.list).to_string(),
            kid: used.kid,
            thumbprint: used.thumbprint,
            added: When(used.added),
            removed: used.removed.map(When),
        }
    }
}

impl TryFrom<String> for When {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Timestamp::parse_rfc3339(&text).map(Self).ok_or("a time is written like 2026-11-22T05:51:03Z")
    }
}

impl From<When> for String {
    fn from(when: When) -> Self {
        when.0.to_string()
    }
}

fn once(new: bool, what: &str) -> Result<(), ImportError> {
    must(new, what, "is there twice")
}

fn must(holds: bool, what: &str, problem: &'static str) -> Result<(), ImportError> {
    if holds { Ok(()) } else { Err(contradiction(what, problem)) }
}

fn contradiction(what: &str, problem: &'static str) -> ImportError {
    ImportError::Contradiction { what: what.to_owned(), problem }
}
