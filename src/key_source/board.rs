//! [`Board`]: what every origin gave last, put together, and what is to be told of each.

use std::sync::Arc;

use super::current::CurrentKeys;
use super::origin::{Content, OriginError, OriginKind};
use crate::protocol::key_set::{KeySet, KeySetError};
use crate::value::{Pid, Timestamp};

/// The last good keys of every origin, and the set in force that is made of them.
pub(super) struct Board {
    keys: Arc<CurrentKeys>,
    notes: Vec<Note>,
}

/// What is known of one origin.
struct Note {
    held: KeySet,
    status: OriginStatus,
}

/// How an origin of keys is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginStatus {
    /// Its path, or its URL without the query.
    pub name: String,
    /// What it is.
    pub kind: OriginKind,
    /// When it was last read without fault, changed or not.
    pub last_success: Option<Timestamp>,
    /// What is wrong with it now; its last good keys are in force nevertheless.
    pub last_error: Option<String>,
    /// Whose keys it holds.
    pub issuers: Vec<Pid>,
    /// How many of them are in force.
    pub keys: usize,
    /// How many it has that check no tokens.
    pub left_out: usize,
    /// The generation of the key set with which these keys came into force; 0 if none did.
    pub generation: u64,
}

impl Board {
    /// A board without keys for these origins; an issuer may be known before its keys are.
    pub(super) fn new(origins: Vec<(String, OriginKind, Option<Pid>)>) -> Result<Self, KeySetError> {
        let notes = origins.into_iter().map(Note::new).collect::<Result<Vec<_>, _>>()?;
        let set = union(notes.iter().map(|note| &note.held))?;
        Ok(Self { keys: Arc::new(CurrentKeys::possibly_empty(set)), notes })
    }

    /// The set in force.
    pub(super) const fn keys(&self) -> &Arc<CurrentKeys> {
        &self.keys
    }

    /// Which origin speaks for this issuer.
    pub(super) fn origin_of(&self, issuer: Pid) -> Option<usize> {
        self.notes.iter().position(|note| note.held.knows(issuer))
    }

    /// Notes how a reading of an origin ended; new keys come into force with all others, as one set. Says what is wrong.
    pub(super) fn settle(
        &mut self,
        origin: usize,
        read: Result<Option<Content>, OriginError>,
        now: Timestamp,
    ) -> Result<(), OriginError> {
        let settled = match read {
            Ok(Some(content)) => self.put_in_force(origin, content),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Some(note) = self.notes.get_mut(origin) {
            note.tell(settled.as_ref().err(), now);
        }
        settled
    }

    /// How every origin is doing.
    pub(super) fn status(&self) -> Vec<OriginStatus> {
        self.notes.iter().map(|note| note.status.clone()).collect()
    }

    fn put_in_force(&mut self, origin: usize, content: Content) -> Result<(), OriginError> {
        let Content { set, left_out } = content;
        let others = self.notes.iter().enumerate().filter(|(index, _)| *index != origin);
        let all = union(others.map(|(_, note)| &note.held).chain([&set]))?;
        let Some(note) = self.notes.get_mut(origin) else { return Ok(()) };
        if note.held == set && note.status.generation > 0 {
            return Ok(());
        }
        if let Some(first) = left_out.first() {
            tracing::warn!(origin = note.status.name, keys = left_out.len(), kid = ?first.kid, why = %first.why,
                "keys that cannot check tokens are left out; the first of them is named");
        }
        note.status.generation = self.keys.replace(all);
        note.status.issuers = set.issuers().collect();
        note.status.issuers.sort_unstable();
        note.status.keys = set.len();
        note.status.left_out = left_out.len();
        note.held = set;
        tracing::info!(
            origin = note.status.name,
            keys = note.status.keys,
            generation = note.status.generation,
            "keys came into force"
        );
        Ok(())
    }
}

/// One set of several. Two that speak for one issuer do not make a set.
fn union<'s>(sets: impl Iterator<Item = &'s KeySet>) -> Result<KeySet, KeySetError> {
    let mut all = KeySet::new();
    for set in sets {
        all.absorb(set)?;
    }
    Ok(all)
}

impl Note {
    fn new((name, kind, issuer): (String, OriginKind, Option<Pid>)) -> Result<Self, KeySetError> {
        let mut held = KeySet::new();
        if let Some(issuer) = issuer {
            held.add(issuer, Vec::new())?;
        }
        let status = OriginStatus {
            name,
            kind,
            last_success: None,
            last_error: None,
            issuers: issuer.into_iter().collect(),
            keys: 0,
            left_out: 0,
            generation: 0,
        };
        Ok(Self { held, status })
    }

    /// Told when it changes, not at every reading: an origin that is down for a night is two lines.
    fn tell(&mut self, error: Option<&OriginError>, now: Timestamp) {
        let status = &mut self.status;
        let was = status.last_error.take();
        status.last_error = error.map(ToString::to_string);
        let (origin, keys) = (&status.name, status.keys);
        match (error, was) {
            (Some(error), None) => {
                tracing::warn!(origin, keys, %error, "keys cannot be read; the last good ones stay in force");
            }
            (Some(error), Some(_)) => tracing::debug!(origin, %error, "keys still cannot be read"),
            (None, Some(_)) => tracing::info!(origin, keys, "keys can be read again"),
            (None, None) => {}
        }
        if error.is_none() {
            status.last_success = Some(now);
        }
    }
}
