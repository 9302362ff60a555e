//! The operations: a [`Place`] and a [`Verb`]. One table for the client, the server and whoever describes the API.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::value::{Kid, Pid};

/// The base path of the API.
pub const BASE_PATH: &str = "/api/v2";

const ROOT: &str = "/participantMetadata";

/// Everything but what is unreserved in a path segment (RFC 3986 section 2.3): kids hold colons and worse.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What can be asked for, below [`BASE_PATH`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The signed set of all participants.
    WholeSet,
    /// Everything about a participant.
    Participant(Pid),
    /// Its domain name.
    DomainName(Pid),
    /// A list of its keys.
    Keys(Pid, KeyList),
    /// One of them.
    Key(Pid, KeyList, Kid),
    /// Its endpoints.
    Endpoints(Pid),
    /// One of them.
    Endpoint(Pid, i64),
    /// Its signature constraints.
    Constraints(Pid),
    /// The one about this issuer.
    Constraint(Pid, Pid),
    /// What else it tells.
    Info(Pid),
}

/// Which keys of a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyList {
    /// They check tickets.
    Mtb,
    /// They check tokens.
    Authtoken,
}

/// What is done there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Read.
    Get,
    /// Add to a list.
    Post,
    /// Put in the place.
    Put,
    /// Take away.
    Delete,
}

/// A path that is no place of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such place in the Participant Metadata API")]
pub struct NoSuchPlace;

/// Every operation: its name, verb, and path below [`BASE_PATH`].
pub const OPERATIONS: [(&str, Verb, &str); 28] = [
    ("getMetadata", Verb::Get, "/participantMetadata"),
    ("getParticipant", Verb::Get, "/participantMetadata/{pid}"),
    ("getDomainName", Verb::Get, "/participantMetadata/{pid}/domainName"),
    ("putDomainName", Verb::Put, "/participantMetadata/{pid}/domainName"),
    ("deleteDomainName", Verb::Delete, "/participantMetadata/{pid}/domainName"),
    ("getMtbPublicKeys", Verb::Get, "/participantMetadata/{pid}/mtbPublicKey"),
    ("postMtbPublicKey", Verb::Post, "/participantMetadata/{pid}/mtbPublicKey"),
    ("getMtbPublicKey", Verb::Get, "/participantMetadata/{pid}/mtbPublicKey/{kid}"),
    ("putMtbPublicKey", Verb::Put, "/participantMetadata/{pid}/mtbPublicKey/{kid}"),
    ("deleteMtbPublicKey", Verb::Delete, "/participantMetadata/{pid}/mtbPublicKey/{kid}"),
    ("getAuthtokenPublicKeys", Verb::Get, "/participantMetadata/{pid}/authtokenPublicKey"),
    ("postAuthtokenPublicKey", Verb::Post, "/participantMetadata/{pid}/authtokenPublicKey"),
    ("getAuthtokenPublicKey", Verb::Get, "/participantMetadata/{pid}/authtokenPublicKey/{kid}"),
    ("putAuthtokenPublicKey", Verb::Put, "/participantMetadata/{pid}/authtokenPublicKey/{kid}"),
    ("deleteAuthtokenPublicKey", Verb::Delete, "/participantMetadata/{pid}/authtokenPublicKey/{kid}"),
    ("getInterfaceEndpoints", Verb::Get, "/participantMetadata/{pid}/interfaceEndpoint"),
    ("postInterfaceEndpoint", Verb::Post, "/participantMetadata/{pid}/interfaceEndpoint"),
    ("getInterfaceEndpoint", Verb::Get, "/participantMetadata/{pid}/interfaceEndpoint/{endpointId}"),
    ("putInterfaceEndpoint", Verb::Put, "/participantMetadata/{pid}/interfaceEndpoint/{endpointId}"),
    ("deleteInterfaceEndpoint", Verb::Delete, "/participantMetadata/{pid}/interfaceEndpoint/{endpointId}"),
    ("getSignatureConstraints", Verb::Get, "/participantMetadata/{pid}/issuerSignatureConstraint"),
    ("postSignatureConstraint", Verb::Post, "/participantMetadata/{pid}/issuerSignatureConstraint"),
    ("getSignatureConstraint", Verb::Get, "/participantMetadata/{pid}/issuerSignatureConstraint/{acceptablePid}"),
    ("putSignatureConstraint", Verb::Put, "/participantMetadata/{pid}/issuerSignatureConstraint/{acceptablePid}"),
    ("deleteSignatureConstraint", Verb::Delete, "/participantMetadata/{pid}/issuerSignatureConstraint/{acceptablePid}"),
    ("getParticipantInfo", Verb::Get, "/participantMetadata/{pid}/participantInfo"),
    ("putParticipantInfo", Verb::Put, "/participantMetadata/{pid}/participantInfo"),
    ("deleteParticipantInfo", Verb::Delete, "/participantMetadata/{pid}/participantInfo"),
];

