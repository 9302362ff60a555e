//! [`Unread`]: values that nobody asks for (unknown members, a participant's free object). They are not kept, but no object
//! in them names a member twice either.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::protocol::strict_json::{JsonFault, Name};

/// Reads past one value; a duplicate member is put into the cell.
#[derive(Clone, Copy)]
pub(super) struct Unread<'r>(pub(super) &'r Cell<Option<JsonFault>>);

/// Checks a text of JSON.
pub(super) fn check(text: &str) -> Result<(), JsonFault> {
    let fault = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Unread(&fault).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    read.map_err(|_| fault.take().unwrap_or(JsonFault::Syntax))
}

impl<'de> DeserializeSeed<'de> for Unread<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unread<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names: BTreeSet<Cow<'de, str>> = BTreeSet::new();
        while let Some(name) = members.next_key_seed(Name)? {
            if names.contains(&name) {
                self.0.set(Some(JsonFault::duplicate(&name)));
                return Err(A::Error::custom("see the fault"));
            }
            names.insert(name);
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}
