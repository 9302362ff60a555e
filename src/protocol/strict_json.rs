//! JSON read the strict way (RFC 8259 with the rule of RFC 7515 section 4 applied at every depth): no object names a member
//! twice, however it is spelt, and no text takes more memory than it is worth. What the members mean is not known here.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value; its texts stay where they were read, unless they had to be unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits.
    Integer(i64),
    /// A number with a fraction or an exponent, or a whole one that does not fit.
    OtherNumber,
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// The members of a JSON object in their order, each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// Why bytes are not the JSON object that they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Not JSON in UTF-8 (RFC 8259 section 8.1), or nested deeper than any of our formats.
    #[error("is no JSON in UTF-8")]
    Syntax,
    /// JSON, but no object.
    #[error("is no JSON object")]
    NotAnObject,
    /// A name that stands in one object twice. Readers disagree which of the two counts.
    #[error("names the member {name:?} twice")]
    Duplicate {
        /// The name, unescaped, its first few characters.
        name: String,
    },
    /// More values, of whatever kind and depth, than the reader takes.
    #[error("has more than {most} values")]
    TooMany {
        /// How many it takes.
        most: u32,
    },
    /// More objects and arrays inside each other than are taken.
    #[error("has objects or arrays too deep inside each other")]
    TooDeep,
    /// More members than any of our objects has.
    #[error("has an object with more than {MAX_MEMBERS} members")]
    TooManyMembers,
}

impl JsonFault {
    pub(super) fn duplicate(name: &str) -> Self {
        Self::Duplicate { name: name.chars().take(SHOWN).collect() }
    }
}

/// The most members of one object.
const MAX_MEMBERS: usize = 128;

/// The most characters of a duplicate name that an error repeats.
const SHOWN: usize = 32;

/// Reads an object of at most `most` values, of whatever kind and depth.
pub fn read_object(bytes: &[u8], most: u32) -> Result<Object<'_>, JsonFault> {
    match read_value(bytes, most)? {
        Json::Object(object) => Ok(object),
        _ => Err(JsonFault::NotAnObject),
    }
}

/// Reads a value of any kind, with at most `most` values in it.
pub fn read_value(bytes: &[u8], most: u32) -> Result<Json<'_>, JsonFault> {
    let reading = Reading::new(most);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = reading.value(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|_| reading.take_fault().unwrap_or(JsonFault::Syntax))
}

impl<'a> Object<'a> {
    /// The member with this name.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All members in their order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl Json<'_> {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// What kind of value this is, in words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "a whole number",
            Self::OtherNumber => "a number that is no whole one, or too large",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// What is known while one value is read: a whole text, or a part of one that others read (as a seed).
pub(super) struct Reading {
    most: u32,
    values: Cell<u32>,
    fault: Cell<Option<JsonFault>>,
}

impl Reading {
    pub(super) const fn new(most: u32) -> Self {
        Self { most, values: Cell::new(0), fault: Cell::new(None) }
    }

    /// Why the reading failed, if it was for a reason that serde does not know.
    pub(super) fn take_fault(&self) -> Option<JsonFault> {
        self.fault.take()
    }

    fn value<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Json<'de>, D::Error> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > self.most {
            return Err(self.fault(JsonFault::TooMany { most: self.most }));
        }
        deserializer.deserialize_any(self)
    }

    fn fault<E: serde::de::Error>(&self, fault: JsonFault) -> E {
        self.fault.set(Some(fault));
        E::custom("see the fault")
    }
}

impl<'de> DeserializeSeed<'de> for &Reading {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        self.value(deserializer)
    }
}

impl<'de> Visitor<'de> for &Reading {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(i64::try_from(value).map_or(Json::OtherNumber, Json::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json<'de>, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        let mut object = Vec::with_capacity(8);
        while let Some(name) = members.next_key_seed(Name)? {
            if object.len() == MAX_MEMBERS {
                return Err(self.fault(JsonFault::TooManyMembers));
            }
            if object.iter().any(|(known, _)| *known == name) {
                return Err(self.fault(JsonFault::duplicate(&name)));
            }
            object.push((name, members.next_value_seed(self)?));
        }
        Ok(Json::Object(Object(object)))
    }
}

/// A member's name, borrowed where it can be.
pub(super) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: u32 = 256;

    fn fault(text: &str) -> JsonFault {
        read_object(text.as_bytes(), MOST).unwrap_err()
    }