impl Place {
    /// The place with this path below [`BASE_PATH`], still percent-encoded. A path has one spelling per place, but for what
    /// is percent-encoded in a kid.
    pub fn parse(path: &str) -> Result<Self, NoSuchPlace> {
        let rest = path.strip_prefix(ROOT).ok_or(NoSuchPlace)?;
        let mut segments = rest.split('/');
        if segments.next() != Some("") {
            return Err(NoSuchPlace);
        }
        let Some(pid) = segments.next() else { return Ok(Self::WholeSet) };
        let pid: Pid = pid.parse().map_err(|_| NoSuchPlace)?;
        let (list, item) = (segments.next(), segments.next());
        if segments.next().is_some() {
            return Err(NoSuchPlace);
        }
        let Some(list) = list else { return Ok(Self::Participant(pid)) };
        match (list, item) {
            ("domainName", None) => Ok(Self::DomainName(pid)),
            ("participantInfo", None) => Ok(Self::Info(pid)),
            ("interfaceEndpoint", None) => Ok(Self::Endpoints(pid)),
            ("interfaceEndpoint", Some(id)) => Ok(Self::Endpoint(pid, endpoint_id(id)?)),
            ("issuerSignatureConstraint", None) => Ok(Self::Constraints(pid)),
            ("issuerSignatureConstraint", Some(id)) => Ok(Self::Constraint(pid, id.parse().map_err(|_| NoSuchPlace)?)),
            (list, item) => {
                let list = KeyList::of_segment(list).ok_or(NoSuchPlace)?;
                match item {
                    None => Ok(Self::Keys(pid, list)),
                    Some(kid) => Ok(Self::Key(pid, list, read_kid(kid)?)),
                }
            }
        }
    }

    /// Whose it is; nobody's alone if it is the whole set.
    pub const fn pid(&self) -> Option<Pid> {
        match self {
            Self::WholeSet => None,
            Self::Participant(pid)
            | Self::DomainName(pid)
            | Self::Keys(pid, _)
            | Self::Key(pid, ..)
            | Self::Endpoints(pid)
            | Self::Endpoint(pid, _)
            | Self::Constraints(pid)
            | Self::Constraint(pid, _)
            | Self::Info(pid) => Some(*pid),
        }
    }

    /// What the API calls this operation, if the place has it.
    pub fn operation(&self, verb: Verb) -> Option<&'static str> {
        let list = match self {
            Self::WholeSet => "",
            Self::Participant(_) => "/{pid}",
            Self::DomainName(_) => "/{pid}/domainName",
            Self::Keys(_, KeyList::Mtb) => "/{pid}/mtbPublicKey",
            Self::Key(_, KeyList::Mtb, _) => "/{pid}/mtbPublicKey/{kid}",
            Self::Keys(_, KeyList::Authtoken) => "/{pid}/authtokenPublicKey",
            Self::Key(_, KeyList::Authtoken, _) => "/{pid}/authtokenPublicKey/{kid}",
            Self::Endpoints(_) => "/{pid}/interfaceEndpoint",
            Self::Endpoint(..) => "/{pid}/interfaceEndpoint/{endpointId}",
            Self::Constraints(_) => "/{pid}/issuerSignatureConstraint",
            Self::Constraint(..) => "/{pid}/issuerSignatureConstraint/{acceptablePid}",
            Self::Info(_) => "/{pid}/participantInfo",
        };
        let named = |(_, other, path): &&(&str, Verb, &'static str)| {
            *other == verb && path.strip_prefix(ROOT).is_some_and(|path| path == list)
        };
        OPERATIONS.iter().find(named).map(|(name, ..)| *name)
    }

    /// What can be done there.
    pub const fn verbs(&self) -> &'static [Verb] {
        match self {
            Self::WholeSet | Self::Participant(_) => &[Verb::Get],
            Self::Keys(..) | Self::Endpoints(_) | Self::Constraints(_) => &[Verb::Get, Verb::Post],
            Self::DomainName(_) | Self::Info(_) | Self::Key(..) | Self::Endpoint(..) | Self::Constraint(..) => {
                &[Verb::Get, Verb::Put, Verb::Delete]
            }
        }
    }
}

