//! The entries of a participant's lists, read one by one: an entry that is not understood costs nobody the set. Only a
//! private key does, see [`Refused`].

use super::participant::{Endpoint, EndpointCall, Interface, MtbKey, MtbScope, SignatureConstraint, Tlsa, WhySkipped};
use crate::crypto::public_key::ExampleKeys;
use crate::protocol::jwk::{JwkError, PublicJwk};
use crate::protocol::strict_json::{Json, Object};
use crate::value::{Kid, Pid};

/// Why an entry does not become what it should.
#[derive(Debug)]
pub enum Refused {
    /// It is left out.
    Skipped(WhySkipped),
    /// It endangers the whole set: a private half, of the key with this kid, in this member.
    Private(Option<String>, &'static str),
}

/// Something that stands in a list of a participant.
pub trait Entry: Sized {
    /// The name of the list.
    const LIST: &'static str;
    /// The member that tells one entry from the others.
    const ID: &'static str;

    /// Reads one entry.
    fn read(object: &Object<'_>) -> Result<Self, Refused>;
}

/// Keys sort by it, so that they are quickly found to be unique.
pub(super) trait Key {
    fn kid(&self) -> &Kid;
}

/// The longest URI that is kept.
const MAX_URI: usize = 2048;

impl From<WhySkipped> for Refused {
    fn from(why: WhySkipped) -> Self {
        Self::Skipped(why)
    }
}

impl Entry for PublicJwk {
    const LIST: &'static str = "authtokenPublicKeys";
    const ID: &'static str = "kid";

    fn read(object: &Object<'_>) -> Result<Self, Refused> {
        // A key that everybody can sign with is no participant's key, in no environment.
        match Self::from_object(object, ExampleKeys::Refuse) {
            Ok(key) => key.map_err(|why| Refused::Skipped(why.into())),
            Err(JwkError::Private { kid, member }) => Err(Refused::Private(kid, member)),
            Err(_) => Err(WhySkipped::Malformed.into()),
        }
    }
}

impl Entry for MtbKey {
    const LIST: &'static str = "mtbPublicKeys";
    const ID: &'static str = "kid";

    fn read(object: &Object<'_>) -> Result<Self, Refused> {
        let PublicJwk { kid, key } = PublicJwk::read(object)?;
        let scope = object.get("bob_sc").and_then(Json::as_text).map(MtbScope::from);
        Ok(Self { kid, key, scope })
    }
}

impl Entry for Endpoint {
    const LIST: &'static str = "interfaceEndpoints";
    const ID: &'static str = "endpointId";

    fn read(object: &Object<'_>) -> Result<Self, Refused> {
        Ok(Self { endpoint_id: integer(object, "endpointId")?, call: EndpointCall::read(object)? })
    }
}

impl EndpointCall {
    /// Reads it, with or without an id beside it.
    pub fn read(object: &Object<'_>) -> Result<Self, WhySkipped> {
        let version = i32::try_from(integer(object, "version")?).ok().filter(|version| *version > 0);
        Ok(Self {
            version: version.ok_or(WhySkipped::Member("version"))?,
            interface: Interface::from(text(object, "type")?),
            uri: text(object, "uri").ok().filter(|uri| is_uri(uri)).ok_or(WhySkipped::Member("uri"))?.into(),
            tlsa: match object.get("tlsa") {
                None | Some(Json::Null) => None,
                Some(Json::Object(tlsa)) => Some(read_tlsa(tlsa)?),
                Some(_) => return Err(WhySkipped::Member("tlsa")),
            },
        })
    }
}

impl Entry for SignatureConstraint {
    const LIST: &'static str = "issuerSignatureConstraints";
    const ID: &'static str = "pid";

    fn read(object: &Object<'_>) -> Result<Self, Refused> {
        let lifetime = text(object, "signatureLifetime")?.parse();
        Ok(Self {
            acceptable_pid: Pid::new(integer(object, "pid")?).map_err(|_| WhySkipped::Member("pid"))?,
            signature_lifetime: lifetime.map_err(|_| WhySkipped::Member("signatureLifetime"))?,
        })
    }
}

impl Key for PublicJwk {
    fn kid(&self) -> &Kid {
        &self.kid
    }
}

impl Key for MtbKey {
    fn kid(&self) -> &Kid {
        &self.kid
    }
}

fn read_tlsa(tlsa: &Object<'_>) -> Result<Tlsa, WhySkipped> {
    let byte = |name| u8::try_from(integer(tlsa, name)?).map_err(|_| WhySkipped::Member("tlsa"));
    let data = text(tlsa, "data")?;
    if data.is_empty() || !data.len().is_multiple_of(2) || !data.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(WhySkipped::Member("tlsa"));
    }
    Ok(Tlsa {
        usage: byte("usage")?,
        selector: byte("selector")?,
        matching_type: byte("type")?,
        data: data.to_ascii_lowercase().into(),
    })
}

fn text<'o>(object: &'o Object<'_>, name: &'static str) -> Result<&'o str, WhySkipped> {
    object.get(name).and_then(Json::as_text).ok_or(WhySkipped::Member(name))
}

fn integer(object: &Object<'_>, name: &'static str) -> Result<i64, WhySkipped> {
    match object.get(name) {
        Some(Json::Integer(number)) => Ok(*number),
        _ => Err(WhySkipped::Member(name)),
    }
}

/// A scheme, a colon, and nothing that could end a line or an attribute wherever it is shown. What it leads to is not
/// known here.
fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && text.len() <= MAX_URI
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\".contains(&byte))
}
