//! [`MetadataError`]: why a metadata set is not used.

use crate::crypto::algorithm::Algorithm;
use crate::protocol::jwk::shown;
use crate::protocol::strict_json::JsonFault;
use crate::value::{Kid, Pid, Timestamp};

/// Why a metadata set is refused as a whole. What is wrong with one entry only is `content::Skipped`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// More bytes than any set has.
    #[error("the metadata set has {bytes} bytes, more than the {most} that are read")]
    TooLarge {
        /// How many it has.
        bytes: usize,
        /// How many are read.
        most: usize,
    },
    /// The envelope is not the JSON that it should be.
    #[error("the metadata set {0}")]
    Envelope(JsonFault),
    /// JSON, but no JWS in JSON serialisation (RFC 7515 section 7.2).
    #[error("the metadata set is no JWS in JSON serialisation: {0}")]
    Form(&'static str),
    /// A part that is not base64url without padding, in its one spelling.
    #[error("the {0} of the metadata set is not base64url without padding")]
    Base64(&'static str),
    /// A protected header that is not the JSON that it should be.
    #[error("the protected header of signature {} of the metadata set {fault}", .index + 1)]
    Protected {
        /// Which signature, from 0.
        index: usize,
        /// What is wrong.
        fault: JsonFault,
    },
    /// No signature by a key that is trusted.
    #[error("no trust anchor signed the metadata set; it is signed by {}. Is it that of another environment?", list(.signers))]
    NoTrustedSignature {
        /// The protected kids of its signatures, as far as they have one.
        signers: Vec<String>,
    },
    /// A signature in the name of an anchor that the anchor did not make.
    #[error("the metadata set was changed, or the anchor {kid} is another key: its signature does not verify")]
    Signature {
        /// The anchor.
        kid: Kid,
    },
    /// The header names another algorithm than that of the anchor.
    #[error("the signature of the anchor {kid} names another algorithm than the anchor's {expected}")]
    Algorithm {
        /// The anchor.
        kid: Kid,
        /// The algorithm of its key.
        expected: Algorithm,
    },
    /// A header member that changes what a signature means, or brings its own key.
    #[error("the signature of the anchor {kid} has a header member that has no place there: {member:?}")]
    Forbidden {
        /// The anchor.
        kid: Kid,
        /// The member.
        member: String,
    },
    /// A member of a verified header that is missing or malformed.
    #[error("the header that the anchor {kid} signed lacks a proper {member}")]
    Header {
        /// The anchor.
        kid: Kid,
        /// The member.
        member: &'static str,
    },
    /// Two trusted signatures that say different things.
    #[error("the trusted signatures of the metadata set disagree about {0}")]
    Disagreement(&'static str),
    /// The set is past its end.
    #[error("the metadata set with the serial {serial} ended at {not_valid_after}, it is now {now}: fetch a newer one")]
    Expired {
        /// Its serial.
        serial: u64,
        /// Its end.
        not_valid_after: Timestamp,
        /// The time it was judged by.
        now: Timestamp,
    },
    /// The payload is not the JSON that it should be.
    #[error("the payload of the metadata set {0}")]
    Payload(JsonFault),
    /// The payload is no array of participants.
    #[error("the payload of the metadata set is no array of participants")]
    NotAnArray,
    /// There is nobody in it; even the authority itself is a participant.
    #[error("the metadata set has no participant")]
    Empty,
    /// A participant without what makes one.
    #[error("participant {} of the metadata set{}: {member} is missing or malformed", .index + 1, pid_of(*.pid))]
    Participant {
        /// Which one, from 0.
        index: usize,
        /// Its pid, if it was read before the fault.
        pid: Option<Pid>,
        /// The member.
        member: &'static str,
    },
    /// Two participants with one pid.
    #[error("the metadata set has participant {0} twice")]
    DuplicatePid(Pid),
    /// Two keys with one id in one list.
    #[error("participant {pid} has two keys with the id {kid} in {list}")]
    DuplicateKid {
        /// Whose.
        pid: Pid,
        /// Which list.
        list: &'static str,
        /// Which id.
        kid: Kid,
    },
    /// A private key among public ones: whoever published it has given it away (RFC 7517 section 9.2).
    #[error(
        "the key {} of participant {pid} comes with its private half ({member}): tell participant and authority",
        shown(kid.as_deref())
    )]
    PrivateKey {
        /// Whose.
        pid: Pid,
        /// Its id, if it has one.
        kid: Option<String>,
        /// The member that no public key has.
        member: &'static str,
    },
    /// An older set than the one that is held.
    #[error("the metadata set has the serial {serial}, the one that is held {held}: an old set was handed over")]
    Rollback {
        /// The serial of the new set.
        serial: u64,
        /// The serial of the one that is held.
        held: u64,
    },
    /// An older copy of the set that is held.
    #[error("the metadata set has the serial that is held ({serial}), but an earlier end: an old copy was handed over")]
    OlderCopy {
        /// The serial of both.
        serial: u64,
    },
    /// Two sets that cannot both be right.
    #[error("the metadata set has the serial that is held ({serial}), but another content: ask the authority")]
    OtherContent {
        /// The serial of both.
        serial: u64,
    },
    /// A set of somebody else, whose serials say nothing about those of the one that is held.
    #[error("the metadata set is by authority {authid}, the one that is held by {held}")]
    OtherAuthority {
        /// The pid of the authority of the new set.
        authid: Pid,
        /// That of the one that is held.
        held: Pid,
    },
}

impl MetadataError {
    /// A stable name for logs and metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "metadata_too_large",
            Self::Envelope(_) | Self::Form(_) | Self::Base64(_) | Self::Protected { .. } => "metadata_malformed",
            Self::NoTrustedSignature { .. } => "metadata_untrusted",
            Self::Signature { .. } | Self::Algorithm { .. } | Self::Forbidden { .. } => "metadata_signature",
            Self::Header { .. } | Self::Disagreement(_) => "metadata_header",
            Self::Expired { .. } => "metadata_expired",
            Self::Payload(_) | Self::NotAnArray | Self::Empty | Self::Participant { .. } => "metadata_payload",
            Self::DuplicatePid(_) | Self::DuplicateKid { .. } => "metadata_duplicate",
            Self::PrivateKey { .. } => "metadata_private_key",
            Self::Rollback { .. } | Self::OlderCopy { .. } => "metadata_rollback",
            Self::OtherContent { .. } => "metadata_other_content",
            Self::OtherAuthority { .. } => "metadata_other_authority",
        }
    }
}

fn list(signers: &[String]) -> String {
    if signers.is_empty() { "nobody with a name".to_owned() } else { format!("{signers:?}") }
}

fn pid_of(pid: Option<Pid>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (pid {pid})"))
}
