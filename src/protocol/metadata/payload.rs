//! The payload of a set, read in one pass: an array of participants, whose keys are checked as they come by. At no time
//! more than one entry of the text is held apart, and nothing of it is kept.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};

use super::draft::DraftSeed;
use super::error::MetadataError;
use super::participant::{Participant, Skipped};
use super::pass::Pass;
use crate::value::Pid;

/// What a payload says.
#[derive(Default)]
pub(super) struct Payload {
    /// By pid; none is there twice.
    pub(super) participants: Vec<Participant>,
    pub(super) skipped: Vec<Skipped>,
}

impl Payload {
    /// Reads the bytes that a trusted signature covers.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, MetadataError> {
        let pass = Pass::default();
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let read = deserializer.deserialize_any(Participants(&pass)).and_then(|read| deserializer.end().map(|()| read));
        let Ok(mut read) = read else { return Err(pass.into_fault()) };
        if read.participants.is_empty() {
            return Err(MetadataError::Empty);
        }
        read.participants.sort_unstable_by_key(|participant| participant.pid);
        read.participants.shrink_to_fit();
        Ok(read)
    }
}

struct Participants<'p>(&'p Pass);

impl<'de> Visitor<'de> for Participants<'_> {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of participants")
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Payload, A::Error> {
        Err(self.0.stop(MetadataError::NotAnArray))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Payload, A::Error> {
        let mut payload = Payload::default();
        let mut pids: HashSet<Pid> = HashSet::new();
        let mut index = 0;
        while let Some(draft) = items.next_element_seed(DraftSeed { pass: self.0, index })? {
            let (participant, skipped) = draft.finish(index).map_err(|fault| self.0.stop(fault))?;
            if !pids.insert(participant.pid) {
                return Err(self.0.stop(MetadataError::DuplicatePid(participant.pid)));
            }
            payload.participants.push(participant);
            payload.skipped.extend(skipped);
            index += 1;
        }
        Ok(payload)
    }
}