/// An integer in its one spelling.
fn endpoint_id(text: &str) -> Result<i64, NoSuchPlace> {
    let id: i64 = text.parse().map_err(|_| NoSuchPlace)?;
    if id.to_string() == text { Ok(id) } else { Err(NoSuchPlace) }
}

fn read_kid(segment: &str) -> Result<Kid, NoSuchPlace> {
    let kid = percent_decode_str(segment).decode_utf8().map_err(|_| NoSuchPlace)?;
    kid.parse().map_err(|_| NoSuchPlace)
}

/// The path below [`BASE_PATH`], percent-encoded.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROOT)?;
        match self {
            Self::WholeSet => Ok(()),
            Self::Participant(pid) => write!(f, "/{pid}"),
            Self::DomainName(pid) => write!(f, "/{pid}/domainName"),
            Self::Keys(pid, list) => write!(f, "/{pid}/{}", list.segment()),
            Self::Key(pid, list, kid) => {
                write!(f, "/{pid}/{}/{}", list.segment(), utf8_percent_encode(kid.as_str(), SEGMENT))
            }
            Self::Endpoints(pid) => write!(f, "/{pid}/interfaceEndpoint"),
            Self::Endpoint(pid, id) => write!(f, "/{pid}/interfaceEndpoint/{id}"),
            Self::Constraints(pid) => write!(f, "/{pid}/issuerSignatureConstraint"),
            Self::Constraint(pid, issuer) => write!(f, "/{pid}/issuerSignatureConstraint/{issuer}"),
            Self::Info(pid) => write!(f, "/{pid}/participantInfo"),
        }
    }
}

impl KeyList {
    /// Its name in paths.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::Mtb => "mtbPublicKey",
            Self::Authtoken => "authtokenPublicKey",
        }
    }

    fn of_segment(segment: &str) -> Option<Self> {
        [Self::Mtb, Self::Authtoken].into_iter().find(|list| list.segment() == segment)
    }
}

impl Verb {
    /// The method of HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it leaves everything as it is.
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_and_the_places_speak_of_the_same_operations() {
        for (name, verb, template) in OPERATIONS {
            let path = template
                .replace("{pid}", "34")
                .replace("{kid}", "34%3A1")
                .replace("{endpointId}", "7")
                .replace("{acceptablePid}", "41");
            let place = Place::parse(&path).unwrap();
            assert!(place.verbs().contains(&verb), "{name}");
            assert_eq!(place.to_string(), path, "{name}");
            assert_eq!(place.operation(verb), Some(name));
            let of_place = OPERATIONS.iter().filter(|(_, _, other)| *other == template).count();
            assert_eq!(of_place, place.verbs().len(), "{name}");
        }
    }

    #[test]
    fn other_spellings_are_no_places() {
        for path in [
            "",
            "/",
            "/participantMetadata/",
            "/participantMetadata34",
            "/participantMetadata/034",
            "/participantMetadata/+3",
            "/participantMetadata/34/",
            "/participantMetadata/34/domainname",
            "/participantMetadata/34/domainName/x",
            "/participantMetadata/34/mtbPublicKey/",
            "/participantMetadata/34/interfaceEndpoint/07",
            "/participantMetadata/34/interfaceEndpoint/+7",
            "/participantMetadata/34/mtbPublicKey/a/b",
            "/participantMetadata/34/mtbPublicKey/%ff",
            "/participantMetadata/34/mtbPublicKey/a%20b",
            "/participantMetadata//",
        ] {
            assert_eq!(Place::parse(path), Err(NoSuchPlace), "{path}");
        }
        let slash = Place::Key(Pid::new(34).unwrap(), KeyList::Mtb, "../x".parse().unwrap());
        assert_eq!(slash.to_string(), "/participantMetadata/34/mtbPublicKey/..%2Fx");
        assert_eq!(Place::parse(&slash.to_string()), Ok(slash));
    }

    proptest! {
        #[test]
        fn no_path_makes_the_parser_panic(path in "\\PC{0,60}|/participantMetadata(/[0-9a-zA-Z%:.-]{0,20}){0,4}") {
            if let Ok(place) = Place::parse(&path) {
                prop_assert_eq!(Place::parse(&place.to_string()), Ok(place));
            }
        }
    }
}
