//! What a set says about participants (Participant Metadata API 2.3.1, `participantMetadata`): the same types are read and
//! written. How they are read is in `payload` and `entry`.

use serde::{Serialize, Serializer};

use super::duration::IsoDuration;
use super::free_object::FreeObject;
use crate::crypto::public_key::PublicKey;
use crate::protocol::jwk::{PublicJwk, Unusable, bare_jwk};
use crate::value::{Kid, Pid};

/// A participant. Its texts are as it published them: escape them before they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// Its id.
    pub pid: Pid,
    /// Its name.
    pub organisation_name: Box<str>,
    /// Its domain name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<Box<str>>,
    /// The keys that check its tickets, by kid. They never check a token.
    #[serde(rename = "mtbPublicKeys", skip_serializing_if = "Vec::is_empty")]
    pub mtb_keys: Vec<MtbKey>,
    /// The keys that check its tokens, by kid.
    #[serde(rename = "authtokenPublicKeys", skip_serializing_if = "Vec::is_empty", serialize_with = "jwks")]
    pub authtoken_keys: Vec<PublicJwk>,
    /// Where its services are.
    #[serde(rename = "interfaceEndpoints", skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Whose tickets are good here, and how long their signatures.
    #[serde(rename = "issuerSignatureConstraints", skip_serializing_if = "Vec::is_empty")]
    pub signature_constraints: Vec<SignatureConstraint>,
    /// What else it tells.
    #[serde(rename = "participantInfo", skip_serializing_if = "Option::is_none")]
    pub info: Option<FreeObject>,
}

/// A key that checks tickets (mobile ticket bearers). A type of its own, so that none ever gets among the token keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MtbKey {
    /// Its id.
    pub kid: Kid,
    /// The key.
    pub key: PublicKey,
    /// What it signs (`bob_sc`).
    pub scope: Option<MtbScope>,
}

/// `bob_sc` of an MTB key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MtbScope {
    /// `id`
    Id,
    /// `ticket`
    Ticket,
    /// One that is not known here.
    Other(Box<str>),
}

/// A service of a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Its id.
    pub endpoint_id: i64,
    /// What it is and where.
    #[serde(flatten)]
    pub call: EndpointCall,
}

/// How a service is called (`endpointCall`): all of an endpoint but its id, which the registry gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointCall {
    /// The version of its interface, positive.
    pub version: i32,
    /// Which interface it is.
    #[serde(rename = "type")]
    pub interface: Interface,
    /// Where it is.
    pub uri: Box<str>,
    /// What its certificate is to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlsa: Option<Tlsa>,
}

/// The interfaces of BoB; the set is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interface {
    /// `account`
    Account,
    /// `authentication`
    Authentication,
    /// `booking`
    Booking,
    /// `device`
    Device,
    /// `inspection`
    Inspection,
    /// `product`
    Product,
    /// `resource`
    Resource,
    /// `ticket`
    Ticket,
    /// `token`
    Token,
    /// `traveller`
    Traveller,
    /// `validation`
    Validation,
    /// One that is not known here.
    Other(Box<str>),
}

/// What a certificate is to be, in the terms of DANE (RFC 6698 section 2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tlsa {
    /// Certificate usage.
    pub usage: u8,
    /// Selector.
    pub selector: u8,
    /// Matching type.
    #[serde(rename = "type")]
    pub matching_type: u8,
    /// Certificate association data, hex.
    pub data: Box<str>,
}

/// An issuer whose tickets are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignatureConstraint {
    /// The issuer.
    #[serde(rename = "pid")]
    pub acceptable_pid: Pid,
    /// How long its signatures are good.
    pub signature_lifetime: IsoDuration,
}

/// An entry of a participant that is not used; the set is none the worse for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Whose.
    pub pid: Pid,
    /// The member it stands in, for example `authtokenPublicKeys`.
    pub list: &'static str,
    /// Its kid, endpoint id or pid, if it has one.
    pub id: Option<String>,
    /// Why.
    pub why: WhySkipped,
}

/// Why an entry is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhySkipped {
    /// A key of another type, for something else, or one that is no good.
    #[error(transparent)]
    Key(#[from] Unusable),
    /// A member that is missing or malformed.
    #[error("its member {0} is missing or malformed")]
    Member(&'static str),
    /// Neither object nor, for a domain name, a domain name.
    #[error("it is malformed")]
    Malformed,
}

/// Gives an open set of names its text form in both directions.
macro_rules! open_names {
    ($set:ident { $($name:ident = $text:literal),* }) => {
        impl $set {
            /// The names that are known.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// The name in metadata.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $set {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)*
                    other => Self::Other(other.into()),
                }
            }
        }

        impl Serialize for $set {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

open_names!(MtbScope { Id = "id", Ticket = "ticket" });
open_names!(Interface {
    Account = "account",
    Authentication = "authentication",
    Booking = "booking",
    Device = "device",
    Inspection = "inspection",
    Product = "product",
    Resource = "resource",
    Ticket = "ticket",
    Token = "token",
    Traveller = "traveller",
    Validation = "validation"
});

impl Serialize for MtbKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct MtbJwk<'a> {
            #[serde(flatten)]
            jwk: jsonwebtoken::jwk::Jwk,
            #[serde(skip_serializing_if = "Option::is_none")]
            bob_sc: Option<&'a MtbScope>,
        }
        MtbJwk { jwk: bare_jwk(&self.kid, &self.key), bob_sc: self.scope.as_ref() }.serialize(serializer)
    }
}

fn jwks<S: Serializer>(keys: &[PublicJwk], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(keys.iter().map(|key| bare_jwk(&key.kid, &key.key)))
}
