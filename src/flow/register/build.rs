//! Builds the signed set: the content of one revision, a serial that was never there, and a signature of every anchor.

use std::io::{self, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tokio::task::{JoinError, spawn_blocking};

use crate::crypto::signer::{Signer, SoftwareSigner};
use crate::protocol::metadata::sign::{Form, SignError, sign_set};
use crate::protocol::metadata::{AnchorError, Environment, MetadataError, SetTerms, SignedSet, Skipped, TrustAnchors};
use crate::store::register::{Anchor, RegisterFault, RegisterState, SetFacts, SetRow, SetSource};
use crate::store::{Change, StoreError};
use crate::value::{Kid, Pid, Timestamp};

use super::anchors::{AnchorFault, AnchorRoom, load, signing};
use super::built::BuiltSet;
use super::content::payload;
use super::handle::Register;

/// What sets are to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetRules {
    /// The pid of the authority.
    pub authid: Pid,
    /// How long a set is good.
    pub valid_for: Duration,
    /// How often a new one is made, as it is told to participants.
    pub interval: Option<Duration>,
    /// A set of this age is built again although nothing changed; less than `valid_for`.
    pub renew_after: Duration,
}

/// What came of a look whether there is something to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// A new set.
    New(BuiltSet),
    /// The set that there was says everything, for long enough.
    Kept(BuiltSet),
}

