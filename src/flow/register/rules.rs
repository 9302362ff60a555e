//! What the register demands beyond the form of a body. Readers of sets are lenient, so that one bad entry costs nobody the
//! others; whoever publishes one is told at once.

use crate::protocol::jwk::{PublicJwk, Unusable};
use crate::protocol::metadata::entry::Entry;
use crate::protocol::metadata::{
    Endpoint, EndpointCall, Interface, MtbKey, MtbScope, SignatureConstraint, Tlsa, WhySkipped,
};
use crate::protocol::registry::body::{self, BodyError};
use crate::protocol::registry::operation::KeyList;
use crate::protocol::strict_json::read_object;
use crate::value::Kid;

use super::outcome::Refused;

/// A key in the form in which it is kept and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyBody {
    pub(super) kid: Kid,
    /// RFC 7638: which key it is, whatever stands beside it.
    pub(super) thumbprint: String,
    pub(super) json: String,
}

/// The most characters of the data of a TLSA record that are kept: a certificate of 4 KiB.
const MAX_TLSA: usize = 8192;
/// The most values of a key.
const MAX_VALUES: u32 = 64;

/// Reads a key for one of the lists.
pub(super) fn key(list: KeyList, bytes: &[u8]) -> Result<KeyBody, Refused> {
    let key = key_of_list(list, bytes)?;
    // A path that ends in one of these is another path for most clients (RFC 3986 section 6.2.2.3).
    if matches!(key.kid.as_str(), "." | "..") {
        return Err(unacceptable("a key id is not . or ..: no path could name it"));
    }
    Ok(key)
}

fn key_of_list(list: KeyList, bytes: &[u8]) -> Result<KeyBody, Refused> {
    match list {
        KeyList::Authtoken => {
            let key = read::<PublicJwk>(bytes)?;
            // As it is published in sets: the members that make the key, and its id.
            let json = crate::protocol::jwk::bare_jwk(&key.kid, &key.key);
            Ok(KeyBody { thumbprint: key.key.thumbprint(), json: write(&json)?, kid: key.kid })
        }
        KeyList::Mtb => {
            let key = read::<MtbKey>(bytes)?;
            let object = read_object(bytes, MAX_VALUES).map_err(BodyError::from)?;
            match (&key.scope, object.get("bob_sc")) {
                (Some(MtbScope::Id | MtbScope::Ticket), _) | (None, None) => {}
                _ => return Err(unacceptable("bob_sc is id or ticket")),
            }
            Ok(KeyBody { thumbprint: key.key.thumbprint(), json: write(&key)?, kid: key.kid })
        }
    }
}

/// Reads a domain name, as its JSON.
pub(super) fn domain_name(bytes: &[u8]) -> Result<String, Refused> {
    let name = body::read_domain_name(bytes).map_err(refused)?;
    check_domain_name(&name).map_err(unacceptable)?;
    write(&*name)
}

/// A name below a top-level domain, spelt as certificates and resolvers spell it.
fn check_domain_name(name: &str) -> Result<(), &'static str> {
    let labels: Vec<&str> = name.split('.').collect();
    if name.ends_with('.') {
        Err("a domain name is written without a full stop at its end")
    } else if labels.len() < 2 {
        Err("a domain name has at least two labels, like example.se")
    } else if labels.iter().any(|label| label.starts_with('-') || label.ends_with('-')) {
        Err("no label of a domain name begins or ends with a hyphen")
    } else if labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        Err("an address is no domain name")
    } else {
        Ok(())
    }
}

/// Reads an endpoint without its id.
pub(super) fn endpoint_call(bytes: &[u8]) -> Result<EndpointCall, Refused> {
    let call = body::read_endpoint_call(bytes).map_err(refused)?;
    check_endpoint(&call)?;
    Ok(call)
}

/// Reads an endpoint with its id.
pub(super) fn endpoint(bytes: &[u8]) -> Result<Endpoint, Refused> {
    let endpoint = read::<Endpoint>(bytes)?;
    check_endpoint(&endpoint.call)?;
    Ok(endpoint)
}

