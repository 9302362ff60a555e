//! [`SetHeader`]: what the authority says about a set, and which set may take the place of another.

use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use super::duration::IsoDuration;
use super::error::MetadataError;
use crate::protocol::strict_json::{Json, Object};
use crate::value::{Kid, Pid, Timestamp};

/// What a trusted signature said about a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetHeader {
    /// Rises with every change of the content.
    pub serial: u64,
    /// After this point the set must not be used.
    pub not_valid_after: Timestamp,
    /// The authority.
    pub authid: Pid,
    /// How often it makes a new copy, if it says so.
    pub interval: Option<Duration>,
    /// The anchors whose signatures were verified.
    pub anchors: Vec<Kid>,
    /// SHA-256 of the payload: whether two sets say the same.
    pub payload_sha256: [u8; 32],
}

/// What a signer writes into its protected header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetTerms {
    /// The authority.
    pub authid: Pid,
    /// Rises with every change of the content; at most [`SetTerms::MAX_SERIAL`].
    pub serial: u64,
    /// After this point the set must not be used.
    pub not_valid_after: Timestamp,
    /// How often a new copy is made; whole seconds are written.
    pub interval: Option<Duration>,
}

/// The names of the members (MTS 4).
const AUTHID: &str = "authid";
const SERIAL: &str = "serial";
const NOT_VALID_AFTER: &str = "notvalidafter";
/// Assumed: MTS 4 tells of the refresh interval, but its name and form are not public. Therefore an unreadable one counts
/// as none; it only says how often to ask.
const INTERVAL: &str = "interval";

/// Members that bring a key along, or change what the signature covers or what must be understood.
const FORBIDDEN: [&str; 7] = ["crit", "zip", "b64", "jwk", "jku", "x5c", "x5u"];

/// The most characters of a member's name that an error repeats.
const SHOWN: usize = 32;

impl SetHeader {
    pub(super) fn new(terms: SetTerms, anchors: Vec<Kid>, payload_sha256: [u8; 32]) -> Self {
        let SetTerms { authid, serial, not_valid_after, interval } = terms;
        Self { serial, not_valid_after, authid, interval, anchors, payload_sha256 }
    }

    /// Whether the set may be used at this time.
    pub const fn check_time(&self, now: Timestamp) -> Result<(), MetadataError> {
        let Self { serial, not_valid_after, .. } = *self;
        if now.as_seconds() > not_valid_after.as_seconds() {
            return Err(MetadataError::Expired { serial, not_valid_after, now });
        }
        Ok(())
    }

    /// Whether this set may take the place of the one that is held: never an older one, and never another one with the
    /// same serial. The same one again is welcome: its end is later.
    pub fn may_replace(&self, held: &Self) -> Result<(), MetadataError> {
        let serial = self.serial;
        if self.authid != held.authid {
            return Err(MetadataError::OtherAuthority { authid: self.authid, held: held.authid });
        }
        if serial < held.serial {
            return Err(MetadataError::Rollback { serial, held: held.serial });
        }
        if serial == held.serial && self.payload_sha256 != held.payload_sha256 {
            return Err(MetadataError::OtherContent { serial });
        }
        if serial == held.serial && self.not_valid_after < held.not_valid_after {
            return Err(MetadataError::OlderCopy { serial });
        }
        Ok(())
    }
}

impl SetTerms {
    /// Beyond 2^53 readers of JSON disagree about a number (RFC 8259 section 6).
    pub const MAX_SERIAL: u64 = 1 << 53;

    /// Reads the protected header that the anchor `kid` signed.
    pub(super) fn read(protected: &Object<'_>, kid: &Kid) -> Result<Self, MetadataError> {
        let lacks = |member| MetadataError::Header { kid: kid.clone(), member };
        Ok(Self {
            authid: protected.get(AUTHID).and_then(pid).ok_or_else(|| lacks(AUTHID))?,
            serial: protected.get(SERIAL).and_then(serial).ok_or_else(|| lacks(SERIAL))?,
            not_valid_after: protected.get(NOT_VALID_AFTER).and_then(date).ok_or_else(|| lacks(NOT_VALID_AFTER))?,
            interval: protected.get(INTERVAL).and_then(interval),
        })
    }

    /// What another trusted signature says must be the same. The shorter interval counts.
    pub(super) fn agree(self, other: &Self) -> Result<Self, MetadataError> {
        for (name, same) in [
            (AUTHID, self.authid == other.authid),
            (SERIAL, self.serial == other.serial),
            (NOT_VALID_AFTER, self.not_valid_after == other.not_valid_after),
        ] {
            if !same {
                return Err(MetadataError::Disagreement(name));
            }
        }
        let interval = [self.interval, other.interval].into_iter().flatten().min();
        Ok(Self { interval, ..self })
    }

    /// The protected header, for the signer to write.
    pub(super) fn protected(&self, alg: &str, kid: &Kid) -> Value {
        let mut protected = json!({
            "alg": alg,
            "kid": kid,
            AUTHID: self.authid,
            NOT_VALID_AFTER: self.not_valid_after.to_string(),
            SERIAL: self.serial,
        });
        if let Some(interval) = self.interval {
            protected[INTERVAL] = interval.as_secs().into();
        }
        protected
    }
}

/// The first member that has no place in the headers of a signature that is used. What is in both headers at once has
/// none either (RFC 7515 section 7.2.1).
pub(super) fn forbidden_member(protected: &Object<'_>, unprotected: Option<&Object<'_>>) -> Option<String> {
    let open = || unprotected.into_iter().flat_map(Object::members).map(|(name, _)| name);
    let mut all = protected.members().map(|(name, _)| name).chain(open());
    let banned = all.find(|name| FORBIDDEN.contains(name));
    banned.or_else(|| open().find(|name| protected.get(name).is_some())).map(|name| name.chars().take(SHOWN).collect())
}

/// A pid is a number in metadata and a string in tokens; which of the two this header has is not public.
fn pid(value: &Json<'_>) -> Option<Pid> {
    match value {
        Json::Integer(number) => Pid::new(*number).ok(),
        Json::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn serial(value: &Json<'_>) -> Option<u64> {
    let Json::Integer(number) = value else { return None };
    u64::try_from(*number).ok().filter(|number| *number <= SetTerms::MAX_SERIAL)
}

/// RFC 3339, or the offset without a colon, which ISO 8601 has as well. A date without a zone would be a guess.
fn date(value: &Json<'_>) -> Option<Timestamp> {
    let text = value.as_text()?;
    Timestamp::parse_rfc3339(text).or_else(|| {
        let date = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok()?;
        Some(Timestamp::from_seconds(date.timestamp()))
    })
}

fn interval(value: &Json<'_>) -> Option<Duration> {
    let seconds = match value {
        Json::Integer(seconds) => u64::try_from(*seconds).ok()?,
        Json::Text(text) => text.parse::<IsoDuration>().ok()?.as_seconds()?,
        _ => return None,
    };
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