    #[test]
    fn members_keep_their_order_and_kinds() {
        let text = r#"{"a":1,"b":"x\n","c":[null,true,1.5],"d":{"e":18446744073709551615}}"#;
        let object = read_object(text.as_bytes(), MOST).unwrap();
        assert_eq!(object.members().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(object.get("a"), Some(&Json::Integer(1)));
        assert_eq!(object.get("b").unwrap().as_text(), Some("x\n"));
        assert_eq!(object.get("c"), Some(&Json::Array(vec![Json::Null, Json::Bool(true), Json::OtherNumber])));
        assert!(matches!(object.get("d"), Some(Json::Object(inner)) if inner.get("e") == Some(&Json::OtherNumber)));
    }

    #[test]
    fn a_member_named_twice_is_refused_at_every_depth_and_in_every_spelling() {
        let duplicate = |name: &str| JsonFault::Duplicate { name: name.to_owned() };
        assert_eq!(fault(r#"{"iss":"1","iss":"1"}"#), duplicate("iss"));
        assert_eq!(fault(r#"{"alg":"ES256","\u0061lg":"none"}"#), duplicate("alg"));
        assert_eq!(fault(r#"{"cnf":{"x":1,"x":1}}"#), duplicate("x"));
        assert_eq!(fault(r#"{"a":[[{"b":{"c":1,"c":2}}]]}"#), duplicate("c"));
        assert!(read_object(br#"{"a":{"b":1},"b":{"a":1}}"#, MOST).is_ok());
    }

    #[test]
    fn what_is_not_json_in_utf_8_is_refused() {
        for bytes in [
            &b""[..],
            b"{",
            b"{}{}",
            b"{}x",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\xc0\xaf\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":1e999}",
            b"{\"a\":01}",
            b"{\"a\":NaN}",
            b"{\"a\":\"\x01\"}",
            b"{\"a\":\"\xed\xa0\x80\"}",
        ] {
            assert_eq!(read_object(bytes, MOST).unwrap_err(), JsonFault::Syntax, "{bytes:?}");
        }
        assert_eq!(fault("[]"), JsonFault::NotAnObject);
        assert_eq!(fault("\"{}\""), JsonFault::NotAnObject);
    }

    #[test]
    fn a_bomb_is_refused_before_it_takes_room() {
        assert_eq!(fault(&format!("{{\"a\":{}", "[".repeat(100_000))), JsonFault::Syntax);
        assert_eq!(fault(&format!("{{\"a\":[{}1]}}", "1,".repeat(4_000))), JsonFault::TooMany { most: MOST });
        let members: Vec<String> = (0..4_000).map(|n| format!("\"{n}\":1")).collect();
        assert_eq!(fault(&format!("{{{}}}", members.join(","))), JsonFault::TooManyMembers);
        assert_eq!(fault(&format!("{{\"a\":{}}}", "1".repeat(100_000))), JsonFault::Syntax);
    }

    #[test]
    fn as_many_values_and_members_as_are_allowed_are_read_and_not_one_more() {
        // The object and the array count as well.
        let values = |count: usize| format!("{{\"a\":[{}]}}", vec!["1"; count - 2].join(","));
        assert!(read_object(values(MOST as usize).as_bytes(), MOST).is_ok());
        assert_eq!(fault(&values(MOST as usize + 1)), JsonFault::TooMany { most: MOST });
        let members = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"{n}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(read_object(members(MAX_MEMBERS).as_bytes(), MOST).is_ok());
        assert_eq!(fault(&members(MAX_MEMBERS + 1)), JsonFault::TooManyMembers);
    }

    #[test]
    fn every_kind_of_value_has_a_name_of_its_own() {
        let object = read_object(br#"{"a":null,"b":true,"c":1,"d":1.5,"e":"","f":[],"g":{}}"#, MOST).unwrap();
        let kinds: Vec<&str> = object.members().map(|(_, value)| value.kind()).collect();
        assert_eq!(kinds[..3], ["null", "a boolean", "a whole number"]);
        assert_eq!(kinds[4..], ["a string", "an array", "an object"]);
        assert!(kinds[3].starts_with("a number that is no whole one"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_object(&bytes, MOST);
        }

        #[test]
        fn what_is_read_is_what_serde_reads(text in r#"\{("[a-c]":("x"|-?[1-9]{1,4}|null|\{"[a-c]":1\}))?(,"[d-f]":\[1\])?\}"#) {
            if let Ok(serde_json::Value::Object(expected)) = serde_json::from_str::<serde_json::Value>(&text) {
                let read = read_object(text.as_bytes(), MOST).unwrap();
                prop_assert_eq!(read.members().count(), expected.len());
                for (name, value) in &expected {
                    prop_assert_eq!(read.get(name).and_then(Json::as_text), value.as_str());
                }
            }
        }
    }
}
