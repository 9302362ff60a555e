//! [`FreeObject`]: JSON that is not ours to understand. It is kept as text, and is read as strictly as everything else: no
//! object in it names a member twice.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Write as _};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::protocol::strict_json::{JsonFault, Name};

/// A JSON object as it was published, without white space. A number beyond 64 bits is the nearest that a double holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeObject(Box<str>);

/// Reads any value to the end of `text`; a duplicate member is put into `fault`.
pub(super) struct AnyJson<'r> {
    pub(super) text: &'r mut String,
    pub(super) fault: &'r Cell<Option<JsonFault>>,
}

impl FreeObject {
    /// The most objects and arrays inside each other, itself among them, of one that stands by itself. In a set it stands
    /// deeper, and readers of JSON give up somewhere: one participant must not keep all others from being read.
    pub const MAX_DEPTH: usize = 32;

    /// The object with this text, if it is that of one.
    pub(super) fn from_text(text: String) -> Option<Self> {
        text.starts_with('{').then(|| Self(text.into_boxed_str()))
    }

    /// Reads an object that stands by itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonFault> {
        let (mut text, fault) = (String::new(), Cell::new(None));
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let seed = AnyJson { text: &mut text, fault: &fault };
        let read = seed.deserialize(&mut deserializer).and_then(|()| deserializer.end());
        read.map_err(|_| fault.take().unwrap_or(JsonFault::Syntax))?;
        if depth(&text) > Self::MAX_DEPTH {
            return Err(JsonFault::TooDeep);
        }
        Self::from_text(text).ok_or(JsonFault::NotAnObject)
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many objects and arrays there are inside each other.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl Serialize for FreeObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Value = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

impl AnyJson<'_> {
    fn inner(&mut self) -> AnyJson<'_> {
        AnyJson { text: self.text, fault: self.fault }
    }

    fn write<E: Error>(self, value: impl Display) -> Result<(), E> {
        write!(self.text, "{value}").map_err(E::custom)
    }

    fn write_text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        self.text.push_str(&serde_json::to_string(text).map_err(E::custom)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for AnyJson<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyJson<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write("null")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.write(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.write(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        // As JSON: 1.0 stays a number with a fraction.
        self.write(Value::from(value))
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.write_text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.text.push('[');
        let first = self.text.len();
        while items.next_element_seed(self.inner())?.is_some() {
            self.text.push(',');
        }
        close(self.text, first, ']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut names: BTreeSet<Cow<'de, str>> = BTreeSet::new();
        self.text.push('{');
        let first = self.text.len();
        while let Some(name) = members.next_key_seed(Name)? {
            if names.contains(&name) {
                self.fault.set(Some(JsonFault::duplicate(&name)));
                return Err(A::Error::custom("see the fault"));
            }
            self.write_text(&name)?;
            self.text.push(':');
            members.next_value_seed(self.inner())?;
            self.text.push(',');
            names.insert(name);
        }
        close(self.text, first, '}');
        Ok(())
    }
}

/// Puts the bracket in the place of the last comma, if there is one.
fn close(text: &mut String, first: usize, bracket: char) {
    if text.len() > first {
        text.pop();
    }
    text.push(bracket);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Result<String, Option<JsonFault>> {
        let (mut text, fault) = (String::new(), Cell::new(None));
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let seed = AnyJson { text: &mut text, fault: &fault };
        let read = seed.deserialize(&mut deserializer).and_then(|()| deserializer.end());
        read.map(|()| text).map_err(|_| fault.take())
    }

    #[test]
    fn a_value_keeps_its_order_and_its_kinds() {
        let json = r#"{ "b" : [ 1, -1, 1.0, 1.5e300, true, null, [], {} ], "a\n\"" : "\u0041\u0000ö", "c": {"d":[[1],[2,3]]} }"#;
        let text = r#"{"b":[1,-1,1.0,1.5e300,true,null,[],{}],"a\n\"":"A\u0000ö","c":{"d":[[1],[2,3]]}}"#;
        assert_eq!(read(json).unwrap().replace("1.5e+300", "1.5e300"), text);
    }

    #[test]
    fn only_an_object_is_a_free_object_and_no_member_is_there_twice() {
        assert!(FreeObject::from_text(read(" {}").unwrap()).is_some());
        for json in ["[]", "null", "\"{}\"", "1"] {
            assert!(FreeObject::from_text(read(json).unwrap()).is_none(), "{json}");
        }
        let twice = JsonFault::Duplicate { name: "a".to_owned() };
        assert_eq!(read(r#"{"x":[{"a":1,"b":2,"\u0061":3}]}"#), Err(Some(twice)));
        assert_eq!(read("{"), Err(None));
    }

    #[test]
    fn an_object_that_stands_by_itself_is_not_nested_deeper_than_a_set_could_take() {
        let nested = |levels: usize| format!("{}1{}", r#"{"a\"{[":"#.repeat(levels), "}".repeat(levels));
        assert!(FreeObject::parse(nested(FreeObject::MAX_DEPTH).as_bytes()).is_ok());
        for levels in [FreeObject::MAX_DEPTH + 1, 100, 126] {
            assert_eq!(FreeObject::parse(nested(levels).as_bytes()), Err(JsonFault::TooDeep), "{levels}");
        }
        assert!(FreeObject::parse(nested(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_number_that_no_integer_holds_is_the_same_after_every_reading() {
        let once = FreeObject::parse(br#"{"a":100000000000000900000000000000000000000000061489146912365}"#).unwrap();
        assert_eq!(FreeObject::parse(once.as_str().as_bytes()).unwrap(), once);
    }

    proptest! {
        #[test]
        fn what_is_kept_says_what_was_read(json in r#"\{("[a-c]":("\PC{0,4}"|-?[1-9]{1,25}(\.[0-9])?|null|\{"[a-c]":1\}|\[1,true\]))?(,"[d-f]":\[\])?\}"#) {
            if let Ok(value) = serde_json::from_str::<Value>(&json) {
                let kept = FreeObject::from_text(read(&json).unwrap()).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Value>(kept.as_str()).unwrap(), &value);
                prop_assert_eq!(serde_json::to_value(&kept).unwrap(), value);
            }
        }
    }
}
