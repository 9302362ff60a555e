//! Bodies of single things (Participant Metadata API 2.3.1): read by the server from those who publish, and by the client
//! from the registry. Both read strictly; what the registry demands beyond the form is its own affair.

use serde::Serialize;

use crate::protocol::jwk::shown;
use crate::protocol::metadata::draft::{is_domain_name, read_participant};
use crate::protocol::metadata::entry::{Entry, Refused};
use crate::protocol::metadata::free_object::FreeObject;
use crate::protocol::metadata::{EndpointCall, MetadataError, Participant, SignatureConstraint, Skipped, WhySkipped};
use crate::protocol::strict_json::{Json, JsonFault, read_object, read_value};

/// The most bytes of a body that a participant sends; a key has some 700, a participant's info what it likes.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// The most bytes of an answer about one participant.
pub const MAX_ANSWER_BYTES: usize = 4 << 20;

/// The most values of a body with one thing.
const MAX_VALUES: u32 = 1024;
/// The most values of a list.
const MAX_LIST_VALUES: u32 = 1 << 20;

/// Why a body is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not the JSON that it should be.
    #[error("the body {0}")]
    Json(#[from] JsonFault),
    /// JSON of another kind.
    #[error("the body is {found} and should be {wanted}")]
    Kind {
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// The thing that it holds.
    #[error("in what the body holds, {0}")]
    Entry(#[from] WhySkipped),
    /// A private key: whoever sent it has given it away.
    #[error(
        "the key {} comes with its private half ({member}): it has been given away and must be replaced",
        shown(kid.as_deref())
    )]
    Private {
        /// Its id, if it has one.
        kid: Option<String>,
        /// The member that no public key has.
        member: &'static str,
    },
    /// A text that is no domain name.
    #[error("a domain name has letters, digits, hyphens and full stops, and at most 253 of them")]
    DomainName,
    /// No participant.
    #[error(transparent)]
    Participant(#[from] MetadataError),
}

/// A list as the registry gives it: entries that are not understood cost nobody the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T> {
    /// What was understood.
    pub entries: Vec<T>,
    /// Why the others were not.
    pub skipped: Vec<WhySkipped>,
}

/// Reads one key, endpoint or constraint.
pub fn read_entry<T: Entry>(bytes: &[u8]) -> Result<T, BodyError> {
    of_refused(T::read(&read_object(bytes, MAX_VALUES)?))
}

/// Reads an endpoint without its id (`endpointCall`).
pub fn read_endpoint_call(bytes: &[u8]) -> Result<EndpointCall, BodyError> {
    Ok(EndpointCall::read(&read_object(bytes, MAX_VALUES)?)?)
}

/// Reads a list of keys, endpoints or constraints.
pub fn read_list<T: Entry>(bytes: &[u8]) -> Result<List<T>, BodyError> {
    let value = read_value(bytes, MAX_LIST_VALUES)?;
    let Json::Array(items) = value else { return Err(kind(&value, "an array")) };
    let mut list = List { entries: Vec::with_capacity(items.len()), skipped: Vec::new() };
    for item in &items {
        let Json::Object(object) = item else {
            list.skipped.push(WhySkipped::Malformed);
            continue;
        };
        match of_refused(T::read(object)) {
            Ok(entry) => list.entries.push(entry),
            Err(BodyError::Entry(why)) => list.skipped.push(why),
            Err(other) => return Err(other),
        }
    }
    Ok(list)
}

/// Reads a constraint as PUT takes it: the published document says an array, of which one is meant; the bare object does
/// as well.
pub fn read_constraint(bytes: &[u8]) -> Result<SignatureConstraint, BodyError> {
    let value = read_value(bytes, MAX_VALUES)?;
    let object = match &value {
        Json::Object(object) => object,
        Json::Array(items) => match &items[..] {
            [Json::Object(object)] => object,
            _ => return Err(kind(&value, "one constraint, or an array of one")),
        },
        _ => return Err(kind(&value, "one constraint, or an array of one")),
    };
    of_refused(SignatureConstraint::read(object))
}

/// Reads a JSON string, for example the reason of a 422.
pub fn read_text(bytes: &[u8]) -> Result<String, BodyError> {
    match read_value(bytes, 1)? {
        Json::Text(text) => Ok(text.into_owned()),
        other => Err(kind(&other, "a string")),
    }
}

/// Reads a domain name: a JSON string.
pub fn read_domain_name(bytes: &[u8]) -> Result<Box<str>, BodyError> {
    let text = read_text(bytes)?;
    if is_domain_name(&text) { Ok(text.into()) } else { Err(BodyError::DomainName) }
}