/// Why there is no new set. The one that was built before is as good as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nobody could read it: a set has at least one participant, the authority itself.
    #[error("the register has no participant, and a set without one is refused by everybody who reads it")]
    Empty,
    /// Nobody can sign.
    #[error("the register has no anchor; `bob-auth registry-admin anchor generate` makes one")]
    NoAnchor,
    /// More bytes than those who read it take.
    #[error("the set would have {bytes} bytes, more than the {most} that are read")]
    TooLarge {
        /// How many it would have.
        bytes: usize,
        /// How many are read.
        most: usize,
    },
    /// Others build sets of this register at the same time; to be tried again.
    #[error("another process built a set while this one was built, again and again")]
    Rivals,
    /// The configuration names another authority than the sets before did: everybody who holds one would refuse the next.
    #[error(
        "the sets so far are by authority {before} and the configuration says {configured}: nobody who holds one would take the next"
    )]
    OtherAuthority {
        /// That of the sets so far.
        before: Pid,
        /// The one that is configured.
        configured: Pid,
    },
    /// There is no serial left.
    #[error("the last serial is {0}, and there is none above it that all readers of JSON agree about")]
    NoSerial(u64),
    /// An anchor that cannot sign.
    #[error("the anchor {kid} cannot sign: {fault}")]
    Anchor {
        /// Which.
        kid: Kid,
        /// Why.
        fault: AnchorFault,
    },
    /// A signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// What was made does not read back: it must not leave.
    #[error("the set that was just made cannot be read: {0}")]
    SelfCheck(#[from] SelfCheck),
    /// Compressing failed; memory is not a file that could be full.
    #[error("the set could not be compressed: {0}")]
    Compress(#[from] io::Error),
    /// The thread that signs ended too soon.
    #[error("the thread that builds the set was stopped")]
    Stopped(#[from] JoinError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with a set that was just made.
#[derive(Debug, thiserror::Error)]
pub enum SelfCheck {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] MetadataError),
    /// It is refused because of one participant.
    #[error("participant {pid}: {why}")]
    Participant {
        /// Which one.
        pid: Pid,
        /// Why.
        why: MetadataError,
    },
    /// Its anchors are.
    #[error(transparent)]
    Anchors(#[from] AnchorError),
    /// An entry of it is left out by readers.
    #[error("{} of participant {} is not understood: {}", .0.list, .0.pid, .0.why)]
    Entry(Skipped),
}

/// How often a build is begun again because another process was faster.
const ATTEMPTS: u32 = 4;
/// From so many bytes on a set is compressed quickly and not well.
const LARGE: usize = 4 << 20;
/// By how many seconds a clock is set back now and then without meaning much.
const CORRECTION: i64 = 60;

impl Register {
    /// Builds a new set if there is need for one: something changed, the rules are others, or the end of the set is near.
    /// The signing is done on a thread of its own. Two processes that build at the same time never give one serial to two
    /// contents. Changes go on meanwhile; those that come too late are the next set's.
    pub async fn build_set(&self, room: &AnchorRoom, rules: &SetRules, change: &Change) -> Result<Built, BuildError> {
        for _ in 0..ATTEMPTS {
            let state = self.store.register_state().await?;
            if !is_needed(&state, rules, change.at)
                && let Some(set) = self.current_set().await?
            {
                return Ok(Built::Kept(set));
            }
            let source = self.store.set_source().await?;
            let seen = source.state;
            let (room, rules, now) = (room.clone(), *rules, change.at);
            let set = spawn_blocking(move || make(&source, &room, &rules, now)).await??;
            match self.store.keep_set(&set, &seen, change).await {
                Ok(()) => return Ok(Built::New(set.into())),
                Err(StoreError::Register(RegisterFault::Moved)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(BuildError::Rivals)
    }
}

/// Whether the set that there is does no longer do.
fn is_needed(state: &RegisterState, rules: &SetRules, now: Timestamp) -> bool {
    state.set.is_none_or(|set| {
        set.revision != state.revision
            || set.authid != rules.authid
            || set.interval != rules.interval.map(seconds)
            || rules.is_due(set.built_at, set.not_valid_after, now)
    })
}

impl SetRules {
    /// Whether a set with these times is to be built again although nothing changed: its end is near, or too far away.
    pub fn is_due(&self, built_at: Timestamp, not_valid_after: Timestamp, now: Timestamp) -> bool {
        // Built by a clock that was ahead, or by other rules: it would be good for longer than it should be.
        let too_long = seconds(self.valid_for).saturating_add(CORRECTION);
        now.seconds_since(built_at) >= seconds(self.renew_after) || not_valid_after.seconds_since(now) > too_long
    }
}

/// Makes the set, and reads it as its readers will.
fn make(source: &SetSource, room: &AnchorRoom, rules: &SetRules, now: Timestamp) -> Result<SetRow, BuildError> {
    if source.participants.is_empty() {
        return Err(BuildError::Empty);
    }
    if let Some(before) = source.state.set.map(|set| set.authid).filter(|before| *before != rules.authid) {
        return Err(BuildError::OtherAuthority { before, configured: rules.authid });
    }
    let keys = signers(source, room)?;
    let last = source.state.last_serial;
    let serial = u64::try_from(now.as_seconds()).unwrap_or_default().max(last.saturating_add(1));
    if serial > SetTerms::MAX_SERIAL {
        return Err(BuildError::NoSerial(last));
    }
    let not_valid_after = now.plus_seconds(seconds(rules.valid_for));
    let terms = SetTerms { authid: rules.authid, serial, not_valid_after, interval: rules.interval };
    let payload = payload(&source.participants)
        .map_err(|error| StoreError::Corrupt(format!("a participant cannot be written: {error}")))?;
    let borrowed: Vec<(Kid, &dyn Signer)> =
        keys.iter().map(|(kid, signer)| (kid.clone(), signer as &dyn Signer)).collect();
    let json = sign_set(&payload, &terms, &borrowed, Form::General, &*room.rng)?.into_bytes();
    if json.len() > SignedSet::MAX_BYTES {
        return Err(BuildError::TooLarge { bytes: json.len(), most: SignedSet::MAX_BYTES });
    }
    check(&json, &keys, now).map_err(|fault| named(fault, source))?;
    let interval = rules.interval.map(seconds);
    let revision = source.state.revision;
    let facts = SetFacts { serial, revision, authid: rules.authid, interval, built_at: now, not_valid_after };
    Ok(SetRow { facts, gzip: compress(&json)?, json })
}

fn signers(source: &SetSource, room: &AnchorRoom) -> Result<Vec<(Kid, SoftwareSigner)>, BuildError> {
    let anchors = signing(&source.anchors);
    if anchors.is_empty() {
        return Err(BuildError::NoAnchor);
    }
    let signer = |anchor: &Anchor| {
        let kid = anchor.kid.clone();
        match load(room, anchor) {
            Ok(signer) => Ok((kid, signer)),
            Err(fault) => Err(BuildError::Anchor { kid, fault }),
        }
    };
    anchors.into_iter().map(signer).collect()
}

/// The same fault by the pid of the participant, where the reader only knows its place.
fn named(fault: SelfCheck, source: &SetSource) -> SelfCheck {
    match fault {
        SelfCheck::Refused(why @ MetadataError::Participant { index, pid: None, .. }) => {
            match source.participants.get(index) {
                Some(content) => SelfCheck::Participant { pid: content.participant.pid, why },
                None => SelfCheck::Refused(why),
            }
        }
        other => other,
    }
}

/// Reads the set as its readers will: every signature verifies, and every entry is understood.
fn check(json: &[u8], keys: &[(Kid, SoftwareSigner)], now: Timestamp) -> Result<(), SelfCheck> {
    let jwks: Vec<_> = keys.iter().map(|(kid, signer)| signer.public_key().to_jwk(kid.as_str())).collect();
    let anchors = TrustAnchors::parse(json!({ "keys": jwks }).to_string().as_bytes(), Environment::Production)?;
    let set = SignedSet::verify(json, &anchors, now)?;
    set.skipped().first().map_or(Ok(()), |skipped| Err(SelfCheck::Entry(skipped.clone())))
}

/// A large set is mostly keys, which nothing makes small: the last twelfth of its bytes would take eight times as long.
fn compress(json: &[u8]) -> io::Result<Vec<u8>> {
    let level = if json.len() > LARGE { Compression::fast() } else { Compression::default() };
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(json)?;
    encoder.finish()
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
