//! [`Request`]: one operation of the Participant Metadata API, asked for by somebody who proved who it is.

use crate::protocol::registry::operation::{Place, Verb};
use crate::store::Change;
use crate::store::register::ProofMark;
use crate::value::Pid;

use super::outcome::Etag;

/// What a participant asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks; that it is this participant was proven with one of its metadata keys.
    pub caller: Pid,
    /// What is to be done.
    pub verb: Verb,
    /// Where.
    pub place: &'a Place,
    /// What came along; empty if nothing did.
    pub body: &'a [u8],
    /// What the thing must still be, for PUT and DELETE. Elsewhere it is not looked at.
    pub if_match: Option<&'a IfMatch>,
    /// The proof that this request uses up, for everything but GET: it is remembered in one transaction with the change.
    pub proof: Option<ProofMark>,
    /// When, and who will stand in the audit trail.
    pub change: &'a Change,
}

/// What a thing must still be (RFC 9110 section 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: there at all.
    Any,
    /// One of these.
    OneOf(Vec<Etag>),
}
