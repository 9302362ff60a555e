//! [`Pass`]: what is known while a payload is read, and the seeds that read single values of it. serde's errors are texts;
//! why a reading ended is kept beside them.

use std::cell::Cell;

use serde::de::{DeserializeSeed, Deserializer, Error};

use super::error::MetadataError;
use super::free_object::AnyJson;
use crate::protocol::strict_json::{Json, JsonFault, Reading};

/// One reading of one payload.
#[derive(Default)]
pub(super) struct Pass {
    fault: Cell<Option<MetadataError>>,
}

/// Reads one value, strictly.
pub(super) struct One<'p>(pub(super) &'p Pass);

/// Reads one value as text, as strictly, and without asking what it is.
pub(super) struct AsText<'p>(pub(super) &'p Pass);

/// The most values of one entry: a JWK has eight, and a chain of certificates if it is very talkative.
const MAX_VALUES: u32 = 256;

impl Pass {
    /// Ends the reading.
    pub(super) fn stop<E: Error>(&self, fault: MetadataError) -> E {
        self.fault.set(Some(fault));
        E::custom("see the fault")
    }

    /// Ends the reading after `error`, for this reason unless a better one is known.
    pub(super) fn stop_after<E>(&self, error: E, otherwise: MetadataError) -> E {
        let known = self.fault.take();
        self.fault.set(Some(known.unwrap_or(otherwise)));
        error
    }

    /// Why the reading ended.
    pub(super) fn into_fault(self) -> MetadataError {
        self.fault.into_inner().unwrap_or(MetadataError::Payload(JsonFault::Syntax))
    }

    fn note(&self, fault: Option<JsonFault>) {
        if let Some(fault) = fault {
            self.fault.set(Some(MetadataError::Payload(fault)));
        }
    }
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        let reading = Reading::new(MAX_VALUES);
        reading.deserialize(deserializer).inspect_err(|_| self.0.note(reading.take_fault()))
    }
}

impl<'de> DeserializeSeed<'de> for AsText<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let (mut text, fault) = (String::new(), Cell::new(None));
        let seed = AnyJson { text: &mut text, fault: &fault };
        seed.deserialize(deserializer).inspect_err(|_| self.0.note(fault.take()))?;
        Ok(text)
    }
}