/// Reads `participantInfo`, an object of any kind.
pub fn read_info(bytes: &[u8]) -> Result<FreeObject, BodyError> {
    Ok(FreeObject::parse(bytes)?)
}

/// Reads everything about one participant, and what in it cannot be used.
pub fn read_whole(bytes: &[u8]) -> Result<(Participant, Vec<Skipped>), BodyError> {
    Ok(read_participant(bytes)?)
}

/// Writes a body.
pub fn write<T: Serialize + ?Sized>(thing: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(thing)
}

fn of_refused<T>(read: Result<T, Refused>) -> Result<T, BodyError> {
    read.map_err(|refused| match refused {
        Refused::Skipped(why) => BodyError::Entry(why),
        Refused::Private(kid, member) => BodyError::Private { kid, member },
    })
}

fn kind(found: &Json<'_>, wanted: &'static str) -> BodyError {
    BodyError::Kind { found: found.kind(), wanted }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::jwk::PublicJwk;
    use crate::protocol::metadata::{Endpoint, Interface, MtbKey};

    const KEY: &str = r#"{"kty":"EC","kid":"34:1","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

    #[test]
    fn one_of_each_kind_reads_back_as_it_was_written() {
        let call = br#"{"version":1,"type":"validation","uri":"https://api.example.se/v1","tlsa":{"usage":3,"selector":1,"type":1,"data":"AB01"}}"#;
        let call = read_endpoint_call(call).unwrap();
        assert_eq!(call.interface, Interface::Validation);
        let endpoint = Endpoint { endpoint_id: 7, call };
        assert_eq!(read_entry::<Endpoint>(&write(&endpoint).unwrap()).unwrap(), endpoint);
        let constraint = read_constraint(br#"[{"pid":41,"signatureLifetime":"P3W"}]"#).unwrap();
        assert_eq!(read_constraint(&write(&constraint).unwrap()).unwrap(), constraint);
        assert_eq!(&*read_domain_name(br#""auth.example.se""#).unwrap(), "auth.example.se");
        assert_eq!(read_info(br#"{"a":[1]}"#).unwrap().as_str(), r#"{"a":[1]}"#);
        let (whole, skipped) = read_whole(br#"{"pid":34,"organisationName":"X","domainName":"x.se"}"#).unwrap();
        assert_eq!((whole.pid.get(), skipped.len()), (34, 0));
    }

    #[test]
    fn a_body_that_is_something_else_says_so() {
        assert_eq!(read_text(b"[]").unwrap_err().to_string(), "the body is an array and should be a string");
        assert!(matches!(read_entry::<Endpoint>(b"[]"), Err(BodyError::Json(JsonFault::NotAnObject))));
        assert!(matches!(read_constraint(b"[]"), Err(BodyError::Kind { .. })));
        assert_eq!(read_domain_name(b"\"a b\"").unwrap_err(), BodyError::DomainName);
        assert!(matches!(read_info(br#"{"a":1,"\u0061":2}"#), Err(BodyError::Json(JsonFault::Duplicate { .. }))));
        assert!(matches!(read_whole(b"{}"), Err(BodyError::Participant(_))));
    }

    #[test]
    fn a_key_of_a_standard_or_with_its_private_half_is_refused_by_itself_and_in_lists() {
        let example = read_entry::<PublicJwk>(KEY.as_bytes()).unwrap_err();
        assert!(matches!(example, BodyError::Entry(WhySkipped::Key(_))), "{example}");
        let private = KEY.replace("\"kid\"", "\"d\":\"AA\",\"kid\"");
        assert!(matches!(read_entry::<MtbKey>(private.as_bytes()), Err(BodyError::Private { member: "d", .. })));
        let list = read_list::<PublicJwk>(format!("[{KEY}, 1]").as_bytes()).unwrap();
        assert_eq!((list.entries.len(), list.skipped.len()), (0, 2));
        assert!(matches!(read_list::<PublicJwk>(format!("[{private}]").as_bytes()), Err(BodyError::Private { .. })));
    }

    proptest! {
        #[test]
        fn no_body_makes_a_reader_panic(body in "\\PC{0,80}") {
            let bytes = body.as_bytes();
            let _ = read_entry::<MtbKey>(bytes).is_ok();
            let _ = read_list::<Endpoint>(bytes).is_ok();
            let _ = (read_constraint(bytes).is_ok(), read_info(bytes).is_ok(), read_whole(bytes).is_ok(), read_domain_name(bytes).is_ok());
        }
    }
}