fn check_endpoint(call: &EndpointCall) -> Result<(), Refused> {
    if let Interface::Other(name) = &call.interface {
        let name: String = name.chars().take(40).collect();
        return Err(unacceptable(format!("{name:?} is no type of endpoint: {}", types())));
    }
    check_uri(&call.uri).map_err(unacceptable)?;
    call.tlsa.as_ref().map_or(Ok(()), check_tlsa).map_err(unacceptable)
}

fn types() -> String {
    Interface::KNOWN.iter().map(Interface::as_str).collect::<Vec<_>>().join(", ")
}

/// An absolute https URI that names a host; also in test environments, where a self-made certificate does.
fn check_uri(uri: &str) -> Result<(), &'static str> {
    let (scheme, rest) = uri.split_once("://").ok_or("uri is an absolute https URI")?;
    if !scheme.eq_ignore_ascii_case("https") {
        return Err("uri is an https URI, in test environments as well");
    }
    if uri.contains('#') {
        return Err("uri has no fragment");
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("uri names no user");
    }
    // An IPv6 address has colons of its own, inside brackets.
    let (host, port) = match authority.rfind(']') {
        Some(end) => (&authority[..=end], authority[end + 1..].strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err() || port.starts_with(['0', '+'])) {
        return Err("the port in uri is a number from 1 to 65535");
    }
    let ended = authority.len() == host.len() + port.map_or(0, |port| port.len() + 1);
    if ended && is_host(host) { Ok(()) } else { Err("uri names a host") }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }),
    }
}

/// The length of a digest (RFC 6698 section 2.1.3) where the matching type says which.
fn check_tlsa(tlsa: &Tlsa) -> Result<(), &'static str> {
    match (tlsa.matching_type, tlsa.data.len()) {
        (1, length) if length != 64 => Err("the data of a tlsa of type 1 is a SHA-256: 64 hex digits"),
        (2, length) if length != 128 => Err("the data of a tlsa of type 2 is a SHA-512: 128 hex digits"),
        (_, length) if length > MAX_TLSA => Err("the data of a tlsa has at most 8192 hex digits"),
        _ => Ok(()),
    }
}

/// Reads a constraint that is added.
pub(super) fn new_constraint(bytes: &[u8]) -> Result<SignatureConstraint, Refused> {
    let constraint = read::<SignatureConstraint>(bytes)?;
    check_constraint(&constraint)?;
    Ok(constraint)
}

/// Reads a constraint that is put in a place: an array of one, or the bare object.
pub(super) fn constraint(bytes: &[u8]) -> Result<SignatureConstraint, Refused> {
    let constraint = body::read_constraint(bytes).map_err(refused)?;
    check_constraint(&constraint)?;
    Ok(constraint)
}

fn check_constraint(constraint: &SignatureConstraint) -> Result<(), Refused> {
    if constraint.signature_lifetime.as_seconds() == Some(0) {
        return Err(unacceptable("signatureLifetime is longer than nothing"));
    }
    Ok(())
}

/// Reads what else a participant tells.
pub(super) fn info(bytes: &[u8], most: u32) -> Result<String, Refused> {
    let info = body::read_info(bytes).map_err(refused)?;
    if info.as_str().len() > most as usize {
        return Err(unacceptable(format!("participantInfo has at most {most} bytes")));
    }
    Ok(info.as_str().to_owned())
}

/// Reads a key, an endpoint or a constraint.
fn read<T: Entry>(bytes: &[u8]) -> Result<T, Refused> {
    body::read_entry(bytes).map_err(refused)
}

/// Writes what is kept. What was read can be written.
pub(super) fn write<T: serde::Serialize + ?Sized>(thing: &T) -> Result<String, Refused> {
    serde_json::to_string(thing).map_err(|error| unacceptable(format!("it cannot be written down: {error}")))
}

/// What a reader found: a form that is wrong, or a thing that is not wanted.
fn refused(error: BodyError) -> Refused {
    match error {
        BodyError::Entry(WhySkipped::Key(ref unusable)) if !matches!(unusable, Unusable::Member(_)) => {
            unacceptable(format!("the key cannot be used: {unusable}"))
        }
        BodyError::Private { .. } | BodyError::DomainName => unacceptable(error.to_string()),
        malformed => Refused::Malformed(malformed),
    }
}

pub(super) fn unacceptable(reason: impl Into<String>) -> Refused {
    Refused::Unacceptable(reason.into())
}
